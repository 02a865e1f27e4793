package office_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/answer"
	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// taking is another side that takes everything.
type taking struct{}

func (taking) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, p := range pieces {
		told(p, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(p.ID)})
	}
}
func (taking) Check(context.Context) error { return nil }
func (taking) Batch() int                  { return 10 }

// answering is an office whose customers were given a notice by e-mail and answer it.
type answering struct {
	*officetest.Office
	t *testing.T
}

func newAnswering(t *testing.T, db *store.DB) *answering {
	o := &answering{officetest.Open(t, db), t}
	o.Reach(map[cpni.Via]notify.Channel{cpni.Email: taking{}, cpni.Text: taking{}, cpni.Postal: taking{}})
	return o
}

func (o *answering) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *answering) noticed(kind string, change ...func(*customer.Profile)) (*customer.Profile, cpni.ID) {
	o.t.Helper()
	p := o.Customer(o.t, append(change, func(p *customer.Profile) { p.Email[0].Notices = true })...)
	spec := notice.Spec{Kind: kind, Ways: []string{notice.ByEmail}}
	if kind == approval.OptIn {
		spec.Purposes, spec.Recipients = []cpni.Purpose{cpni.PartnerMarketing}, []notice.Recipient{{ID: "acme", Name: "Acme Energy", Class: cpni.JointVenture}}
	}
	run, err := o.Notices.GiveTo(o.t.Context(), spec, "test", p.ID)
	o.must(err)
	o.must(o.Messages.Step(o.t.Context()))
	state, _, message, err := o.Notices.With(o.t.Context(), p.ID, run.ID)
	if err != nil || state != notice.WithGiven {
		o.t.Fatalf("the notice is %s, %v", state, err)
	}
	o.Time.Add(time.Hour)
	return p, message
}

func (o *answering) state(of cpni.ID) cpni.ApprovalState {
	o.t.Helper()
	p, _, err := o.Customers.Get(o.t.Context(), of)
	o.must(err)
	now := o.Clock.Now()
	return approval.Standing(p, cpni.OwnMarketing, []cpni.DataClass{cpni.Usage}, rules.Recipient{Kind: cpni.ToCarrier}, now.In(officetest.Zone), approval.Terms{RenoticeMonths: 24}).State
}

func (o *answering) reply(to cpni.ID, kind, id, text string) {
	o.t.Helper()
	err := o.Messages.Returned(o.t.Context(), o.Outbox.Token(to), notify.Report{Kind: kind, At: o.Clock.Now(), Outcome: notify.Outcome{Says: text}, Raw: []byte("Message-Id: " + id + "\r\n\r\n" + text),
		Wrote: &notify.Wrote{ID: id, From: "somebody@else.example", Subject: "Re: Your choice", Text: text}})
	o.must(err)
}

func (o *answering) waiting(of cpni.ID) (all []answer.Waiting) {
	o.t.Helper()
	list, err := o.Answers.Waiting(o.t.Context())
	o.must(err)
	return slices.DeleteFunc(list, func(w answer.Waiting) bool { return w.Customer != of })
}

func (o *answering) kinds(of cpni.ID) (all []string) {
	o.t.Helper()
	messages, err := o.Outbox.Messages(o.t.Context(), of)
	o.must(err)
	for _, m := range messages {
		if m.State != notify.Cancelled && !notify.IsNotice(m.Kind) {
			all = append(all, m.Kind)
		}
	}
	return all
}

