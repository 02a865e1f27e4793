package office_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/breach"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/workday"
)

// desk is a breach desk about which nothing is believed: what was done is written down beside it, and whatever goes out is held against that.
type desk struct {
	t    *rapid.T
	db   *store.DB
	peer *watched
	node *officetest.Office
	all  testing.TB

	id, by, second cpni.ID
	people         []*customer.Profile

	determined time.Time
	reported   time.Time // in full
	urgent     time.Time // said in a report
	consulted  time.Time
	until      map[string]workday.Date // written directions, by agency: the last day
	oral       map[string]bool
}

// watched is a channel of a desk.
type watched struct {
	mu    sync.Mutex
	desk  *desk
	taken map[string][]notify.Piece // by place
}

func (w *watched) Batch() int                  { return 2 }
func (w *watched) Check(context.Context) error { return nil }
func (w *watched) Send(ctx context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range pieces {
		if strings.HasPrefix(p.To, "away") { // this mailbox is no more
			told(p, notify.Outcome{State: notify.Failed, Code: "550"})
			continue
		}
		if p.Kind == notify.IncidentNotice {
			w.desk.look(ctx, p)
		}
		w.taken[p.To] = append(w.taken[p.To], p)
		told(p, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(p.ID)})
	}
}

// look holds a message that goes out against what was done.
func (d *desk) look(ctx context.Context, p notify.Piece) {
	now := d.node.Clock.Now()
	i, err := d.node.Incidents.One(ctx, d.id, d.by)
	if err != nil {
		d.t.Error(err)
		return
	}
	if r := d.node.Incidents.Hold(i); r != nil {
		d.t.Errorf("a message goes out while the desk says %s (I-08)", r.Code)
	}
	if why := d.early(now); why != "" {
		d.t.Errorf("a message goes out at %s: %s (I-08)", now, why)
	}
}

// early says why nothing may go out at a moment. It counts the days from Monday to Friday alone: no hold that skips holidays too is shorter.
func (d *desk) early(now time.Time) string {
	today := workday.DateIn(now, officetest.Zone)
	for agency, last := range d.until {
		if !today.After(last) {
			return "a written direction of " + agency + " runs until " + last.String()
		}
	}
	switch {
	case d.determined.IsZero():
		return "nothing is determined"
	case d.reported.IsZero():
		return "the agencies have no report"
	case !d.urgent.IsZero() && !d.consulted.IsZero():
		return ""
	}
	day, left := workday.DateIn(d.reported, officetest.Zone), 7
	for left > 0 {
		if day = day.Add(1); day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			left--
		}
	}
	if !today.After(day) {
		return "the hold runs through " + day.String()
	}
	return ""
}

func (d *desk) did(err error) bool {
	d.t.Helper()
	if err != nil && code(err) == "" {
		d.t.Fatal(err)
	}
	return err == nil
}

// moves are what is done about an incident, each as often as it stands here.
var moves = strings.Fields("determine report report-part report-urgent consult direct direct direct-oral write drop lift tell-on tell-on tell-on tell-on pause resume resume put mark work carry on on hour days days days weeks weeks crash")

func (d *desk) move(what string) {
	ctx, in, now := context.Background(), d.node.Incidents, d.node.Clock.Now()
	act := breach.Act{By: d.by}
	today := workday.DateIn(now, officetest.Zone)
	agency := rapid.SampledFrom([]string{"FBI", "USSS"}).Draw(d.t, "agency")
	direct := func(written bool) {
		x := breach.Direction{Agency: agency, Officer: "SA Doe", Written: written, Until: today.Add(rapid.IntRange(0, 25).Draw(d.t, "days"))}
		_, err := in.Direct(ctx, d.id, act, x, nil, "")
		switch {
		case written && d.did(err):
			if last := d.until[agency]; last.IsZero() || last.Before(x.Until) {
				d.until[agency] = x.Until
			}
		case !written && code(err) == breach.NeedWriting:
			d.oral[agency] = true
		}
	}
	switch what {
	case "determine":
		if _, err := in.Determine(ctx, d.id, act, breach.Determination{Basis: "looked"}); d.did(err) {
			d.determined = now
		}
	case "report", "report-part", "report-urgent":
		f := breach.Filing{Through: breach.Facility, Receipt: "F", Urgent: what == "report-urgent"}
		if what == "report-part" {
			f.Agencies = []clock.Agency{clock.FBI}
		}
		if _, err := in.Report(ctx, d.id, act, f); !d.did(err) {
			return
		}
		if d.reported.IsZero() && what != "report-part" {
			d.reported = now
		}
		if d.urgent.IsZero() && f.Urgent {
			d.urgent = now
		}
	case "consult":
		if _, err := in.Consult(ctx, d.id, act, agency, "SA Doe", time.Time{}, "tell them"); d.did(err) && d.consulted.IsZero() {
			d.consulted = now
		}
	case "direct", "write":
		direct(true)
	case "direct-oral":
		direct(false)
	case "drop":
		_, err := in.Drop(ctx, d.id, act, agency, "they will not write it")
		d.did(err)
	case "lift":
		if _, err := in.Lift(ctx, d.id, act, agency, "SA Doe", time.Time{}, nil); d.did(err) {
			delete(d.until, agency)
		}
	case "tell-on":
		_, err := in.Tell(ctx, d.id, act)
		if why := d.early(now); d.did(err) && why != "" {
			d.t.Errorf("telling begins at %s: %s (I-08)", now, why)
		}
		d.did(in.Work(ctx))
	case "pause":
		_, err := in.Pause(ctx, d.id, act, "to look again")
		d.did(err)
	case "resume":
		_, err := in.Resume(ctx, d.id, act)
		d.did(err)
	case "put":
		_, err := in.Put(ctx, d.id, act, []cpni.ID{d.people[len(d.people)-1].ID}, "found later")
		d.did(err)
	case "mark":
		_, err := in.MarkTold(ctx, d.id, act, []cpni.ID{d.people[0].ID}, breach.ByWord, "they called")
		if why := d.early(now); d.did(err) && why != "" {
			d.t.Errorf("somebody is told at %s: %s (I-08)", now, why)
		}
	case "work":
		d.did(in.Work(ctx))
	case "carry":
		d.did(d.node.Messages.Step(ctx))
	case "hour":
		d.node.Time.Add(time.Duration(rapid.IntRange(1, 180).Draw(d.t, "minutes")) * time.Minute)
	case "on":
		d.did(in.Work(ctx))
		d.did(d.node.Messages.Step(ctx))
	case "weeks":
		d.node.Time.Add(14 * 24 * time.Hour)
	case "days":
		d.node.Time.Add(time.Duration(rapid.IntRange(1, 12).Draw(d.t, "days")) * 24 * time.Hour)
	case "crash":
		d.open()
	}
}

