// Package vault seals what the carrier holds about a customer under that customer's own key, and opens customer
// proprietary network information only against a ledger.Receipt.
//
// Keys stand in three storeys: the master key, which is outside the database; the wrapping keyset, which the database
// holds sealed by the master key; and one data keyset a customer, sealed by the wrapping keyset. Destroying a
// customer's data keyset destroys the customer's data, wherever its ciphertext lies.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
package vault

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const keyFilePrefix = "ringfence-master-key-1 "

const masterKeySize = 32

// Errors about the master key; each says what to do.
var (
	ErrNoKey    = errors.New("the master key is not there; restore its file from the safe, or make one for a new database with `ringfence key new`")
	ErrBadKey   = errors.New("the master key is damaged or of another form; restore it from the safe")
	ErrOtherKey = errors.New("the master key is not the one that this database was sealed with; give the right one")
)

// Master is the outermost key. It seals only the wrapping keyset.
type Master struct {
	aead tink.AEAD
}

// ReadMaster reads the master key that address names: file:/path, env:NAME, or the address of a key management service
// for which a Tink client is registered.
func ReadMaster(address string) (*Master, error) {
	switch {
	case strings.HasPrefix(address, "file:"):
		text, err := os.ReadFile(strings.TrimPrefix(address, "file:"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNoKey
		}
		if err != nil {
			return nil, fmt.Errorf("reading the master key: %w", err)
		}
		return parseMaster(string(text))
	case strings.HasPrefix(address, "env:"):
		text, ok := os.LookupEnv(strings.TrimPrefix(address, "env:"))
		if !ok {
			return nil, ErrNoKey
		}
		return parseMaster(text)
	}
	client, err := registry.GetKMSClient(address)
	if err != nil {
		return nil, fmt.Errorf("the master key's address is not file:/path, env:NAME or a known key service: %w", err)
	}
	a, err := client.GetAEAD(address)
	if err != nil {
		return nil, fmt.Errorf("the key service does not give the master key: %w", err)
	}
	return &Master{a}, nil
}

func parseMaster(text string) (*Master, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), keyFilePrefix)
	if !ok {
		return nil, ErrBadKey
	}
	key, err := base64.StdEncoding.DecodeString(body)
	if err != nil || len(key) != masterKeySize {
		return nil, ErrBadKey
	}
	a, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrBadKey, err)
	}
	return &Master{a}, nil
}

// NewMasterText makes a fresh master key in the form of a key file.
func NewMasterText() string {
	key := make([]byte, masterKeySize)
	rand.Read(key)
	return keyFilePrefix + base64.StdEncoding.EncodeToString(key) + "\n"
}

// NewMasterFile makes a fresh master key in a new file that its owner alone can read.
func NewMasterFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making the master key's file: %w", err)
	}
	_, err = f.WriteString(NewMasterText())
	return errors.Join(err, f.Sync(), f.Close())
}

// NewMaster makes a master key that lives in memory alone, for instances that do.
func NewMaster() *Master {
	m, err := parseMaster(NewMasterText())
	if err != nil {
		panic(err) // a fresh key is always well formed
	}
	return m
}
