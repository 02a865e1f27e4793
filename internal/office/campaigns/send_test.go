package campaigns_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"

	"ringfence/internal/audience"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// size is how many customers a large campaign has; RINGFENCE_CAMPAIGN asks for another number.
func size(t testing.TB) int {
	if n, err := strconv.Atoi(os.Getenv("RINGFENCE_CAMPAIGN")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 300
	}
	return 1000
}

// A campaign reaches each of its audience once, by a message that says what was reviewed in the customer's language and how to refuse,
// with a decision for each on record that names the campaign.
//
// cite: P-09, P-12, P-40, I-01, I-10, 47 CFR 64.2009(c)
func TestACampaignGoesOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		ids := w.crowd(50)
		c := w.launched(w.offer())
		w.finish(c.ID)
		p := w.progress(c.ID)
		if w.state(c.ID) != campaign.Ended || p.Of(campaign.WithSent) != 40 || p.Of(campaign.WithNoWay) != 5 || w.email.count() != 40 || p.Expected != 45 || p.Looked != 45 {
			t.Fatalf("%s: %+v, %d e-mails", w.state(c.ID), p, w.email.count())
		}
		english, spanish := 0, 0
		for _, m := range w.email.got {
			switch {
			case m.Subject == "Calls to everywhere" && has(m.Text, "For ten dollars a month more") && has(m.Text, "word NO") && has(m.Text, "https://account.example.net/c/"):
				english++
			case m.Subject == "Llamadas a todas partes" && has(m.Text, "Por diez dólares más al mes") && has(m.Text, "la palabra NO"):
				spanish++
			}
		}
		if english == 0 || spanish == 0 || english+spanish != 40 {
			t.Errorf("%d in English, %d in Spanish", english, spanish)
		}
		permits := 0
		for _, of := range ids {
			rows, err := w.Ledger.Records(ctx, of, ledger.Filter{Kind: ledger.Decision, Limit: 10})
			w.must(err)
			for _, r := range rows {
				rec, err := w.Door.Record(ctx, of, r.ID)
				w.must(err)
				if r.Outcome == cpni.Permit && rec.Facts.Campaign != nil && rec.Facts.Campaign.ID == c.ID && rec.Facts.Campaign.Approved && rec.Facts.Campaign.Runs && rec.Facts.Campaign.Covers {
					permits++
				}
			}
		}
		if permits != 40 {
			t.Errorf("%d decisions name the campaign", permits)
		}
	})
}

// listing is an audience in which somebody objects when everybody has been found.
type listing struct {
	audience.Audience
	then func(found []cpni.ID)
}

func (l listing) Each(ctx context.Context, q audience.Question, after cpni.ID, do func(cpni.ID) error) error {
	var found []cpni.ID
	if err := l.Audience.Each(ctx, q, after, func(id cpni.ID) error { found = append(found, id); return nil }); err != nil {
		return err
	}
	l.then(found)
	for _, id := range found {
		if err := do(id); err != nil {
			return err
		}
	}
	return nil
}

// Who objects when the list is made and before it comes to them is left out, with the refusal on record; who objects when the message
// is planned and before it goes does not get it.
//
// cite: P-09, P-14, V39, I-02, 47 CFR 64.2007(a)(2), 47 CFR 64.2009(a)
func TestObjectionsOnTheWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.crowd(20, func(_ int, p *customer.Profile) { p.Approvals[0].State, p.Email[0].Notices = cpni.OptOutOK, true })
		var first, second cpni.ID
		w.Campaigns.Audience = listing{w.Audience, func(found []cpni.ID) {
			first, second = found[0], found[1]
			w.object(first)
		}}
		c := w.launched(w.offer())
		w.must(w.Campaigns.Work(ctx))
		if state, code, err := w.Campaigns.With(ctx, c.ID, first); err != nil || state != campaign.WithLeftOut || code != "DENIED" {
			t.Errorf("who objected before it came to them: %s %s, %v", state, code, err)
		}
		rows, err := w.Ledger.Records(ctx, first, ledger.Filter{Kind: ledger.Decision, Limit: 10})
		if err != nil || len(rows) != 1 || rows[0].Code != "DENIED" {
			t.Errorf("on record: %+v, %v", rows, err)
		}
		w.object(second)
		w.finish(c.ID)
		if state, code, err := w.Campaigns.With(ctx, c.ID, second); err != nil || state != campaign.WithLeftOut || code != "DENIED" {
			t.Errorf("who objected before it went: %s %s, %v", state, code, err)
		}
		if w.email.count() != 18 {
			t.Errorf("%d e-mails", w.email.count())
		}
	})
}

