package notices_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

var carrier = rules.Recipient{Kind: cpni.ToCarrier}

// size is how many customers a large run has; RINGFENCE_NOTICES asks for another number.
func size(t testing.TB) int {
	if n, err := strconv.Atoi(os.Getenv("RINGFENCE_NOTICES")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 1200
	}
	return 3000
}

// A run gives its notice to everybody who can be reached, by the first way that is open; two in a hundred e-mails come back and a letter
// goes in their place; whoever has no way is named with the reason, and none is given it twice.
//
// cite: P-26, P-27, V40, V42, 47 CFR 64.2008(b), 47 CFR 64.2008(d)(3)
func TestARunEndsWithTheRightStates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.email.size, w.postal.size = 500, 500
		n := size(t)
		ids := w.crowd(n)
		run := w.launch(optOut(), everyone)
		run = w.finish(run.ID)
		if run.State != notice.Done || run.Looked != int64(n) {
			t.Fatalf("the run is %s and has looked at %d of %d", run.State, run.Looked, n)
		}
		tenth := int64(n) / 10
		p := w.progress(run.ID)
		if p.Given != 7*tenth || p.Planned != 2*tenth || p.NoWay != tenth || w.email.count() != int(7*tenth) || w.postal.count() != int(2*tenth) {
			t.Fatalf("after sending: %+v, %d e-mails and %d letters", p, w.email.count(), w.postal.count())
		}
		given := 0
		for _, id := range ids {
			state, via, _ := w.with(id, run.ID)
			switch {
			case state == notice.WithGiven && via == notice.ByEmail:
				if given++; given%50 == 0 {
					w.comesBack(id, run.ID)
				}
			case via == notice.ByPostal:
				w.mailed(id, run.ID)
			}
		}
		w.must(w.Messages.Step(t.Context()))
		bounced := 7 * tenth / 50
		if p = w.progress(run.ID); p.CameBack != bounced || p.Given != 9*tenth-bounced || p.NoWay != tenth {
			t.Errorf("%d came back: %+v", bounced, p)
		}
		states := map[cpni.ApprovalState]int64{}
		for _, id := range ids {
			states[w.standing(id)]++
			if state, via, _ := w.with(id, run.ID); state == notice.WithCameBack {
				if via != notice.ByPostal {
					t.Errorf("in the place of an e-mail that came back goes: %s", via)
				}
				w.mailed(id, run.ID)
			}
		}
		if states[cpni.Waiting] != 9*tenth-bounced || states[cpni.Unnotified] != tenth+bounced {
			t.Errorf("the approvals stand %v", states)
		}
		if p = w.progress(run.ID); p.Given != 9*tenth || p.CameBack != 0 {
			t.Errorf("when the letters were mailed: %+v", p)
		}
		for _, x := range p.Tallies {
			if x.State == notice.WithNoWay && x.Code != notice.NoPlace {
				t.Errorf("left without a way for %s", x.Code)
			}
		}
	})
}

// A notice after which silence counts reaches those who have refused; a request does not, and not those who have said yes.
//
// cite: P-14, V50, 47 CFR 64.2007(a)(2)
func TestWhoIsAskedAndWhoIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		say := func(scope string, state cpni.ApprovalState) func(*customer.Profile) {
			return func(p *customer.Profile) {
				p.Approvals = append(p.Approvals, customer.Approval{Scope: scope, State: state, Since: w.Clock.Now().AddDate(0, 0, -len(p.Approvals)-1)})
			}
		}
		other := string(cpni.OtherMarketing)
		refused, all, agreed, none := w.Customer(t, say(other, cpni.Denied)), w.Customer(t, say(customer.Everything, cpni.Denied)), w.Customer(t, say(other, cpni.OptInOK)), w.Customer(t)
		lifted := w.Customer(t, say(other, cpni.OptInOK), say(customer.Everything, cpni.Denied)) // the yes came after the no
		gone := w.Customer(t)
		w.must(errOf(w.Customers.Update(t.Context(), gone.ID, func(p *customer.Profile) (customer.Change, error) {
			p.Ended = w.Clock.Now()
			return customer.Change{Actor: "test", What: "service ends"}, nil
		})))
		ask, tell := w.launch(optIn(), everyone), w.launch(optOut(), everyone)
		w.finish(ask.ID)
		w.finish(tell.ID)
		for _, x := range []struct {
			who   *customer.Profile
			ask   string
			code  string
			tells string
		}{
			{refused, notice.WithLeftOut, notice.Refused, notice.WithPlanned}, {all, notice.WithLeftOut, notice.Refused, notice.WithPlanned},
			{agreed, notice.WithLeftOut, notice.Agreed, notice.WithPlanned}, {lifted, notice.WithLeftOut, notice.Agreed, notice.WithPlanned},
			{none, notice.WithPlanned, "", notice.WithPlanned}, {gone, "", "", ""},
		} {
			if state, _, _ := w.with(x.who.ID, ask.ID); state != x.ask {
				t.Errorf("asked for a yes, one is %q, want %q", state, x.ask)
			}
			if state, _, _ := w.with(x.who.ID, tell.ID); state != x.tells {
				t.Errorf("told, one is %q, want %q", state, x.tells)
			}
			if x.code != "" {
				if ids, err := w.Notices.Those(t.Context(), ask.ID, notice.Tally{State: x.ask, Code: x.code}, "", 10); err != nil || len(ids) != 2 {
					t.Errorf("left out for %s: %v, %v", x.code, ids, err)
				}
			}
		}
	})
}

