package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ringfence/internal/export"
	"ringfence/internal/server"
)

type watermarkCommand struct {
	configured
	Export string `placeholder:"ID" help:"Tell only of this export."`
}

// mostLeaked bounds what is read of a copy, in bytes.
const mostLeaked = 1 << 30

// Run reads a copy of a file for a partner from standard input, and tells from which exports the references in it come.
//
// cite: P-41, 47 CFR 64.2009(c)
func (c *watermarkCommand) Run(ctx context.Context, s streams) error {
	words := bufio.NewScanner(io.LimitReader(s.in, mostLeaked))
	words.Buffer(make([]byte, 64<<10), 1<<20)
	words.Split(bufio.ScanLines)
	seen := map[string]bool{}
	for words.Scan() {
		for _, w := range strings.FieldsFunc(words.Text(), func(r rune) bool { return strings.ContainsRune(",;\t \"'|", r) }) {
			if len(w) == export.MarkLength {
				seen[w] = true
			}
		}
	}
	if err := words.Err(); err != nil {
		return fmt.Errorf("reading the copy: %w", err)
	}
	all := make([]string, 0, len(seen))
	for w := range seen {
		all = append(all, w)
	}
	return c.with(ctx, func(o *server.Opened) error {
		found, tried, err := o.Exports.Trace(ctx, all)
		if err != nil {
			return err
		}
		told := 0
		for _, f := range found {
			if c.Export != "" && string(f.Export.ID) != c.Export {
				continue
			}
			told++
			fmt.Fprintf(s.out, "%s: %d references; for %s, %q, %d rows, fetched %s\n", f.Export.ID, f.Marks, f.Export.Spec.Partner, f.Export.Spec.Title, f.Export.Rows, stamped(f.Export.Fetched))
		}
		if told == 0 {
			return errors.New("no reference of an export is among what was read; " + fmt.Sprint(tried) + " words have the form of one")
		}
		return nil
	})
}

func stamped(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}
