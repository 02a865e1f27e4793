package customer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// A customer is found however a number or name is written, and by what is current only.
func TestFind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(ann())
		other := ann()
		other.Name, other.Account, other.Lines, other.Email = "Cy Archer", "B-1", nil, nil
		w.create(other)
		for _, row := range []struct {
			kind, value string
			found       int
		}{
			{ByNumber, "+12025550143", 1}, {ByNumber, "(202) 555-0143", 1}, {ByNumber, "202.555.0143", 1}, {ByNumber, "5550143", 0}, {ByNumber, "+12025550144", 0},
			{ByNumber, "+17035550199", 0}, // a contact number is nobody's number
			{ByEmail, "ANN@example.com", 1}, {ByEmail, " ann@example.com ", 1}, {ByEmail, "nn@example.com", 0},
			{ByAccount, "a-917304", 1}, {ByName, "ann  ARCHER", 1}, {ByName, "archer", 2}, {ByName, "Ann", 0},
			{ByName, strings.Repeat("x", longestField+1), 0}, {ByNumber, "\x00", 0}, {ByName, "\xff", 0},
		} {
			if ids := w.found(row.kind, row.value); len(ids) != row.found {
				t.Errorf("%s %q: %d found, want %d", row.kind, row.value, len(ids), row.found)
			}
		}
		for _, text := range []string{"2025550143", "A-917304", "ann@example.com", "Ann Archer"} {
			if ids, err := w.Search(t.Context(), text); err != nil || !slices.Equal(ids, []cpni.ID{id}) {
				t.Errorf("searching %q: %v, %v", text, ids, err)
			}
		}
		if err := w.update(id, func(p *Profile) {
			p.Name, p.Email[0].Until = "Ann Bell", w.clock.Now()
			p.Email = append(p.Email, Address{Value: "bell@example.org", Since: w.clock.Now()})
		}); err != nil {
			t.Fatal(err)
		}
		for value, want := range map[string]int{"ann@example.com": 0, "bell@example.org": 1} {
			if ids := w.found(ByEmail, value); len(ids) != want {
				t.Errorf("after the change %q finds %d", value, len(ids))
			}
		}
		if ids := w.found(ByName, "Archer"); len(ids) != 1 || ids[0] == id {
			t.Errorf("the old name finds %v", ids)
		}
	})
}

// Every change counts, however many come at once and through however many nodes; each raises the version by one, and a
// decision that stood on the one before is found stale.
func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := ann()
		p.Account = "0"
		id := w.create(p)
		nodes := []*Book{w.Book, w.node(db), w.node(db)}
		const writers, each = 24, 4
		var all sync.WaitGroup
		errs := make(chan error, writers*each)
		for i := range writers {
			all.Go(func() {
				for range each {
					_, err := nodes[i%len(nodes)].Update(t.Context(), id, func(p *Profile) (Change, error) {
						n, err := strconv.Atoi(p.Account)
						p.Account = strconv.Itoa(n + 1)
						return Change{Actor: "test", What: "counted"}, err
					})
					errs <- err
				}
			})
		}
		all.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range nodes {
			p, version, err := n.Get(t.Context(), id)
			if err != nil || p.Account != strconv.Itoa(writers*each) || version != 1+writers*each {
				t.Fatalf("account %q at version %d, %v; want %d changes", p.Account, version, err, writers*each)
			}
		}
		if found := w.found(ByAccount, strconv.Itoa(writers*each)); len(found) != 1 || w.count("SELECT count(*) FROM lookup WHERE customer_id = $1", string(id)) != 5 {
			t.Errorf("the look-ups are not those of the last change: %v", found)
		}
		records, err := w.ledger.Records(t.Context(), id, ledger.Filter{Kind: ledger.Change, Limit: 1000})
		if err != nil || len(records) != 1+writers*each {
			t.Errorf("%d records, %v", len(records), err)
		}
		stale := func(version int64) bool {
			var s []bool
			if err := db.Tx(t.Context(), func(tx *store.Tx) (err error) {
				s, err = tx.CheckGuards(t.Context(), []store.Guard{{Table: "customer", Key: string(id), Version: version}})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return s[0]
		}
		if last := int64(1 + writers*each); stale(last) || !stale(last-1) {
			t.Error("a guard does not tell the last version from the one before")
		}
	})
}

