package office_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/written"
)

// objector is a customer who has refused everything that needs approval.
func objector(o *officetest.Office, t testing.TB) *customer.Profile {
	return o.Customer(t, func(p *customer.Profile) {
		p.Approvals = []customer.Approval{{Scope: customer.Everything, State: cpni.Denied, Since: p.Since}}
	})
}

func draft(via cpni.Via, to string) written.Draft {
	return written.Draft{Name: "Tariff  Analysts", Data: []cpni.DataClass{cpni.CallDetail}, Months: []int{202611, 202610}, Via: via, To: to, Language: "en"}
}

func messages(t testing.TB, o *officetest.Office, of cpni.ID, kind string) []notify.Message {
	t.Helper()
	all := must[[]notify.Message](t)(o.Outbox.Messages(t.Context(), of))
	return slices.DeleteFunc(all, func(m notify.Message) bool { return m.Kind != kind })
}

// wait lets the wait of a request pass.
func wait(t testing.TB, o *officetest.Office) {
	t.Helper()
	o.Time.Add(o.Policy.Numbers(o.Clock.Now()).Duration("written-request", "wait"))
	if err := o.Written.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := o.Written.Due(t.Context()); err != nil { // once more does nothing twice
		t.Fatal(err)
	}
}

// A request that was signed with the password given again is obeyed, though the customer has refused everything: the door
// decides, the customer is told at once where they are of record, nothing goes before the wait is over, and then a link goes
// that opens with the pass phrase alone. Each opening is on record before anything is opened.
//
// cite: P-36, P-41, I-01, V73, 47 USC 222(c)(2)
func TestSignedRequestByLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann := objector(o, t)
		s := written.Signing{ID: cpni.NewID(), Customer: ann.ID, Contact: online(t, o, ann.ID), Draft: draft(cpni.Email, "in@analysts.example"), Signature: "  ann   ARCHER " + ann.Name[len("Ann Archer "):], Password: officetest.Password}
		got := must[*written.Signed](t)(o.Written.Sign(ctx, s))
		r := got.Request
		if r.State != written.Waiting || got.Phrase == "" || r.Entry == "" || !strings.Contains(r.Text, "Tariff Analysts") || !strings.Contains(r.Text, "Signed: ann ARCHER") || r.Months[0] != 202610 {
			t.Fatalf("%+v", got)
		}
		again := must[*written.Signed](t)(o.Written.Sign(ctx, s))
		if again.Request.ID != r.ID || again.Phrase != "" || len(must[[]*written.Request](t)(o.Written.Of(ctx, ann.ID))) != 1 {
			t.Errorf("signed twice: %+v (I-11)", again)
		}
		told := messages(t, o, ann.ID, notify.WrittenRequest)
		if len(told) != 1 || told[0].To != ann.Email[0].Value || len(messages(t, o, ann.ID, notify.Records)) != 0 || len(messages(t, o, ann.ID, notify.DesigneeRecords)) != 0 {
			t.Fatalf("before the wait is over: %+v", told)
		}
		line := must[accounting.Line](t)(o.Accounting.One(ctx, ann.ID, r.Entry))
		if line.Purpose != cpni.DesigneePurpose || line.For.Name != "Tariff Analysts" || !line.Permit || line.Who.Kind != accounting.You {
			t.Errorf("%+v (P-41)", line)
		}
		if err := o.Written.Due(ctx); err != nil {
			t.Fatal(err)
		}
		if now := must[*written.Request](t)(o.Written.One(ctx, ann.ID, r.ID)); now.State != written.Waiting {
			t.Errorf("carried out before its time: %s", now.State)
		}
		wait(t, o)
		sent := messages(t, o, ann.ID, notify.DesigneeRecords)
		if len(sent) != 1 || sent[0].To != "in@analysts.example" || sent[0].Place != notify.Named {
			t.Fatalf("%+v", sent)
		}
		token := o.Outbox.Token(sent[0].ID)
		if _, _, err := o.Written.Unlock(ctx, token, "aaaa-bbbb-cccc-dddd", "192.0.2.1"); !errors.Is(err, written.ErrNone) {
			t.Errorf("a wrong pass phrase: %v", err)
		}
		open := must[*written.Request](t)(first(o.Written.Unlock(ctx, token, strings.ToUpper(got.Phrase), "192.0.2.1")))
		o.Time.Add(time.Second)
		released, _, err := o.Written.Records(ctx, ann.ID, open.ID)
		if err != nil || released.CallCount() != officetest.Calls {
			t.Fatalf("%+v, %v", released, err)
		}
		if now := must[*written.Request](t)(o.Written.One(ctx, ann.ID, r.ID)); len(now.Opened) != 1 {
			t.Errorf("opened %v", now.Opened)
		}
		letters := must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: ledger.Letter}))
		if len(letters) != 3 || letters[0].Actor != "designee" {
			t.Errorf("on record: %+v (P-41)", letters)
		}
		// The customer closes the link: it leads nowhere from then on.
		must[*written.Request](t)(o.Written.Withdraw(ctx, ann.ID, r.ID, ""))
		if _, err := o.Written.Link(ctx, token); !errors.Is(err, written.ErrNone) {
			t.Errorf("a link that was closed: %v", err)
		}
		if _, _, err := o.Written.Records(ctx, ann.ID, r.ID); !errors.Is(err, written.ErrNone) {
			t.Errorf("records of a link that was closed: %v", err)
		}
	})
}

