package audience

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// head says which parts in the database belong together.
type head struct {
	Build  string    `json:"build"`
	From   time.Time `json:"from"`             // no moment before can be asked about
	Parts  int       `json:"parts"`            // how many there were; of one that is missing the customers are read anew
	Mark   int64     `json:"mark"`             // changes from here on are in no part
	Server string    `json:"server,omitempty"` // whose transactions the marks count: those of another server mean nothing here
}

const metaHead = "audience.head"

// stretch is the customers behind one, up to another; "" is up to the last.
type stretch struct{ after, last cpni.ID }

// kept is a part as it lies in the database.
type kept struct {
	stretch
	n      int
	id     cpni.ID
	mark   int64
	sealed []byte
}

func partPlace(build string, n int) string { return fmt.Sprintf("audience/%s/%d", build, n) }

// partWords are the words of a part as they are written.
type partWords struct {
	Classes []classWords `json:"classes"`
	Kinds   []kindWords  `json:"kinds"`
}

type classWords struct {
	Ended      bool   `json:"ended,omitempty"`
	Categories string `json:"categories,omitempty"`
	Lines      int    `json:"lines,omitempty"`
	Listed     bool   `json:"listed,omitempty"`
	Dedicated  bool   `json:"dedicated,omitempty"`
	Contract   bool   `json:"contract,omitempty"`
}

type kindWords struct {
	Scope string             `json:"scope"`
	State cpni.ApprovalState `json:"state"`
	Names []string           `json:"names,omitempty"`
	Data  []cpni.DataClass   `json:"data,omitempty"`
}

// encode writes a part in one piece.
func (p *part) encode() ([]byte, error) {
	var w partWords
	for _, c := range p.classes {
		w.Classes = append(w.Classes, classWords{c.ended, c.categories, c.lines, c.listed, c.dedicated, c.contract})
	}
	for _, k := range p.kinds {
		w.Kinds = append(w.Kinds, kindWords{k.scope, k.state, k.names, k.data})
	}
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(text)+16*len(p.keys)+len(p.data)+20)
	b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	b = binary.AppendUvarint(b, uint64(len(p.keys)))
	for _, k := range p.keys {
		b = append(b, k[:]...)
	}
	return append(b, p.data...), nil
}

// decode reads what encode has written.
func decode(b []byte, words *dictionary) (*part, error) {
	d := reader{b: b}
	var w partWords
	if err := json.Unmarshal(d.bytes(d.number()), &w); err != nil {
		return nil, errDamaged
	}
	p := &part{}
	for _, c := range w.Classes {
		p.classes = append(p.classes, class{c.Ended, c.Categories, c.Lines, c.Listed, c.Dedicated, c.Contract})
	}
	for _, k := range w.Kinds {
		p.kinds = append(p.kinds, words.kindOf(k.Scope, k.State, k.Names, k.Data))
	}
	n := d.number()
	if n > mostOfPart {
		return nil, errDamaged
	}
	raw := d.bytes(16 * n)
	if d.bad {
		return nil, errDamaged
	}
	p.keys = make([]key, n)
	for i := range p.keys {
		p.keys[i] = key(raw[16*i:])
	}
	p.data = append([]byte(nil), d.b...)
	return p, nil
}

// server names the database server whose transactions are counted; SQLite counts in the database itself.
func (s *Sets) server(ctx context.Context) (string, error) {
	if s.DB.Dialect() != store.Postgres {
		return "", nil
	}
	var name string
	err := s.DB.Reader().QueryRow(ctx, "SELECT CAST(system_identifier AS text) || '/' || (SELECT CAST(oid AS text) FROM pg_database WHERE datname = current_database()) FROM pg_control_system()").Scan(&name)
	if err != nil {
		return "", fmt.Errorf("asking which server this is: %w", err)
	}
	return name, nil
}

// readHead gives the head of the parts that can be used; its Build is "" when there are none.
func (s *Sets) readHead(ctx context.Context) (h head, err error) {
	text, err := s.DB.Meta(ctx, metaHead)
	if err != nil || text == "" {
		return h, err
	}
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return head{}, fmt.Errorf("reading what was kept of audiences: %w", err)
	}
	name, err := s.server(ctx)
	if err != nil || name != h.Server {
		return head{}, err
	}
	return h, nil
}

// mostAtOnce is how many customers are read while somebody waits, where nothing is kept of them.
const mostAtOnce = 100_000

// load begins the index anew from what is kept in the database, or by reading all customers where that is quick.
func (s *Sets) load(ctx context.Context) error {
	h, err := s.readHead(ctx)
	if err != nil {
		return err
	}
	var x *Index
	next := h.Mark
	if h.Build != "" {
		x, err = s.loadParts(ctx, h)
	} else {
		x, next, err = s.readAll(ctx)
	}
	if err != nil {
		return err
	}
	s.next, s.seen, s.build = next, nil, h.Build
	s.current.Store(x)
	return nil
}

