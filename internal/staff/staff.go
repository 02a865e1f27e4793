// Package staff keeps the people and integrations that work for the carrier: their role, their training, how they sign
// in, and the keys of the API.
//
// cite: P-38, 47 CFR 64.2009(b)
package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Member is a person of the staff, or an integration, whose role is system.
type Member struct {
	ID       cpni.ID   `json:"id"`
	Login    string    `json:"login"`
	Name     string    `json:"name"`
	Role     cpni.Role `json:"role"`
	Password string    `json:"password,omitempty"`     // hash; empty: cannot sign in to the console
	Trained  time.Time `json:"trained,omitzero"`       // when the course was last passed
	Until    time.Time `json:"trained_until,omitzero"` // how long that pass is good
	Disabled bool      `json:"disabled,omitempty"`
}

// Hasher hashes passwords of the staff.
type Hasher interface {
	Hash(secret string) string
	Matches(hash, secret string) (bool, error)
	Waste()
}

// Rules are the dated numbers of the staff.
type Rules struct {
	TrainingLife  time.Duration
	SessionIdle   time.Duration
	SessionLength time.Duration
	KeyLife       time.Duration
}

// Register keeps the staff.
type Register struct {
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	clock  cpni.Clock
	hash   Hasher
	rules  func(time.Time) Rules

	mu    sync.RWMutex
	cache map[cpni.ID]entry
	keys  map[[32]byte]Key
}

type entry struct {
	member  *Member
	version int64
}

// NewRegister opens the register.
func NewRegister(db *store.DB, v *vault.Vault, l *ledger.Ledger, clock cpni.Clock, hash Hasher, numbers func(time.Time) Rules) *Register {
	return &Register{db: db, vault: v, ledger: l, clock: clock, hash: hash, rules: numbers, cache: map[cpni.ID]entry{}, keys: map[[32]byte]Key{}}
}

// Errors of the register.
var (
	ErrNone    = errors.New("there is no such member of the staff")
	ErrSignIn  = cpni.Rejected("SIGN_IN", "the name or the password is not right", nil, "try again, or ask an administrator")
	ErrNoKey   = cpni.Rejected("API_KEY", "the API key is missing, unknown, revoked or expired", nil, "send Authorization: Bearer with a key in force")
	ErrBadRole = cpni.Rejected("CONFIG", "that is no role", []string{"P-38"}, "name agent, supervisor, marketing, compliance, officer, fraud, billing, auditor, admin or system")
	validRoles = []cpni.Role{cpni.RoleAgent, cpni.RoleSupervisor, cpni.RoleMarketing, cpni.RoleCompliance, cpni.RoleOfficer, cpni.RoleFraud, cpni.RoleBilling, cpni.RoleAuditor, cpni.RoleAdmin, cpni.RoleSystem}
)

// Add adds a member with a password in the clear, which is hashed; empty: none.
func (r *Register) Add(ctx context.Context, m Member, password, by string) (cpni.ID, error) {
	if !slices.Contains(validRoles, m.Role) {
		return "", ErrBadRole
	}
	if m.ID == "" {
		m.ID = cpni.NewID()
	}
	if m.Login == "" {
		m.Login = string(m.ID)
	}
	m.Login = strings.ToLower(m.Login)
	if password != "" {
		m.Password = r.hash.Hash(password)
	}
	if !m.Trained.IsZero() && m.Until.IsZero() {
		m.Until = m.Trained.Add(r.rules(m.Trained).TrainingLife)
	}
	return m.ID, r.write(ctx, m, by, "member of the staff added", true)
}

// Train records that a member has passed the course.
//
// cite: P-38, 47 CFR 64.2009(b)
func (r *Register) Train(ctx context.Context, id cpni.ID, passed time.Time, by string) error {
	m, _, err := r.Recent(ctx, id)
	if err != nil {
		return err
	}
	c := *m
	c.Trained, c.Until = passed, passed.Add(r.rules(passed).TrainingLife)
	return r.write(ctx, c, by, "training passed", false)
}

