package office_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// peer is a channel that keeps what it is given, and turns away what goes to some places.
type peer struct {
	mu     sync.Mutex
	pieces []notify.Piece
	away   func(to string) bool
}

func (p *peer) Batch() int                  { return 50 }
func (p *peer) Check(context.Context) error { return nil }
func (p *peer) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range pieces {
		if p.away != nil && p.away(x.To) {
			told(x, notify.Outcome{State: notify.Failed, Code: "550"})
			continue
		}
		p.pieces = append(p.pieces, x)
		told(x, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(x.ID)})
	}
}

// breached is an incident of a test, with who works on it.
type breached struct {
	*officetest.Office
	t          testing.TB
	id         cpni.ID
	by, second cpni.ID
	peer       *peer
}

func (b *breached) act() breach.Act { return breach.Act{By: b.by} }

func (b *breached) do(i *breach.Incident, err error) *breach.Incident {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return i
}

var breachWords = breach.Words{Texts: map[string]breach.Text{
	"en": {What: "Somebody who worked for us saw records of calls without any reason.", Done: "We took away their access and told the authorities.", Advice: "Look at your next bills.", Short: "It was about calls of yours."},
	"es": {What: "Alguien que trabajaba para nosotros vio registros de llamadas sin motivo.", Done: "Le quitamos el acceso y avisamos a las autoridades.", Advice: "Revise sus próximas facturas.", Short: "Se trata de llamadas suyas."},
}}

// breachOf takes in an incident that reached customers, determines it, reports it and has its words agreed to.
func breachOf(t testing.TB, o *officetest.Office, exercise bool, customers ...cpni.ID) *breached {
	t.Helper()
	b := &breached{Office: o, t: t, by: o.Member(t, cpni.RoleCompliance), second: o.Member(t, cpni.RoleOfficer), peer: &peer{}}
	b.carried()
	d, ctx := o.Incidents, t.Context()
	now := o.Clock.Now()
	i := b.do(d.Open(ctx, breach.Intake{By: b.by, Exercise: exercise, Facts: breach.Facts{Title: "Sold call lists", What: "A clerk sold lists of calls.", Discovered: now.Add(-time.Hour), DiscoveredBy: string(b.by), From: workday.On(2026, 11, 2), Until: workday.On(2026, 11, 20),
		Data: []cpni.DataClass{cpni.CallDetail, cpni.Usage}, Outcome: clock.Disclosed, Intentional: clock.Yes, Harm: clock.Likely, Basis: "they said so"}}))
	b.id = i.ID
	for some := range slices.Chunk(customers, 5000) {
		b.do(d.Put(ctx, b.id, b.act(), some, "they stand on the list"))
	}
	i = b.do(d.Word(ctx, b.id, b.act(), breachWords))
	b.do(d.Agree(ctx, b.id, breach.Act{By: b.second}, i.WordsStep))
	b.do(d.Determine(ctx, b.id, b.act(), breach.Determination{Basis: "the list was found"}))
	b.do(d.Report(ctx, b.id, b.act(), breach.Filing{Through: breach.Facility, Receipt: "F-1"}))
	return b
}

// carried has messages carried by the peer.
func (b *breached) carried() {
	b.Reach(map[cpni.Via]notify.Channel{cpni.Email: b.peer, cpni.Postal: b.peer, cpni.Text: b.peer})
}

// free lets the hold pass, in the carrier's daytime.
func (b *breached) free() { b.Time.Add(20 * 24 * time.Hour) }

// step plans and carries what is due.
func (b *breached) step() {
	b.t.Helper()
	if err := errors.Join(b.Incidents.Work(b.t.Context()), b.Messages.Step(b.t.Context()), b.Incidents.Work(b.t.Context())); err != nil {
		b.t.Fatal(err)
	}
}

func (b *breached) tally(want map[string]int) {
	b.t.Helper()
	got, err := b.Incidents.Tally(b.t.Context(), b.id, b.by)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, state := range []string{breach.IsIn, breach.IsPlanned, breach.IsSent, breach.CameBack, breach.NoWay, breach.IsTold} {
		if got[state] != want[state] {
			b.t.Fatalf("of the customers %v, want %v", got, want)
		}
	}
}

