package inbound

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
)

// What a message shows of its sender is written down above it, and believed from nowhere else.
//
// cite: RFC 6376, RFC 7208, RFC 8601
func TestAuthenticates(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	dns := noDNS{"s._domainkey.customer.example": key, "s._domainkey.mail.customer.example": key, "s._domainkey.evil.example": key, "customer.example": "v=spf1 ip4:198.51.100.7 -all", "evil.example": "v=spf1 ip4:198.51.100.7 -all"}
	plain := []byte("From: Ana <ana@customer.example>\r\nTo: replies+x@mail.carrier.example\r\nSubject: Re: x\r\n\r\nThis was not me.\r\n")
	signed := func(domain string, message []byte) []byte {
		var b bytes.Buffer
		if err := dkim.Sign(&b, bytes.NewReader(message), &dkim.SignOptions{Domain: domain, Selector: "s", Signer: private}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	sender := net.IPv4(198, 51, 100, 7)
	for _, row := range []struct {
		name    string
		content []byte
		peer    peer
		aligned bool
		says    string
	}{
		{"nothing", plain, peer{}, false, "dkim=none"},
		{"signed by the author's domain", signed("customer.example", plain), peer{}, true, "dkim=pass header.d=customer.example"},
		{"signed by one of the same owner", signed("mail.customer.example", plain), peer{}, true, "dkim=pass"},
		{"signed by another", signed("evil.example", plain), peer{}, false, "dkim=pass header.d=evil.example"},
		{"changed since", bytes.Replace(signed("customer.example", plain), []byte("not me"), []byte("me"), 1), peer{}, false, "dkim=fail"},
		{"signed with a key that nobody has published", signed("other.example", plain), peer{}, false, "dkim=permerror"},
		{"a second From", append([]byte("From: boss@carrier.example\r\n"), signed("customer.example", plain)...), peer{}, false, ""},
		{"from a machine of the author's domain", plain, peer{ip: sender, hello: "mx.customer.example", from: "ana@customer.example"}, true, "spf=pass"},
		{"from another machine", plain, peer{ip: net.IPv4(203, 0, 113, 9), hello: "mx.customer.example", from: "ana@customer.example"}, false, "spf=fail"},
		{"from a machine of another domain", plain, peer{ip: sender, hello: "x", from: "ana@evil.example"}, false, "spf=pass"},
		{"from this machine", plain, peer{ip: net.IPv4(127, 0, 0, 1), hello: "localhost", from: "ana@customer.example"}, false, "dkim=none"},
		{"that says so itself", append([]byte("Authentication-Results: mail.carrier.example; x-aligned=pass header.from=customer.example\r\n"), plain...), peer{}, false, "dkim=none"},
	} {
		r := &Receiver{dns: dns, clock: clock, own: newAddresses(Config{Domain: "mail.carrier.example"})}
		raw := append(r.trace(t.Context(), row.content, read(row.content), "", row.peer), row.content...)
		if got := Aligned(raw); got != row.aligned {
			t.Errorf("%s: aligned %v", row.name, got)
		}
		line, ok := topLine(raw)
		if who, _, err := authres.Parse(line); !ok || err != nil || who != "mail.carrier.example" || !strings.Contains(line, row.says) {
			t.Errorf("%s: %q %v", row.name, line, err)
		}
	}
	if Aligned(plain) || Aligned(nil) {
		t.Error("a message that nobody looked at is aligned")
	}
}

// Domains of one owner are told from those of neighbours under one suffix.
func TestSameOrganization(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"customer.com", "customer.com", true}, {"mail.customer.com", "CUSTOMER.com", true}, {"a.customer.com", "b.customer.com", true},
		{"customer.com", "other.com", false}, {"a.co.uk", "b.co.uk", false}, {"com", "customer.com", false}, {"", "", false}, {"customer.com", "", false},
	} {
		if got := sameOrganization(row.a, row.b); got != row.same {
			t.Errorf("%s and %s: %v", row.a, row.b, got)
		}
	}
}
