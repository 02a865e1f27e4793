package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Built is what came of reading all customers anew.
type Built struct {
	Customers int
	Parts     int
	Bytes     int64 // sealed, in the database
	Compared  bool  // this node had an index that could be compared with what was read
	Differ    int   // customers of whom the index said something else than their records
	Misfiled  int   // customers who were in sets in which they should not be, or were not in some of theirs
}

// Differs is the code of the alert that an index said something else than the customers' records.
//
// cite: I-19
const Differs cpni.Code = "AUDIENCE_DIFFERS"

// errForgottenMeanwhile: somebody was forgotten while a part was read, so it is read again.
var errForgottenMeanwhile = errors.New("a customer was forgotten meanwhile")

// Build reads all customers anew and keeps what it finds in the database, for nodes to begin with. Where this node has an index, it is compared
// with what was read, and each of its sets with what they should hold; an index that differs is an alert on record, and is begun anew.
// progress hears how many customers are read; nil: nobody does.
//
// cite: I-02, I-19, 47 CFR 64.2009(a)
func (s *Sets) Build(ctx context.Context, progress func(customers int)) (Built, error) {
	h := head{Build: string(cpni.NewID()), From: s.Clock.Now().Add(-reach)}
	var err error
	if h.Server, err = s.server(ctx); err != nil {
		return Built{}, err
	}
	if h.Mark, err = s.mark(ctx); err != nil {
		return Built{}, err
	}
	var out Built
	compared, err := s.comparing(ctx)
	if err != nil {
		return out, err
	}
	s.progress.Store(0)
	reading := newIndex(s.words, s.Zone, h.From)
	for after := cpni.ID(""); ; {
		p, of, err := s.buildPart(ctx, reading, &h, after, &out)
		if err != nil {
			return out, errors.Join(err, s.abandon(context.WithoutCancel(ctx), h.Build))
		}
		if p == nil {
			break
		}
		if compared != nil {
			if err := compared.part(p); err != nil {
				return out, err
			}
		}
		out.Customers += len(p.keys)
		if progress != nil {
			progress(out.Customers)
		}
		after = of.last
	}
	out.Parts = h.Parts
	if compared != nil {
		out.Compared = true
		if err := compared.settle(ctx, &out); err != nil {
			return out, err
		}
	}
	return out, s.finish(ctx, h, out)
}

// buildPart reads the customers behind one and keeps them as a part; nil: there are none. When somebody is forgotten meanwhile it is done again:
// of those who are forgotten nothing may be kept.
//
// cite: P-37, I-21
func (s *Sets) buildPart(ctx context.Context, reading *Index, h *head, after cpni.ID, out *Built) (p *part, of stretch, err error) {
	for {
		forgotten, err := s.Customers.LatestForgotten(ctx)
		if err != nil {
			return nil, of, err
		}
		mark, err := s.mark(ctx)
		if err != nil {
			return nil, of, err
		}
		p = nil
		err = s.readStretch(ctx, reading, stretch{after: after}, func(read *part, stretch stretch) error {
			p, of = read, stretch
			return errOnePart
		})
		if err != nil && !errors.Is(err, errOnePart) || p == nil {
			return nil, of, err
		}
		plain, err := p.encode()
		if err != nil {
			return nil, of, err
		}
		size := 0
		err = s.DB.Tx(ctx, func(tx *store.Tx) error {
			now, err := s.Customers.HoldForgetting(ctx, tx)
			if err != nil {
				return err
			}
			if now != forgotten {
				return errForgottenMeanwhile
			}
			id := cpni.NewID()
			if err := s.Vault.NewCustomerKey(ctx, tx, id); err != nil {
				return err
			}
			sealed, err := s.Vault.SealTx(ctx, tx, id, partPlace(h.Build, h.Parts), plain)
			if err != nil {
				return err
			}
			size = len(sealed)
			_, err = tx.Exec(ctx, "INSERT INTO audience_part (build_id, n, part_id, after_id, last_id, mark, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
				h.Build, h.Parts, string(id), string(of.after), string(of.last), mark, sealed)
			return err
		})
		if errors.Is(err, errForgottenMeanwhile) {
			continue
		}
		if err != nil {
			return nil, of, fmt.Errorf("keeping what audiences are found by: %w", err)
		}
		h.Parts++
		out.Bytes += int64(size)
		return p, of, nil
	}
}

// errOnePart ends a reading after the first part.
var errOnePart = errors.New("one part is read")

// abandon removes the parts of a building that came to nothing.
func (s *Sets) abandon(ctx context.Context, build string) error {
	return s.DB.Tx(ctx, func(tx *store.Tx) error { return s.dropParts(ctx, tx, "build_id = $1", build) })
}

