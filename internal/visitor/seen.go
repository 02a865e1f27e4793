package visitor

import (
	"net/netip"
	"strings"
)

// Network names the network of an address so coarsely that it says nothing of a person; "": it is not known, or is this
// machine.
func Network(a netip.Addr) string {
	bits := 16
	switch {
	case !a.IsValid(), a.IsLoopback():
		return ""
	case a.Is6():
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// Browser gives coarse words for a browser and for what it runs on, by what it says of itself; "" for what is not known.
func Browser(agent string) (browser, system string) {
	word := func(words ...[2]string) string {
		for _, w := range words {
			if strings.Contains(agent, w[0]) {
				return w[1]
			}
		}
		return ""
	}
	browser = word([2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox", "Firefox"}, [2]string{"Chrom", "Chrome"}, [2]string{"Safari", "Safari"})
	system = word([2]string{"Android", "Android"}, [2]string{"iPhone", "iOS"}, [2]string{"iPad", "iOS"}, [2]string{"Windows", "Windows"}, [2]string{"Mac OS", "macOS"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Linux", "Linux"})
	return browser, system
}
