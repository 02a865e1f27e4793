package publish_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/publish"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// world is what books need, with a clock that the test moves.
type world struct {
	t      *testing.T
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	set    *rules.Set
	now    time.Time
	facts  publish.Carrier
}

var builtIn = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC), facts: publish.Carrier{Name: "Example Telephone", Email: "privacy@example.net", Phone: "+18005550100",
		Post: "Privacy Office, 1 Main St, Springfield, VA 22150", Web: "https://account.example.net", Facility: "https://reporting.facility.example/cpni", Posting: "https://example.net/privacy"}}
	var err error
	if w.set, err = builtIn(); err != nil {
		t.Fatal(err)
	}
	if w.vault, err = vault.Open(t.Context(), db, vault.NewMaster()); err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewKey("ledger.test.example")
	if err != nil {
		t.Fatal(err)
	}
	if w.ledger, err = ledger.Open(t.Context(), db, ledger.Options{Origin: "ledger.test.example", Signer: signer, Clock: cpni.ClockFunc(func() time.Time { return w.now })}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) open() *publish.Book {
	w.t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := publish.Open(w.t.Context(), publish.Parts{DB: w.db, Vault: w.vault, Ledger: w.ledger, Clock: cpni.ClockFunc(func() time.Time { return w.now }), Zone: zone, Rules: func() *rules.Set { return w.set },
		Facts: func(at time.Time) publish.Facts {
			return publish.FactsOf(w.facts, w.set.Profiles().At(workday.DateIn(at, zone)))
		}})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// text is the built-in text, changed: what stands first of each two is replaced by the second.
func (w *world) text(pairs ...string) []byte {
	w.t.Helper()
	b, err := fs.ReadFile(policy.Files, publish.File)
	if err != nil {
		w.t.Fatal(err)
	}
	s := string(b)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			w.t.Fatalf("the text has no %q", pairs[i])
		}
		s = strings.Replace(s, pairs[i], pairs[i+1], 1)
	}
	return []byte(s)
}

func named(version string) []string {
	return []string{`version: "2026-11"`, fmt.Sprintf("version: %q", version)}
}

// take publishes a draft.
func (w *world) take(b *publish.Book, d publish.Draft) error {
	var taken func()
	_, err := w.ledger.Commit(w.t.Context(), func(tx *store.Tx) (entries []ledger.Entry, err error) {
		entries, taken, err = b.Take(w.t.Context(), tx, d, "second")
		return entries, err
	})
	if err == nil {
		taken()
	}
	return err
}

func (w *world) publish(b *publish.Book, text []byte, effective string) {
	w.t.Helper()
	d, _, err := b.Draft(w.t.Context(), text, effective, "first")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := b.Holds(w.t.Context(), d); err != nil {
		w.t.Fatal(err)
	}
	if err := w.take(b, d); err != nil {
		w.t.Fatal(err)
	}
}

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if !errors.As(err, &r) {
		return ""
	}
	return r.Code
}

