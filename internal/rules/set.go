package rules

import (
	"io/fs"
)

// Set is a loaded policy: clauses, rules with their schema, and dated numbers. It is safe for concurrent use.
type Set struct{}

func Load(policy fs.FS) (*Set, error) { return &Set{}, nil }
func (s *Set) Version() string { return "" }
func (s *Set) Source() []byte { return nil }
func Unpack(source []byte) (fs.FS, error) { return nil, nil }
func (s *Set) With(name string, cedar []byte) (*Set, error) { return s, nil }
func (s *Set) Decide(f Facts) Decision { return Decision{} }
func (s *Set) Ways(f Facts) [][]Way { return nil }
func (s *Set) Explain(f Facts) Decision { return Decision{} }
func (s *Set) Profiles() *Profiles { return nil }
func (s *Set) Clauses() []Clause { return nil }