// A reply to a notice that silence answers is a refusal unless it plainly is none, whoever it says it is from; what is not plain is put
// before a person beside; and a yes changes nothing but that the customer is told how to say it.
//
// cite: P-12, P-14, P-26, V38, 47 CFR 64.2008(d)(3)(ii)
func TestReplies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newAnswering(t, db)
		for name, row := range map[string]struct {
			notice, kind, text string
			state              cpni.ApprovalState
			why                string // why a person reads it
			told               string // what goes to the customer
		}{
			"a plain no":                  {approval.OptOut, notify.Reply, "No, do not use my information.", cpni.Denied, "", notify.AnswerReceived},
			"a plain no in Spanish":       {approval.OptOut, notify.Reply, "No autorizo", cpni.Denied, "", notify.AnswerReceived},
			"nothing at all":              {approval.OptOut, notify.Reply, "", cpni.Denied, "", notify.AnswerReceived},
			"something unclear":           {approval.OptOut, notify.Reply, "You have the wrong person", cpni.Denied, answer.NotPlain, notify.AnswerReceived},
			"a no with a question":        {approval.OptOut, notify.Reply, "Opt out. Can you confirm?", cpni.Denied, answer.Question, notify.AnswerReceived},
			"a complaint":                 {approval.OptOut, notify.Complaint, "", cpni.Denied, answer.Complaint, notify.AnswerReceived},
			"a plain yes":                 {approval.OptOut, notify.Reply, "I agree", cpni.Waiting, "", notify.AnswerHow},
			"thanks":                      {approval.OptOut, notify.Reply, "Thank you!", cpni.Waiting, "", ""},
			"a machine":                   {approval.OptOut, notify.AutoReply, "Opt out", cpni.Waiting, "", ""},
			"a yes to what needs one":     {approval.OptIn, notify.Reply, "Yes", cpni.Unnotified, "", notify.AnswerHow},
			"a no to what needs a yes":    {approval.OptIn, notify.Reply, "no", cpni.Unnotified, "", notify.AnswerReceived},
			"a question on what needs it": {approval.OptIn, notify.Reply, "Who are they?", cpni.Unnotified, answer.NotPlain, ""},
		} {
			p, message := o.noticed(row.notice)
			for range 2 { // a mail server may bring it twice
				o.reply(message, row.kind, "<1@else.example>", row.text)
			}
			if got := o.state(p.ID); got != row.state {
				t.Errorf("%s: %s, want %s (P-12)", name, got, row.state)
			}
			var why, told string
			if all := o.waiting(p.ID); len(all) > 0 {
				why = all[0].Why
				if len(all) > 1 || all[0].Held != (row.state == cpni.Denied) {
					t.Errorf("%s: %+v", name, all)
				}
			}
			if all := o.kinds(p.ID); len(all) > 0 {
				told = strings.Join(all, " ")
			}
			if why != row.why || told != row.told {
				t.Errorf("%s: read for %q, told %q", name, why, told)
			}
			events, err := o.Approvals.Events(t.Context(), p.ID)
			o.must(err)
			objections := slices.DeleteFunc(events, func(e approval.Event) bool { return e.What != approval.Objected })
			if want := row.told == notify.AnswerReceived; want != (len(objections) == 1) {
				t.Fatalf("%s: %d objections, though it came twice", name, len(objections))
			} else if want {
				raw, err := o.Approvals.Raw(t.Context(), p.ID, objections[0].ID)
				if err != nil || !strings.HasSuffix(string(raw), row.text) || objections[0].Notice != message || objections[0].Evidence.Kind != "mail" {
					t.Errorf("%s: the evidence is %q, %v", name, raw, err)
				}
			}
		}
		if p, message := o.noticed(approval.OptIn); true {
			o.reply(message, notify.Reply, "<2@else.example>", "no")
			who, _, err := o.Customers.Get(t.Context(), p.ID)
			o.must(err)
			if !slices.ContainsFunc(who.Approvals, func(a customer.Approval) bool { return a.Scope == "partner:acme" && a.State == cpni.Denied }) {
				t.Errorf("what was asked was not refused: %+v", who.Approvals)
			}
		}
	})
}

