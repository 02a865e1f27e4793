package office

import (
	"io/fs"
	"sync"
	"time"

	"ringfence/internal/breach/form"
	"ringfence/policy"
)

// Filer is what reports to the agencies say of the carrier.
type Filer = form.Carrier

// reporting is what an office reports to the agencies with.
type reporting struct {
	Forms *form.Forms
	filer Filer
}

// builtInForms are read once: what is built in does not change.
var builtInForms = sync.OnceValues(func() (*form.Forms, error) { return form.Load(policy.Files) })

// ReadForms reads the forms of reports to the agencies of a policy's files; of one without forms, those that are built in.
//
// cite: P-45
func ReadForms(files fs.FS) (*form.Forms, error) {
	if files == nil || files == fs.FS(policy.Files) || !form.There(files) {
		return builtInForms()
	}
	return form.Load(files)
}

// Facility is where breaches are reported, and whether somebody has looked lately enough that the link leads there.
//
// cite: P-46, 47 CFR 64.2011(b)
func (o *Office) Facility(at time.Time) form.Facility {
	return form.Facility{Link: o.public.Carrier.Facility, Verified: o.public.Carrier.Verified, Stale: !o.FacilityVerified(at)}
}

// ReportFacts are what a report to the agencies says of the carrier: what was configured for it, and otherwise what customers are told.
//
// cite: P-45, 47 CFR 64.2011(b)
func (o *Office) ReportFacts() form.Facts {
	c := o.filer
	if c.LegalName == "" {
		c.LegalName = o.public.Carrier.Name
	}
	if c.Address == "" {
		c.Address = o.public.Carrier.Post
	}
	return form.Facts{Carrier: c, Zone: o.Zone, Made: o.Clock.Now()}
}
