package voice

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"ringfence/internal/notify"
)

// certificate makes one for this machine, with its key, in one file.
func certificate(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := pem.Encode(&b, block); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestTransports calls over each, and hears over the same connection that the other side hangs up. With tls the switch
// must prove who it is.
func TestTransports(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			p := answering(t, hello(t))
			port := p.port
			trusting := func(c *Config) {
				c.Transport = transport
				if transport == "tls" {
					c.CAFile = filepath.Join(p.dir, "cert.pem")
				}
			}
			if transport == "tls" {
				port++ // baresip listens for it one port above
				c := carrier(t, port, func(c *Config) { c.Transport = transport })
				if o := send(t, c, message(notify.Spoken{Digits: "12"}))[0]; o.State != notify.Queued || o.Code != codeNoSwitch {
					t.Errorf("a switch that nobody vouches for is spoken to: %+v", o)
				}
			}
			c := carrier(t, port, trusting)
			if err := c.Check(t.Context()); err != nil {
				t.Error(err)
			}
			if o := send(t, c, message(notify.Spoken{Digits: "12"}))[0]; o.State != notify.Delivered {
				t.Errorf("outcome %+v", o)
			}
			go func() {
				p.saw("Call established")
				p.saw("Call established") // of the second call
				time.Sleep(3 * time.Second)
				p.do("hangup", "")
			}()
			if o := send(t, c, message(notify.Spoken{Text: sentence}, notify.Spoken{Text: warning}, notify.Spoken{Text: sentence}))[0]; o.Code != codeHungUp {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}
