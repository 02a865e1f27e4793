package audience

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// record is what is kept in mind of a customer: what of them a decision about the use of their information for marketing can depend on,
// and what filters tell customers apart by. It holds no name, no number, and of an address the state and the ZIP code.
type record struct {
	version int64
	broken  bool // nothing of theirs can be read: they are in no audience
	class   class
	since   time.Time
	where   where
	spans   *spans // of one whose service or address has changed so lately that a moment before may be asked about; nil: they are as the others say
	rows    []row
}

// class is what rules may know of a customer's service. Of very many customers there are few.
type class struct {
	ended                       bool
	categories                  string // sorted, with commas between
	lines                       int
	listed, dedicated, contract bool
}

// spans is a customer's service and place with the moments at which they changed, the last of them at Last.
type spans struct {
	Last  time.Time
	Ended time.Time
	Lines []customer.Line // what counts of each: categories, whether listed, and since when it is gone
	Post  []postal
	// Ported is set of those of whom another carrier has asked for a number: the door is asked about each.
	Ported bool `json:",omitempty"`
}

// postal is where a postal address lies, and while which time it is on the account.
type postal struct {
	Since, Until time.Time
	State, Zip   string
}

// row is where one scope stands, as it is written on the account.
type row struct {
	kind                    *kind
	since, noticed, matures time.Time
}

// kind is what rows have in common but for their times.
type kind struct {
	no      int // among those of the index
	scope   string
	state   cpni.ApprovalState
	names   []string
	data    []cpni.DataClass
	yes     bool // the customer has said yes
	refusal bool // the customer has refused
	common  bool // it is about more than one scope
}

func (k *kind) approval(r row) customer.Approval {
	return customer.Approval{Scope: k.scope, State: k.state, Since: r.since, NoticeAt: r.noticed, Matures: r.matures, Names: k.names, Data: k.data}
}

// rests is the moment by which it is known what a row's notice told of.
func (r row) rests() time.Time {
	if r.kind.yes {
		return r.since
	}
	return r.noticed
}

// classOf gives what rules may know of the service, by the facts that a decision about the customer alone has, and how many lines there are.
func classOf(p *customer.Profile, at time.Time) class {
	f := p.Facts(at)
	var all []string
	for _, c := range f.Categories {
		all = append(all, string(c))
	}
	return class{ended: !f.Ended.IsZero() && !at.Before(f.Ended), categories: strings.Join(all, ","), lines: len(p.LiveLines(at)), listed: f.ListedOnly, dedicated: f.DedicatedRepresentative, contract: f.ContractCoversCPNI}
}

// facts gives what the rules may know of a customer of the class at a moment.
func (c class) facts(at time.Time) rules.Customer {
	f := rules.Customer{Known: true, ListedOnly: c.listed, DedicatedRepresentative: c.dedicated, ContractCoversCPNI: c.contract}
	for _, w := range c.list() {
		f.Categories = append(f.Categories, cpni.Category(w))
	}
	if c.ended {
		f.Ended = at
	}
	return f
}

func (c class) list() []string {
	if c.categories == "" {
		return nil
	}
	return strings.Split(c.categories, ",")
}

// farAhead is after everything that can have happened to a service.
var farAhead = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// recordOf takes from a profile what is kept in mind.
func (x *Index) recordOf(p *customer.Profile, version int64) record {
	r := record{version: version, class: classOf(p, farAhead), since: p.Since.UTC()}
	if a, ok := customer.Current(p.Postal, farAhead); ok {
		r.where = whereOf(a.Value)
	}
	last := p.Ended
	later := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, l := range p.Lines {
		later(l.Removed)
	}
	for _, a := range p.Postal {
		later(a.Since)
		later(a.Until)
	}
	ported := len(p.Ports) > 0
	if ported { // what bars those of a port ends with time
		last = farAhead
	}
	if last.After(x.from) {
		r.spans = &spans{Last: last, Ended: p.Ended, Ported: ported}
		for _, l := range p.Lines {
			r.spans.Lines = append(r.spans.Lines, customer.Line{Categories: l.Categories, Listed: l.Listed, Removed: l.Removed})
		}
		for _, a := range p.Postal {
			w := whereOf(a.Value)
			r.spans.Post = append(r.spans.Post, postal{a.Since, a.Until, w.state, w.zip})
		}
	}
	for _, a := range p.Approvals {
		r.rows = append(r.rows, row{x.words.kindOf(a.Scope, a.State, a.Names, a.Data), a.Since.UTC(), a.NoticeAt.UTC(), a.Matures.UTC()})
	}
	return r
}

