// Speech makes the recordings that are built into the program: of the digits, of what the templates in policy/notices say
// in calls, and of lines of language, a tab and a sentence:
//
//	go run ./tools/speech -notices policy/notices -from tools/speech/sentences.tsv -to internal/notify/voice/speech/builtin
//
// A sentence with a token in it, such as {carrier}, is left out: a command speaks it when it is known.
//
// It speaks with espeak-ng (Debian: espeak-ng), whose voices may be used for any purpose. Each recording is a WAV file in
// µ-law, and index.tsv says what each of them says. Of one list and one version of espeak-ng the same files come, byte for
// byte. A carrier that has a voice of its own records the same list and names the folder in voice.speech.recordings.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"ringfence/internal/notify/voice/speech"
)

// voices are those of espeak-ng, by language.
var voices = map[string][]string{"en": {"-v", "en-us", "-s", "150"}, "es": {"-v", "es-419", "-s", "150"}}

// names are how digits and the other keys are called, by language.
var names = map[string]map[string]string{
	"en": {"0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine", "*": "star", "#": "pound"},
	"es": {"0": "cero", "1": "uno", "2": "dos", "3": "tres", "4": "cuatro", "5": "cinco", "6": "seis", "7": "siete", "8": "ocho", "9": "nueve", "*": "asterisco", "#": "numeral"},
}

func main() {
	notices := flag.String("notices", "policy/notices", "the folder of the templates; empty: none")
	from := flag.String("from", "tools/speech/sentences.tsv", "the list: language, a tab, and the sentence; - reads it from standard input")
	to := flag.String("to", "internal/notify/voice/speech/builtin", "the folder that the recordings go to; its recordings are replaced")
	flag.Parse()
	if err := record(*notices, *from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "speech:", err)
		os.Exit(1)
	}
}

func record(notices, from, to string) error {
	list, err := read(notices, from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(to, "*.wav"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	var index strings.Builder
	index.WriteString("# Made by: go run ./tools/speech -notices " + notices + " -from " + from + " -to " + to + "\n")
	for _, l := range list {
		a, err := say(l)
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(l[0] + "\x00" + l[1]))
		name := l[0] + "-" + hex.EncodeToString(sum[:6]) + ".wav"
		if err := os.WriteFile(filepath.Join(to, name), a.WAV(), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&index, "%s\t%s\t%s\n", l[0], name, l[1])
	}
	return os.WriteFile(filepath.Join(to, "index.tsv"), []byte(index.String()), 0o644)
}

// read reads templates and the list; the digits of each language stand before them.
func read(notices, from string) ([][2]string, error) {
	var list [][2]string
	for _, language := range slices.Sorted(maps.Keys(names)) {
		for _, digit := range slices.Sorted(maps.Keys(names[language])) {
			list = append(list, [2]string{language, digit})
		}
	}
	said, err := ofNotices(notices)
	if err != nil {
		return nil, err
	}
	list = append(list, said...)
	file := os.Stdin
	if from != "-" {
		if file, err = os.Open(from); err != nil {
			return nil, err
		}
		defer file.Close()
	}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		language, text, ok := strings.Cut(lines.Text(), "\t")
		text = strings.Join(strings.Fields(text), " ")
		if _, known := voices[language]; !ok || !known || text == "" {
			return nil, fmt.Errorf("%s, line %d: write en or es, a tab, and a sentence", from, n)
		}
		if l := [2]string{language, text}; !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list, lines.Err()
}

// notice is what a template says in calls, by language.
type notice struct {
	Ways struct {
		Voice map[string]struct {
			Parts []struct {
				Says string `yaml:"says"`
			} `yaml:"parts"`
		} `yaml:"voice"`
	} `yaml:"ways"`
}

// ofNotices are the sentences of the templates that are always the same.
func ofNotices(folder string) ([][2]string, error) {
	if folder == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var list [][2]string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var n notice
		if err := yaml.Unmarshal(text, &n); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, language := range slices.Sorted(maps.Keys(n.Ways.Voice)) {
			if _, known := voices[language]; !known {
				return nil, fmt.Errorf("%s: there is no voice for language %q", name, language)
			}
			for _, part := range n.Ways.Voice[language].Parts {
				l := [2]string{language, strings.Join(strings.Fields(part.Says), " ")}
				if l[1] != "" && !strings.Contains(l[1], "{") && !slices.Contains(list, l) {
					list = append(list, l)
				}
			}
		}
	}
	return list, nil
}

func say(l [2]string) (speech.Audio, error) {
	text := l[1]
	if name, ok := names[l[0]][text]; ok {
		text = name
	}
	run := exec.CommandContext(context.Background(), "espeak-ng", append(voices[l[0]], "--stdout")...)
	run.Stdin = strings.NewReader(text)
	out, err := run.Output()
	if err != nil {
		return nil, fmt.Errorf("espeak-ng (Debian: espeak-ng) says %q: %w", text, err)
	}
	a, err := speech.ReadWAV(out)
	if err != nil {
		return nil, err
	}
	return trim(a), nil
}

// quiet is below what a voice has in linear samples.
const quiet = 200

// trim takes the silence off both ends but for a little, so that digits follow each other evenly.
func trim(a speech.Audio) speech.Audio {
	samples := a.PCM()
	loud := func(s int16) bool { return s > quiet || s < -quiet }
	first := slices.IndexFunc(samples, loud)
	if first < 0 {
		return a
	}
	last := len(samples) - 1
	for !loud(samples[last]) {
		last--
	}
	const margin = speech.Rate / 25
	return a[max(first-margin, 0):min(last+margin, len(a))]
}
