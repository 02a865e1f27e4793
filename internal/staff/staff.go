// Package staff keeps the people and integrations that work for the carrier: their role, their training, how they sign
// in, and the keys of the API.
//
// cite: P-38, 47 CFR 64.2009(b)
package staff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/contact"
	"ringfence/internal/contact/throttle"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Member is a person of the staff, or an integration, whose role is system.
type Member struct {
	ID       cpni.ID   `json:"id"`
	Login    string    `json:"login"`
	Name     string    `json:"name"`
	Role     cpni.Role `json:"role"`
	Password string    `json:"-"`                      // hash; empty: cannot sign in to the console. It never leaves with the member
	Trained  time.Time `json:"trained,omitzero"`       // when the course was last passed
	Until    time.Time `json:"trained_until,omitzero"` // how long that pass is good
	Disabled bool      `json:"disabled,omitempty"`
	Standing

	work *work // by what their rights are judged; nil of one whom no register gave out
}

// document is a member as the database has them.
type document struct {
	Member
	Hash string `json:"password,omitempty"`
}

// Hasher hashes passwords of the staff.
type Hasher interface {
	Hash(secret string) string
	Matches(hash, secret string) (bool, error)
	Waste()
}

// Rules are the dated numbers of the staff.
type Rules struct {
	TrainingLife     time.Duration
	SessionIdle      time.Duration
	SessionLength    time.Duration
	KeyLife          time.Duration
	ShortestPassword int            // in characters
	SecondFactor     bool           // nobody signs in with a password alone
	SignInLife       time.Duration  // from the password to the second factor
	InviteLife       time.Duration  // of a one-time invitation
	StepUp           time.Duration  // how long a proof of who it is lasts for acts that want one
	RecoveryCodes    int            // how many a member gets
	Login, Source    throttle.Rules // of failed sign-ins, by login and by where they come from
}

// RulesOf takes the numbers of the staff from a policy.
//
// cite: P-38, 47 CFR 64.2009(b)
func RulesOf(n rules.InForce) Rules {
	const defaults = "security-defaults"
	return Rules{TrainingLife: n.Duration("cpni-core", "training_life"), SessionIdle: n.Duration(defaults, "session_idle"),
		SessionLength: n.Duration(defaults, "session_longest"), KeyLife: n.Duration(defaults, "key_life"), ShortestPassword: n.Int(defaults, "shortest_password"),
		SecondFactor: n.Int(defaults, "second_factor_required") != 0, SignInLife: n.Duration(defaults, "sign_in_life"), InviteLife: n.Duration(defaults, "invite_life"), StepUp: n.Duration(defaults, "step_up"), RecoveryCodes: n.Int(defaults, "recovery_codes"),
		Login: throttle.Rules{FreeTries: n.Int(defaults, "sign_in_free_tries"), FirstDelay: n.Duration(defaults, "first_delay"), LongestDelay: n.Duration(defaults, "sign_in_longest_delay"),
			PerDay: n.Int(defaults, "sign_in_failures_per_day"), Closed: n.Duration(defaults, "closed"), InAll: n.Int(defaults, "sign_in_failures_in_all")},
		Source: throttle.Rules{FreeTries: n.Int(defaults, "source_free_tries"), FirstDelay: n.Duration(defaults, "first_delay"), LongestDelay: n.Duration(defaults, "source_longest_delay"),
			PerDay: n.Int(defaults, "source_failures_per_day"), Closed: n.Duration(defaults, "closed"), InAll: n.Int(defaults, "source_failures_in_all")}}
}

// Register keeps the staff.
type Register struct {
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
	clock  cpni.Clock
	hash   Hasher
	rules  func(time.Time) Rules
	work   *work
	gate   chan struct{} // has room for those who wait for a hash

	mu    sync.RWMutex
	cache map[cpni.ID]entry
	drops uint64 // how often something was dropped: what was read before is not put after
	keys  map[[32]byte]Key
}

type entry struct {
	member  *Member
	version int64
}

// mostCached bounds the members and the keys that a node remembers, each.
const mostCached = 10_000

// mostHashing bounds those who have a password hashed or wait for it: a hash takes its time, and who asks for more gets
// ErrBusy instead of a place in a queue without end.
const mostHashing = 32

// NewRegister opens the register.
func NewRegister(db *store.DB, v *vault.Vault, l *ledger.Ledger, clock cpni.Clock, hash Hasher, numbers func(time.Time) Rules) *Register {
	return &Register{db: db, vault: v, ledger: l, clock: clock, hash: hash, rules: numbers, work: &work{clock: clock}, gate: make(chan struct{}, mostHashing), cache: map[cpni.ID]entry{}, keys: map[[32]byte]Key{}}
}

