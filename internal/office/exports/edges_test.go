package exports_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/export"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// Where there is no more room for the file, the work ends with what the database says, in words without anybody's data; nothing half-made can
// be fetched, and once there is room everybody is in it once.
//
// cite: P-41, I-01, I-10
func TestNoRoomForTheFile(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	const many = 40
	var ids []cpni.ID
	for range many {
		ids = append(ids, w.billed(strings.Repeat("9", 3000), func(p *customer.Profile) { p.Name = "Ann Archer" }).ID)
	}
	w.Exports.Batch, w.Exports.PartRows = 5, 10
	e := w.begun(bills(), w.bill)
	var pages int
	if err := w.DB.Reader().QueryRow(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	room := func(pages int) {
		t.Helper()
		if err := w.DB.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	failed := 0
	for more := 1; more < 200; more += 6 {
		room(pages + more)
		err := w.Exports.Work(t.Context())
		if err == nil {
			break
		}
		failed++
		if !strings.Contains(err.Error(), "full") || strings.Contains(err.Error(), "Archer") || strings.Contains(err.Error(), "999") {
			t.Errorf("it says %.200q", err.Error())
		}
		if e := w.one(e.ID); e.State != export.Running || !e.Sealed.IsZero() {
			t.Errorf("%+v", e)
		}
		if _, err := w.Exports.Fetch(t.Context(), e.ID, "printers", ""); code(err) != "CONFLICT" {
			t.Errorf("fetched half-made: %v", err)
		}
		if _, err := w.Exports.Manifest(t.Context(), e.ID); code(err) != "CONFLICT" {
			t.Errorf("the manifest of what is half-made: %v", err)
		}
		w.pass(3 * time.Minute) // as long as it is taken for being worked on
	}
	if failed < 3 {
		t.Fatalf("there was no room %d times", failed)
	}
	room(1 << 30)
	w.mustHaveOnce(w.worked(e.ID), ids)
}

// mustHaveOnce fetches a file and checks that customers have a row and an entry each, and nobody else a row.
func (w *world) mustHaveOnce(e export.Export, ids []cpni.ID) {
	w.t.Helper()
	rows, m, _, err := w.fetch(e.ID, e.Spec.Partner)
	if err != nil {
		w.t.Fatal(err)
	}
	refs := column(rows, "reference")
	if len(refs) != len(ids) || len(slices.Compact(refs)) != len(ids) || m.Rows != int64(len(ids)) || m.Ledger.Count != int64(len(ids)) {
		w.t.Errorf("%d rows of %d customers, the manifest says %d of %d", len(refs), len(ids), m.Rows, m.Ledger.Count)
	}
	for _, id := range ids {
		if n := len(w.decisions(id)); n != 1 {
			w.t.Errorf("%d entries", n)
		}
	}
}

// failing takes so many bytes and then fails.
type failing struct {
	left int
	got  bytes.Buffer
}

var errLine = errors.New("the line is gone")

func (f *failing) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	f.got.Write(p[:n])
	if f.left -= n; n < len(p) {
		return n, errLine
	}
	return n, nil
}

// Wherever the line to the partner breaks off, that is said, what has come over is no archive, and the whole comes only when somebody lets the
// file be fetched again.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestTheLineBreaksOff(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	var ids []cpni.ID
	for i := range 30 {
		ids = append(ids, w.billed(fmt.Sprint(i)).ID)
	}
	w.Exports.PartRows, w.Exports.Batch = 10, 5
	e := w.made(bills(), w.bill)
	var whole bytes.Buffer
	f, err := w.Exports.Fetch(t.Context(), e.ID, "printers", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(t.Context(), &whole, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 1, 100, whole.Len() / 3, whole.Len() / 2, whole.Len() - 1} {
		to := &failing{left: at}
		if err := f.Write(t.Context(), to, func() error { return nil }); !errors.Is(err, errLine) {
			t.Errorf("behind %d of %d bytes: %v", at, whole.Len(), err)
		}
		if !bytes.HasPrefix(whole.Bytes(), to.got.Bytes()) || to.got.Len() > at {
			t.Errorf("behind %d bytes: %d came over, or others", at, to.got.Len())
		}
	}
	if err := f.Write(t.Context(), &bytes.Buffer{}, func() error { return errLine }); !errors.Is(err, errLine) {
		t.Errorf("who minds the line is not heard: %v", err)
	}
	if _, err := w.Exports.Fetch(t.Context(), e.ID, "printers", ""); !errors.Is(err, export.ErrFetched) {
		t.Errorf("fetched again: %v", err)
	}
	if _, err := w.Exports.FetchAgain(t.Context(), e.ID, w.keeper, "the line broke off, says their desk"); err != nil {
		t.Fatal(err)
	}
	w.mustHaveOnce(w.one(e.ID), ids)
}

// Two files are made at once by all who can, and each has everybody once.
//
// cite: P-41, I-01, I-10
func TestAllWorkAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		nodes := []*export.Exports{w.Exports}
		if db.Dialect() == store.Postgres {
			nodes = append(nodes, w.On(t, db).Exports)
		}
		const many = 30
		var ids []cpni.ID
		for i := range many {
			ids = append(ids, w.billed(fmt.Sprint(i)).ID)
		}
		for _, x := range nodes {
			x.Batch, x.PartRows = 4, 10
		}
		both := []export.Export{w.begun(bills(), w.bill), w.begun(bills(), w.bill)}
		var all sync.WaitGroup
		for range 3 {
			for _, x := range nodes {
				all.Go(func() {
					if err := x.Work(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		for _, e := range both {
			rows, m, _, err := w.fetch(w.worked(e.ID).ID, "printers")
			if err != nil {
				t.Fatal(err)
			}
			if refs := column(rows, "reference"); len(slices.Compact(refs)) != many || m.Rows != many || m.Ledger.Count != many {
				t.Errorf("%d rows, %d of %d by the manifest", len(refs), m.Rows, m.Ledger.Count)
			}
		}
		for _, id := range ids {
			if n := len(w.decisions(id)); n != 2 {
				t.Errorf("%d entries for two files", n)
			}
		}
	})
}

// Whoever says no is in no file, whenever in the work they say it, also when the work is cut off right then and gone on with; they are counted
// among who has refused, and who is forgotten meanwhile among those.
//
// cite: P-11, P-14, I-02, I-21, 47 CFR 64.2007(a)(2)
func TestNoAtAnyMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const many = 36
		var all []*customer.Profile
		for i := range many {
			all = append(all, w.billed(fmt.Sprint(i), saidYes, func(p *customer.Profile) { p.Name = fmt.Sprintf("Customer %02d", i) }))
		}
		slices.SortFunc(all, func(a, b *customer.Profile) int { return strings.Compare(string(a.ID), string(b.ID)) })
		w.Exports.Batch, w.Exports.PartRows = 5, 9
		e := w.begun(marketing(), w.mia)
		said := map[string]bool{}
		steps := 0
		// Now one from behind, now one from before: they are decided, written, both, or neither.
		next := func() *customer.Profile { return all[(steps*25)%many] }
		cut := context.CancelFunc(func() {})
		w.Exports.Step = func() {
			steps++
			if p := next(); !said[p.Name] && len(said) < many/2 {
				said[p.Name] = true
				w.object(p)
			}
			if steps%3 == 0 {
				cut()
			}
		}
		for range 60 {
			var ctx context.Context
			ctx, cut = context.WithCancel(t.Context())
			err := w.Exports.Work(ctx)
			cut()
			if err == nil {
				break
			}
			w.pass(3 * time.Minute)
		}
		w.Exports.Step = func() {}
		e = w.worked(e.ID)
		if e.State != export.Ready || len(said) < many/3 {
			t.Fatalf("%s, %d said no in %d steps", e.State, len(said), steps)
		}
		gone := all[slices.IndexFunc(all, func(p *customer.Profile) bool { return !said[p.Name] })]
		if err := w.Customers.Forget(t.Context(), gone.ID, "test"); err != nil {
			t.Fatal(err)
		}
		rows, m, _, err := w.fetch(e.ID, "printers")
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, p := range all {
			if !said[p.Name] && p != gone {
				want = append(want, p.Name)
			}
		}
		slices.Sort(want)
		if got := column(rows, "name"); !slices.Equal(got, want) || m.Rows != int64(len(want)) {
			t.Errorf("in the file are %v, want %v", got, want)
		}
		counts, err := w.Exports.Counts(t.Context(), e.ID)
		if err != nil || counts[""] != int64(len(want)) || counts["DENIED"] != int64(len(said)) || m.Ledger.Count != many {
			t.Errorf("%v, %d said no, 1 is forgotten, of %d: %v", counts, len(said), m.Ledger.Count, err)
		}
	})
}

