package register

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
)

// The file of a register that anybody can check: one JSON object a line, the head first. Each entry is there as its row is stored,
// still sealed, with its leaf and the path of hashes to the root of the one signed checkpoint that the head bears.
const fileFormat = "ringfence register 1"

type head struct {
	Format     string    `json:"format"`
	Register   Name      `json:"register"`
	Log        string    `json:"log"`
	Key        string    `json:"key"`
	Checkpoint string    `json:"checkpoint"`
	Asked      Query     `json:"asked"`
	Words      string    `json:"words"`
	Made       time.Time `json:"made"`
	Lines      int64     `json:"lines"`
}

// proven is a line of the file.
type proven struct {
	Line    json.RawMessage `json:"line"` // as the register shows it
	Entries []shown         `json:"entries"`
}

// shown is an entry with its proof. Record is what was recorded, to the byte; "": the file does not tell.
type shown struct {
	Index  int64    `json:"index"`
	Leaf   string   `json:"leaf"`
	Path   []string `json:"path"`
	Row    row      `json:"row"`
	Record string   `json:"record,omitempty"`
}

// row is an entry as it is stored.
type row struct {
	Customer   cpni.ID `json:"customer,omitempty"`
	ID         cpni.ID `json:"id"`
	Kind       string  `json:"kind"`
	At         int64   `json:"at"` // microseconds since 1970 UTC
	Actor      string  `json:"actor,omitempty"`
	Contact    string  `json:"contact,omitempty"`
	Purpose    string  `json:"purpose,omitempty"`
	Recipient  string  `json:"recipient,omitempty"`
	Outcome    string  `json:"outcome"`
	Code       string  `json:"code,omitempty"`
	Rules      string  `json:"rules,omitempty"`
	Permits    string  `json:"permits,omitempty"`
	Commitment []byte  `json:"commitment"`
	Sealed     []byte  `json:"sealed"`
}

func rowOf(e ledger.Entry) row {
	words := make([]string, len(e.Permits))
	for i, p := range e.Permits {
		words[i] = string(p)
	}
	return row{e.Customer, e.ID, string(e.Kind), e.At.UnixMicro(), e.Actor, e.Contact, e.Purpose, e.Recipient, string(e.Outcome), string(e.Code), e.Rules, strings.Join(words, " "), e.Commitment[:], e.Sealed}
}

func (r row) entry() ledger.Entry {
	e := ledger.Entry{Customer: r.Customer, ID: r.ID, Kind: ledger.Kind(r.Kind), At: time.UnixMicro(r.At).UTC(), Actor: r.Actor, Contact: r.Contact, Purpose: r.Purpose, Recipient: r.Recipient,
		Outcome: cpni.Outcome(r.Outcome), Code: cpni.Code(r.Code), Rules: r.Rules, Sealed: r.Sealed}
	for _, p := range strings.Fields(r.Permits) {
		e.Permits = append(e.Permits, cpni.DataClass(p))
	}
	copy(e.Commitment[:], r.Commitment)
	return e
}

// opens reports whether the record of a decision may go with the file: not that of a case or of legal process, which may name people,
// and none that holds an address.
func opens(plain []byte) bool {
	rec, err := disclose.DecodeRecord(plain)
	return err == nil && rec.Facts.Basis.Process == nil && rec.Facts.Basis.Case == nil && rec.Address == ""
}

// Proof writes the file of a register by which anybody can check it. open adds what was recorded, where it may be told, so that the
// words of a line can be checked too. It returns how many lines it has written.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (b *Book) Proof(ctx context.Context, w io.Writer, n Name, q Query, open bool) (int64, error) {
	t, err := b.begin(ctx, n, &q)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	to := json.NewEncoder(out)
	to.SetEscapeHTML(false)
	if err := to.Encode(head{fileFormat, n, b.Ledger.Origin(), b.Ledger.VerifierKey(), string(t.prover.Checkpoint), q, b.Words(n, q), b.Clock.Now(), t.lines}); err != nil {
		return 0, err
	}
	written := int64(0)
	err = b.each(ctx, n, q, t, func(l taken) error {
		line, err := json.Marshal(l.line)
		if err != nil {
			return err
		}
		p := proven{Line: line, Entries: []shown{}}
		for _, ref := range l.entries {
			e, err := b.shown(ctx, t.prover, ref, open)
			if errors.Is(err, ledger.ErrNotYet) {
				continue // it is younger than the checkpoint
			}
			if err != nil {
				return err
			}
			p.Entries = append(p.Entries, e)
		}
		written++
		return to.Encode(p)
	})
	if err != nil {
		return written, err
	}
	return written, out.Flush()
}