func (b *breached) one() *breach.Incident {
	b.t.Helper()
	return b.do(b.Incidents.One(b.t.Context(), b.id, b.by))
}

// alerts counts the alerts with a code.
func alertsOf(t testing.TB, o *officetest.Office, code cpni.Code) (n int) {
	t.Helper()
	if err := o.Ledger.Each(t.Context(), func(r ledger.Row) error {
		if r.Kind == ledger.Alert && r.Code == code {
			n++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func refusedWith(t testing.TB, err error, code cpni.Code) *cpni.Refusal {
	t.Helper()
	var r *cpni.Refusal
	if !errors.As(err, &r) || r.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return r
}

// Nobody is told before the hold ends; then each by the first form of record, by a second when it fails, and the others are told by people.
//
// cite: P-47, I-08, I-10, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(c)
func TestCustomersAreTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o, ctx := officetest.Open(t, db), t.Context()
		mailed := o.Customer(t)
		bounces := o.Customer(t, func(p *customer.Profile) { p.Language = "es" })
		lost := o.Customer(t, func(p *customer.Profile) { p.Email, p.Postal = nil, nil })
		texted := o.Customer(t, func(p *customer.Profile) {
			p.Email, p.Postal = nil, nil
			p.Lines[0].Categories = []cpni.Category{cpni.Wireless}
		})
		young := o.Customer(t, func(p *customer.Profile) {
			p.Postal = nil
			p.Email[0].Since = officetest.Start.Add(19 * 24 * time.Hour)
		})
		b := breachOf(t, o, false, mailed.ID, bounces.ID, lost.ID, texted.ID, young.ID)
		b.peer.away = func(to string) bool { return to == bounces.Email[0].Value }
		_, err := o.Incidents.Tell(ctx, b.id, b.act())
		refusedWith(t, err, breach.Held)
		_, err = o.Incidents.MarkTold(ctx, b.id, b.act(), []cpni.ID{lost.ID}, breach.ByWord, "they called")
		refusedWith(t, err, breach.Held)
		if n := alertsOf(t, o, breach.HoldTried); n != 2 {
			t.Errorf("%d alerts that somebody tried, want 2", n)
		}
		b.step()
		b.tally(map[string]int{breach.IsIn: 5})
		b.free()
		b.do(o.Incidents.Tell(ctx, b.id, b.act()))
		b.step()
		b.tally(map[string]int{breach.IsSent: 2, breach.CameBack: 1, breach.NoWay: 2})
		_, err = o.Incidents.Tell(ctx, b.id, b.act())
		if err != nil { // those without an address are looked at again
			t.Fatal(err)
		}
		b.step()
		b.tally(map[string]int{breach.IsSent: 2, breach.CameBack: 1, breach.NoWay: 2})
		var letter notify.Piece
		for _, p := range b.peer.pieces {
			if p.Via == cpni.Postal {
				letter = p
			}
			if p.Via == cpni.Email && (!strings.Contains(p.Text, "between November 2, 2026 and November 20, 2026") || !strings.Contains(p.Text, "the calls that you made") || !strings.Contains(p.Text, "Look at your next bills")) {
				t.Errorf("the e-mail says %s", p.Text)
			}
		}
		if len(b.peer.pieces) != 3 || !strings.Contains(letter.Text, "las llamadas que usted hizo") || !strings.Contains(letter.Text, "Revise sus próximas facturas") {
			t.Errorf("%d messages went out; the letter says %s", len(b.peer.pieces), letter.Text)
		}
		if err := o.Messages.Referred(ctx, cpni.Postal, string(letter.ID), notify.Report{Kind: notify.Mailed, At: o.Clock.Now()}); err != nil {
			t.Fatal(err)
		}
		b.tally(map[string]int{breach.IsSent: 3, breach.NoWay: 2})
		if !b.one().ToldAll.IsZero() {
			t.Error("it counts as told while two were not reached")
		}
		b.do(o.Incidents.MarkTold(ctx, b.id, b.act(), []cpni.ID{lost.ID}, breach.ByWord, "they called"))
		b.do(o.Incidents.MarkTold(ctx, b.id, b.act(), []cpni.ID{young.ID}, breach.Unreachable, "nobody lives there"))
		i := b.one()
		if told := i.All(breach.Told); len(told) != 1 || told[0].Count != 4 || i.ToldAll.IsZero() {
			t.Errorf("the history says %+v", told)
		}
		// A letter that comes back later is no telling.
		if err := o.Messages.Referred(ctx, cpni.Postal, string(letter.ID), notify.Report{Kind: notify.Bounce, Outcome: notify.Outcome{State: notify.Bounced, Code: "returned"}, At: o.Clock.Now()}); err != nil {
			t.Fatal(err)
		}
		b.tally(map[string]int{breach.IsSent: 2, breach.NoWay: 1, breach.IsTold: 2})
		b.do(o.Incidents.MarkTold(ctx, b.id, b.act(), []cpni.ID{bounces.ID}, breach.InPerson, "in the shop"))
		if told := b.one().All(breach.Told); len(told) != 2 || told[1].Count != 4 {
			t.Errorf("the history says %+v", told)
		}
	})
}

// A written direction that comes while customers are told stops what has not gone, and so does a pause; afterwards it goes on, to each once.
//
// cite: P-48, I-08, I-10, 47 CFR 64.2011(b)(3)
func TestHoldIsAskedAtTheLastMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o, ctx := officetest.Open(t, db), t.Context()
		var all []cpni.ID
		for range 3 {
			all = append(all, o.Customer(t).ID)
		}
		b := breachOf(t, o, false, all...)
		b.free()
		b.do(o.Incidents.Tell(ctx, b.id, b.act()))
		if err := o.Incidents.Work(ctx); err != nil {
			t.Fatal(err)
		}
		b.tally(map[string]int{breach.IsPlanned: 3})
		today := workday.DateIn(o.Clock.Now(), officetest.Zone)
		b.do(o.Incidents.Direct(ctx, b.id, b.act(), breach.Direction{Agency: "FBI", Officer: "SA Doe", Written: true, Until: today.Add(5)}, nil, ""))
		late := o.Customer(t)
		b.do(o.Incidents.Put(ctx, b.id, b.act(), []cpni.ID{late.ID}, "found later"))
		for range 3 {
			b.step()
			o.Time.Add(2 * time.Minute)
		}
		if len(b.peer.pieces) != 0 {
			t.Fatal("a message has gone while an agency says that none may (I-08)")
		}
		o.Time.Add(7 * 24 * time.Hour)
		b.do(o.Incidents.Pause(ctx, b.id, b.act(), "we look at the words once more"))
		b.step()
		if len(b.peer.pieces) != 0 {
			t.Fatal("a message has gone while the telling is paused")
		}
		_, err := o.Incidents.Pause(ctx, b.id, b.act(), "again")
		refusedWith(t, err, breach.WrongState)
		b.do(o.Incidents.Resume(ctx, b.id, b.act()))
		o.Time.Add(2 * time.Minute)
		b.do(o.Incidents.Tell(ctx, b.id, b.act())) // whoever was put in since
		b.step()
		b.tally(map[string]int{breach.IsSent: 4})
		if len(b.peer.pieces) != 4 || b.one().ToldAll.IsZero() {
			t.Errorf("%d messages have gone, want 4", len(b.peer.pieces))
		}
	})
}

