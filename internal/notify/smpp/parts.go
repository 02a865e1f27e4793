package smpp

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

const viaText = cpni.Text

// Parts keeps in which parts long texts went out: the centre tells of each part alone.
type Parts interface {
	// Sent notes that the centre has taken a part of a text of so many parts, which the outbox will know as name.
	Sent(ctx context.Context, name string, of int, part string) error
	// Told notes what became of a part, and gives the text's name ("" when nothing is known of such a part) and what has
	// become of the text: Delivered when all parts are, what the first lost part is when one is lost, "" when more must come
	// first. The same may be told again.
	Told(ctx context.Context, part string, state notify.State) (name string, of notify.State, err error)
}

// nameOf is the name of a text of so many parts made of the name of its first. That of several is no part's own, so that a
// receipt for one part never passes for one of the text.
func nameOf(first string, of int) string {
	if of == 1 || first == "" {
		return first
	}
	return first + "/" + strconv.Itoa(of)
}

// mostParts is how many parts Memory keeps; the oldest are forgotten first.
const mostParts = 1 << 16

// Memory is Parts in the memory of this process. After a restart, or when another node gets the receipt, a long text's
// fate stays unknown: it is never called delivered without being so.
type Memory struct {
	mu    sync.Mutex
	texts map[string]*longText // by part
	order []string             // parts, oldest first
}

type longText struct {
	name      string
	of        int
	delivered map[string]bool
	lost      notify.State
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{texts: map[string]*longText{}} }

// Sent implements Parts.
func (m *Memory) Sent(_ context.Context, name string, of int, part string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	// With the first part a text begins, also where a centre gives a name again after a while.
	t := &longText{name: name, of: of, delivered: map[string]bool{}}
	if first := strings.TrimSuffix(name, "/"+strconv.Itoa(of)); first != part && m.texts[first] != nil && m.texts[first].name == name {
		t = m.texts[first]
	}
	if m.texts[part] == nil {
		m.order = append(m.order, part)
	}
	m.texts[part] = t
	for len(m.order) > mostParts {
		delete(m.texts, m.order[0])
		m.order = m.order[1:]
	}
	return nil
}

// Told implements Parts.
func (m *Memory) Told(_ context.Context, part string, state notify.State) (string, notify.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.texts[part]
	if t == nil {
		return "", "", nil
	}
	switch {
	case state == notify.Delivered:
		t.delivered[part] = true
	case t.lost == "":
		t.lost = state
	}
	switch {
	case t.lost != "":
		return t.name, t.lost, nil
	case len(t.delivered) == t.of:
		return t.name, notify.Delivered, nil
	}
	return t.name, "", nil
}