func first[T, U any](v T, _ U, err error) (T, error) { return v, err }

// A letter has the records enclosed, and none goes when the customer takes the request back in time.
//
// cite: P-36, P-41, 47 USC 222(c)(2)
func TestSignedRequestByPost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann := o.Customer(t)
		in := online(t, o, ann.ID)
		sign := func() *written.Request {
			got := must[*written.Signed](t)(o.Written.Sign(ctx, written.Signing{ID: cpni.NewID(), Customer: ann.ID, Contact: in, Draft: draft(cpni.Postal, "Tariff Analysts, 5 Long Road, Springfield, VA 22150"), Signature: ann.Name, Password: officetest.Password}))
			if got.Phrase != "" {
				t.Error("a letter needs no pass phrase")
			}
			return got.Request
		}
		goes, stays := sign(), sign()
		must[*written.Request](t)(o.Written.Withdraw(ctx, ann.ID, stays.ID, ""))
		if _, err := o.Written.Withdraw(ctx, ann.ID, stays.ID, ""); code(err) != "STATE" {
			t.Errorf("taken back twice: %v", err)
		}
		wait(t, o)
		sent := messages(t, o, ann.ID, notify.DesigneeRecords)
		if len(sent) != 1 || sent[0].Tokens["entry"] != string(goes.Entry) || sent[0].Via != cpni.Postal {
			t.Fatalf("%+v", sent)
		}
		enclosed, err := o.Door.Enclose(ctx, ann.ID, sent[0])
		if err != nil || len(enclosed) != 1 || !bytes.Contains(enclosed[0].Bytes, []byte("+17035550123")) {
			t.Errorf("enclosed %q, %v", enclosed, err)
		}
		if _, err := o.Written.Link(ctx, o.Outbox.Token(sent[0].ID)); !errors.Is(err, written.ErrNone) {
			t.Errorf("a letter leads to a page: %v", err)
		}
		if _, err := o.Written.Withdraw(ctx, ann.ID, goes.ID, ""); code(err) != "STATE" {
			t.Errorf("a letter that has gone is taken back: %v", err)
		}
	})
}

// What is no request of the customer's is not taken: a wrong password, another's name under it, a draft that names nobody,
// nothing, or no place, and a contact in which nobody is proved.
//
// cite: P-16, P-36, V74, 47 USC 222(c)(2)
func TestNotTaken(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	ctx := t.Context()
	ann, eve := o.Customer(t), o.Customer(t)
	in := online(t, o, ann.ID)
	for name, c := range map[string]struct {
		change func(*written.Signing)
		code   cpni.Code
	}{
		"a wrong password":     {func(s *written.Signing) { s.Password = "green heron 42" }, "BAD_SECRET"},
		"another's name":       {func(s *written.Signing) { s.Signature = eve.Name }, "SIGNATURE"},
		"no signature":         {func(s *written.Signing) { s.Signature = "" }, "SIGNATURE"},
		"nobody named":         {func(s *written.Signing) { s.Draft.Name = " ." }, "BAD_INPUT"},
		"nothing":              {func(s *written.Signing) { s.Draft.Data = nil }, "BAD_INPUT"},
		"what is no record":    {func(s *written.Signing) { s.Draft.Data = []cpni.DataClass{cpni.Aggregate} }, "BAD_INPUT"},
		"no months":            {func(s *written.Signing) { s.Draft.Months = nil }, "BAD_INPUT"},
		"no such way":          {func(s *written.Signing) { s.Draft.Via = cpni.Text }, "BAD_INPUT"},
		"no e-mail address":    {func(s *written.Signing) { s.Draft.To = "x@y\r\nBcc: z@y.example" }, "BAD_INPUT"},
		"another's line":       {func(s *written.Signing) { s.Draft.Line = eve.Lines[0].Number }, "BAD_INPUT"},
		"in another's session": {func(s *written.Signing) { s.Contact = online(t, o, eve.ID) }, "TOKEN_SCOPE"},
	} {
		s := written.Signing{ID: cpni.NewID(), Customer: ann.ID, Contact: in, Draft: draft(cpni.Email, "in@analysts.example"), Signature: ann.Name, Password: officetest.Password}
		c.change(&s)
		if _, err := o.Written.Sign(ctx, s); code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
		o.Time.Add(time.Minute)
	}
	if all := must[[]*written.Request](t)(o.Written.Of(ctx, ann.ID)); len(all) != 0 || len(messages(t, o, ann.ID, notify.WrittenRequest)) != 0 {
		t.Errorf("kept all the same: %+v", all)
	}
}

