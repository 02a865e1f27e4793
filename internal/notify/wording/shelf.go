package wording

import (
	"fmt"
	"sync"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// EditionToken is the token of a message that names the edition by which a notice is written.
const EditionToken = "edition"

// mostOpen is how many editions a shelf keeps open.
const mostOpen = 64

// Shelf writes messages as the book does, and notices by the edition that their tokens name. An edition is read once, however many
// messages are written by it. It is safe for concurrent use.
//
// cite: P-02, P-27, P-58
type Shelf struct {
	*Book
	load func(version string) ([]byte, error)

	mu    sync.RWMutex
	open  map[string]*Edition
	order []string // oldest first
}

// NewShelf makes a shelf. load gives the source of an edition as Edition.Source gave it; nil, nil: there is none.
func NewShelf(b *Book, load func(version string) ([]byte, error)) *Shelf {
	return &Shelf{Book: b, load: load, open: map[string]*Edition{}}
}

// Edition gives an edition by its version. A source that makes another version is refused.
func (s *Shelf) Edition(version string) (*Edition, error) {
	s.mu.RLock()
	e, ok := s.open[version]
	s.mu.RUnlock()
	if ok {
		return e, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.open[version]; ok {
		return e, nil
	}
	source, err := s.load(version)
	if err != nil {
		return nil, fmt.Errorf("reading the edition of a notice: %w", err)
	}
	if source == nil {
		return nil, cpni.Rejected(codeKind, "there is no such edition of a notice", []string{"P-02"}, "make the edition first")
	}
	if e, err = ParseEdition(source); err != nil {
		return nil, err
	}
	if e.version != version {
		return nil, fmt.Errorf("the edition of a notice that is kept under %s is another", version)
	}
	if len(s.order) == mostOpen {
		delete(s.open, s.order[0])
		s.order = s.order[1:]
	}
	s.open[version], s.order = e, append(s.order, version)
	return e, nil
}

// Write puts a message into words; a notice by its edition, and not without one.
//
// cite: P-02, P-27, V54, 47 CFR 64.2008(c)(3)
func (s *Shelf) Write(kind string, via cpni.Via, language string, tokens map[string]string) (notify.Words, error) {
	if !isNotice(kind) {
		return s.Book.Write(kind, via, language, tokens)
	}
	version := tokens[EditionToken]
	if version == "" {
		return notify.Words{}, cpni.Rejected(codeKind, "a notice is written by an edition, and the message names none", []string{"P-02", "P-27"}, "plan it with the edition's version")
	}
	e, err := s.Edition(version)
	if err != nil {
		return notify.Words{}, err
	}
	if e.doc.Kind != kind {
		return notify.Words{}, cpni.Rejected(codeKind, "the edition is of another kind than the message", []string{"P-02"}, "plan it with an edition of its kind")
	}
	return e.Write(via, language, tokens)
}

// Reveals is as Book.Reveals, and knows the words of the editions that are open.
//
// cite: P-25, I-09, 47 CFR 64.2010(f)(2)
func (s *Shelf) Reveals(words notify.Words, values []string) (where string, is bool) {
	s.mu.RLock()
	for _, e := range s.open {
		for _, t := range e.texts {
			if t.version == words.Version {
				s.mu.RUnlock()
				return t.Reveals(words, values)
			}
		}
	}
	s.mu.RUnlock()
	return s.Book.Reveals(words, values)
}
