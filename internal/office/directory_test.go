package office_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/directory"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// pages is a publisher with its key.
type pages struct {
	id  string
	key *age.X25519Identity
}

// publisher puts a publisher on the register who has agreed to the terms in force.
func publisher(t testing.TB, o *officetest.Office, by cpni.ID, id string) pages {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	terms := must[*directory.Terms](t)(o.Directory.Terms(ctx))
	if terms == nil {
		terms = must[*directory.Terms](t)(o.Directory.PutTerms(ctx, by, directory.Terms{Whole: 40, Update: 60, Says: "Print them, in any form, and nothing else."}))
	}
	if err := o.Directory.Put(ctx, by, directory.Publisher{ID: id, Name: "White Pages", Person: "Wilma White", Email: "w@pages.example", Key: key.Recipient().String()}); err != nil {
		t.Fatal(err)
	}
	if err := o.Directory.Agree(ctx, by, id, terms.Version, "contract 17"); err != nil {
		t.Fatal(err)
	}
	return pages{id, key}
}

func listing(heading string) func(*customer.Profile) {
	return func(p *customer.Profile) { p.Lines[0].Listed, p.Lines[0].Heading = true, heading }
}

// extract asks for an extract, has it made and gives what the publisher reads in it.
func extract(t testing.TB, o *officetest.Office, by cpni.ID, p pages, kind directory.Kind) (directory.Extract, [][]string) {
	t.Helper()
	e := must[*directory.Extract](t)(o.Directory.Ask(t.Context(), cpni.NewID(), by, p.id, kind))
	if err := o.Directory.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	return fetch(t, o, by, p, e.ID)
}

func fetch(t testing.TB, o *officetest.Office, by cpni.ID, p pages, id cpni.ID) (directory.Extract, [][]string) {
	t.Helper()
	var file bytes.Buffer
	if err := o.Directory.File(t.Context(), id, by, &file); err != nil {
		t.Fatal(err)
	}
	plain, err := age.Decrypt(&file, p.key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 || !slices.Equal(rows[0], directory.Columns) {
		t.Fatalf("%q, %v", text, err)
	}
	return *must[*directory.Extract](t)(o.Directory.One(t.Context(), id)), rows[1:]
}

func unlist(t testing.TB, o *officetest.Office, id cpni.ID) {
	t.Helper()
	if _, err := o.Customers.Update(t.Context(), id, func(p *customer.Profile) (customer.Change, error) {
		p.Lines[0].Listed = false
		return customer.Change{Actor: "test", What: "listing changed"}, nil
	}); err != nil {
		t.Fatal(err)
	}
}

// numbersIn are the numbers of a file's rows.
func numbersIn(rows [][]string) []string {
	var all []string
	for _, r := range rows {
		all = append(all, r[4])
	}
	slices.Sort(all)
	return all
}

// A whole extract has every published listing and no other, each by a decision of its own; an update has what has come, changed and
// gone; and what is taken out is told at once, by the listing's id alone.
//
// cite: P-04, P-32, P-41, V106, 47 USC 222(e), 47 USC 222(h)(3)
func TestListingsForPublishers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		bill := o.Member(t, cpni.RoleBilling)
		ann, ben := o.Customer(t, listing("Plumbers")), o.Customer(t)
		cleo := o.Customer(t, listing(""), func(p *customer.Profile) {
			p.Lines = append(p.Lines, customer.Line{Number: "+13055550" + p.Lines[0].Number[9:], Since: p.Since})
			p.Lines[0].NoAddress = true
		})
		p := publisher(t, o, bill, "white-pages")
		if _, err := o.Directory.Ask(ctx, cpni.NewID(), bill, p.id, directory.Update); code(err) != "NO_WHOLE" {
			t.Errorf("an update of nothing: %v", err)
		}
		e, rows := extract(t, o, bill, p, directory.Whole)
		if e.State != directory.Ready || e.Listings != 2 || len(rows) != 2 || !slices.Equal(numbersIn(rows), []string{ann.Lines[0].Number, cleo.Lines[0].Number}) {
			t.Fatalf("%+v: %q", e, rows)
		}
		for _, r := range rows {
			if r[4] == ann.Lines[0].Number && (r[0] != "add" || r[2] != ann.Name || r[3] != ann.Postal[0].Value || r[5] != "Plumbers") || r[4] == cleo.Lines[0].Number && r[3] != "" {
				t.Errorf("%q", r)
			}
		}
		var m directory.Manifest
		if err := json.Unmarshal(e.Manifest, &m); err != nil || m.Listings != 2 || m.Mills != 80 || m.Terms != 1 || len(m.File) != 64 {
			t.Errorf("%s, %v", e.Manifest, err)
		}
		for who, n := range map[*customer.Profile]int{ann: 1, ben: 0, cleo: 1} {
			decided := must[[]ledger.Row](t)(o.Ledger.Records(ctx, who.ID, ledger.Filter{Kind: ledger.Decision}))
			if len(decided) != n {
				t.Errorf("%d decisions about a customer, want %d (P-41)", len(decided), n)
			}
			for _, d := range decided {
				if d.Outcome != cpni.Permit || d.Recipient != string(cpni.ToDirectoryPublisher) || d.Purpose != string(cpni.Directory) || d.Actor != string(bill) {
					t.Errorf("%+v", d)
				}
			}
		}
		// Ann moves, Ben publishes his number, Cleo takes hers out.
		if _, err := o.Customers.Update(ctx, ben.ID, func(p *customer.Profile) (customer.Change, error) {
			p.Lines[0].Listed = true
			return customer.Change{Actor: "test", What: "listing changed"}, nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Customers.Update(ctx, ann.ID, func(p *customer.Profile) (customer.Change, error) {
			p.Name = "Ann Newname"
			return customer.Change{Actor: "test", What: "name changed"}, nil
		}); err != nil {
			t.Fatal(err)
		}
		unlist(t, o, cleo.ID)
		for range 2 { // once more tells nobody twice
			if err := o.Directory.Due(ctx); err != nil {
				t.Fatal(err)
			}
		}
		all := must[[]directory.Extract](t)(o.Directory.Extracts(ctx, p.id))
		if len(all) != 2 {
			t.Fatalf("%+v", all)
		}
		i := slices.IndexFunc(all, func(e directory.Extract) bool { return e.Kind == directory.Withdrawal })
		_, gone := fetch(t, o, bill, p, all[i].ID)
		was := rows[slices.IndexFunc(rows, func(r []string) bool { return r[4] == cleo.Lines[0].Number })]
		if len(gone) != 1 || gone[0][0] != "delete" || gone[0][1] != was[1] || strings.Join(gone[0][2:], "") != "" {
			t.Errorf("%q, want the deletion of %s and nothing else", gone, was[1])
		}
		told := must[[]ledger.Row](t)(o.Ledger.Records(ctx, cleo.ID, ledger.Filter{Kind: ledger.Admin}))
		if len(told) != 1 || told[0].Recipient != string(cpni.ToDirectoryPublisher) {
			t.Errorf("on record of what was taken out: %+v", told)
		}
		e, rows = extract(t, o, bill, p, directory.Update)
		actions := map[string]string{}
		for _, r := range rows {
			actions[r[4]] = r[0]
		}
		if len(rows) != 2 || actions[ann.Lines[0].Number] != "change" || actions[ben.Lines[0].Number] != "add" {
			t.Errorf("%q", rows)
		}
		if _, rows = extract(t, o, bill, p, directory.Update); len(rows) != 0 {
			t.Errorf("nothing has changed: %q", rows)
		}
		// Who is forgotten is taken out as well, though nothing of theirs can be read.
		if err := o.Customers.Forget(ctx, ann.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if err := o.Directory.Due(ctx); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := db.Reader().QueryRow(ctx, "SELECT count(*) FROM directory_given WHERE customer_id = $1", string(ann.ID)).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d, %v", left, err)
		}
	})
}