// hashing takes a place among those who wait for a hash; call leave when it is made.
func (r *Register) hashing() (leave func(), err error) {
	select {
	case r.gate <- struct{}{}:
		return func() { <-r.gate }, nil
	default:
		return nil, ErrBusy
	}
}

// Errors of the register.
var (
	ErrNone     = errors.New("there is no such member of the staff")
	ErrSignIn   = cpni.Rejected("SIGN_IN", "the name or the password is not right", nil, "try again, or ask an administrator")
	ErrNoKey    = cpni.Rejected("API_KEY", "the API key is missing, unknown, revoked or expired", nil, "send Authorization: Bearer with a key in force")
	ErrBadRole  = cpni.Rejected("CONFIG", "that is no role", []string{"P-38"}, "name agent, supervisor, marketing, compliance, officer, fraud, billing, auditor, admin or system")
	ErrLogin    = cpni.Rejected("CONFIG", "that login is taken, or is none", nil, "choose another, of 2 to 100 letters, digits and marks without spaces")
	ErrPassword = cpni.Rejected("WEAK_SECRET", "the password is too short or too long", []string{"P-37"}, "choose a longer one, of at most 200 bytes")
	ErrGuessed  = cpni.Rejected("WEAK_SECRET", "the password is among the first that a guesser tries", []string{"P-37"}, "choose several words that do not belong together, and not the name")
	ErrBusy     = cpni.Rejected("BUSY", "too many people sign in at this moment", nil, "try again in a few seconds")
	ErrConflict = cpni.Rejected("CONFLICT", "somebody else has changed this member meanwhile, so nothing was done", []string{"P-37"}, "look at the member as they are now, and decide again")
	ErrTraining = cpni.Rejected("CONFIG", "a course cannot have been passed in the future", []string{"P-38", "47 CFR 64.2009(b)"}, "give the day on which it was passed")
)

// The longest that is taken.
const (
	longestName     = 200
	longestLogin    = 100
	longestPassword = 200
)

// login brings a login to the form in which it is kept; ok is false when it can be nobody's.
func login(text string) (string, bool) {
	l := strings.ToLower(strings.TrimSpace(text))
	ok := len(text) <= 2*longestLogin && len(l) >= 2 && len(l) <= longestLogin && utf8.ValidString(text) && !strings.ContainsFunc(l, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	return l, ok
}

// Add adds a member with a password in the clear, which is hashed; empty: none.
//
// cite: P-38, 47 CFR 64.2009(b)
func (r *Register) Add(ctx context.Context, m Member, password, by string) (cpni.ID, error) {
	if m.ID == "" {
		m.ID = cpni.NewID()
	}
	if err := r.checked(&m); err != nil {
		return "", err
	}
	now := r.clock.Now()
	m.Password = ""
	if password != "" {
		var err error
		if m.Password, err = r.hashed(&m, password, now); err != nil {
			return "", err
		}
	}
	if m.Trained.After(now) {
		return "", ErrTraining
	}
	m.Until = r.trainedUntil(m)
	text, err := m.encode()
	if err != nil {
		return "", err
	}
	err = r.commit(ctx, m.ID, by, "member of the staff added", func(tx *store.Tx) (*Member, error) {
		n, err := affected(tx.Exec(ctx, "INSERT INTO staff (staff_id, version, login, document) VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING", string(m.ID), m.Login, text))
		if err == nil && n == 0 {
			err = ErrLogin
		}
		return &m, err
	})
	if err != nil {
		return "", err
	}
	return m.ID, nil
}

// checked brings a new member to the form in which they are kept.
func (r *Register) checked(m *Member) error {
	if !slices.Contains(cpni.Roles, m.Role) {
		return ErrBadRole
	}
	if m.Login == "" {
		m.Login = string(m.ID)
	}
	var ok bool
	if m.Login, ok = login(m.Login); !ok || !m.ID.Valid() {
		return ErrLogin
	}
	if m.Name = strings.TrimSpace(m.Name); len(m.Name) > longestName || !utf8.ValidString(m.Name) {
		return cpni.Rejected("BAD_INPUT", "the name is too long, or is no text", nil, "give a name of at most 200 bytes")
	}
	return nil
}

// trainedUntil is how long a member's training is good: never longer than the policy lets it be.
//
// cite: P-38, 47 CFR 64.2009(b)
func (r *Register) trainedUntil(m Member) time.Time {
	if m.Trained.IsZero() {
		return time.Time{}
	}
	until := m.Trained.Add(r.rules(m.Trained).TrainingLife)
	if m.Until.IsZero() || m.Until.After(until) {
		return until
	}
	return m.Until
}

// hashed hashes a password that a member may have.
//
// cite: P-37, 47 CFR 64.2010(a), NIST SP 800-63B
func (r *Register) hashed(m *Member, password string, now time.Time) (string, error) {
	if err := r.fit(m, password, now); err != nil {
		return "", err
	}
	leave, err := r.hashing()
	if err != nil {
		return "", err
	}
	defer leave()
	return r.hash.Hash(password), nil
}

// fit refuses a password that is short, or that a guesser tries first.
func (r *Register) fit(m *Member, password string, now time.Time) error {
	if n := utf8.RuneCountInString(password); n < r.rules(now).ShortestPassword || len(password) > longestPassword {
		return ErrPassword
	}
	if contact.WeakPassword(password, &customer.Profile{Name: m.Name, Account: m.Login}, contact.SecretRules{ShortestPassword: 1}) != "" {
		return ErrGuessed
	}
	return nil
}

// Disable keeps a member out: their sessions end and their keys are revoked at once. Enable lets them in again, with a
// new sign-in and new keys.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) Disable(ctx context.Context, id cpni.ID, by string) error {
	return r.DisableAt(ctx, id, anyVersion, by)
}

