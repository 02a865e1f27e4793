package office_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// Whatever was released has an earlier durable entry with outcome permit, for that customer, data and recipient; and
// whatever was refused is on record as well.
//
// cite: P-01, P-41, I-01, 47 CFR 64.2009(c)
func TestEveryReleaseHasItsRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent, biller := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleBilling)
		ann := o.Customer(t)
		verified, open := o.Verified(t, agent, ann.ID), o.Contact(t, agent, ann.ID)
		o.Work(t, matter.Ticket, "T-1", ann.ID)
		rapid.Check(t, func(t *rapid.T) {
			r := disclose.Request{
				Caller: disclose.Caller{Staff: rapid.SampledFrom([]cpni.ID{agent, biller, cpni.NewID()}).Draw(t, "who")}, Customer: ann.ID,
				Contact: rapid.SampledFrom([]cpni.ID{"", verified, open}).Draw(t, "contact"),
				Data:    rapid.SliceOfNDistinct(rapid.SampledFrom(append([]cpni.DataClass{"shoe-size"}, cpni.DataClasses...)), 1, 3, rapid.ID).Draw(t, "data"),
				Purpose: rapid.SampledFrom(append([]cpni.Purpose{"", "curiosity"}, cpni.Purposes...)).Draw(t, "purpose"),
				To:      rapid.SampledFrom([]string{"", "customer", "carrier", "psap", "somebody"}).Draw(t, "to"),
				Via:     rapid.SampledFrom([]cpni.Via{"", cpni.Voice, cpni.Postal, cpni.File}).Draw(t, "via"),
				Ticket:  &rules.Case{ID: rapid.SampledFrom([]string{"T-1", "T-none"}).Draw(t, "ticket"), Open: true}, Emergency: &rules.Emergency{Kind: rules.EmergencyCall, Caller: "psap"},
			}
			a, err := o.Door.Disclose(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			row, err := o.Ledger.Record(context.Background(), a.Customer, a.Entry)
			if err != nil {
				t.Fatalf("the answer %s is not on record: %v", a.Entry, err)
			}
			if row.Outcome != a.Decision.Outcome || row.Code != a.Decision.Code || row.Kind != ledger.Decision || row.At.After(o.Clock.Now()) {
				t.Fatalf("answered %s %s, recorded %+v", a.Decision.Outcome, a.Decision.Code, row.Entry)
			}
			if a.Released == nil && a.ToAddress == "" {
				return
			}
			if row.Outcome != cpni.Permit || !slices.Equal(row.Permits, r.Data) {
				t.Fatalf("released %v against a record of %s for %v", r.Data, row.Outcome, row.Permits)
			}
			if rec, err := o.Door.Record(context.Background(), a.Customer, a.Entry); err != nil || rec.To != r.To {
				t.Fatalf("recorded for %q, released to %q: %v", rec.To, r.To, err)
			}
		})
		mustVerify(t, o)
	})
}

// mustVerify verifies the ledger and makes every decision again.
func mustVerify(t *testing.T, o *officetest.Office) {
	t.Helper()
	if err := o.Ledger.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	var report strings.Builder
	v, err := o.Ledger.Verify(t.Context(), &report)
	if err != nil || !v.OK() {
		t.Fatalf("%v: %s", err, report.String())
	}
	again, err := o.Door.Replay(t.Context(), &report)
	if err != nil || !again.OK() {
		t.Fatalf("%v: %s", err, report.String())
	}
}

