package vault

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// The text of a master key: these words, then the key and the beginning of its hash, which tells a damaged key from
// another one.
const (
	keyFilePrefix = "ringfence-master-key-1 "
	masterKeySize = 32
	masterSumSize = 4
)

// Errors about the master key; each says what to do.
var (
	ErrNoKey    = errors.New("the master key is not there; restore its file from the safe, or make one for a new database with `ringfence key new`")
	ErrBadKey   = errors.New("the master key is damaged or of another form; restore it from the safe")
	ErrOtherKey = errors.New("the master key is not the one that this database was sealed with; give the right one")
	// ErrKeyService: the key management service refused, or was not reached.
	ErrKeyService = errors.New("the key service did not open the keys of this database; check its address, what it grants to this machine, and the way to it")
	// ErrKeysDamaged: the master key is the right one, but what it opens has been changed.
	ErrKeysDamaged = errors.New("the keys in the database are damaged; stop, keep a copy, and restore the database from a backup")
)

// Master is the outermost key. It seals only the wrapping keyset.
type Master struct {
	aead    tink.AEAD
	service bool // asked over a network, so that it may fail for other reasons than being the wrong one
}

// ReadMaster reads the master key that address names: file:/path, env:NAME, hcvault://host:port/transit/keys/name or
// aws-kms://arn. A key of a service never leaves it: the service is asked to seal and to open.
func ReadMaster(address string) (*Master, error) {
	if path, ok := strings.CutPrefix(address, "file:"); ok {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", path, ErrNoKey)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the master key: %w; may this user read it?", err)
		}
		return named(path)(parseMaster(string(text)))
	}
	if name, ok := strings.CutPrefix(address, "env:"); ok {
		text, ok := os.LookupEnv(name)
		if !ok {
			return nil, fmt.Errorf("environment variable %s: %w", name, ErrNoKey)
		}
		return named("environment variable " + name)(parseMaster(text))
	}
	client, err := keyService(address)
	if err != nil {
		return nil, err
	}
	a, err := client.GetAEAD(address)
	if err != nil {
		return nil, fmt.Errorf("the key service does not give the master key: %w", err)
	}
	return &Master{a, true}, nil
}

// named says where a master key that cannot be had was looked for.
func named(where string) func(*Master, error) (*Master, error) {
	return func(m *Master, err error) (*Master, error) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		return m, nil
	}
}

func parseMaster(text string) (*Master, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), keyFilePrefix)
	if !ok {
		return nil, ErrBadKey
	}
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil || len(raw) != masterKeySize+masterSumSize {
		return nil, ErrBadKey
	}
	key := raw[:masterKeySize]
	if !bytes.Equal(masterSum(key), raw[masterKeySize:]) {
		return nil, ErrBadKey
	}
	a, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrBadKey, err)
	}
	return &Master{a, false}, nil
}

func masterSum(key []byte) []byte {
	sum := sha256.Sum256(append([]byte(keyFilePrefix), key...))
	return sum[:masterSumSize]
}

// NewMasterText makes a fresh master key in the form of a key file.
func NewMasterText() string {
	key := make([]byte, masterKeySize)
	rand.Read(key)
	return keyFilePrefix + base64.StdEncoding.EncodeToString(append(key, masterSum(key)...)) + "\n"
}

// NewMasterFile makes a fresh master key in a new file that its owner alone can read. A file that is there is never
// overwritten.
func NewMasterFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making the master key's file: %w", err)
	}
	_, err = f.WriteString(NewMasterText())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the master key's file: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// NewMaster makes a master key that lives in memory alone, for instances that do.
func NewMaster() *Master {
	m, err := parseMaster(NewMasterText())
	if err != nil {
		panic(err) // a fresh key is always well formed
	}
	return m
}
