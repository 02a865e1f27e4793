package speech

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"strings"
)

// entry is what a recording says, in which language.
type entry struct{ language, text string }

// book holds recordings.
type book map[entry]Audio

// indexName is the file of a folder that says what its recordings say: a line for each, language, file and text with
// tabs between them. Empty lines and those that begin with # are left out.
const indexName = "index.tsv"

// readBook reads a folder of recordings.
func readBook(folder fs.FS) (book, error) {
	index, err := fs.ReadFile(folder, indexName)
	if err != nil {
		return nil, fmt.Errorf("a folder of recordings needs a file %s with lines of language, file and text, tabs between them: %w", indexName, err)
	}
	b := book{}
	lines := bufio.NewScanner(bytes.NewReader(index))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 3 || plain(fields[2]) == "" {
			return nil, fmt.Errorf("%s, line %d: write language, file and text with one tab between them", indexName, n)
		}
		key := entry{fields[0], plain(fields[2])}
		if _, twice := b[key]; twice {
			return nil, fmt.Errorf("%s, line %d: this text has a recording above", indexName, n)
		}
		file, err := fs.ReadFile(folder, fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", indexName, n, err)
		}
		if b[key], err = ReadWAV(file); err != nil {
			return nil, fmt.Errorf("%s: %w", fields[1], err)
		}
	}
	return b, lines.Err()
}
