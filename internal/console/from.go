package console

import (
	"net/netip"

	"ringfence/internal/staff"
	"ringfence/internal/visitor"
)

// from is where an attempt to sign in comes from.
func (v *visit) from() staff.From {
	return staff.From{Source: visitor.Source(v.r, v.options.Proxies), Network: networkOf(visitor.Address(v.r, v.options.Proxies)), Browser: browserOf(v.r.UserAgent())}
}

// networkOf names a network so coarsely that it says nothing of a person.
func networkOf(a netip.Addr) string {
	if a.IsLoopback() {
		return "the server itself"
	}
	return visitor.Network(a)
}

// browserOf gives a coarse word for a browser and what it runs on.
func browserOf(agent string) string {
	browser, system := visitor.Browser(agent)
	switch {
	case browser == "":
		return "Another browser"
	case system == "":
		return browser
	}
	return browser + " on " + system
}
