package mail

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/emersion/go-msgauth/dkim"
)

// leastRSA is the smallest RSA key in bits that signers should use.
//
// cite: RFC 8301
const leastRSA = 2048

// signed are the fields under the signature. Those of which a second one would change what the reader sees stand twice:
// so one that somebody adds on the way breaks the signature.
//
// cite: RFC 6376
var signed = []string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Date", "Message-ID", "Message-ID", "Reply-To", "Reply-To",
	"Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type", "Content-Type", "Content-Transfer-Encoding", "Cc", "Sender", "In-Reply-To", "References",
}

// signingKey is a key and where its public half stands in the DNS.
type signingKey struct {
	domain, selector string
	key              crypto.Signer
}

// readKey reads a private key.
func readKey(k DKIM) (signingKey, error) {
	text, err := os.ReadFile(k.KeyFile)
	if err != nil {
		return signingKey{}, fmt.Errorf("the DKIM key of selector %s cannot be read: %w", k.Selector, err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return signingKey{}, fmt.Errorf("the DKIM key of selector %s (%s) is not PEM: make one as docs/messages-mail.md shows", k.Selector, k.KeyFile)
	}
	var parsed any
	if block.Type == "RSA PRIVATE KEY" {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return signingKey{}, fmt.Errorf("the DKIM key of selector %s (%s) is no private key without a password: make one as docs/messages-mail.md shows", k.Selector, k.KeyFile)
	}
	s := signingKey{domain: k.Domain, selector: k.Selector}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < leastRSA {
			return signingKey{}, fmt.Errorf("the DKIM key of selector %s has %d bits, and receivers trust %d or more (RFC 8301): make a new one", k.Selector, key.N.BitLen(), leastRSA)
		}
		s.key = key
	case ed25519.PrivateKey:
		s.key = key
	default:
		return signingKey{}, fmt.Errorf("the DKIM key of selector %s is neither RSA nor Ed25519, which is what receivers know: make a new one", k.Selector)
	}
	return s, nil
}

// sign puts a signature of each key before a message.
func (c *Channel) sign(message []byte) ([]byte, error) {
	var signatures []byte
	for _, k := range c.keys {
		s, err := dkim.NewSigner(&dkim.SignOptions{
			Domain: k.domain, Selector: k.selector, Signer: k.key, HeaderKeys: signed,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		})
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		_, wrote := s.Write(message)
		if err := errors.Join(wrote, s.Close()); err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		signatures = append(signatures, s.Signature()...)
	}
	return slices.Concat(signatures, message), nil
}

// Record is a TXT record that has to stand in the DNS.
type Record struct{ Name, Value string }

// Records are the records by which receivers check the signatures of this channel.
//
// cite: RFC 6376, RFC 8463
func (c *Channel) Records() ([]Record, error) {
	all := make([]Record, 0, len(c.keys))
	for _, k := range c.keys {
		var value bytes.Buffer
		switch public := k.key.Public().(type) {
		case ed25519.PublicKey:
			value.WriteString("v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public))
		default:
			der, err := x509.MarshalPKIXPublicKey(public)
			if err != nil {
				return nil, fmt.Errorf("the DKIM key of selector %s: %w", k.selector, err)
			}
			value.WriteString("v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der))
		}
		all = append(all, Record{Name: k.selector + "._domainkey." + k.domain, Value: value.String()})
	}
	return all, nil
}