// A pass phrase is not guessed: the link opens no more after too many tries, also with the right one, and looks as one that
// never was; a link that is none slows as well.
//
// cite: P-36, I-18
func TestGuessingAPassPhrase(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	ctx := t.Context()
	ann := o.Customer(t)
	got := must[*written.Signed](t)(o.Written.Sign(ctx, written.Signing{ID: cpni.NewID(), Customer: ann.ID, Contact: online(t, o, ann.ID), Draft: draft(cpni.Email, "in@analysts.example"), Signature: ann.Name, Password: officetest.Password}))
	wait(t, o)
	token := o.Outbox.Token(messages(t, o, ann.ID, notify.DesigneeRecords)[0].ID)
	slowed := false
	for range 60 {
		_, wait, err := o.Written.Unlock(ctx, token, "aaaa-bbbb-cccc-dddd", "192.0.2.1")
		if !errors.Is(err, written.ErrNone) {
			t.Fatal(err)
		}
		slowed = slowed || wait > 0
		o.Time.Add(wait)
	}
	if _, _, err := o.Written.Unlock(ctx, token, got.Phrase, "192.0.2.2"); !errors.Is(err, written.ErrNone) || !slowed {
		t.Errorf("after sixty tries the link still opens: %v, slowed %v (I-18)", err, slowed)
	}
	waits := false
	for range 200 {
		_, wait, _ := o.Written.Unlock(ctx, "abcdefghjkmnpqrs", "x", "192.0.2.3")
		waits = waits || wait > 0
	}
	if !waits {
		t.Error("nobody slows who tries links that are none (I-18)")
	}
}

// What came by post is entered with its scan, and decided only in a contact in which the customer was proved.
//
// cite: P-16, P-36, P-42, 47 USC 222(c)(2)
func TestRequestThatCameByPost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann, agent := o.Customer(t), o.Member(t, cpni.RoleAgent)
		scan := []byte("%PDF-1.7\nsigned")
		post := written.Posting{Customer: ann.ID, By: agent, Draft: draft(cpni.Postal, "Tariff Analysts, 5 Long Road, Springfield"), Signature: ann.Name, Scan: scan}
		for name, change := range map[string]func(*written.Posting){"no scan": func(p *written.Posting) { p.Scan = nil }, "a page": func(p *written.Posting) { p.Scan = []byte("<html><script>") },
			"a vast one": func(p *written.Posting) { p.Scan = append(bytes.Clone(scan), make([]byte, written.MostScan)...) }} {
			other := post
			change(&other)
			if _, err := o.Written.Post(ctx, other); code(err) != "BAD_INPUT" {
				t.Errorf("%s: %v", name, err)
			}
		}
		r := must[*written.Request](t)(o.Written.Post(ctx, post))
		file, kind, err := o.Written.Scan(ctx, ann.ID, r.ID)
		if err != nil || kind != "application/pdf" || !bytes.Equal(file, scan) {
			t.Errorf("%q %s, %v", file, kind, err)
		}
		wait(t, o)
		if _, err := o.Written.Prove(ctx, ann.ID, r.ID, o.Contact(t, agent, ann.ID), agent); code(err) != "UNAUTHENTICATED" {
			t.Errorf("where nobody is proved: %v (P-16)", err)
		}
		if now := must[*written.Request](t)(o.Written.One(ctx, ann.ID, r.ID)); now.State != written.Entered || len(messages(t, o, ann.ID, notify.DesigneeRecords)) != 0 {
			t.Fatalf("%+v", now)
		}
		must[*written.Signed](t)(o.Written.Prove(ctx, ann.ID, r.ID, o.Verified(t, agent, ann.ID), agent))
		wait(t, o)
		if sent := messages(t, o, ann.ID, notify.DesigneeRecords); len(sent) != 1 {
			t.Fatalf("%+v", sent)
		}
		other := must[*written.Request](t)(o.Written.Post(ctx, post))
		if _, err := o.Written.Decline(ctx, ann.ID, other.ID, agent, " "); code(err) != "BAD_INPUT" {
			t.Errorf("declined without a reason: %v", err)
		}
		if d := must[*written.Request](t)(o.Written.Decline(ctx, ann.ID, other.ID, agent, "the signature is somebody else's")); d.State != written.Declined || d.Reason == "" {
			t.Errorf("%+v", d)
		}
		// What is forgotten is gone, and the rest goes on.
		if err := o.Customers.Forget(ctx, ann.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if all, err := o.Written.List(ctx, ""); err != nil || len(all) != 0 {
			t.Errorf("after the customer was forgotten: %v, %v", all, err)
		}
	})
}

