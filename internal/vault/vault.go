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
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Vault is an open vault.
type Vault struct {
	db     *store.DB
	secret []byte // from which blind indexes and peppers are derived
	index  []byte

	rotating sync.Mutex // held by the one rotation that this process runs
	keys     keyCache

	mu       sync.RWMutex
	master   *Master
	wrapping *keyset.Handle
	wrapper  tink.AEAD
	primary  int64  // id of the wrapping key in use
	seen     string // the change of keys that this process has caught up with
}

// CarrierID is the customer id under which the carrier's own records are sealed.
const CarrierID cpni.ID = ""

// Open opens the vault of db with its master key; a database that has no keys yet gets its first.
func Open(ctx context.Context, db *store.DB, master *Master) (*Vault, error) {
	v := &Vault{db: db, master: master, keys: newKeyCache()}
	var err error
	if v.seen, err = db.Meta(ctx, metaChange); err != nil {
		return nil, fmt.Errorf("reading the sealed keys: %w", err)
	}
	r, err := readRoot(ctx, db.Reader(), master)
	if errors.Is(err, errNoRoot) {
		if err := v.create(ctx); err != nil {
			return nil, fmt.Errorf("making the keys of a new database: %w", err)
		}
		r, err = readRoot(ctx, db.Reader(), master)
	}
	if err != nil {
		return nil, err
	}
	if err := v.use(r); err != nil {
		return nil, err
	}
	v.secret = r.Secret
	v.index = v.Derive("blind index v1")
	return v, nil
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
	return v.seal(ctx, v.db.Reader(), customer, what, plain)
}

// SealTx is Seal within a transaction, which may just have made the customer's key.
func (v *Vault) SealTx(ctx context.Context, tx *store.Tx, customer cpni.ID, what string, plain []byte) ([]byte, error) {
	return v.seal(ctx, tx, customer, what, plain)
}

func (v *Vault) seal(ctx context.Context, q store.Querier, customer cpni.ID, what string, plain []byte) ([]byte, error) {
	k, err := v.key(ctx, q, customer)
	if err != nil {
		return nil, err
	}
	sealed, err := k.Encrypt(plain, associated(customer, what))
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return sealed, nil
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
	if strings.HasPrefix(what, cpniPrefix) {
		return nil, errors.New("vault: CPNI is opened against a receipt, not as state")
	}
	return v.open(ctx, q, customer, what, sealed)
}

func (v *Vault) open(ctx context.Context, q store.Querier, customer cpni.ID, what string, sealed []byte) ([]byte, error) {
	k, err := v.key(ctx, q, customer)
	if err != nil {
		return nil, err
	}
	return v.openWith(ctx, q, k, customer, associated(customer, what), sealed)
}

// openWith opens sealed by k, and if that fails by the key as the database has it now: another node may have renewed it
// since this one read it.
func (v *Vault) openWith(ctx context.Context, q store.Querier, k tink.AEAD, customer cpni.ID, place, sealed []byte) ([]byte, error) {
	plain, err := k.Decrypt(sealed, place)
	if err == nil {
		return plain, nil
	}
	v.keys.drop(customer)
	if k, err = v.key(ctx, q, customer); err != nil {
		return nil, err
	}
	if plain, err = k.Decrypt(sealed, place); err != nil {
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
