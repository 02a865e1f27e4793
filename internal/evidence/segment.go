package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// inSegment is how many records lie in one file unless something else is said: some ten megabytes, which a core has in memory at once.
const inSegment = 4096

// filled is a segment that is ready to be written.
type filled struct {
	records, facts []byte
	counts         Counts
	policies       map[string]bool
}

// filling is a segment that a core is working on.
type filling struct {
	rows []ledger.Row
	done chan filled
}

// segments opens, packs and seals the records of a selection on all cores, and has them written in their order.
func (b *making) segments(ctx context.Context, q store.Querier, s ledger.Selection) error {
	cores, most := runtime.GOMAXPROCS(0), inSegment
	if b.Segment > 0 {
		most = b.Segment
	}
	work, order := make(chan *filling), make(chan *filling, cores)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		defer close(order)
		var rows []ledger.Row
		send := func() error {
			f := &filling{rows, make(chan filled, 1)}
			rows = nil
			for _, to := range []chan *filling{order, work} {
				select {
				case to <- f:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		}
		err := ledger.EachSelected(ctx, q, s, func(r ledger.Row) error {
			r.Sealed = bytes.Clone(r.Sealed)
			if rows = append(rows, r); len(rows) < most {
				return nil
			}
			return send()
		})
		if err == nil && len(rows) > 0 {
			err = send()
		}
		return err
	})
	for range cores {
		g.Go(func() error {
			for f := range work {
				made, err := b.fill(ctx, f.rows)
				if err != nil {
					return err
				}
				f.done <- made
			}
			return nil
		})
	}
	g.Go(func() error {
		for f := range order {
			select {
			case made := <-f.done:
				if err := b.keep(made); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return g.Wait()
}

// keep writes a segment and counts it.
func (b *making) keep(f filled) error {
	n := len(b.manifest.Segments)
	s := Segment{Records: recordsFile(n), Counts: f.counts}
	if err := b.put(s.Records, f.records); err != nil {
		return err
	}
	if f.facts != nil {
		s.Facts = factsFile(n)
		if err := b.put(s.Facts, f.facts); err != nil {
			return err
		}
	}
	b.manifest.Segments = append(b.manifest.Segments, s)
	b.manifest.Counts.add(f.counts)
	for v := range f.policies {
		b.policies[v] = true
	}
	return nil
}

// fill makes a segment.
func (b *making) fill(ctx context.Context, rows []ledger.Row) (filled, error) {
	f := filled{policies: map[string]bool{}}
	var records, facts bytes.Buffer
	out, _ := gzip.NewWriterLevel(&records, gzip.BestSpeed)
	var in io.WriteCloser // to the auditor
	var packed *gzip.Writer
	for _, r := range rows {
		line, err := r.Line()
		if err != nil {
			return f, err
		}
		if _, err := out.Write(line); err != nil {
			return f, err
		}
		f.counts.Records++
		if r.Kind == ledger.Decision {
			f.counts.Decisions++
			f.policies[r.Rules] = true
		}
		if !opens(r.Entry) {
			continue
		}
		if packed == nil {
			if in, err = age.Encrypt(&facts, b.to); err != nil {
				return f, fmt.Errorf("sealing to the auditor: %w", err)
			}
			packed, _ = gzip.NewWriterLevel(in, gzip.BestSpeed)
		}
		plain, err := b.Vault.OpenEvidence(ctx, b.receipt, r)
		switch {
		case errors.Is(err, vault.ErrForgotten):
			plain = []byte(erased)
			f.counts.Erased++
		case errors.Is(err, vault.ErrSealBroken) || err == nil && bytes.ContainsAny(plain, "\r\n"):
			plain = []byte(unreadable)
			f.counts.Unreadable++
		case err != nil:
			return f, fmt.Errorf("opening a record: %w", err)
		default:
			f.counts.Opened++
		}
		if _, err := packed.Write(append(append(append([]byte(r.ID), ' '), plain...), '\n')); err != nil {
			return f, err
		}
	}
	if err := out.Close(); err != nil {
		return f, err
	}
	f.records = records.Bytes()
	if packed != nil {
		if err := errors.Join(packed.Close(), in.Close()); err != nil {
			return f, fmt.Errorf("sealing to the auditor: %w", err)
		}
		f.facts = facts.Bytes()
	}
	return f, nil
}