// readAll reads all customers where they are few.
func (s *Sets) readAll(ctx context.Context) (*Index, int64, error) {
	var n int
	if err := s.DB.Reader().QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM customer LIMIT %d) AS those", mostAtOnce+1)).Scan(&n); err != nil {
		return nil, 0, fmt.Errorf("counting customers: %w", err)
	}
	if n > mostAtOnce {
		return nil, 0, cpni.Rejected("BUSY", fmt.Sprintf("all customers are being read before audiences can be found; %d are read", s.progress.Load()), []string{"P-40"}, "ask again in some minutes", "tell the operator if it lasts")
	}
	next, err := s.mark(ctx)
	if err != nil {
		return nil, 0, err
	}
	x := newIndex(s.words, s.Zone, s.Clock.Now().Add(-reach))
	err = s.readStretch(ctx, x, stretch{}, func(p *part, _ stretch) error { return x.append(p) })
	return x, next, err
}

// loadParts opens the parts that are kept. Of a part that is gone, for one of its customers was forgotten, the others are read anew.
func (s *Sets) loadParts(ctx context.Context, h head) (*Index, error) {
	x := newIndex(s.words, s.Zone, h.From)
	after := cpni.ID("")
	fill := func(until cpni.ID) error {
		return s.readStretch(ctx, x, stretch{after, until}, func(p *part, _ stretch) error { return x.append(p) })
	}
	for n := range h.Parts {
		k, err := s.readPart(ctx, h.Build, n)
		if store.IsNoRow(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading what was kept of audiences: %w", err)
		}
		plain, err := s.Vault.OpenState(ctx, k.id, partPlace(h.Build, n), k.sealed)
		if errors.Is(err, vault.ErrForgotten) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("opening what was kept of audiences: %w", err)
		}
		if k.after != after {
			if err := fill(k.after); err != nil {
				return nil, err
			}
		}
		p, err := decode(plain, s.words)
		if err != nil {
			return nil, err
		}
		if err := x.append(p); err != nil {
			return nil, err
		}
		after = k.last
	}
	return x, fill("") // those who have come since, and the rest where the last part is gone
}

func (s *Sets) readPart(ctx context.Context, build string, n int) (k kept, err error) {
	k.n = n
	err = s.DB.Reader().QueryRow(ctx, "SELECT part_id, after_id, last_id, mark, sealed FROM audience_part WHERE build_id = $1 AND n = $2", build, n).Scan(&k.id, &k.after, &k.last, &k.mark, &k.sealed)
	return k, err
}

// Customers of a part, and of one reading of it. A part has room for others who come to be numbered there.
const (
	partOf    = 50_000
	readingOf = 2000
)

// readStretch reads customers and gives them in parts.
func (s *Sets) readStretch(ctx context.Context, x *Index, of stretch, each func(*part, stretch) error) error {
	p, begins := &part{}, of.after
	after := of.after
	flush := func() error {
		if len(p.keys) == 0 {
			return nil
		}
		err := each(p, stretch{begins, after})
		p, begins = &part{}, after
		return err
	}
	for {
		ids, records, err := s.source(ctx, x, after, readingOf)
		if err != nil {
			return err
		}
		full := len(ids) == readingOf
		for i, id := range ids {
			if of.last != "" && id > of.last {
				ids, full = ids[:i], false
				break
			}
		}
		for _, id := range ids {
			after = id
			r := records[id]
			if r == nil {
				continue
			}
			k, err := keyOf(id)
			if err != nil {
				return err
			}
			p.keys = append(p.keys, k)
			if p.data, err = p.write(p.data, r); err != nil {
				return err
			}
		}
		s.progress.Add(int64(len(ids)))
		if !full {
			return flush()
		}
		if len(p.keys) > partOf-readingOf {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// forgetTx destroys, in the transaction that forgets a customer, the keys of the parts in which they are.
//
// cite: P-37, I-21
func (s *Sets) forgetTx(ctx context.Context, tx *store.Tx, id cpni.ID) error {
	return s.dropParts(ctx, tx, "after_id < $1 AND last_id >= $1", string(id))
}

// dropParts destroys parts and their keys.
func (s *Sets) dropParts(ctx context.Context, tx *store.Tx, where, arg string) error {
	rows, err := tx.Query(ctx, "SELECT part_id FROM audience_part WHERE "+where, arg)
	if err != nil {
		return fmt.Errorf("removing what was kept of audiences: %w", err)
	}
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("removing what was kept of audiences: %w", err)
	}
	for _, id := range ids {
		if err := s.Vault.Forget(ctx, tx, id); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "DELETE FROM audience_part WHERE "+where, arg); err != nil {
		return fmt.Errorf("removing what was kept of audiences: %w", err)
	}
	return nil
}