// Where the partner takes another key while its file is made, the file is stopped: nothing that is enciphered to a key of before is handed
// out, and nobody else is decided for it.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestKeyChangesMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for i := range 30 {
			w.billed(fmt.Sprint(i))
		}
		w.Exports.Batch, w.Exports.PartRows = 5, 10
		waits := w.made(bills(), w.bill)
		e := w.begun(bills(), w.bill)
		other, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		w.Exports.Step = func() {
			if steps++; steps == 8 {
				p := w.printers
				p.Key = other.Recipient().String()
				w.put(p)
			}
		}
		e = w.worked(e.ID)
		if e.State != export.Stopped || e.Decided == 0 || e.Decided == 30 || w.alerts(export.Futile) != 1 {
			t.Errorf("%s, %d decided, %d alerts", e.State, e.Decided, w.alerts(export.Futile))
		}
		w.mustBeEmpty(e.ID)
		if _, err := w.Exports.Fetch(t.Context(), e.ID, "printers", ""); code(err) != "CONFLICT" {
			t.Errorf("fetched: %v", err)
		}
		if _, err := w.Exports.Fetch(t.Context(), waits.ID, "printers", ""); code(err) != "MOVED" || w.one(waits.ID).Fetches != 0 {
			t.Errorf("a file to the key of before is fetched: %v", err)
		}
		w.Exports.Step = func() {}
		w.key = other
		if rows, m, _, err := w.fetch(w.made(bills(), w.bill).ID, "printers"); err != nil || len(rows) != 31 || m.Key != other.Recipient().String() {
			t.Errorf("with the new key: %d rows, %v", len(rows), err)
		}
	})
}

