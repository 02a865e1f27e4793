package vault

import (
	"container/list"
	"sync"

	"github.com/tink-crypto/tink-go/v2/tink"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// How many customers' ciphers are kept ready, and how many that a transaction has made and not yet committed.
const (
	mostKeys  = 50_000
	mostFresh = 1024
)

// keyCache keeps the ciphers of customers lately served.
//
// What was read before a drop is never put after it, so a destroyed key does not come back by a slow reader; and a
// key that a transaction has made is seen by that transaction alone, for it may yet be rolled back.
type keyCache struct {
	mu    sync.Mutex
	drops uint64
	keys  lru[cpni.ID, tink.AEAD]
	fresh lru[freshKey, tink.AEAD]
}

type freshKey struct {
	tx *store.Tx
	of cpni.ID
}

func newKeyCache() keyCache {
	return keyCache{keys: newLRU[cpni.ID, tink.AEAD](mostKeys), fresh: newLRU[freshKey, tink.AEAD](mostFresh)}
}

// get gives the cipher of a customer as seen by tx (nil: by everybody), and what put wants to hear when there is none.
func (c *keyCache) get(tx *store.Tx, id cpni.ID) (k tink.AEAD, ok bool, drops uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if tx != nil {
		k, ok = c.fresh.get(freshKey{tx, id})
	}
	if !ok {
		k, ok = c.keys.get(id)
	}
	return k, ok, c.drops
}

// put keeps what was read after get said drops.
func (c *keyCache) put(id cpni.ID, k tink.AEAD, drops uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops == drops {
		c.keys.put(id, k)
	}
}

// made keeps what tx has made and takes the place of what the customer had.
func (c *keyCache) made(tx *store.Tx, id cpni.ID, k tink.AEAD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	c.keys.drop(id)
	c.fresh.put(freshKey{tx, id}, k)
}

// drop lets go of a customer's cipher.
func (c *keyCache) drop(id cpni.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	c.keys.drop(id)
}

// dropFresh lets go of a cipher that tx has made.
func (c *keyCache) dropFresh(tx *store.Tx, id cpni.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh.drop(freshKey{tx, id})
}

// clear lets go of all.
func (c *keyCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	c.keys.clear()
}

// lru holds the most lately used of its entries.
type lru[K comparable, V any] struct {
	most    int
	entries map[K]*list.Element
	order   *list.List // of pair[K, V], the latest first
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](most int) lru[K, V] {
	return lru[K, V]{most, map[K]*list.Element{}, list.New()}
}

func (l *lru[K, V]) get(k K) (v V, ok bool) {
	e, ok := l.entries[k]
	if !ok {
		return v, false
	}
	l.order.MoveToFront(e)
	return e.Value.(pair[K, V]).value, true
}

func (l *lru[K, V]) put(k K, v V) {
	if e, ok := l.entries[k]; ok {
		e.Value = pair[K, V]{k, v}
		l.order.MoveToFront(e)
		return
	}
	for len(l.entries) >= l.most {
		l.drop(l.order.Back().Value.(pair[K, V]).key)
	}
	l.entries[k] = l.order.PushFront(pair[K, V]{k, v})
}

func (l *lru[K, V]) drop(k K) {
	if e, ok := l.entries[k]; ok {
		l.order.Remove(e)
		delete(l.entries, k)
	}
}

func (l *lru[K, V]) clear() {
	clear(l.entries)
	l.order.Init()
}
