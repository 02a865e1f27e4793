package clock

import "fmt"

// kind2007 is what an incident is under the rule of 2007: somebody intentionally gained access to customer proprietary network
// information, used it or disclosed it. What is not known is taken to be so.
//
// cite: P-43, 47 CFR 64.2011(e), V23, V24, V25
func kind2007(f Facts) (Kind, Reason) {
	why := func(says string) Reason { return Reason{says, []string{"P-43", "47 CFR 64.2011(e)"}} }
	switch {
	case f.Outcome == Attempted:
		return attempt()
	case !f.CPNI:
		return RegisterEntry, why("Rule of 2007: no customer proprietary network information is among it, so it is no breach.")
	case f.Intentional == No:
		return RegisterEntry, why("Rule of 2007: nobody meant it, so it is no breach; it stays on the register.")
	case f.Intentional == Yes:
		return Breach, why("Rule of 2007: customer proprietary network information was " + seen(f.Outcome) + ", and somebody meant it.")
	}
	return Breach, why("Rule of 2007: customer proprietary network information was " + seen(f.Outcome) + "; whether somebody meant it is not known, and counts as if.")
}

// kind2023 is what an incident is under the order of 2023: covered data was accessed, used or disclosed without authority, whoever
// meant what. Only an employee or agent who came upon it in good faith is excepted, and only while nothing was made of it: what was
// used or passed on is a breach.
//
// cite: P-43, 47 CFR 64.2011(e), V23, V24, V25
func kind2023(f Facts) (Kind, Reason) {
	why := func(says string) Reason { return Reason{says, []string{"P-43", "89 FR 9968"}} }
	switch {
	case f.Outcome == Attempted:
		return attempt()
	case !f.CPNI && !f.Personal:
		return RegisterEntry, why("Order of 2023: no covered data is among it, so it is no breach.")
	case f.GoodFaith == Yes && f.Outcome == Accessed:
		return RegisterEntry, why("Order of 2023: an employee or agent came upon it in good faith and nothing was made of it, so it is no breach.")
	case f.GoodFaith == Yes:
		return Breach, why("Order of 2023: good faith excuses only who saw covered data, and this was " + seen(f.Outcome) + ".")
	}
	return Breach, why("Order of 2023: covered data was " + seen(f.Outcome) + "; whether somebody meant it plays no part.")
}

func attempt() (Kind, Reason) {
	return Attempt, Reason{"Nothing was seen: an attempt, which is kept so that the next is known.", []string{"P-43", "47 CFR 64.2010(a)"}}
}

func seen(o Outcome) string {
	switch o {
	case Accessed, Used, Disclosed:
		return string(o)
	}
	return "accessed, used or disclosed, as far as is known"
}

// kind is what f is under the rule p.
func (p Profile) kind(f Facts) (Kind, Reason) {
	if p == Rule2007 {
		return kind2007(f)
	}
	return kind2023(f)
}

// harmless reports whether harm was found unlikely with a basis on record; until then it is presumed.
//
// cite: 47 CFR 64.2011(b), V29
func (f Facts) harmless() bool { return f.Harm == Unlikely && f.Basis }

// small reports whether a breach needs no report because of its size: fewer customers than the rule says, known to be so, and no
// harm likely.
//
// cite: 47 CFR 64.2011(a)(3), V27, V28, V29
func (r Rule) small(f Facts) bool {
	return f.harmless() && f.Customers > 0 && f.Customers < r.SmallBelow
}

// whySmall says of a breach of few customers whether it is reported.
func (r Rule) whySmall(f Facts, reported bool) (Reason, bool) {
	cites := []string{"P-45", "47 CFR 64.2011(a)(3)"}
	switch {
	case !r.small(f):
		return Reason{}, false
	case reported:
		return Reason{"It is small now, but had to be reported once, and still has to be.", cites}, true
	}
	return Reason{fmt.Sprintf("Fewer than %d customers, and harm was found unlikely: no report now; it belongs into the summary of its year.", r.SmallBelow), cites}, true
}

// whole is the kind under several rules: the most that any of them makes of it.
func whole(kinds []Kind) Kind {
	for _, most := range []Kind{Breach, RegisterEntry} {
		for _, k := range kinds {
			if k == most {
				return most
			}
		}
	}
	return Attempt
}
