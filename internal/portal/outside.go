package portal

import (
	"fmt"

	"ringfence/internal/accounting"
	"ringfence/internal/register"
)

// givenWords says of what went to somebody outside what it rests on, for which campaign it was, and what must be destroyed by when.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (p *Portal) givenWords(language string, g *accounting.Given) []string {
	if g == nil {
		return nil
	}
	all := []string{say(language, "given-basis-"+g.Basis)}
	if g.Campaign != "" {
		all = append(all, fmt.Sprintf(say(language, "given-campaign"), g.Campaign))
	}
	f := g.File
	switch {
	case f == nil || f.State == register.NoneHeld && f.DestroyBy.IsZero():
	case f.State == register.Proved && !f.Certified.IsZero():
		all = append(all, fmt.Sprintf(say(language, "given-destroyed-on"), dayOf(language, f.Certified.In(p.office.Zone))))
	case f.State == register.Proved:
		all = append(all, say(language, "given-destroyed"))
	case f.State == register.NotTaken:
		all = append(all, say(language, "given-not-taken"))
	case f.State == register.Overdue:
		all = append(all, fmt.Sprintf(say(language, "given-overdue"), dayOf(language, f.DestroyBy.In(p.office.Zone))))
	default:
		all = append(all, fmt.Sprintf(say(language, "given-destroy"), dayOf(language, f.DestroyBy.In(p.office.Zone))))
	}
	return all
}
