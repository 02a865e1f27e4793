package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// What has become of a campaign with one customer.
const (
	WithPlanned  = "planned"   // its message is on its way
	WithSent     = "sent"      // it has gone
	WithCameBack = "came-back" // it did not arrive
	WithListed   = "listed"    // they stand on the list of those whom the carrier's people serve
	WithLeftOut  = "left-out"  // it was not to go to them: the code says why
	WithNoWay    = "no-way"    // there is no place to which it may go
)

// Codes of why a campaign does not go to a customer, beside those of the rules.
const (
	NoPlace   = "NO_PLACE"         // no place is on the account that it could go to
	NoConsent = "NO_WRITE_CONSENT" // there is a place, without the customer's word that the carrier may write to them there
	Over      = "CAMPAIGN_OVER"    // it was stopped, or its last day was over, before the message went
	Gone      = "GONE"             // nobody can read their account any more
)

// Words say for people why a campaign does not go to a customer, for the codes that are not those of the rules.
var Words = map[string]string{
	NoPlace:               "No place is on the account that it could go to.",
	NoConsent:             "There is a place, without the customer's word that we may write to them there.",
	Over:                  "The campaign was over before it went.",
	Gone:                  "The account cannot be read.",
	notice.NoEmailConsent: "There is an e-mail address, without the customer's word that we may write to them there.",
	notice.Agreed:         "They have said yes to all of it already.",
	notice.Refused:        "They have refused what it asks for.",
	notice.OnItsWay:       "Another notice has put the same on its way to them.",
	notice.Ended:          "Their service has ended.",
	notice.NotMeant:       "It is for those who buy other services.",
	notice.RunStopped:     "It was stopped before it went.",
	notice.Unreadable:     "The account cannot be read.",
}

// How a campaign is worked on.
const (
	// atOnce is how many customers are looked at before the place is written down.
	atOnce = 256
	// side is how many of them are decided side by side: the door records them together.
	side = 64
	// silence is after how long a node that works on a campaign, and is not heard of, counts as gone.
	silence = 2 * time.Minute
	// mostWaiting bounds the messages of one way that wait to be carried.
	mostWaiting = 20_000
)

var (
	// errLost: another node has the campaign now, or it was paused or stopped.
	errLost = errors.New("the campaign is no longer this node's")
	// errThere: the campaign has to do with the customer already.
	errThere  = errors.New("the campaign has come to this customer already")
	errEnough = errors.New("enough for now")
)

// Work goes on with every campaign that runs and is no other node's, until nothing of it is left to do, or as many messages wait as
// may; and ends those of which all has gone, or whose last day is over.
//
// cite: P-09, P-40, 47 CFR 64.2009(a)
func (g *Register) Work(ctx context.Context) error {
	if err := g.inherit(ctx); err != nil {
		return err
	}
	now := g.Clock.Now()
	rows, err := g.DB.Reader().Query(ctx, "SELECT c.campaign_id FROM campaign c JOIN campaign_work w ON w.campaign_id = c.campaign_id WHERE c.state IN ($1, $2) AND w.claimed < $3 ORDER BY c.at, c.campaign_id",
		string(Launched), string(Paused), now.Add(-silence).UnixMicro())
	if err != nil {
		return fmt.Errorf("looking for campaigns: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("looking for campaigns: %w", err)
		}
		all = append(all, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("looking for campaigns: %w", err)
	}
	var faults []error
	for _, id := range all {
		err := g.workOn(ctx, id)
		if err == nil {
			err = g.end(ctx, id)
		}
		if err != nil && !errors.Is(err, errLost) {
			faults = append(faults, fmt.Errorf("the campaign %s: %w", id, err))
		}
	}
	return errors.Join(faults...)
}

// inherit takes over, once, what an earlier process had on a database that has one process: nobody else is there who could.
func (g *Register) inherit(ctx context.Context) error {
	if g.DB.Dialect() != store.SQLite {
		return nil
	}
	g.mu.Lock()
	done := g.inherited
	g.mu.Unlock()
	if done {
		return nil
	}
	if err := g.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE campaign_work SET claim = '', claimed = 0 WHERE claimed <> 0")
		return err
	}); err != nil {
		return fmt.Errorf("taking over campaigns: %w", err)
	}
	g.mu.Lock()
	g.inherited = true
	g.mu.Unlock()
	return nil
}

