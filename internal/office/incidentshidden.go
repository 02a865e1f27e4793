package office

import (
	"context"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// reservedAlerts are the alerts that only they see who may know of incidents.
//
// cite: P-37, P-47, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func reservedAlerts() map[cpni.Code]staff.Right {
	all := map[cpni.Code]staff.Right{}
	for _, code := range breach.Alerts {
		all[code] = staff.ReadIncidents
	}
	return all
}

// tellsOfIncident reports whether what a search has found tells that there is an incident.
func tellsOfIncident(f watch.Found) bool {
	_, reserved := reservedAlerts()[f.Code]
	return f.Kind == ledger.Incident || f.Kind == ledger.Alert && reserved
}

// hiddenIncident reports whether a member of the staff may not know of incidents.
//
// cite: P-37, P-47, 47 CFR 64.2010(a)
func (o *Office) hiddenIncident(ctx context.Context, by cpni.ID) (bool, error) {
	m, _, err := o.Staff.Recent(ctx, by)
	if err != nil {
		return true, err
	}
	return !breach.Sees(m), nil
}