func errOf(_ any, err error) error { return err }

// Who refuses after the request was planned and before it goes does not get it.
//
// cite: P-14, I-02, 47 CFR 64.2007(a)(2)
func TestARefusalBeforeItGoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.Customer(t)
		run := w.launch(optIn(), everyone)
		w.must(w.Notices.Work(t.Context()))
		w.Time.Add(1e9)
		w.must(w.Approvals.Object(t.Context(), p.ID, string(cpni.OtherMarketing), approval.ByPhone, "test", w.Clock.Now()))
		w.must(w.Messages.Step(t.Context()))
		if state, _, _ := w.with(p.ID, run.ID); state != notice.WithLeftOut || w.postal.count() != 0 {
			t.Errorf("who has refused is %s, and %d letters went", state, w.postal.count())
		}
	})
}

// The audiences: those never told, those whose notice lapses, those who are new, those who are named; whoever is told by one run is left
// out by another that says the same while it is on its way.
//
// cite: P-58, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(d)(2)
func TestAudiences(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		now := w.Clock.Now()
		told := func(months int) func(*customer.Profile) {
			return func(p *customer.Profile) {
				at := now.AddDate(0, -months, 0)
				p.Approvals = []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.OptOutOK, Since: at, NoticeAt: at, Matures: at.AddDate(0, 1, 0)}}
			}
		}
		fresh, soon, lapsed, never := w.Customer(t, told(2)), w.Customer(t, told(22)), w.Customer(t, told(30)), w.Customer(t)
		young := w.Customer(t, func(p *customer.Profile) {
			p.Since, p.Lines[0].Since, p.Postal[0].Since, p.Email[0].Since = now.AddDate(0, 0, -3), now, now, now
		})
		since := notice.Audience{Who: notice.Newcomer}
		w.must(since.Since.UnmarshalText([]byte("2026-11-20")))
		for _, x := range []struct {
			audience notice.Audience
			who      []*customer.Profile
		}{
			{notice.Audience{Who: notice.Everyone}, []*customer.Profile{fresh, soon, lapsed, never, young}},
			{notice.Audience{Who: notice.Never}, []*customer.Profile{never, young}},
			{notice.Audience{Who: notice.Lapsing, Months: 1}, []*customer.Profile{lapsed}},
			{notice.Audience{Who: notice.Lapsing, Months: 3}, []*customer.Profile{soon, lapsed}},
			{since, []*customer.Profile{young}},
			{notice.Audience{Who: notice.ThoseOf, Customers: []cpni.ID{fresh.ID, cpni.NewID()}}, []*customer.Profile{fresh}},
		} {
			c, err := w.Notices.Count(t.Context(), optOut(), to(x.audience), func() {})
			if err != nil || c.Customers != int64(len(x.who)) || c.Goes() != c.Customers {
				t.Errorf("%s: %+v, %v; want %d", x.audience, c, err, len(x.who))
			}
		}
		first := w.launch(optOut(), to(notice.Audience{Who: notice.Never}))
		w.finish(first.ID) // letters, which nobody has confirmed
		second := w.launch(optOut(), to(notice.Audience{Who: notice.Never}))
		w.finish(second.ID)
		if p := w.progress(second.ID); p.LeftOut != 2 || p.Planned != 0 {
			t.Errorf("what is on its way already: %+v", p)
		}
		w.mailed(never.ID, first.ID)
		w.Time.Add(1e9)
		if c, err := w.Notices.Count(t.Context(), optOut(), to(notice.Audience{Who: notice.Never}), func() {}); err != nil || c.Customers != 1 {
			t.Errorf("those never told, when one was: %+v, %v", c, err)
		}
		var r *cpni.Refusal
		for _, bad := range []notice.Launch{to(notice.Audience{}), to(notice.Audience{Who: notice.Lapsing}), to(notice.Audience{Who: notice.Newcomer}), to(notice.Audience{Who: notice.ThoseOf}),
			to(notice.Audience{Who: notice.Everyone, Standing: true}), {Audience: notice.Audience{Who: notice.Everyone}}} {
			if _, err := w.Notices.Check(optOut(), bad); !errors.As(err, &r) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		if _, err := w.Notices.Check(optIn(), to(notice.Audience{Who: notice.Lapsing, Months: 3})); !errors.As(err, &r) {
			t.Errorf("a request for a yes that lapses: %v", err)
		}
	})
}

