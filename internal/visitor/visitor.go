// Package visitor tells where a request comes from, for both webs: guesses count under it.
package visitor

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// mostHops bounds how far a chain of proxies is followed.
const mostHops = 20

// Address is that of the browser; the zero Addr: it is not known. What a request says of where it came from counts only as
// far as proxies of ours said it: the list is read from its end, up to the first address that is not one of them.
//
// cite: P-37, I-18
func Address(r *http.Request, proxies []netip.Prefix) netip.Addr {
	at := read(r.RemoteAddr)
	var chain []string
	for _, line := range r.Header.Values("X-Forwarded-For") {
		chain = append(chain, strings.Split(line, ",")...)
	}
	for range mostHops {
		if len(chain) == 0 || !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(at) }) {
			break
		}
		before := read(strings.TrimSpace(chain[len(chain)-1]))
		if !before.IsValid() {
			break
		}
		at, chain = before, chain[:len(chain)-1]
	}
	return at
}

// Source names the source under which failures of a request count: of IPv6 the network that one subscriber has, for they
// have all addresses in it.
//
// cite: P-37, I-18
func Source(r *http.Request, proxies []netip.Prefix) string {
	a := Address(r, proxies)
	if !a.IsValid() {
		return r.RemoteAddr
	}
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// read reads an address with or without a port; the zero Addr: it is none.
func read(text string) netip.Addr {
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