// Versions stay whole, are in force from their day on, and are known to other nodes and after a restart; each is on record.
//
// cite: P-55, P-58, I-04
func TestVersions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		b, other := w.open(), w.open()
		none, guard := b.Current(w.now)
		if none != nil || guard.Version != -1 {
			t.Fatalf("before anything was published: %v %+v", none != nil, guard)
		}
		if err := b.Start(t.Context(), w.text()); err != nil {
			t.Fatal(err)
		}
		if err := other.Start(t.Context(), w.text(named("another")...)); err != nil {
			t.Fatal(err)
		}
		for _, x := range []*publish.Book{b, other, w.open()} {
			if err := x.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			v, g := x.Current(w.now)
			if v == nil || v.Version != "2026-11" || g.Version != 1 || len(x.Versions()) != 1 || v.By != "start" {
				t.Fatalf("the first version: %s %+v", v.Version, g)
			}
		}
		first, before := b.Current(w.now)
		w.publish(b, w.text(append(named("2026-12"), "You lose nothing without it.", "Without it nothing is lost to you.")...), "2026-12-01")
		if v, g := b.Current(w.now); v != first || g.Version != 2 || g == before {
			t.Errorf("before its day a version is in force: %s %+v", v.Version, g)
		}
		stale, err := checked(t, db, before)
		if err != nil || !stale {
			t.Errorf("a decision that stood on the version before is not made again: %v %v", stale, err)
		}
		day := time.Date(2026, 12, 1, 5, 0, 0, 0, time.UTC) // midnight in the carrier's zone
		if v, _ := b.Current(day.Add(-time.Microsecond)); v.Version != "2026-11" {
			t.Errorf("too early: %s", v.Version)
		}
		if v, _ := b.Current(day); v.Version != "2026-12" {
			t.Errorf("on its day: %s", v.Version)
		}
		if len(other.Versions()) != 1 {
			t.Error("another node knows it before it looked")
		}
		if err := other.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, x := range []*publish.Book{other, w.open()} {
			v, err := x.Version("2026-12")
			if err != nil || v.Second != "second" || v.By != "first" || v.Hash == first.Hash || !strings.Contains(string(v.Source), "{carrier}") {
				t.Fatalf("%s by %s and %s: %v", v.Version, v.By, v.Second, err)
			}
			s, _, ok := v.Sentence("refuse-how")
			if !ok || !strings.Contains(s.EN, "privacy@example.net") || !strings.Contains(s.ES, "+18005550100") {
				t.Errorf("%+v", s)
			}
			rec, err := w.ledger.Record(t.Context(), "", v.Record)
			if err != nil || rec.Kind != ledger.Admin || rec.Actor != "second" {
				t.Fatalf("%+v %v", rec, err)
			}
			plain, err := w.vault.OpenRecord(t.Context(), rec)
			if err != nil || !strings.Contains(string(plain), v.Hash) || !strings.Contains(string(plain), "2026-12") {
				t.Errorf("the record: %s %v", plain, err)
			}
		}
		if _, err := b.Version("1999"); !errors.Is(err, publish.ErrNone) {
			t.Errorf("a version that there is not: %v", err)
		}
	})
}

func checked(t *testing.T, db *store.DB, g store.Guard) (stale bool, err error) {
	err = db.Tx(t.Context(), func(tx *store.Tx) error {
		all, err := tx.CheckGuards(t.Context(), []store.Guard{g})
		if err == nil {
			stale = all[0]
		}
		return err
	})
	return stale, err
}

// A version that was there, a day that is past, a day before that of the version before it, and words that nobody knows are refused; so is
// a draft when something was published or a fact has changed since.
//
// cite: P-55, P-56, P-58
func TestDrafts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		b := w.open()
		if err := b.Start(t.Context(), w.text()); err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]struct {
			text      []byte
			effective string
		}{
			"a version that is there": {w.text(), "2026-11-24"},
			"a day that is past":      {w.text(named("a")...), "2026-11-23"},
			"no day":                  {w.text(named("a")...), "soon"},
			"a word that nobody has":  {w.text(append(named("a"), "data: [call-detail", "data: [tea, call-detail")...), "2026-11-24"},
		} {
			if _, _, err := b.Draft(t.Context(), x.text, x.effective, "first"); code(err) != "CONFIG" {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.facts.Posting = ""
		if _, _, err := b.Draft(t.Context(), w.text(named("a")...), "2026-11-24", "first"); code(err) != "CONFIG" {
			t.Errorf("a blank posting place: %v", err)
		}
		w.facts.Posting = "https://example.net/privacy"
		d, _, err := b.Draft(t.Context(), w.text(named("a")...), "2026-11-25", "first")
		if err != nil {
			t.Fatal(err)
		}
		w.facts.Phone = "+18005550101"
		if err := b.Holds(t.Context(), d); !errors.Is(err, publish.ErrMoved) {
			t.Errorf("with another telephone number: %v", err)
		}
		w.facts.Phone = "+18005550100"
		w.now = w.now.AddDate(0, 0, 2)
		if err := b.Holds(t.Context(), d); code(err) != "CONFIG" {
			t.Errorf("when its day is over: %v", err)
		}
		w.now = w.now.AddDate(0, 0, -2)
		if err := b.Holds(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		w.publish(w.open(), w.text(named("b")...), "2026-12-24")
		if err := w.take(b, d); !errors.Is(err, publish.ErrMoved) { // it does not know of the other node's yet
			t.Errorf("another node was first, and this one published too: %v", err)
		}
		if err := b.Holds(t.Context(), d); !errors.Is(err, publish.ErrMoved) {
			t.Errorf("after another was published: %v", err)
		}
		if _, _, err := b.Draft(t.Context(), w.text(named("c")...), "2026-12-23", "first"); code(err) != "CONFIG" {
			t.Errorf("before the day of the version before it: %v", err)
		}
		forged := d
		forged.Source = string(w.text(append(named("a"), "You lose nothing without it.", "You may lose something without it.")...))
		if _, err := b.Drafted(forged); !errors.Is(err, publish.ErrMoved) {
			t.Errorf("other words under the same hash: %v", err)
		}
	})
}

