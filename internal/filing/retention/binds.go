package retention

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Reason is why something of a customer must be kept.
type Reason struct {
	Kind  Kind
	Hold  cpni.ID   // "" it is no legal hold
	Until time.Time // the first moment at which it need no longer be kept; zero: nobody can say yet
	Says  string
}

// since is the last that happened to what a customer has of a kind, and whether it still goes on.
type since struct {
	last time.Time // zero: the customer has nothing of the kind
	open string    // why it still goes on; "" it does not
}

// binding finds that of a customer, who has ended at a moment or not.
type binding func(ctx context.Context, d *Desk, q store.Querier, of cpni.ID, ended time.Time) (since, error)

// last reads one moment that may not be there.
func last(ctx context.Context, q store.Querier, query string, args ...any) (time.Time, error) {
	var at sql.NullInt64
	if err := q.QueryRow(ctx, query, args...).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("looking for what must be kept: %w", err)
	}
	if at.Int64 == 0 {
		return time.Time{}, nil
	}
	return time.UnixMicro(at.Int64).UTC(), nil
}

func count(ctx context.Context, q store.Querier, query string, args ...any) (n int, err error) {
	if err = q.QueryRow(ctx, query, args...).Scan(&n); err != nil {
		err = fmt.Errorf("looking for what must be kept: %w", err)
	}
	return n, err
}

// ofApprovals: proof is needed for as long as an approval is relied on, and the months count from its end.
//
// cite: P-26, 47 CFR 64.2007(a)(3)
func ofApprovals(ctx context.Context, _ *Desk, q store.Querier, of cpni.ID, ended time.Time) (since, error) {
	at, err := last(ctx, q, "SELECT max(recorded) FROM approval_event WHERE customer_id = $1", string(of))
	if err != nil || at.IsZero() {
		return since{}, err
	}
	if ended.After(at) {
		return since{last: ended}, nil
	}
	n, err := count(ctx, q, "SELECT count(*) FROM approval WHERE customer_id = $1 AND state IN ($2, $3, $4)", string(of), string(cpni.Waiting), string(cpni.OptOutOK), string(cpni.OptInOK))
	s := since{last: at}
	if n > 0 && ended.IsZero() {
		s.open = "an approval is in force, and its proof is needed while it is relied on"
	}
	return s, err
}

// cite: P-27, 47 CFR 64.2008(a)(2)
func ofNotices(ctx context.Context, _ *Desk, q store.Querier, of cpni.ID, _ time.Time) (since, error) {
	at, err := last(ctx, q, "SELECT max(at) FROM notice_given WHERE customer_id = $1", string(of))
	return since{last: at}, err
}

// cite: P-40, 47 CFR 64.2009(c)
func ofCampaigns(ctx context.Context, _ *Desk, q store.Querier, of cpni.ID, _ time.Time) (since, error) {
	at, err := last(ctx, q, "SELECT max(c.changed) FROM campaign_member m JOIN campaign c ON c.campaign_id = m.campaign_id WHERE m.customer_id = $1", string(of))
	return since{last: at}, err
}

// cite: P-41, 47 CFR 64.2009(c)
func ofDisclosures(ctx context.Context, _ *Desk, q store.Querier, of cpni.ID, _ time.Time) (since, error) {
	at, err := last(ctx, q, "SELECT max(r.at) FROM record r WHERE r.customer_id = $1 AND "+outside, string(of))
	return since{last: at}, err
}

// cite: P-29, 47 CFR 64.2009(c)
func ofProcesses(ctx context.Context, _ *Desk, q store.Querier, of cpni.ID, _ time.Time) (since, error) {
	const joined = " FROM process_subject s JOIN process p ON p.process_id = s.process_id WHERE s.customer_id = $1"
	at, err := last(ctx, q, "SELECT max(p.changed)"+joined, string(of))
	if err != nil || at.IsZero() {
		return since{}, err
	}
	n, err := count(ctx, q, "SELECT count(*)"+joined+" AND p.state IN ('entered', 'approved')", string(of))
	s := since{last: at}
	if n > 0 {
		s.open = "legal process about them is not closed"
	}
	return s, err
}

