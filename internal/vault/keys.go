package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

func keyContext(customer cpni.ID) []byte { return []byte("customer key " + string(customer)) }

// NewCustomerKey makes the data keyset of a new customer, in the transaction that makes the customer. A customer who has
// one keeps it, and the call fails: another key would make unreadable what is sealed.
func (v *Vault) NewCustomerKey(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	if !customer.Valid() {
		return errNoCustomer
	}
	return v.newKey(ctx, tx, customer)
}

var errNoCustomer = errors.New("vault: a customer's id is needed")

func (v *Vault) newKey(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("making a customer's key: %w", err)
	}
	wrapped, by, err := v.wrapHandle(ctx, tx, customer, handle)
	if err != nil {
		return err
	}
	n, err := affected(tx.Exec(ctx, "INSERT INTO customer_key (customer_id, wrapping, wrapped) VALUES ($1, $2, $3) ON CONFLICT (customer_id) DO NOTHING",
		string(customer), by, wrapped))
	if err != nil {
		return fmt.Errorf("keeping a customer's key: %w", err)
	}
	if n == 0 {
		return errors.New("vault: the customer has a key already")
	}
	return v.made(tx, customer, handle)
}

// made gives the cipher of a key that tx has made to those who go on in tx.
func (v *Vault) made(tx *store.Tx, customer cpni.ID, handle *keyset.Handle) error {
	k, err := aead.New(handle)
	if err != nil {
		return fmt.Errorf("a customer's key: %w", err)
	}
	v.keys.made(tx, customer, k)
	return nil
}

// wrapHandle wraps a data keyset and says by which wrapping key.
func (v *Vault) wrapHandle(ctx context.Context, tx *store.Tx, customer cpni.ID, handle *keyset.Handle) ([]byte, int64, error) {
	plain, err := writeKeyset(handle)
	if err != nil {
		return nil, 0, err
	}
	if err := v.holdWrapping(ctx, tx); err != nil {
		return nil, 0, err
	}
	return v.wrap(customer, plain)
}

func (v *Vault) wrap(customer cpni.ID, plain []byte) ([]byte, int64, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	wrapped, err := v.wrapper.Encrypt(plain, keyContext(customer))
	if err != nil {
		return nil, 0, fmt.Errorf("wrapping a customer's key: %w", err)
	}
	return wrapped, v.primary, nil
}

// holdWrapping makes sure that the wrapping key in use is the database's, and keeps a rotation from removing it until tx
// has ended: else a key could be wrapped by what is about to be destroyed.
func (v *Vault) holdWrapping(ctx context.Context, tx *store.Tx) error {
	query := "SELECT value FROM meta WHERE name = $1"
	if tx.Dialect() == store.Postgres {
		query += " FOR SHARE"
	}
	var now string
	if err := tx.QueryRow(ctx, query, metaWrapping).Scan(&now); err != nil {
		return fmt.Errorf("reading the wrapping key's id: %w", err)
	}
	if now == v.wrappingID() {
		return nil
	}
	if err := v.reload(ctx, tx); err != nil {
		return err
	}
	if now != v.wrappingID() {
		return ErrKeysDamaged
	}
	return nil
}

// key gives the cipher of a customer as q sees it.
func (v *Vault) key(ctx context.Context, q store.Querier, customer cpni.ID) (tink.AEAD, error) {
	tx, _ := q.(*store.Tx)
	k, ok, drops := v.keys.get(tx, customer)
	if ok {
		return k, nil
	}
	wrapped, err := readWrapped(ctx, q, customer)
	if err != nil {
		return nil, err
	}
	if k, err = v.cipher(ctx, q, customer, wrapped); errors.Is(err, ErrKeysDamaged) {
		// It may have been wrapped anew between the two, and the old wrapping key destroyed.
		if wrapped, err = readWrapped(ctx, q, customer); err == nil {
			k, err = v.cipher(ctx, q, customer, wrapped)
		}
	}
	if err != nil {
		return nil, err
	}
	v.keys.put(customer, k, drops)
	return k, nil
}