// workOn works on one campaign.
func (g *Register) workOn(ctx context.Context, id cpni.ID) error {
	c, err := g.recent(ctx, id)
	if err != nil {
		return err
	}
	if !c.Runs(g.Clock.Now(), g.Zone) {
		return nil
	}
	claim := string(cpni.NewID())
	now := g.Clock.Now()
	var at string
	err = g.DB.Tx(ctx, func(tx *store.Tx) error {
		return tx.QueryRow(ctx, "UPDATE campaign_work SET claim = $1, claimed = $2 WHERE campaign_id = $3 AND done = 0 AND held = '' AND claimed < $4 RETURNING place",
			claim, now.UnixMicro(), string(id), now.Add(-silence).UnixMicro()).Scan(&at)
	})
	if store.IsNoRow(err) {
		return nil // all were looked at, it waits for somebody, or another node has it
	}
	if err != nil {
		return fmt.Errorf("taking a campaign: %w", err)
	}
	defer func() { // the next one need not wait
		ctx := context.WithoutCancel(ctx)
		_ = g.DB.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE campaign_work SET claim = '', claimed = 0 WHERE campaign_id = $1 AND claim = $2", string(id), claim)
			return err
		})
	}()
	for ctx.Err() == nil {
		full, err := g.full(ctx, c)
		if err != nil || full {
			return err
		}
		members, last, err := g.members(ctx, c, cpni.ID(at))
		if err != nil {
			return err
		}
		steps, held, err := g.steps(ctx, c, members)
		if err == nil && last && held == "" {
			held, err = g.barring(ctx, c)
		}
		if err != nil {
			return err
		}
		if at, err = g.commit(ctx, c, claim, at, steps, last, held); err != nil || last || held != "" {
			return err
		}
	}
	return ctx.Err()
}

// full reports whether as many messages wait for a channel as may.
//
// cite: I-26
func (g *Register) full(ctx context.Context, c *Campaign) (bool, error) {
	if !c.Plan.Channel.Writes() {
		return false, nil
	}
	var waiting int
	err := g.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 AS one FROM message WHERE via = $1 AND state IN ('queued', 'sending') LIMIT $2) AS waiting", string(c.Plan.Channel), mostWaiting).Scan(&waiting)
	if err != nil {
		return false, fmt.Errorf("counting what waits: %w", err)
	}
	return waiting >= mostWaiting, nil
}

// members finds the next customers of a campaign behind a place, in the order of their ids.
func (g *Register) members(ctx context.Context, c *Campaign, after cpni.ID) (all []cpni.ID, last bool, err error) {
	take := func(id cpni.ID) error {
		if all = append(all, id); len(all) == atOnce {
			return errEnough
		}
		return nil
	}
	if len(c.Plan.Named) > 0 {
		named := slices.Compact(slices.Sorted(slices.Values(c.Plan.Named)))
		for _, id := range named {
			if id > after && take(id) != nil {
				return all, false, nil
			}
		}
		return all, true, nil
	}
	err = g.Audience.Each(ctx, c.Plan.Question(c.Launcher), after, take)
	if errors.Is(err, errEnough) {
		return all, false, nil
	}
	return all, true, err
}

// step is what has become of one customer who was looked at. state is empty of those whose row is written with the decision.
type step struct {
	of          cpni.ID
	state, code string
}

// notTheirs are the codes of refusals that are about who asks or about the campaign itself, and not about the customer.
var notTheirs = []cpni.Code{"UNTRAINED", "ROLE", "CAMPAIGN", "VENDOR", "UNKNOWN_RECIPIENT"}

// barring gives the code of what keeps everybody out who is left: the audience of somebody who may not use the information is empty, and a
// campaign of which it is empty for that reason is not over.
func (g *Register) barring(ctx context.Context, c *Campaign) (cpni.Code, error) {
	counts, err := g.Count(ctx, &c.Plan, c.Launcher)
	for _, r := range counts.Excluded {
		if slices.Contains(notTheirs, r.Code) {
			return r.Code, err
		}
	}
	return "", err
}

