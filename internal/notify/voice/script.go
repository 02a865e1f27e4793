package voice

import (
	"context"
	"errors"
	"strings"
	"time"

	"ringfence/internal/notify"
	"ringfence/internal/notify/voice/speech"
)

// part is a part of what a call says, as sound.
type part struct {
	words  speech.Audio
	once   int          // how much of words says everything once
	ask    speech.Audio // for the key
	key    rune         // 0: none is asked for
	secret bool         // not for a machine
}

// Pauses of a call.
const (
	betweenParts  = 400 * time.Millisecond
	betweenDigits = 350 * time.Millisecond
	beforeAgain   = 1200 * time.Millisecond
)

// pressPlease stands before the name of a key; there are recordings of it.
var pressPlease = map[string]string{"en": "Please press", "es": "Por favor, marque"}

// errSaysNothing is a piece without a word in it.
var errSaysNothing = errors.New("the message says nothing in a call: its template needs spoken parts")

// script makes sound of what a piece says. All of it is there before anybody's telephone rings.
//
// cite: P-20, 47 CFR 64.2003(q)
func script(ctx context.Context, s *speech.Speech, piece notify.Piece) ([]part, error) {
	var all []part
	for _, spoken := range piece.Spoken {
		p := part{secret: spoken.NotOnMachine}
		if strings.TrimSpace(spoken.Text) != "" {
			a, err := s.Say(ctx, piece.Language, spoken.Text)
			if err != nil {
				return nil, err
			}
			p.words = append(p.words, a...)
			p.once = len(p.words)
		}
		if spoken.Digits != "" {
			for again := range 2 {
				for i, digit := range spoken.Digits {
					a, err := s.Digit(piece.Language, digit)
					if err != nil {
						return nil, err
					}
					switch {
					case grouped(i, len(spoken.Digits)):
						p.words = append(p.words, silence(2*betweenDigits)...)
					case i > 0:
						p.words = append(p.words, silence(betweenDigits)...)
					case again > 0:
						p.words = append(p.words, silence(beforeAgain)...)
					case len(p.words) > 0:
						p.words = append(p.words, silence(betweenParts)...)
					}
					p.words = append(p.words, a...)
				}
				if again == 0 {
					p.once = len(p.words)
				}
			}
		}
		if spoken.Key != "" {
			please, ok := pressPlease[piece.Language]
			if !ok || len(spoken.Key) != 1 {
				return nil, speech.ErrNotSpoken
			}
			ask, err := s.Say(ctx, piece.Language, please)
			if err != nil {
				return nil, err
			}
			p.key = rune(spoken.Key[0])
			name, err := s.Digit(piece.Language, p.key)
			if err != nil {
				return nil, err
			}
			p.ask = append(append(silence(betweenParts), ask...), append(silence(betweenParts/4), name...)...)
		}
		if len(p.words)+len(p.ask) > 0 {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil, errSaysNothing
	}
	return all, nil
}

// grouped says whether a number is read with a longer pause before digit i: telephone numbers as 3-3-4, others by halves.
func grouped(i, n int) bool {
	if n == 10 {
		return i == 3 || i == 6
	}
	return n >= 6 && i == n/2
}

// lasts is how long a script takes when every key is pressed at once.
func lasts(parts []part) time.Duration {
	n := 0
	for _, p := range parts {
		n += len(p.words) + len(p.ask)
	}
	return time.Duration(n)*time.Second/speech.Rate + time.Duration(len(parts))*betweenParts
}

func silence(d time.Duration) speech.Audio {
	a := make(speech.Audio, int(d*speech.Rate/time.Second))
	for i := range a {
		a[i] = 0xFF
	}
	return a
}