func readWrapped(ctx context.Context, q store.Querier, customer cpni.ID) ([]byte, error) {
	var wrapped []byte
	err := q.QueryRow(ctx, "SELECT wrapped FROM customer_key WHERE customer_id = $1", string(customer)).Scan(&wrapped)
	if store.IsNoRow(err) {
		return nil, ErrForgotten
	}
	if err != nil {
		return nil, fmt.Errorf("reading a customer's key: %w", err)
	}
	return wrapped, nil
}

// cipher makes a customer's cipher of the wrapped keyset.
func (v *Vault) cipher(ctx context.Context, q store.Querier, customer cpni.ID, wrapped []byte) (tink.AEAD, error) {
	plain, err := v.unwrap(ctx, q, customer, wrapped)
	if err != nil {
		return nil, err
	}
	handle, err := readKeyset(plain)
	if err != nil {
		return nil, ErrKeysDamaged
	}
	k, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("a customer's key: %w", err)
	}
	return k, nil
}

// unwrap opens a wrapped keyset; when that fails, with the wrapping keyset as the database has it now.
func (v *Vault) unwrap(ctx context.Context, q store.Querier, customer cpni.ID, wrapped []byte) ([]byte, error) {
	open := func() ([]byte, error) {
		v.mu.RLock()
		defer v.mu.RUnlock()
		return v.wrapper.Decrypt(wrapped, keyContext(customer))
	}
	plain, err := open()
	if err == nil {
		return plain, nil
	}
	if err := v.reload(ctx, q); err != nil {
		return nil, err
	}
	if plain, err = open(); err != nil {
		return nil, ErrKeysDamaged
	}
	return plain, nil
}

// Forget destroys the customer's key in tx, with the sealed rows that only it could open. The ledger's records stay:
// they still verify, and nobody can read them. Call Scrub after the commit.
//
// cite: P-37, I-21
func (v *Vault) Forget(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	if !customer.Valid() {
		return errNoCustomer
	}
	// The key first: its row is what writers of this customer hold while they write.
	for _, q := range [...]string{"DELETE FROM customer_key WHERE customer_id = $1", "DELETE FROM call_segment WHERE customer_id = $1",
		"DELETE FROM cpni_item WHERE customer_id = $1"} {
		if _, err := tx.Exec(ctx, q, string(customer)); err != nil {
			return fmt.Errorf("destroying a customer's key: %w", err)
		}
	}
	v.keys.dropFresh(tx, customer)
	v.keys.drop(customer)
	return changed(ctx, tx)
}

// Scrub takes keys that Forget has destroyed out of this process and out of the files of the database as well: out of
// the write-ahead log and the free pages of SQLite, out of the dead rows of PostgreSQL. Other nodes let go of it as they
// Follow.
//
// What else Forget deleted is unreadable without the key and is left to the database's own cleaning.
//
// cite: I-21
func (v *Vault) Scrub(ctx context.Context, customers ...cpni.ID) error {
	for _, customer := range customers {
		v.keys.drop(customer)
	}
	return v.db.Scrub(ctx, "customer_key")
}

// followEvery is how long another node's forgetting or rotation may go unseen.
const followEvery = time.Second

// Follow lets go of cached keys that another node renews or destroys, until ctx ends; report gets errors, and it goes on
// trying.
//
// cite: I-21
func (v *Vault) Follow(ctx context.Context, report func(error)) {
	store.Every(ctx, followEvery, v.catchUp, report)
}

func (v *Vault) catchUp(ctx context.Context) error {
	now, err := v.db.Meta(ctx, metaChange)
	if err != nil {
		return fmt.Errorf("looking for changes of keys: %w", err)
	}
	v.mu.RLock()
	seen := v.seen
	v.mu.RUnlock()
	if now == seen {
		return nil
	}
	v.keys.clear()
	if err := v.reload(ctx, v.db.Reader()); err != nil {
		return err
	}
	v.mu.Lock()
	v.seen = now
	v.mu.Unlock()
	return nil
}

// affected is how many rows a statement has changed.
func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