// A mail to the address for answers counts for whose address it is from: a no and nothing more, forged or not.
//
// cite: P-12, P-14, 47 CFR 64.2008(c)(3)
func TestMailToAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newAnswering(t, db)
		n := 0
		mail := func(from, text string) {
			t.Helper()
			n++
			o.Time.Add(time.Minute)
			o.must(o.Answers.Mail(t.Context(), []byte(text), notify.Wrote{ID: strings.Repeat("x", n), From: from, Subject: "My choice", Text: text}, o.Clock.Now()))
		}
		p, _ := o.noticed(approval.OptOut)
		mail(strings.ToUpper(p.Email[0].Value), "Please do not share my data with anyone")
		if got := o.state(p.ID); got != cpni.Denied {
			t.Errorf("a plain no: %s (P-12)", got)
		}
		p, _ = o.noticed(approval.OptOut)
		mail(p.Email[0].Value, "Do not use my location.")
		if got := o.state(p.ID); got != cpni.Waiting {
			t.Errorf("a no to one thing refused another: %s (P-11)", got)
		}
		mail(p.Email[0].Value, "I consent")
		if got := o.state(p.ID); got != cpni.Waiting || !slices.Contains(o.kinds(p.ID), notify.AnswerHow) {
			t.Errorf("a yes: %s, told %v (P-36)", got, o.kinds(p.ID))
		}
		mail(p.Email[0].Value, "I am not sure about this privacy thing")
		if got := o.state(p.ID); got != cpni.Denied || len(o.waiting(p.ID)) != 1 {
			t.Errorf("what may be a no, while silence would count: %s (P-26)", got)
		}
		quiet := o.Customer(t)
		mail(quiet.Email[0].Value, "What do you know about me?")
		if who, _, _ := o.Customers.Get(t.Context(), quiet.ID); who.Objects() || len(o.waiting(quiet.ID)) != 1 {
			t.Errorf("a question of somebody who was told nothing: %v", who.Approvals)
		}
		shared := func(p *customer.Profile) { p.Email[0].Value = "family@shared.example" }
		a, _ := o.noticed(approval.OptOut, shared)
		b, _ := o.noticed(approval.OptOut, shared)
		mail("family@shared.example", "opt out")
		if o.state(a.ID) != cpni.Denied || o.state(b.ID) != cpni.Denied {
			t.Error("a no from an address that two have did not count (P-12)")
		}
		mail("stranger@nowhere.example", "opt out")
		unknown := o.waiting("")
		if len(unknown) != 2 || unknown[0].Why != answer.Several || unknown[1].Why != answer.Nobody {
			t.Fatalf("%+v", unknown)
		}
		if err := o.Answers.Mail(t.Context(), nil, notify.Wrote{From: p.Email[0].Value, Machine: true}, o.Clock.Now()); !errors.Is(err, notify.ErrNotOurs) {
			t.Errorf("a machine's mail: %v", err)
		}

		// A person reads it, alone, on record, and decides once.
		vera, finn := o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleFraud)
		id := unknown[1].ID
		w, err := o.Answers.Open(t.Context(), id, vera)
		if err != nil || w.Text != "opt out" || w.From != "stranger@nowhere.example" {
			t.Fatalf("%+v, %v", w, err)
		}
		refused := func(err error, code cpni.Code) {
			t.Helper()
			var r *cpni.Refusal
			if !errors.As(err, &r) || r.Code != code {
				t.Errorf("got %v, want %s", err, code)
			}
		}
		_, err = o.Answers.Open(t.Context(), id, finn)
		refused(err, "CONFLICT")
		refused(o.Answers.Decide(t.Context(), id, answer.Decision{Is: answer.IsObjection, By: vera}), "BAD_INPUT")
		refused(o.Answers.Decide(t.Context(), id, answer.Decision{Is: answer.IsOther, By: vera}), "BAD_INPUT")
		refused(o.Answers.Decide(t.Context(), id, answer.Decision{Is: answer.IsObjection, Customer: quiet.ID, By: finn}), "CONFLICT")
		received := o.Clock.Now()
		o.Time.Add(50 * time.Hour)
		o.must(o.Answers.Decide(t.Context(), id, answer.Decision{Is: answer.IsObjection, Customer: quiet.ID, By: vera}))
		refused(o.Answers.Decide(t.Context(), id, answer.Decision{Is: answer.IsObjection, Customer: quiet.ID, By: vera}), "CONFLICT")
		who, _, err := o.Customers.Get(t.Context(), quiet.ID)
		o.must(err)
		if i := slices.IndexFunc(who.Approvals, func(a customer.Approval) bool { return a.State == cpni.Denied }); i < 0 || who.Approvals[i].Since.After(received) {
			t.Errorf("it counts from %+v, and was received by %s (P-12)", who.Approvals, received)
		}
		looks, err := o.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Lookup})
		if err != nil || len(looks) != 1 || looks[0].Actor != string(vera) {
			t.Errorf("%d look-ups, %v", len(looks), err)
		}

		// What nobody reads raises an alert, once.
		for range 2 {
			o.must(o.Answers.Late(t.Context()))
		}
		alerts, err := o.Ledger.Records(t.Context(), p.ID, ledger.Filter{Kind: ledger.Alert})
		if err != nil || len(alerts) != 1 || alerts[0].Code != answer.Unread {
			t.Errorf("%d alerts, %v", len(alerts), err)
		}
	})
}

