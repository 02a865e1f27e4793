package vault

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

func encodeText(b []byte) string          { return base64.StdEncoding.EncodeToString(b) }
func decodeText(s string) ([]byte, error) { return base64.StdEncoding.DecodeString(s) }
func keyContext(customer cpni.ID) []byte  { return []byte("customer key " + string(customer)) }

// NewCustomerKey makes the data keyset of a new customer, in the transaction that makes the customer.
func (v *Vault) NewCustomerKey(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	if !customer.Valid() {
		return errors.New("vault: a customer's id is needed")
	}
	return v.newKey(ctx, tx, customer)
}

func (v *Vault) newKey(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("making a customer's key: %w", err)
	}
	return v.putKey(ctx, tx, customer, handle)
}

func (v *Vault) putKey(ctx context.Context, tx *store.Tx, customer cpni.ID, handle *keyset.Handle) error {
	plain, err := writeKeyset(handle)
	if err != nil {
		return err
	}
	v.mu.RLock()
	wrapped, err := v.wrapper.Encrypt(plain, keyContext(customer))
	primary := v.primary
	v.mu.RUnlock()
	if err != nil {
		return fmt.Errorf("wrapping a customer's key: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO customer_key (customer_id, wrapping, wrapped) VALUES ($1, $2, $3)
		ON CONFLICT (customer_id) DO UPDATE SET wrapping = excluded.wrapping, wrapped = excluded.wrapped`, string(customer), primary, wrapped)
	v.keys.drop(customer)
	return err
}

// key gives the cipher of a customer.
func (v *Vault) key(ctx context.Context, q store.Querier, customer cpni.ID) (tink.AEAD, error) {
	if k, ok := v.keys.get(customer); ok {
		return k, nil
	}
	handle, err := v.handle(ctx, q, customer)
	if err != nil {
		return nil, err
	}
	k, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("a customer's key: %w", err)
	}
	v.keys.put(customer, k)
	return k, nil
}

func (v *Vault) handle(ctx context.Context, q store.Querier, customer cpni.ID) (*keyset.Handle, error) {
	var wrapped []byte
	err := q.QueryRow(ctx, "SELECT wrapped FROM customer_key WHERE customer_id = $1", string(customer)).Scan(&wrapped)
	if store.IsNoRow(err) {
		return nil, ErrForgotten
	}
	if err != nil {
		return nil, fmt.Errorf("reading a customer's key: %w", err)
	}
	plain, err := v.unwrap(customer, wrapped)
	if err != nil {
		// Another node may have renewed the wrapping keyset since this one read it.
		if err := v.reload(ctx); err != nil {
			return nil, err
		}
		if plain, err = v.unwrap(customer, wrapped); err != nil {
			return nil, ErrSealBroken
		}
	}
	return readKeyset(plain)
}

func (v *Vault) unwrap(customer cpni.ID, wrapped []byte) ([]byte, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.wrapper.Decrypt(wrapped, keyContext(customer))
}

// Forget destroys the customer's key in tx, with the sealed rows that only it could open. The ledger's records stay:
// they still verify, and nobody can read them. Call Scrub after the commit.
//
// cite: P-54
func (v *Vault) Forget(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	if !customer.Valid() {
		return errors.New("vault: a customer's id is needed")
	}
	for _, q := range [...]string{"DELETE FROM call_segment WHERE customer_id = $1", "DELETE FROM cpni_item WHERE customer_id = $1",
		"DELETE FROM customer_key WHERE customer_id = $1"} {
		if _, err := tx.Exec(ctx, q, string(customer)); err != nil {
			return fmt.Errorf("destroying a customer's key: %w", err)
		}
	}
	v.keys.drop(customer)
	return nil
}

// Scrub takes what Forget has deleted out of the files of the database as well: out of the write-ahead log and the free
// pages of SQLite, out of the dead rows of PostgreSQL.
func (v *Vault) Scrub(ctx context.Context, customer cpni.ID) error {
	v.keys.drop(customer)
	return v.db.Scrub(ctx, "customer_key", "call_segment", "cpni_item")
}

// RotateCustomer gives the customer a fresh key for all that is sealed from now on; what was sealed before stays
// readable.
func (v *Vault) RotateCustomer(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	handle, err := v.handle(ctx, tx, customer)
	if err != nil {
		return err
	}
	if handle, err = withNewPrimary(handle); err != nil {
		return err
	}
	return v.putKey(ctx, tx, customer, handle)
}

func withNewPrimary(h *keyset.Handle) (*keyset.Handle, error) {
	m := keyset.NewManagerFromHandle(h)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		return nil, fmt.Errorf("adding a key: %w", err)
	}
	return m.Handle()
}

// rewrapMost bounds one transaction of a rotation, so that requests wait little for it.
const rewrapMost = 500

// Rotate renews the wrapping keyset and wraps every customer's key anew, while requests go on; next seals the wrapping
// keyset from now on and may be the master key in use or a new one. progress hears how many keys are done. A rotation
// that was interrupted is finished by asking for it again.
//
// cite: P-37
func (v *Vault) Rotate(ctx context.Context, next *Master, progress func(done int)) error {
	v.mu.RLock()
	handle := v.wrapping
	v.mu.RUnlock()
	handle, err := withNewPrimary(handle)
	if err != nil {
		return err
	}
	if err := v.keepWrapping(ctx, next, handle); err != nil {
		return err
	}
	if err := v.use(handle); err != nil {
		return err
	}
	v.mu.Lock()
	v.master = next
	v.mu.Unlock()
	done := 0
	for {
		n, err := v.rewrapSome(ctx)
		if err != nil {
			return fmt.Errorf("wrapping customers' keys anew: %w", err)
		}
		if done += n; progress != nil {
			progress(done)
		}
		if n < rewrapMost {
			break
		}
	}
	if handle, err = onlyPrimary(handle); err != nil {
		return err
	}
	if err := v.keepWrapping(ctx, next, handle); err != nil {
		return err
	}
	return v.use(handle)
}

func onlyPrimary(h *keyset.Handle) (*keyset.Handle, error) {
	primary, err := h.Primary()
	if err != nil {
		return nil, err
	}
	m := keyset.NewManagerFromHandle(h)
	for i := range h.Len() {
		e, err := h.Entry(i)
		if err != nil {
			return nil, err
		}
		if e.KeyID() != primary.KeyID() {
			if err := m.Delete(e.KeyID()); err != nil {
				return nil, fmt.Errorf("removing an old key: %w", err)
			}
		}
	}
	return m.Handle()
}

func (v *Vault) keepWrapping(ctx context.Context, master *Master, handle *keyset.Handle) error {
	plain, err := writeKeyset(handle)
	if err != nil {
		return err
	}
	wrapping, err := master.seal(metaWrapping, plain)
	if err != nil {
		return err
	}
	secret, err := master.seal(metaSecret, v.secret)
	if err != nil {
		return err
	}
	return v.db.Tx(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.SetMeta(ctx, metaWrapping, wrapping), tx.SetMeta(ctx, metaSecret, secret))
	})
}

func (v *Vault) rewrapSome(ctx context.Context) (n int, err error) {
	err = v.db.Tx(ctx, func(tx *store.Tx) error {
		v.mu.RLock()
		primary := v.primary
		v.mu.RUnlock()
		rows, err := tx.Query(ctx, "SELECT customer_id FROM customer_key WHERE wrapping <> $1 LIMIT $2", primary, rewrapMost)
		if err != nil {
			return err
		}
		var ids []cpni.ID
		for rows.Next() {
			var id cpni.ID
			if err := rows.Scan(&id); err != nil {
				rows.Close()
				return err
			}
			ids = append(ids, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, id := range ids {
			handle, err := v.handle(ctx, tx, id)
			if err != nil {
				return err
			}
			if err := v.putKey(ctx, tx, id, handle); err != nil {
				return err
			}
		}
		n = len(ids)
		return nil
	})
	return n, err
}

// keyCache keeps the ciphers of customers lately served.
type keyCache struct {
	mu   sync.RWMutex
	most int
	keys map[cpni.ID]tink.AEAD
}

func (c *keyCache) get(id cpni.ID) (tink.AEAD, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k, ok := c.keys[id]
	return k, ok
}

func (c *keyCache) put(id cpni.ID, k tink.AEAD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[cpni.ID]tink.AEAD{}
	}
	for old := range c.keys { // any one: which is of little matter
		if len(c.keys) < c.most {
			break
		}
		delete(c.keys, old)
	}
	c.keys[id] = k
}

func (c *keyCache) drop(id cpni.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, id)
}
