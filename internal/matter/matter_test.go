package matter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A matter justifies its own purpose, for its customer, lines and information, while it is open; and nothing beyond. Nobody but
// its vendor, and no carrier but the one that has asked, gets anything on it.
//
// cite: P-28, P-30, P-33, P-34, P-35, 47 USC 222(b), 47 USC 222(c)(1), 47 USC 222(d)
func TestWhatAMatterJustifies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann, ben := w.customer("Ann", "+12025550101", "+12025550102"), w.customer("Ben", "+12025550103")
		w.vendor(partner.Partner{ID: "collectors", Agreement: &partner.Agreement{Until: start.AddDate(1, 0, 0), DestroyBy: start.AddDate(1, 1, 0)}})
		ticket := w.made(Opening{Reference: "T-1", About: []About{{Customer: ann, Lines: []string{"(202) 555-0101"}}}})
		fraud := w.made(Opening{Kind: Protection, Reference: "F-1", About: []About{{Customer: ann}}})
		port := w.made(Opening{Kind: PortOut, Reference: "P-1", Carrier: "Far Telephone", About: []About{{Customer: ann, Lines: []string{"+12025550102"}}}})
		placed := w.made(Opening{Kind: Collection, Reference: "C-1", Partner: "collectors", About: []About{{Customer: ann}}})
		for _, c := range []struct {
			name string
			m    *Matter
			use  Use
			want string
		}{
			{"its own line", ticket, Use{Customer: ann, Line: "+12025550101"}, Fits},
			{"another line", ticket, Use{Customer: ann, Line: "+12025550102"}, NotItsLine},
			{"all lines", ticket, Use{Customer: ann}, NotItsLine},
			{"another customer", ticket, Use{Customer: ben, Line: "+12025550101"}, NotTheirs},
			{"no customer", ticket, Use{Line: "+12025550101"}, NotTheirs},
			{"another purpose", ticket, Use{Customer: ann, Line: "+12025550101", Purpose: cpni.OwnMarketing}, NotItsKind},
			{"protection on a ticket", ticket, Use{Customer: ann, Line: "+12025550101", Purpose: cpni.Protect}, NotItsKind},
			{"what a ticket needs not", ticket, Use{Customer: ann, Line: "+12025550101", Data: []cpni.DataClass{cpni.Service, cpni.Billing}}, NotItsData},
			{"a case about all lines", fraud, Use{Customer: ann}, Fits},
			{"a case about one line", fraud, Use{Customer: ann, Line: "+12025550102"}, Fits},
			{"a case about another", fraud, Use{Customer: ben}, NotTheirs},
			{"the carrier that asked", port, Use{Customer: ann, Line: "+12025550102", To: cpni.ToOtherCarrier, Carrier: "far telephone"}, Fits},
			{"a carrier that did not ask", port, Use{Customer: ann, Line: "+12025550102", To: cpni.ToOtherCarrier, Carrier: "Near Telephone"}, NotRecipient},
			{"a number that is not ported", port, Use{Customer: ann, Line: "+12025550101", To: cpni.ToOtherCarrier, Carrier: "Far Telephone"}, NotItsLine},
			{"a partner on a port", port, Use{Customer: ann, Line: "+12025550102", To: cpni.ToPartner, Partner: "collectors"}, NotRecipient},
			{"calls on a port", port, Use{Customer: ann, Line: "+12025550102", Data: []cpni.DataClass{cpni.CallDetail}}, NotItsData},
			{"the vendor", placed, Use{Customer: ann, To: cpni.ToPartner, Partner: "collectors"}, Fits},
			{"another vendor", placed, Use{Customer: ann, To: cpni.ToPartner, Partner: "others"}, NotRecipient},
			{"the carrier itself on a placement", placed, Use{Customer: ann}, NotRecipient},
		} {
			if got := w.unfit(c.m, c.use); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
		if f, err := w.Justifies(t.Context(), "t-1", []Kind{Ticket}, Use{Customer: ann, Purpose: cpni.ProvideService, Line: "+12025550101", At: w.clock.Now()}); err != nil || f.ID != ticket.ID || f.Unfit != Fits {
			t.Errorf("by its number: %+v %v", f, err)
		}
		if f, err := w.Justifies(t.Context(), string(ticket.ID), []Kind{Protection}, Use{Customer: ann, At: w.clock.Now()}); err != nil || f.ID != "" || f.Unfit != NotThere {
			t.Errorf("a ticket that is named as a case: %+v %v", f, err)
		}
		if f, err := w.Justifies(t.Context(), "T-99", Kinds, Use{Customer: ann, At: w.clock.Now()}); err != nil || f.Unfit != NotThere {
			t.Errorf("nobody's number: %+v %v", f, err)
		}
		_, err := w.Close(t.Context(), fraud.ID, "fay", Unfounded, "It was the customer's son.")
		must(t, err)
		if got := w.unfit(fraud, Use{Customer: ann}); got != NotOpen {
			t.Errorf("closed: %q", got)
		}
	})
}

