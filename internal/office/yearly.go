package office

import (
	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/yearly"
	"ringfence/internal/rules"
)

// openYearly opens the book of what years came to. Approvals are told of for the carrier's own offers of communications services, which
// silence after a notice allows.
//
// cite: P-41, 47 CFR 64.2008(d), 47 CFR 64.2009(e)
func (o *Office) openYearly() {
	o.Yearly = yearly.New(yearly.Parts{DB: o.DB, Staff: o.Staff, Training: o.Training, Watch: o.Watch, Approvals: o.Approvals, Processes: o.Processes, Incidents: o.Incidents, Failures: o.Filing,
		Calendars: o.calendars, Clock: o.Clock, Zone: o.Zone,
		Use: func() approval.Use {
			added, _ := o.Published.Terms()
			return approval.Use{Purpose: cpni.OwnMarketing, Recipient: rules.Recipient{Kind: cpni.ToCarrier}, Additions: added}
		}})
}