func (r *Register) write(ctx context.Context, m Member, by, what string, fresh bool) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		q := "UPDATE staff SET version = version + 1, login = $2, document = $3 WHERE staff_id = $1"
		if fresh {
			q = "INSERT INTO staff (staff_id, version, login, document) VALUES ($1, 1, $2, $3)"
		}
		if _, err := tx.Exec(ctx, q, string(m.ID), m.Login, string(text)); err != nil {
			return nil, fmt.Errorf("writing the staff: %w", err)
		}
		e, err := r.vault.Entry(ctx, nil, ledger.Entry{Kind: ledger.Admin, At: r.clock.Now(), Actor: by, Outcome: cpni.OK},
			map[string]any{"what": what, "member": m.ID, "role": m.Role, "trained": m.Trained})
		return []ledger.Entry{e}, err
	})
	r.mu.Lock()
	delete(r.cache, m.ID)
	r.mu.Unlock()
	return err
}

// Recent gives a member as this node has last seen them, with the version for a store.Guard.
func (r *Register) Recent(ctx context.Context, id cpni.ID) (*Member, int64, error) {
	r.mu.RLock()
	e, ok := r.cache[id]
	r.mu.RUnlock()
	if ok {
		return e.member, e.version, nil
	}
	return r.read(ctx, "staff_id", string(id))
}

func (r *Register) read(ctx context.Context, column, value string) (*Member, int64, error) {
	var e entry
	var text string
	err := r.db.Reader().QueryRow(ctx, "SELECT version, document FROM staff WHERE "+column+" = $1", value).Scan(&e.version, &text)
	if store.IsNoRow(err) {
		return nil, 0, ErrNone
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the staff: %w", err)
	}
	e.member = &Member{}
	if err := json.Unmarshal([]byte(text), e.member); err != nil {
		return nil, 0, fmt.Errorf("reading the staff: %w", err)
	}
	r.mu.Lock()
	r.cache[e.member.ID] = e
	r.mu.Unlock()
	return e.member, e.version, nil
}

// Drop forgets what this node has last seen of a member.
func (r *Register) Drop(id cpni.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cache, id)
}

// token makes a secret that is shown once, and the hash that is kept.
func token(prefix string) (secret string, hash [32]byte) {
	b := make([]byte, 32)
	rand.Read(b)
	secret = prefix + base64.RawURLEncoding.EncodeToString(b)
	return secret, sha256.Sum256([]byte(secret))
}

// SignIn begins a session for who knows the password. An unknown name takes as long as a wrong password and gets the
// same answer.
func (r *Register) SignIn(ctx context.Context, login, password string) (secret string, err error) {
	m, _, err := r.read(ctx, "login", strings.ToLower(strings.TrimSpace(login)))
	if errors.Is(err, ErrNone) || err == nil && (m.Password == "" || m.Disabled) {
		r.hash.Waste()
		return "", ErrSignIn
	}
	if err != nil {
		return "", err
	}
	ok, err := r.hash.Matches(m.Password, password)
	if err != nil {
		return "", err
	}
	now := r.clock.Now()
	if !ok {
		_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			e, err := r.vault.Entry(ctx, nil, ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(m.ID), Outcome: cpni.Reject, Code: "SIGN_IN"}, map[string]string{"what": "sign-in failed"})
			return []ledger.Entry{e}, err
		})
		return "", errors.Join(ErrSignIn, err)
	}
	secret, hash := token("rfs_")
	_, err = r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := tx.Exec(ctx, "INSERT INTO session (hash, staff_id, began, active, ended) VALUES ($1, $2, $3, $3, 0)", hash[:], string(m.ID), now.UnixMicro()); err != nil {
			return nil, err
		}
		e, err := r.vault.Entry(ctx, nil, ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(m.ID), Outcome: cpni.OK}, map[string]string{"what": "signed in"})
		return []ledger.Entry{e}, err
	})
	return secret, err
}