// DisableAt disables a member who is still at version, as the one who decides has seen them.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) DisableAt(ctx context.Context, id cpni.ID, version int64, by string) error {
	if string(id) == by {
		return ErrSelf
	}
	defer r.dropKeys()
	return r.changeAt(ctx, id, version, by, "member of the staff disabled", func(tx *store.Tx, m *Member) error { return r.shutOut(ctx, tx, m) })
}

// Enable lets a member in again.
func (r *Register) Enable(ctx context.Context, id cpni.ID, by string) error {
	return r.EnableAt(ctx, id, anyVersion, by)
}

// EnableAt enables a member who is still at version.
func (r *Register) EnableAt(ctx context.Context, id cpni.ID, version int64, by string) error {
	return r.changeAt(ctx, id, version, by, "member of the staff enabled", func(_ *store.Tx, m *Member) error {
		m.Disabled = false
		return nil
	})
}

// ErrSelf: an administrator changes their own account, which another has to do.
//
// cite: P-37, 47 CFR 64.2010(a)
var ErrSelf = cpni.Rejected("ROLE", "nobody changes their own role or account", []string{"P-37", "47 CFR 64.2010(a)"}, "let another administrator do it")

// SetRole gives a member who is still at version another role. Their sessions end, for what they see is another desk.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) SetRole(ctx context.Context, id cpni.ID, version int64, role cpni.Role, by string) error {
	if !slices.Contains(cpni.Roles, role) {
		return ErrBadRole
	}
	if string(id) == by {
		return ErrSelf
	}
	defer r.dropKeys()
	return r.changeAt(ctx, id, version, by, "role changed", func(tx *store.Tx, m *Member) error {
		if (m.Role == cpni.RoleSystem) != (role == cpni.RoleSystem) {
			return cpni.Rejected("CONFIG", "a person does not become an integration, nor an integration a person", []string{"P-38"}, "add a member of their own")
		}
		m.Role = role
		return r.endSessions(ctx, tx, id)
	})
}

// SetPassword gives a member another password, ends their sessions, and opens a sign-in that wrong passwords have closed.
func (r *Register) SetPassword(ctx context.Context, id cpni.ID, password, by string) error {
	known, _, err := r.Recent(ctx, id)
	if err != nil {
		return err
	}
	hash, err := r.hashed(known, password, r.clock.Now())
	if err != nil {
		return err
	}
	return r.change(ctx, id, by, "password set", func(tx *store.Tx, m *Member) error {
		m.Password = hash
		if err := throttle.Clear(ctx, tx, "", r.loginSubject(m.Login)); err != nil {
			return err
		}
		return r.endSessions(ctx, tx, id)
	})
}

// anyVersion is for a change that does not rest on what somebody has seen of the member.
const anyVersion = 0

// change changes a member whom nobody else changes meanwhile, and records it.
func (r *Register) change(ctx context.Context, id cpni.ID, by, what string, do func(*store.Tx, *Member) error) error {
	return r.changeAt(ctx, id, anyVersion, by, what, do)
}

// changeAt changes a member who is still at version.
func (r *Register) changeAt(ctx context.Context, id cpni.ID, version int64, by, what string, do func(*store.Tx, *Member) error) error {
	if !id.Valid() {
		return ErrNone
	}
	return r.commit(ctx, id, by, what, func(tx *store.Tx) (*Member, error) { return r.changeTx(ctx, tx, id, version, do) })
}