// A text counts for the line's customer: a no and nothing more.
//
// cite: P-12, P-14, 47 CFR 64.2008(d)(3)(v)
func TestTexts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newAnswering(t, db)
		for text, want := range map[string]struct {
			state cpni.ApprovalState
			reads int
		}{"NO": {cpni.Denied, 0}, "opt out": {cpni.Denied, 0}, "No vendan": {cpni.Denied, 0}, "SI": {cpni.Waiting, 0}, "see you at 8": {cpni.Waiting, 0}, "this was not me": {cpni.Waiting, 0},
			"not happy about my privacy": {cpni.Denied, 1}, "gracias": {cpni.Waiting, 0}} {
			p, _ := o.noticed(approval.OptOut)
			for range 2 {
				o.must(o.Answers.Texted(t.Context(), p.Lines[0].Number, "", text, false, o.Clock.Now()))
			}
			events, err := o.Approvals.Events(t.Context(), p.ID)
			o.must(err)
			if got := o.state(p.ID); got != want.state || len(o.waiting(p.ID)) != want.reads || len(events) > 2 {
				t.Errorf("%q: %s, %d to read, %d events", text, got, len(o.waiting(p.ID)), len(events))
			}
			if how := slices.Contains(o.kinds(p.ID), notify.AnswerHow); how != (text == "SI") {
				t.Errorf("%q: told %v", text, o.kinds(p.ID))
			}
		}
		p, _ := o.noticed(approval.OptOut)
		o.must(o.Answers.Texted(t.Context(), p.Lines[0].Number, "", "STOP", true, o.Clock.Now()))
		if got := o.state(p.ID); got != cpni.Waiting {
			t.Errorf("STOP ends texts and says nothing of this: %s", got)
		}
		o.must(o.Answers.Texted(t.Context(), "+12015550111", "", "NO", false, o.Clock.Now()))
	})
}

// A refusal in the words of one that was taken back since is another, however soon it comes and by whichever way, and whether or not
// anything names it; the same that is brought twice is one.
//
// cite: P-12, P-14, I-02, I-11, 47 CFR 64.2007(a)(2)
func TestTheSameWordsOnceMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newAnswering(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		for name, say := range map[string]func(p *customer.Profile, message cpni.ID){
			"a text": func(p *customer.Profile, _ cpni.ID) {
				o.must(o.Answers.Texted(t.Context(), p.Lines[0].Number, "", "NO", false, o.Clock.Now()))
			},
			"a reply": func(_ *customer.Profile, message cpni.ID) {
				o.reply(message, notify.Reply, "", "No, do not use my information.")
			},
			"a form": func(p *customer.Profile, _ cpni.ID) {
				_, err := o.Answers.Enter(t.Context(), answer.Entered{Customer: p.ID, Says: approval.Object, Via: approval.ByStore, Received: workday.DateIn(o.Clock.Now(), officetest.Zone), By: agent})
				o.must(err)
			},
		} {
			p, message := o.noticed(approval.OptOut)
			refusals := func() (n int) {
				events, err := o.Approvals.Events(t.Context(), p.ID)
				o.must(err)
				for _, e := range events {
					if e.What == approval.Objected {
						n++
					}
				}
				return n
			}
			say(p, message)
			say(p, message)
			if n := refusals(); n != 1 || o.state(p.ID) != cpni.Denied {
				t.Fatalf("%s: %d refusals, %s", name, n, o.state(p.ID))
			}
			o.Time.Add(time.Minute)
			who, _, err := o.Customers.Get(t.Context(), p.ID)
			o.must(err)
			in := o.Verified(t, agent, p.ID)
			for _, a := range who.Denies() {
				_, err := o.Approvals.Answer(t.Context(), approval.Answer{Customer: p.ID, Says: approval.Lift, Scope: a.Scope, Via: approval.ByPhone, Contact: in, By: "test", Evidence: &approval.Evidence{Kind: "recording", Says: "7"}})
				o.must(err)
			}
			if o.state(p.ID) == cpni.Denied {
				t.Fatalf("%s: it is not taken back", name)
			}
			o.Time.Add(time.Minute)
			say(p, message)
			say(p, message)
			if n := refusals(); n != 2 || o.state(p.ID) != cpni.Denied {
				t.Errorf("%s: said again, %d refusals, and it is %s (P-14)", name, n, o.state(p.ID))
			}
		}
	})
}