// at gives what rules may know of the customer's service at a moment, and where they live.
func (r *record) at(at time.Time) (class, where) {
	if r.spans == nil || !at.Before(r.spans.Last) {
		return r.class, r.where
	}
	c := classOf(&customer.Profile{Ended: r.spans.Ended, Lines: r.spans.Lines}, at)
	c.dedicated, c.contract = r.class.dedicated, r.class.contract
	all := make([]customer.Address, len(r.spans.Post))
	for i, a := range r.spans.Post {
		all[i] = customer.Address{Value: a.State + " " + a.Zip, Since: a.Since, Until: a.Until}
	}
	a, ok := customer.Current(all, at)
	if !ok {
		return c, where{}
	}
	return c, whereOf(a.Value)
}

// traits gives what filters tell the customer apart by.
func (r *record) traits(c class, w where) traits {
	return traits{inService: !c.ended, categories: c.list(), lines: c.lines, since: r.since, where: w}
}

// approvals gives where the customer's scopes stand as their profile has it.
func (r *record) approvals(into []customer.Approval) []customer.Approval {
	into = into[:0]
	for _, w := range r.rows {
		into = append(into, w.kind.approval(w))
	}
	return into
}

// same reports whether two records say the same of a customer.
func (r *record) same(o *record) bool {
	if r.ported() != o.ported() || r.version != o.version || r.broken != o.broken || r.class != o.class || !r.since.Equal(o.since) || r.where != o.where || len(r.rows) != len(o.rows) {
		return false
	}
	for i, a := range r.rows {
		b := o.rows[i]
		if a.kind != b.kind || !a.since.Equal(b.since) || !a.noticed.Equal(b.noticed) || !a.matures.Equal(b.matures) {
			return false
		}
	}
	return true
}

// ported reports whether another carrier has ever asked for a number of the customer's.
//
// cite: P-33, 47 USC 222(b)
func (r *record) ported() bool { return r.spans != nil && r.spans.Ported }

// key is an id's sixteen bytes, which sort as ids do.
type key = [16]byte

var errID = errors.New("a customer has an id that is none")

func keyOf(id cpni.ID) (k key, err error) {
	k, ok := id.Bytes()
	if !ok {
		return k, errID
	}
	return k, nil
}

func idOf(k key) cpni.ID { return cpni.IDOf(k[:]) }

// words are those that a part's records share, each written once: the classes of service and the kinds of rows.
type words struct {
	classes []class
	kinds   []*kind
	classNo map[class]int
	kindNo  map[*kind]int
}

func (w *words) classOf(c class) int {
	if w.classNo == nil {
		w.classNo = make(map[class]int, len(w.classes))
		for i, c := range w.classes {
			w.classNo[c] = i
		}
	}
	n, ok := w.classNo[c]
	if !ok {
		n = len(w.classes)
		w.classNo[c] = n
		w.classes = append(w.classes, c)
	}
	return n
}

func (w *words) kindOf(k *kind) int {
	if w.kindNo == nil {
		w.kindNo = make(map[*kind]int, len(w.kinds))
		for i, k := range w.kinds {
			w.kindNo[k] = i
		}
	}
	n, ok := w.kindNo[k]
	if !ok {
		n = len(w.kinds)
		w.kindNo[k] = n
		w.kinds = append(w.kinds, k)
	}
	return n
}

// Marks in a written record.
const (
	withSpans = 1 << iota
	isBroken
)

// write appends a record in few bytes.
func (w *words) write(b []byte, r *record) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(r.version))
	flags := byte(0)
	if r.spans != nil {
		flags |= withSpans
	}
	if r.broken {
		flags |= isBroken
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(w.classOf(r.class)))
	b = appendTime(b, r.since)
	b = r.where.write(b)
	if r.spans != nil {
		text, err := json.Marshal(r.spans)
		if err != nil {
			return nil, err
		}
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	b = binary.AppendUvarint(b, uint64(len(r.rows)))
	for _, a := range r.rows {
		b = binary.AppendUvarint(b, uint64(w.kindOf(a.kind)))
		b = appendTime(appendTime(appendTime(b, a.since), a.noticed), a.matures)
	}
	return b, nil
}

