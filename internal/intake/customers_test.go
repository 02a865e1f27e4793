package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/intake/generate"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// people describes every customer of the book, without their random ids.
func (w *world) people(t testing.TB) []string {
	t.Helper()
	rows, err := w.DB.Reader().Query(t.Context(), "SELECT customer_id FROM customer")
	if err != nil {
		t.Fatal(err)
	}
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	var all []string
	for _, id := range ids {
		p, _, err := w.Book.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		q := *p
		q.ID = ""
		all = append(all, fmt.Sprintf("%+v", q))
	}
	sortStrings(all)
	return all
}

func sortStrings(all []string) {
	for i := range all { // small lists
		for j := i; j > 0 && all[j] < all[j-1]; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
}

// The sample: 7,043 customers, two lines left behind by a merge, eleven without total charges; twice is once.
func TestTelcoSample(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	path := write(t, "telco.csv", file(t, "telco-customers.csv"))
	want := Summary{Rows: 7045, Accepted: 7043, Created: 7043, Lines: 9332, Rejected: map[Reason]int64{Conflict: 2}, RejectsFile: path + ".rejects.csv",
		Oddities: []Oddity{{oddTexts[oddCharges], 11, 490}, {oddTexts[oddConflict], 2, 7045}}}
	s, err := w.Customers(t.Context(), path, CustomerOptions{Format: Telco})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, s); d != "" {
		t.Error(d)
	}
	raw, err := os.ReadFile(s.RejectsFile)
	if err != nil || !strings.Contains(string(raw), "7045,CONFLICT,") || !strings.Contains(string(raw), ">>>>>>> 79e79a11") {
		t.Errorf("rejects %q, %v", raw, err)
	}
	want.Created, want.Lines, want.Unchanged = 0, 0, 7043
	if s, err = w.Customers(t.Context(), path, CustomerOptions{Format: Telco}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, s); d != "" {
		t.Error(d)
	}

	ids, err := w.Book.Find(t.Context(), customer.ByAccount, "3186-AJIEK")
	if err != nil || len(ids) != 1 {
		t.Fatalf("found %d, %v", len(ids), err)
	}
	p, _, err := w.Book.Get(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Lines) != 1 || !strings.Contains(p.Lines[0].Number, "55501") || !p.Since.Equal(time.Date(2020, 8, 1, 4, 0, 0, 0, time.UTC)) || !p.Email[0].Notices {
		t.Errorf("%+v", p)
	}
	if by, err := w.Book.Find(t.Context(), customer.ByNumber, p.Lines[0].Number); err != nil || len(by) != 1 || by[0] != ids[0] {
		t.Errorf("by number: %v %v", by, err)
	}
	var n int
	if err := w.DB.Reader().QueryRow(t.Context(), "SELECT count(*) FROM cpni_item").Scan(&n); err != nil || n != 2*7043 {
		t.Errorf("%d items, %v", n, err)
	}
}

const peopleHeader = "account,name,numbers,categories,listed,postal,postal_since,email,email_since,email_notices,since,contact_number,born,ssn4\n"