func (w *world) mustBeEmpty(id cpni.ID) {
	w.t.Helper()
	var left int
	if err := w.DB.Reader().QueryRow(w.t.Context(), "SELECT COALESCE(sum(length(bytes)), 0) FROM export_part WHERE export_id = $1", string(id)).Scan(&left); err != nil || left != 0 {
		w.t.Errorf("%d bytes of the file are left: %v", left, err)
	}
}

// The day of destruction begins at midnight where the carrier is, also when clocks are put forward before it; days are counted by dates. A
// file that nobody has fetched by then is gone, and one that is still being made is stopped.
//
// cite: P-41, V112, 47 CFR 64.2009(c)
func TestDayOfDestructionWhereTheCarrierIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.billed("84.10")
		at := func(year int, month time.Month, day, hour, minute, second int) {
			t.Helper()
			to := time.Date(year, month, day, hour, minute, second, 0, w.Zone)
			if d := to.Sub(w.Clock.Now()); d < 0 {
				t.Fatalf("the clock would be put back to %s", to)
			} else {
				w.pass(d)
			}
			if err := w.Exports.Due(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		at(2027, 3, 1, 10, 0, 0)
		thirty := w.made(bills(), w.bill) // 30 days, over the 14th of March, when clocks are put forward
		if want := time.Date(2027, 3, 31, 10, 0, 0, 0, w.Zone); !thirty.DestroyBy.Equal(want) {
			t.Errorf("to be destroyed by %s, want %s", thirty.DestroyBy.In(w.Zone), want)
		}
		s := bills()
		s.DestroyBy = time.Date(2027, 3, 15, 0, 0, 0, 0, w.Zone) // 23 hours after the midnight before
		held, waits := w.made(s, w.bill), w.made(s, w.bill)
		late := w.begun(s, w.bill)
		if !waits.Expires.Equal(s.DestroyBy) {
			t.Errorf("it can be fetched until %s", waits.Expires.In(w.Zone))
		}
		if _, _, _, err := w.fetch(held.ID, "printers"); err != nil {
			t.Fatal(err)
		}
		reminded := func(want int, when string) {
			t.Helper()
			if n := w.admin("reminded that a partner must destroy"); n != want {
				t.Errorf("%s: %d reminders, want %d", when, n, want)
			}
		}
		at(2027, 3, 1, 10, 0, 1)
		reminded(1, "14 days before")
		at(2027, 3, 7, 23, 59, 59)
		reminded(1, "8 days before")
		at(2027, 3, 8, 0, 0, 0)
		reminded(2, "7 days before")
		at(2027, 3, 13, 23, 59, 59)
		reminded(2, "2 days before")
		at(2027, 3, 14, 0, 0, 0)
		reminded(3, "a day before")
		at(2027, 3, 14, 23, 59, 59)
		if n := w.alerts(export.Overdue); n != 0 || w.one(waits.ID).State != export.Ready {
			t.Errorf("a second before: %d alerts, the one that waits is %s", n, w.one(waits.ID).State)
		}
		w.pass(time.Second - time.Microsecond)
		if err := w.Exports.Due(t.Context()); err != nil || w.alerts(export.Overdue) != 0 {
			t.Errorf("a moment before: %d alerts, %v", w.alerts(export.Overdue), err)
		}
		at(2027, 3, 15, 0, 0, 0)
		if n := w.alerts(export.Overdue); n != 1 || w.one(waits.ID).State != export.Withdrawn {
			t.Errorf("at midnight: %d alerts, the one that waits is %s", n, w.one(waits.ID).State)
		}
		w.mustBeEmpty(waits.ID)
		if late = w.worked(late.ID); late.State != export.Stopped || late.Decided != 0 || w.alerts(export.Futile) != 1 {
			t.Errorf("what was begun and is to be destroyed is %s, %d decided, %d alerts", late.State, late.Decided, w.alerts(export.Futile))
		}
		reminded(3, "when it is late")
	})
}
