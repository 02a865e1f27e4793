package vault_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"ringfence/internal/cpni"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// service seals and opens as a key service does, in the words of one of the two kinds. It serves as long as open is true.
type service struct {
	t    *testing.T
	aead *subtle.AESGCM
	open bool
}

func newService(t *testing.T) *service {
	a, err := subtle.NewAESGCM(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &service{t, a, true}
}

func (s *service) do(seal bool, in, associated []byte) ([]byte, error) {
	if !s.open {
		return nil, errors.New("closed")
	}
	if seal {
		return s.aead.Encrypt(in, associated)
	}
	return s.aead.Decrypt(in, associated)
}

// transit speaks as HashiCorp Vault and OpenBao do.
func (s *service) transit(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Plaintext, Ciphertext string
		Associated            string `json:"associated_data"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	seal := r.URL.Path == "/v1/transit/encrypt/ringfence"
	if err != nil || r.Header.Get("X-Vault-Token") != "letmein" || !seal && r.URL.Path != "/v1/transit/decrypt/ringfence" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	associated, _ := base64.StdEncoding.DecodeString(in.Associated)
	text := in.Plaintext
	if !seal {
		text = strings.TrimPrefix(in.Ciphertext, "vault:v1:")
	}
	b, _ := base64.StdEncoding.DecodeString(text)
	out, err := s.do(seal, b, associated)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	data := map[string]string{"plaintext": base64.StdEncoding.EncodeToString(out)}
	if seal {
		data = map[string]string{"ciphertext": "vault:v1:" + data["plaintext"]}
	}
	json.NewEncoder(w).Encode(map[string]any{"data": data})
}

const arn = "arn:aws:kms:us-east-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"

// kms speaks as AWS KMS does.
func (s *service) kms(w http.ResponseWriter, r *http.Request) {
	var in struct {
		KeyID                     string `json:"KeyId"`
		Plaintext, CiphertextBlob []byte
		EncryptionContext         map[string]string
	}
	seal := strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Encrypt")
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.KeyID != arn || !strings.Contains(r.Header.Get("Authorization"), "Credential=letmein/") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	associated, err := hex.DecodeString(in.EncryptionContext["associatedData"])
	b := in.Plaintext
	if !seal {
		b = in.CiphertextBlob
	}
	out, err2 := s.do(seal, b, associated)
	if err != nil || err2 != nil {
		w.Header().Set("X-Amzn-Errortype", "InvalidCiphertextException")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if seal {
		json.NewEncoder(w).Encode(map[string]any{"KeyId": arn, "CiphertextBlob": out})
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"KeyId": arn, "Plaintext": out})
}

// A vault whose master key a service keeps opens with that service alone, and says so when the service refuses.
//
// cite: P-37
func TestMasterKeysOfServices(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, s *service) (address string){
		"transit": func(t *testing.T, s *service) string {
			server := httptest.NewTLSServer(http.HandlerFunc(s.transit))
			t.Cleanup(server.Close)
			authority := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("VAULT_CACERT", authority)
			t.Setenv("VAULT_TOKEN", "letmein")
			t.Setenv("VAULT_MAX_RETRIES", "0")
			return "hcvault://" + strings.TrimPrefix(server.URL, "https://") + "/transit/keys/ringfence"
		},
		"kms": func(t *testing.T, s *service) string {
			server := httptest.NewServer(http.HandlerFunc(s.kms))
			t.Cleanup(server.Close)
			t.Setenv("AWS_ENDPOINT_URL_KMS", server.URL)
			t.Setenv("AWS_ACCESS_KEY_ID", "letmein")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			t.Setenv("AWS_CONFIG_FILE", os.DevNull)
			return "aws-kms://" + arn
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			address := start(t, s)
			master := func() *vault.Master {
				t.Helper()
				m, err := vault.ReadMaster(address)
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			db := storetest.Open(t, "memory:")
			w := open(t, db, master())
			ann := w.customer(t)
			w.merge(t, vault.Portion{Customer: ann, Line: 1, Month: 202602, Calls: calls(5)})
			again := open(t, db, master())
			if got, err := again.vault.ReadCalls(t.Context(), again.receipt(t, ann, cpni.CallDetail), 1, []int{202602}); err != nil || len(got) != 5 {
				t.Errorf("%d calls, %v", len(got), err)
			}
			s.open = false
			if _, err := vault.Open(t.Context(), db, master()); !errors.Is(err, vault.ErrKeyService) {
				t.Errorf("with a service that refuses: %v", err)
			}
		})
	}
	for _, address := range []string{"hcvault://", "hcvault://host", "aws-kms://nonsense", "gcp-kms://x", "/a/path"} {
		if _, err := vault.ReadMaster(address); err == nil {
			t.Errorf("%q is an address", address)
		}
	}
}
