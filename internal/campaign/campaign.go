// Package campaign is the register of campaigns that use customers' information: what each is, uses and offers, to whom and who sees
// it; that somebody else has reviewed it as it is; and how it goes out, customer by customer, with a look at the rules and at the
// campaign itself at each.
//
// cite: P-09, P-40, 47 CFR 64.2005(b), 47 CFR 64.2009(c), 47 CFR 64.2009(d)
package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"ringfence/internal/audience"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what campaigns are kept and sent with.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Staff     *staff.Register
	Partners  *partner.Register
	Customers *customer.Book
	Contacts  *contact.Desk
	Outbox    *notify.Outbox
	Door      *disclose.Door
	Notices   *notice.Notices
	Audience  audience.Audience
	Exporter  Exporter // nil: nothing is exported, and no campaign by file can be launched
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides on which day it is
	// Try writes a message of a campaign as customers of a language would get it, and says what is wrong with it.
	Try func(via cpni.Via, language string, s Script) error
	// Hush refuses what customers must not be told yet; approved is when the plan was agreed to as it is, zero: it was not; quietly leaves
	// nothing on record, for messages that are about to go. nil: nothing is.
	Hush func(ctx context.Context, p *Plan, by cpni.ID, approved time.Time, quietly bool) error
}

// hush refuses a campaign that tells customers what they must not be told yet.
//
// cite: P-47, I-08, 47 CFR 64.2011(a)
func (g *Register) hush(ctx context.Context, c *Campaign, by cpni.ID, quietly bool) error {
	if g.Hush == nil {
		return nil
	}
	var approved time.Time
	if c.Approved() {
		approved = c.Review.At
	}
	return g.Hush(ctx, &c.Plan, by, approved, quietly)
}

// Register keeps campaigns and sends them.
type Register struct {
	Parts

	mu        sync.Mutex
	inherited bool // what an earlier process had is taken over
	known     map[cpni.ID]*Campaign
}

// New opens the register.
func New(p Parts) *Register { return &Register{Parts: p, known: map[cpni.ID]*Campaign{}} }

// State is how far a campaign has come.
type State string

// The states.
const (
	Draft     State = "draft"
	Submitted State = "submitted" // somebody else is to review it
	Returned  State = "returned"  // sent back with a remark
	Approved  State = "approved"
	Launched  State = "launched"
	Paused    State = "paused"
	Stopped   State = "stopped" // for good: what had not gone does not go
	Ended     State = "ended"   // all of it has gone, or its last day is over
	Recorded  State = "recorded"
)

// States lists them in the order of a campaign's life.
var States = []State{Draft, Submitted, Returned, Approved, Launched, Paused, Stopped, Ended, Recorded}

// Over reports whether nothing can become of the campaign any more.
func (s State) Over() bool { return s == Stopped || s == Ended }

// What has happened to a campaign, beside coming into a state.
const (
	Drafted = "drafted"
	Changed = "changed"
	Resumed = "resumed"
)

// Campaign is a campaign as it stands.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
type Campaign struct {
	ID      cpni.ID
	Version int64 // goes up with every change of it; what people decide on names it
	State   State
	Plan    Plan
	Hash    string // of exactly what the plan says
	At      time.Time
	Changed time.Time // when it last came to another state or text
	By      cpni.ID   // who drew it up
	// Authors are all who have had a hand in it since it was last approved. None of them reviews it.
	Authors []cpni.ID
	// Reviewer is who has reviewed it last, when, with which remark, and what the plan said then; nil: nobody has yet.
	Review *Review
	// Launcher is for whom it goes out: what that person may not use does not go.
	Launcher cpni.ID
	Launch   time.Time // zero: it was never launched
	Run      cpni.ID   // the notice run by which a request for approval goes; "" none
}

// Review is what somebody else has said of a campaign.
type Review struct {
	By       cpni.ID   `json:"by"`
	At       time.Time `json:"at"`
	Approved bool      `json:"approved"`
	Remark   string    `json:"remark,omitempty"`
	Plan     Plan      `json:"plan"` // as it was reviewed
	Hash     string    `json:"hash"`
}

// Approved reports whether somebody else has agreed to the campaign exactly as it is.
//
// cite: P-40, 47 CFR 64.2009(d)
func (c *Campaign) Approved() bool {
	return c.Review != nil && c.Review.Approved && c.Review.Hash == c.Hash && !slices.Contains(c.Authors, c.Review.By)
}