// A number that is taken out while the extract is made, or before its file is fetched, is not in the file: not when it happens between
// the list and the decision, nor between the decision and the row, nor between the row and the file.
//
// cite: P-32, V106, I-02, 47 USC 222(h)(3)
func TestTakenOutMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		bill := o.Member(t, cpni.RoleBilling)
		p := publisher(t, o, bill, "white-pages")
		var all []*customer.Profile
		for range 5 {
			all = append(all, o.Customer(t, listing("")))
		}
		once := func(do func()) func() {
			done := false
			return func() {
				if !done {
					done = true
					do()
				}
			}
		}
		o.Directory.Meanwhile(once(func() { unlist(t, o, all[0].ID) }), once(func() { unlist(t, o, all[1].ID) }))
		e := must[*directory.Extract](t)(o.Directory.Ask(ctx, cpni.NewID(), bill, p.id, directory.Whole))
		if err := o.Directory.Work(ctx); err != nil {
			t.Fatal(err)
		}
		unlist(t, o, all[2].ID)
		_, rows := fetch(t, o, bill, p, e.ID)
		if want := []string{all[3].Lines[0].Number, all[4].Lines[0].Number}; !slices.Equal(numbersIn(rows), want) {
			t.Errorf("%q, want %q (V106)", numbersIn(rows), want)
		}
	})
}