// end lets every hold run out, and has whoever is left told.
func (d *desk) end() {
	in, act, ctx := d.node.Incidents, breach.Act{By: d.by}, context.Background()
	d.move("determine")
	d.move("report")
	for agency := range d.oral {
		_, err := in.Drop(ctx, d.id, act, agency, "they will not write it")
		d.did(err)
	}
	d.node.Time.Add(60 * 24 * time.Hour)
	for _, what := range []string{"resume", "on", "tell-on", "on"} {
		d.move(what)
	}
}

// open opens the office again, as after a crash: nothing is remembered but what is in the database.
func (d *desk) open() {
	d.node = d.node.On(d.all, d.db)
	d.node.Reach(map[cpni.Via]notify.Channel{cpni.Email: d.peer, cpni.Postal: d.peer, cpni.Text: d.peer})
}

// Whatever is done at the desk, in whatever order: nobody is told before the hold ends, and nobody twice in one form.
//
// cite: P-47, P-48, I-08, I-10, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(b)(3)
func TestDeskInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o, ctx := officetest.Open(t, db), context.Background()
		by, second := o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleOfficer)
		checks, most, told := 0, 60, 0
		if db.Dialect() == store.Postgres {
			most = 10 // the same desk, on a server
		}
		rapid.Check(t, func(r *rapid.T) {
			if checks++; checks > most {
				return
			}
			d := &desk{t: r, db: db, node: o, all: t, by: by, second: second, until: map[string]workday.Date{}, oral: map[string]bool{}}
			d.peer = &watched{desk: d, taken: map[string][]notify.Piece{}}
			o.Reach(map[cpni.Via]notify.Channel{cpni.Email: d.peer, cpni.Postal: d.peer, cpni.Text: d.peer})
			for n := range 4 {
				d.people = append(d.people, o.Customer(t, func(p *customer.Profile) {
					p.Lines = nil
					p.Email[0].Value = fmt.Sprintf("c%d-%d@example.com", checks, n)
					p.Postal[0].Value = fmt.Sprintf("%d-%d Main St, Springfield, VA 22150", checks, n)
					if n == 1 {
						p.Email[0].Value = "away" + p.Email[0].Value
					}
				}))
			}
			act := breach.Act{By: by}
			i := must[*breach.Incident](t)(o.Incidents.Open(ctx, breach.Intake{By: by, Facts: breach.Facts{Title: "Sold call lists", What: "A clerk sold lists.", Discovered: o.Clock.Now(), DiscoveredBy: "a colleague",
				Data: []cpni.DataClass{cpni.CallDetail}, Outcome: clock.Disclosed, Intentional: clock.Yes, Harm: clock.Likely, Basis: "they said so"}}))
			d.id = i.ID
			must[*breach.Incident](t)(o.Incidents.Put(ctx, d.id, act, []cpni.ID{d.people[0].ID, d.people[1].ID, d.people[2].ID}, "on the list"))
			i = must[*breach.Incident](t)(o.Incidents.Word(ctx, d.id, act, breachWords))
			must[*breach.Incident](t)(o.Incidents.Agree(ctx, d.id, breach.Act{By: second}, i.WordsStep))
			if rapid.Bool().Draw(r, "begun") { // so that as many ways begin behind the report as before it
				d.move("determine")
				d.move("report")
			}
			for _, what := range rapid.SliceOfN(rapid.SampledFrom(moves), 15, 40).Draw(r, "moves") {
				d.move(what)
			}
			d.end()
			for to, all := range d.peer.taken {
				told += len(all)
				if len(all) > 1 {
					r.Errorf("one place got %d messages: %s (I-10)", len(all), to)
				}
			}
			for n, p := range d.people {
				if by := len(d.peer.taken[p.Email[0].Value]) + len(d.peer.taken[p.Postal[0].Value]); by > 1 {
					r.Errorf("customer %d was told in %d forms though the first had arrived (I-10)", n, by)
				}
			}
			for _, state := range []string{breach.IsIn, breach.NoWay} {
				if left := must[[]breach.Affected](t)(o.Incidents.Set(ctx, d.id, by, state, "", 10)); len(left) > 0 {
					r.Errorf("when all holds are over, somebody is still %s", state)
				}
			}
		})
		if told == 0 {
			t.Error("nobody was told in any order: the model shows nothing")
		}
	})
}
