package exports_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/export"
	"ringfence/internal/partner"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A file holds exactly the columns that were asked for, of exactly those who are permitted, each of whom has one entry; the partner's
// key reads it, and its references tell from which export it comes.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2009(c)
func TestFileForAPartner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann, ben := w.billed("84.10"), w.billed("12.00", func(p *customer.Profile) { p.Name = "=cmd|' /C calc'!A0" })
		e := w.made(bills(), w.bill)
		if e.State != export.Ready || e.Rows != 2 || e.Decided != 2 || e.Second != w.keeper {
			t.Fatalf("%+v", e)
		}
		rows, m, archive, err := w.fetch(e.ID, "printers")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rows[0], []string{"reference", "name", "postal", "billing.total"}) || !slices.Equal(column(rows, "billing.total"), []string{"12.00", "84.10"}) {
			t.Errorf("%q", rows)
		}
		if !slices.Contains(column(rows, "name"), ann.Name) || !slices.Contains(column(rows, "name"), "'=cmd|' /C calc'!A0") || bytes.Contains(archive, []byte("84.10")) || bytes.Contains(archive, []byte(ann.Name)) {
			t.Errorf("%q", rows)
		}
		if m.Rows != 2 || m.Partner != "printers" || m.Agreement != "C-77" || m.Basis != "47 USC 222(d)(1)" || !m.DestroyBy.Equal(e.DestroyBy) || m.Ledger.Count != 2 || m.Ledger.First == "" || m.Ledger.Last <= m.Ledger.First ||
			len(m.Parts) != 1 || m.Key != w.key.Recipient().String() || m.Customers == m.File || len(m.Customers) != 64 {
			t.Errorf("%+v", m)
		}
		for _, p := range []*customer.Profile{ann, ben} {
			all := w.decisions(p.ID)
			if len(all) != 1 || all[0].Outcome != cpni.Permit || all[0].Recipient != "printers" || all[0].Purpose != "billing" || !slices.Equal(all[0].Permits, []cpni.DataClass{cpni.Billing}) || all[0].ID < m.Ledger.First || all[0].ID > m.Ledger.Last {
				t.Errorf("%d entries of who is in the file, or not what they should be", len(all))
			}
		}
		other := w.made(bills(), w.bill)
		second, _, _, err := w.fetch(other.ID, "printers")
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(column(rows, "reference"), column(second, "reference")) {
			t.Error("two files can be joined by their references")
		}
		leaked := "name,x,reference\r\n" + rows[1][0] + ",\"" + strings.ToUpper(second[2][0]) + "\", 0123456789abcdef"
		found, tried, err := w.Exports.Trace(t.Context(), strings.FieldsFunc(leaked, func(r rune) bool { return strings.ContainsRune(", \r\n", r) }))
		if err != nil || tried != 3 || len(found) != 2 || found[0].Marks != 1 || found[1].Marks != 1 || found[0].Export.ID == found[1].Export.ID {
			t.Errorf("%+v of %d: %v", found, tried, err)
		}
	})
}

// Nobody who has not said yes is in a file for marketing, and each is counted with the reason; a partner's word that it has a yes is no
// yes; who objects between the list and their row, or between their row and the fetch, is not in it.
//
// cite: P-11, P-14, P-15, V63, V76, I-02, 47 CFR 64.2007(b)
func TestObjectionsKeepOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.billed("1") // said nothing
		w.billed("2", func(p *customer.Profile) {
			p.Approvals = []customer.Approval{{Scope: "partner-marketing", State: cpni.OptOutOK, Since: officetestStart(), NoticeAt: officetestStart()}}
		})
		yes, early, late := w.billed("3", saidYes), w.billed("4", saidYes), w.billed("5", saidYes)
		e := w.begun(marketing(), w.mia)
		w.object(early)
		e = w.worked(e.ID)
		counts, err := w.Exports.Counts(t.Context(), e.ID)
		if err != nil || counts[""] != 2 || counts["DENIED"] != 1 || e.Rows != 2 || e.Decided != 5 {
			t.Fatalf("%v, %+v: %v", counts, e, err)
		}
		left := int64(0)
		for c, n := range counts {
			if c != "" {
				left += n
			}
		}
		if left != 3 {
			t.Errorf("%v", counts)
		}
		w.pass(time.Second)
		w.object(late)
		rows, m, _, err := w.fetch(e.ID, "printers")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(column(rows, "name"), []string{yes.Name}) || m.Rows != 1 || !slices.Equal(column(rows, "service.plan"), []string{"evening"}) {
			t.Errorf("%q, %+v", rows, m)
		}
		if n := len(w.decisions(yes.ID)); n != 1 {
			t.Errorf("%d entries of who is in the file", n)
		}
		if all := w.decisions(late.ID); len(all) != 2 || all[0].Outcome != cpni.Deny || all[0].Code != "DENIED" || all[1].Outcome != cpni.Permit {
			t.Errorf("%d entries of who has objected, or not what they should be", len(all))
		}
		counts, err = w.Exports.Counts(t.Context(), e.ID)
		if err != nil || counts[""] != 1 || counts["DENIED"] != 2 {
			t.Errorf("%v: %v", counts, err)
		}
	})
}