// steps looks at customers again, and has a message planned, or a place on the list taken, for those for whom the door permits it. held
// is the code of what keeps the campaign from going on.
//
// cite: P-09, P-40, I-02, 47 CFR 64.2005(b), 47 CFR 64.2009(a)
func (g *Register) steps(ctx context.Context, c *Campaign, members []cpni.ID) (steps []step, held cpni.Code, err error) {
	there, err := g.there(ctx, c.ID, members)
	if err != nil {
		return nil, "", err
	}
	steps = make([]step, len(members))
	codes, faults := make([]cpni.Code, len(members)), make([]error, len(members))
	var all sync.WaitGroup
	for w := range min(side, len(members)) {
		all.Go(func() {
			for i := w; i < len(members); i += side {
				steps[i].of = members[i]
				if !there[members[i]] {
					steps[i], codes[i], faults[i] = g.one(ctx, c, members[i])
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil {
		return nil, "", err
	}
	for i, code := range codes {
		if code != "" { // whoever comes behind is looked at when it goes on
			return steps[:i], code, nil
		}
	}
	return steps, "", nil
}

// there finds the customers whom a campaign has to do with already.
func (g *Register) there(ctx context.Context, id cpni.ID, members []cpni.ID) (map[cpni.ID]bool, error) {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = string(m)
	}
	rows, err := g.DB.Reader().Query(ctx, "SELECT customer_id FROM campaign_member WHERE campaign_id = $1 AND customer_id IN "+g.DB.Listed(2), string(id), g.DB.List(ids))
	if err != nil {
		return nil, fmt.Errorf("looking at a campaign's customers: %w", err)
	}
	defer rows.Close()
	there := map[cpni.ID]bool{}
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("looking at a campaign's customers: %w", err)
		}
		there[id] = true
	}
	return there, rows.Err()
}

// one looks at one customer. The decision, the message and the row that says that they have it are one transaction, in which the
// campaign is looked at as well: after a crash there are all three or none, and whoever stops the campaign waits for it or is before it.
//
// cite: P-09, P-40, P-41, I-02, I-03, I-10
func (g *Register) one(ctx context.Context, c *Campaign, of cpni.ID) (s step, held cpni.Code, err error) {
	s.of = of
	p, _, err := g.Customers.Recent(ctx, of)
	switch {
	case errors.Is(err, customer.ErrNoCustomer), errors.Is(err, vault.ErrForgotten), errors.Is(err, vault.ErrSealBroken):
		s.state, s.code = WithLeftOut, Gone
		return s, "", nil
	case err != nil:
		return s, "", err
	}
	state, via, m := WithListed, "", (*notify.Message)(nil)
	if c.Plan.Channel.Writes() {
		var code string
		if m, code = g.message(c, p); m == nil {
			s.state, s.code = WithNoWay, code
			return s, "", nil
		}
		state, via = WithPlanned, string(m.Via)
	}
	r := c.Request(of)
	r.Unread = true
	r.Sends = func(ctx context.Context, tx *store.Tx, of, entry cpni.ID) ([]ledger.Entry, error) {
		if err := g.goesTx(ctx, tx, c); err != nil {
			return nil, err
		}
		message := cpni.ID("")
		if m != nil {
			message = m.ID
		}
		done, err := tx.Exec(ctx, "INSERT INTO campaign_member (customer_id, campaign_id, state, via, message_id, entry_id, code, at) VALUES ($1, $2, $3, $4, $5, $6, '', $7) ON CONFLICT (customer_id, campaign_id) DO NOTHING",
			string(of), string(c.ID), state, via, string(message), string(entry), g.Clock.Now().UnixMicro())
		if err != nil {
			return nil, fmt.Errorf("writing what has become of a campaign: %w", err)
		}
		if n, err := done.RowsAffected(); n == 0 || err != nil {
			return nil, errors.Join(errThere, err)
		}
		if m == nil {
			return nil, nil
		}
		return nil, g.Outbox.Plan(ctx, tx, of, *m)
	}
	a, err := g.Door.Disclose(ctx, r)
	switch {
	case errors.Is(err, errThere):
		return s, "", nil
	case errors.Is(err, errLost):
		return s, "CAMPAIGN", nil
	case err != nil:
		return s, "", err
	case a.Decision.Permit():
		return s, "", nil
	case slices.ContainsFunc(a.Decision.Codes, func(code cpni.Code) bool { return slices.Contains(notTheirs, code) }):
		i := slices.IndexFunc(a.Decision.Codes, func(code cpni.Code) bool { return slices.Contains(notTheirs, code) })
		return s, a.Decision.Codes[i], nil
	}
	s.state, s.code = WithLeftOut, string(a.Decision.Code)
	return s, "", nil
}

// goesTx fails when the campaign is not as it was, in the transaction of a send. Whoever stops it waits until that is committed: what
// comes after finds it stopped.
//
// cite: P-40, I-02
func (g *Register) goesTx(ctx context.Context, tx *store.Tx, c *Campaign) error {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR SHARE"
	}
	var version int64
	var state State
	err := tx.QueryRow(ctx, "SELECT version, state FROM campaign WHERE campaign_id = $1"+lock, string(c.ID)).Scan(&version, &state)
	if store.IsNoRow(err) || err == nil && (version != c.Version || state != Launched) {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("looking at a campaign: %w", err)
	}
	return nil
}

// message is that by which the campaign goes to a customer; nil: there is no place to which it may.
//
// cite: P-09, 47 CFR 64.2008(d)(3)(i)
func (g *Register) message(c *Campaign, p *customer.Profile) (m *notify.Message, code string) {
	now := g.Clock.Now()
	via := cpni.Via(c.Plan.Channel)
	if via == cpni.Text && p.NoticeBy != cpni.Text { // nobody is texted an offer who has not asked to be written to by text
		return nil, NoConsent
	}
	for _, s := range g.Contacts.Current(p, now, via) {
		return &notify.Message{ID: cpni.NewTimedID(now), Kind: notify.Campaign, Via: s.Via, Place: s.Place, To: s.To, Run: c.ID, Until: c.Plan.Ends.End(g.Zone)}, ""
	}
	if _, has := customer.Current(p.Email, now); via == cpni.Email && has {
		return nil, NoConsent
	}
	return nil, NoPlace
}

// commit writes what has become of customers with the place at which the campaign then stands, in one transaction.
//
// cite: I-10
func (g *Register) commit(ctx context.Context, c *Campaign, claim, from string, steps []step, last bool, held cpni.Code) (place string, err error) {
	now := g.Clock.Now()
	place, done := from, 0
	if len(steps) > 0 {
		place = string(steps[len(steps)-1].of)
	}
	if last && held == "" {
		done = 1
	}
	if held == "CAMPAIGN" {
		held = "" // it is not the campaign that it was: whoever looks next finds out what it is now
	}
	_, err = g.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var looked, expected int64
		err := tx.QueryRow(ctx, "UPDATE campaign_work SET claimed = $1, place = $2, looked = looked + $3, done = $4, held = $5 WHERE campaign_id = $6 AND claim = $7 AND place = $8 RETURNING looked, expected",
			now.UnixMicro(), place, len(steps), done, string(held), string(c.ID), claim, from).Scan(&looked, &expected)
		if store.IsNoRow(err) {
			return nil, errLost
		}
		if err != nil {
			return nil, err
		}
		var rows [][]any
		for _, s := range steps {
			if s.state != "" {
				rows = append(rows, []any{string(s.of), string(c.ID), s.state, "", "", "", s.code, now.UnixMicro()})
			}
		}
		if err := tx.InsertAll(ctx, "INSERT INTO campaign_member (customer_id, campaign_id, state, via, message_id, entry_id, code, at) VALUES ", " ON CONFLICT (customer_id, campaign_id) DO NOTHING", rows); err != nil {
			return nil, err
		}
		what := ""
		switch {
		case held != "":
			what = "campaign waits for somebody who may use the information"
		case done == 1:
			what = "campaign has looked at everybody"
		default:
			return nil, nil
		}
		e, err := g.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: held},
			map[string]any{"what": what, "campaign": c.ID, "looked": looked, "expected": expected})
		return []ledger.Entry{e}, err
	})
	if errors.Is(err, errLost) {
		return place, errLost
	}
	if err != nil {
		return place, fmt.Errorf("writing how far a campaign has come: %w", err)
	}
	return place, nil
}

