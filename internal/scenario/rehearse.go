package scenario

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"ringfence/internal/office"
	"ringfence/internal/rules"
)

// ReadFS reads every file of stories in a file system; the error tells all that is wrong with all of them.
func ReadFS(stories fs.FS) ([]*File, error) {
	var files []*File
	var wrong []error
	err := fs.WalkDir(stories, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			return err
		}
		text, err := fs.ReadFile(stories, name)
		if err == nil && len(text) > mostBytes {
			err = fmt.Errorf("%s has more than %d bytes", name, mostBytes)
		}
		if err != nil {
			return err
		}
		f, err := Read(name, text)
		if err != nil {
			wrong = append(wrong, err)
			return nil
		}
		files = append(files, f)
		return nil
	})
	return files, errors.Join(append(wrong, err)...)
}

// Rehearse tells the stories of all folders under a policy that is not in force, each on a fresh instance in memory that
// nobody else sees: nothing is released, and the office's own records stay as they are.
//
// cite: P-01
func Rehearse(folders ...fs.FS) office.Rehearse {
	return func(ctx context.Context, policy *rules.Set, heard func()) (office.Rehearsal, error) {
		var out office.Rehearsal
		var files []*File
		for _, folder := range folders {
			more, err := ReadFS(folder)
			if err != nil {
				return out, fmt.Errorf("reading the scenarios: %w", err)
			}
			files = append(files, more...)
		}
		as, err := rules.Unpack(policy.Source())
		if err != nil {
			return out, err
		}
		all, err := Run(ctx, files, Options{Policy: as, Told: func(o Outcome) { heard() }})
		if err != nil {
			return out, err
		}
		out.Clauses = map[string]office.Told{}
		for _, o := range all {
			if o.OK {
				out.Passed++
			} else {
				out.Failed = append(out.Failed, o.Text())
			}
			for _, cite := range o.Cites {
				if !strings.HasPrefix(cite, "P-") {
					continue
				}
				t := out.Clauses[cite]
				if o.OK {
					t.Passed++
				} else {
					t.Failed++
				}
				out.Clauses[cite] = t
			}
		}
		return out, nil
	}
}
