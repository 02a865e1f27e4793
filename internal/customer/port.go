package customer

import (
	"slices"
	"time"

	"ringfence/internal/cpni"
)

// Port is that another carrier has asked for a number of the customer. The register of matters writes it here, in the
// transaction in which the port begins or ends, so that every decision about the customer knows of it.
//
// cite: P-33, 47 USC 222(b)
type Port struct {
	Matter cpni.ID   `json:"matter"`
	Number string    `json:"number"` // E.164
	Since  time.Time `json:"since"`
	Ended  time.Time `json:"ended,omitzero"` // zero: it runs
}

// mostPorts bounds how many ports that have ended are kept with a customer; the register of matters has them all.
const mostPorts = 50

// Porting reports whether a port of a number runs.
func (p *Profile) Porting(number string) bool {
	return slices.ContainsFunc(p.Ports, func(x Port) bool { return x.Number == number && x.Ended.IsZero() })
}

// PortBegins notes that another carrier has asked for a number.
func (p *Profile) PortBegins(matter cpni.ID, number string, at time.Time) {
	p.Ports = append(p.Ports, Port{Matter: matter, Number: number, Since: at})
	for i := 0; len(p.Ports) > mostPorts && i < len(p.Ports); {
		if p.Ports[i].Ended.IsZero() {
			i++
			continue
		}
		p.Ports = slices.Delete(p.Ports, i, i+1)
	}
}

// PortEnds notes that the ports of a matter are over.
func (p *Profile) PortEnds(matter cpni.ID, at time.Time) {
	for i := range p.Ports {
		if x := &p.Ports[i]; x.Matter == matter && x.Ended.IsZero() {
			x.Ended = at
		}
	}
}

// Ported reports whether another carrier has asked for a number of the customer, in a port that runs or ended less than after
// ago; number is "" for any of them. What that carrier told us is used for the port and for nothing else.
//
// cite: P-33, 47 USC 222(b)
func (p *Profile) Ported(number string, at time.Time, after time.Duration) bool {
	return slices.ContainsFunc(p.Ports, func(x Port) bool {
		return (number == "" || x.Number == number) && (x.Ended.IsZero() || at.Before(x.Ended.Add(after)))
	})
}
