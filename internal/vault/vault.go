package vault

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Vault is an open vault.
type Vault struct {
	db     *store.DB
	master *Master

	mu       sync.RWMutex
	wrapping *keyset.Handle
	wrapper  tink.AEAD
	primary  int64 // id of the wrapping key in use

	secret []byte // from which blind indexes and peppers are derived
	index  []byte
	keys   keyCache
}

// Names under which the database holds what the master key has sealed.
const (
	metaWrapping = "vault.wrapping"
	metaSecret   = "vault.secret"
)

// CarrierID is the customer id under which the carrier's own records are sealed.
const CarrierID cpni.ID = ""

// Open opens the vault of db with its master key; a database that has no keys yet gets its first.
func Open(ctx context.Context, db *store.DB, master *Master) (*Vault, error) {
	v := &Vault{db: db, master: master, keys: keyCache{most: 100_000}}
	sealed, err := db.Meta(ctx, metaWrapping)
	if err != nil {
		return nil, fmt.Errorf("reading the sealed keys: %w", err)
	}
	if sealed == "" {
		if err := v.create(ctx, master); err != nil {
			return nil, err
		}
	}
	if err := v.reload(ctx); err != nil {
		return nil, err
	}
	sealedSecret, err := db.Meta(ctx, metaSecret)
	if err != nil {
		return nil, err
	}
	if v.secret, err = master.open(metaSecret, sealedSecret); err != nil {
		return nil, err
	}
	v.index = v.Derive("blind index v1")
	return v, nil
}

// reload reads the wrapping keyset, which another node may have renewed.
func (v *Vault) reload(ctx context.Context) error {
	sealed, err := v.db.Meta(ctx, metaWrapping)
	if err != nil {
		return fmt.Errorf("reading the sealed keys: %w", err)
	}
	v.mu.RLock()
	master := v.master
	v.mu.RUnlock()
	plain, err := master.open(metaWrapping, sealed)
	if err != nil {
		return err
	}
	handle, err := readKeyset(plain)
	if err != nil {
		return fmt.Errorf("the wrapping keyset: %w", err)
	}
	return v.use(handle)
}

// create makes the first keys of a database, unless another node has just done so.
func (v *Vault) create(ctx context.Context, master *Master) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("making the wrapping keyset: %w", err)
	}
	plain, err := writeKeyset(handle)
	if err != nil {
		return err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	if err := v.use(handle); err != nil {
		return err
	}
	return v.db.Tx(ctx, func(tx *store.Tx) error {
		for name, value := range map[string][]byte{metaWrapping: plain, metaSecret: secret} {
			sealed, err := master.seal(name, value)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, sealed); err != nil {
				return err
			}
		}
		return v.newKey(ctx, tx, CarrierID)
	})
}

// use makes handle the wrapping keyset.
func (v *Vault) use(handle *keyset.Handle) error {
	a, err := aead.New(handle)
	if err != nil {
		return fmt.Errorf("the wrapping keyset: %w", err)
	}
	primary, err := handle.Primary()
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wrapping, v.wrapper, v.primary = handle, a, int64(primary.KeyID())
	return nil
}

func (m *Master) seal(name string, plain []byte) (string, error) {
	sealed, err := m.aead.Encrypt(plain, []byte(name))
	if err != nil {
		return "", fmt.Errorf("sealing with the master key: %w", err)
	}
	return encodeText(sealed), nil
}

func (m *Master) open(name, sealed string) ([]byte, error) {
	raw, err := decodeText(sealed)
	if err != nil {
		return nil, fmt.Errorf("the sealed keys in the database are damaged: %w", err)
	}
	plain, err := m.aead.Decrypt(raw, []byte(name))
	if err != nil {
		return nil, ErrOtherKey
	}
	return plain, nil
}

// Derive gives 32 secret bytes for one use, named by its words; other words give other bytes.
func (v *Vault) Derive(use string) []byte {
	key, err := hkdf.Key(sha256.New, v.secret, nil, "ringfence "+use, 32)
	if err != nil {
		panic(err) // only for impossible lengths
	}
	return key
}

// indexSize is the size of a blind index: long enough that values do not collide, of no use without the key.
const indexSize = 16

// BlindIndex gives the token under which a normalised value of a kind (number, email, account, name) is looked up. Who
// has the database but not the key learns nothing of the value.
func (v *Vault) BlindIndex(kind, value string) []byte {
	m := hmac.New(sha256.New, v.index)
	m.Write([]byte(kind))
	m.Write([]byte{0})
	m.Write([]byte(value))
	return m.Sum(nil)[:indexSize]
}

// ErrForgotten: the customer's key has been destroyed, or never was.
var ErrForgotten = errors.New("the customer's key is destroyed; nothing of theirs can be read")

// ErrSealBroken: the sealed bytes are not what was sealed here for this customer.
var ErrSealBroken = errors.New("a sealed record has been changed, or belongs elsewhere; `ringfence verify` names it")

// Seal seals plain for customer. what names the thing (and its place) and must be given again to open it.
func (v *Vault) Seal(ctx context.Context, customer cpni.ID, what string, plain []byte) ([]byte, error) {
	k, err := v.key(ctx, v.db.Reader(), customer)
	if err != nil {
		return nil, err
	}
	return k.Encrypt(plain, associated(customer, what))
}

// SealTx is Seal within a transaction that has just made the customer's key.
func (v *Vault) SealTx(ctx context.Context, tx *store.Tx, customer cpni.ID, what string, plain []byte) ([]byte, error) {
	k, err := v.key(ctx, tx, customer)
	if err != nil {
		return nil, err
	}
	return k.Encrypt(plain, associated(customer, what))
}

// OpenState opens what is not customer proprietary network information handed to anyone: the engine's own state of a
// customer or contact, and the records of the ledger for replay. CPNI has its own doors, which ask for a receipt.
func (v *Vault) OpenState(ctx context.Context, customer cpni.ID, what string, sealed []byte) ([]byte, error) {
	return v.openState(ctx, v.db.Reader(), customer, what, sealed)
}

// OpenStateTx is OpenState within a transaction.
func (v *Vault) OpenStateTx(ctx context.Context, tx *store.Tx, customer cpni.ID, what string, sealed []byte) ([]byte, error) {
	return v.openState(ctx, tx, customer, what, sealed)
}

func (v *Vault) openState(ctx context.Context, q store.Querier, customer cpni.ID, what string, sealed []byte) ([]byte, error) {
	if len(what) > 5 && what[:5] == cpniPrefix {
		return nil, errors.New("vault: CPNI is opened against a receipt, not as state")
	}
	return v.open(ctx, q, customer, what, sealed)
}

func (v *Vault) open(ctx context.Context, q store.Querier, customer cpni.ID, what string, sealed []byte) ([]byte, error) {
	k, err := v.key(ctx, q, customer)
	if err != nil {
		return nil, err
	}
	plain, err := k.Decrypt(sealed, associated(customer, what))
	if err != nil {
		return nil, ErrSealBroken
	}
	return plain, nil
}

// cpniPrefix begins the name of everything that is opened only against a receipt.
const cpniPrefix = "cpni/"

func associated(customer cpni.ID, what string) []byte {
	b := make([]byte, 0, len(customer)+1+len(what))
	b = append(b, customer...)
	b = append(b, 0)
	return append(b, what...)
}

func readKeyset(plain []byte) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(plain)))
}

func writeKeyset(h *keyset.Handle) ([]byte, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&b)); err != nil {
		return nil, fmt.Errorf("writing a keyset: %w", err)
	}
	return b.Bytes(), nil
}