// A request that is asked again with its key has one effect and one answer, however many ask at once, also after a
// restart; another request under the key is refused, and somebody else's key is another.
//
// cite: I-11, P-41
func TestOneKeyHasOneEffect(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent, other := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t)
		in := o.Verified(t, agent, ann.ID)
		before := len(decisions(t, o, ann.ID))
		const keys, times = 8, 6
		var mu sync.Mutex
		entries := map[string]map[cpni.ID]int{}
		var all sync.WaitGroup
		for k := range keys {
			for range times {
				all.Go(func() {
					r := officetest.AskCalls(agent, in)
					r.IdempotencyKey = fmt.Sprint("key ", k)
					a, err := o.Door.Disclose(t.Context(), r)
					if err != nil {
						t.Error(err)
						return
					}
					if a.Released.CallCount() != officetest.Calls {
						t.Errorf("%d calls released, want %d", a.Released.CallCount(), officetest.Calls)
					}
					mu.Lock()
					defer mu.Unlock()
					if entries[r.IdempotencyKey] == nil {
						entries[r.IdempotencyKey] = map[cpni.ID]int{}
					}
					entries[r.IdempotencyKey][a.Entry]++
				})
			}
		}
		all.Wait()
		for key, e := range entries {
			if len(e) != 1 {
				t.Errorf("%q had %d effects", key, len(e))
			}
		}
		if n := len(decisions(t, o, ann.ID)) - before; n != keys {
			t.Errorf("%d decisions for %d keys", n, keys)
		}
		r := officetest.AskCalls(agent, in)
		r.IdempotencyKey = "key 0"
		again := o.On(t, db)
		a, err := again.Door.Disclose(t.Context(), r)
		if err != nil || !a.Replayed || entries["key 0"][a.Entry] == 0 {
			t.Errorf("after a restart: %+v, %v", a, err)
		}
		r.Data = []cpni.DataClass{cpni.Billing}
		if _, err := o.Door.Disclose(t.Context(), r); code(err) != "IDEMPOTENCY" {
			t.Errorf("another request under the key: %v", err)
		}
		r = officetest.AskCalls(other, o.Verified(t, other, ann.ID))
		r.IdempotencyKey = "key 0"
		if a, err := o.Door.Disclose(t.Context(), r); err != nil || a.Replayed {
			t.Errorf("the same key of somebody else: %+v, %v", a, err)
		}
		o.Time.Add(25 * time.Hour) // past the life of keys, and of the contact
		r = officetest.AskCalls(agent, in)
		r.IdempotencyKey = "key 0"
		if a, err := o.Door.Disclose(t.Context(), r); err != nil || a.Replayed || a.Decision.Code == "" {
			t.Errorf("a lapsed key: %+v, %v", a, err)
		}
		if err := o.Door.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustVerify(t, o)
	})
}

