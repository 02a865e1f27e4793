package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/store"
)

// Cosigned is a checkpoint with what witnesses have said of it: a note that bears our signature and theirs (C2SP tlog-cosignature).
type Cosigned struct {
	Size int64
	At   time.Time // when the newest cosignature came in, in UTC
	Note []byte
}

// NewestCosigned gives the newest checkpoint that as many witnesses as were asked for have cosigned; ErrNotYet when there is none.
//
// cite: P-41
func (l *Ledger) NewestCosigned(ctx context.Context) (Cosigned, error) {
	return newestCosigned(ctx, l.db.Reader())
}

func newestCosigned(ctx context.Context, q store.Querier) (Cosigned, error) {
	var c Cosigned
	var at int64
	var text string
	err := q.QueryRow(ctx, "SELECT size, at, note FROM ledger_cosigned WHERE complete = 1 ORDER BY size DESC LIMIT 1").Scan(&c.Size, &at, &text)
	if store.IsNoRow(err) {
		return c, ErrNotYet
	}
	if err != nil {
		return c, fmt.Errorf("reading the newest cosigned checkpoint: %w", err)
	}
	c.At = time.UnixMicro(at).UTC()
	c.Note, err = withCosignatures(ctx, q, c.Size, []byte(text))
	return c, err
}

// withCosignatures adds to a checkpoint what witnesses have said of it, by their names.
func withCosignatures(ctx context.Context, q store.Querier, size int64, signed []byte) ([]byte, error) {
	rows, err := q.Query(ctx, "SELECT line FROM ledger_cosignature WHERE size = $1 ORDER BY witness, key", size)
	if err != nil {
		return nil, fmt.Errorf("reading cosignatures: %w", err)
	}
	err = eachRow(rows, func() error {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		signed = append(signed[:len(signed):len(signed)], line+"\n"...)
		return nil
	})
	return signed, err
}

// published is the checkpoint that strangers get: where witnesses are asked, the newest that enough of them have cosigned; else, and
// until there is one, the newest.
func (l *Ledger) published(ctx context.Context) ([]byte, error) {
	signed, err := l.Newest(ctx) // a database that was rolled back publishes nothing
	if err != nil || !l.witnessed.Load() {
		return signed, err
	}
	c, err := l.NewestCosigned(ctx)
	if errors.Is(err, ErrNotYet) {
		return signed, nil
	}
	return c.Note, err
}

// AskWitnesses makes the log publish checkpoints that witnesses have cosigned.
//
// cite: P-41
func (l *Ledger) AskWitnesses() { l.witnessed.Store(true) }

// Witnesses are those whose cosignatures a verifier asks for.
type Witnesses struct {
	Keys   []string // as torchwood.NewCosignatureVerifier reads them: name+hash+key
	Quorum int      // how many of them; 0: all
}

// errWitnesses: what a verifier was told of witnesses cannot be used.
var errWitnesses = errors.New("the witnesses to ask for")

// verifiers reads the keys; the quorum is between one and all of them.
func (w Witnesses) verifiers() ([]*torchwood.CosignatureVerifier, int, error) {
	var all []*torchwood.CosignatureVerifier
	seen := map[string]bool{}
	for _, key := range w.Keys {
		v, err := torchwood.NewCosignatureVerifier(strings.TrimSpace(key))
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %.200q is not the key of one (C2SP tlog-cosignature, Ed25519): %w", errWitnesses, key, err)
		}
		if seen[v.String()] {
			return nil, 0, fmt.Errorf("%w: %s is named twice", errWitnesses, v.Name())
		}
		seen[v.String()] = true
		all = append(all, v)
	}
	quorum := w.Quorum
	if quorum == 0 {
		quorum = len(all)
	}
	if quorum < 0 || quorum > len(all) {
		return nil, 0, fmt.Errorf("%w: %d of %d can never be had", errWitnesses, w.Quorum, len(all))
	}
	return all, quorum, nil
}

// Said is that a witness has cosigned.
type Said struct {
	Witness string
	At      time.Time // as the witness says, in UTC, to the second
}

// heard is what the witnesses that are asked for say of one checkpoint.
type heard struct {
	tree           tlog.Tree
	said           []Said
	missing, wrong []string
}