// finish puts the new parts in the place of the old ones, removes the traces of changes that are in them, and records what was found.
func (s *Sets) finish(ctx context.Context, h head, out Built) error {
	_, err := s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		text, err := json.Marshal(h)
		if err != nil {
			return nil, err
		}
		if err := s.dropParts(ctx, tx, "build_id <> $1", h.Build); err != nil {
			return nil, err
		}
		if err := tx.SetMeta(ctx, metaHead, string(text)); err != nil {
			return nil, err
		}
		if err := s.Customers.PruneTx(ctx, tx, h.Mark); err != nil {
			return nil, err
		}
		if out.Differ+out.Misfiled == 0 {
			return nil, nil
		}
		e, err := s.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: s.Clock.Now(), Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: Differs},
			map[string]any{"what": "what a node kept in mind to find audiences differed from the customers' records; it was begun anew", "customers": out.Customers, "differ": out.Differ, "misfiled": out.Misfiled})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return fmt.Errorf("keeping what audiences are found by: %w", err)
	}
	if out.Differ+out.Misfiled == 0 {
		return nil
	}
	s.catching.Lock()
	defer s.catching.Unlock()
	s.current.Store(nil)
	return nil
}

// Check reads all customers and compares them with the index of this node, which is begun from what is kept where there is none yet. It writes
// nothing.
//
// cite: I-19
func (s *Sets) Check(ctx context.Context, progress func(customers int)) (Built, error) {
	var out Built
	if _, err := s.ready(ctx); err != nil {
		return out, err
	}
	compared, err := s.comparing(ctx)
	if err != nil {
		return out, err
	}
	if compared == nil {
		return out, errors.New("there is no index to compare")
	}
	out.Compared = true
	s.progress.Store(0)
	err = s.readStretch(ctx, newIndex(s.words, s.Zone, s.Clock.Now().Add(-reach)), stretch{}, func(p *part, _ stretch) error {
		out.Parts++
		if out.Customers += len(p.keys); progress != nil {
			progress(out.Customers)
		}
		return compared.part(p)
	})
	if err != nil {
		return out, err
	}
	return out, compared.settle(ctx, &out)
}

// comparison compares an index with what is read of all customers.
type comparison struct {
	s     *Sets
	x     *Index
	seen  *roaring.Bitmap
	doubt []cpni.ID // who differs, or has changed meanwhile
}

// comparing begins to compare this node's index; nil: it has none.
func (s *Sets) comparing(ctx context.Context) (*comparison, error) {
	if s.current.Load() == nil {
		return nil, nil
	}
	x, err := s.ready(ctx)
	if err != nil {
		return nil, err
	}
	return &comparison{s: s, x: x, seen: roaring.New()}, nil
}

// part compares the customers of a part.
func (c *comparison) part(p *part) error {
	c.x.mu.RLock()
	defer c.x.mu.RUnlock()
	var fresh, held record
	at := 0
	for _, k := range p.keys {
		n, err := p.read(p.data[at:], &fresh)
		if err != nil {
			return err
		}
		at += n
		number, ok := c.x.find(k)
		if !ok || !c.x.alive.Contains(number) {
			c.doubt = append(c.doubt, idOf(k))
			continue
		}
		c.seen.Add(number)
		if err := c.x.read(number, &held); err != nil || !held.same(&fresh) {
			c.doubt = append(c.doubt, idOf(k))
		}
	}
	return nil
}

// settle looks again at those of whom there is doubt, for somebody may have changed while the others were read, and at the sets themselves.
func (c *comparison) settle(ctx context.Context, out *Built) error {
	c.x.mu.RLock()
	for it := roaring.AndNot(c.x.alive, c.seen).Iterator(); it.HasNext(); { // whom nobody has read
		c.doubt = append(c.doubt, idOf(c.x.key(it.Next())))
	}
	c.x.mu.RUnlock()
	for range looks {
		if len(c.doubt) == 0 {
			break
		}
		if x, err := c.s.ready(ctx); err != nil || x != c.x { // it was begun anew meanwhile
			return err
		}
		var still []cpni.ID
		for from := 0; from < len(c.doubt); from += pageOf {
			some := c.doubt[from:min(len(c.doubt), from+pageOf)]
			records, err := c.s.readRecords(ctx, c.x, some)
			if err != nil {
				return err
			}
			still = append(still, c.differing(some, records)...)
		}
		c.doubt = still
	}
	out.Differ = len(c.doubt)
	c.x.mu.RLock()
	defer c.x.mu.RUnlock()
	var err error
	out.Misfiled, err = c.x.misfiled()
	return err
}

// looks is how often one is looked at again of whom there is doubt.
const looks = 5

func (c *comparison) differing(ids []cpni.ID, records map[cpni.ID]*record) (still []cpni.ID) {
	c.x.mu.RLock()
	defer c.x.mu.RUnlock()
	var held record
	for _, id := range ids {
		k, _ := keyOf(id)
		n, ok := c.x.find(k)
		ok = ok && c.x.alive.Contains(n)
		fresh := records[id]
		if !ok && fresh == nil {
			continue
		}
		if ok != (fresh != nil) || c.x.read(n, &held) != nil || !held.same(fresh) {
			still = append(still, id)
		}
	}
	return still
}
