package vault

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// ErrRotating: another rotation runs, here or on another node.
var ErrRotating = errors.New("another rotation of keys is under way; let it end, then ask again")

// rewrapMost bounds one transaction of a rotation, so that requests wait little for it.
const rewrapMost = 500

// Admit lets next open the database beside the master key in use, so that several nodes can be restarted with it one
// after the other before Rotate makes it the only one. With one node it is not needed.
func (v *Vault) Admit(ctx context.Context, next *Master) error {
	if !v.rotating.TryLock() {
		return ErrRotating
	}
	defer v.rotating.Unlock()
	r, err := v.currentRoot(ctx)
	if err != nil {
		return err
	}
	return v.keepRoot(ctx, r, r, next, nil)
}

// rotateTries bounds how often customers who came while keys rotated are looked for.
const rotateTries = 100

// Rotate renews the wrapping keyset and wraps every customer's key anew, while requests go on; next seals the wrapping
// keyset from now on and may be the master key in use or a new one. progress hears how many keys are done. A rotation
// that was interrupted is finished by asking for it again.
//
// After it neither the old master key nor an old wrapping key opens the database or a newer backup of it.
//
// cite: P-37
func (v *Vault) Rotate(ctx context.Context, next *Master, progress func(done int)) error {
	if !v.rotating.TryLock() {
		return ErrRotating
	}
	defer v.rotating.Unlock()
	old, err := v.currentRoot(ctx)
	if err != nil {
		return err
	}
	handle, err := readKeyset(old.Wrapping)
	if err != nil {
		return ErrKeysDamaged
	}
	if handle, err = withNewPrimary(handle); err != nil {
		return err
	}
	both := root{Secret: old.Secret}
	if both.Wrapping, err = writeKeyset(handle); err != nil {
		return err
	}
	if err := v.keepRoot(ctx, old, both, next, nil); err != nil {
		return err
	}
	done, err := v.rewrapAll(ctx, 0, progress)
	if err != nil {
		return err
	}
	if handle, err = onlyPrimary(handle); err != nil {
		return err
	}
	last := root{Secret: old.Secret}
	if last.Wrapping, err = writeKeyset(handle); err != nil {
		return err
	}
	v.mu.Lock()
	before := v.master
	v.master = next
	v.mu.Unlock()
	for tries := 1; ; tries++ {
		err := v.keepRoot(ctx, both, last, nil, v.allRewrapped)
		if err == nil {
			break
		}
		if errors.Is(err, errWrappedByOld) && tries < rotateTries { // one that was made as the rotation began
			if done, err = v.rewrapAll(ctx, done, progress); err == nil {
				continue
			}
		}
		v.mu.Lock()
		v.master = before
		v.mu.Unlock()
		return err
	}
	if err := v.db.Scrub(ctx, "customer_key", "meta"); err != nil {
		return fmt.Errorf("keys are rotated, but the old ones could not be taken out of the database's files: %w", err)
	}
	return nil
}