func decisions(t *testing.T, o *officetest.Office, of cpni.ID) []ledger.Row {
	t.Helper()
	rows, err := o.Ledger.Records(t.Context(), of, ledger.Filter{Kind: ledger.Decision, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// What one node has acknowledged, the next request on any other node knows of: an objection, the end of a contact, a
// stricter rule, an agreement that was withdrawn, a member who was shut out.
//
// cite: P-12, P-14, P-42, I-02, 47 CFR 64.2007(a)(2)
func TestOtherNodesKnowAtOnce(t *testing.T) {
	db := storetest.Open(t, storetest.Postgres(t))
	a := officetest.Open(t, db)
	b := a.On(t, db)
	agent, marketer := a.Member(t, cpni.RoleAgent), a.Member(t, cpni.RoleMarketing)
	ann := a.Customer(t, func(p *customer.Profile) {
		p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.OptOutOK, Since: officetest.Start.AddDate(0, -6, 0), NoticeAt: officetest.Start.AddDate(0, -7, 0)}}
	})
	in := a.Verified(t, agent, ann.ID)
	calls := officetest.AskCalls(agent, in)
	market := disclose.Request{Caller: disclose.Caller{Staff: marketer}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Usage}, Purpose: cpni.OwnMarketing, To: "carrier",
		Offer: &rules.Offer{Categories: []cpni.Category{cpni.Broadband}}}
	want := func(name string, r disclose.Request, code cpni.Code) {
		t.Helper()
		answer, err := b.Door.Disclose(t.Context(), r)
		if err != nil || answer.Decision.Code != code {
			t.Fatalf("%s: %+v %v, want %q", name, answer, err, code)
		}
	}
	want("before", market, "")
	if err := a.Approvals.Object(t.Context(), ann.ID, customer.Everything, "email", "test", a.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	want("after an objection", market, "DENIED")
	want("before the contact ends", calls, "")
	if err := a.Contacts.End(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	want("after the contact has ended", calls, "TOKEN_SCOPE")
	service := disclose.Request{Caller: disclose.Caller{Staff: agent}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Service}, Purpose: cpni.ProvideService, To: "carrier", Order: &rules.Case{ID: "O-1", Open: true}}
	a.Work(t, matter.Order, "O-1", ann.ID)
	want("before the stricter rule", service, "")
	if err := a.Policy.Publish(t.Context(), "stricter", []byte(`@id("closed")
@clause("P-33")
@cite("47 USC 222(c)(1)")
@code("FORBIDDEN")
@says("Closed.")
forbid (principal, action == Action::"provide-service", resource);`), "test"); err != nil {
		t.Fatal(err)
	}
	want("after the stricter rule", service, "FORBIDDEN")
	service.Purpose, service.Data = cpni.Directory, []cpni.DataClass{cpni.Listing}
	want("before the member is shut out", service, "UNKNOWN_RECIPIENT")
	if err := a.Staff.Disable(t.Context(), agent, "test"); err != nil {
		t.Fatal(err)
	}
	want("after the member is shut out", service, "UNKNOWN_RECIPIENT")
	if answer, err := b.Door.Disclose(t.Context(), service); err != nil || !slices.Contains(answer.Decision.Codes, "UNTRAINED") {
		t.Errorf("a member who was shut out still has standing: %v, %v", answer.Decision.Codes, err)
	}
	mustVerify(t, b)
}

// Withdrawal under load: no use that began after an objection was acknowledged is permitted.
//
// cite: P-14, I-02
func TestNoUseAfterAnAcknowledgedObjection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		marketer := o.Member(t, cpni.RoleMarketing)
		for range 5 {
			ann := o.Customer(t, func(p *customer.Profile) {
				p.Approvals = []customer.Approval{{Scope: "own-marketing", State: cpni.OptOutOK, Since: officetest.Start.AddDate(0, -6, 0), NoticeAt: officetest.Start.AddDate(0, -7, 0)}}
			})
			var objected sync.Map
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 25 {
						_, late := objected.Load("acknowledged")
						a, err := o.Door.Disclose(t.Context(), disclose.Request{Caller: disclose.Caller{Staff: marketer}, Customer: ann.ID, Data: []cpni.DataClass{cpni.Usage},
							Purpose: cpni.OwnMarketing, To: "carrier", Offer: &rules.Offer{Categories: []cpni.Category{cpni.Broadband}}})
						if err != nil {
							t.Error(err)
							return
						}
						if late && a.Decision.Permit() {
							t.Error("a use that began after the objection was permitted")
						}
					}
				})
			}
			if err := o.Approvals.Object(t.Context(), ann.ID, "own-marketing", "phone", "test", o.Clock.Now()); err != nil {
				t.Error(err)
			}
			objected.Store("acknowledged", true)
			all.Wait()
		}
	})
}

// A node whose ledger or database fails releases nothing and says why; when it works again, so does the node.
//
// cite: P-41, I-27
func TestWithoutARecordNothingIsReleased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t)
		in := o.Verified(t, agent, ann.ID)
		exec := func(sql string) {
			t.Helper()
			if err := db.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), sql); return err }); err != nil {
				t.Fatal(err)
			}
		}
		for _, table := range []string{"record", "ledger_lane", "customer", "policy"} {
			exec("ALTER TABLE " + table + " RENAME TO gone")
			a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, in))
			var lost *disclose.Unrecorded
			if a != nil || code(err) != "AUDIT_DOWN" || !errors.As(err, &lost) {
				t.Errorf("without %s: %+v, %v", table, a, err)
			}
			exec("ALTER TABLE gone RENAME TO " + table)
			if a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, in)); err != nil || a.Released.CallCount() != officetest.Calls {
				t.Errorf("with %s again: %+v, %v", table, a, err)
			}
		}
		if c := o.Door.Counts(); c.Unrecorded != 4 || c.Permitted != 4 {
			t.Errorf("counted %+v", c)
		}
		mustVerify(t, o)
	})
}

