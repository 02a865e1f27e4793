package voice

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"ringfence/internal/notify/voice/speech"
)

// noisy lays hiss of a level under sound.
func noisy(s []int16, level float64) []int16 {
	r := rand.New(rand.NewPCG(1, 2))
	loud := 32767 * math.Pow(10, level/20) * 1.2
	out := make([]int16, len(s))
	for i, v := range s {
		out[i] = int16(max(-32767, min(32767, float64(v)+loud*(r.Float64()*2-1))))
	}
	return out
}

// weaker is sound that a line has made quieter by so many decibels.
func weaker(s []int16, db float64) []int16 {
	out := make([]int16, len(s))
	for i, v := range s {
		out[i] = int16(float64(v) * math.Pow(10, -db/20))
	}
	return out
}

// TestEar is the rule by which a machine is told from a person.
//
// cite: P-20, P-25, 47 CFR 64.2010(f)(2)
func TestEar(t *testing.T) {
	word, long := voiceOf(t, "en", "9"), words(voiceOf(t, "en", sentence), stillness(300*time.Millisecond), voiceOf(t, "en", warning))
	wait := stillness(2 * time.Second)
	ring := func(a, b float64) []int16 {
		s := beep(a, time.Second)
		for i, v := range beep(b, time.Second) {
			s[i] = s[i]/2 + v/2
		}
		return s
	}
	for name, c := range map[string]struct {
		sound []int16
		want  who
	}{
		"a word":                       {words(wait[:4000], word, wait), person},
		"a word at once":               {words(word, wait), person},
		"a word on a noisy line":       {noisy(words(wait[:4000], word, wait), -55), person},
		"a quiet word":                 {weaker(words(wait[:4000], word, wait), 14), person},
		"two words":                    {words(wait[:4000], word, wait[:3000], word, wait), person},
		"a word after two seconds":     {words(wait, word, wait), person},
		"a long greeting":              {words(wait[:4000], long), machine},
		"a long greeting in noise":     {noisy(words(wait[:4000], long), -50), machine},
		"a beep":                       {words(wait[:4000], beep(1000, 300*time.Millisecond)), machine},
		"a low beep":                   {words(wait[:4000], beep(425, 300*time.Millisecond)), machine},
		"a high beep in noise":         {noisy(words(wait[:4000], beep(2100, 300*time.Millisecond)), -40), machine},
		"a quiet beep":                 {weaker(words(wait[:4000], beep(950, 300*time.Millisecond)), 18), machine},
		"a click":                      {words(wait[:4000], beep(1000, 30*time.Millisecond), stillness(4*time.Second)), nobody},
		"silence":                      {stillness(4 * time.Second), nobody},
		"hiss":                         {noisy(stillness(4*time.Second), -48), nobody},
		"a word, then a beep":          {words(word, wait, beep(1000, 300*time.Millisecond)), machine},
		"a word, then a long sentence": {words(word, wait, long), machine},
		"silence, then a word":         {words(stillness(4*time.Second), word, wait), person},
		"a tone of two, long":          {words(wait[:4000], ring(480, 620), ring(480, 620), ring(480, 620)), machine}, // of a busy line; nobody speaks
	} {
		e := newEar()
		e.open()
		for s := c.sound; len(s) >= frameSamples; s = s[frameSamples:] {
			e.hear(s[:frameSamples])
		}
		if e.is() != c.want {
			t.Errorf("%s is heard as %d, not %d", name, e.is(), c.want)
		}
	}
}

// TestVoicesAreNoBeeps lets nobody take a voice for a beep, or a code would be kept from people.
func TestVoicesAreNoBeeps(t *testing.T) {
	for _, language := range []string{"en", "es"} {
		for _, digit := range "0123456789" {
			e := newEar()
			e.open()
			for s := words(voiceOf(t, language, string(digit)), stillness(time.Second)); len(s) >= frameSamples; s = s[frameSamples:] {
				e.hear(s[:frameSamples])
			}
			if e.is() != person {
				t.Errorf("the word %c in %s is heard as %d", digit, language, e.is())
			}
		}
	}
}

// TestEcho speaks to a line that gives back what it hears, twelve decibels quieter: that is not the customer.
func TestEcho(t *testing.T) {
	e := newEar()
	e.open()
	for s := words(voiceOf(t, "en", "9"), stillness(time.Second)); len(s) >= frameSamples; s = s[frameSamples:] {
		e.hear(s[:frameSamples])
	}
	ours := words(voiceOf(t, "en", sentence), voiceOf(t, "en", warning), voiceOf(t, "en", sentence))
	echo := weaker(words(stillness(60*time.Millisecond), ours), 15)
	for at := 0; at+frameSamples <= len(ours); at += frameSamples {
		e.spoke(levelOf(ours[at : at+frameSamples]))
		e.hear(echo[at : at+frameSamples])
	}
	if e.is() != person {
		t.Errorf("our echo is heard as %d", e.is())
	}
}

// TestToneOf measures frequencies.
func TestToneOf(t *testing.T) {
	for _, want := range []float64{400, 440, 800, 1000, 1400, 2000, 2500} {
		got, pure := toneOf(beep(want, frameTime))
		if !pure || math.Abs(got-want) > 5 {
			t.Errorf("%v Hz is measured as %v, pure: %v", want, got, pure)
		}
	}
	if _, pure := toneOf(noisy(stillness(frameTime), -20)); pure {
		t.Error("noise is a tone")
	}
	if level := levelOf(speech.Audio{0xFF, 0xFF}.PCM()); level > -90 {
		t.Errorf("silence has a level of %v", level)
	}
}