// What cannot be opened is refused with what is wrong with it, and leaves nothing behind.
//
// cite: P-28, P-33, P-35, P-41, 47 USC 222(b), 47 USC 222(d)(1)
func TestWhatCannotBeOpened(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann, ben := w.customer("Ann", "+12025550101"), w.customer("Ben", "+12025550103")
		about := []About{{Customer: ann}}
		w.vendor(partner.Partner{ID: "bound", Agreement: &partner.Agreement{Until: start.AddDate(1, 0, 0), DestroyBy: start.AddDate(1, 0, 0)}})
		w.vendor(partner.Partner{ID: "loose"})
		w.vendor(partner.Partner{ID: "undated", Agreement: &partner.Agreement{Until: start.AddDate(1, 0, 0)}})
		w.vendor(partner.Partner{ID: "past", Agreement: &partner.Agreement{Until: start, DestroyBy: start.AddDate(1, 0, 0)}})
		w.vendor(partner.Partner{ID: "hoarder", Agreement: &partner.Agreement{Until: start.AddDate(1, 0, 0), DestroyBy: start}})
		w.made(Opening{Reference: "taken", About: about})
		w.made(Opening{Kind: PortOut, Reference: "P-0", Carrier: "Far", About: []About{{Customer: ben, Lines: []string{"+12025550103"}}}})
		before := w.changes(ann) + w.changes(ben)
		for _, c := range []struct {
			name string
			o    Opening
			want cpni.Code
		}{
			{"no kind", Opening{Kind: "whim", About: about}, "BAD_INPUT"},
			{"nobody", Opening{}, "BAD_INPUT"},
			{"no why", Opening{About: about, Why: " \n"}, "BAD_INPUT"},
			{"too long a why", Opening{About: about, Why: strings.Repeat("x", 1001)}, "BAD_INPUT"},
			{"too long a number", Opening{About: about, Reference: strings.Repeat("7", 101)}, "BAD_INPUT"},
			{"a customer twice", Opening{About: []About{{Customer: ann}, {Customer: ann}}}, "BAD_INPUT"},
			{"no number", Opening{About: []About{{Customer: ann, Lines: []string{"horse"}}}}, "BAD_INPUT"},
			{"somebody else's line", Opening{About: []About{{Customer: ann, Lines: []string{"+12025550103"}}}}, "BAD_INPUT"},
			{"a number that is taken", Opening{Reference: " TAKEN ", About: []About{{Customer: ben}}}, "CONFLICT"},
			{"calls for a port", Opening{Kind: PortIn, Carrier: "Far", Data: []cpni.DataClass{cpni.CallDetail}, About: []About{{Customer: ann, Lines: []string{"+12025550101"}}}}, "NOT_NECESSARY"},
			{"location for a ticket", Opening{Data: []cpni.DataClass{cpni.Location}, About: about}, "NOT_NECESSARY"},
			{"a port of nothing", Opening{Kind: PortOut, Carrier: "Far", About: about}, "BAD_INPUT"},
			{"a port to nobody", Opening{Kind: PortOut, About: []About{{Customer: ann, Lines: []string{"+12025550101"}}}}, "BAD_INPUT"},
			{"a port that runs", Opening{Kind: PortOut, Reference: "P-9", Carrier: "Near", About: []About{{Customer: ben, Lines: []string{"+12025550103"}}}}, "CONFLICT"},
			{"a placement with nobody", Opening{Kind: Collection, About: about}, "BAD_INPUT"},
			{"a ticket with a vendor", Opening{Partner: "bound", About: about}, "BAD_INPUT"},
			{"a vendor that is none", Opening{Kind: Collection, Partner: "nobody", About: about}, "VENDOR"},
			{"a vendor without an agreement", Opening{Kind: Collection, Partner: "loose", About: about}, "VENDOR"},
			{"a vendor without a day to destroy", Opening{Kind: Collection, Partner: "undated", About: about}, "VENDOR"},
			{"a vendor whose agreement is over", Opening{Kind: Collection, Partner: "past", About: about}, "VENDOR"},
			{"a vendor who has not destroyed", Opening{Kind: Collection, Partner: "hoarder", About: about}, "VENDOR"},
			{"an alert for a ticket", Opening{Alert: cpni.NewID(), About: about}, "BAD_INPUT"},
		} {
			o := full(c.o)
			if c.o.Why != "" {
				o.Why = c.o.Why
			}
			if _, err := w.Open(t.Context(), o); codeOf(err) != c.want {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
		}
		if _, err := w.Open(t.Context(), full(Opening{About: []About{{Customer: cpni.NewID()}}})); !errors.Is(err, customer.ErrNoCustomer) {
			t.Errorf("no customer: %v", err)
		}
		if after := w.changes(ann) + w.changes(ben); after != before {
			t.Errorf("%d entries of what was refused", after-before)
		}
		all, err := w.List(t.Context(), Filter{})
		must(t, err)
		if len(all) != 2 {
			t.Errorf("%d matters", len(all))
		}
	})
}

