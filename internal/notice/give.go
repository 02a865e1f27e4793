package notice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Plan puts a run's notice on its way to one customer, in tx: by the first of its ways that is open. It gives what has become of it
// with them: planned, or left out, with a code that says why.
//
// cite: P-26, V42, 47 CFR 64.2008(b), 47 CFR 64.2008(d)(3)(i)
func (n *Notices) Plan(ctx context.Context, tx *store.Tx, r Run, p *customer.Profile) (state, code string, err error) {
	now := n.Clock.Now()
	var there int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM notice_given WHERE customer_id = $1 AND run_id = $2", string(p.ID), string(r.ID)).Scan(&there); err != nil {
		return "", "", fmt.Errorf("planning a notice: %w", err)
	}
	if there > 0 {
		return WithPlanned, "", nil // once is enough, whoever asks again
	}
	m, code := n.message(r, p, nil, now)
	state = WithPlanned
	if m == nil {
		state = WithNoWay
		return state, code, n.note(ctx, tx, p.ID, r.ID, state, "", "", code, now)
	}
	if m.Via != "" {
		if err := n.Outbox.Plan(ctx, tx, p.ID, *m); err != nil {
			return "", "", err
		}
	}
	return state, "", n.note(ctx, tx, p.ID, r.ID, state, wayOf(m), string(m.ID), "", now)
}

// wayOf names the way of a message in the words of notices.
func wayOf(m *notify.Message) string {
	if m.Via == "" {
		return m.To // the bill, the portal, or by word: nothing is carried
	}
	return string(m.Via)
}

// message is that by which a notice goes to a customer: the first of the run's ways that is open and was not tried. Of one that is not
// carried as a message, Via is empty and To names the way. nil: none is open; code says what is missing.
func (n *Notices) message(r Run, p *customer.Profile, tried []string, now time.Time) (m *notify.Message, code string) {
	code = NoPlace
	for _, way := range r.Spec.Ways {
		switch way {
		case ByEmail, ByPostal:
			for _, s := range n.Contacts.Current(p, now, cpni.Via(way)) {
				if slices.Contains(tried, s.To) {
					continue
				}
				return &notify.Message{ID: cpni.NewTimedID(now), Kind: r.Spec.Message(), Via: s.Via, Place: s.Place, To: s.To, Run: r.ID, Edition: r.Spec.Edition, AtOnce: true}, ""
			}
			if way == ByEmail && code == NoPlace && hasEmail(p, now) {
				code = NoEmailConsent
			}
		case ByInsert, ByPortal, ByWord:
			if slices.Contains(tried, way) {
				continue
			}
			return &notify.Message{ID: cpni.NewTimedID(now), To: way, Run: r.ID}, ""
		}
	}
	return nil, code
}

func hasEmail(p *customer.Profile, now time.Time) bool {
	_, ok := customer.Current(p.Email, now)
	return ok
}

// Codes of why a notice does not go to a customer.
const (
	NoPlace        = "NO_PLACE"         // no address is on the account that could be used
	NoEmailConsent = "NO_EMAIL_CONSENT" // there is an e-mail address, without the customer's approval of getting notices there
)