// comesBack has the message of a request that has gone come back.
func comesBack(t testing.TB, o *officetest.Office, of cpni.ID) {
	t.Helper()
	sent := messages(t, o, of, notify.DesigneeRecords)
	m := sent[len(sent)-1]
	if err := o.DB.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE message SET state = 'sent' WHERE message_id = $1", string(m.ID))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := o.Messages.Returned(t.Context(), o.Outbox.Token(m.ID), notify.Report{Kind: notify.Bounce, At: o.Clock.Now(), Outcome: notify.Outcome{State: notify.Bounced, Code: "5.1.1"}}); err != nil {
		t.Fatal(err)
	}
}

// What comes back leaves the request to be carried out another way: the customer is told, somebody is reminded, and it goes to another
// address only when the customer names that where they are proved, after another wait.
//
// cite: P-16, P-36, V73, 47 USC 222(c)(2)
func TestRequestReachesNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann, agent := objector(o, t), o.Member(t, cpni.RoleAgent)
		got := must[*written.Signed](t)(o.Written.Sign(ctx, written.Signing{ID: cpni.NewID(), Customer: ann.ID, Contact: online(t, o, ann.ID), Draft: draft(cpni.Email, "gone@analysts.example"), Signature: ann.Name, Password: officetest.Password}))
		id := got.Request.ID
		wait(t, o)
		link := o.Outbox.Token(messages(t, o, ann.ID, notify.DesigneeRecords)[0].ID)
		comesBack(t, o, ann.ID)
		r := must[*written.Request](t)(o.Written.One(ctx, ann.ID, id))
		if r.State != written.Unreached || len(r.Sendings) != 1 || r.Sendings[0].Back.IsZero() || r.Sendings[0].Code != "5.1.1" {
			t.Fatalf("%+v", r)
		}
		if told := messages(t, o, ann.ID, notify.NamedUnreached); len(told) != 1 || told[0].To != ann.Email[0].Value {
			t.Errorf("told: %+v", told)
		}
		if _, err := o.Written.Link(ctx, link); !errors.Is(err, written.ErrNone) {
			t.Errorf("the link that came back still leads to the records: %v", err)
		}
		alerts := func() (n int) {
			for _, a := range must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: ledger.Alert})) {
				if a.Code == written.Late {
					n++
				}
			}
			return n
		}
		o.Time.Add(o.Policy.Numbers(o.Clock.Now()).Duration("written-request", "reach_within"))
		for want := range 2 {
			for range 2 {
				if err := o.Written.Due(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if n := alerts(); n != want+1 {
				t.Errorf("%d reminders, want %d", n, want+1)
			}
			o.Time.Add(o.Policy.Numbers(o.Clock.Now()).Duration("written-request", "remind_every"))
		}
		const elsewhere = "Tariff Analysts, 5 Long Road, Springfield, VA 22150"
		if _, err := o.Written.Redirect(ctx, ann.ID, id, o.Contact(t, agent, ann.ID), agent, cpni.Postal, elsewhere); code(err) != "UNAUTHENTICATED" {
			t.Errorf("another address of somebody who is not proved: %v (P-16)", err)
		}
		must[*written.Signed](t)(o.Written.Redirect(ctx, ann.ID, id, o.Verified(t, agent, ann.ID), agent, cpni.Postal, elsewhere))
		if n := len(messages(t, o, ann.ID, notify.DesigneeRecords)); n != 1 {
			t.Errorf("it goes before the wait is over: %d messages", n)
		}
		wait(t, o)
		sent := messages(t, o, ann.ID, notify.DesigneeRecords)
		if r = must[*written.Request](t)(o.Written.One(ctx, ann.ID, id)); r.State != written.Sent || len(sent) != 2 || sent[1].To != elsewhere || len(r.Other) != 1 || !strings.Contains(r.Text, "gone@analysts.example") {
			t.Errorf("%+v, %+v", r, sent)
		}
		proof := must[string](t)(o.Written.Proof(ctx, ann.ID, id, "Example Tel"))
		for _, want := range []string{string(r.Entry), "It came back", "You named another address", elsewhere, "Signed: "} {
			if !strings.Contains(proof, want) {
				t.Errorf("the proof lacks %q", want)
			}
		}
		// Once more to the same address, and given up with a reason.
		comesBack(t, o, ann.ID)
		o.Time.Add(time.Minute)
		must[*written.Request](t)(o.Written.Resend(ctx, ann.ID, id, agent))
		if _, err := o.Written.Resend(ctx, ann.ID, id, agent); code(err) != "STATE" {
			t.Errorf("sent twice: %v", err)
		}
		comesBack(t, o, ann.ID)
		if d := must[*written.Request](t)(o.Written.Decline(ctx, ann.ID, id, agent, "the customer names no other address")); d.State != written.Declined {
			t.Errorf("%+v", d)
		}
	})
}

