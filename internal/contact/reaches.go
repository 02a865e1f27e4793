package contact

import (
	"cmp"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// Reaches gives the places of record at which a customer is told in writing of what they must hear of whether or not they have agreed to
// get notices there, the first to be tried first: what they prefer, their e-mail address, their postal address, and for a short message a
// mobile line. An address that is too young to be of record is none, nor is one that they have left, or say is not theirs alone, nor a number
// that another may have.
//
// cite: P-21, P-47, 47 CFR 64.2003(b), 47 CFR 64.2003(q), 47 CFR 64.2011(c)
func (d *Desk) Reaches(p *customer.Profile, now time.Time) []Spot {
	r := d.numbers(now)
	var all []Spot
	for _, s := range r.spots(p, customer.Changed{At: now}, now) {
		if s.place != notify.Old && (s.via == cpni.Email || s.via == cpni.Postal) {
			all = append(all, Spot{s.via, s.place, s.to})
		}
	}
	if l, ok := r.reachable(p, now, now, true); ok && spokenOrText(l) == cpni.Text {
		all = append(all, Spot{cpni.Text, notify.TNOR, l.Number})
	}
	prefers := p.NoticeBy
	if slices.ContainsFunc(p.Changes, func(x customer.Changed) bool { return x.Open() && x.What == customer.WhatNotices }) {
		prefers = "" // who has got in may have chosen it
	}
	order := []cpni.Via{prefers, cpni.Email, cpni.Postal, cpni.Text}
	slices.SortStableFunc(all, func(a, b Spot) int { return cmp.Compare(slices.Index(order, a.Via), slices.Index(order, b.Via)) })
	return all
}
