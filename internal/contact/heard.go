package contact

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"ringfence/internal/cpni"
)

// heard remembers, in memory alone and not as they are, the secrets that were said or set in the contacts of this node, so
// that none of them is written into a note. It forgets with the process: what lies in the database is as hard to guess as
// before.
//
// cite: P-19
type heard struct {
	key []byte

	mu  sync.Mutex
	all map[cpni.ID][]mark
}

// mark is a secret: how long it is, in runes of its spoken form, and its keyed hash.
type mark struct {
	runes int
	hash  [sha256.Size]byte
}

// The shortest secret that is looked for: shorter ones stand in any text. And how much is remembered.
const (
	shortestHeard = 4
	mostHeard     = 20
	mostHearing   = 20_000
)

func newHeard() *heard {
	h := &heard{key: make([]byte, 32), all: map[cpni.ID][]mark{}}
	rand.Read(h.key)
	return h
}

func (h *heard) mark(spoken []rune) mark {
	m := hmac.New(sha256.New, h.key)
	m.Write([]byte(string(spoken)))
	out := mark{runes: len(spoken)}
	m.Sum(out.hash[:0])
	return out
}

// add remembers a secret of a contact.
func (h *heard) add(id cpni.ID, secret string) {
	spoken := []rune(Spoken(secret))
	if len(spoken) < shortestHeard {
		return
	}
	m := h.mark(spoken)
	h.mu.Lock()
	defer h.mu.Unlock()
	for other := range h.all {
		if len(h.all) < mostHearing {
			break
		}
		delete(h.all, other)
	}
	if len(h.all[id]) < mostHeard {
		h.all[id] = append(h.all[id], m)
	}
}

// in reports whether a secret of the contact stands somewhere in a text in its spoken form.
func (h *heard) in(id cpni.ID, text string) bool {
	h.mu.Lock()
	all := h.all[id]
	h.mu.Unlock()
	runes := []rune(text)
	for _, m := range all {
		for at := 0; at+m.runes <= len(runes); at++ {
			if h.mark(runes[at:at+m.runes]).hash == m.hash {
				return true
			}
		}
	}
	return false
}