// read reads what write has written, into r, whose room it uses again, and gives how many bytes that is.
func (w *words) read(b []byte, r *record) (int, error) {
	d := reader{b: b}
	r.version, r.rows, r.spans = int64(d.number()), r.rows[:0], nil
	flags := d.byte()
	r.broken = flags&isBroken != 0
	class := d.number()
	if class >= uint64(len(w.classes)) {
		return 0, errDamaged
	}
	r.class = w.classes[class]
	r.since, r.where = d.time(), d.where()
	if flags&withSpans != 0 {
		r.spans = &spans{}
		if err := json.Unmarshal(d.bytes(d.number()), r.spans); err != nil {
			return 0, errDamaged
		}
	}
	n := d.number()
	for range n {
		k := d.number()
		if k >= uint64(len(w.kinds)) || d.bad {
			return 0, errDamaged
		}
		r.rows = append(r.rows, row{w.kinds[k], d.time(), d.time(), d.time()})
	}
	if d.bad {
		return 0, errDamaged
	}
	return len(b) - len(d.b), nil
}

var errDamaged = errors.New("what is kept in mind of a customer is damaged")

// epoch is from where seconds are counted.
const epoch = 1_577_836_800 // 2020-01-01 UTC

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	s, ns := t.Unix()-epoch, uint64(t.Nanosecond())
	u := uint64(s)<<1 ^ uint64(s>>63)
	if ns == 0 {
		return binary.AppendUvarint(b, u<<1+1)
	}
	b = binary.AppendUvarint(b, u<<1+2)
	if ns%1000 == 0 {
		return binary.AppendUvarint(b, ns/1000<<1)
	}
	return binary.AppendUvarint(b, ns<<1|1)
}

// reader reads numbers; at the end it is bad.
type reader struct {
	b   []byte
	bad bool
}

func (d *reader) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *reader) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *reader) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	c := d.b[:n]
	d.b = d.b[n:]
	return c
}

// write appends the state and the ZIP code as a number.
func (w where) write(b []byte) []byte {
	if w.state == "" {
		return append(b, 0)
	}
	n := uint64(w.state[0]-'A')*26 + uint64(w.state[1]-'A')
	for i := range len(w.zip) {
		n = n*10 + uint64(w.zip[i]-'0')
	}
	return binary.AppendUvarint(b, n+1)
}

func (d *reader) where() where {
	n := d.number()
	if n == 0 {
		return where{}
	}
	n--
	s := n / 100_000
	return where{state: states[min(s, 26*26-1)], zip: zipOf(n % 100_000)}
}

// states are all pairs of letters.
var states = func() (all [26 * 26]string) {
	for i := range all {
		all[i] = string([]byte{byte('A' + i/26), byte('A' + i%26)})
	}
	return all
}()

func zipOf(n uint64) string {
	var b [5]byte
	for i := 4; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return string(b[:])
}

func (d *reader) time() time.Time {
	v := d.number()
	if v == 0 {
		return time.Time{}
	}
	v--
	u, more := v>>1, v&1 == 1
	s := int64(u>>1) ^ -int64(u&1)
	ns := uint64(0)
	if more {
		if ns = d.number(); ns&1 == 0 {
			ns = ns >> 1 * 1000
		} else {
			ns >>= 1
		}
	}
	return time.Unix(s+epoch, int64(ns)).UTC()
}

// dictionary has the kinds that were met. It may be shared by several indexes.
type dictionary struct {
	mu    sync.RWMutex
	kinds map[string]*kind
}

func newDictionary() *dictionary { return &dictionary{kinds: map[string]*kind{}} }

// kindOf gives the kind of these words, always the same one.
func (x *dictionary) kindOf(scope string, state cpni.ApprovalState, names []string, data []cpni.DataClass) *kind {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s%d %s", len(scope), scope, len(state), state)
	for _, n := range names {
		fmt.Fprintf(&b, "+%d %s", len(n), n)
	}
	for _, d := range data {
		fmt.Fprintf(&b, "=%d %s", len(d), d)
	}
	text := b.String()
	x.mu.RLock()
	k, ok := x.kinds[text]
	x.mu.RUnlock()
	if ok {
		return k
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if k, ok := x.kinds[text]; ok {
		return k
	}
	k = &kind{no: len(x.kinds), scope: strings.Clone(scope), state: state, names: slices.Clone(names), data: slices.Clone(data), yes: state == cpni.OptInOK, refusal: state == cpni.Denied, common: approval.Common(scope)}
	x.kinds[text] = k
	return k
}