// A matter that is opened again under its id is there once, also when many open it at once and after a restart; another under
// the id is refused, and so is another that is open under the same number.
//
// cite: I-11, P-28
func TestOpenedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.customer("Ann", "+12025550101")
		before := w.changes(ann)
		o := full(Opening{ID: cpni.NewID(), Reference: "T-7", About: []About{{Customer: ann}}})
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if m, err := w.Open(context.Background(), o); err != nil || m.ID != o.ID {
					t.Errorf("%+v %v", m, err)
				}
			})
		}
		all.Wait()
		w.open(db)
		if m, err := w.Open(t.Context(), o); err != nil || m.Reference != "T-7" || m.Why != o.Why {
			t.Errorf("after a restart: %+v %v", m, err)
		}
		if n := w.changes(ann) - before; n != 1 {
			t.Errorf("%d entries", n)
		}
		other := o
		other.Why = "Another thing."
		if _, err := w.Open(t.Context(), other); codeOf(err) != "IDEMPOTENCY" {
			t.Errorf("another under the id: %v", err)
		}
		var won, lost int
		var mu sync.Mutex
		for range 6 {
			all.Go(func() {
				_, err := w.Open(context.Background(), full(Opening{Reference: "T-8", About: []About{{Customer: ann}}}))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if codeOf(err) == "CONFLICT" {
					lost++
				}
			})
		}
		all.Wait()
		if won != 1 || lost != 5 {
			t.Errorf("%d were opened and %d refused under one number", won, lost)
		}
		m, err := w.Find(t.Context(), "t-8", Ticket)
		must(t, err)
		_, err = w.Close(t.Context(), m.ID, "rep", Done, "Mended.")
		must(t, err)
		again := w.made(Opening{Reference: "T-8", About: []About{{Customer: ann}}})
		if m, err = w.Find(t.Context(), "T-8", Ticket); err != nil || m.ID != again.ID {
			t.Errorf("the number means %v, want the open one: %v", m, err)
		}
	})
}