// end ends a campaign of which all has gone, or whose last day is over.
//
// cite: P-40
func (g *Register) end(ctx context.Context, id cpni.ID) error {
	c, err := g.recent(ctx, id)
	if err != nil || c.State != Launched && c.State != Paused {
		return err
	}
	past := !g.Clock.Now().Before(c.Plan.Ends.End(g.Zone))
	if !past {
		over, err := g.gone(ctx, c)
		if err != nil || !over {
			return err
		}
	}
	_, err = g.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		c, err := g.hold(ctx, tx, id)
		if err != nil || c.State != Launched && c.State != Paused {
			return nil, err
		}
		c.State = Ended
		var beside []ledger.Entry
		if past {
			if err := g.hasten(ctx, tx, id); err != nil {
				return nil, err
			}
			if beside, err = g.halt(ctx, tx, c, string(cpni.RoleSystem)); err != nil {
				return nil, err
			}
		}
		e, err := g.write(ctx, tx, c, string(Ended), string(cpni.RoleSystem), "")
		return append([]ledger.Entry{e}, beside...), err
	})
	return plainly(err)
}

// gone reports whether nothing is left of a campaign that could go out. A list is worked through until its last day.
func (g *Register) gone(ctx context.Context, c *Campaign) (bool, error) {
	switch {
	case c.State != Launched || c.Plan.Channel.Lists():
		return false, nil
	case c.Run != "":
		r, err := g.Notices.Run(ctx, c.Run)
		if err != nil {
			return false, err
		}
		p, err := g.Notices.Progress(ctx, c.Run)
		return r.State == "done" && p.Planned+p.CameBack == 0, err
	case c.Plan.Channel == ByExport:
		if g.Exporter == nil {
			return false, nil
		}
		p, err := g.Exporter.Progress(ctx, c.ID)
		return p.Done, err
	}
	var done, waiting int
	err := g.DB.Reader().QueryRow(ctx, "SELECT done, (SELECT count(*) FROM campaign_member m WHERE m.campaign_id = w.campaign_id AND m.state = $2) FROM campaign_work w WHERE w.campaign_id = $1", string(c.ID), WithPlanned).Scan(&done, &waiting)
	if err != nil {
		return false, fmt.Errorf("counting a campaign: %w", err)
	}
	return done == 1 && waiting == 0, nil
}
