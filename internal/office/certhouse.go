package office

import (
	"context"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/filing/controls"
	"ringfence/internal/filing/monitor"
)

// What the records show of the house itself: who gets in, whether the ledger holds, what is promised in public, breaches, and keeping.

// cite: P-37, 47 CFR 64.2010(a)
func (o *Office) guardingEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	members, err := o.Staff.Members(ctx)
	if err != nil {
		return nil, err
	}
	have, err := o.Staff.HaveFactors(ctx)
	if err != nil {
		return nil, err
	}
	v := certificate.Values{}
	var people, without int64
	for _, m := range members {
		if m.Disabled || m.Role == cpni.RoleSystem || m.Password == "" {
			continue
		}
		if people++; !have[m.ID] {
			without++
		}
	}
	v.Set("people", people)
	v.Set("without_factor", without)
	v.Set("second_factor", 0)
	if o.Staff.SecondFactorRequired() {
		v.Set("second_factor", 1)
	}
	return v, nil
}

// cite: P-41, 47 CFR 64.2009(c), I-03, I-04
func (o *Office) ledgerEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	v := certificate.Values{"checkpoint": {Text: "no day"}, "verified_on": {Text: "no day"}, "replayed_on": {Text: "no day"}}
	for _, name := range []string{"entries", "verified", "verified_entries", "faults", "stale", "replayed", "replayed_decisions", "differ", "unreadable", "replay_stale"} {
		v.Set(name, 0)
	}
	size, err := o.Ledger.Head(ctx)
	if err != nil {
		return nil, err
	}
	v.Set("entries", size)
	signed, err := o.count(ctx, "SELECT coalesce(max(at), 0) FROM ledger_checkpoint")
	if err != nil {
		return nil, err
	}
	if signed != 0 {
		v["checkpoint"] = o.dayText(time.UnixMicro(signed))
	}
	within := o.Policy.Numbers(p.Now).Duration("certificate", "verified_within")
	verified, err := o.lastVerified(ctx)
	if err != nil {
		return nil, err
	}
	if verified != nil {
		v["verified_on"] = o.dayText(verified.At)
		v.Set("verified", 1)
		v.Set("verified_entries", verified.Entries)
		v.Set("faults", verified.Faults)
		if p.Now.Sub(verified.At) > within {
			v.Set("stale", 1)
		}
	}
	replayed, err := o.LastReplayed(ctx)
	if err != nil || replayed == nil {
		return v, err
	}
	v["replayed_on"] = o.dayText(replayed.At)
	v.Set("replayed", 1)
	v.Set("replayed_decisions", replayed.Decisions)
	v.Set("differ", replayed.Differ)
	v.Set("unreadable", replayed.Forgotten)
	if p.Now.Sub(replayed.At) > within {
		v.Set("replay_stale", 1)
	}
	return v, nil
}

// cite: P-55, P-56, P-58, P-46, 47 CFR 64.2008(c)
func (o *Office) publishedEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	v := certificate.Values{"version": {Text: "none"}, "since": {Text: "no day"}, "which": {Text: "none"}}
	for _, name := range []string{"there", "sentences", "red", "facility_verified"} {
		v.Set(name, 0)
	}
	if o.FacilityVerified(p.Now) {
		v.Set("facility_verified", 1)
	}
	if err := o.counts(ctx, v, p, map[string]string{"versions": "SELECT count(*) FROM public_policy WHERE at >= $1 AND at < $2"}); err != nil {
		return nil, err
	}
	current, _ := o.Published.Current(p.Now)
	if current == nil {
		return v, nil
	}
	v.Set("there", 1)
	v["version"], v["since"] = certificate.Value{Text: current.Edition.Version}, o.dayText(current.Effective)
	all, red, which, err := o.publishedRed(ctx, current)
	if err != nil {
		return nil, err
	}
	v.Set("sentences", all)
	v.Set("red", red)
	if red > 0 {
		v["which"] = list(which)
	}
	return v, nil
}