func officetestStart() time.Time { return time.Date(2026, 10, 1, 15, 0, 0, 0, time.UTC) }

// object has a customer refuse everything.
func (w *world) object(p *customer.Profile) {
	w.t.Helper()
	_, err := w.Customers.Update(w.t.Context(), p.ID, func(p *customer.Profile) (customer.Change, error) {
		p.Approvals = append(p.Approvals, customer.Approval{Scope: customer.Everything, State: cpni.Denied, Since: w.Clock.Now()})
		return customer.Change{Actor: "test", What: "objected"}, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// What may not be exported is refused when it is proposed, and the refusal is on record.
//
// cite: P-35, P-36, P-37, P-41, 47 CFR 64.2009(c)
func TestWhatIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		now := w.Clock.Now()
		agreed := func(change func(*partner.Partner)) {
			p := w.printers
			a := *p.Agreement
			p.Agreement = &a
			change(&p)
			w.put(p)
		}
		for what, row := range map[string]struct {
			register func(*partner.Partner)
			spec     func(*export.Spec)
			want     cpni.Code
		}{
			"a column of another class": {nil, func(s *export.Spec) { s.Columns = append(s.Columns, "usage.minutes") }, "SCOPE"},
			"a column that is none":     {nil, func(s *export.Spec) { s.Columns = append(s.Columns, "ssn") }, "UNCLASSIFIED"},
			"the reference twice":       {nil, func(s *export.Spec) { s.Columns = append(s.Columns, "reference") }, "UNCLASSIFIED"},
			"no columns":                {nil, func(s *export.Spec) { s.Columns = nil }, "BAD_INPUT"},
			"no basis":                  {nil, func(s *export.Spec) { s.Basis = " " }, "BAD_INPUT"},
			"kept too long":             {nil, func(s *export.Spec) { s.DestroyBy = now.AddDate(0, 2, 0) }, "VENDOR"},
			"destroyed before made":     {nil, func(s *export.Spec) { s.DestroyBy = now }, "BAD_INPUT"},
			"another purpose":           {nil, func(s *export.Spec) { s.Purpose = cpni.Protect }, "VENDOR"},
			"nobody named":              {nil, func(s *export.Spec) { s.List.Kind = export.Named }, "BAD_INPUT"},
			"no such list":              {nil, func(s *export.Spec) { s.List.Kind = "friends" }, "BAD_INPUT"},
			"no such partner":           {nil, func(s *export.Spec) { s.Partner = "nobody" }, "UNKNOWN_RECIPIENT"},
			"no key":                    {func(p *partner.Partner) { p.Key = "" }, nil, "VENDOR"},
			"no agreement":              {func(p *partner.Partner) { p.Agreement = nil }, nil, "VENDOR"},
			"no purposes":               {func(p *partner.Partner) { p.Agreement.Purposes = nil }, nil, "VENDOR"},
			"no day of destruction":     {func(p *partner.Partner) { p.Agreement.DestroyDays = 0 }, nil, "VENDOR"},
			"not yet":                   {func(p *partner.Partner) { p.Agreement.From = now.Add(time.Hour) }, nil, "VENDOR"},
			"over":                      {func(p *partner.Partner) { p.Agreement.Until = now }, nil, "VENDOR"},
			"late":                      {func(p *partner.Partner) { p.Agreement.DestroyBy = now }, nil, "OVERDUE"},
		} {
			agreed(func(p *partner.Partner) {
				if row.register != nil {
					row.register(p)
				}
			})
			s := bills()
			if row.spec != nil {
				row.spec(&s)
			}
			if _, err := w.Exports.Propose(t.Context(), "", s, nil, w.bill); code(err) != row.want {
				t.Errorf("%s: %v", what, err)
			}
		}
		agreed(func(*partner.Partner) {})
		e, err := w.Exports.Propose(t.Context(), "", bills(), nil, w.bill)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Exports.Agree(t.Context(), e.ID, w.bill); code(err) != "SAME_PERSON" {
			t.Errorf("agreed alone: %v", err)
		}
		if e := w.worked(e.ID); e.State != export.Proposed || e.Decided != 0 {
			t.Errorf("%+v", e)
		}
		if _, err := w.Exports.Fetch(t.Context(), e.ID, "printers", ""); code(err) != "CONFLICT" {
			t.Errorf("fetched before it was made: %v", err)
		}
	})
}

