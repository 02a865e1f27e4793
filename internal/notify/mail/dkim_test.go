package mail

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"ringfence/internal/notify"
	"ringfence/internal/notify/mail/mailtest"
)

// keyFile writes a private key.
func keyFile(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keys are one of each sort.
func keys(t testing.TB) []DKIM {
	t.Helper()
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, short, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return []DKIM{{Selector: "long", KeyFile: keyFile(t, long)}, {Selector: "short", KeyFile: keyFile(t, short)}}
}

func weakKey(t testing.TB) string {
	t.Helper()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return keyFile(t, weak)
}

// verifier asks Debian's dkimpy about each signature of a message, with the records as the DNS would give them.
const verifier = `
import base64, json, sys
import dkim
asked = json.load(sys.stdin)
def dnsfunc(name, timeout=5):
    return asked["records"].get(name.decode().rstrip(".") if isinstance(name, bytes) else name.rstrip("."), "").encode()
d = dkim.DKIM(base64.b64decode(asked["content"]))
print(json.dumps([d.verify(idx=i, dnsfunc=dnsfunc) for i in range(asked["count"])]))
`

func dkimpy(t *testing.T, content []byte, records map[string]string, count int) []bool {
	t.Helper()
	asked, err := json.Marshal(map[string]any{"content": content, "records": records, "count": count})
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(mailtest.Python, "-W", "ignore", "-c", verifier)
	run.Stdin = bytes.NewReader(asked)
	var said strings.Builder
	run.Stderr = &said
	out, err := run.Output()
	if err != nil {
		t.Fatalf("dkimpy is needed for this test: %v: %s (the packages are python3-dkim and python3-nacl; `make test` installs them)", err, said.String())
	}
	var good []bool
	if err := json.Unmarshal(out, &good); err != nil {
		t.Fatal(err)
	}
	return good
}

// Others find our signatures good, by the records that we tell the operator to publish, and bad as soon as a word of
// the message, or a header of it, is another.
//
// cite: P-23, RFC 6376, RFC 8463
func TestOthersTrustTheSignature(t *testing.T) {
	s := mailtest.Start(t, mailtest.Options{Security: StartTLS})
	c := channel(t, config(s, func(c *Config) { c.DKIM = keys(t) }))
	all, err := c.Records()
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]string{}
	for _, r := range all {
		records[r.Name] = r.Value
	}
	if records["long._domainkey.carrier.example"] == "" || records["short._domainkey.carrier.example"] == "" {
		t.Fatalf("records: %v", records)
	}
	p := piece("jose@customer.example")
	p.Enclosed = []notify.Enclosure{{Name: "a.pdf", Type: "application/pdf", Bytes: []byte("%PDF")}}
	if o := send(t, c, p)[p.ID]; o.State != notify.Sent {
		t.Fatalf("got %+v", o)
	}
	raw := s.Received(t)[0].Content
	change := func(old, new string) []byte {
		if !bytes.Contains(raw, []byte(old)) {
			t.Fatalf("no %q in the message", old)
		}
		return bytes.Replace(raw, []byte(old), []byte(new), 1)
	}
	for _, row := range []struct {
		name    string
		content []byte
		good    bool
	}{
		{"as it arrived", raw, true},
		{"with a trace before it", append([]byte("Received: from a by b; Mon, 2 Mar 2026 15:04:06 +0000\r\n"), raw...), true},
		{"another text", change("cambi=C3=B3", "cambia"), false},
		{"another subject", change("\r\nSubject:", "\r\nSubject: x"), false},
		{"another date", change("02 Mar 2026", "03 Mar 2026"), false},
		{"another place to reply to", change("\r\nReply-To:", "\r\nReply-To: thief@evil.example,"), false},
		{"a second From", append([]byte("From: thief@evil.example\r\n"), raw...), false},
		{"a second Subject", append([]byte("Subject: thief\r\n"), raw...), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			verified, err := dkim.VerifyWithOptions(bytes.NewReader(row.content), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
				return []string{records[name]}, nil
			}})
			if err != nil || len(verified) != 2 {
				t.Fatalf("%d signatures: %v", len(verified), err)
			}
			for i, v := range verified {
				if (v.Err == nil) != row.good {
					t.Errorf("go-msgauth, signature %d: %v", i, v.Err)
				}
			}
			for i, good := range dkimpy(t, row.content, records, 2) {
				if good != row.good {
					t.Errorf("dkimpy, signature %d: %v", i, good)
				}
			}
		})
	}
}