// shown proves one entry.
func (b *Book) shown(ctx context.Context, p *ledger.Prover, ref reference, open bool) (shown, error) {
	r, err := b.Ledger.Record(ctx, ref.customer, ref.entry)
	if err != nil {
		return shown{}, err
	}
	if ref.seq < 0 {
		if ref.seq, err = b.Ledger.PlaceOf(ctx, r); err != nil {
			return shown{}, err
		}
	}
	leaf, path, err := p.Prove(ctx, ref.seq)
	if err != nil {
		return shown{}, err
	}
	s := shown{Index: ref.seq, Leaf: string(leaf), Path: []string{}, Row: rowOf(r.Entry)}
	for _, h := range path {
		s.Path = append(s.Path, base64.StdEncoding.EncodeToString(h[:]))
	}
	if open && r.Kind == ledger.Decision {
		_, plain, err := b.told(ctx, r)
		if err != nil {
			return shown{}, err
		}
		if plain != nil && opens(plain) {
			s.Record = string(plain)
		}
	}
	return s, nil
}

// Verified is what the file of a register that holds proves.
type Verified struct {
	Register Name
	Log      string
	Words    string // what was asked for
	Made     time.Time
	Tree     tlog.Tree // that was signed
	Lines    int64
	Entries  int64 // that stand in the log behind the lines
	Records  int64 // lines whose words were compared with what was recorded

	asked Query
	there map[cpni.ID]bool
}

// ErrFile: a file is no register of the log whose key was given.
var ErrFile = errors.New("this register does not hold")

// longestLine bounds a line of the file, in bytes.
const longestLine = 16 << 20

// Verify verifies the file of a register against the public key of its log, and nothing else: no network, no database. Every line of
// it stands in the log then, with the recipient, the purpose, the classes and the time that it shows.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func Verify(file io.Reader, key string) (*Verified, error) {
	bad := func(format string, a ...any) (*Verified, error) {
		return nil, fmt.Errorf("%w: %w", ErrFile, fmt.Errorf(format, a...))
	}
	in := bufio.NewScanner(file)
	in.Buffer(make([]byte, 1<<16), longestLine)
	if !in.Scan() {
		return bad("it is empty")
	}
	var h head
	if err := strict(in.Bytes(), &h); err != nil {
		return bad("its head is not written as registers are: %w", err)
	}
	switch {
	case h.Format != fileFormat:
		return bad("it is of the form %.40q, not of %q", h.Format, fileFormat)
	case h.Key != strings.TrimSpace(key):
		return bad("it names another key than the one that you gave")
	case !slices.Contains(Names, h.Register):
		return bad("it is of no register")
	}
	v := &Verified{Register: h.Register, Words: h.Words, Made: h.Made, asked: h.Asked, there: map[cpni.ID]bool{}}
	var err error
	if v.Log, v.Tree, err = ledger.OpenSigned([]byte(h.Checkpoint), key); err != nil {
		return bad("%w", err)
	}
	if h.Log != v.Log {
		return bad("it is of the log %.100q, and the checkpoint of %q", h.Log, v.Log)
	}
	for in.Scan() {
		v.Lines++
		var p proven
		if err := strict(in.Bytes(), &p); err != nil {
			return bad("line %d is not written as registers are: %w", v.Lines, err)
		}
		if err := v.line(p); err != nil {
			return bad("line %d: %w", v.Lines, err)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading the register: %w", err)
	}
	if v.Lines != h.Lines {
		return bad("it has %d lines and says that it has %d", v.Lines, h.Lines)
	}
	return v, nil
}

// strict reads one value that is to the byte as it was written.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("there is more on the line")
	}
	return nil
}