// A port out is known from the customer's profile from the moment at which it is opened, ends with it, and bars marketing of
// that number for as long as the profile of numbers says, and of no other.
//
// cite: P-33, V104, 47 USC 222(b)
func TestPorts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.customer("Ann", "+12025550101", "+12025550102")
		profile := func() *customer.Profile {
			p, _, err := w.customers.Get(t.Context(), ann)
			must(t, err)
			return p
		}
		_, before, err := w.customers.Get(t.Context(), ann)
		must(t, err)
		m := w.made(Opening{Kind: PortOut, Reference: "P-1", Carrier: "Far", About: []About{{Customer: ann, Lines: []string{"+12025550101"}}}})
		if _, after, _ := w.customers.Get(t.Context(), ann); after != before+1 {
			t.Errorf("the customer's version went from %d to %d", before, after)
		}
		after := days(30)
		if p := profile(); !p.Ported("", w.clock.Now(), after) || !p.Ported("+12025550101", w.clock.Now(), after) || p.Ported("+12025550102", w.clock.Now(), after) {
			t.Errorf("ports: %+v", p.Ports)
		}
		listed := func(at time.Time) bool {
			t.Helper()
			all, err := w.Ported(t.Context(), at, after)
			must(t, err)
			return slices.Contains(all, ann)
		}
		if !listed(w.clock.Now()) {
			t.Error("not among those whose numbers are ported")
		}
		w.clock.pass(days(1))
		_, err = w.Close(t.Context(), m.ID, "rep", Cancelled, "They stay.")
		must(t, err)
		w.open(db)
		if p := profile(); !p.Ported("", w.clock.Now().Add(after-time.Second), after) || p.Ported("", w.clock.Now().Add(after), after) || p.Porting("+12025550101") {
			t.Errorf("after its end: %+v", p.Ports)
		}
		if !listed(w.clock.Now().Add(after-time.Second)) || listed(w.clock.Now().Add(after)) {
			t.Error("the list says otherwise than the profile")
		}
		w.made(Opening{Kind: PortIn, Reference: "P-2", Carrier: "Far", About: []About{{Customer: ann, Lines: []string{"+12025550199"}}}})
		if p := profile(); len(p.Ports) != 1 {
			t.Errorf("a port in is taken for one out: %+v", p.Ports)
		}
	})
}