// cite: P-20, 47 CFR 64.2003(q)
func TestNumberIsOneCustomers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.create(ann())
		if _, err := w.Create(t.Context(), ann(), "test"); code(err) != "NUMBER_HELD" {
			t.Errorf("a number that another has: %v", err)
		}
		// Many who take one number at once: one gets it.
		const takers = 12
		ids := make([]cpni.ID, takers)
		for i := range ids {
			p := ann()
			p.Lines = nil
			ids[i] = w.create(p)
		}
		nodes := []*Book{w.Book, w.node(db)}
		for round := range 5 {
			number := fmt.Sprintf("+1202555010%d", round)
			errs := make([]error, takers)
			var all sync.WaitGroup
			for i := range ids {
				all.Go(func() {
					_, errs[i] = nodes[i%2].Update(t.Context(), ids[i], func(p *Profile) (Change, error) {
						p.Lines = append(p.Lines, Line{Number: number})
						return Change{Actor: "test", What: "line added"}, nil
					})
				})
			}
			all.Wait()
			got := 0
			for _, err := range errs {
				switch {
				case err == nil:
					got++
				case code(err) != "NUMBER_HELD":
					t.Fatal(err)
				}
			}
			if got != 1 || len(w.found(ByNumber, number)) != 1 {
				t.Fatalf("%d got the number, %d are found by it", got, len(w.found(ByNumber, number)))
			}
		}
	})
}

// cite: P-20, 47 CFR 64.2003(q)
func TestNumberLeavesWithService(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		old := w.create(ann())
		if err := w.update(old, func(p *Profile) { p.Ended = w.clock.Now() }); err != nil {
			t.Fatal(err)
		}
		if ids := w.found(ByNumber, "+12025550143"); len(ids) != 0 {
			t.Errorf("the number still finds %v", ids)
		}
		if ids := w.found(ByAccount, "A-917304"); len(ids) != 1 {
			t.Errorf("the account finds %v: last bills need it", ids)
		}
		fresh := ann()
		fresh.Name, fresh.Account, fresh.Email = "Nell Newton", "N-1", nil
		id := w.create(fresh)
		if ids := w.found(ByNumber, "+12025550143"); !slices.Equal(ids, []cpni.ID{id}) {
			t.Errorf("the number finds %v, want the new customer alone", ids)
		}
		if err := w.update(old, func(p *Profile) { p.Ended = time.Time{} }); code(err) != "NUMBER_HELD" {
			t.Errorf("service began again on another's number: %v", err)
		}
	})
}

// What was asked twice under one id is made once.
//
// cite: I-11
func TestCreatingAgainMakesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := ann()
		p.ID = cpni.NewID()
		nodes := []*Book{w.Book, w.node(db)}
		ids := make([]cpni.ID, 8)
		errs := make([]error, len(ids))
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() { ids[i], errs[i] = nodes[i%2].Create(t.Context(), p, "test") })
		}
		all.Wait()
		for i := range ids {
			if errs[i] != nil || ids[i] != p.ID {
				t.Errorf("%q, %v", ids[i], errs[i])
			}
		}
		if n := w.count("SELECT count(*) FROM customer"); n != 1 {
			t.Errorf("%d customers", n)
		}
		records, err := w.ledger.Records(t.Context(), p.ID, ledger.Filter{})
		if err != nil || len(records) != 1 {
			t.Errorf("%d records, %v", len(records), err)
		}
		if _, err := w.Create(t.Context(), Profile{ID: "7", Name: "x"}, "test"); code(err) != "BAD_INPUT" {
			t.Errorf("an id of no form: %v", err)
		}
	})
}

// cite: P-37, I-21
func TestForgetRemovesEverything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(ann())
		if err := w.update(id, func(p *Profile) {
			p.Lines[0].Removed = w.clock.Now()
			p.Email[0].Until = w.clock.Now()
			p.Lines = append(p.Lines, Line{Number: "+12025550144"})
			p.Email = append(p.Email, Address{Value: "new@example.org"})
		}); err != nil {
			t.Fatal(err)
		}
		// What other packages keep by customer.
		for _, q := range []string{"INSERT INTO throttle (customer_id, subject, streak, day, today, open_at) VALUES ($1, 'secrets', 1, 1, 1, 1)",
			"INSERT INTO contact (customer_id, contact_id, version, opened, active, ended, sealed) VALUES ($1, 'c', 1, 1, 1, 0, $2)",
			"INSERT INTO message (customer_id, message_id, at, via, place, state, sealed) VALUES ($1, 'm', 1, 'text', 'tnor', 'queued', $2)"} {
			args := []any{string(id), []byte("sealed")}
			if err := db.Tx(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), q, args[:strings.Count(q, "$")]...)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		second, told := w.node(db), 0
		if _, _, err := second.Recent(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		second.WhenForgotten(func() { told++ })
		if err := w.Forget(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"customer", "lookup", "contact", "message", "throttle", "customer_key", "call_segment", "cpni_item"} {
			if n := w.count("SELECT count(*) FROM "+table+" WHERE customer_id = $1", string(id)); n != 0 {
				t.Errorf("%s still has %d rows", table, n)
			}
		}
		for _, get := range []func(context.Context, cpni.ID) (*Profile, int64, error){w.Get, w.Recent, second.Get} {
			if _, _, err := get(t.Context(), id); !errors.Is(err, ErrNoCustomer) {
				t.Errorf("still there: %v", err)
			}
		}
		for range 2 {
			if err := second.catchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok, _ := second.lately(id); ok || told != 1 {
			t.Errorf("another node remembers the customer (%v), and was told %d times", ok, told)
		}
		if err := w.Forget(t.Context(), id, "test"); !errors.Is(err, ErrNoCustomer) {
			t.Errorf("forgetting again: %v", err)
		}
		if err := w.update(id, func(*Profile) {}); !errors.Is(err, ErrNoCustomer) {
			t.Errorf("changing who is forgotten: %v", err)
		}
	})
}