// A full disk: nothing is released, nothing is half-written, and the message says what to do.
//
// cite: P-41, I-27, I-03
func TestAFullDisk(t *testing.T) {
	db := storetest.Open(t, storetest.SQLite(t))
	o := officetest.Open(t, db)
	agent := o.Member(t, cpni.RoleAgent)
	ann := o.Customer(t)
	in := o.Verified(t, agent, ann.ID)
	most := func(pages string) {
		t.Helper()
		if err := db.Tx(t.Context(), func(tx *store.Tx) error {
			var n int64
			return tx.QueryRow(t.Context(), "PRAGMA max_page_count = "+pages).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
	}
	most("1") // no more than there are already
	refused := 0
	for range 200 { // the pages that are there have some room left
		a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, in))
		if err == nil {
			continue
		}
		refused++
		if a != nil || code(err) != "AUDIT_DOWN" || !errors.Is(err, store.ErrFull) {
			t.Fatalf("on a full disk: %+v, %v", a, err)
		}
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	most("1000000")
	if a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, in)); err != nil || a.Released.CallCount() != officetest.Calls {
		t.Errorf("with room again: %+v, %v", a, err)
	}
	mustVerify(t, o)
}

// A customer who is forgotten while many ask about them keeps nobody from their answer, and nothing of them leaves after.
//
// cite: I-21, P-41
func TestForgettingUnderLoad(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		ann, ben := o.Customer(t), o.Customer(t)
		inAnn, inBen := o.Verified(t, agent, ann.ID), o.Verified(t, agent, ben.ID)
		keyed := officetest.AskCalls(agent, inAnn)
		keyed.IdempotencyKey = "before"
		if _, err := o.Door.Disclose(t.Context(), keyed); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				in := inAnn
				if n%2 == 0 {
					in = inBen
				}
				for range 30 {
					a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, in))
					if in == inAnn && errors.Is(err, vault.ErrForgotten) {
						continue // decided before, to be opened after: nothing is released
					}
					if err != nil || in == inBen && !a.Decision.Permit() {
						t.Errorf("%v, %v", a, err)
						return
					}
				}
			})
		}
		if err := o.Customers.Forget(t.Context(), ann.ID, "test"); err != nil {
			t.Fatal(err)
		}
		after, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, inAnn))
		if err != nil || after.Decision.Permit() {
			t.Errorf("after forgetting: %+v, %v", after, err)
		}
		all.Wait()
		if a, err := o.Door.Disclose(t.Context(), keyed); err == nil {
			t.Errorf("the answer of before came again: %+v", a)
		}
		mustVerify(t, o)
	})
}

// What was changed in a recorded decision is found by making it again.
//
// cite: I-04, P-41
func TestReplayFindsWhatDiffers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t)
		a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, o.Verified(t, agent, ann.ID)))
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range []struct{ what, sql string }{
			{"outcome", "UPDATE record SET outcome = 'deny' WHERE id = $1"}, {"code", "UPDATE record SET code = 'DENIED' WHERE id = $1"},
			{"permits", "UPDATE record SET permits = 'billing' WHERE id = $1"}, {"purpose", "UPDATE record SET purpose = 'legal' WHERE id = $1"},
			{"sealed", "UPDATE record SET commitment = sealed WHERE id = $1"},
		} {
			boom := errors.New("undo")
			err := db.Tx(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.Exec(t.Context(), change.sql, string(a.Entry)); err != nil {
					return err
				}
				r, err := disclose.Again{Records: tx, Vault: o.Vault, Policies: o.Policy}.Run(t.Context(), io.Discard)
				if err != nil || r.OK() || r.Differ[0].Entry != a.Entry {
					t.Errorf("%s changed: %+v, %v", change.what, r, err)
				}
				return boom
			})
			if !errors.Is(err, boom) {
				t.Error(err)
			}
		}
		mustVerify(t, o)
	})
}

