package contact

import (
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// Spot is a place of record at which a customer can be written to.
type Spot struct {
	Via   cpni.Via
	Place notify.Place
	To    string
}

// OfRecord gives the places of record at which a customer can be written to, in the order of the ways: an e-mail address only
// when the customer has agreed beforehand to get notices there, a line for texts only when it takes them. What the customer
// shares with somebody they fear, or says is not theirs, is none.
//
// cite: P-12, P-21, 47 CFR 64.2003(b), 47 CFR 64.2008(d)(3)(i)
func (d *Desk) OfRecord(p *customer.Profile, now time.Time, ways ...cpni.Via) []Spot {
	return d.spotsOf(p, now, true, ways)
}

// Current is OfRecord of places of any age: what tells nothing of an account, such as a notice of the customer's rights, may go to an
// address that came yesterday.
//
// cite: 47 CFR 64.2008(b), 47 CFR 64.2008(d)(3)(i)
func (d *Desk) Current(p *customer.Profile, now time.Time, ways ...cpni.Via) []Spot {
	return d.spotsOf(p, now, false, ways)
}

func (d *Desk) spotsOf(p *customer.Profile, now time.Time, aged bool, ways []cpni.Via) []Spot {
	r := d.numbers(now)
	var all []Spot
	address := func(via cpni.Via, kind string, list []customer.Address, agreed bool) {
		if p.Quiet(kind) {
			return
		}
		var of []customer.Address
		for _, a := range list {
			if (r.ofRecord(a, now) || !aged && a.On(now) && !a.Frozen && !a.Undone) && (!agreed || a.Notices) {
				of = append(of, a)
			}
		}
		if a, ok := customer.Current(of, now); ok {
			place := notify.AOR
			if !r.ofRecord(a, now) {
				place = notify.Named
			}
			all = append(all, Spot{via, place, a.Value})
		}
	}
	for _, via := range ways {
		switch via {
		case cpni.Email:
			address(via, customer.Shared.Email, p.Email, true)
		case cpni.Postal:
			address(via, customer.Shared.Postal, p.Postal, false)
		case cpni.Text:
			if l, ok := r.reachable(p, now, now, true); ok && spokenOrText(l) == cpni.Text {
				all = append(all, Spot{via, notify.TNOR, l.Number})
			}
		}
	}
	return all
}