// What versions add counts from when it was published, once for each thing, and the first version adds nothing.
//
// cite: P-56, P-57, 47 CFR 64.2008(c)(2)
func TestAdditions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		b := w.open()
		bare, err := publish.Without(w.text(), publish.Covers{Purposes: []cpni.Purpose{cpni.OtherMarketing}, Recipients: []string{"joint-venture"}, Data: []cpni.DataClass{cpni.Location}})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Start(t.Context(), bare); err != nil {
			t.Fatal(err)
		}
		if len(b.Additions()) != 0 {
			t.Errorf("the first version adds %+v", b.Additions())
		}
		add := func(version string, from []byte, adds publish.Covers) []byte {
			text, err := publish.Adding(from, version, adds)
			if err != nil {
				t.Fatal(err)
			}
			w.publish(b, text, "2027-03-01")
			return text
		}
		w.now = w.now.Add(time.Hour)
		second := w.now
		text := add("2", bare, publish.Covers{Purposes: []cpni.Purpose{cpni.OtherMarketing}, Recipients: []string{"acme"}})
		w.now = w.now.Add(time.Hour)
		third := w.now
		text = add("3", text, publish.Covers{Data: []cpni.DataClass{cpni.Location}})
		want := []publish.Addition{{Purpose: cpni.OtherMarketing, Since: second}, {Partner: "acme", Since: second}, {Data: cpni.Location, Since: third}}
		if got := b.Additions(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", got, want)
		}
		// What was left out and comes back is an addition anew.
		w.now = w.now.Add(time.Hour)
		less, err := publish.Without(text, publish.Covers{Recipients: []string{"acme"}})
		if err != nil {
			t.Fatal(err)
		}
		less = add("4", less, publish.Covers{})
		w.now = w.now.Add(time.Hour)
		again := w.now
		add("5", less, publish.Covers{Recipients: []string{"acme"}})
		for _, x := range []*publish.Book{b, w.open()} {
			found := 0
			for _, a := range x.Additions() {
				if a.Partner == "acme" {
					found++
					if !a.Since.Equal(again) {
						t.Errorf("acme since %s, want %s", a.Since, again)
					}
				}
			}
			if found != 1 || len(x.Additions()) != 3 {
				t.Errorf("%+v", x.Additions())
			}
		}
	})
}

// A version whose words were changed in the database is not shown as the one that was published.
//
// cite: P-55, I-04, I-12
func TestAChangedVersionOnRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if err := w.open().Start(t.Context(), w.text()); err != nil {
			t.Fatal(err)
		}
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE public_policy SET edition = replace(edition, 'costs nothing', 'costs little')")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := publish.Open(t.Context(), publish.Parts{DB: db}); err == nil || !strings.Contains(err.Error(), "not the one that was published") {
			t.Errorf("a changed version was taken: %v", err)
		}
	})
}
