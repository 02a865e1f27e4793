package rules

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

// Changed gives the policy with files put in the place of those that bear their names, or beside them: rules, rights and
// dated numbers, by their paths such as rules/05-marketing.cedar. What is wrong with it is as in Load.
//
// cite: P-01
func (s *Set) Changed(changed map[string][]byte) (*Set, error) {
	archive := txtar.Parse(s.source)
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if !Changeable(name) {
			return nil, wrong("%q is no file of rules, rights or dated numbers: name one such as rules/05-marketing.cedar, rights/01-rights.cedar or profiles/cpni-core.yaml", name)
		}
		text := changed[name]
		if len(bytes.TrimSpace(text)) == 0 {
			return nil, wrong("%s is empty; a file is changed, never taken away", name)
		}
		if bytes.HasPrefix(text, []byte("-- ")) || bytes.Contains(text, []byte("\n-- ")) {
			return nil, wrong("%s has a line that begins with two hyphens and a blank; write it in another way", name)
		}
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: text})
	}
	files, err := txtar.FS(archive)
	if err != nil {
		return nil, wrong("%v", err)
	}
	return Load(files)
}

// Changeable reports whether a file of the policy may be changed while it is in force.
func Changeable(name string) bool {
	folder, file := path.Split(name)
	if !fs.ValidPath(name) || strings.HasPrefix(file, ".") || strings.ContainsAny(file, "\\\n") || len(name) > 100 {
		return false
	}
	switch folder {
	case "rules/", rightsFolder:
		return path.Ext(file) == ".cedar"
	case "profiles/":
		return path.Ext(file) == ".yaml"
	}
	return name == switchesFile
}

// Files gives the files of the policy by their paths.
func (s *Set) Files() map[string][]byte {
	all := map[string][]byte{}
	for _, f := range txtar.Parse(s.source).Files {
		all[f.Name] = f.Data
	}
	return all
}

// Since gives the files that s has otherwise than before, or besides.
func (s *Set) Since(before *Set) map[string][]byte {
	all, was := s.Files(), before.Files()
	maps.DeleteFunc(all, func(name string, text []byte) bool { return bytes.Equal(text, was[name]) })
	return all
}
