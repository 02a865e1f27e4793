package speech

import (
	"container/list"
	"sync"
)

// keptBytes bounds what is kept of synthesised sentences: about half an hour of speech.
const keptBytes = 16 << 20

// kept holds synthesised sentences in memory, and forgets first what was not asked for longest.
type kept struct {
	mu    sync.Mutex
	room  int // bytes that are left
	order *list.List
	of    map[entry]*list.Element
}

type keptAudio struct {
	entry
	Audio
}

func newKept(room int) *kept {
	return &kept{room: room, order: list.New(), of: map[entry]*list.Element{}}
}

func (k *kept) get(e entry) (Audio, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, ok := k.of[e]
	if !ok {
		return nil, false
	}
	k.order.MoveToFront(at)
	return at.Value.(keptAudio).Audio, true
}

func (k *kept) put(e entry, a Audio) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.of[e]; ok {
		return
	}
	k.of[e] = k.order.PushFront(keptAudio{e, a})
	k.room -= len(a)
	for k.room < 0 && k.order.Len() > 1 {
		old := k.order.Remove(k.order.Back()).(keptAudio)
		delete(k.of, old.entry)
		k.room += len(old.Audio)
	}
}