// A file is fetched once, however many ask at once; another time is refused and an alert, until somebody decides that it may be.
//
// cite: P-41, 47 CFR 64.2009(c)
func TestFetchedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.billed("84.10")
		e := w.made(bills(), w.bill)
		if _, err := w.Exports.Fetch(t.Context(), e.ID, "others", ""); code(err) != "NOT_FOUND" {
			t.Errorf("another partner: %v", err)
		}
		var got, refused atomic.Int64
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				switch _, err := w.Exports.Fetch(context.Background(), e.ID, "printers", ""); {
				case err == nil:
					got.Add(1)
				case errors.Is(err, export.ErrFetched):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got.Load() != 1 || refused.Load() != 11 || w.alerts(export.FetchedAgain) != 11 {
			t.Fatalf("%d got it, %d were refused, %d alerts", got.Load(), refused.Load(), w.alerts(export.FetchedAgain))
		}
		if _, err := w.Exports.FetchAgain(t.Context(), e.ID, w.keeper, "lost"); code(err) != "BAD_INPUT" {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := w.Exports.FetchAgain(t.Context(), e.ID, w.keeper, "the line broke off, says their desk"); err != nil {
			t.Fatal(err)
		}
		if rows, _, _, err := w.fetch(e.ID, "printers"); err != nil || len(rows) != 2 {
			t.Errorf("%q: %v", rows, err)
		}
		if e := w.one(e.ID); e.Fetches != 2 || e.State != export.Fetched {
			t.Errorf("%+v", e)
		}
	})
}

// What a partner has not destroyed in time stops everything that would go to it, at the door too, until the certificate is there.
//
// cite: P-35, P-41, V112, 47 CFR 64.2009(c)
func TestOverdueStops(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ann := w.billed("84.10")
		s := bills()
		s.DestroyBy = w.Clock.Now().AddDate(0, 0, 10)
		e := w.made(s, w.bill)
		waits := w.made(bills(), w.bill)
		if err := w.Exports.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := w.fetch(e.ID, "printers"); err != nil {
			t.Fatal(err)
		}
		reminded := func() (n int) {
			t.Helper()
			if err := errors.Join(w.Exports.Due(t.Context()), w.Exports.Due(t.Context())); err != nil {
				t.Fatal(err)
			}
			return w.admin("reminded that a partner must destroy")
		}
		if n := reminded(); n != 1 { // 14 days
			t.Errorf("%d reminders at once", n)
		}
		w.pass(4 * 24 * time.Hour) // 7 days
		if n := reminded(); n != 2 {
			t.Errorf("%d reminders", n)
		}
		w.pass(6*24*time.Hour - time.Second)
		if n := reminded(); n != 3 || w.alerts(export.Overdue) != 0 {
			t.Errorf("%d reminders, %d alerts", n, w.alerts(export.Overdue))
		}
		w.pass(time.Second)
		if reminded(); w.alerts(export.Overdue) != 1 {
			t.Errorf("%d alerts", w.alerts(export.Overdue))
		}
		if _, err := w.Exports.Propose(t.Context(), "", bills(), nil, w.bill); code(err) != "OVERDUE" {
			t.Errorf("proposed: %v", err)
		}
		if _, err := w.Exports.Fetch(t.Context(), waits.ID, "printers", ""); code(err) != "OVERDUE" {
			t.Errorf("fetched: %v", err)
		}
		if all, err := w.Door.Hand(t.Context(), requests(w.bill, ann.ID), nothing); err != nil || all[0].Code != "VENDOR" {
			t.Errorf("%+v: %v", all, err)
		}
		c := export.Certificate{Partner: "printers", Export: e.ID, By: "partner:printers", Destroyed: w.Clock.Now().Add(-time.Hour),
			Paper: export.Paper{Signer: "Pat Printer", Method: "shredded", Name: "certificate.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.7 destroyed")}}
		for what, change := range map[string]func(*export.Certificate){"without a paper": func(c *export.Certificate) { c.Paper.Bytes = nil }, "by nobody": func(c *export.Certificate) { c.Paper.Signer = "" },
			"to come": func(c *export.Certificate) { c.Destroyed = w.Clock.Now().Add(time.Hour) }, "before it was given": func(c *export.Certificate) { c.Destroyed = officetestStart() }, "a script": func(c *export.Certificate) { c.Paper.Type = "text/html" }} {
			bad := c
			change(&bad)
			if _, err := w.Exports.Certify(t.Context(), bad); code(err) != "BAD_INPUT" {
				t.Errorf("%s: %v", what, err)
			}
		}
		foreign := c
		foreign.Partner = "others"
		if _, err := w.Exports.Certify(t.Context(), foreign); code(err) != "NOT_FOUND" {
			t.Errorf("another partner: %v", err)
		}
		made, err := w.Exports.Certify(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := w.Exports.Certificate(t.Context(), "printers", made.ID); err != nil || string(kept.Paper.Bytes) != "%PDF-1.7 destroyed" || kept.Paper.Signer != "Pat Printer" {
			t.Errorf("%+v: %v", kept, err)
		}
		if _, err := w.Exports.Certify(t.Context(), c); code(err) != "CONFLICT" {
			t.Errorf("twice: %v", err)
		}
		var left int
		if err := w.DB.Reader().QueryRow(t.Context(), "SELECT COALESCE(sum(length(bytes)), 0) FROM export_part WHERE export_id = $1", string(e.ID)).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d bytes of the file are left: %v", left, err)
		}
		if all, err := w.Door.Hand(t.Context(), requests(w.bill, ann.ID), nothing); err != nil || !all[0].Permit() {
			t.Errorf("%+v: %v", all, err)
		}
		if _, _, _, err := w.fetch(waits.ID, "printers"); err != nil {
			t.Errorf("after the certificate: %v", err)
		}
	})
}

