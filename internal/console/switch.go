package console

import (
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// findFromSwitch goes to the customer whose number a telephone switch has sent, to an address that no longer has it. The
// number is a claim of the network's, and proves nothing: it only says whose card to lay on the desk.
//
// cite: P-17, P-18, I-23, 47 CFR 64.2010(b)
func (v *visit) findFromSwitch(sent string) error {
	v.w.Header().Set("Referrer-Policy", "no-referrer") // the number stands in the address that is left
	number := calling(sent)
	if withheld(number) {
		return v.leave(flash{For: "/desk", Note: "The caller's number is withheld. Ask for the number of their service."}, "/desk")
	}
	e164, ok := customer.Number(number)
	if !ok || len(number) > longestCalling {
		return v.leave(flash{For: "/desk", Note: "The telephone sent something that is no number. Ask for the number of the service."}, "/desk")
	}
	ids, err := v.office.Customers.Find(v.r.Context(), customer.ByNumber, e164)
	if err != nil {
		return err
	}
	switch len(ids) {
	case 0:
		return v.leave(flash{For: "/desk", Note: "No customer has the number that the telephone sent. They may call from another's: ask for the number of their service."}, "/desk")
	case 1:
	default:
		return v.goTo(foundAddress(ids))
	}
	p, _, err := v.office.Customers.Get(v.r.Context(), ids[0])
	if err != nil {
		return err
	}
	address := customerAddress(ids[0])
	if l, ok := p.LineOf(e164, v.now); ok {
		address += "?shown=" + strconv.Itoa(l.No)
	}
	return v.goTo(address)
}

// longestCalling is more than any number has.
const longestCalling = 40

// calling takes the number out of what switches and softphones send: a number, tel:NUMBER, sip:NUMBER@HOST, with
// parameters, with or without angle brackets and a name before them.
func calling(sent string) string {
	s := strings.TrimSpace(sent)
	if _, in, ok := strings.Cut(s, "<"); ok {
		s, _, _ = strings.Cut(in, ">")
	}
	for _, scheme := range []string{"sips:", "sip:", "tel:"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
			break
		}
	}
	s, _, _ = strings.Cut(s, "@")
	s, _, _ = strings.Cut(s, ";")
	return strings.TrimSpace(s)
}

// withheld reports whether a network has put a word in the place of the number.
func withheld(number string) bool {
	return slices.Contains([]string{"anonymous", "restricted", "private", "withheld", "unavailable", "unknown", "blocked", "asserted", "id withheld"}, strings.ToLower(number))
}

// foundAddress is the desk with the customers who were found.
func foundAddress(ids []cpni.ID) string {
	address := "/desk"
	for i, id := range ids[:min(len(ids), mostFound+1)] {
		address += map[bool]string{true: "?c=", false: "&c="}[i == 0] + string(id)
	}
	return address
}