// A customer whose document is damaged is forgotten like any other.
//
// cite: I-21
func TestForgetWhatCannotBeRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(ann())
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE customer SET sealed = $1, version = 7", []byte("damaged"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Get(t.Context(), id); !errors.Is(err, vault.ErrSealBroken) {
			t.Fatalf("a damaged document was read: %v", err)
		}
		if err := w.Forget(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
		if n := w.count("SELECT count(*) FROM lookup"); n != 0 {
			t.Errorf("%d look-ups are left", n)
		}
	})
}

// Nobody who has the files finds anything of the customer in them.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestFilesHoldNoPlaintext(t *testing.T) {
	folder := t.TempDir()
	db := storetest.Open(t, "sqlite:"+filepath.Join(folder, "ringfence.db"))
	w := newWorld(t, db)
	id := w.create(ann())
	if err := w.update(id, func(p *Profile) {
		p.Email = append(p.Email, Address{Value: "second@example.org", Since: w.clock.Now()})
	}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "ringfence.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.ToLower(data)
		for _, plain := range []string{"ann archer", "archer", "917304", "2025550143", "ann@example.com", "second@example.org", "1980-04-02", "6789\"", "springfield", "7035550199"} {
			if bytes.Contains(data, []byte(plain)) {
				t.Errorf("%s holds %q", filepath.Base(f), plain)
			}
		}
	}
}

// A denial leaves by an affirmative act of the customer, and by nothing else that changes a profile.
//
// cite: P-14, I-14, 47 CFR 64.2007(a)(2)
func TestDenialsStand(t *testing.T) {
	denied := Approval{Scope: "own-marketing", State: cpni.Denied, Since: start.Add(-time.Hour)}
	yes := Approval{Scope: "own-marketing", State: cpni.OptInOK, Since: start}
	for _, row := range []struct {
		name          string
		before, after []Approval
		refused       bool
	}{
		{"taken away", []Approval{denied}, nil, true},
		{"made older", []Approval{denied}, []Approval{{Scope: "own-marketing", State: cpni.Denied, Since: start.Add(-2 * time.Hour)}}, true},
		{"turned into a yes", []Approval{denied}, []Approval{yes}, true},
		{"a yes beside it", []Approval{denied}, []Approval{denied, yes}, true},
		{"a yes beside a denial of everything", []Approval{{Scope: Everything, State: cpni.Denied, Since: denied.Since}},
			[]Approval{{Scope: Everything, State: cpni.Denied, Since: denied.Since}, yes}, true},
		{"repeated later", []Approval{denied}, []Approval{{Scope: "own-marketing", State: cpni.Denied, Since: start}}, false},
		{"a notice beside it", []Approval{denied}, []Approval{denied, {Scope: "own-marketing", State: cpni.Waiting, Since: start}}, false},
		{"a yes to something else", []Approval{denied}, []Approval{denied, {Scope: "partner:acme", State: cpni.OptInOK, Since: start}}, false},
		{"a yes that was there already", []Approval{denied, yes}, []Approval{denied, yes}, false},
		{"no denial", []Approval{yes}, nil, false},
	} {
		if got := lifts(row.before, row.after); got != row.refused {
			t.Errorf("%s: refused %v, want %v (P-14)", row.name, got, row.refused)
		}
	}
	w := newWorld(t, storetest.Open(t, "memory:"))
	p := ann()
	p.Approvals = []Approval{denied}
	id := w.create(p)
	if err := w.update(id, func(p *Profile) { p.Approvals = nil }); code(err) != "IMMUTABLE" {
		t.Errorf("a denial was reset: %v", err)
	}
	if _, err := w.Update(t.Context(), id, func(p *Profile) (Change, error) {
		p.Approvals = []Approval{yes}
		return Change{Actor: "customer", What: "consent", Affirmative: true}, nil
	}); err != nil {
		t.Errorf("the customer's own act: %v", err)
	}
}