// cite: P-43, P-44, P-47, 47 CFR 64.2011
func (o *Office) breachesEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	all, err := o.Incidents.OfTime(ctx, p.From, p.To)
	if err != nil {
		return nil, err
	}
	v := certificate.Values{}
	for _, name := range []string{"incidents", "breaches", "told", "reported", "late", "unreported", "customers_told", "customers_late"} {
		v.Set(name, 0)
	}
	add := func(name string, is bool) {
		if is {
			v.Set(name, v[name].N+1)
		}
	}
	for _, i := range all {
		add("incidents", true)
		if !o.Incidents.Breached(i) {
			continue
		}
		c := o.Incidents.Clocks(i)
		add("breaches", true)
		add("reported", len(i.Reports) > 0)
		add("late", c.Late && len(i.Reports) > 0)
		add("unreported", c.Late && len(i.Reports) == 0)
		add("customers_told", !i.ToldAll.IsZero())
		add("customers_late", c.CustomersLate)
	}
	v.Set("told", v["customers_told"].N)
	return v, nil
}

// cite: P-49, P-54, 47 CFR 64.2007(a)(3), 47 CFR 64.2008(a)(2), 47 CFR 64.2009(c), 47 CFR 64.2011(d)
func (o *Office) keepingEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	n, v := o.Policy.Numbers(p.Now), certificate.Values{}
	for _, what := range []string{"approval", "notice", "campaign", "disclosure", "review", "breach", "training", "certificate"} {
		v.Set(what, int64(n.Int("retention", what+"_months")))
	}
	return v, o.counts(ctx, v, p, map[string]string{"destroyed": "SELECT count(*) FROM record_destroyed WHERE at >= $1 AND at < $2"})
}

// cite: P-37, 47 CFR 64.2010(a)
func (o *Office) controlsEvidence(ctx context.Context, _ certificate.Period) (certificate.Values, error) {
	all, err := o.Controls.List(ctx)
	if err != nil {
		return nil, err
	}
	var off, unknown []string
	for _, c := range all {
		switch c.State {
		case controls.Off:
			off = append(off, c.Title)
		case controls.Unknown:
			unknown = append(unknown, c.Title)
		}
	}
	v := certificate.Values{"which_off": list(off), "which_unknown": list(unknown)}
	v.Set("controls", int64(len(all)))
	v.Set("on", int64(len(all)-len(off)-len(unknown)))
	v.Set("off", int64(len(off)))
	v.Set("unknown", int64(len(unknown)))
	return v, nil
}

// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func (o *Office) tryingEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	all, err := o.Monitors.List(ctx, monitor.Span{From: p.From, Until: p.To})
	if err != nil {
		return nil, err
	}
	v := certificate.Values{}
	var tried, down, unknown []string
	var tries, worked, failed int64
	for _, s := range all {
		if s.State == monitor.NotOffered {
			continue
		}
		if s.SetUp {
			tried = append(tried, s.Way.Called())
		}
		switch s.State {
		case monitor.Down, monitor.Shaky:
			down = append(down, s.Way.Called())
		case monitor.Unknown:
			unknown = append(unknown, s.Way.Called())
		}
		tries, worked, failed = tries+int64(s.Tries), worked+int64(s.Worked), failed+int64(s.Failed)
	}
	v["which_tried"], v["which_down"], v["which_unknown"] = list(tried), list(down), list(unknown)
	for name, n := range map[string]int64{"tried": int64(len(tried)), "down": int64(len(down)), "unknown": int64(len(unknown)), "tries": tries, "worked": worked, "failed": failed} {
		v.Set(name, n)
	}
	return v, nil
}

// cite: P-39, P-41, 47 CFR 64.2009(e), 47 CFR 64.2010(a)
func (o *Office) booksEvidence(ctx context.Context, p certificate.Period) (certificate.Values, error) {
	y, err := o.Books.Year(ctx, "", p.Year)
	if err != nil {
		return nil, err
	}
	v := certificate.Values{"kept": {Text: "no day"}}
	if !y.Kept.IsZero() {
		v["kept"] = o.dayText(y.Kept.Start(o.Zone))
	}
	v.Set("whole", 0)
	if y.Whole {
		v.Set("whole", 1)
	}
	complaints := 0
	for _, c := range y.Complaints {
		complaints += len(c.Rows)
	}
	for name, n := range map[string]int{"complaints": complaints, "others": len(y.Others), "actions": len(y.Actions), "methods": len(y.Methods), "reviews": len(y.Reviews), "suppliers": len(y.Suppliers), "late_suppliers": y.LateSuppliers} {
		v.Set(name, int64(n))
	}
	return v, nil
}
