package evidence

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Parts are what a Maker works with.
type Parts struct {
	DB     *store.DB
	Vault  *vault.Vault
	Ledger *ledger.Ledger
	Policy *rulebook.Book
	Clock  cpni.Clock
	// Papers gives what goes along beside the log and the policies: texts as they are, and sealed to the auditor what names people.
	Papers func(ctx context.Context, o Order, by string, put func(Paper) error) error
	// There reports whether there is an incident, campaign or customer of a scope.
	There func(ctx context.Context, s Scope) error
	// Program is the version of this program.
	Program string
	// Segment is how many records lie in one file; 0: as many as a core may well have in memory.
	Segment int
}

// Paper is a file that goes along.
type Paper struct {
	Name    string
	Content []byte
	Sealed  bool // to the auditor; its name then ends in .age
}

// Maker makes bundles.
type Maker struct{ Parts }

// New opens a maker.
func New(p Parts) *Maker { return &Maker{p} }

// making is one bundle while it is made.
type making struct {
	Parts
	to       age.Recipient
	receipt  ledger.Receipt
	sink     Sink
	sums     bytes.Buffer
	manifest Manifest
	policies map[string]bool
}

// Authority is what somebody has a bundle made by.
type Authority struct {
	By       string  // a member's id, or "command"
	Proposal cpni.ID // that two people have agreed to; "" one person alone, who holds the master key
}

// Make makes a bundle. Before anything is opened an entry of the ledger says who has it made, of what, why and for which key; when all is
// written another says what came of it; and only then is it finished.
//
// cite: P-41, P-49, 47 CFR 64.2009(c)
func (m *Maker) Make(ctx context.Context, o Order, a Authority, sink Sink) (*Manifest, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o.From, o.To = o.From.UTC().Truncate(time.Microsecond), o.To.UTC().Truncate(time.Microsecond) // as entries have their times
	to, err := recipient(o.Key)
	if err != nil {
		return nil, err
	}
	if m.There != nil {
		if err := m.There(ctx, o.Scope); err != nil {
			return nil, err
		}
	}
	b := &making{Parts: m.Parts, to: to, sink: sink, policies: map[string]bool{}}
	b.manifest = Manifest{Format: Sort, Log: m.Ledger.Origin(), Key: m.Ledger.VerifierKey(), Program: m.Program, Made: m.Clock.Now().UTC(), From: o.From, To: o.To, Scope: o.Scope, Recipient: Fingerprint(o.Key)}
	if b.receipt, err = m.record(ctx, Begun, "", o, a); err != nil {
		return nil, err
	}
	b.manifest.Order = b.receipt.Entry()
	if err := m.placed(ctx, b.manifest.Order); err != nil {
		return nil, err
	}
	if err := b.write(ctx, o, a); err != nil {
		return nil, fmt.Errorf("making a bundle of evidence: %w", err)
	}
	sums := b.sums.Bytes()
	hash := sha256.Sum256(sums)
	signed, err := m.Ledger.Sign(Sort, statement(&b.manifest, hash)...)
	if err != nil {
		return nil, fmt.Errorf("signing a bundle of evidence: %w", err)
	}
	if err := errors.Join(sink.Put(Sums, sums), sink.Put(Signature, signed)); err != nil {
		return nil, fmt.Errorf("making a bundle of evidence: %w", err)
	}
	if _, err := m.record(ctx, Made, hex.EncodeToString(hash[:]), o, a); err != nil {
		return nil, err
	}
	return &b.manifest, sink.Finish()
}

// placed brings an entry into the tree. Where servers run beside this program one of them may be doing so at the same moment, and one of the two
// begins again.
func (m *Maker) placed(ctx context.Context, id cpni.ID) error {
	row, err := m.Ledger.Record(ctx, "", id)
	if err != nil {
		return err
	}
	for range 20 {
		failed := m.Ledger.Sequence(ctx)
		if _, err = m.Ledger.PlaceOf(ctx, row); !errors.Is(err, ledger.ErrNotYet) {
			return err
		}
		err = errors.Join(failed, err)
	}
	return fmt.Errorf("bringing the order of a bundle into the log: %w", err)
}

// statement is what is signed, beside its sort.
func statement(m *Manifest, sums [32]byte) []string {
	return []string{"bundle " + string(m.Order), "made " + m.Made.Format(time.RFC3339Nano), fmt.Sprintf("log %s %d", m.Log, m.Size), fmt.Sprintf("%s %x", Sums, sums)}
}

// record puts on record that a bundle is made, or was made.
func (m *Maker) record(ctx context.Context, what, hash string, o Order, a Authority) (ledger.Receipt, error) {
	detail := struct {
		What  string  `json:"what"`
		Order Order   `json:"order"`
		How   string  `json:"how,omitempty"`
		Of    cpni.ID `json:"proposal,omitempty"`
		Hash  string  `json:"hash,omitempty"`
	}{what, o, "", a.Proposal, hash}
	if a.Proposal == "" {
		detail.How = "break-glass: by the holder of the master key, without a second person"
	}
	receipts, err := m.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := m.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Evidence, At: m.Clock.Now(), Actor: a.By, Purpose: what, Recipient: Fingerprint(o.Key), Contact: hash, Outcome: cpni.OK}, detail)
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return ledger.Receipt{}, err
	}
	return receipts[0], nil
}

// put writes a file and takes down its hash.
func (b *making) put(name string, content []byte) error {
	fmt.Fprintf(&b.sums, "%x  %s\n", sha256.Sum256(content), name)
	return b.sink.Put(name, content)
}

