// Package speech finds how a sentence or a digit sounds on a telephone line: in the carrier's own recordings, in those
// that are built in, or from a command that synthesises it. What cannot be spoken is an error, never silence.
//
// A code is put together from recordings of single digits and never reaches the command: nothing but this program learns
// it.
//
// cite: P-20, 47 CFR 64.2003(q)
package speech

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/singleflight"
)

// Audio is sound as it travels on a telephone line: G.711 µ-law, 8,000 samples a second, one channel.
type Audio []byte

// Rate is how many samples, and bytes of Audio, make a second.
const Rate = 8000

// Config says where speech comes from; empty: the built-in recordings alone.
type Config struct {
	// Recordings is a folder of the carrier's own recordings with an index.tsv; they go before those built in.
	Recordings string `yaml:"recordings"`
	// Commands synthesise what no recording says, by language: a program and its arguments. It gets the sentence on its
	// standard input and writes a WAV file to its standard output.
	Commands map[string][]string `yaml:"commands"`
}

// ErrNotSpoken is what neither a recording nor a command can say.
var ErrNotSpoken = errors.New("there is neither a recording nor a command that says this")

//go:embed builtin
var builtin embed.FS

// Speech finds recordings and makes what is missing.
type Speech struct {
	books    []book // in the order in which they are asked
	commands map[string][]string
	kept     *kept
	making   singleflight.Group
	room     chan struct{} // bounds how many commands run at once
}

// atOnce is how many commands run at once, beside the calls that go on.
const atOnce = 2

// New reads the recordings.
func New(c Config) (*Speech, error) {
	s := &Speech{commands: c.Commands, kept: newKept(keptBytes), room: make(chan struct{}, atOnce)}
	if c.Recordings != "" {
		b, err := readBook(os.DirFS(c.Recordings))
		if err != nil {
			return nil, fmt.Errorf("voice.speech.recordings: %w", err)
		}
		s.books = append(s.books, b)
	}
	own, err := fs.Sub(builtin, "builtin")
	if err != nil {
		return nil, err
	}
	b, err := readBook(own)
	if err != nil {
		return nil, fmt.Errorf("reading the built-in recordings: %w", err)
	}
	s.books = append(s.books, b)
	for language, command := range c.Commands {
		if len(command) == 0 || command[0] == "" {
			return nil, fmt.Errorf("voice.speech.commands.%s names no program: write for instance [espeak-ng, --stdout, -v, es-419]", language)
		}
	}
	return s, nil
}

// Recorded says whether a recording has text; one needs neither time nor a program to be spoken.
func (s *Speech) Recorded(language, text string) bool {
	key := entry{language, plain(text)}
	return slices.ContainsFunc(s.books, func(b book) bool { _, ok := b[key]; return ok })
}

// Say is how text sounds in a language. ErrNotSpoken: nothing can say it.
func (s *Speech) Say(ctx context.Context, language, text string) (Audio, error) {
	key := entry{language, plain(text)}
	if key.text == "" {
		return nil, fmt.Errorf("an empty sentence: %w", ErrNotSpoken)
	}
	for _, b := range s.books {
		if a, ok := b[key]; ok {
			return a, nil
		}
	}
	command, ok := s.commands[language]
	if !ok {
		return nil, fmt.Errorf("a sentence in language %q: %w", language, ErrNotSpoken)
	}
	if a, ok := s.kept.get(key); ok {
		return a, nil
	}
	// Two calls that say the same wait for one program; whoever gives up does not take it from the other.
	made := s.making.DoChan(language+"\x00"+key.text, func() (any, error) {
		s.room <- struct{}{}
		defer func() { <-s.room }()
		a, err := synthesise(context.WithoutCancel(ctx), command, key.text)
		if err == nil {
			s.kept.put(key, a)
		}
		return a, err
	})
	select {
	case r := <-made:
		if r.Err != nil {
			return nil, fmt.Errorf("voice.speech.commands.%s: %w", language, r.Err)
		}
		return r.Val.(Audio), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Digit is how a digit from 0 to 9, * or # sounds. There are recordings of each in every language that is spoken.
func (s *Speech) Digit(language string, digit rune) (Audio, error) {
	key := entry{language, string(digit)}
	for _, b := range s.books {
		if a, ok := b[key]; ok {
			return a, nil
		}
	}
	return nil, fmt.Errorf("a digit in language %q: %w", language, ErrNotSpoken)
}

// Check says what would keep calls in a language from being spoken: a digit without a recording, or a command that fails.
func (s *Speech) Check(ctx context.Context, languages ...string) error {
	for _, language := range languages {
		for _, digit := range "0123456789" {
			if _, err := s.Digit(language, digit); err != nil {
				return fmt.Errorf("the digit %c cannot be said in language %q: add a recording of it to voice.speech.recordings", digit, language)
			}
		}
		command, ok := s.commands[language]
		switch {
		case !ok && len(s.books) == 1:
			return fmt.Errorf("nothing can say sentences with the carrier's name in them in language %q: write voice.speech.commands.%s, such as [espeak-ng, --stdout, -v, %s], or name your own recordings in voice.speech.recordings", language, language, language)
		case !ok:
			continue
		}
		if _, err := synthesise(ctx, command, trial); err != nil {
			return fmt.Errorf("voice.speech.commands.%s: %w", language, err)
		}
	}
	return nil
}

// trial is a word that a command can say in any language.
const trial = "radio"

// plain writes a sentence as recordings are looked up by: with single blanks.
func plain(text string) string { return strings.Join(strings.Fields(text), " ") }
