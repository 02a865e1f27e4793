package office_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/process"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A process that forbids to tell the customer stands in no list of theirs, in no receipt and in no message, and only those whom it
// names know of it, in the register and in the records. When the silence ends the accounting shows it and the notice goes by itself;
// an extension comes in writing, and so does the lifting.
//
// cite: P-29, P-37, P-41, 47 CFR 64.2010(a)
func TestSecretLegalProcess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t)
		f := l.order(ann.Account)
		f.Silence = process.Silence{Ordered: true, Until: at("2026-12-24 00:00")}
		if _, err := o.Processes.File(ctx, f); code(err) != "INCOMPLETE" {
			t.Errorf("nobody is named who could read it: %v", err)
		}
		f.Named = []cpni.ID{l.reviewer, o.Member(t, cpni.RoleAgent)}
		if _, err := o.Processes.File(ctx, f); code(err) != "ROLE" {
			t.Errorf("an agent is named: %v (P-37)", err)
		}
		f.Named = f.Named[:1]
		p := l.approve(l.file(f))
		if tried := l.release(p); tried.Released != 1 {
			t.Fatalf("%+v", tried)
		}
		entry := must[[]process.Release](t)(o.Processes.Releases(ctx, p.ID, l.taker))[0].Entry
		unnamed := o.Member(t, cpni.RoleCompliance)
		hidden := func(is bool) {
			t.Helper()
			lines, _, err := o.Accounting.List(ctx, ann.ID, accounting.Query{Each: true})
			if err != nil || slices.ContainsFunc(lines, func(x accounting.Line) bool { return x.Entry == entry }) == is {
				t.Errorf("the accounting has it: %v, %v; hidden: %v (P-29)", lines, err, is)
			}
			if _, err := o.Accounting.One(ctx, ann.ID, entry); errors.Is(err, ledger.ErrNoRecord) != is {
				t.Errorf("a line of its own: %v; hidden: %v", err, is)
			}
			if err := o.Ledger.Sequence(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := o.Accounting.Receipt(ctx, ann.ID, entry); errors.Is(err, ledger.ErrNoRecord) != is {
				t.Errorf("a receipt: %v; hidden: %v", err, is)
			}
			for _, who := range []struct {
				id    cpni.ID
				named bool
			}{{l.taker, true}, {l.reviewer, true}, {unnamed, false}} {
				if _, err := o.Processes.One(ctx, p.ID, who.id); errors.Is(err, process.ErrNone) != (is && !who.named) {
					t.Errorf("the file, to one who is named %v: %v; secret: %v (P-37)", who.named, err, is)
				}
				all, _, err := o.Processes.List(ctx, who.id, process.Query{})
				if err != nil || (len(all) == 0) != (is && !who.named) {
					t.Errorf("the list, to one who is named %v: %d, %v; secret: %v", who.named, len(all), err, is)
				}
				row := must[ledger.Row](t)(o.Ledger.Record(ctx, ann.ID, entry))
				if h := must[bool](t)(o.HiddenFrom(ctx, who.id, row)); h != (is && !who.named) {
					t.Errorf("the entry, to one who is named %v: hidden %v; secret: %v", who.named, h, is)
				}
				told, _, err := o.Accounting.List(ctx, ann.ID, accounting.Query{Each: true, All: true, Viewer: who.id})
				if err != nil || slices.ContainsFunc(told, func(x accounting.Line) bool { return x.Entry == entry }) == (is && !who.named) {
					t.Errorf("the whole accounting, to one who is named %v; secret: %v: %v", who.named, is, err)
				}
			}
		}
		l.due()
		hidden(true)
		if all := must[[]notify.Message](t)(o.Outbox.Messages(ctx, ann.ID)); len(all) != 0 {
			t.Fatalf("a message to the customer: %+v (P-29)", all)
		}
		for _, kind := range []ledger.Kind{ledger.Lookup, ledger.Message, ledger.Notice, ledger.Letter, ledger.Process, ledger.Change} {
			if rows := must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: kind, Limit: 10})); len(rows) > 1 || len(rows) == 1 && kind != ledger.Change {
				t.Errorf("the customer's records tell of it: %s %+v", kind, rows)
			}
		}
		if _, err := o.Processes.Quiet(ctx, p.ID, process.Quiet{By: l.taker, Until: at("2027-03-01 00:00"), Reason: "extended"}); code(err) != "NEED_WRITING" {
			t.Errorf("extended by somebody's word: %v", err)
		}
		p = must[*process.Process](t)(o.Processes.Quiet(ctx, p.ID, process.Quiet{By: l.taker, Until: at("2027-03-01 00:00"), Reason: "extended", Scan: paper}))
		o.Time.Add(at("2026-12-25 00:00").Sub(o.Clock.Now()))
		l.due()
		hidden(true)
		o.Time.Add(at("2027-03-01 00:00").Sub(o.Clock.Now()) - time.Microsecond)
		l.due()
		hidden(true)
		if all := messages(t, o, ann.ID, notify.ProcessAnswered); len(all) != 0 {
			t.Fatalf("told before it ends: %+v", all)
		}
		o.Time.Add(time.Microsecond)
		l.due()
		hidden(false)
		if all := messages(t, o, ann.ID, notify.ProcessAnswered); len(all) != 1 {
			t.Errorf("told when it ends: %d messages", len(all))
		}
		if _, err := o.Processes.Quiet(ctx, p.ID, process.Quiet{By: l.taker, Until: at("2028-03-01 00:00"), Reason: "again", Scan: paper}); code(err) != "PROCESS" {
			t.Errorf("hidden again what was shown: %v", err)
		}
	})
}

// An order of silence without an end stands until it is lifted, and an alert asks for it now and then; a paper whose kind cannot
// forbid it forbids nothing.
//
// cite: P-29
func TestSilenceWithoutAnEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t)
		f := l.order(ann.Account)
		f.Kind, f.Silence, f.Named = "civil-subpoena", process.Silence{Ordered: true, Until: at("2027-01-01 00:00")}, []cpni.ID{l.reviewer}
		if _, err := o.Processes.File(ctx, f); code(err) != "PROCESS" {
			t.Errorf("a party to a lawsuit forbids to tell the customer: %v", err)
		}
		f.Kind, f.Silence = "national-security-letter", process.Silence{Ordered: true}
		p := l.approve(l.file(f))
		l.release(p)
		o.Time.Add(364 * 24 * time.Hour)
		l.due()
		if l.alerts(process.Unsilenced) != 0 || len(messages(t, o, ann.ID, notify.ProcessAnswered)) != 0 {
			t.Error("before the time")
		}
		o.Time.Add(24 * time.Hour)
		l.due()
		if n := l.alerts(process.Unsilenced); n != 1 {
			t.Errorf("%d alerts that nobody has asked whether the silence still stands", n)
		}
		p = must[*process.Process](t)(o.Processes.Looked(ctx, p.ID, l.reviewer, "The agency says that it does."))
		must[*process.Process](t)(o.Processes.Quiet(ctx, p.ID, process.Quiet{By: l.taker, Lift: true, Reason: "lifted", Scan: paper}))
		l.due()
		if all := messages(t, o, ann.ID, notify.ProcessAnswered); len(all) != 1 {
			t.Errorf("told when it is lifted: %d messages", len(all))
		}
	})
}