// seal writes a file that the auditor alone can read.
func (b *making) seal(name string, content []byte) error {
	var sealed bytes.Buffer
	in, err := age.Encrypt(&sealed, b.to)
	if err == nil {
		_, err = in.Write(content)
	}
	if err == nil {
		err = in.Close()
	}
	if err != nil {
		return fmt.Errorf("sealing to the auditor: %w", err)
	}
	return b.put(name+".age", sealed.Bytes())
}

// write writes everything but what is signed last.
func (b *making) write(ctx context.Context, o Order, a Authority) error {
	var signed []byte
	err := b.DB.Snapshot(ctx, func(q store.Querier) error {
		s, tree, err := b.Ledger.NewestIn(ctx, q)
		if err != nil {
			return err
		}
		signed = s
		b.manifest.Size, b.manifest.Root = tree.N, tree.Hash.String()
		cosigned, err := ledger.CosignedIn(ctx, q)
		if err == nil && cosigned != nil {
			err = b.put(ledger.CosignedFile, cosigned)
		}
		if err != nil {
			return err
		}
		if err := ledger.EachTile(ctx, q, b.put); err != nil {
			return err
		}
		if err := b.checkpoints(ctx, q, o); err != nil {
			return err
		}
		if err := b.segments(ctx, q, b.selection(o)); err != nil {
			return err
		}
		return b.gone(ctx, q)
	})
	if err != nil {
		return err
	}
	if err := b.writePolicies(ctx); err != nil {
		return err
	}
	if b.Papers != nil {
		if err := b.Papers(ctx, o, a.By, func(p Paper) error {
			if p.Sealed {
				return b.seal(p.Name, p.Content)
			}
			return b.put(p.Name, p.Content)
		}); err != nil {
			return err
		}
	}
	text, err := written(b.manifest)
	if err != nil {
		return err
	}
	if err := errors.Join(b.put(Readme, readme(&b.manifest)), b.put(ManifestFile, text)); err != nil {
		return err
	}
	return b.put(Checkpoint, signed)
}

func written(v any) ([]byte, error) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	err := out.Encode(v)
	return b.Bytes(), err
}

// selection is which records are in it.
func (b *making) selection(o Order) ledger.Selection {
	s := ledger.Selection{From: o.From, To: o.To, Before: b.manifest.Size, Also: []cpni.ID{b.manifest.Order}}
	switch o.Scope.Kind {
	case Customer:
		s.Customer = o.Scope.ID
	case Incident:
		s.Of, s.Named = o.Scope.ID, "SELECT customer_id, entry_id FROM incident_customer WHERE incident_id = $1 UNION ALL SELECT '' AS customer_id, entry_id FROM incident_event WHERE incident_id = $1"
	case Campaign:
		s.Of, s.Named = o.Scope.ID, "SELECT customer_id, entry_id FROM campaign_member WHERE campaign_id = $1 UNION ALL SELECT '' AS customer_id, entry_id FROM campaign_event WHERE campaign_id = $1"
	}
	return s
}

// inFile is how many checkpoints lie in one file.
const inFile = 4096

func (b *making) checkpoints(ctx context.Context, q store.Querier, o Order) error {
	var lines bytes.Buffer
	n, files := 0, 0
	flush := func() error {
		if lines.Len() == 0 {
			return nil
		}
		text := bytes.Clone(lines.Bytes())
		lines.Reset()
		files++
		return b.put(checkpointsFile(files-1), text)
	}
	out := json.NewEncoder(&lines)
	out.SetEscapeHTML(false)
	err := ledger.EachCheckpoint(ctx, q, o.From, o.To, func(s ledger.Signed) error {
		if err := out.Encode(s); err != nil {
			return err
		}
		if n++; n%inFile > 0 {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// gone writes what is left of records that were destroyed.
func (b *making) gone(ctx context.Context, q store.Querier) error {
	var packed bytes.Buffer
	out := gzip.NewWriter(&packed)
	err := ledger.EachGone(ctx, q, b.manifest.Size, func(line []byte) error {
		b.manifest.Counts.Destroyed++
		_, err := out.Write(line)
		return err
	})
	if err = errors.Join(err, out.Close()); err != nil || b.manifest.Counts.Destroyed == 0 {
		return err
	}
	return b.put(Gone, packed.Bytes())
}

// writePolicies writes every policy that decided something in it, and the one in force.
func (b *making) writePolicies(ctx context.Context) error {
	now, _ := b.Policy.Current()
	b.policies[now.Version()] = true
	delete(b.policies, "")
	for _, version := range slices.Sorted(maps.Keys(b.policies)) {
		p := Policy{Version: version}
		set, err := b.Policy.At(ctx, version)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // whoever replays is told; the rest of the evidence is not held back for it
			p.Missing = true
			b.manifest.Policies = append(b.manifest.Policies, p)
			continue
		}
		source := set.Source()
		if p.Calendars, err = calendarsOf(source); err != nil {
			return err
		}
		b.manifest.Policies = append(b.manifest.Policies, p)
		if err := b.put(policyFile(version), source); err != nil {
			return err
		}
	}
	return nil
}

// calendarsOf gives the version of the calendars of a policy; "" it has none of its own.
func calendarsOf(source []byte) (string, error) {
	files, err := rules.Unpack(source)
	if err != nil {
		return "", err
	}
	c, err := workday.Load(files)
	if err != nil {
		return "", nil // a policy without a list of closures
	}
	return c.Version(), nil
}