// How directories print a line comes with the customer; what a file says otherwise of one who is here is told, and left.
//
// cite: P-32, 47 USC 222(h)(3)
func TestHowDirectoriesPrint(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, vault.NewMaster())
		path := write(t, "listed.csv", "account,name,numbers,categories,listed,heading,no_address,since\n"+
			"A-1,Ann Archer,+12025550141,local,yes,Florists,yes,2020-01-01\n"+
			"A-1,Ann Archer,+12025550141,local,yes,Bakers,yes,2020-01-01\n"+
			"A-1,Ann Archer,+12025550141,local,yes,,,2020-01-01\n"+
			"A-2,Bo Baker,+12025550142,local,yes,"+strings.Repeat("x", 101)+",,2020-01-01\n"+
			"A-3,Cy Cole,+12025550143,local,yes,,perhaps,2020-01-01\n")
		s, err := w.Customers(t.Context(), path, CustomerOptions{Format: CSV})
		if err != nil || s.Created != 1 || s.Unchanged != 2 || s.Rejected[BadField] != 2 || len(s.Oddities) != 1 || s.Oddities[0].Rows != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		ids, err := w.Book.Find(t.Context(), customer.ByNumber, "+12025550141")
		if err != nil || len(ids) != 1 {
			t.Fatalf("%v, %v", ids, err)
		}
		p, _, err := w.Book.Get(t.Context(), ids[0])
		if err != nil || p.Lines[0].Heading != "Florists" || !p.Lines[0].NoAddress {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// cite: P-21, 47 CFR 64.2003(b)
func TestCustomers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, vault.NewMaster())
		text := peopleHeader +
			`A-1,Ann Archer,+12025550141;(202) 555-0142,local;voip,yes,"1 Main St, Springfield, VA 22150",2020-02-01,ann@example.com,,yes,2020-01-01,7035550199,1980-04-02,6789` + "\n" +
			"A-1,Ann Archer,+12025550141;+12025550142,local,yes,\"1 Main St, Springfield, VA 22150\",,ann@example.com,,yes,2020-01-01,,,\n" + // again
			"a-1 ,Ann Archer,+12025550141;+12025550142,local,yes,\"2 Side St\",,ann@example.com,,yes,2020-01-01,,,\n" + // another address: left
			"A-2,Bo Baker,+12025550141,,,,,,,,2020-01-01,,,\n" +
			"A-3,,+12025550143,,,,,,,,2020-01-01,,,\n" +
			",Cy Cole,+12025550143,,,,,,,,2020-01-01,,,\n" +
			"A-4,Di\xff Dow,+12025550143,,,,,,,,2020-01-01,,,\n" +
			"A-5,Ed\tEby,+12025550143,,,,,,,,2020-01-01,,,\n" +
			"A-6,Flo Fry,12345,,,,,,,,2020-01-01,,,\n" +
			"A-7,Gus Gay,+12025550143,telegraph,,,,,,,2020-01-01,,,\n" +
			"A-8,Hal Hay,+12025550143,,perhaps,,,,,,2020-01-01,,,\n" +
			"A-9,Ida Irk,+12025550143,,,,,,,,,,,\n" +
			"A-10,Jo Jay,+12025550143,,,,,,,,2099-01-01,,,\n" +
			"A-11,Kit Kay,+12025550143,,,,,not mail,,,2020-01-01,,,\n" +
			"A-12,Lou Lee,+12025550143,,,,,,,,2020-01-01,x,,\n" +
			"A-13,Mo May,+12025550143,,,,,,,,2020-02-30,,,\n" +
			"A-14,Ned Nye,+12025550143,,,,,,,,2020-01-01,,1980-13-01,\n" +
			"A-15,Oz Orr,+12025550143,,,,,,,,2020-01-01,,,12345\n" +
			"A-16,Pat Poe," + strings.Repeat("1", 600) + ",,,,,,,,2020-01-01,,,\n" +
			"A-17,Ray Roe,+12025550143;2025550143,,,,,,,,2020-01-01,,,\n" +
			"A-18,too,few\n" +
			"A-19,Sy Sax,+12025550144,wireless,no,,,,,,2020-01-01T00:00:00Z,,,\n"
		path := write(t, "people.csv", text)
		s, err := w.Customers(t.Context(), path, CustomerOptions{Format: CSV})
		if err != nil {
			t.Fatal(err)
		}
		want := Summary{Rows: 22, Accepted: 4, Created: 2, Unchanged: 2, Lines: 3, RejectsFile: path + ".rejects.csv",
			Rejected: map[Reason]int64{NumberTaken: 1, BadField: 9, NoAccount: 1, BadText: 2, BadNumber: 2, BadCategory: 1, BadColumns: 1},
			Oddities: []Oddity{{oddTexts[oddDiffers], 1, 4}}}
		want.Rejected[BadField]++ // the number that is there twice
		if d := cmp.Diff(&want, s); d != "" {
			t.Error(d)
		}
		ids, err := w.Book.Find(t.Context(), customer.ByNumber, "+12025550142")
		if err != nil || len(ids) != 1 {
			t.Fatal(ids, err)
		}
		p, _, err := w.Book.Get(t.Context(), ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if p.Postal[0].Value != "1 Main St, Springfield, VA 22150" || !p.Postal[0].Since.Equal(time.Date(2020, 2, 1, 5, 0, 0, 0, time.UTC)) {
			t.Errorf("postal %+v", p.Postal)
		}
		// Nobody says since when the e-mail address is there: it is not of record for thirty days.
		if age := 30 * 24 * time.Hour; p.Email[0].OfRecord(now, age) || !p.Email[0].OfRecord(now.Add(age), age) || !p.Email[0].Notices {
			t.Errorf("email %+v", p.Email)
		}
		if len(p.Lines) != 2 || p.Lines[1].No != 2 || !p.Lines[0].Listed || len(p.Lines[0].Categories) != 2 || p.ContactNumbers[0] != "+17035550199" {
			t.Errorf("%+v", p)
		}
		raw, err := os.ReadFile(s.RejectsFile)
		if err != nil || strings.Count(string(raw), "\n") != 19 {
			t.Errorf("rejects file: %v\n%s", err, raw)
		}
	})
}

