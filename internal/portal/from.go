package portal

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// mostHops bounds how far a chain of proxies is followed.
const mostHops = 20

// source names where a request comes from, under which wrong tokens count: of IPv6 the network that one subscriber has. What
// a request says of where it came from counts only as far as proxies of ours said it.
//
// cite: I-18
func (p *Portal) source(r *http.Request) string {
	at := addressOf(r.RemoteAddr)
	var chain []string
	for _, line := range r.Header.Values("X-Forwarded-For") {
		chain = append(chain, strings.Split(line, ",")...)
	}
	for range mostHops {
		if len(chain) == 0 || !slices.ContainsFunc(p.options.Proxies, func(x netip.Prefix) bool { return x.Contains(at) }) {
			break
		}
		before := addressOf(strings.TrimSpace(chain[len(chain)-1]))
		if !before.IsValid() {
			break
		}
		at, chain = before, chain[:len(chain)-1]
	}
	if !at.IsValid() {
		return r.RemoteAddr
	}
	if at.Is6() {
		if net, err := at.Prefix(64); err == nil {
			return net.String()
		}
	}
	return at.String()
}

// addressOf reads an address with or without a port; the zero Addr: it is none.
func addressOf(text string) netip.Addr {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
