package notices_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
)

// writer writes the kind and the tokens of a notice, so that a test sees what came together.
type writer struct{}

func (writer) Write(kind string, via cpni.Via, language string, tokens map[string]string) (notify.Words, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s %s", kind, via, language)
	for _, k := range slices.Sorted(maps.Keys(tokens)) {
		fmt.Fprintf(&text, " %s=%s", k, tokens[k])
	}
	return notify.Words{Subject: "Your privacy choices", Text: text.String(), Version: kind + " 1"}, nil
}

func (writer) Urgent(string, cpni.Via) bool { return true }

func (writer) Reveals(notify.Words, []string) (string, bool) { return "", false }

// post is the other side of a way: it takes everything, and remembers what.
type post struct {
	mu    sync.Mutex
	got   map[cpni.ID]int
	size  int
	slow  time.Duration
	fails func(notify.Piece) bool
}

func (p *post) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	time.Sleep(p.slow)
	for _, one := range pieces {
		p.mu.Lock()
		if p.got == nil {
			p.got = map[cpni.ID]int{}
		}
		if notify.IsNotice(one.Kind) { // confirmations of answers are not counted
			p.got[one.ID]++
		}
		fails := p.fails != nil && p.fails(one)
		p.mu.Unlock()
		if fails {
			told(one, notify.Outcome{State: notify.Bounced, Code: "550"})
			continue
		}
		told(one, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(one.ID)})
	}
}

func (p *post) Check(context.Context) error { return nil }
func (p *post) Batch() int                  { return max(20, p.size) }

func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.got)
}

// world is an office whose messages go to the test.
type world struct {
	*officetest.Office
	t             testing.TB
	email, postal *post
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	return (&world{Office: officetest.Open(t, db), t: t, email: &post{}, postal: &post{}}).reach()
}

func (w *world) reach() *world {
	w.Messages.Writer = writer{}
	w.Reach(map[cpni.Via]notify.Channel{cpni.Email: w.email, cpni.Postal: w.postal})
	return w
}

// node is one more process on the same database.
func (w *world) node() *world {
	w.t.Helper()
	n := &world{Office: w.On(w.t, w.DB), t: w.t, email: w.email, postal: w.postal}
	return n.reach()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// crowd adds customers without lines of their own, many in one transaction: of ten, seven have agreed to e-mail, one has an e-mail
// address without that and a postal address, one only a postal address, and one nothing. It gives their ids, sorted.
func (w *world) crowd(n int, change ...func(i int, p *customer.Profile)) []cpni.ID {
	w.t.Helper()
	return w.Crowd(w.t, n, append([]func(int, *customer.Profile){func(i int, p *customer.Profile) {
		email := customer.Address{Value: fmt.Sprintf("c%d@example.com", i), Since: p.Since, Notices: i%10 < 7}
		home := customer.Address{Value: fmt.Sprintf("%d Main St, Springfield, VA 22150", i), Since: p.Since}
		if i%10 < 8 {
			p.Email = []customer.Address{email}
		}
		if i%10 < 9 {
			p.Postal = []customer.Address{home}
		}
	}}, change...)...)
}

// optOut is the notice of these tests.
func optOut(ways ...string) notice.Spec {
	if len(ways) == 0 {
		ways = []string{notice.ByEmail, notice.ByPostal}
	}
	return notice.Spec{Kind: approval.OptOut, Purposes: []cpni.Purpose{cpni.OwnMarketing}, Ways: ways}
}

func optIn() notice.Spec {
	return notice.Spec{Kind: approval.OptIn, Purposes: []cpni.Purpose{cpni.OtherMarketing}, Ways: []string{notice.ByEmail, notice.ByPostal}}
}

func to(a notice.Audience) notice.Launch { return notice.Launch{Title: "A notice", Audience: a} }

var everyone = to(notice.Audience{Who: notice.Everyone})

// launch begins a run as if two people had agreed to it.
func (w *world) launch(s notice.Spec, l notice.Launch) notice.Run {
	w.t.Helper()
	var run notice.Run
	_, err := w.Ledger.Commit(w.t.Context(), func(tx *store.Tx) (entries []ledger.Entry, err error) {
		run, entries, err = w.Notices.LaunchTx(w.t.Context(), tx, s, l, "test", 0)
		return entries, err
	})
	w.must(err)
	return run
}

// finish works until a run has looked at everybody and everything that is due has gone.
func (w *world) finish(id cpni.ID) notice.Run {
	w.t.Helper()
	for {
		w.must(w.Notices.Work(w.t.Context()))
		w.must(w.Messages.Step(w.t.Context()))
		r, err := w.Notices.Run(w.t.Context(), id)
		w.must(err)
		if r.State != notice.Running {
			w.must(w.Messages.Step(w.t.Context()))
			return r
		}
	}
}

func (w *world) progress(id cpni.ID) notice.Progress {
	w.t.Helper()
	p, err := w.Notices.Progress(w.t.Context(), id)
	w.must(err)
	return p
}

func (w *world) with(of, run cpni.ID) (state, via string, message cpni.ID) {
	w.t.Helper()
	state, via, message, err := w.Notices.With(w.t.Context(), of, run)
	w.must(err)
	return state, via, message
}

// comesBack has the message by which a notice went last come back.
func (w *world) comesBack(of, run cpni.ID) {
	w.t.Helper()
	_, via, message := w.with(of, run)
	w.must(w.Messages.Referred(w.t.Context(), cpni.Via(via), string(message), notify.Report{Kind: notify.Bounce, At: w.Clock.Now(), Outcome: notify.Outcome{State: notify.Bounced, Code: "550"}}))
}

// mailed has the print shop confirm a letter.
func (w *world) mailed(of, run cpni.ID) {
	w.t.Helper()
	_, _, message := w.with(of, run)
	w.must(w.Messages.Referred(w.t.Context(), cpni.Postal, string(message), notify.Report{Kind: notify.Mailed, At: w.Clock.Now(), Outcome: notify.Outcome{State: notify.Sent, Code: "mailed"}}))
}

// standing is where own marketing stands with a customer.
func (w *world) standing(of cpni.ID) cpni.ApprovalState {
	w.t.Helper()
	p, _, err := w.Customers.Get(w.t.Context(), of)
	w.must(err)
	now := w.Clock.Now()
	return approval.Standing(p, cpni.OwnMarketing, []cpni.DataClass{cpni.Usage}, carrier, now.In(w.Zone), approval.Terms{RenoticeMonths: w.Approvals.Numbers(now).RenoticeMonths}).State
}

func (w *world) at(year int, month time.Month, day, hour, minute int) {
	w.t.Helper()
	d := time.Date(year, month, day, hour, minute, 0, 0, officetest.Zone).Sub(w.Time.Now())
	if d < 0 {
		w.t.Fatal("the clock goes forward")
	}
	w.Time.Add(d)
}

// alerts gives the codes of the alerts about the carrier.
func (w *world) alerts() []cpni.Code {
	w.t.Helper()
	rows, err := w.Ledger.Records(w.t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 100})
	w.must(err)
	var all []cpni.Code
	for _, r := range rows {
		all = append(all, r.Code)
	}
	return all
}