// A letter of which only the day is known undoes no refusal of that day: nobody knows which came first.
//
// cite: P-12, P-14, I-14, 47 CFR 64.2007(a)(2)
func TestALetterOfTheDayOfARefusal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newAnswering(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		scan := []byte("%PDF-1.7\nyes")
		for name, row := range map[string]struct {
			says    approval.Say
			refused string
			after   time.Duration // until the refusal
			later   int           // days until the letter comes in
			want    cpni.ApprovalState
		}{
			"a yes":                   {approval.Grant, "partner:acme", time.Minute, 0, cpni.Denied},
			"a yes, and everything":   {approval.Grant, customer.Everything, time.Minute, 0, cpni.Denied},
			"a yes, and a class":      {approval.Grant, "data:usage", time.Minute, 0, cpni.Denied},
			"a refusal taken back":    {approval.Lift, "partner:acme", time.Minute, 0, cpni.Denied},
			"a yes of the next day":   {approval.Grant, "partner:acme", time.Minute, 1, cpni.OptInOK},
			"taken back the next day": {approval.Lift, "partner:acme", time.Minute, 1, cpni.Unnotified},
		} {
			p, message := o.noticed(approval.OptIn)
			o.Time.Add(row.after)
			o.must(o.Approvals.Object(t.Context(), p.ID, row.refused, "phone", "test", o.Clock.Now()))
			o.Time.Add(time.Duration(row.later)*24*time.Hour + time.Minute)
			_, err := o.Answers.Enter(t.Context(), answer.Entered{Customer: p.ID, Says: row.says, Scope: "partner:acme", Notice: message, Via: approval.ByPostal, Received: workday.DateIn(o.Clock.Now(), officetest.Zone), Signed: true, Scan: scan, By: agent})
			var r *cpni.Refusal
			if nothing := errors.As(err, &r) && r.Code == "NOT_FOUND"; nothing != (row.says == approval.Lift && row.want == cpni.Denied) || err != nil && !nothing {
				t.Errorf("%s: %v", name, err)
			}
			o.Time.Add(48 * time.Hour)
			who, _, err := o.Customers.Get(t.Context(), p.ID)
			o.must(err)
			got := approval.Standing(who, cpni.PartnerMarketing, []cpni.DataClass{cpni.Usage}, rules.Recipient{Kind: cpni.ToPartner, Partner: "acme", Class: cpni.JointVenture}, o.Clock.Now().In(officetest.Zone), approval.Terms{RenoticeMonths: 24}).State
			if got != row.want {
				t.Errorf("%s: %s, want %s", name, got, row.want)
			}
		}
	})
}

// What comes in a burst is confirmed in one message, which waits a moment; nothing is confirmed to a place that the customer says is
// not theirs.
//
// cite: P-12, P-14
func TestConfirmation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newAnswering(t, db)
		p, _ := o.noticed(approval.OptOut)
		for _, scope := range []string{"own-marketing", "partner:acme", "data:location"} {
			o.must(o.Approvals.Object(t.Context(), p.ID, scope, "phone", "test", o.Clock.Now()))
			o.must(o.Messages.Step(t.Context()))
			o.Time.Add(30 * time.Second)
		}
		confirmed := func() (all []notify.Message) {
			messages, err := o.Outbox.Messages(t.Context(), p.ID)
			o.must(err)
			return slices.DeleteFunc(messages, func(m notify.Message) bool { return m.Kind != notify.AnswerReceived || m.State == notify.Cancelled })
		}
		if all := confirmed(); len(all) != 1 || all[0].State != notify.Queued || all[0].Tokens["scope-words"] != "several" || all[0].Tokens["choice"] != "object" {
			t.Fatalf("%+v", all)
		}
		o.Time.Add(time.Minute)
		o.must(o.Messages.Step(t.Context()))
		if all := confirmed(); len(all) != 1 || all[0].State != notify.Sent {
			t.Fatalf("%+v", all)
		}
		q := o.Customer(t, func(p *customer.Profile) {
			p.Email[0].Notices, p.Email[0].Frozen, p.Postal, p.Lines = true, true, nil, nil
		})
		o.must(o.Approvals.Object(t.Context(), q.ID, "", "phone", "test", o.Clock.Now()))
		if all := o.kinds(q.ID); len(all) != 0 {
			t.Errorf("a place that is disputed was written to: %v", all)
		}
	})
}