// Runs reports whether the campaign is launched and its days are now.
//
// cite: P-40, 47 CFR 64.2009(d)
func (c *Campaign) Runs(now time.Time, zone *time.Location) bool {
	return c.State == Launched && !now.Before(c.Plan.Starts.Start(zone)) && now.Before(c.Plan.Ends.End(zone))
}

// Open reports whether the plan can still be changed.
func (c *Campaign) Open() bool {
	return slices.Contains([]State{Draft, Submitted, Returned, Approved, Recorded}, c.State)
}

// Since gives what has changed since the last review; of one that was never reviewed nothing.
//
// cite: P-40, 47 CFR 64.2009(d)
func (c *Campaign) Since() []Difference {
	if c.Review == nil {
		return nil
	}
	return Compare(&c.Review.Plan, &c.Plan)
}

// Request is what the door is asked for one customer of the campaign.
func (c *Campaign) Request(of cpni.ID) disclose.Request {
	return disclose.Request{Caller: disclose.Caller{Staff: c.Launcher}, Customer: of, Data: c.Plan.Uses, Purpose: c.Plan.Purpose, To: c.Plan.To, Via: cpni.File, Offer: c.Plan.Offer(),
		Campaign: c.ID, PortOut: c.Plan.PortOut}
}

// document is the sealed part of a campaign.
type document struct {
	Plan     Plan      `json:"plan"`
	Authors  []cpni.ID `json:"authors,omitempty"`
	Review   *Review   `json:"review,omitempty"`
	Launcher cpni.ID   `json:"launcher,omitempty"`
	Launch   time.Time `json:"launch,omitzero"`
}

// ErrNone: there is no such campaign.
var ErrNone = cpni.Rejected("NOT_FOUND", "there is no such campaign", nil, "list the campaigns")

func place(id cpni.ID) string             { return "campaign/" + string(id) }
func eventPlace(id cpni.ID, n int) string { return fmt.Sprintf("campaign/%s/%d", id, n) }
func moment(us int64) time.Time           { return time.UnixMicro(us).UTC() }
func plainly(err error) error {
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return err
}

const columns = "campaign_id, version, state, by_staff, at, changed, run_id, sealed"

type row struct {
	c      Campaign
	sealed []byte
}

func scan(scanned func(...any) error) (row, error) {
	var r row
	var at, changed int64
	err := scanned(&r.c.ID, &r.c.Version, &r.c.State, &r.c.By, &at, &changed, &r.c.Run, &r.sealed)
	r.c.At, r.c.Changed = moment(at), moment(changed)
	return r, err
}

// open unseals what is sealed of a campaign.
func (r row) open(unseal func(place string, sealed []byte) ([]byte, error)) (*Campaign, error) {
	plain, err := unseal(place(r.c.ID), r.sealed)
	if err != nil {
		return nil, fmt.Errorf("opening a campaign: %w", err)
	}
	var d document
	if err := json.Unmarshal(plain, &d); err != nil {
		return nil, fmt.Errorf("reading a campaign: %w", err)
	}
	c := r.c
	c.Plan, c.Authors, c.Review, c.Launcher, c.Launch = d.Plan, d.Authors, d.Review, d.Launcher, d.Launch
	if c.Hash, err = c.Plan.hash(); err != nil {
		return nil, err
	}
	return &c, nil
}

func (g *Register) opens(ctx context.Context) func(string, []byte) ([]byte, error) {
	return func(place string, sealed []byte) ([]byte, error) {
		return g.Vault.OpenState(ctx, vault.CarrierID, place, sealed)
	}
}

// Get reads a campaign as it stands in the database.
func (g *Register) Get(ctx context.Context, id cpni.ID) (*Campaign, error) {
	r, err := scan(g.DB.Reader().QueryRow(ctx, "SELECT "+columns+" FROM campaign WHERE campaign_id = $1", string(id)).Scan)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a campaign: %w", err)
	}
	return r.open(g.opens(ctx))
}

