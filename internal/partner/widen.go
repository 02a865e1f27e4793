package partner

import (
	"slices"

	"ringfence/internal/cpni"
)

// reach orders the classes by how much a partner of each may get without the customer's yes.
//
// cite: P-15, 47 CFR 64.2007(b)
var reach = map[cpni.PartnerClass]int{cpni.AffiliateOther: 1, cpni.AffiliateComm: 2, cpni.Agent: 2}

// Widens tells, a sentence each, by what the register would come to let a partner have more than it lets now. It takes two people
// to change that; what narrows, and what changes nothing in it, one person does. before is nil of a partner that is not there yet.
//
// cite: P-15, P-35, P-37, P-41, 47 CFR 64.2007(b)
func Widens(before *Partner, after Partner) []string {
	if before == nil {
		before = &Partner{ID: after.ID}
	}
	var all []string
	say := func(is bool, what string) {
		if is {
			all = append(all, what)
		}
	}
	say(reach[after.Class] > reach[before.Class], "the class lets it have what needs a customer's yes in the class of before")
	say(before.Key == "" && after.Key != "", "there was no key, and now files can be enciphered to one")
	say(before.Key != "" && after.Key != before.Key && after.Key != "", "files are enciphered to another key")
	say(after.ServesAll && !before.ServesAll, "it counts as serving all customers itself")
	say(!after.ServesAll && !before.ServesAll && slices.ContainsFunc(after.Serves, func(c cpni.ID) bool { return !slices.Contains(before.Serves, c) }), "it counts as serving more customers itself")
	a, b := after.Agreement, before.Agreement
	switch {
	case a == nil:
		return all
	case b == nil:
		return append(all, "there was no agreement, and now there is one")
	}
	say(a.Until.After(b.Until), "the agreement ends later")
	say(!b.From.IsZero() && a.From.Before(b.From), "the agreement begins earlier")
	say(a.Destroyed().After(b.Destroyed()), "it may keep longer what it is given under the agreement")
	say(b.DestroyDays > 0 && (a.DestroyDays == 0 || a.DestroyDays > b.DestroyDays), "it may keep each file for longer")
	say(a.DestroyProof && !b.DestroyProof, "a certificate of destruction is said to be held")
	wider := len(b.Purposes) > 0 && len(a.Purposes) == 0 || slices.ContainsFunc(a.Purposes, func(p cpni.Purpose) bool { return !slices.Contains(b.Purposes, p) })
	say(wider, "the agreement is for more purposes")
	return all
}
