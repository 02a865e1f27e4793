package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// Release is what was released of one subject by one decision.
type Release struct {
	Subject  int
	Customer cpni.ID
	Round    int     // 1, 2, … of the subject: a paper that asks for days to come is answered in parts
	Entry    cpni.ID // the decision, in the customer's records
	At       time.Time
	Package  int // in which it goes; 0: none yet
}

// Gap is what a paper asks for and is not released, and why.
//
// cite: P-29, P-41
type Gap struct{ What, Why string }

// Tried is what came of releasing under a process.
type Tried struct {
	Released int   // how many subjects
	Refused  []Gap // whom the door refused, and why
}

// Releases lists what was released under a process, to who may know of it.
func (r *Register) Releases(ctx context.Context, id, by cpni.ID) ([]Release, error) {
	if _, err := r.One(ctx, id, by); err != nil {
		return nil, err
	}
	return r.releases(ctx, r.DB.Reader(), id)
}

func (r *Register) releases(ctx context.Context, q store.Querier, id cpni.ID) ([]Release, error) {
	rows, err := q.Query(ctx, "SELECT customer_id, no, round, entry_id, at, package FROM process_release WHERE process_id = $1 ORDER BY no, round", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading what was released: %w", err)
	}
	defer rows.Close()
	var all []Release
	for rows.Next() {
		var x Release
		var at int64
		if err := rows.Scan(&x.Customer, &x.Subject, &x.Round, &x.Entry, &at, &x.Package); err != nil {
			return nil, err
		}
		x.At = time.UnixMicro(at).UTC()
		all = append(all, x)
	}
	return all, rows.Err()
}

// errReleased: somebody else, or an earlier call that was cut off, has released it.
var errReleased = cpni.Rejected("CONFLICT", "this was released meanwhile", []string{"P-29", "I-11"}, "look at the file again")

// errStands refuses to go on with a process that does not stand.
func (p *Process) errStands(now time.Time) error {
	switch {
	case p.State == Entered:
		return refuse("nobody has read it yet, and nothing is released because it is late", "have somebody else review it")
	case p.State != Approved:
		return refuse("it is "+string(p.State)+", so nothing is released under it", "ask the issuer for another paper")
	case now.Before(p.From):
		return refuse("it is not in force yet", "wait for its first day")
	case p.Expired(now):
		return refuse("it is no longer in force, so nothing is released under it", "ask the issuer for another paper")
	case now.Before(p.First):
		return cpni.Rejected(codeProcess, "the customer was told first, and the time in which they can go to court still runs", []string{"P-29"}, "wait until it is over; nothing is released before, also when the paper is due")
	}
	return nil
}

// Release asks the one door for what a process is to be answered with, subject by subject: each is a decision of its own, which the
// door makes by what this register says at that moment. In the transaction of a permit stand the release, the step in the history and
// what the customer is to be told. What was released before is not released again, unless the paper asks for days that have come since: then
// once a day.
//
// cite: P-29, P-41, I-01, I-02, 47 USC 222(c)(1)
func (r *Register) Release(ctx context.Context, id, by cpni.ID) (Tried, error) {
	var out Tried
	p, err := r.One(ctx, id, by)
	if err != nil {
		return out, err
	}
	now := r.Clock.Now()
	if err := p.errStands(now); err != nil {
		return out, err
	}
	done, err := r.releases(ctx, r.DB.Reader(), id)
	if err != nil {
		return out, err
	}
	for _, no := range p.Scope.Subjects {
		s := p.Subject(no)
		if s == nil || s.Customer == "" || s.Forgotten {
			continue
		}
		round := 1
		last := time.Time{}
		for _, x := range done {
			if x.Subject == no {
				round, last = max(round, x.Round+1), x.At
			}
		}
		if round > 1 && (!last.Before(p.Scope.Until) || !workday.DateIn(last, r.Zone).Before(workday.DateIn(now, r.Zone))) {
			continue // it has all been released, or this day's part of it has
		}
		if err := r.releaseOne(ctx, p, *s, round, by, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (r *Register) releaseOne(ctx context.Context, p *Process, s Subject, round int, by cpni.ID, out *Tried) error {
	now := r.Clock.Now()
	months := p.Scope.months(now, r.Zone)
	if len(months) == 0 {
		return nil // what it asks for is all to come
	}
	a, err := r.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Staff: by}, Customer: s.Customer, Data: p.Scope.Data, Purpose: cpni.Legal, To: p.Recipient(), Via: cpni.File, Line: s.Number, Months: months,
		Process: &rules.Process{ID: string(p.ID)},
		Sends: func(ctx context.Context, tx *store.Tx, of, entry cpni.ID) ([]ledger.Entry, error) {
			return r.released(ctx, tx, p.ID, Release{Subject: s.No, Customer: of, Round: round, Entry: entry}, by)
		}})
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Code == errReleased.Code && refusal.Says == errReleased.Says:
		return nil
	case err != nil:
		return err
	case a.Decision.Permit():
		out.Released++
		return nil
	}
	why := strings.Join(a.Decision.Says, " ")
	out.Refused = append(out.Refused, Gap{What: s.Says, Why: why})
	_, err = r.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := r.hold(ctx, tx, p.ID); err != nil {
			return nil, err
		}
		e, err := r.step(ctx, tx, p.ID, string(by), DidRefuse, r.Clock.Now(), Event{Subject: s.No, Decision: a.Entry, Code: a.Decision.Code, Reason: why})
		return []ledger.Entry{e}, err
	})
	return err
}