// Two nodes tell each customer once, and a rehearsal tells nobody.
//
// cite: I-10, P-47
func TestTwoNodesTellEachOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o, ctx := officetest.Open(t, db), t.Context()
		crowd := o.Crowd(t, 1200, func(i int, p *customer.Profile) {
			p.Postal = []customer.Address{{Value: "1 Main St, Springfield, VA 22150", Since: p.Since}}
		})
		b := breachOf(t, o, false, crowd...)
		r := breachOf(t, o, true, crowd...)
		r.do(o.Incidents.Advance(ctx, r.id, r.act(), 20*24*time.Hour))
		r.do(o.Incidents.Tell(ctx, r.id, r.act()))
		_, err := o.Incidents.Tell(ctx, b.id, b.act())
		refusedWith(t, err, breach.Held)
		b.free()
		b.do(o.Incidents.Tell(ctx, b.id, b.act()))
		other := o.On(t, db)
		var both sync.WaitGroup
		for _, n := range []*office.Office{o.Office, other.Office} {
			both.Go(func() {
				for range 4 {
					if err := n.Incidents.Work(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
		both.Wait()
		o.Time.Add(3 * time.Minute)
		if err := o.Incidents.Work(ctx); err != nil {
			t.Fatal(err)
		}
		b.tally(map[string]int{breach.IsPlanned: 1200})
		r.tally(map[string]int{breach.IsTold: 1200})
		var messages, customers int
		if err := db.Reader().QueryRow(ctx, "SELECT count(*), count(DISTINCT customer_id) FROM message WHERE kind = $1", notify.IncidentNotice).Scan(&messages, &customers); err != nil {
			t.Fatal(err)
		}
		if messages != 1200 || customers != 1200 {
			t.Errorf("%d messages to %d customers, want one to each of 1200 (I-10)", messages, customers)
		}
		if told := r.one().All(breach.Told); len(told) != 1 || told[0].Count != 1200 {
			t.Errorf("the rehearsal says %+v", told)
		}
	})
}

// Customers are told nothing that was not written in both languages, read by somebody else, and true of the facts.
//
// cite: P-47, 47 CFR 64.2011(c)
func TestWordsForCustomers(t *testing.T) {
	o, ctx := officetest.Open(t, storetest.Open(t, "memory:")), t.Context()
	c := o.Customer(t, func(p *customer.Profile) { p.Name = "Quentin Example" })
	b := breachOf(t, o, false, c.ID)
	with := func(change func(en, es *breach.Text)) breach.Words {
		en, es := breachWords.Texts["en"], breachWords.Texts["es"]
		change(&en, &es)
		return breach.Words{Texts: map[string]breach.Text{"en": en, "es": es}}
	}
	for name, w := range map[string]breach.Words{
		"no Spanish":      {Texts: map[string]breach.Text{"en": breachWords.Texts["en"]}},
		"an empty part":   with(func(en, _ *breach.Text) { en.Advice = " " }),
		"a blank":         with(func(_, es *breach.Text) { es.Done = "Avisamos a [agencia]." }),
		"a token":         with(func(en, _ *breach.Text) { en.Done = "We told {name}." }),
		"a number":        with(func(en, _ *breach.Text) { en.What = "Calls of 202-555-0101 were seen." }),
		"a mailbox":       with(func(_, es *breach.Text) { es.Advice = "Escriba a ann@example.com." }),
		"a name":          with(func(en, _ *breach.Text) { en.What = "Somebody saw the calls of quentin example." }),
		"too long":        with(func(en, _ *breach.Text) { en.What = strings.Repeat("long ", 300) }),
		"too long a text": with(func(en, _ *breach.Text) { en.Short = strings.Repeat("long ", 20) }),
	} {
		if _, err := o.Incidents.Word(ctx, b.id, b.act(), w); err == nil {
			t.Errorf("words with %s were taken", name)
		}
	}
	b.free()
	i := b.do(o.Incidents.Word(ctx, b.id, b.act(), with(func(en, _ *breach.Text) { en.Done = "We told the police on 2026-11-21, too." })))
	_, err := o.Incidents.Tell(ctx, b.id, b.act())
	refusedWith(t, err, breach.Incomplete)
	_, err = o.Incidents.Agree(ctx, b.id, b.act(), i.WordsStep)
	refusedWith(t, err, "SELF")
	_, err = o.Incidents.Agree(ctx, b.id, breach.Act{By: b.second}, i.WordsStep-1)
	refusedWith(t, err, breach.WrongState)
	i = b.do(o.Incidents.Agree(ctx, b.id, breach.Act{By: b.second}, i.WordsStep))
	p, err := o.Incidents.Preview(ctx, b.id, b.by, c.ID)
	if err != nil || !strings.Contains(p.Text, "We told the police") || len(b.peer.pieces) != 0 {
		t.Errorf("the preview says %q, %v", p.Text, err)
	}
	f := i.Facts
	f.Data = append(slices.Clone(f.Data), cpni.Location)
	b.do(o.Incidents.Correct(ctx, b.id, b.act(), f, "found more"))
	_, err = o.Incidents.Tell(ctx, b.id, b.act())
	refusedWith(t, err, breach.Incomplete)
}

// Who serves a customer learns that this customer was told, what the notice said and what to answer: in a contact, and not before it went.
//
// cite: P-37, P-47, I-08, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func TestAnswersForTheCallCentre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o, ctx := officetest.Open(t, db), t.Context()
		ann, bob := o.Customer(t), o.Customer(t, func(p *customer.Profile) { p.Email, p.Language = nil, "es" })
		agent, other := o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleAgent)
		b := breachOf(t, o, false, ann.ID, bob.ID)
		r := breachOf(t, o, true, ann.ID)
		r.do(o.Incidents.Advance(ctx, r.id, r.act(), 20*24*time.Hour))
		r.do(o.Incidents.Tell(ctx, r.id, r.act()))
		b.carried()
		for name, x := range map[string]breach.Answers{
			"English alone": {"en": {{Question: "Why?", Answer: "A clerk sold lists."}}},
			"an empty one":  {"en": {{Question: "Why?", Answer: " "}}, "es": {{Question: "¿Por qué?", Answer: "Un empleado."}}},
			"a number":      {"en": {{Question: "Why?", Answer: "Ask 202 555 0101."}}, "es": {{Question: "¿Por qué?", Answer: "Un empleado."}}},
		} {
			if _, err := o.Incidents.Prepare(ctx, b.id, b.act(), x); err == nil {
				t.Errorf("answers with %s were taken", name)
			}
		}
		b.do(o.Incidents.Prepare(ctx, b.id, b.act(), breach.Answers{"en": {{Question: "Why?", Answer: "A clerk sold lists."}}, "es": {{Question: "¿Por qué?", Answer: "Un empleado vendió listas."}}}))
		asks := func(of cpni.ID) []breach.ToldOf {
			t.Helper()
			return must[[]breach.ToldOf](t)(o.Incidents.AnswerFor(ctx, o.Contact(t, agent, of), agent, of))
		}
		if all := asks(ann.ID); len(all) != 0 {
			t.Fatalf("it is told before the customer is: %+v (I-08)", all)
		}
		b.free()
		b.do(o.Incidents.Tell(ctx, b.id, b.act()))
		b.step()
		all := asks(ann.ID)
		if len(all) != 1 || all[0].Via != cpni.Email || all[0].Notice == nil || !strings.Contains(all[0].Notice.Text, "took away their access") || len(all[0].Answers) != 1 || all[0].Answers[0].Answer != "A clerk sold lists." {
			t.Fatalf("of who was told: %+v", all)
		}
		if all := asks(bob.ID); len(all) != 0 {
			t.Errorf("of whose letter is not mailed: %+v", all)
		}
		in := o.Contact(t, agent, ann.ID)
		if _, err := o.Incidents.AnswerFor(ctx, in, other, ann.ID); err == nil {
			t.Error("somebody else's contact is enough")
		}
		if _, err := o.Incidents.AnswerFor(ctx, in, agent, bob.ID); err == nil {
			t.Error("a contact with another customer is enough")
		}
		o.Time.Add(48 * time.Hour)
		if _, err := o.Incidents.AnswerFor(ctx, in, agent, ann.ID); err == nil {
			t.Error("a contact that is long over is enough")
		}
		pieces := b.peer.pieces
		letter := pieces[slices.IndexFunc(pieces, func(p notify.Piece) bool { return p.Via == cpni.Postal })]
		if err := o.Messages.Referred(ctx, cpni.Postal, string(letter.ID), notify.Report{Kind: notify.Mailed, At: o.Clock.Now()}); err != nil {
			t.Fatal(err)
		}
		if all := asks(bob.ID); len(all) != 1 || all[0].Answers[0].Answer != "Un empleado vendió listas." || !strings.Contains(all[0].Notice.Text, "Le quitamos el acceso") {
			t.Errorf("of who was told by letter: %+v", all)
		}
	})
}
