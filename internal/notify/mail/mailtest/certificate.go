package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate writes a certificate for a name or an address, its key, and that of who vouches for it, and returns the
// paths. It holds for whatever day the machine believes it is.
func Certificate(t testing.TB, name string) (ca, cert, key string) {
	t.Helper()
	folder := t.TempDir()
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		fail(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	from, until := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, signing.Public(), signing)
	fail(err)
	ca = write("ca.pem", "CERTIFICATE", der)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{name}
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	der, err = x509.CreateCertificate(rand.Reader, leaf, authority, own.Public(), signing)
	fail(err)
	cert = write("cert.pem", "CERTIFICATE", der)
	der, err = x509.MarshalPKCS8PrivateKey(own)
	fail(err)
	key = write("key.pem", "PRIVATE KEY", der)
	return ca, cert, key
}
