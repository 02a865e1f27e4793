package console

import (
	"net/netip"
	"strings"

	"ringfence/internal/staff"
	"ringfence/internal/visitor"
)

// from is where an attempt to sign in comes from.
func (v *visit) from() staff.From {
	return staff.From{Source: visitor.Source(v.r, v.options.Proxies), Network: networkOf(visitor.Address(v.r, v.options.Proxies)), Browser: browserOf(v.r.UserAgent())}
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