// hear looks in a checkpoint for the cosignatures of witnesses. They are checked one by one, so that each can be named.
func hear(signed []byte, tree tlog.Tree, log note.Verifier, witnesses []*torchwood.CosignatureVerifier) heard {
	h := heard{tree: tree}
	for _, w := range witnesses {
		said, err := openCosignature(signed, log, w)
		switch {
		case errors.Is(err, errNotCosigned):
			h.missing = append(h.missing, w.Name())
		case err != nil:
			h.wrong = append(h.wrong, w.Name())
		default:
			h.said = append(h.said, said)
		}
	}
	return h
}

var errNotCosigned = errors.New("it does not bear the cosignature")

func openCosignature(signed []byte, log note.Verifier, w *torchwood.CosignatureVerifier) (Said, error) {
	n, err := note.Open(signed, note.VerifierList(log, w))
	if err != nil {
		return Said{}, err
	}
	for _, s := range n.Sigs {
		if s.Name != w.Name() || s.Hash != w.KeyHash() {
			continue
		}
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Said{}, err
		}
		at, err := torchwood.CosignatureTimestamp(s)
		return Said{w.Name(), time.Unix(at, 0).UTC()}, err
	}
	return Said{}, errNotCosigned
}

// cosignatures judges what the witnesses say. notes are the checkpoints that are there, the newest first; each bears our signature. It
// gives the newest tree that enough of them have cosigned, nil when there is none or no witness is asked for.
//
// cite: P-41
func (q *inquiry) cosignatures(notes [][]byte, log note.Verifier, asked Witnesses) (*tlog.Tree, error) {
	witnesses, quorum, err := asked.verifiers()
	if err != nil || len(witnesses) == 0 {
		return nil, err
	}
	var best *heard
	for _, signed := range notes {
		c, err := openCheckpoint(signed, log)
		if err != nil {
			q.fault(Fault{BadSignature, NoEntry, "", "the cosigned checkpoint", err.Error()})
			continue
		}
		h := hear(signed, c.Tree, log, witnesses)
		for _, name := range h.wrong {
			q.fault(Fault{BadSignature, NoEntry, "", fmt.Sprintf("the checkpoint of %d entries", c.Tree.N), fmt.Sprintf("the cosignature of %s does not hold", name)})
		}
		if best == nil || len(h.said) > len(best.said) && len(best.said) < quorum {
			best = &h
		}
	}
	if best == nil {
		return nil, nil // none of them could be read, which was said
	}
	if len(best.said) < quorum {
		lacking := best.missing
		says := fmt.Sprintf("it bears %d of the %d cosignatures that are asked for", len(best.said), quorum)
		if len(lacking) > 0 {
			says += "; none of " + strings.Join(lacking, ", ")
		}
		q.fault(Fault{Unwitnessed, NoEntry, "", fmt.Sprintf("the checkpoint of %d entries", best.tree.N), says})
	}
	q.Said = best.said
	q.CosignedSize = best.tree.N
	return &best.tree, nil
}

// compareCosigned finds a log that is not the one that the witnesses know.
func (q *inquiry) compareCosigned(cosigned *tlog.Tree, now tlog.Tree, roots map[int64]tlog.Hash) {
	if cosigned == nil || cosigned.N == 0 || len(q.Said) == 0 {
		return
	}
	root, ok := roots[cosigned.N]
	switch {
	case cosigned.N > now.N:
		q.fault(Fault{RolledBack, NoEntry, "", "the checkpoint", fmt.Sprintf("it is of %d entries; witnesses have cosigned %d", now.N, cosigned.N)})
	case ok && root != cosigned.Hash && len(q.bad) == 0:
		q.fault(Fault{RolledBack, NoEntry, "", "the cosigned checkpoint", fmt.Sprintf("the first %d entries are not those that witnesses have cosigned", cosigned.N)})
	}
}

// sizesOf are the older trees whose roots are wanted: those of what is known and of what was cosigned.
func sizesOf(now tlog.Tree, older ...*tlog.Tree) (sizes []int64) {
	for _, t := range older {
		if t != nil && t.N <= now.N {
			sizes = append(sizes, t.N)
		}
	}
	return sizes
}