// cite: P-10, P-19, P-57
func TestColumnsThatNoFileMayBring(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	for _, c := range []struct{ header, code, says string }{
		{"account,name,since,password", "ENROL", ""}, {"account,name,since,PIN", "ENROL", ""}, {"account,name,since,security_question", "ENROL", ""},
		{"account,name,since,marketing consent", "NOT_CONSENT", ""}, {"account,name,since,opt_in", "NOT_CONSENT", ""}, {"account,name,since,approvals", "NOT_CONSENT", ""},
		{"account,name,since,shoe_size", "", "shoe_size"}, {"account,name,since,name", "", "twice"}, {"account,name", "", "since"}, {"", "", "empty"},
	} {
		_, err := w.Customers(t.Context(), write(t, "p.csv", c.header), CustomerOptions{Format: CSV})
		var r *cpni.Refusal
		if c.code != "" && (!errors.As(err, &r) || string(r.Code) != c.code || len(r.Clauses) == 0 || len(r.Next) == 0) {
			t.Errorf("%s: %v", c.header, err)
		}
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", c.header, err)
		}
	}
	if _, err := w.Customers(t.Context(), write(t, "p.csv", ""), CustomerOptions{Format: Asterisk}); !errors.Is(err, errFormat) {
		t.Error(err)
	}
}