// A file that nobody fetches is withdrawn, and what is left of it here is destroyed.
//
// cite: P-41
func TestNotFetchedInTime(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	w.billed("84.10")
	e := w.made(bills(), w.bill)
	w.pass(14 * 24 * time.Hour)
	if _, err := w.Exports.Fetch(t.Context(), e.ID, "printers", ""); code(err) != "CONFLICT" {
		t.Errorf("fetched too late: %v", err)
	}
	if err := w.Exports.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := w.one(e.ID); e.State != export.Withdrawn || e.Holds() {
		t.Errorf("%+v", e)
	}
}

// However work is cut off, whoever goes on ends with everybody once, in the file and in the ledger.
//
// cite: P-41, I-01, I-10
func TestCutOffAnywhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const many = 60
		var ids []cpni.ID
		for i := range many {
			ids = append(ids, w.billed(fmt.Sprint(i)).ID)
		}
		w.Exports.Batch, w.Exports.PartRows = 7, 10
		e := w.begun(bills(), w.bill)
		for cut := 1; cut < 40; cut++ {
			ctx, stop := context.WithCancel(t.Context())
			cutAfter(w.Exports, cut, stop)
			err := w.Exports.Work(ctx)
			stop()
			if err == nil {
				break
			}
			if err := w.DB.Tx(t.Context(), func(tx *store.Tx) error { // as when the node is gone, and has not said so
				_, err := tx.Exec(t.Context(), "UPDATE export SET claimed = 0")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		cutAfter(w.Exports, 0, nil)
		e = w.worked(e.ID)
		rows, m, _, err := w.fetch(e.ID, "printers")
		if err != nil {
			t.Fatal(err)
		}
		refs := column(rows, "reference")
		if len(refs) != many || len(slices.Compact(refs)) != many || m.Rows != many || e.Decided != many || len(m.Parts) < 5 {
			t.Errorf("%d rows, %+v", len(refs), m)
		}
		for _, id := range ids {
			if n := len(w.decisions(id)); n != 1 {
				t.Errorf("%d entries", n)
			}
		}
	})
}

// cutAfter has stop called at the n-th step of the work; 0: never.
func cutAfter(x *export.Exports, n int, stop context.CancelFunc) {
	x.Step = func() {
		if n--; n == 0 {
			stop()
		}
	}
}
