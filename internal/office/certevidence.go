package office

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/publish"
	"ringfence/internal/training"
	"ringfence/internal/watch"
)

// certificateSources are what the records show of a year, part by part. Each asks the stores; none holds a sentence.
//
// cite: P-37, 47 CFR 64.2009(e)
func (o *Office) certificateSources() []certificate.Source {
	return []certificate.Source{
		{Name: "rules", Values: []string{"rules", "version", "versions", "decisions", "permitted", "refused", "reasons"}, Ask: o.rulesEvidence},
		{Name: "authentication", Values: []string{"ways", "ways_n", "contacts", "proofs", "failed", "unproven"}, Ask: o.authenticationEvidence},
		{Name: "changes", Values: []string{"notices", "gone", "arrived", "waiting", "lost"}, Ask: o.changesEvidence},
		{Name: "approvals", Values: []string{"given", "void", "refused", "granted", "lifted", "looked", "day", "customers", "covered", "lapsed", "never", "nothing"}, Ask: o.approvalsEvidence},
		{Name: "refusing", Values: []string{"ways", "ways_n", "refused", "failures", "anomalies", "more", "unjudged", "sent", "late"}, Ask: o.refusingEvidence},
		{Name: "trying", Values: []string{"which_tried", "which_down", "which_unknown", "tried", "down", "unknown", "tries", "worked", "failed"}, Ask: o.tryingEvidence},
		{Name: "controls", Values: []string{"controls", "on", "off", "unknown", "which_off", "which_unknown"}, Ask: o.controlsEvidence},
		{Name: "books", Values: []string{"kept", "whole", "complaints", "others", "actions", "methods", "reviews", "suppliers", "late_suppliers"}, Ask: o.booksEvidence},
		{Name: "campaigns", Values: []string{"drawn", "approved", "returned", "launched", "unreviewed"}, Ask: o.campaignsEvidence},
		{Name: "third", Values: []string{"disclosures", "recipients", "agreements", "held", "overdue", "certificates", "processes"}, Ask: o.thirdEvidence},
		{Name: "training", Values: []string{"people", "covered", "uncovered", "passes", "turned_away"}, Ask: o.trainingEvidence},
		{Name: "discipline", Values: []string{"findings", "cases", "decided", "waiting"}, Ask: o.disciplineEvidence},
		{Name: "watching", Values: []string{"alerts", "closed", "violations", "open", "overdue"}, Ask: o.watchingEvidence},
		{Name: "guarding", Values: []string{"second_factor", "without_factor", "people"}, Ask: o.guardingEvidence},
		{Name: "ledger", Values: []string{"entries", "checkpoint", "verified", "verified_on", "verified_entries", "faults", "stale", "replayed", "replayed_on", "replayed_decisions", "differ", "unreadable", "replay_stale"}, Ask: o.ledgerEvidence},
		{Name: "published", Values: []string{"there", "version", "since", "versions", "sentences", "red", "which", "facility_verified"}, Ask: o.publishedEvidence},
		{Name: "breaches", Values: []string{"incidents", "breaches", "told", "reported", "late", "unreported", "customers_told", "customers_late"}, Ask: o.breachesEvidence},
		{Name: "keeping", Values: []string{"approval", "notice", "campaign", "disclosure", "review", "breach", "training", "certificate", "destroyed"}, Ask: o.keepingEvidence},
	}
}

// count asks the database for one number.
func (o *Office) count(ctx context.Context, query string, args ...any) (n int64, err error) {
	if err = o.DB.Reader().QueryRow(ctx, query, args...).Scan(&n); err != nil {
		err = fmt.Errorf("counting what the records show: %w", err)
	}
	return n, err
}

// counts asks for several numbers of a time, each by a query whose first two places are its ends.
func (o *Office) counts(ctx context.Context, v certificate.Values, p certificate.Period, queries map[string]string) error {
	for name, query := range queries {
		n, err := o.count(ctx, query, p.From.UnixMicro(), p.To.UnixMicro())
		if err != nil {
			return err
		}
		v.Set(name, n)
	}
	return nil
}

