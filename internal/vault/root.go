package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// What the vault keeps in the database's meta table.
const (
	metaRoot     = "vault.root"      // the root, sealed by the master key
	metaRootNext = "vault.root.next" // the same, sealed by the master key that takes over; absent at other times
	metaWrapping = "vault.wrapping"  // id of the wrapping key in use; its row is locked by who wraps and who rotates
	metaChange   = "vault.change"    // another word whenever keys that others may have cached are renewed or destroyed
)

// root is what the master key seals: all that the vault needs to open customers' keys.
type root struct {
	Wrapping []byte `json:"wrapping"` // the wrapping keyset, in Tink's binary form
	Secret   []byte `json:"secret"`   // see Vault.Derive; it stays when keys are rotated, or no look-up would be found again
}

// A sealed root begins with a sealed word that is always the same: when it opens, the master key is the right one.
const (
	checkWord  = "ringfence"
	checkPlace = "vault.check"
	rootPlace  = "vault.root"
)

// lock seals r.
func (m *Master) lock(r root) (string, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("writing the keys: %w", err)
	}
	check, err := m.aead.Encrypt([]byte(checkWord), []byte(checkPlace))
	if err != nil {
		return "", fmt.Errorf("sealing with the master key: %w", err)
	}
	sealed, err := m.aead.Encrypt(plain, []byte(rootPlace))
	if err != nil {
		return "", fmt.Errorf("sealing with the master key: %w", err)
	}
	return encodeText(check) + " " + encodeText(sealed), nil
}

// unlock opens what lock sealed.
func (m *Master) unlock(text string) (root, error) {
	var r root
	before, after, ok := strings.Cut(text, " ")
	check, err1 := decodeText(before)
	sealed, err2 := decodeText(after)
	if !ok || err1 != nil || err2 != nil {
		return r, ErrKeysDamaged
	}
	if _, err := m.aead.Decrypt(check, []byte(checkPlace)); err != nil {
		if m.service {
			return r, fmt.Errorf("%w (%w)", ErrKeyService, err)
		}
		return r, ErrOtherKey
	}
	plain, err := m.aead.Decrypt(sealed, []byte(rootPlace))
	if err != nil {
		return r, ErrKeysDamaged
	}
	if err := json.Unmarshal(plain, &r); err != nil {
		return r, ErrKeysDamaged
	}
	return r, nil
}

var errNoRoot = errors.New("the database has no keys yet")

// readRoot opens the root with master, which may be the one in use or the one that takes over.
func readRoot(ctx context.Context, q store.Querier, master *Master) (root, error) {
	rows, err := q.Query(ctx, "SELECT value FROM meta WHERE name IN ($1, $2) ORDER BY name", metaRoot, metaRootNext)
	if err != nil {
		return root{}, fmt.Errorf("reading the sealed keys: %w", err)
	}
	var sealed []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			rows.Close()
			return root{}, fmt.Errorf("reading the sealed keys: %w", err)
		}
		sealed = append(sealed, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return root{}, fmt.Errorf("reading the sealed keys: %w", err)
	}
	err = errNoRoot
	for _, s := range sealed {
		var r root
		if r, err = master.unlock(s); err == nil {
			return r, nil
		}
	}
	return root{}, err
}

// create makes the first keys of a database, unless another node is doing so.
func (v *Vault) create(ctx context.Context) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("making the wrapping keyset: %w", err)
	}
	r := root{Secret: make([]byte, 32)}
	rand.Read(r.Secret)
	if r.Wrapping, err = writeKeyset(handle); err != nil {
		return err
	}
	sealed, err := v.master.lock(r)
	if err != nil {
		return err
	}
	if err := v.use(r); err != nil {
		return err
	}
	return v.db.Tx(ctx, func(tx *store.Tx) error {
		first, err := affected(tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", metaWrapping, v.wrappingID()))
		if err != nil || first == 0 {
			return err // another node was first: its keys are read next
		}
		var orphan string
		switch err := tx.QueryRow(ctx, "SELECT customer_id FROM customer_key LIMIT 1").Scan(&orphan); {
		case err == nil:
			return ErrKeysDamaged // customers' keys without the root that opens them
		case !store.IsNoRow(err):
			return err
		}
		if err := tx.SetMeta(ctx, metaRoot, sealed); err != nil {
			return err
		}
		return v.newKey(ctx, tx, CarrierID)
	})
}

// reload reads the wrapping keyset, which another node may have renewed.
func (v *Vault) reload(ctx context.Context, q store.Querier) error {
	v.mu.RLock()
	master := v.master
	v.mu.RUnlock()
	r, err := readRoot(ctx, q, master)
	if errors.Is(err, errNoRoot) {
		return ErrKeysDamaged
	}
	if err != nil {
		return err
	}
	return v.use(r)
}

// use makes r's the wrapping keyset.
func (v *Vault) use(r root) error {
	handle, err := readKeyset(r.Wrapping)
	if err != nil {
		return ErrKeysDamaged
	}
	a, err := aead.New(handle)
	if err != nil {
		return fmt.Errorf("the wrapping keyset: %w", err)
	}
	primary, err := handle.Primary()
	if err != nil {
		return fmt.Errorf("the wrapping keyset: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wrapping, v.wrapper, v.primary = handle, a, int64(primary.KeyID())
	return nil
}

func (v *Vault) wrappingID() string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return strconv.FormatInt(v.primary, 10)
}

// changed tells other nodes, which follow, that keys they may hold are renewed or destroyed.
func changed(ctx context.Context, tx *store.Tx) error {
	return tx.SetMeta(ctx, metaChange, string(cpni.NewID()))
}

func encodeText(b []byte) string          { return base64.StdEncoding.EncodeToString(b) }
func decodeText(s string) ([]byte, error) { return base64.StdEncoding.DecodeString(s) }

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