// An extract goes on where it stopped, on another node, and decides about nobody twice.
//
// cite: P-32, P-41, I-11, 47 USC 222(e)
func TestExtractGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		bill := o.Member(t, cpni.RoleBilling)
		p := publisher(t, o, bill, "white-pages")
		var all []*customer.Profile
		for range 7 {
			all = append(all, o.Customer(t, listing("")))
		}
		o.Directory.PageSize(3)
		type stop struct{}
		pagesDone := 0
		o.Directory.Meanwhile(func() {
			if pagesDone++; pagesDone == 2 {
				panic(stop{}) // after the second page was decided about, and before it was kept
			}
		}, nil)
		e := must[*directory.Extract](t)(o.Directory.Ask(ctx, cpni.NewID(), bill, p.id, directory.Whole))
		func() {
			defer func() {
				if x := recover(); x != (stop{}) {
					panic(fmt.Sprint("the extract was not stopped: ", x))
				}
			}()
			o.Directory.Work(ctx)
		}()
		other := o.On(t, db)
		other.Directory.PageSize(3)
		if err := other.Directory.Work(ctx); err != nil {
			t.Fatal(err)
		}
		if now := must[*directory.Extract](t)(other.Directory.One(ctx, e.ID)); now.State != directory.Running {
			t.Fatalf("another node took it up while the first may still work: %s", now.State)
		}
		o.Time.Add(3 * 60 * 1e9)
		if err := other.Directory.Work(ctx); err != nil {
			t.Fatal(err)
		}
		now, rows := fetch(t, other, bill, p, e.ID)
		if now.Looked != 7 || len(rows) != 7 || now.Refused != 0 {
			t.Errorf("%+v: %d rows", now, len(rows))
		}
		for _, c := range all {
			if n := len(must[[]ledger.Row](t)(o.Ledger.Records(ctx, c.ID, ledger.Filter{Kind: ledger.Decision}))); n != 1 {
				t.Errorf("%d decisions about a customer (I-11)", n)
			}
		}
	})
}

// Everybody has the same terms: who has not agreed to those in force gets nothing, and neither does who has ended, nor anybody at the
// wish of those who market.
//
// cite: P-32, P-37, 47 USC 222(e)
func TestEqualTerms(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	ctx := t.Context()
	bill, mia := o.Member(t, cpni.RoleBilling), o.Member(t, cpni.RoleMarketing)
	o.Customer(t, listing(""))
	p, q := publisher(t, o, bill, "white-pages"), publisher(t, o, bill, "yellow-pages")
	ask := func(by cpni.ID, p pages) error {
		_, err := o.Directory.Ask(ctx, cpni.NewID(), by, p.id, directory.Whole)
		return err
	}
	must[*directory.Terms](t)(o.Directory.PutTerms(ctx, bill, directory.Terms{Whole: 30, Update: 30, Says: "Print them."}))
	if err := ask(bill, p); code(err) != "TERMS" {
		t.Errorf("terms of before: %v", err)
	}
	if err := o.Directory.Agree(ctx, bill, p.id, 1, "contract"); code(err) != "TERMS" {
		t.Errorf("agrees to terms of before: %v", err)
	}
	for _, x := range []pages{p, q} {
		if err := o.Directory.Agree(ctx, bill, x.id, 2, "contract"); err != nil {
			t.Fatal(err)
		}
		e, _ := extract(t, o, bill, x, directory.Whole)
		var m directory.Manifest
		if err := json.Unmarshal(e.Manifest, &m); err != nil || m.Mills != 30 {
			t.Errorf("%s pays %d (47 USC 222(e))", x.id, m.Mills)
		}
	}
	stopped := must[*directory.Extract](t)(o.Directory.Ask(ctx, cpni.NewID(), mia, p.id, directory.Whole))
	if err := o.Directory.Work(ctx); err != nil {
		t.Fatal(err)
	}
	if now := must[*directory.Extract](t)(o.Directory.One(ctx, stopped.ID)); now.State != directory.Stopped || now.Code != "ROLE" {
		t.Errorf("%+v", now)
	}
	if err := o.Directory.File(ctx, stopped.ID, bill, io.Discard); code(err) != "NOT_READY" {
		t.Errorf("a file of what was stopped: %v", err)
	}
	if err := o.Directory.End(ctx, bill, p.id); err != nil {
		t.Fatal(err)
	}
	if err := ask(bill, p); code(err) != "ENDED" {
		t.Errorf("who has ended: %v", err)
	}
	for name, x := range map[string]directory.Publisher{"no key": {ID: "a-b", Name: "x"}, "a wrong key": {ID: "a-b", Name: "x", Key: "age1xyz"}, "no name": {ID: "a-b", Key: p.key.Recipient().String()}, "no id": {Name: "x", Key: p.key.Recipient().String()}} {
		if err := o.Directory.Put(ctx, bill, x); code(err) != "BAD_INPUT" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A file that nobody fetches goes.
	e := must[*directory.Extract](t)(o.Directory.Ask(ctx, cpni.NewID(), bill, q.id, directory.Whole))
	if err := o.Directory.Due(ctx); err != nil {
		t.Fatal(err)
	}
	o.Time.Add(o.Policy.Numbers(o.Clock.Now()).Duration("directory", "keep_file"))
	if err := o.Directory.Due(ctx); err != nil {
		t.Fatal(err)
	}
	if now := must[*directory.Extract](t)(o.Directory.One(ctx, e.ID)); now.State != directory.Removed {
		t.Errorf("%+v", now)
	}
}
