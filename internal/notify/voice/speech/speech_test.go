package speech

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// TestBuiltin has every digit and every sentence of the list in both languages.
//
// cite: P-20, 47 CFR 64.2003(q)
func TestBuiltin(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	// Sentences with the carrier's name in them cannot be built in.
	if err := s.Check(t.Context(), "en", "es"); err == nil || !strings.Contains(err.Error(), "voice.speech.commands.en") {
		t.Errorf("nothing is missing: %v", err)
	}
	list, err := os.ReadFile("../../../../tools/speech/sentences.tsv")
	if err != nil {
		t.Fatal(err)
	}
	sounds := map[string]string{}
	for line := range strings.Lines(string(list) + "en\t0\nen\t1\nen\t2\nen\t3\nen\t4\nen\t5\nen\t6\nen\t7\nen\t8\nen\t9\nen\t*\nen\t#\nes\t0\nes\t1\nes\t9\n") {
		language, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		a, err := s.Say(t.Context(), language, "  "+strings.ReplaceAll(text, " ", "\n ")+" ")
		if err != nil || !s.Recorded(language, text) {
			t.Errorf("%s: %q has no recording: run go run ./tools/speech", language, text)
			continue
		}
		if len(a) < Rate/5 {
			t.Errorf("%s: %q lasts only %d samples", language, text, len(a))
		}
		if other, twice := sounds[string(a)]; twice {
			t.Errorf("%q sounds as %q", text, other)
		}
		sounds[string(a)] = text
	}
	// What nothing can say is an error, and not silence.
	for _, say := range [][2]string{{"en", "Nobody has recorded this."}, {"fr", "0"}, {"en", " "}} {
		if a, err := s.Say(t.Context(), say[0], say[1]); !errors.Is(err, ErrNotSpoken) || a != nil {
			t.Errorf("%q is said as %d samples, %v", say[1], len(a), err)
		}
	}
	if _, err := s.Digit("en", 'x'); !errors.Is(err, ErrNotSpoken) {
		t.Errorf("x is a digit: %v", err)
	}
	if err := s.Check(t.Context(), "fr"); err == nil || !strings.Contains(err.Error(), "voice.speech.recordings") {
		t.Errorf("French is spoken: %v", err)
	}
}

// TestTemplates has a recording of every sentence of a template that is always the same, so that a call speaks with one
// voice where it can.
func TestTemplates(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../../../policy/notices/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	sentences := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var n struct {
			Ways map[string]map[string]struct {
				Parts []struct{ Says string }
			}
		}
		if err := yaml.Unmarshal(text, &n); err != nil {
			continue // one of another form
		}
		for language, words := range n.Ways["voice"] {
			for _, part := range words.Parts {
				if part.Says == "" || strings.Contains(part.Says, "{") {
					continue
				}
				sentences++
				if !s.Recorded(language, part.Says) {
					t.Errorf("%s: %q has no recording: run go run ./tools/speech", name, part.Says)
				}
			}
		}
	}
	if sentences < 20 {
		t.Errorf("only %d sentences were found", sentences)
	}
}