// byWord asks for a number by a word.
func (o *Office) byWord(ctx context.Context, query string, args ...any) (map[string]int64, error) {
	rows, err := o.DB.Reader().Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("counting what the records show: %w", err)
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var word string
		var n int64
		if err := rows.Scan(&word, &n); err != nil {
			return nil, fmt.Errorf("counting what the records show: %w", err)
		}
		all[word] = n
	}
	return all, rows.Err()
}

func (o *Office) dayText(at time.Time) certificate.Value {
	return certificate.Value{N: at.Unix(), Text: at.In(o.Zone).Format("January 2, 2006")}
}

// list writes words as a sentence has them.
func list(words []string) certificate.Value {
	text := strings.Join(words, ", ")
	if n := len(words); n > 1 {
		text = strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return certificate.Value{N: int64(len(words)), Text: text}
}

// cite: P-01, P-28, 47 CFR 64.2005, 47 CFR 64.2007
func (o *Office) rulesEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	set := o.rulesInForce()
	sums, err := o.Watch.Sums(ctx, p.From, p.To)
	if err != nil {
		return nil, err
	}
	v := certificate.Values{"version": {Text: set.Version()[:min(12, len(set.Version()))]}}
	v.Set("rules", int64(len(set.Rules())))
	v.Set("decisions", sums[watch.Decided])
	v.Set("permitted", sums[watch.Permitted])
	v.Set("refused", sums[watch.Decided]-sums[watch.Permitted])
	var reasons int64
	for what := range sums {
		if strings.HasPrefix(what, watch.Refused) {
			reasons++
		}
	}
	v.Set("reasons", reasons)
	return v, o.counts(ctx, v, p, map[string]string{"versions": "SELECT count(*) FROM rule_set WHERE at >= $1 AND at < $2"})
}

// cite: P-16, P-18, P-42, 47 CFR 64.2010(a), 47 CFR 64.2010(b)
func (o *Office) authenticationEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	sums, err := o.Watch.Sums(ctx, p.From, p.To)
	if err != nil {
		return nil, err
	}
	ways := []string{"a password or PIN that the customer has chosen", "a photo ID in a store"}
	if o.Messages.Channels[cpni.Voice] != nil {
		ways = append(ways, "a call back to a telephone number of record")
	}
	if slices.ContainsFunc([]cpni.Via{cpni.Text, cpni.Email, cpni.Postal}, func(via cpni.Via) bool { return o.Messages.Channels[via] != nil }) {
		ways = append(ways, "a code sent to an address or number of record")
	}
	v := certificate.Values{"ways": list(ways)}
	v.Set("ways_n", int64(len(ways)))
	v.Set("contacts", sums[watch.Contacts])
	v.Set("proofs", sums[watch.Proved])
	v.Set("failed", sums[watch.Failed])
	v.Set("unproven", sums[watch.Refused+"UNAUTHENTICATED"]+sums[watch.Refused+"TOKEN_SCOPE"])
	return v, nil
}

// cite: P-23, P-25, 47 CFR 64.2010(f)
func (o *Office) changesEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	by, err := o.byWord(ctx, "SELECT state, count(*) FROM message WHERE at >= $1 AND at < $2 AND kind = $3 GROUP BY state", p.From.UnixMicro(), p.To.UnixMicro(), notify.AccountChange)
	if err != nil {
		return nil, err
	}
	of := func(states ...notify.State) (n int64) {
		for _, s := range states {
			n += by[string(s)]
		}
		return n
	}
	v := certificate.Values{}
	v.Set("notices", of(notify.Queued, notify.Sending, notify.Sent, notify.Delivered, notify.Bounced, notify.Failed))
	v.Set("gone", of(notify.Sent, notify.Delivered, notify.Bounced))
	v.Set("arrived", of(notify.Delivered))
	v.Set("waiting", of(notify.Queued, notify.Sending))
	v.Set("lost", of(notify.Bounced, notify.Failed))
	return v, nil
}