// A letter counts from when it was received, once, and says why when it is entered late.
//
// cite: P-10, P-12, P-14, P-36, 47 CFR 64.2007(a)
func TestLetters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newAnswering(t, db)
		agent := o.Member(t, cpni.RoleAgent)
		p, message := o.noticed(approval.OptIn)
		today := workday.DateIn(o.Clock.Now(), officetest.Zone)
		pdf := []byte("%PDF-1.7\nno")
		enter := func(x answer.Entered) (cpni.ID, cpni.Code) {
			t.Helper()
			x.Customer, x.By = p.ID, agent
			if x.Via == "" {
				x.Via = approval.ByPostal
			}
			id, err := o.Answers.Enter(t.Context(), x)
			var r *cpni.Refusal
			if errors.As(err, &r) {
				return "", r.Code
			}
			o.must(err)
			return id, ""
		}
		for name, row := range map[string]struct {
			x    answer.Entered
			code cpni.Code
		}{
			"of tomorrow":              {answer.Entered{Says: approval.Object, Received: today.Add(1)}, "BAD_INPUT"},
			"without a day":            {answer.Entered{Says: approval.Object}, "BAD_INPUT"},
			"by telephone":             {answer.Entered{Says: approval.Object, Via: approval.ByPhone, Received: today}, "BAD_INPUT"},
			"long ago, without reason": {answer.Entered{Says: approval.Object, Received: today.Add(-11)}, "REASON"},
			"what is no scan":          {answer.Entered{Says: approval.Object, Received: today, Scan: []byte("<html>")}, "BAD_INPUT"},
			"a yes without signature":  {answer.Entered{Says: approval.Grant, Scope: "partner:acme", Notice: message, Received: today, Scan: pdf}, "UNAUTHENTICATED"},
			"a yes without a scan":     {answer.Entered{Says: approval.Grant, Scope: "partner:acme", Notice: message, Received: today, Signed: true}, "UNAUTHENTICATED"},
			"a yes to no notice":       {answer.Entered{Says: approval.Grant, Scope: "partner:acme", Received: today, Signed: true, Scan: pdf}, "NOT_CONSENT"},
			"a yes to another":         {answer.Entered{Says: approval.Grant, Scope: "partner:beta", Notice: message, Received: today, Signed: true, Scan: pdf}, "NOT_CONSENT"},
			"a yes before its notice":  {answer.Entered{Says: approval.Grant, Scope: "partner:acme", Notice: message, Received: today.Add(-3), Signed: true, Scan: pdf}, "NOT_CONSENT"},
		} {
			if _, code := enter(row.x); code != row.code {
				t.Errorf("%s: %q, want %s", name, code, row.code)
			}
		}
		yes, code := enter(answer.Entered{Says: approval.Grant, Scope: "partner:acme", Notice: message, Received: today, Signed: true, Scan: pdf})
		if code != "" {
			t.Fatalf("a signed yes: %s", code)
		}
		if raw, err := o.Approvals.Raw(t.Context(), p.ID, yes); err != nil || string(raw) != string(pdf) {
			t.Errorf("the scan is %q, %v", raw, err)
		}
		no, _ := enter(answer.Entered{Says: approval.Object, Received: today.Add(-11), Reason: "it lay in another tray", Scan: pdf})
		again, _ := enter(answer.Entered{Says: approval.Object, Received: today.Add(-11), Reason: "found once more"})
		if no == "" || no != again {
			t.Errorf("the same letter is %s and %s", no, again)
		}
		e, err := o.Approvals.Event(t.Context(), p.ID, no)
		if err != nil || !e.At.Equal(today.Add(-11).Start(officetest.Zone)) || !strings.Contains(e.Evidence.Says, "another tray") {
			t.Errorf("%+v, %v", e, err)
		}
		who, _, err := o.Customers.Get(t.Context(), p.ID)
		o.must(err)
		if slices.ContainsFunc(who.Approvals, func(a customer.Approval) bool { return a.State == cpni.OptInOK }) {
			t.Error("a yes stands beside a refusal of everything (I-14)")
		}
	})
}
