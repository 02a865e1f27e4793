package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Batcher gathers items into groups and commits a group at a time: while one group waits for the disk, the next fills.
// That is group commit.
type Batcher[T any] struct {
	commit func(context.Context, []T) []error
	most   int
	queue  chan waiting[T]
	stop   context.CancelFunc
	done   chan struct{}
	once   sync.Once
	mu     sync.RWMutex
	closed bool
}

type waiting[T any] struct {
	item   T
	answer chan error
}

// ErrClosed is what Do gives after Close.
var ErrClosed = errors.New("the server is stopping; ask again in a moment")

// NewBatcher starts a batcher whose groups hold at most most items. commit gets a group and answers with an error (or
// nil) for each of its items, in order; it runs in one goroutine, never twice at once.
func NewBatcher[T any](most int, commit func(context.Context, []T) []error) *Batcher[T] {
	ctx, stop := context.WithCancel(context.Background())
	b := &Batcher[T]{commit: commit, most: most, queue: make(chan waiting[T], 4*most), stop: stop, done: make(chan struct{})}
	go b.run(ctx)
	return b
}

// Do puts item into the next group and waits until the group is committed. When ctx ends first, the item may still be
// committed: the error then says that the outcome is unknown.
func (b *Batcher[T]) Do(ctx context.Context, item T) error {
	w := waiting[T]{item, make(chan error, 1)}
	b.mu.RLock()
	if b.closed {
		b.mu.RUnlock()
		return ErrClosed
	}
	select {
	case b.queue <- w:
		b.mu.RUnlock()
	case <-ctx.Done():
		b.mu.RUnlock()
		return ctx.Err() // never queued: surely not done
	}
	select {
	case err := <-w.answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w (%w)", ErrUnknownOutcome, ctx.Err())
	}
}

// Close commits what is queued and stops.
func (b *Batcher[T]) Close() {
	b.once.Do(func() {
		b.mu.Lock()
		b.closed = true
		close(b.queue)
		b.mu.Unlock()
		<-b.done
		b.stop()
	})
	<-b.done
}

func (b *Batcher[T]) run(ctx context.Context) {
	defer close(b.done)
	group := make([]waiting[T], 0, b.most)
	items := make([]T, 0, b.most)
	for first := range b.queue {
		group, items = append(group[:0], first), append(items[:0], first.item)
	fill:
		for len(group) < b.most {
			select {
			case w, open := <-b.queue:
				if !open {
					break fill
				}
				group, items = append(group, w), append(items, w.item)
			default:
				break fill
			}
		}
		for i, err := range b.safely(ctx, items) {
			group[i].answer <- err
		}
	}
}

// safely turns a panic of commit, and an answer of the wrong length, into an error for every item of the group.
func (b *Batcher[T]) safely(ctx context.Context, items []T) (errs []error) {
	all := func(err error) []error {
		errs := make([]error, len(items))
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	defer func() {
		if p := recover(); p != nil {
			errs = all(fmt.Errorf("%w (committing a group panicked: %v)", ErrUnknownOutcome, p))
		}
	}()
	errs = b.commit(ctx, items)
	if len(errs) != len(items) {
		return all(fmt.Errorf("%w (a group of %d got %d answers)", ErrUnknownOutcome, len(items), len(errs)))
	}
	return errs
}
