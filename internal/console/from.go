package console

import (
	"net/netip"
	"slices"
	"strings"

	"ringfence/internal/staff"
)

// from is where an attempt to sign in comes from.
func (v *visit) from() staff.From {
	a := v.address()
	return staff.From{Source: sourceOf(a, v.r.RemoteAddr), Network: networkOf(a), Browser: browserOf(v.r.UserAgent())}
}

// mostHops bounds how far a chain of proxies is followed.
const mostHops = 20

// address is that of the browser. What a request says of where it came from counts only as far as proxies of ours said it:
// the list is read from its end, up to the first address that is not one of them.
//
// cite: P-37, I-18
func (v *visit) address() netip.Addr {
	at := addrOf(v.r.RemoteAddr)
	var chain []string
	for _, line := range v.r.Header.Values("X-Forwarded-For") {
		chain = append(chain, strings.Split(line, ",")...)
	}
	for range mostHops {
		if len(chain) == 0 || !slices.ContainsFunc(v.options.Proxies, func(p netip.Prefix) bool { return p.Contains(at) }) {
			break
		}
		before := addrOf(strings.TrimSpace(chain[len(chain)-1]))
		if !before.IsValid() {
			break
		}
		at, chain = before, chain[:len(chain)-1]
	}
	return at
}

// addrOf reads an address with or without a port; the zero Addr: it is none.
func addrOf(text string) netip.Addr {
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// sourceOf names the source under which failures count: of IPv6 the network that one subscriber has, for they have all
// addresses in it.
func sourceOf(a netip.Addr, otherwise string) string {
	switch {
	case !a.IsValid():
		return otherwise
	case a.Is6():
		return cut(a, 64)
	}
	return a.String()
}

// networkOf names a network so coarsely that it says nothing of a person.
func networkOf(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return ""
	case a.IsLoopback():
		return "the server itself"
	case a.Is6():
		return cut(a, 32)
	}
	return cut(a, 16)
}

func cut(a netip.Addr, bits int) string {
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// browserOf gives a coarse word for a browser and what it runs on.
func browserOf(agent string) string {
	word := func(words ...[2]string) string {
		for _, w := range words {
			if strings.Contains(agent, w[0]) {
				return w[1]
			}
		}
		return ""
	}
	browser := word([2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox", "Firefox"}, [2]string{"Chrom", "Chrome"}, [2]string{"Safari", "Safari"})
	system := word([2]string{"Android", "Android"}, [2]string{"iPhone", "iOS"}, [2]string{"iPad", "iOS"}, [2]string{"Windows", "Windows"}, [2]string{"Mac OS", "macOS"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Linux", "Linux"})
	switch {
	case browser == "":
		return "Another browser"
	case system == "":
		return browser
	}
	return browser + " on " + system
}