// I-24 for customers: any split and order, any number of times.
func TestCustomersInAnySplit(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSuffix(file(t, "telco-customers.csv"), "\n"), "\n")
	header := lines[0]
	folder := t.TempDir()
	n := 0
	load := func(t *rapid.T, w *world, rows []string) {
		n++
		path := filepath.Join(folder, fmt.Sprint(n))
		if err := os.WriteFile(path, []byte(header+strings.Join(rows, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Customers(context.Background(), path, CustomerOptions{Format: Telco}); err != nil {
			t.Fatal(err)
		}
	}
	whole, parts := newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster()), newWorld(t, storetest.Open(t, "memory:"), vault.NewMaster())
	rapid.Check(t, func(rt *rapid.T) {
		for _, w := range []*world{whole, parts} {
			if err := w.DB.Tx(context.Background(), func(tx *store.Tx) error {
				for _, table := range []string{"customer", "lookup", "cpni_item"} {
					if _, err := tx.Exec(context.Background(), "DELETE FROM "+table); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				rt.Fatal(err)
			}
		}
		from := rapid.IntRange(1, 6900).Draw(rt, "from")
		rows := lines[from : from+rapid.IntRange(1, 25).Draw(rt, "rows")]
		load(rt, whole, rows)
		rest := rapid.Permutation(rows).Draw(rt, "order")
		for len(rest) > 0 {
			k := rapid.IntRange(1, len(rest)).Draw(rt, "part")
			for range rapid.IntRange(1, 2).Draw(rt, "times") {
				load(rt, parts, rest[:k])
			}
			rest = rest[k:]
		}
		if d := cmp.Diff(whole.people(t), parts.people(t)); d != "" {
			rt.Fatal(d)
		}
	})
}

// The customers and calls that the generator writes come in whole, through the customer book's own look-ups.
func TestGeneratedFilesComeIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, vault.NewMaster())
		w.Lines = nil
		spec := small
		spec.Customers = 1200 // more than one transaction of customers
		var people, calls bytes.Buffer
		if err := generate.Generate(&people, &calls, spec); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		path := write(t, "people.csv", people.String())
		if _, err := w.Customers(ctx, path, CustomerOptions{Format: CSV, Progress: func(Progress) { stop() }}); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped: %v", err)
		}
		s, err := w.Customers(t.Context(), path, CustomerOptions{Format: CSV})
		if err != nil {
			t.Fatal(err)
		}
		if !s.Resumed || s.Created != 1200 || s.Lines != 1500 || s.RejectedRows() != 0 {
			t.Errorf("%+v", s)
		}
		if s, err = w.Calls(t.Context(), write(t, "calls.csv", calls.String()), CallOptions{Format: CSV}); err != nil {
			t.Fatal(err)
		}
		if s.Accepted+s.Rejected[LineNotThen] != 4000 || s.Added < 3900 || s.Duplicates+s.Merged != 0 || len(s.Rejected) > 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestFilter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5000).Draw(t, "tokens")
		seed := rapid.Uint64().Draw(t, "seed")
		token := func(i int) []byte { return []byte(fmt.Sprintf("%016x", mix(seed+uint64(i)))) }
		f := newFilter(n)
		for i := range n {
			f.add(token(i))
		}
		for i := range n {
			if !f.has(token(i)) {
				t.Fatal("a token that was added is not there")
			}
		}
	})
	f := newFilter(10000)
	hash := func(i int) []byte {
		a, b := mix(uint64(i)), mix(uint64(i)^0x5555)
		return []byte{byte(a), byte(a >> 8), byte(a >> 16), byte(a >> 24), byte(a >> 32), byte(a >> 40), byte(a >> 48), byte(a >> 56),
			byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24), byte(b >> 32), byte(b >> 40), byte(b >> 48), byte(b >> 56)}
	}
	for i := range 10000 {
		f.add(hash(i))
	}
	passed := 0
	for i := range 10000 {
		if f.has(hash(i + 1000000)) {
			passed++
		}
	}
	if passed > 300 {
		t.Errorf("%d of 10000 strangers pass", passed)
	}
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func FuzzCustomers(f *testing.F) {
	f.Add([]byte(peopleHeader + "A-1,Ann,+12025550141,local,yes,1 Main,2020-01-01,a@b.c,,yes,2020-01-01,,,\n"))
	f.Add([]byte("customerID,gender\n1,2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, telco := range []bool{false, true} {
			p := &peopleParser{zone: time.UTC, now: now, telco: telco}
			r := newReader(bytes.NewReader(data), 0, 1)
			header, err := r.next()
			if err != nil || p.columns(header) != nil {
				continue
			}
			for {
				fields, err := r.next()
				if rejectionOf(err) != nil {
					continue
				}
				if err != nil {
					break
				}
				who, rej := p.parse(fields, 1)
				if (who == nil) == (rej == nil) || rej == nil && (who.profile.Name == "" || who.profile.Account == "" || who.profile.Since.IsZero()) {
					t.Fatalf("%q became %+v, %v", r.raw, who, rej)
				}
			}
		}
	})
}