// changeTx changes a member who is still at version within tx; who commits tx records it.
func (r *Register) changeTx(ctx context.Context, tx *store.Tx, id cpni.ID, version int64, do func(*store.Tx, *Member) error) (*Member, error) {
	if !id.Valid() {
		return nil, ErrNone
	}
	e, err := locked(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if version != anyVersion && e.version != version {
		return nil, ErrConflict
	}
	if err := do(tx, e.member); err != nil {
		return nil, err
	}
	return e.member, write(ctx, tx, e.member)
}

// locked reads a member whom nobody else changes until tx ends.
func locked(ctx context.Context, tx *store.Tx, id cpni.ID) (entry, error) {
	query := readMember + "staff_id = $1"
	if tx.Dialect() == store.Postgres {
		query += " FOR UPDATE"
	}
	return readEntry(tx.QueryRow(ctx, query, string(id)).Scan)
}

// write writes a member who was locked.
func write(ctx context.Context, tx *store.Tx, m *Member) error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE staff SET version = version + 1, document = $1 WHERE staff_id = $2", text, string(m.ID))
	return err
}

// commit writes a change of a member together with its record.
func (r *Register) commit(ctx context.Context, id cpni.ID, by, what string, do func(*store.Tx) (*Member, error)) error {
	_, err := r.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		m, err := do(tx)
		if err != nil {
			return nil, err
		}
		return r.entries(ctx, tx, by, nil, map[string]any{"what": what, "member": m.ID, "role": m.Role, "trained": m.Trained})
	})
	r.Drop(id)
	return plainly(err)
}

// entries makes the record of an act of administration; refusal is nil when it was done.
func (r *Register) entries(ctx context.Context, tx *store.Tx, by string, refusal *cpni.Refusal, detail any) ([]ledger.Entry, error) {
	e := ledger.Entry{Kind: ledger.Admin, At: r.clock.Now(), Actor: by, Outcome: cpni.OK}
	if refusal != nil {
		e.Outcome, e.Code = refusal.Outcome, refusal.Code
	}
	e, err := r.vault.Entry(ctx, tx, e, detail)
	return []ledger.Entry{e}, err
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNone):
		return ErrNone
	case err != nil:
		return fmt.Errorf("writing the staff: %w", err)
	}
	return nil
}

func (m *Member) encode() (string, error) {
	text, err := json.Marshal(document{*m, m.Password})
	if err != nil {
		return "", fmt.Errorf("writing the staff: %w", err)
	}
	return string(text), nil
}

func decode(text string) (*Member, error) {
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, fmt.Errorf("reading the staff: %w", err)
	}
	d.Password = d.Hash
	return &d.Member, nil
}

const readMember = "SELECT version, document FROM staff WHERE "

func readEntry(scan func(...any) error) (entry, error) {
	var e entry
	var text string
	err := scan(&e.version, &text)
	if store.IsNoRow(err) {
		return e, ErrNone
	}
	if err != nil {
		return e, fmt.Errorf("reading the staff: %w", err)
	}
	e.member, err = decode(text)
	return e, err
}

// Recent gives a member as this node has last seen them, with the version for a store.Guard. It is shared: do not change
// it.
func (r *Register) Recent(ctx context.Context, id cpni.ID) (*Member, int64, error) {
	r.mu.RLock()
	e, ok := r.cache[id]
	drops := r.drops
	r.mu.RUnlock()
	if ok {
		return e.member, e.version, nil
	}
	if !id.Valid() {
		return nil, 0, ErrNone
	}
	e, err := readEntry(r.db.Reader().QueryRow(ctx, readMember+"staff_id = $1", string(id)).Scan)
	if err != nil {
		return nil, 0, err
	}
	r.keep(e, drops)
	return e.member, e.version, nil
}

// Get gives a member as they are now, with their version; it is the caller's own copy.
func (r *Register) Get(ctx context.Context, id cpni.ID) (*Member, int64, error) {
	if !id.Valid() {
		return nil, 0, ErrNone
	}
	e, err := readEntry(r.db.Reader().QueryRow(ctx, readMember+"staff_id = $1", string(id)).Scan)
	if err != nil {
		return nil, 0, err
	}
	e.member.work = r.work
	return e.member, e.version, nil
}

// keep gives a member whom this register has read what their rights are judged by, and remembers them.
func (r *Register) keep(e entry, drops uint64) {
	e.member.work = r.work
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.cache[e.member.ID]; r.drops != drops || ok && old.version >= e.version {
		return
	}
	if len(r.cache) >= mostCached {
		clear(r.cache)
	}
	r.cache[e.member.ID] = e
}

// Drop forgets what this node has last seen of a member.
func (r *Register) Drop(id cpni.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops++
	delete(r.cache, id)
}

// Members lists the staff by login, without the hashes of their passwords.
func (r *Register) Members(ctx context.Context) ([]Member, error) {
	rows, err := r.db.Reader().Query(ctx, "SELECT document FROM staff ORDER BY login")
	if err != nil {
		return nil, fmt.Errorf("listing the staff: %w", err)
	}
	defer rows.Close()
	var all []Member
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		m, err := decode(text)
		if err != nil {
			return nil, err
		}
		m.Password, m.work = "", r.work
		all = append(all, *m)
	}
	return all, rows.Err()
}