// ofIncidents: what a customer was told of an incident can be read only with their key. A rehearsal binds nobody.
//
// cite: P-54, 47 CFR 64.2011(d)
func ofIncidents(ctx context.Context, _ *Desk, q store.Querier, of cpni.ID, _ time.Time) (since, error) {
	const joined = " FROM incident_customer s JOIN incident i ON i.incident_id = s.incident_id WHERE s.customer_id = $1 AND s.state <> 'out' AND i.exercise = 0 AND i.state <> 'removed'"
	at, err := last(ctx, q, "SELECT max(i.changed)"+joined, string(of))
	if err != nil || at.IsZero() {
		return since{}, err
	}
	n, err := count(ctx, q, "SELECT count(*)"+joined+" AND i.state = 'open'", string(of))
	s := since{last: at.AddDate(0, 0, 1)} // as the files count themselves
	if n > 0 {
		s.open = "the file of an incident that reached them is open"
	}
	return s, err
}

// cite: 47 CFR 64.2009(e)
func ofComplaints(ctx context.Context, _ *Desk, q store.Querier, of cpni.ID, _ time.Time) (since, error) {
	at, err := last(ctx, q, "SELECT max(changed) FROM complaint WHERE customer_id = $1", string(of))
	return since{last: at}, err
}

// Kept gives what of a customer must be kept at this moment, with until when and why; nothing: their key can be destroyed.
//
// cite: P-54, I-21, I-22, 47 CFR 64.2007(a)(3), 47 CFR 64.2011(d)
func (d *Desk) Kept(ctx context.Context, of cpni.ID) ([]Reason, error) {
	return d.kept(ctx, d.DB.Reader(), of)
}

func (d *Desk) kept(ctx context.Context, q store.Querier, of cpni.ID) ([]Reason, error) {
	now := d.Clock.Now()
	all, err := d.heldCustomer(ctx, q, of)
	if err != nil {
		return nil, err
	}
	ended, err := last(ctx, q, "SELECT max(ended) FROM customer WHERE customer_id = $1", string(of))
	if err != nil {
		return nil, err
	}
	for _, k := range Catalogue() {
		if k.binds == nil {
			continue
		}
		s, err := k.binds(ctx, d, q, of, ended)
		if err != nil {
			return nil, err
		}
		t := d.Term(k, now)
		switch until := d.until(s.last, t.Months); {
		case s.last.IsZero():
		case s.open != "":
			all = append(all, Reason{Kind: k, Says: s.open})
		case !t.Known:
			all = append(all, Reason{Kind: k, Says: "the policy in force does not say how long it is kept"})
		case now.Before(until):
			all = append(all, Reason{Kind: k, Until: until, Says: fmt.Sprintf("it is kept for %d months from %s", t.Months, k.Counts)})
		}
	}
	return all, nil
}

// MayForget refuses to destroy a customer's key while something of theirs must be kept. A refusal says until when and why, and names no
// incident, for whoever asks may not know of one.
//
// cite: P-54, I-21, I-22, 47 CFR 64.2007(a)(3), 47 CFR 64.2011(d)
func (d *Desk) MayForget(ctx context.Context, q store.Querier, of cpni.ID) error {
	all, err := d.kept(ctx, q, of)
	if err != nil || len(all) == 0 {
		return err
	}
	var latest Reason
	open := false
	var cites []string
	for _, r := range all {
		if r.Kind.Name != "incidents" {
			cites = append(cites, r.Kind.Cites...)
		}
		if open = open || r.Until.IsZero(); r.Until.After(latest.Until) || latest.Says == "" || r.Until.IsZero() && !latest.Until.IsZero() {
			latest = r
		}
	}
	return cpni.Rejected(Retained, d.saying(latest, open), unique(append([]string{"P-41", "P-54"}, cites...)), d.ways(latest)...)
}

// saying words why a customer cannot be forgotten yet.
func (d *Desk) saying(r Reason, open bool) string {
	what := "something of this customer must be kept: "
	switch {
	case r.Hold != "":
		return what + "a legal hold covers them, and keeps everything until it is lifted"
	case r.Kind.Name == "incidents":
		what += "a record of the rules on customers' information" // nobody learns here that there was an incident
	default:
		what += lower(r.Kind.Title)
	}
	if open || r.Until.IsZero() {
		if r.Kind.Name == "incidents" {
			return what + "; until when, nobody can say yet"
		}
		return what + ", for " + r.Says
	}
	return what + ", until " + r.Until.In(d.Zone).Format(time.DateOnly)
}

func (d *Desk) ways(r Reason) []string {
	if r.Hold != "" {
		return []string{"have the hold lifted by another person, once the matter is over"}
	}
	return []string{"ask again when its time is over; once the service has ended and nothing must be kept, the plan of erasure names the customer by itself",
		"use of their information can be refused at once, and that does not wait"}
}