// cite: P-07, P-26, P-58, 47 CFR 64.2007, 47 CFR 64.2008
func (o *Office) approvalsEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	by, err := o.byWord(ctx, "SELECT what, count(*) FROM approval_event WHERE recorded >= $1 AND recorded < $2 AND NOT EXISTS (SELECT 1 FROM monitor_canary m WHERE m.customer_id = approval_event.customer_id) GROUP BY what", p.From.UnixMicro(), p.To.UnixMicro())
	if err != nil {
		return nil, err
	}
	v := certificate.Values{"day": {Text: "no day"}}
	v.Set("given", by[string(approval.Noticed)])
	v.Set("void", by[string(approval.Voided)])
	v.Set("refused", by[string(approval.Objected)])
	v.Set("granted", by[string(approval.Granted)])
	v.Set("lifted", by[string(approval.Lifted)])
	for name := range map[string]bool{"looked": true, "covered": true, "lapsed": true, "never": true, "nothing": true} {
		v.Set(name, 0)
	}
	n, err := o.count(ctx, "SELECT count(*) FROM customer WHERE ended = 0 AND NOT EXISTS (SELECT 1 FROM monitor_canary m WHERE m.customer_id = customer.customer_id)")
	if err != nil {
		return nil, err
	}
	v.Set("customers", n)
	days, err := o.Notices.Days(ctx, 1)
	if err != nil || len(days) == 0 {
		return v, err
	}
	last := days[len(days)-1]
	v["day"] = o.dayText(last.Date.Start(o.Zone))
	v.Set("looked", 1)
	v.Set("covered", last.Of(notice.Covered))
	for what, n := range last.N {
		if strings.HasPrefix(what, notice.LapsesIn) {
			v.Set("covered", v["covered"].N+n)
		}
	}
	v.Set("lapsed", last.Of(notice.Lapsed))
	v.Set("never", last.Of(notice.NeverHad))
	v.Set("nothing", last.Of(notice.Nothing))
	return v, nil
}

// cite: P-11, P-12, P-14, 47 CFR 64.2008(d)(3), 47 CFR 64.2009(f)
func (o *Office) refusingEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	var ways []string
	for _, w := range []struct{ text, at string }{{"by e-mail", o.public.Carrier.Email}, {"by telephone", o.public.Carrier.Phone}, {"by letter", o.public.Carrier.Post}, {"in their account on the web", o.public.Carrier.Web}} {
		if strings.TrimSpace(w.at) != "" {
			ways = append(ways, w.text)
		}
	}
	v := certificate.Values{"ways": list(ways)}
	v.Set("ways_n", int64(len(ways)))
	// The accounts by which the ways are tried are no customers.
	refused, err := o.count(ctx, "SELECT count(*) FROM approval_event WHERE recorded >= $1 AND recorded < $2 AND what = 'objected' AND NOT EXISTS (SELECT 1 FROM monitor_canary m WHERE m.customer_id = approval_event.customer_id)", p.From.UnixMicro(), p.To.UnixMicro())
	if err != nil {
		return nil, err
	}
	v.Set("refused", refused)
	all, err := o.Filing.OfTime(ctx, p.From, p.To)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"failures", "anomalies", "more", "unjudged", "sent", "late"} {
		v.Set(name, 0)
	}
	add := func(name string, is bool) {
		if is {
			v.Set(name, v[name].N+1)
		}
	}
	for _, f := range all {
		add("failures", true)
		add("anomalies", f.Judged != nil && f.Judged.Anomaly)
		add("more", f.Judged != nil && !f.Judged.Anomaly)
		add("unjudged", f.Judged == nil)
		add("sent", f.Letter != nil)
		add("late", o.Filing.Late(f))
	}
	return v, nil
}

// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (o *Office) campaignsEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	v := certificate.Values{}
	event := func(what, more string) string {
		return "SELECT count(DISTINCT e.campaign_id) FROM campaign_event e JOIN campaign c ON c.campaign_id = e.campaign_id WHERE e.at >= $1 AND e.at < $2 AND e.what = '" + what + "'" + more
	}
	return v, o.counts(ctx, v, p, map[string]string{
		"drawn":    "SELECT count(*) FROM campaign WHERE at >= $1 AND at < $2",
		"approved": event(string(campaign.Approved), ""), "returned": event(string(campaign.Returned), ""), "launched": event(string(campaign.Launched), ""),
		"unreviewed": event(string(campaign.Launched), " AND NOT EXISTS (SELECT 1 FROM campaign_event a WHERE a.campaign_id = e.campaign_id AND a.what = '"+string(campaign.Approved)+"' AND a.by_staff <> c.by_staff)"),
	})
}