// Once a stop has answered nothing more is planned, and nothing that was planned goes, however many work on it.
//
// cite: P-40, I-02
func TestAStopIsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.crowd(size(t))
		c := w.launched(w.offer())
		nodes := []*world{w, w.node()}
		var all sync.WaitGroup
		for _, n := range nodes {
			all.Go(func() {
				if err := n.Campaigns.Work(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		planned := func() (n int) {
			t.Helper()
			w.must(w.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM campaign_member WHERE campaign_id = $1 AND state = $2", string(c.ID), campaign.WithPlanned).Scan(&n))
			return n
		}
		for planned() == 0 {
		}
		_, err := w.Campaigns.Stop(ctx, c.ID, w.sue)
		w.must(err)
		then := planned()
		all.Wait()
		if now := planned(); now != then || then == 0 {
			t.Errorf("%d were planned when the stop had answered, and %d afterwards", then, now)
		}
		for _, n := range nodes {
			w.must(n.Messages.Step(ctx))
		}
		if p := w.progress(c.ID); w.email.count() != 0 || p.Of(campaign.WithPlanned) != 0 || p.Tallies[0].Code != campaign.Over {
			t.Errorf("%d e-mails of a campaign that was stopped: %+v", w.email.count(), p)
		}
		_, err = w.Campaigns.Resume(ctx, c.ID, w.mia)
		w.refuses("CONFLICT", err)
	})
}

// Several nodes work at once, some of them die in the middle: everybody gets it once and nobody is missed, and each has one permit on
// record.
//
// cite: P-40, I-03, I-10
func TestSeveralNodesAndDeaths(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n := size(t)
		w.crowd(n)
		c := w.launched(w.offer())
		nodes := []*world{w, w.node(), w.node()}
		for i := range 400 {
			var all sync.WaitGroup
			for k, node := range nodes {
				all.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if (i+k)%3 != 0 { // it dies somewhere in the middle
						steps := 1 + (i*7+k*3)%40
						die := node.Campaigns.Audience
						defer func() { node.Campaigns.Audience = die }()
						node.Campaigns.Audience = dying{die, cancel, steps}
					}
					if err := node.Campaigns.Work(ctx); err != nil && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			for _, node := range nodes {
				w.must(node.Messages.Step(t.Context()))
			}
			if w.state(c.ID) == campaign.Ended {
				break
			}
			w.Time.Add(3 * 60e9) // who has died is silent for long enough
		}
		var messages, customers, permits int
		ctx := t.Context()
		w.must(w.DB.Reader().QueryRow(ctx, "SELECT count(*), count(DISTINCT customer_id) FROM message WHERE kind = $1", notify.Campaign).Scan(&messages, &customers))
		w.must(w.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM record WHERE kind = $1 AND outcome = $2", string(ledger.Decision), string(cpni.Permit)).Scan(&permits))
		p := w.progress(c.ID)
		if w.state(c.ID) != campaign.Ended || messages != n/10*8 || customers != messages || permits != messages || p.Of(campaign.WithSent) != int64(messages) || p.Of(campaign.WithNoWay) != int64(n/10) || w.email.count() != messages {
			t.Errorf("%s: %d messages to %d customers of %d, %d permits, %d gone: %+v", w.state(c.ID), messages, customers, n, permits, w.email.count(), p)
		}
	})
}

// dying is an audience in the middle of which the process dies.
type dying struct {
	audience.Audience
	die   func()
	after int
}

func (d dying) Each(ctx context.Context, q audience.Question, after cpni.ID, do func(cpni.ID) error) error {
	n := 0
	return d.Audience.Each(ctx, q, after, func(id cpni.ID) error {
		if n++; n == d.after {
			d.die()
		}
		return do(id)
	})
}

// What the one who launched it may not use does not go: the campaign waits, and goes on for somebody who may.
//
// cite: P-38, P-40, 47 CFR 64.2009(b)
func TestItGoesForSomebodyWhoMay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.crowd(10)
		c := w.launched(w.offer(func(p *campaign.Plan) { p.Ends = w.today().Add(700) }))
		w.at(2028, 1, 10, 10) // the training of all has lapsed
		w.must(w.Campaigns.Work(ctx))
		if p := w.progress(c.ID); p.Held != "UNTRAINED" || len(p.Tallies) != 0 {
			t.Errorf("it does not wait: %+v", p)
		}
		w.must(w.Campaigns.Work(ctx))
		w.must(w.Staff.Train(ctx, w.max, w.Clock.Now(), "test"))
		_, err := w.Campaigns.Resume(ctx, c.ID, w.max)
		w.must(err)
		w.must(w.Campaigns.Work(ctx))
		if p := w.progress(c.ID); p.Held != "" || !p.Done {
			t.Errorf("it does not go on: %+v", p)
		}
	})
}

// A list for the carrier's own people names those whom the rules let them serve at the moment at which it is read, and nobody when the
// campaign is over.
//
// cite: P-09, P-40, I-02, 47 CFR 64.2009(a)
func TestAList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.crowd(20)
		c := w.launched(w.offer(func(p *campaign.Plan) { p.Channel = campaign.ByVoice }))
		w.must(w.Campaigns.Work(ctx))
		read := func() (all []cpni.ID) {
			t.Helper()
			c, err := w.Campaigns.Get(ctx, c.ID)
			w.must(err)
			for after := cpni.ID(""); ; {
				page, next, err := w.Campaigns.Listed(ctx, c, after, 7)
				w.must(err)
				all = append(all, page...)
				if next == "" {
					return all
				}
				after = next
			}
		}
		if n := len(read()); n != 18 {
			t.Fatalf("%d are listed", n)
		}
		w.object(read()[3])
		if n := len(read()); n != 17 {
			t.Errorf("%d are listed when one has objected", n)
		}
		if w.state(c.ID) != campaign.Launched {
			t.Errorf("a list is worked through until its last day, and it is %s", w.state(c.ID))
		}
		_, err := w.Campaigns.Stop(ctx, c.ID, w.mia)
		w.must(err)
		if n := len(read()); n != 0 {
			t.Errorf("%d are listed when it was stopped", n)
		}
	})
}

// When its last day is over, what has not gone does not go.
//
// cite: P-40
func TestTheLastDay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		w.crowd(10)
		c := w.launched(w.offer(func(p *campaign.Plan) { p.Ends = w.today() }))
		w.must(w.Campaigns.Work(ctx))
		w.at(2026, 11, 25, 0)
		w.must(w.Campaigns.Work(ctx))
		w.must(w.Messages.Step(ctx))
		if w.state(c.ID) != campaign.Ended || w.email.count() != 0 || w.progress(c.ID).Of(campaign.WithPlanned) != 0 {
			t.Errorf("%s, %d e-mails, %+v", w.state(c.ID), w.email.count(), w.progress(c.ID))
		}
	})
}