// Wrapping is the id of the wrapping key in use, for telling whether it has been renewed since.
func (v *Vault) Wrapping(ctx context.Context) (int64, error) {
	if err := v.reload(ctx, v.db.Reader()); err != nil {
		return 0, err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.primary, nil
}

// Renew is Rotate under the master key in use, unless the wrapping key since has been renewed already and nothing is left
// to do.
//
// cite: P-37
func (v *Vault) Renew(ctx context.Context, since int64, progress func(done int)) error {
	now, err := v.Wrapping(ctx)
	if err != nil {
		return err
	}
	v.mu.RLock()
	master, whole := v.master, v.wrapping.Len() == 1
	v.mu.RUnlock()
	if now != since && whole {
		return nil
	}
	return v.Rotate(ctx, master, progress)
}

// currentRoot is the root as the database has it.
func (v *Vault) currentRoot(ctx context.Context) (root, error) {
	v.mu.RLock()
	master := v.master
	v.mu.RUnlock()
	r, err := readRoot(ctx, v.db.Reader(), master)
	if errors.Is(err, errNoRoot) {
		return r, ErrKeysDamaged
	}
	return r, err
}

// keepRoot puts to in the place of from, sealed by the master key in use and, unless it is nil or the same, by next. It
// fails when the root in use is no longer from, or when check does, and then changes nothing.
func (v *Vault) keepRoot(ctx context.Context, from, to root, next *Master, check func(context.Context, *store.Tx, int64) error) error {
	v.mu.RLock()
	master := v.master
	v.mu.RUnlock()
	sealed, err := master.lock(to)
	if err != nil {
		return err
	}
	sealedNext := ""
	if next != nil && next != master {
		if sealedNext, err = next.lock(to); err != nil {
			return err
		}
	}
	fromID, err := from.primary()
	if err != nil {
		return err
	}
	toID, err := to.primary()
	if err != nil {
		return err
	}
	err = v.db.Tx(ctx, func(tx *store.Tx) error {
		query := "SELECT value FROM meta WHERE name = $1"
		if tx.Dialect() == store.Postgres {
			query += " FOR UPDATE"
		}
		var now string
		if err := tx.QueryRow(ctx, query, metaWrapping).Scan(&now); err != nil {
			return err
		}
		if now != strconv.FormatInt(fromID, 10) {
			return ErrRotating
		}
		if check != nil {
			if err := check(ctx, tx, toID); err != nil {
				return err
			}
		}
		if err := errors.Join(tx.SetMeta(ctx, metaRoot, sealed), tx.SetMeta(ctx, metaWrapping, strconv.FormatInt(toID, 10)), changed(ctx, tx)); err != nil {
			return err
		}
		if sealedNext != "" {
			return tx.SetMeta(ctx, metaRootNext, sealedNext)
		}
		_, err := tx.Exec(ctx, "DELETE FROM meta WHERE name = $1", metaRootNext)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the renewed keys: %w", err)
	}
	return v.use(to)
}

func (r root) primary() (int64, error) {
	h, err := readKeyset(r.Wrapping)
	if err != nil {
		return 0, ErrKeysDamaged
	}
	p, err := h.Primary()
	if err != nil {
		return 0, fmt.Errorf("the wrapping keyset: %w", err)
	}
	return int64(p.KeyID()), nil
}

var errWrappedByOld = errors.New("a customer's key is wrapped by the old wrapping key")

// allRewrapped fails when a customer's key is not wrapped by wrapping; whoever wraps waits for tx.
func (v *Vault) allRewrapped(ctx context.Context, tx *store.Tx, wrapping int64) error {
	var one string
	err := tx.QueryRow(ctx, "SELECT customer_id FROM customer_key WHERE wrapping <> $1 LIMIT 1", wrapping).Scan(&one)
	if store.IsNoRow(err) {
		return nil
	}
	return errors.Join(err, errWrappedByOld)
}

// rewrapAll goes once through all customers' keys.
func (v *Vault) rewrapAll(ctx context.Context, done int, progress func(done int)) (int, error) {
	for after, more := "-", true; more; {
		var n int
		var next string
		err := v.db.Tx(ctx, func(tx *store.Tx) (err error) {
			n, next, more, err = v.rewrapSome(ctx, tx, after)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("wrapping customers' keys anew: %w", err)
		}
		after = next
		if done += n; progress != nil {
			progress(done)
		}
	}
	return done, nil
}

// wrappedKey is a row of customer_key.
type wrappedKey struct {
	customer cpni.ID
	wrapped  []byte
}

// rewrapSome wraps anew the next keys behind the customer after; "-" stands before them all, the carrier's too.
func (v *Vault) rewrapSome(ctx context.Context, tx *store.Tx, after string) (done int, last string, more bool, err error) {
	if err := v.holdWrapping(ctx, tx); err != nil {
		return 0, after, false, err
	}
	v.mu.RLock()
	primary := v.primary
	v.mu.RUnlock()
	rows, err := keyRows(ctx, tx, "wrapping <> $3 AND", after, primary)
	if err != nil {
		return 0, after, false, err
	}
	last = after
	for _, r := range rows {
		last = string(r.customer)
		plain, err := v.unwrap(ctx, tx, r.customer, r.wrapped)
		if err != nil {
			return done, after, false, err
		}
		wrapped, by, err := v.wrap(r.customer, plain)
		if err != nil {
			return done, after, false, err
		}
		n, err := replaceKey(ctx, tx, r, wrapped, by)
		if err != nil {
			return done, after, false, err
		}
		done += int(n) // 0 when the key was destroyed or renewed meanwhile: then it is not ours to write
	}
	return done, last, len(rows) == rewrapMost, nil
}

// keyRows reads rewrapMost rows of customer_key behind the customer after.
func keyRows(ctx context.Context, tx *store.Tx, where, after string, args ...any) ([]wrappedKey, error) {
	compare := ">"
	if after == "-" {
		after, compare = "", ">="
	}
	rows, err := tx.Query(ctx, "SELECT customer_id, wrapped FROM customer_key WHERE "+where+" customer_id "+compare+" $1 ORDER BY customer_id LIMIT $2",
		append([]any{after, rewrapMost}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []wrappedKey
	for rows.Next() {
		var r wrappedKey
		if err := rows.Scan(&r.customer, &r.wrapped); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// replaceKey writes a customer's key if it is still the one that was read: a key that another transaction has destroyed
// stays destroyed, and one that it has renewed is not lost.
func replaceKey(ctx context.Context, tx *store.Tx, was wrappedKey, wrapped []byte, by int64) (int64, error) {
	return affected(tx.Exec(ctx, "UPDATE customer_key SET wrapping = $1, wrapped = $2 WHERE customer_id = $3 AND wrapped = $4",
		by, wrapped, string(was.customer), was.wrapped))
}

// RotateCustomer gives the customer a fresh key for all that is sealed from now on, on other nodes within a second; what
// was sealed before stays readable.
//
// cite: P-37
func (v *Vault) RotateCustomer(ctx context.Context, tx *store.Tx, customer cpni.ID) error {
	was := wrappedKey{customer: customer}
	query := "SELECT wrapped FROM customer_key WHERE customer_id = $1"
	if tx.Dialect() == store.Postgres {
		query += " FOR UPDATE"
	}
	err := tx.QueryRow(ctx, query, string(customer)).Scan(&was.wrapped)
	if store.IsNoRow(err) {
		return ErrForgotten
	}
	if err != nil {
		return fmt.Errorf("reading a customer's key: %w", err)
	}
	if err := v.renew(ctx, tx, was); err != nil {
		return err
	}
	return changed(ctx, tx)
}

// RotateCustomers does as RotateCustomer for all customers and the carrier, while requests go on. progress hears how many
// are done. One that was interrupted is asked for again, and gives some a fresh key twice, which does no harm.
//
// cite: P-37
func (v *Vault) RotateCustomers(ctx context.Context, progress func(done int)) error {
	if !v.rotating.TryLock() {
		return ErrRotating
	}
	defer v.rotating.Unlock()
	done := 0
	for after, more := "-", true; more; {
		var n int
		next := after
		err := v.db.Tx(ctx, func(tx *store.Tx) error {
			// Before the keys are read: else a rotation that ends meanwhile destroys what they were wrapped by.
			if err := v.holdWrapping(ctx, tx); err != nil {
				return err
			}
			rows, err := keyRows(ctx, tx, "", after)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if err := v.renew(ctx, tx, r); err != nil {
					return err
				}
				next = string(r.customer)
			}
			n, more = len(rows), len(rows) == rewrapMost
			return changed(ctx, tx)
		})
		if err != nil {
			return fmt.Errorf("giving customers fresh keys: %w", err)
		}
		v.keys.clear()
		after = next
		if done += n; progress != nil {
			progress(done)
		}
	}
	return nil
}

// renew adds a fresh primary key to a customer's keyset. One that was wrapped anew since it was read is read again.
func (v *Vault) renew(ctx context.Context, tx *store.Tx, was wrappedKey) error {
	for {
		done, err := v.renewOnce(ctx, tx, was)
		if err != nil || done {
			return err
		}
		err = tx.QueryRow(ctx, "SELECT wrapped FROM customer_key WHERE customer_id = $1", string(was.customer)).Scan(&was.wrapped)
		if store.IsNoRow(err) {
			return nil // destroyed meanwhile
		}
		if err != nil {
			return fmt.Errorf("reading a customer's key: %w", err)
		}
	}
}

func (v *Vault) renewOnce(ctx context.Context, tx *store.Tx, was wrappedKey) (done bool, err error) {
	plain, err := v.unwrap(ctx, tx, was.customer, was.wrapped)
	if err != nil {
		return false, err
	}
	handle, err := readKeyset(plain)
	if err != nil {
		return false, ErrKeysDamaged
	}
	if handle, err = withNewPrimary(handle); err != nil {
		return false, err
	}
	wrapped, by, err := v.wrapHandle(ctx, tx, was.customer, handle)
	if err != nil {
		return false, err
	}
	n, err := replaceKey(ctx, tx, was, wrapped, by)
	if err != nil {
		return false, fmt.Errorf("renewing a customer's key: %w", err)
	}
	if n == 0 {
		return false, nil // destroyed or wrapped anew meanwhile
	}
	return true, v.made(tx, was.customer, handle)
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