// Session gives the member whose session this is, and keeps it alive.
func (r *Register) Session(ctx context.Context, secret string) (*Member, error) {
	hash := sha256.Sum256([]byte(secret))
	var id cpni.ID
	var began, active, ended int64
	err := r.db.Reader().QueryRow(ctx, "SELECT staff_id, began, active, ended FROM session WHERE hash = $1", hash[:]).Scan(&id, &began, &active, &ended)
	if store.IsNoRow(err) {
		return nil, ErrSignIn
	}
	if err != nil {
		return nil, fmt.Errorf("reading a session: %w", err)
	}
	now := r.clock.Now()
	n := r.rules(now)
	if ended != 0 || !now.Before(time.UnixMicro(active).Add(n.SessionIdle)) || !now.Before(time.UnixMicro(began).Add(n.SessionLength)) {
		return nil, ErrSignIn
	}
	m, _, err := r.Recent(ctx, id)
	if err != nil || m.Disabled {
		return nil, errors.Join(ErrSignIn, err)
	}
	if now.Sub(time.UnixMicro(active)) > time.Minute {
		err = r.db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE session SET active = $1 WHERE hash = $2", now.UnixMicro(), hash[:])
			return err
		})
	}
	return m, err
}

// SignOut ends a session.
func (r *Register) SignOut(ctx context.Context, secret string) error {
	hash := sha256.Sum256([]byte(secret))
	return r.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE session SET ended = $1 WHERE hash = $2 AND ended = 0", r.clock.Now().UnixMicro(), hash[:])
		return err
	})
}

// Key is an API key in force: on whose behalf, and for which purposes.
type Key struct {
	Staff   cpni.ID
	Name    string
	Scopes  []string
	Expires time.Time
	seen    time.Time
}

// NewKey makes an API key for a member; it is shown once.
func (r *Register) NewKey(ctx context.Context, of cpni.ID, name string, scopes []string, by string) (string, error) {
	secret, hash := token("rfk_")
	now := r.clock.Now()
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := tx.Exec(ctx, "INSERT INTO api_key (hash, staff_id, name, scopes, expires, revoked) VALUES ($1, $2, $3, $4, $5, 0)",
			hash[:], string(of), name, strings.Join(scopes, " "), now.Add(r.rules(now).KeyLife).UnixMicro()); err != nil {
			return nil, err
		}
		e, err := r.vault.Entry(ctx, nil, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK}, map[string]any{"what": "API key made", "for": of, "name": name, "scopes": scopes})
		return []ledger.Entry{e}, err
	})
	return secret, err
}

// keySeen is how long a node trusts what it has read of a key.
const keySeen = 2 * time.Second

// Key checks an API key.
func (r *Register) Key(ctx context.Context, secret string) (Key, error) {
	hash := sha256.Sum256([]byte(secret))
	now := r.clock.Now()
	r.mu.RLock()
	k, ok := r.keys[hash]
	r.mu.RUnlock()
	if !ok || now.Sub(k.seen) > keySeen {
		var scopes string
		var expires, revoked int64
		err := r.db.Reader().QueryRow(ctx, "SELECT staff_id, name, scopes, expires, revoked FROM api_key WHERE hash = $1", hash[:]).Scan(&k.Staff, &k.Name, &scopes, &expires, &revoked)
		if store.IsNoRow(err) || err == nil && revoked != 0 {
			return Key{}, ErrNoKey
		}
		if err != nil {
			return Key{}, fmt.Errorf("reading an API key: %w", err)
		}
		k.Scopes, k.Expires, k.seen = strings.Fields(scopes), time.UnixMicro(expires).UTC(), now
		r.mu.Lock()
		if len(r.keys) > 10_000 {
			clear(r.keys)
		}
		r.keys[hash] = k
		r.mu.Unlock()
	}
	if !now.Before(k.Expires) {
		return Key{}, ErrNoKey
	}
	return k, nil
}
