package speech

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/zaf/g711"
)

// ErrNotWAV is a file that is not a WAV file of a kind that is read here.
var ErrNotWAV = errors.New("not a WAV file in PCM with 8 or 16 bits, µ-law or A-law, at 4,000 to 192,000 samples a second")

// The codes of a WAV file for how its samples are written.
const (
	wavPCM        = 1
	wavALaw       = 6
	wavMuLaw      = 7
	wavExtensible = 0xFFFE
)

// ReadWAV makes Audio of a WAV file. Several channels are mixed, and another rate is brought to that of the telephone. A
// file that ends before the length that it gives is read as far as it goes: a program that writes to a pipe cannot know.
func ReadWAV(file []byte) (Audio, error) {
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return nil, ErrNotWAV
	}
	var format, channels, bits, rate int
	for rest := file[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:8]))
		rest = rest[8:]
		body := rest[:min(size, len(rest))]
		switch name {
		case "fmt ":
			if len(body) < 16 {
				return nil, ErrNotWAV
			}
			format, channels = int(binary.LittleEndian.Uint16(body)), int(binary.LittleEndian.Uint16(body[2:]))
			rate, bits = int(binary.LittleEndian.Uint32(body[4:])), int(binary.LittleEndian.Uint16(body[14:]))
			if format == wavExtensible && len(body) >= 26 {
				format = int(binary.LittleEndian.Uint16(body[24:]))
			}
		case "data":
			samples, err := samplesOf(body, format, channels, bits)
			if err != nil {
				return nil, err
			}
			if rate < 4000 || rate > 192000 {
				return nil, ErrNotWAV
			}
			return FromPCM(samples, rate), nil
		}
		rest = rest[min(size+size&1, len(rest)):]
	}
	return nil, ErrNotWAV
}

// samplesOf reads linear samples, the mean of all channels.
func samplesOf(body []byte, format, channels, bits int) ([]int16, error) {
	var one func(b []byte) int
	wide := 1
	switch {
	case format == wavPCM && bits == 16:
		wide, one = 2, func(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b))) }
	case format == wavPCM && bits == 8:
		one = func(b []byte) int { return (int(b[0]) - 128) << 8 }
	case format == wavMuLaw && bits == 8:
		one = func(b []byte) int { return int(g711.DecodeUlawFrame(b[0])) }
	case format == wavALaw && bits == 8:
		one = func(b []byte) int { return int(g711.DecodeAlawFrame(b[0])) }
	default:
		return nil, ErrNotWAV
	}
	if channels < 1 || channels > 8 {
		return nil, ErrNotWAV
	}
	samples := make([]int16, 0, len(body)/(wide*channels))
	for ; len(body) >= wide*channels; body = body[wide*channels:] {
		sum := 0
		for c := range channels {
			sum += one(body[wide*c:])
		}
		samples = append(samples, int16(sum/channels))
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("no sound in it: %w", ErrNotWAV)
	}
	return samples, nil
}

// taps is how many samples of the slower side stand on each side of one in the filter that changes rates.
const taps = 16

// FromPCM makes Audio of linear samples at a rate in hertz. What lies above half of the telephone's rate is taken out
// first, for it would be heard as another tone.
func FromPCM(samples []int16, rate int) Audio {
	if rate == Rate {
		a := make(Audio, len(samples))
		for i, s := range samples {
			a[i] = g711.EncodeUlawFrame(s)
		}
		return a
	}
	step := float64(rate) / Rate
	slow := max(step, 1) // by how much the filter is stretched
	half := taps * slow
	a := make(Audio, int(float64(len(samples))/step))
	for i := range a {
		at := float64(i) * step
		var sum, weight float64
		for j := max(int(math.Ceil(at-half)), 0); j <= min(int(at+half), len(samples)-1); j++ {
			x := (float64(j) - at) / slow
			w := sinc(x) * (0.5 + 0.5*math.Cos(math.Pi*x/taps))
			sum, weight = sum+w*float64(samples[j]), weight+w
		}
		if weight != 0 {
			sum /= weight
		}
		a[i] = g711.EncodeUlawFrame(int16(max(math.MinInt16, min(math.MaxInt16, sum))))
	}
	return a
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// WAV writes Audio as a file that every player reads.
func (a Audio) WAV() []byte {
	b := make([]byte, 0, 58+len(a)+1)
	u16 := func(v int) { b = binary.LittleEndian.AppendUint16(b, uint16(v)) }
	u32 := func(v int) { b = binary.LittleEndian.AppendUint32(b, uint32(v)) }
	b = append(b, "RIFF"...)
	u32(50 + len(a) + len(a)&1)
	b = append(b, "WAVEfmt "...)
	u32(18)
	u16(wavMuLaw)
	u16(1)
	u32(Rate)
	u32(Rate)
	u16(1)
	u16(8)
	u16(0)
	b = append(b, "fact"...)
	u32(4)
	u32(len(a))
	b = append(b, "data"...)
	u32(len(a))
	b = append(b, a...)
	if len(a)&1 == 1 {
		b = append(b, 0)
	}
	return b
}

// PCM is Audio as linear samples.
func (a Audio) PCM() []int16 {
	s := make([]int16, len(a))
	for i, v := range a {
		s[i] = g711.DecodeUlawFrame(v)
	}
	return s
}