// A matter that lies is reminded of once and closes by itself; work on it, by a note or by a use, puts that off, but not for
// ever. What is over justifies nothing, also where nobody has closed it yet.
//
// cite: P-28, P-34, 47 USC 222(c)(1)
func TestIdle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.customer("Ann", "+12025550101")
		about := []About{{Customer: ann}}
		lies, used, noted := w.made(Opening{Reference: "lies", About: about}), w.made(Opening{Reference: "used", About: about}), w.made(Opening{Reference: "noted", About: about})
		port := w.made(Opening{Kind: PortOut, Reference: "port", Carrier: "Far", About: []About{{Customer: ann, Lines: []string{"+12025550101"}}}})
		state := func(m *Matter) *Matter {
			t.Helper()
			m, err := w.Get(t.Context(), m.ID)
			must(t, err)
			return m
		}
		due := func() {
			t.Helper()
			for range 2 {
				must(t, w.Due(t.Context()))
			}
		}
		w.clock.pass(days(3) - time.Second)
		due()
		if m := state(lies); !m.Reminded.IsZero() {
			t.Error("reminded too early")
		}
		w.clock.pass(time.Second)
		due()
		counts, err := w.Counts(t.Context())
		must(t, err)
		if counts[Ticket] != (Count{3, 3}) || counts[PortOut] != (Count{1, 1}) {
			t.Errorf("after three days: %+v", counts)
		}
		steps, err := w.History(t.Context(), state(lies))
		must(t, err)
		if len(steps) != 2 || steps[1].What != "reminded" || steps[1].By != Itself {
			t.Errorf("the history: %+v", steps)
		}
		for range 3 {
			must(t, w.Touch(t.Context(), used.ID, w.clock.Now()))
			_, err := w.Note(t.Context(), noted.ID, "rep", "Still dead.")
			must(t, err)
			if m := state(used); !m.Reminded.IsZero() || !m.Touched.Equal(w.clock.Now()) {
				t.Errorf("work is not noted: %+v", m)
			}
			w.clock.pass(days(8))
		}
		if got := w.unfit(lies, Use{Customer: ann}); got != NotOpen {
			t.Errorf("what is over justifies before it is closed: %q", got)
		}
		if got := w.unfit(used, Use{Customer: ann}); got != Fits {
			t.Errorf("what is worked on does not justify: %q", got)
		}
		due()
		if m := state(lies); m.State != Closed || m.Outcome != Lapsed || m.Closer != Itself {
			t.Errorf("it lies: %+v", m)
		}
		if m := state(noted); m.State != Open {
			t.Errorf("it is worked on: %+v", m)
		}
		p, _, err := w.customers.Get(t.Context(), ann)
		must(t, err)
		if state(port).State != Closed || p.Porting("+12025550101") {
			t.Errorf("a port that lapsed runs on: %+v", p.Ports)
		}
		must(t, w.Touch(t.Context(), used.ID, w.clock.Now()))
		w.clock.pass(days(3))
		due()
		if m := state(used); m.State != Closed || m.Outcome != Lapsed {
			t.Errorf("it lasts longer than the longest: %+v", m)
		}
	})
}

// Two who close a matter at once close it once; a closed one takes no note and stays as it is.
//
// cite: P-28, P-34
func TestTwoAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.customer("Ann", "+12025550101")
		m := w.made(Opening{About: []About{{Customer: ann}}})
		var all sync.WaitGroup
		var mu sync.Mutex
		outcomes := map[cpni.Code]int{}
		for _, o := range []Outcome{Done, Cancelled, Unfounded, Done} {
			all.Go(func() {
				_, err := w.Close(context.Background(), m.ID, "rep", o, "It is over.")
				mu.Lock()
				defer mu.Unlock()
				outcomes[codeOf(err)]++
			})
		}
		all.Wait()
		if outcomes[""] != 1 || outcomes["CONFLICT"] != 3 {
			t.Errorf("%v", outcomes)
		}
		if _, err := w.Note(t.Context(), m.ID, "rep", "More."); codeOf(err) != "CONFLICT" {
			t.Errorf("a note in a closed matter: %v", err)
		}
		for _, bad := range []struct {
			o      Outcome
			reason string
			want   cpni.Code
		}{{Lapsed, "x", "BAD_INPUT"}, {"whim", "x", "BAD_INPUT"}, {Done, " ", "REASON"}, {Done, strings.Repeat("x", 1001), "REASON"}} {
			if _, err := w.Close(t.Context(), m.ID, "rep", bad.o, bad.reason); codeOf(err) != bad.want {
				t.Errorf("%s %q: %v", bad.o, bad.reason, err)
			}
		}
		if _, err := w.Note(t.Context(), cpni.NewID(), "rep", "More."); !errors.Is(err, ErrNone) {
			t.Errorf("a note in no matter: %v", err)
		}
	})
}