// Whoever comes for the records gets them when they show that they are whom the customer has named, or were sent by the company that
// was; others are turned away. Both are on record, the giving before anything is opened.
//
// cite: P-36, P-38, P-41, V73, 47 CFR 64.2003(r), 47 USC 222(c)(2)
func TestFetchedInPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann, agent := o.Customer(t), o.Member(t, cpni.RoleAgent)
		sign := func() cpni.ID {
			got := must[*written.Signed](t)(o.Written.Sign(ctx, written.Signing{ID: cpni.NewID(), Customer: ann.ID, Contact: online(t, o, ann.ID), Draft: draft(cpni.Postal, "Tariff Analysts, 5 Long Road, Springfield, VA 22150"), Signature: ann.Name, Password: officetest.Password}))
			return got.Request.ID
		}
		id := sign()
		valid := o.Clock.Now().AddDate(1, 0, 0)
		good := written.Identity{Name: "tariff analysts", Government: true, Expires: valid}
		if _, _, err := o.Written.HandOver(ctx, ann.ID, id, agent, good); code(err) != "STATE" {
			t.Errorf("before the wait is over: %v", err)
		}
		wait(t, o)
		for name, x := range map[string]written.Identity{"another's name": {Name: "Eve Archer", Government: true, Expires: valid}, "a document that has expired": {Name: "Tariff Analysts", Government: true, Expires: o.Clock.Now()},
			"a card of a club": {Name: "Tariff Analysts", Expires: valid}, "no document": {Government: true, Expires: valid}} {
			if _, _, err := o.Written.HandOver(ctx, ann.ID, id, agent, x); code(err) != "PHOTO_ID" {
				t.Errorf("%s: %v (64.2003(r))", name, err)
			}
		}
		r := must[*written.Request](t)(o.Written.One(ctx, ann.ID, id))
		if r.State != written.Sent || len(r.Turned) != 4 || r.Handing != nil {
			t.Errorf("%+v", r)
		}
		released, _, err := o.Written.HandOver(ctx, ann.ID, id, agent, good)
		if err != nil || released.CallCount() != officetest.Calls {
			t.Fatalf("%+v, %v", released, err)
		}
		letters := must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: ledger.Letter}))
		if letters[0].Actor != string(agent) || len(letters) != 7 {
			t.Errorf("%d on record, the last by %s (P-41)", len(letters), letters[0].Actor)
		}
		if _, _, err := o.Written.HandOver(ctx, ann.ID, id, agent, good); code(err) != "STATE" {
			t.Errorf("handed over twice: %v", err)
		}
		sent := sign()
		wait(t, o)
		if _, _, err := o.Written.HandOver(ctx, ann.ID, sent, agent, written.Identity{Name: "Bea Bearer", Government: true, Expires: valid, Authority: "letter of 20 November, signed T. Analyst"}); err != nil {
			t.Errorf("whom the company has sent: %v", err)
		}
		last := sign()
		wait(t, o)
		o.Time.Add(400 * 24 * time.Hour)
		good.Expires = o.Clock.Now().AddDate(1, 0, 0)
		if _, _, err := o.Written.HandOver(ctx, ann.ID, last, agent, good); code(err) != "UNTRAINED" {
			t.Errorf("by somebody whose training is over: %v (P-38)", err)
		}
	})
}
