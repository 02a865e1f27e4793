package inbound

import (
	"bytes"
	"context"
	"errors"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/net/publicsuffix"
)

const (
	mostSignatures = 5
	// authTime is how long the DNS may take in all for one message.
	authTime = 10 * time.Second
	// alignedMethod names our own judgement beside those that have a standard name.
	alignedMethod = "x-aligned"
)

// resolver answers what is asked of the DNS.
type resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// authenticate finds out who can be shown to have sent a message: by the signatures in it and, when it came straight from
// the sender's machine, by whether that machine may send for the sender's domain. Nothing is granted for it; it is written
// down so that a person who reads the message knows how far to believe its From.
//
// cite: RFC 6376, RFC 7208, RFC 8601
func (r *Receiver) authenticate(ctx context.Context, raw []byte, m message, p peer) []authres.Result {
	ctx, cancel := context.WithTimeout(ctx, authTime)
	defer cancel()
	var results []authres.Result
	author := fromDomain(m)
	aligned := false
	signatures, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		MaxVerifications: mostSignatures,
		LookupTXT:        func(name string) ([]string, error) { return r.dns.LookupTXT(ctx, name) },
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		signatures = nil
	}
	for _, s := range signatures {
		if !isDomain(s.Domain) {
			continue
		}
		result := &authres.DKIMResult{Domain: s.Domain, Value: authres.ResultPass}
		switch {
		case s.Err == nil:
			aligned = aligned || sameOrganization(author, s.Domain)
		case dkim.IsTempFail(s.Err):
			result.Value = authres.ResultTempError
		case dkim.IsPermFail(s.Err):
			result.Value = authres.ResultPermError
		default:
			result.Value = authres.ResultFail
		}
		results = append(results, result)
	}
	if len(results) == 0 {
		results = append(results, &authres.DKIMResult{Value: authres.ResultNone})
	}
	if p.ip != nil && !p.ip.IsLoopback() && !p.ip.IsPrivate() {
		verdict, _ := spf.CheckHostWithSender(p.ip, p.hello, p.from, spf.WithContext(ctx), spf.WithResolver(r.dns))
		domain := p.hello
		if _, d, ok := strings.Cut(p.from, "@"); ok {
			domain = d
		}
		if isDomain(domain) {
			results = append(results, &authres.SPFResult{Value: authres.ResultValue(verdict), From: domain})
			aligned = aligned || verdict == spf.Pass && sameOrganization(author, domain)
		}
	}
	own := &authres.GenericResult{Method: alignedMethod, Value: authres.ResultFail, Params: map[string]string{}}
	if aligned {
		own.Value = authres.ResultPass
	}
	if author != "" {
		own.Params["header.from"] = author
	}
	return append(results, own)
}

// Aligned tells of a message that came in (notify.Report.Raw) whether its From belongs to the organization that was shown
// to have sent it. It is what the receiver found then, and reads nothing but the receiver's own line at the top.
func Aligned(raw []byte) bool {
	line, ok := topLine(raw)
	if !ok {
		return false
	}
	_, results, err := authres.Parse(line)
	if err != nil {
		return false
	}
	for _, result := range results {
		if g, ok := result.(*authres.GenericResult); ok && g.Method == alignedMethod {
			return g.Value == authres.ResultPass
		}
	}
	return false
}

// topLine finds the receiver's line, which stands first. One that was in the message already stands below it.
func topLine(raw []byte) (string, bool) {
	line, _, _ := bytes.Cut(raw, []byte("\r\n"))
	value, ok := bytes.CutPrefix(line, []byte(resultsField))
	return string(value), ok
}

const resultsField = "Authentication-Results: "

// fromDomain is the domain of who a message says it is from; "" when it says none, or several.
func fromDomain(m message) string {
	if f := m.header.FieldsByKey("From"); !f.Next() || f.Next() {
		return ""
	}
	list, err := netmail.ParseAddressList(m.header.Get("From"))
	if err != nil || len(list) != 1 {
		return ""
	}
	_, domain, _ := strings.Cut(list[0].Address, "@")
	domain = strings.ToLower(domain)
	if !isDomain(domain) {
		return ""
	}
	return domain
}

// sameOrganization tells whether two domains belong to one owner, as far as the list of public suffixes knows.
//
// cite: RFC 7489
func sameOrganization(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSuffix(a, ".")), strings.ToLower(strings.TrimSuffix(b, "."))
	if a == "" || b == "" {
		return false
	}
	if a == b {
		return true
	}
	x, err := publicsuffix.EffectiveTLDPlusOne(a)
	if err != nil {
		return false
	}
	y, err := publicsuffix.EffectiveTLDPlusOne(b)
	return err == nil && x == y
}