// What does not fit is refused with words that repeat nothing of it.
//
// cite: I-23
func TestBounds(t *testing.T) {
	long := strings.Repeat("canary ", 80)
	many := func(n int, add func(i int)) {
		for i := range n {
			add(i)
		}
	}
	for _, row := range []struct {
		name string
		do   func(p *Profile)
		ok   bool
	}{
		{"nothing", func(*Profile) {}, true},
		{"no name", func(p *Profile) { p.Name = " " }, false},
		{"a long name", func(p *Profile) { p.Name = long }, false},
		{"a long account", func(p *Profile) { p.Account = long }, false},
		{"a long address", func(p *Profile) { p.Postal[0].Value = long }, false},
		{"a long question", func(p *Profile) { p.Credentials.Backup = []Backup{{Question: long}} }, false},
		{"a long scope", func(p *Profile) { p.Approvals = []Approval{{Scope: long}} }, false},
		{"no number", func(p *Profile) { p.Lines[0].Number = "canary" }, false},
		{"one number twice", func(p *Profile) { p.Lines = append(p.Lines, Line{Number: "202 555 0143"}) }, false},
		{"one number again", func(p *Profile) {
			p.Lines[0].Removed = start
			p.Lines = append(p.Lines, Line{Number: "202 555 0143"})
		}, true},
		{"one place twice", func(p *Profile) {
			p.Lines[0].No = 1
			p.Lines = append(p.Lines, Line{No: 1, Number: "+12025550144"})
		}, false},
		{"removed tomorrow", func(p *Profile) { p.Lines[0].Removed = start.Add(24 * time.Hour) }, false},
		{"ended tomorrow", func(p *Profile) { p.Ended = start.Add(24 * time.Hour) }, false},
		{"many questions", func(p *Profile) {
			many(MostBackup+1, func(i int) { p.Credentials.Backup = append(p.Credentials.Backup, Backup{}) })
		}, false},
		{"many authorised", func(p *Profile) {
			many(mostAuthorised, func(i int) { p.Authorised = append(p.Authorised, Authorised{Name: "B"}) })
		}, false},
		{"many addresses", func(p *Profile) {
			many(mostAddresses, func(i int) { p.Email = append(p.Email, Address{Value: "a@example.com"}) })
		}, false},
		{"many contact numbers", func(p *Profile) {
			many(mostNumbers, func(i int) { p.ContactNumbers = append(p.ContactNumbers, "+17035550100") })
		}, false},
		{"many approvals", func(p *Profile) {
			many(mostApprovals+1, func(i int) { p.Approvals = append(p.Approvals, Approval{}) })
		}, false},
	} {
		p := ann()
		row.do(&p)
		err := p.complete(start)
		if (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the refusal repeats what it refuses: %v", row.name, err)
		}
	}
}

// Places of lines are never given out again.
func TestLinesKeepTheirPlaces(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	id := w.create(ann())
	for i, n := range []string{"+12025550144", "+12025550145"} {
		if err := w.update(id, func(p *Profile) {
			p.Lines[len(p.Lines)-1].Removed = w.clock.Now()
			p.Lines = append(p.Lines, Line{Number: n})
		}); err != nil {
			t.Fatal(err)
		}
		if p := w.get(id); p.Lines[i+1].No != i+2 || len(p.LiveLines(w.clock.Now())) != 1 {
			t.Fatalf("%+v", p.Lines)
		}
	}
}

// What do says is wrong is answered as it is, and nothing is written.
func TestUpdateAnswersPlainly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.create(ann())
		refusal := cpni.Rejected("WEAK_SECRET", "no", nil)
		for want, is := range map[error]func(error) bool{
			refusal:      func(err error) bool { return err == error(refusal) },
			ErrUnchanged: func(err error) bool { return err == nil },
		} {
			_, err := w.Update(t.Context(), id, func(p *Profile) (Change, error) {
				p.Name = "Changed"
				return Change{}, want
			})
			if !is(err) {
				t.Errorf("%v came back as %v", want, err)
			}
		}
		if p, version, err := w.Get(t.Context(), id); err != nil || version != 1 || p.Name != "Ann Archer" {
			t.Errorf("%q at version %d, %v", p.Name, version, err)
		}
		for _, bad := range []cpni.ID{"", "7", "x\x00", cpni.NewID()} {
			if _, _, err := w.Get(t.Context(), bad); !errors.Is(err, ErrNoCustomer) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}