// line checks a line: its entries stand in the log, and it says of them what they say.
func (v *Verified) line(p proven) error {
	for _, e := range p.Entries {
		entry, err := v.entry(e)
		if err != nil {
			return err
		}
		if v.there[entry.ID] && v.Register == Disclosures {
			return fmt.Errorf("the entry %s stands there twice", entry.ID)
		}
		v.there[entry.ID] = true
		v.Entries++
	}
	if v.Register != Disclosures {
		return nil
	}
	if len(p.Entries) != 1 {
		return errors.New("it has not exactly one entry")
	}
	var d Disclosure
	if err := json.Unmarshal(p.Line, &d); err != nil {
		return err
	}
	e := p.Entries[0].Row.entry()
	switch {
	case !e.Given():
		return errors.New("its entry gives nothing to a third party")
	case d.Seq != p.Entries[0].Index || d.Entry != e.ID || d.Customer != e.Customer || !d.At.Equal(e.At) || d.Actor != e.Actor:
		return errors.New("it is not about its entry")
	case d.To.Word() != e.Recipient || string(d.Purpose) != e.Purpose || !slices.Equal(d.Data, e.Permits):
		return errors.New("it tells of another recipient, purpose or class of data than its entry")
	}
	if p.Entries[0].Record == "" {
		return nil
	}
	rec, err := disclose.DecodeRecord([]byte(p.Entries[0].Record))
	if err != nil {
		return err
	}
	want := tell(rec)
	if want.To.Name == "" {
		want.To.Name = d.To.Name // the name of a partner stands on the register of partners
	}
	if !same(want, d.Told) {
		return errors.New("its words are not those of the record")
	}
	v.Records++
	return nil
}

// same compares by what is written, in which empty and absent are one.
func same(a, b Told) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// entry checks that an entry stands in the log as it is shown.
func (v *Verified) entry(s shown) (ledger.Entry, error) {
	e := s.Row.entry()
	leaf, err := ledger.ParseLeaf([]byte(s.Leaf))
	if err != nil {
		return e, err
	}
	if leaf.ID != e.ID || leaf.Kind != e.Kind || !leaf.At.Equal(e.At) || leaf.Commitment != e.Commitment || leaf.Row != e.Digest() {
		return e, errors.New("the entry is not the one of which the leaf holds the hash")
	}
	if s.Record != "" && sha256.Sum256([]byte(s.Record)) != leaf.Commitment {
		return e, errors.New("the record is not the one of which the leaf holds the hash")
	}
	path := make(tlog.RecordProof, len(s.Path))
	for i, text := range s.Path {
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(b) != tlog.HashSize {
			return e, errors.New("a hash of the proof is none")
		}
		path[i] = tlog.Hash(b)
	}
	if s.Index < 0 || s.Index >= v.Tree.N {
		return e, errors.New("the leaf stands behind the end of the signed tree")
	}
	if err := tlog.CheckRecord(path, v.Tree.N, v.Tree.Hash, s.Index, tlog.RecordHash([]byte(s.Leaf))); err != nil {
		return e, errors.New("the leaf does not lead to the signed root")
	}
	return e, nil
}

// ErrUnchecked: what was asked for stands only in sealed records.
var ErrUnchecked = errors.New("whether lines were left out cannot be told by a name, a number, a campaign or a text, which stand in sealed records: take the register without that, or with times, recipient, purpose and customer alone")

// Complete looks whether anything was left out of a register that Verify has found to hold. each gives every entry of the log, which
// the caller has verified, with its place. It gives the entries that should be there and are not.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (v *Verified) Complete(each func(do func(ledger.Entry, int64) error) error) (left []cpni.ID, err error) {
	q := v.asked
	if q.Named != "" || q.Matter != "" || q.Text != "" || q.Campaign != "" {
		return nil, ErrUnchecked
	}
	belongs := func(e ledger.Entry) bool {
		return e.Given() && q.within(e.At) && (q.Recipient == "" || q.Recipient == e.Recipient) && (q.Purpose == "" || string(q.Purpose) == e.Purpose) && (q.Customer == "" || q.Customer == e.Customer)
	}
	if v.Register != Disclosures {
		return nil, ErrOnlyDisclosures
	}
	found := 0
	err = each(func(e ledger.Entry, index int64) error {
		if index >= v.Tree.N {
			return nil
		}
		there := v.there[e.ID]
		if there {
			found++
		}
		if belongs(e) && !there {
			left = append(left, e.ID)
		}
		return nil
	})
	if err == nil && found < len(v.there) {
		err = fmt.Errorf("%w: %d of its lines are not in this log", ErrFile, len(v.there)-found)
	}
	slices.Sort(left)
	return left, err
}

// ErrOnlyDisclosures: an entry about a campaign or a process does not say so but in its sealed record.
var ErrOnlyDisclosures = errors.New("whether lines were left out can be told of the register of disclosures alone")