// cite: P-35, P-41, 47 CFR 64.2009(c), V112
func (o *Office) thirdEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	v := certificate.Values{}
	if err := o.counts(ctx, v, p, map[string]string{
		"disclosures":  "SELECT count(*) FROM register_line WHERE at >= $1 AND at < $2",
		"recipients":   "SELECT count(DISTINCT recipient) FROM register_line WHERE at >= $1 AND at < $2",
		"certificates": "SELECT count(*) FROM export_certificate WHERE at >= $1 AND at < $2",
		"processes":    "SELECT count(*) FROM process WHERE received >= $1 AND received < $2",
	}); err != nil {
		return nil, err
	}
	partners, err := o.Partners.All(ctx)
	if err != nil {
		return nil, err
	}
	var agreements, overdue int64
	for _, x := range partners {
		if x.Agreement != nil {
			agreements++
		}
		if !x.Due.IsZero() && x.Due.Before(p.Now) {
			overdue++
		}
	}
	v.Set("agreements", agreements)
	v.Set("overdue", overdue)
	held, err := o.count(ctx, "SELECT count(*) FROM export WHERE fetches > 0 AND certified = 0")
	v.Set("held", held)
	return v, err
}

// cite: P-38, 47 CFR 64.2009(b)
func (o *Office) trainingEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	members, err := o.Staff.Members(ctx)
	if err != nil {
		return nil, err
	}
	v := certificate.Values{}
	var people, covered int64
	for i := range members {
		m := &members[i]
		if m.Disabled {
			continue
		}
		switch o.Training.Standing(m, p.Now).State {
		case training.Exempt:
		case training.Current, training.Lapsing:
			people, covered = people+1, covered+1
		default:
			people++
		}
	}
	v.Set("people", people)
	v.Set("covered", covered)
	v.Set("uncovered", people-covered)
	sums, err := o.Watch.Sums(ctx, p.From, p.To)
	if err != nil {
		return nil, err
	}
	v.Set("turned_away", sums[watch.Refused+"UNTRAINED"])
	return v, o.counts(ctx, v, p, map[string]string{"passes": "SELECT count(*) FROM training_pass WHERE passed >= $1 AND passed < $2"})
}

// cite: P-39, 47 CFR 64.2009(b)
func (o *Office) disciplineEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	v := certificate.Values{}
	findings, err := o.Discipline.Findings(ctx, "")
	if err != nil {
		return nil, err
	}
	var found, cases, decided int64
	for _, f := range findings {
		if f.Found.Before(p.From) || !f.Found.Before(p.To) {
			continue
		}
		if found++; f.Case == nil {
			continue
		}
		if cases++; f.Case.Decided() {
			decided++
		}
	}
	v.Set("findings", found)
	v.Set("cases", cases)
	v.Set("decided", decided)
	v.Set("waiting", found-decided)
	return v, nil
}

// cite: P-37, 47 CFR 64.2010(a)
func (o *Office) watchingEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	r, err := o.Watch.Raised(ctx, p.From, p.To)
	v := certificate.Values{}
	for name, n := range map[string]int64{"alerts": r.All, "closed": r.Closed, "violations": r.Violations, "open": r.Open, "overdue": r.Overdue} {
		v.Set(name, n)
	}
	return v, err
}

// publishedRed tells which sentences of the public policy are not kept now.
func (o *Office) publishedRed(ctx context.Context, version *publish.Version) (all, red int64, which []string, err error) {
	controls, err := o.controls(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	for _, k := range publish.Judge(version, controls) {
		if all++; k.Red() {
			red++
			which = append(which, k.Sentence.ID)
		}
	}
	return all, red, which, nil
}
