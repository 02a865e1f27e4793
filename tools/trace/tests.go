package main

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// tests writes, for every clause, the tests and scenarios that cite it: clause, kind, name and file, in the order in which
// they sort. Lines of files are left out, so that the list changes only with what it lists.
//
// cite: P-55
func tests(out io.Writer, root fs.FS) error {
	cites, _, err := collect(root)
	if err != nil {
		return err
	}
	var lines []string
	for _, c := range cites {
		if c.Kind == Test || c.Kind == Scenario {
			lines = append(lines, strings.Join([]string{c.Clause, string(c.Kind), strings.ReplaceAll(c.Name, "\t", " "), c.Path}, "\t"))
		}
	}
	slices.Sort(lines)
	for _, l := range slices.Compact(lines) {
		if _, err := fmt.Fprintln(out, l); err != nil {
			return err
		}
	}
	return nil
}