// TestOwnRecordings go before those built in.
func TestOwnRecordings(t *testing.T) {
	folder := t.TempDir()
	own := FromPCM(make([]int16, 4000), Rate)
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("three.wav", own.WAV())
	write("index.tsv", []byte("# ours\n\nen\tthree.wav\t3\nfr\tthree.wav\tUn message pour vous.\n"))
	s, err := New(Config{Recordings: folder})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Digit("en", '3'); err != nil || !bytes.Equal(a, own) {
		t.Errorf("not our recording: %v", err)
	}
	if a, err := s.Say(t.Context(), "fr", "Un message  pour vous."); err != nil || !bytes.Equal(a, own) {
		t.Errorf("not our recording: %v", err)
	}
	if a, err := s.Digit("en", '4'); err != nil || len(a) == 0 {
		t.Errorf("what we have not recorded is not spoken: %v", err)
	}
	for name, index := range map[string]string{
		"line 1": "en three.wav 3\n", "line 2": "en\tthree.wav\t3\nen\tthree.wav\t 3 \n", "missing.wav": "en\tmissing.wav\t3\n", "index.tsv": "",
		"WAV": "en\tindex.tsv\t3\n", "outside": "en\t../three.wav\t3\n",
	} {
		if index == "" {
			if err := os.Remove(filepath.Join(folder, "index.tsv")); err != nil {
				t.Fatal(err)
			}
		} else {
			write("index.tsv", []byte(index))
		}
		if _, err := New(Config{Recordings: folder}); err == nil || name != "outside" && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCommand speaks what nobody has recorded, once for each sentence, and bounds what a program may take.
func TestCommand(t *testing.T) {
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		t.Fatal("espeak-ng is not installed: apt-get install espeak-ng, or run tools/setup.sh")
	}
	s, err := New(Config{Commands: map[string][]string{"en": {"espeak-ng", "--stdout", "-v", "en-us"}, "es": {"false"}, "fr": {"cat", "/dev/zero"}, "de": {"/nowhere/speak"}, "it": {"cat"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context(), "en"); err != nil {
		t.Error(err)
	}
	a, err := s.Say(t.Context(), "en", "This is a message from Lucid Telecom; $(rm -rf /) is not run.")
	if err != nil || len(a) < 2*Rate || len(a) > 10*Rate {
		t.Fatalf("%d samples, %v", len(a), err)
	}
	again, err := s.Say(t.Context(), "en", "This is a message from Lucid Telecom; $(rm -rf /) is not run.")
	if err != nil || &again[0] != &a[0] {
		t.Error("the sentence was made twice")
	}
	for language, want := range map[string]string{"es": "exit status 1", "fr": "more than fits", "de": "/nowhere/speak", "it": "WAV"} {
		a, err := s.Say(t.Context(), language, "secret words")
		if err == nil || a != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", language, err)
		}
		if errors.Is(err, ErrNotSpoken) {
			t.Errorf("%s: a program that fails is no sentence that cannot be spoken: %v", language, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	slow, err := New(Config{Commands: map[string][]string{"en": {"sleep", "2"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Say(ctx, "en", "slowly"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow program is waited for: %v", err)
	}
}

// TestKept bounds what is remembered.
func TestKept(t *testing.T) {
	k := newKept(100)
	for i := range 30 {
		k.put(entry{"en", string(rune('a' + i))}, make(Audio, 10))
		k.get(entry{"en", "a"}) // asked for again and again, it stays
	}
	if k.room < 0 || k.order.Len() != 10 || len(k.of) != 10 {
		t.Errorf("%d are kept, room for %d bytes", k.order.Len(), k.room)
	}
	if _, ok := k.get(entry{"en", "a"}); !ok {
		t.Error("what is asked for is forgotten")
	}
	if _, ok := k.get(entry{"en", "b"}); ok {
		t.Error("what nobody asks for is kept")
	}
}

// TestRates brings a tone from other rates to that of the telephone, and takes out what would be heard as another.
func TestRates(t *testing.T) {
	for _, rate := range []int{4000, 8000, 11025, 16000, 22050, 44100, 48000} {
		for hertz, want := range map[float64]bool{1000: true, 6000: false} {
			if hertz > float64(rate)/2 {
				continue
			}
			in := make([]int16, rate)
			for i := range in {
				in[i] = int16(10000 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))
			}
			if rate == 8000 && hertz > 4000 {
				continue
			}
			out := FromPCM(in, rate).PCM()
			if len(out) < Rate-2 || len(out) > Rate+2 {
				t.Errorf("a second at %d becomes %d samples", rate, len(out))
			}
			var sum float64
			for _, s := range out[500 : len(out)-500] {
				sum += float64(s) * float64(s)
			}
			loud := math.Sqrt(sum / float64(len(out)-1000))
			if heard := loud > 6000 && loud < 8000; heard != want || !want && loud > 300 {
				t.Errorf("%v Hz at %d is heard with %.0f", hertz, rate, loud)
			}
		}
	}
}

func wav(format, channels, bits, rate int, data []byte, size uint32) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(format))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	b = append(b, "LIST\x03\x00\x00\x00abc\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	return append(b, data...)
}

// TestWAV reads the kinds of files that recorders write.
func TestWAV(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want int
	}{
		"µ-law":            {wav(wavMuLaw, 1, 8, 8000, make([]byte, 100), 100), 100},
		"A-law":            {wav(wavALaw, 1, 8, 8000, make([]byte, 100), 100), 100},
		"8 bits":           {wav(wavPCM, 1, 8, 8000, make([]byte, 100), 100), 100},
		"stereo":           {wav(wavPCM, 2, 16, 8000, make([]byte, 400), 400), 100},
		"to a pipe":        {wav(wavPCM, 1, 16, 8000, make([]byte, 200), 0x7FFFF000), 100},
		"no sound":         {wav(wavPCM, 1, 16, 8000, nil, 0), -1},
		"24 bits":          {wav(wavPCM, 1, 24, 8000, make([]byte, 300), 300), -1},
		"floating":         {wav(3, 1, 32, 8000, make([]byte, 400), 400), -1},
		"no channel":       {wav(wavPCM, 0, 16, 8000, make([]byte, 200), 200), -1},
		"a rate of 0":      {wav(wavPCM, 1, 16, 0, make([]byte, 200), 200), -1},
		"something else":   {[]byte("<html>"), -1},
		"sound before fmt": {[]byte("RIFF\x00\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"), -1},
	} {
		a, err := ReadWAV(c.file)
		if c.want < 0 {
			if !errors.Is(err, ErrNotWAV) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || len(a) != c.want {
			t.Errorf("%s: %d samples, %v", name, len(a), err)
		}
	}
	a := Audio{1, 2, 3}
	if got, err := ReadWAV(a.WAV()); err != nil || !bytes.Equal(got, a) {
		t.Errorf("written and read again: %v, %v", got, err)
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(wav(wavPCM, 2, 16, 22050, make([]byte, 400), 400))
	f.Add(wav(wavMuLaw, 1, 8, 8000, make([]byte, 100), 1<<31))
	f.Add(Audio{1, 2, 3}.WAV())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := ReadWAV(b); err == nil && len(a) > 3*len(b)+1 {
			t.Errorf("%d bytes become %d", len(b), len(a))
		}
	})
}