// A standing run looks again on the next day, and gives the notice to who has come.
//
// cite: P-27, V51, 47 CFR 64.2008(b)
func TestAStandingRun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Customer(t)
		run := w.launch(optOut(), to(notice.Audience{Who: notice.Never, Standing: true}))
		for range 3 {
			w.must(w.Notices.Work(t.Context()))
		}
		later := w.Customer(t)
		w.must(w.Notices.Work(t.Context()))
		if p := w.progress(run.ID); p.Planned != 1 {
			t.Fatalf("on the day itself: %+v", p)
		}
		w.at(2026, 11, 25, 0, 0)
		w.must(w.Notices.Work(t.Context()))
		if state, _, _ := w.with(later.ID, run.ID); state != notice.WithPlanned {
			t.Errorf("who came later is %q on the next day", state)
		}
		if p := w.progress(run.ID); p.Planned != 2 {
			t.Errorf("on the next day: %+v", p)
		}
	})
}

// A paused run plans nobody and nothing of it goes; resumed, it goes on where it was; stopped, what has not gone does not go.
//
// cite: P-27, P-41
func TestPauseResumeStop(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.crowd(10)
		ctx := t.Context()
		run := w.launch(optOut(), everyone)
		w.must(w.Notices.Work(ctx)) // all are planned
		if _, err := w.Notices.Pause(ctx, run.ID, "test"); !isRefusal(err) {
			t.Errorf("a run that has looked at everybody is paused: %v", err)
		}
		run = w.launch(optOut(), everyone)
		if _, err := w.Notices.Pause(ctx, run.ID, "test"); err != nil {
			t.Fatal(err)
		}
		w.must(w.Notices.Work(ctx))
		if p := w.progress(run.ID); p.Planned+p.NoWay != 0 {
			t.Errorf("paused: %+v", p)
		}
		if _, err := w.Notices.Resume(ctx, run.ID, "test"); err != nil {
			t.Fatal(err)
		}
		w.must(w.Notices.Work(ctx))
		if p := w.progress(run.ID); p.Planned != 9 || p.NoWay != 1 {
			t.Errorf("resumed: %+v", p)
		}
		if _, err := w.Notices.Stop(ctx, cpni.NewID(), "test"); !errors.Is(err, notice.ErrNoRun) {
			t.Errorf("a run that is none: %v", err)
		}
	})
}

// What is planned and has not gone waits while its run is paused, and does not go when it is stopped.
//
// cite: P-27
func TestPausedBeforeItGoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.crowd(10)
		ctx := t.Context()
		run := w.launch(optOut(), to(notice.Audience{Who: notice.Never, Standing: true})) // it goes on when all are planned
		w.must(w.Notices.Work(ctx))
		if _, err := w.Notices.Pause(ctx, run.ID, "test"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			w.must(w.Messages.Step(ctx))
			w.Time.Add(61e9)
		}
		if w.email.count()+w.postal.count() != 0 {
			t.Fatalf("%d e-mails and %d letters of a paused run", w.email.count(), w.postal.count())
		}
		if _, err := w.Notices.Resume(ctx, run.ID, "test"); err != nil {
			t.Fatal(err)
		}
		w.email.fails = nil
		w.Time.Add(61e9)
		w.must(w.Messages.Step(ctx))
		if w.email.count() != 7 || w.postal.count() != 2 {
			t.Errorf("resumed: %d e-mails and %d letters", w.email.count(), w.postal.count())
		}
		late := w.Customer(t)
		w.at(2026, 11, 25, 0, 1)
		w.must(w.Notices.Work(ctx))
		if _, err := w.Notices.Stop(ctx, run.ID, "test"); err != nil {
			t.Fatal(err)
		}
		w.must(w.Messages.Step(ctx))
		if state, _, _ := w.with(late.ID, run.ID); state != notice.WithLeftOut || w.postal.count() != 2 {
			t.Errorf("stopped: %s, %d letters", state, w.postal.count())
		}
	})
}

func isRefusal(err error) bool {
	var r *cpni.Refusal
	return errors.As(err, &r)
}

// Several nodes work at once, some of them die in the middle: everybody is planned once and nobody is missed.
//
// cite: I-10, P-27
func TestSeveralNodesAndDeaths(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n := 2 * size(t)
		w.crowd(n)
		run := w.launch(optOut(), everyone)
		nodes := []*world{w, w.node(), w.node()}
		for i := range 400 {
			var all sync.WaitGroup
			for k, node := range nodes {
				all.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					if (i+k)%3 != 0 {
						cancel() // it dies at once, after at most the batch that it is at
					}
					defer cancel()
					if err := node.Notices.Work(ctx); err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			for _, node := range nodes {
				w.must(node.Messages.Step(t.Context()))
			}
			r, err := w.Notices.Run(t.Context(), run.ID)
			w.must(err)
			if r.State == notice.Done {
				if r.Looked != int64(n) {
					t.Errorf("looked at %d of %d", r.Looked, n)
				}
				break
			}
		}
		var messages, customers int
		w.must(w.DB.Reader().QueryRow(t.Context(), "SELECT count(*), count(DISTINCT customer_id) FROM message WHERE kind = $1", notify.OptOutNotice).Scan(&messages, &customers))
		p := w.progress(run.ID)
		if messages != n/10*9 || customers != messages || p.NoWay != int64(n/10) {
			t.Errorf("%d messages to %d customers of %d: %+v", messages, customers, n, p)
		}
	})
}