// released keeps a release in the transaction that records its decision.
//
// cite: P-29, P-41, I-02
func (r *Register) released(ctx context.Context, tx *store.Tx, id cpni.ID, x Release, by cpni.ID) ([]ledger.Entry, error) {
	now := r.Clock.Now()
	p, err := r.hold(ctx, tx, id)
	if err == nil {
		err = p.errStands(now) // it may have been quashed since the door looked
	}
	if err != nil {
		return nil, err
	}
	done, err := tx.Exec(ctx, "INSERT INTO process_release (customer_id, process_id, no, round, entry_id, at, package) VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (customer_id, process_id, no, round) DO NOTHING",
		string(x.Customer), string(id), x.Subject, x.Round, string(x.Entry), now.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("keeping what was released: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return nil, errors.Join(err, errReleased)
	}
	k, known := r.Policy.Numbers(now).ProcessKind(p.Kind)
	if known && k.Notice != rules.NoticeNone {
		if err := r.owe(ctx, tx, p, x.Customer, rules.NoticeAfter, now); err != nil {
			return nil, err
		}
	}
	e, err := r.step(ctx, tx, id, string(by), DidRelease, now, Event{Subject: x.Subject, Decision: x.Entry})
	return []ledger.Entry{e}, err
}

// Withheld tells what a paper asks for and is not released, and why, as far as it is known: what the reviewer has left out, whom we do
// not serve, and what cannot be told apart by days.
//
// cite: P-29, P-41
func (r *Register) Withheld(p *Process) []Gap {
	var all []Gap
	if p.ReviewedBy == "" || p.State == Rejected {
		return nil
	}
	k, _ := r.Policy.Numbers(r.Clock.Now()).ProcessKind(p.Kind)
	for _, d := range p.Differences(p.Scope, r.Zone) {
		g := Gap{Why: p.Reason}
		switch d.What {
		case "about":
			g.What = d.Asked
		case "data":
			g.What = dataWords[cpni.DataClass(d.Asked)]
			if !slices.Contains(k.Demands, cpni.DataClass(d.Asked)) {
				g.Why = strings.TrimSpace("A " + strings.ToLower(k.Called[:1]) + k.Called[1:] + " (" + k.Section + ") cannot command it. " + p.Reason)
			}
		case "from":
			g.What = "Records before " + d.Given
		case "until":
			g.What = "Records after " + d.Given
		}
		all = append(all, g)
	}
	for _, no := range p.Scope.Subjects {
		switch s := p.Subject(no); {
		case s == nil:
		case s.Forgotten:
			all = append(all, Gap{fmt.Sprintf("Entry %d of the paper", no), "The records of this customer have been destroyed."})
		case s.Customer == "":
			all = append(all, Gap{s.Says, "No customer of ours had it in the time that is asked for."})
		}
	}
	if slices.ContainsFunc(p.Scope.Data, ofMonths) {
		for _, m := range p.partMonths(r.Zone) {
			all = append(all, Gap{"Bills and amounts of " + m, "Only a part of this month is asked for, and they are of the whole month."})
		}
	}
	if slices.ContainsFunc(p.Scope.Subjects, func(no int) bool { s := p.Subject(no); return s != nil && s.Number != "" }) && slices.ContainsFunc(p.Scope.Data, func(c cpni.DataClass) bool { return ofMonths(c) || c == cpni.Service }) {
		all = append(all, Gap{"Bills, amounts and services of a whole account", "Only one number of the account is asked for."})
	}
	return all
}

func ofMonths(c cpni.DataClass) bool {
	return c == cpni.Billing || c == cpni.Usage || c == cpni.Location
}

// partMonths are the months of which the scope covers a part alone.
func (p *Process) partMonths(zone *time.Location) []string {
	var all []string
	for _, at := range []time.Time{p.Scope.From, p.Scope.Until.Add(-time.Microsecond)} {
		y, m, _ := at.In(zone).Date()
		first := time.Date(y, m, 1, 0, 0, 0, 0, zone)
		if name := first.Format("January 2006"); (first.Before(p.Scope.From) || first.AddDate(0, 1, 0).After(p.Scope.Until)) && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// dataWords are the words of letters for the classes of information.
var dataWords = map[cpni.DataClass]string{cpni.CallDetail: "Call records", cpni.Usage: "Amounts of use", cpni.Service: "Services", cpni.Location: "Locations of calls", cpni.Billing: "Bills", cpni.Listing: "Directory listings"}

// opened opens what one release permits, at the moment at which it is handed out.
func (r *Register) openedRelease(ctx context.Context, x Release) (*disclose.Released, *customer.Profile, error) {
	released, p, err := r.Door.Sent(ctx, x.Customer, x.Entry)
	if errors.Is(err, vault.ErrForgotten) {
		return nil, nil, nil
	}
	return released, p, err
}