// A contact is its agent's: another one gets nothing by it, verified or not.
//
// cite: P-42, P-37, I-16
func TestAContactIsItsAgents(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	agent, other := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleAgent)
	ann, ben := o.Customer(t), o.Customer(t)
	in := o.Verified(t, agent, ann.ID)
	for name, r := range map[string]disclose.Request{
		"another agent":    officetest.AskCalls(other, in),
		"another customer": func() disclose.Request { r := officetest.AskCalls(agent, in); r.Customer = ben.ID; return r }(),
		"no such contact":  func() disclose.Request { r := officetest.AskCalls(agent, cpni.NewID()); r.Customer = ann.ID; return r }(),
		"the customer":     {Caller: disclose.Caller{Customer: true}, Contact: in, Data: []cpni.DataClass{cpni.CallDetail}},
	} {
		if a, err := o.Door.Disclose(t.Context(), r); err != nil || a.Decision.Code != "TOKEN_SCOPE" {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
}

// Requests that mean nothing are told so before anything is decided or recorded.
func TestRequestsThatMeanNothing(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	agent := o.Member(t, cpni.RoleAgent)
	in := o.Verified(t, agent, o.Customer(t).ID)
	minus := -1
	for name, change := range map[string]func(*disclose.Request){
		"no data": func(r *disclose.Request) { r.Data = nil }, "data twice": func(r *disclose.Request) { r.Data = append(r.Data, r.Data...) },
		"no month": func(r *disclose.Request) { r.Months = []int{202613} }, "a long word": func(r *disclose.Request) { r.Purpose = cpni.Purpose(strings.Repeat("x", 65)) },
		"a long text": func(r *disclose.Request) { r.To = strings.Repeat("x", 501) }, "a line that is none": func(r *disclose.Request) { r.Line = "home" },
		"cells below nothing": func(r *disclose.Request) { r.Cells = &minus }, "many months": func(r *disclose.Request) { r.Months = make([]int, 121) },
	} {
		r := officetest.AskCalls(agent, in)
		change(&r)
		if a, err := o.Door.Disclose(t.Context(), r); code(err) != "BAD_INPUT" {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
}

// The call that an unverified caller describes may be talked about where the carrier takes that option: that call alone.
//
// cite: V88, 47 CFR 64.2010(b)
func TestOnlyTheCallThatWasDescribed(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	agent := o.Member(t, cpni.RoleAgent)
	in := o.Contact(t, agent, o.Customer(t).ID)
	r := officetest.AskCalls(agent, in)
	r.Unaided = &disclose.UnaidedCall{Number: "+17035550123", At: time.Date(2026, 10, 31, 12, 0, 30, 0, time.UTC)}
	if a, err := o.Door.Disclose(t.Context(), r); err != nil || a.Decision.Permit() {
		t.Errorf("with the option off: %+v, %v", a, err)
	}
	o.Door.UnaidedDetail = true
	a, err := o.Door.Disclose(t.Context(), r)
	if err != nil || a.Released.CallCount() != 1 || a.Released.Calls[0].Calls[0].Number != "+17035550123" {
		t.Errorf("the call that was described: %+v, %v", a, err)
	}
	r.Unaided.At = r.Unaided.At.Add(time.Hour)
	if a, err := o.Door.Disclose(t.Context(), r); err != nil || a.Decision.Permit() {
		t.Errorf("a call that is not on record: %+v, %v", a, err)
	}
}

// Contacts are opened by those who serve customers and are trained; the rest are refused, on record.
//
// cite: P-37, P-38, 47 CFR 64.2009(b)
func TestWhoMayOpenContacts(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	ann := o.Customer(t)
	for role, want := range map[cpni.Role]cpni.Code{cpni.RoleAgent: "", cpni.RoleSupervisor: "", cpni.RoleSystem: "", cpni.RoleMarketing: "ROLE", cpni.RoleAdmin: "ROLE", cpni.RoleAuditor: "ROLE"} {
		_, err := o.OpenContact(t.Context(), contact.Opening{Customer: ann.ID, Channel: cpni.Phone, Agent: o.Member(t, role)})
		if code(err) != want {
			t.Errorf("%s: %v, want %q", role, err, want)
		}
	}
	agent := o.Member(t, cpni.RoleAgent)
	o.Time.Add(366 * 24 * time.Hour)
	if _, err := o.OpenContact(t.Context(), contact.Opening{Customer: ann.ID, Channel: cpni.Phone, Agent: agent}); code(err) != "UNTRAINED" {
		t.Errorf("a year after training: %v", err)
	}
}

// What is sent rather than shown is planned as a message in the transaction of its record, once, to the address that the
// record names; a refusal sends nothing.
//
// cite: P-20, P-21, I-10, I-11
func TestWhatIsSentIsPlannedWithItsRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		ann := o.Customer(t)
		in := o.Contact(t, agent, ann.ID)
		planned := func(want int) []notify.Message {
			t.Helper()
			all, err := o.Outbox.Messages(t.Context(), ann.ID)
			if err != nil || len(all) != want {
				t.Fatalf("%d messages, want %d: %v", len(all), want, err)
			}
			return all
		}
		ask := func(via cpni.Via, address, key string) *disclose.Answer {
			t.Helper()
			r := officetest.AskCalls(agent, in)
			r.Via, r.Address, r.IdempotencyKey = via, address, key
			a, err := o.Door.Disclose(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		if a := ask(cpni.Postal, "9 Elsewhere St, Springfield, VA 22150", ""); a.Decision.Permit() {
			t.Error("sent to an address that is not on the account")
		}
		planned(0)
		a := ask(cpni.Postal, "", "letter")
		if !a.Decision.Permit() || a.ToAddress != ann.Postal[0].Value || a.Released != nil {
			t.Fatalf("answered %+v", a)
		}
		m := planned(1)[0]
		if m.Kind != "records" || m.Via != cpni.Postal || m.Place != notify.AOR || m.To != a.ToAddress || m.Tokens["entry"] != string(a.Entry) || m.State != notify.Queued {
			t.Errorf("planned %+v", m)
		}
		if again := ask(cpni.Postal, "", "letter"); again.Entry != a.Entry || again.ToAddress != a.ToAddress {
			t.Errorf("again: %+v", again)
		}
		planned(1)
		ask(cpni.Email, "", "")
		if !slices.ContainsFunc(planned(2), func(m notify.Message) bool { return m.Via == cpni.Email && m.To == ann.Email[0].Value }) {
			t.Error("nothing is planned to the e-mail address")
		}
		if err := o.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustVerify(t, o)
	})
}

// Asking in a contact keeps it from ending for want of anything done; a contact that nobody uses ends, and cannot be asked
// back into life.
//
// cite: P-42, I-16
func TestAskingKeepsAContactOpen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		in := o.Verified(t, agent, o.Customer(t).ID)
		ask := func() cpni.Code {
			t.Helper()
			a, err := o.Door.Disclose(t.Context(), officetest.AskCalls(agent, in))
			if err != nil {
				t.Fatal(err)
			}
			return a.Decision.Code
		}
		for range 4 {
			o.Time.Add(20 * time.Minute)
			if code := ask(); code != "" {
				t.Fatalf("after twenty minutes: %s", code)
			}
		}
		o.Time.Add(31 * time.Minute)
		for range 2 {
			if code := ask(); code != "TOKEN_SCOPE" {
				t.Errorf("after half an hour in which nothing was done: %q", code)
			}
		}
	})
}