// hold reads a campaign in tx and keeps everybody else from changing it until tx ends.
func (g *Register) hold(ctx context.Context, tx *store.Tx, id cpni.ID) (*Campaign, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	r, err := scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM campaign WHERE campaign_id = $1"+lock, string(id)).Scan)
	if store.IsNoRow(err) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("reading a campaign: %w", err)
	}
	return r.open(func(place string, sealed []byte) ([]byte, error) {
		return g.Vault.OpenStateTx(ctx, tx, vault.CarrierID, place, sealed)
	})
}

// Filter says which campaigns List gives; a zero field leaves it open.
type Filter struct {
	State State
	Kind  Kind
	To    string    // the partner or affiliate
	From  time.Time // drawn up then or later
	Until time.Time // drawn up before
	Limit int
}

// mostListed bounds a list.
const mostListed = 1000

// List gives campaigns, the newest first.
//
// cite: P-40, 47 CFR 64.2009(c)
func (g *Register) List(ctx context.Context, f Filter) ([]*Campaign, error) {
	where, args := "1 = 1", []any{}
	add := func(column, operator string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(" AND %s %s $%d", column, operator, len(args))
	}
	if f.State != "" {
		add("state", "=", string(f.State))
	}
	if f.Kind != "" {
		add("kind", "=", string(f.Kind))
	}
	if f.To != "" {
		add("recipient", "=", f.To)
	}
	if !f.From.IsZero() {
		add("at", ">=", f.From.UnixMicro())
	}
	if !f.Until.IsZero() {
		add("at", "<", f.Until.UnixMicro())
	}
	if f.Limit <= 0 || f.Limit > mostListed {
		f.Limit = mostListed
	}
	args = append(args, f.Limit)
	rows, err := g.DB.Reader().Query(ctx, fmt.Sprintf("SELECT %s FROM campaign WHERE %s ORDER BY at DESC, campaign_id DESC LIMIT $%d", columns, where, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("listing campaigns: %w", err)
	}
	defer rows.Close()
	var found []row
	for rows.Next() {
		r, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("listing campaigns: %w", err)
		}
		found = append(found, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("listing campaigns: %w", err)
	}
	all := make([]*Campaign, len(found))
	for i, r := range found {
		if all[i], err = r.open(g.opens(ctx)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// All gives every campaign, the newest first.
//
// cite: P-40, 47 CFR 64.2009(c)
func (g *Register) All(ctx context.Context) ([]*Campaign, error) {
	var all []*Campaign
	at, id := int64(math.MaxInt64), ""
	for {
		rows, err := g.DB.Reader().Query(ctx, fmt.Sprintf("SELECT %s FROM campaign WHERE at < $1 OR at = $1 AND campaign_id < $2 ORDER BY at DESC, campaign_id DESC LIMIT %d", columns, mostListed), at, id)
		if err != nil {
			return nil, fmt.Errorf("listing campaigns: %w", err)
		}
		var found []row
		for rows.Next() {
			r, err := scan(rows.Scan)
			if err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			found = append(found, r)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, fmt.Errorf("listing campaigns: %w", err)
		}
		for _, r := range found {
			c, err := r.open(g.opens(ctx))
			if err != nil {
				return nil, err
			}
			all = append(all, c)
			at, id = r.c.At.UnixMicro(), string(r.c.ID)
		}
		if len(found) < mostListed {
			return all, nil
		}
	}
}

// Event is one step of a campaign's life.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
type Event struct {
	N      int
	Entry  cpni.ID // in the ledger
	At     time.Time
	What   string // drafted, changed, resumed, or the state that it came to
	By     cpni.ID
	Remark string
	Plan   Plan // as it stood then
	Hash   string
}

// told is the sealed part of an event.
type told struct {
	Plan   Plan   `json:"plan"`
	Hash   string `json:"hash"`
	Remark string `json:"remark,omitempty"`
}

// History gives all that has happened to a campaign, oldest first. Nothing of it is ever changed.
//
// cite: P-40, 47 CFR 64.2009(c)
func (g *Register) History(ctx context.Context, id cpni.ID) ([]Event, error) {
	rows, err := g.DB.Reader().Query(ctx, "SELECT n, at, what, by_staff, entry_id, sealed FROM campaign_event WHERE campaign_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading a campaign's history: %w", err)
	}
	defer rows.Close()
	var all []Event
	var sealed [][]byte
	for rows.Next() {
		var e Event
		var at int64
		var s []byte
		if err := rows.Scan(&e.N, &at, &e.What, &e.By, &e.Entry, &s); err != nil {
			return nil, fmt.Errorf("reading a campaign's history: %w", err)
		}
		e.At = moment(at)
		all, sealed = append(all, e), append(sealed, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading a campaign's history: %w", err)
	}
	for i := range all {
		plain, err := g.Vault.OpenState(ctx, vault.CarrierID, eventPlace(id, all[i].N), sealed[i])
		if err != nil {
			return nil, fmt.Errorf("opening a campaign's history: %w", err)
		}
		var t told
		if err := json.Unmarshal(plain, &t); err != nil {
			return nil, fmt.Errorf("reading a campaign's history: %w", err)
		}
		all[i].Plan, all[i].Hash, all[i].Remark = t.Plan, t.Hash, t.Remark
	}
	return all, nil
}

// write stores a campaign that has changed, adds the step to its history, and makes the entry of it.
//
// cite: P-40, P-41
func (g *Register) write(ctx context.Context, tx *store.Tx, c *Campaign, what, by, remark string) (entry ledger.Entry, err error) {
	now := g.Clock.Now()
	if c.Hash, err = c.Plan.hash(); err != nil {
		return entry, err
	}
	c.Changed = now.UTC().Truncate(time.Microsecond)
	text, err := json.Marshal(document{c.Plan, c.Authors, c.Review, c.Launcher, c.Launch})
	if err != nil {
		return entry, fmt.Errorf("writing a campaign: %w", err)
	}
	sealed, err := g.Vault.SealTx(ctx, tx, vault.CarrierID, place(c.ID), text)
	if err != nil {
		return entry, err
	}
	before := c.Version
	c.Version++
	values := []any{string(c.ID), c.Version, string(c.State), string(c.Plan.Kind), string(c.Plan.Purpose), c.Plan.To, string(c.Plan.Channel), dayOf(c.Plan.Starts), dayOf(c.Plan.Ends), string(c.By), c.At.UnixMicro(), now.UnixMicro(), string(c.Run), sealed}
	if before == 0 {
		_, err = tx.Exec(ctx, `INSERT INTO campaign (campaign_id, version, state, kind, purpose, recipient, channel, starts, ends, by_staff, at, changed, run_id, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, values...)
	} else {
		err = tx.QueryRow(ctx, `UPDATE campaign SET version = $2, state = $3, kind = $4, purpose = $5, recipient = $6, channel = $7, starts = $8, ends = $9, by_staff = $10, at = $11, changed = $12, run_id = $13, sealed = $14
			WHERE campaign_id = $1 AND version = $15 RETURNING version`, append(values, before)...).Scan(new(int64))
		if store.IsNoRow(err) {
			return entry, errOther
		}
	}
	if err != nil {
		return entry, fmt.Errorf("writing a campaign: %w", err)
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(n), 0) + 1 FROM campaign_event WHERE campaign_id = $1", string(c.ID)).Scan(&n); err != nil {
		return entry, fmt.Errorf("writing a campaign's history: %w", err)
	}
	t, err := json.Marshal(told{c.Plan, c.Hash, remark})
	if err != nil {
		return entry, fmt.Errorf("writing a campaign's history: %w", err)
	}
	if sealed, err = g.Vault.SealTx(ctx, tx, vault.CarrierID, eventPlace(c.ID, n), t); err != nil {
		return entry, err
	}
	if entry, err = g.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK}, detail{What: "campaign " + what, Campaign: c.ID, N: n, Hash: c.Hash, Remark: remark, Plan: c.Plan}); err != nil {
		return entry, err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO campaign_event (campaign_id, n, at, what, by_staff, entry_id, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)", string(c.ID), n, now.UnixMicro(), what, by, string(entry.ID), sealed); err != nil {
		return entry, fmt.Errorf("writing a campaign's history: %w", err)
	}
	return entry, nil
}

// detail is what the ledger's record of a step says. The plan is in each: what was reviewed can be shown from the ledger alone.
type detail struct {
	What     string  `json:"what"`
	Campaign cpni.ID `json:"campaign"`
	N        int     `json:"n"`
	Hash     string  `json:"hash"`
	Remark   string  `json:"remark,omitempty"`
	Plan     Plan    `json:"plan"`
}