// note writes what has become of a notice with a customer.
func (n *Notices) note(ctx context.Context, tx *store.Tx, of, run cpni.ID, state, via, message, code string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_given (customer_id, run_id, state, via, message_id, code, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (customer_id, run_id) DO UPDATE SET state = excluded.state, via = excluded.via, message_id = excluded.message_id, code = excluded.code, at = excluded.at`,
		string(of), string(run), state, via, message, code, at.UnixMicro())
	if err != nil {
		return fmt.Errorf("writing what has become of a notice: %w", err)
	}
	return nil
}

// GiveTo begins a run for customers who are named, and puts its notice on its way to all of them or to none.
//
// cite: V42, 47 CFR 64.2008(d)(3)(i)
func (n *Notices) GiveTo(ctx context.Context, s Spec, by string, customers ...cpni.ID) (Run, error) {
	run, err := n.giveTo(ctx, s, by, customers)
	return run, n.Refused(ctx, s, by, err)
}

// Refused puts on record that a notice was not given, when err is the refusal of one, and gives err back.
//
// cite: P-27, 47 CFR 64.2008(a)(2)
func (n *Notices) Refused(ctx context.Context, s Spec, by string, err error) error {
	var r *cpni.Refusal
	if !errors.As(err, &r) {
		return err
	}
	_, failed := n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: n.Clock.Now(), Actor: by, Outcome: r.Outcome, Code: r.Code},
			map[string]string{"what": "notice refused", "kind": s.Kind, "ways": strings.Join(s.Ways, " "), "says": r.Says})
		return []ledger.Entry{e}, err
	})
	if failed != nil {
		return failed
	}
	return err
}

func (n *Notices) giveTo(ctx context.Context, s Spec, by string, customers []cpni.ID) (run Run, err error) {
	if s, err = n.Worded(ctx, s); err != nil {
		return Run{}, err
	}
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var e ledger.Entry
		if run, e, err = n.begin(ctx, tx, s, Launch{}, Done, by); err != nil {
			return nil, err
		}
		for _, id := range customers {
			p, _, err := n.Customers.ReadTx(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			state, code, err := n.Plan(ctx, tx, run, p)
			if err != nil {
				return nil, err
			}
			if state == WithNoWay {
				return nil, noWay(code)
			}
		}
		return []ledger.Entry{e}, nil
	})
	return run, plainly(err)
}

// With tells what has become of a run's notice with a customer, and which message gave it last; "" when it has nothing to do with them.
func (n *Notices) With(ctx context.Context, of, run cpni.ID) (state, via string, message cpni.ID, err error) {
	err = n.DB.Reader().QueryRow(ctx, "SELECT state, via, message_id FROM notice_given WHERE customer_id = $1 AND run_id = $2", string(of), string(run)).Scan(&state, &via, &message)
	if store.IsNoRow(err) {
		err = nil
	}
	if err != nil {
		return "", "", "", fmt.Errorf("reading what has become of a notice: %w", err)
	}
	return state, via, message, nil
}

func noWay(code string) *cpni.Refusal {
	if code == NoEmailConsent {
		return cpni.Rejected(NoEmailConsent, "the customer has not agreed beforehand to get notices by e-mail", []string{"P-26", "47 CFR 64.2008(d)(3)(i)"}, "send it by post", "ask the customer for that approval first")
	}
	return cpni.Rejected(NoPlace, "the customer has no address that the notice could go to", []string{"47 CFR 64.2008(b)"}, "give it with the bill or in the portal", "ask the customer for an address")
}

// Proven records in tx that a notice which no message carries is given: it was in the bill that was mailed, was shown to the customer who
// was signed in, or was read to them.
//
// cite: P-26, V51, 47 CFR 64.2008(a)(2)
func (n *Notices) Proven(ctx context.Context, tx *store.Tx, of cpni.ID, r Run, via string, at time.Time, contact cpni.ID, by string) (matures time.Time, entries []ledger.Entry, err error) {
	var message string
	err = tx.QueryRow(ctx, "SELECT message_id FROM notice_given WHERE customer_id = $1 AND run_id = $2", string(of), string(r.ID)).Scan(&message)
	if store.IsNoRow(err) {
		message, err = string(cpni.NewTimedID(n.Clock.Now())), nil
	}
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("proving a notice: %w", err)
	}
	matures, entries, err = n.Approvals.Give(ctx, tx, of, given(r, cpni.ID(message), via, at, contact, by))
	if err != nil {
		return matures, nil, err
	}
	return matures, entries, n.note(ctx, tx, of, r.ID, WithGiven, via, message, "", n.Clock.Now())
}

// widened is the run with every way in which a notice can arrive: whatever it was planned to go by, it has to.
func (r Run) widened() Run {
	ways := slices.Clone(r.Spec.Ways)
	for _, w := range []string{ByEmail, ByPostal} {
		if !slices.Contains(ways, w) {
			ways = append(ways, w)
		}
	}
	r.Spec.Ways = ways
	return r
}

// Instead is the message that goes in the place of a notice that did not arrive; nil: no way is left, or it is not to go at all any more.
//
// cite: V40, 47 CFR 64.2008(d)(3)(iii)
func (n *Notices) Instead(ctx context.Context, p *customer.Profile, m notify.Message, now time.Time) *notify.Message {
	r, err := n.lately(ctx, m.Run)
	if err != nil || r.State == Stopped || r.Audience.Who != "" && refuses(r.Spec, p) {
		return nil
	}
	other, _ := n.message(r.widened(), p, append(slices.Clone(m.Tried), m.To), now)
	if other == nil || other.Via == "" {
		return nil
	}
	return other
}

// Heard follows what became of a message that is a notice, in the transaction in which that is written: sent, its wait begins; when it
// came back, it counts as not given.
//
// cite: P-26, P-27, V36, V37, V40, V41, 47 CFR 64.2008(d)
func (n *Notices) Heard(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, f notify.Fate) ([]ledger.Entry, error) {
	r, err := n.says(ctx, tx, m.Run)
	if errors.Is(err, ErrNoRun) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := n.Clock.Now()
	switch {
	case f.Kind == notify.Mailed || m.Via == cpni.Email && (f.State == notify.Sent || f.State == notify.Delivered): // a letter counts from its mailing alone, whoever has it
		at := f.At
		if at.Before(m.At) {
			at = m.At // whoever gives another day: nothing was sent before it was planned
		}
		_, entries, err := n.Approvals.Give(ctx, tx, of, given(r, m.ID, string(m.Via), at, "", string(cpni.RoleSystem)))
		if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return entries, n.note(ctx, tx, of, r.ID, WithGiven, string(m.Via), string(m.ID), "", now)
	case f.State == notify.Bounced || f.State == notify.Failed || f.State == notify.Cancelled:
		_, entries, err := n.Approvals.Void(ctx, tx, of, m.ID, f.Code, string(cpni.RoleSystem))
		if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if f.Late {
			var newest cpni.ID
			if err := tx.QueryRow(ctx, "SELECT message_id FROM notice_given WHERE customer_id = $1 AND run_id = $2", string(of), string(r.ID)).Scan(&newest); err != nil && !store.IsNoRow(err) {
				return nil, fmt.Errorf("reading what has become of a notice: %w", err)
			}
			if newest != m.ID { // what has become of the form that took its place is written
				return entries, nil
			}
		}
		state, via, message := WithNoWay, m.Via, string(m.ID)
		switch {
		case f.Instead != "":
			state, via, message = WithCameBack, f.By, string(f.Instead)
		case f.State == notify.Cancelled && (f.Code == Refused || f.Code == RunStopped):
			state = WithLeftOut
		}
		return entries, n.note(ctx, tx, of, r.ID, state, string(via), message, f.Code, now)
	}
	return nil, nil
}