// What is written about somebody goes with their key, also in a matter that is about others too; the others' matter goes on.
//
// cite: I-21, P-37
func TestForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann, ben := w.customer("Ann", "+12025550101"), w.customer("Ben", "+12025550103")
		m := w.made(Opening{Reference: "T-1", Why: "Ann lives beside the mast.", About: []About{{Customer: ann}, {Customer: ben, Lines: []string{"+12025550103"}}}})
		_, err := w.Note(t.Context(), m.ID, "rep", "Ann has rung again.")
		must(t, err)
		must(t, w.customers.Forget(t.Context(), ann, "test"))
		got, err := w.Get(t.Context(), m.ID)
		must(t, err)
		if !got.Unread || got.Why != "" || got.Reference != "" {
			t.Errorf("%+v", got.Text)
		}
		if got := w.unfit(m, Use{Customer: ben, Line: "+12025550103"}); got != Fits {
			t.Errorf("the other's matter: %q", got)
		}
		_, err = w.Note(t.Context(), m.ID, "rep", "Mended.")
		must(t, err)
		before := w.changes(ben)
		_, err = w.Close(t.Context(), m.ID, "rep", Done, "Mended.")
		must(t, err)
		if w.changes(ben) != before+1 {
			t.Error("the other's record does not tell of the end")
		}
		steps, err := w.History(t.Context(), got)
		must(t, err)
		for _, s := range steps {
			if strings.Contains(s.Note, "Ann") {
				t.Errorf("a note about somebody who was forgotten: %+v", s)
			}
		}
	})
}

// Nothing of what is written about a matter stands in the database for everybody to read, nor in the ledger's readable part.
//
// cite: I-23, P-37
func TestNothingLiesOpen(t *testing.T) {
	url := storetest.SQLite(t)
	w := newWorld(t, storetest.Open(t, url))
	ann := w.customer("Ann", "+12025550101")
	m := w.made(Opening{Kind: PortOut, Reference: "CANARY-REFERENCE", Why: "CANARY-WHY", Carrier: "CANARY-CARRIER", About: []About{{Customer: ann, Lines: []string{"+12025550101"}}}})
	_, err := w.Note(t.Context(), m.ID, "rep", "CANARY-NOTE")
	must(t, err)
	_, err = w.Close(t.Context(), m.ID, "rep", Done, "CANARY-REASON")
	must(t, err)
	files, err := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no files to search")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		for _, canary := range []string{"CANARY", "2025550101"} {
			if strings.Contains(string(text), canary) {
				t.Errorf("%s holds %s", filepath.Base(f), canary)
			}
		}
	}
	rows, err := w.parts.Ledger.Records(t.Context(), ann, ledger.Filter{Kind: ledger.Change})
	must(t, err)
	if !slices.ContainsFunc(rows, func(r ledger.Row) bool { return r.Actor == "rep" }) {
		t.Error("the ledger does not tell who")
	}
}

// Lists are by kind, state, customer and pages, the newest first.
//
// cite: P-37
func TestLists(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann, ben := w.customer("Ann", "+12025550101"), w.customer("Ben", "+12025550103")
		var want []cpni.ID
		for i := range 5 {
			of, kind := ann, Ticket
			if i%2 == 1 {
				of, kind = ben, Order
			}
			m := w.made(Opening{ID: cpni.NewID(), Kind: kind, Reference: "T-" + strings.Repeat("x", i+1), About: []About{{Customer: of}}})
			want = append([]cpni.ID{m.ID}, want...)
			if i != 2 { // two at one moment
				w.clock.pass(time.Minute)
			}
		}
		var got []cpni.ID
		for before := cpni.ID(""); ; {
			page, err := w.List(t.Context(), Filter{Before: before, Limit: 2})
			must(t, err)
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				got = append(got, m.ID)
			}
			before = page[len(page)-1].ID
		}
		slices.SortFunc(want[1:3], func(a, b cpni.ID) int { return strings.Compare(string(b), string(a)) })
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		for _, c := range []struct {
			f    Filter
			want int
		}{{Filter{Kinds: []Kind{Ticket}}, 3}, {Filter{Customer: ben}, 2}, {Filter{Kinds: []Kind{Ticket}, Customer: ben}, 0}, {Filter{State: Closed}, 0}, {Filter{State: Open}, 5}, {Filter{Idle: true}, 0}} {
			if all, err := w.List(t.Context(), c.f); err != nil || len(all) != c.want {
				t.Errorf("%+v: %d %v, want %d", c.f, len(all), err, c.want)
			}
		}
	})
}
