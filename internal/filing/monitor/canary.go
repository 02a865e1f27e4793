package monitor

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// canary is the account that refuses in a way: nobody's, and without service since the moment at which it was made. So it is in no audience,
// no count of customers, no directory and no file, and gets no messages; it can refuse like everybody who was a customer once.
type canary struct {
	id      cpni.ID
	account string
	place   string
}

// byMonitor is who made and changed such an account.
const byMonitor = "monitor"

// placeOf is what is kept beside an account of where it writes or calls from.
func (m *Monitors) placeOf(p Place) string {
	return hex.EncodeToString(m.Vault.BlindIndex("monitor place", p.Email+" "+p.Number))
}

// canary gives the account of a way; nil: there is none.
func (m *Monitors) canary(ctx context.Context, w Way) (*canary, error) {
	c := &canary{}
	err := m.DB.Reader().QueryRow(ctx, "SELECT customer_id, place FROM monitor_canary WHERE way = $1 AND retired = 0", string(w)).Scan(&c.id, &c.place)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the account that refuses: %w", err)
	}
	p, _, err := m.Customers.Get(ctx, c.id)
	if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
		return nil, nil // it was erased as that of any former customer
	}
	if err != nil {
		return nil, err
	}
	c.account = p.Account
	return c, nil
}

// ready gives the account of a way, made when there is none, which does not refuse at this moment.
func (m *Monitors) ready(ctx context.Context, w Way, from Place) (*canary, error) {
	c, err := m.canary(ctx, w)
	if err != nil {
		return nil, err
	}
	if c == nil || c.place != m.placeOf(from) {
		if c, err = m.make(ctx, w, from); err != nil {
			return nil, err
		}
	}
	refuses, err := m.refuses(ctx, c.id)
	if err != nil || !refuses {
		return c, err
	}
	return c, m.lift(ctx, c)
}

// make makes the account of a way, and retires the one before it.
func (m *Monitors) make(ctx context.Context, w Way, from Place) (*canary, error) {
	now := m.Clock.Now()
	if err := m.retire(ctx, w, now); err != nil {
		return nil, err
	}
	id := cpni.NewID()
	secret := m.Secrets.Secret(m.secret(id))
	p := customer.Profile{ID: id, Name: "Test account: ways to refuse (" + string(w) + ")", Account: "MONITOR-" + string(id[len(id)-10:]), Since: now, Ended: now, Test: true, Credentials: customer.Credentials{Password: &secret}}
	if from.Email != "" {
		p.Email = []customer.Address{{Value: from.Email, Since: now}}
	}
	if from.Number != "" {
		p.Lines = []customer.Line{{Number: from.Number, Since: now}}
	}
	if _, err := m.Customers.Create(ctx, p, byMonitor); err != nil {
		return nil, err
	}
	c := &canary{id: id, account: p.Account, place: m.placeOf(from)}
	err := m.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO monitor_canary (customer_id, way, made, place, retired) VALUES ($1, $2, $3, $4, 0)", string(id), string(w), now.UnixMicro(), c.place)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keeping the account that refuses: %w", err)
	}
	return c, nil
}

// retire has the account of a way refuse no more: it lets go of its address and number, which the next one has.
func (m *Monitors) retire(ctx context.Context, w Way, now time.Time) error {
	old, err := m.canary(ctx, w)
	if err != nil {
		return err
	}
	if old != nil {
		if _, err := m.Customers.Update(ctx, old.id, func(p *customer.Profile) (customer.Change, error) {
			for i := range p.Email {
				if p.Email[i].Until.IsZero() {
					p.Email[i].Until = now
				}
			}
			for i := range p.Lines {
				if p.Lines[i].Removed.IsZero() {
					p.Lines[i].Removed = now
				}
			}
			return customer.Change{Actor: byMonitor, What: "test account retired"}, nil
		}); err != nil {
			return err
		}
	}
	err = m.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE monitor_canary SET retired = $1 WHERE way = $2 AND retired = 0", now.UnixMicro(), string(w))
		return err
	})
	if err != nil {
		return fmt.Errorf("retiring the account that refuses: %w", err)
	}
	return nil
}

// secret is the password of such an account, which nobody has to keep.
func (m *Monitors) secret(id cpni.ID) string {
	h := hmac.New(sha256.New, m.Vault.Derive("monitor accounts v1"))
	h.Write([]byte(id))
	return hex.EncodeToString(h.Sum(nil))
}

// refuses reports whether a decision about the marketing of the carrier's own would find that an account has refused.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (m *Monitors) refuses(ctx context.Context, id cpni.ID) (bool, error) {
	p, _, err := m.Customers.Get(ctx, id)
	if err != nil {
		return false, err
	}
	a := approval.Standing(p, cpni.OwnMarketing, nil, rules.Recipient{}, m.Clock.Now().In(m.Zone), approval.Terms{})
	return a.State == cpni.Denied, nil
}

// lift takes the refusal of an account back, as its customer would: proved by the password, in a contact of their own.
//
// cite: P-14, P-16, 47 CFR 64.2007(a)
func (m *Monitors) lift(ctx context.Context, c *canary) error {
	s, err := m.Contacts.Open(ctx, contact.Opening{Customer: c.id, Channel: cpni.Online})
	if err != nil {
		return err
	}
	if s, err = m.Contacts.Authenticate(ctx, s.ID, contact.Proof{Password: m.secret(c.id)}); err != nil {
		return err
	}
	_, err = m.Approvals.Answer(ctx, approval.Answer{Customer: c.id, Says: approval.Lift, Scope: customer.Everything, Via: approval.ByPortal, Contact: s.ID, By: byMonitor,
		Evidence: &approval.Evidence{Kind: "form", Says: "The monitor takes the refusal of its own account back, so that the next one can be seen."}})
	return errors.Join(err, m.Contacts.End(ctx, s.ID))
}

// Accounts are the customers who are none, those of before among them: whoever counts what customers say leaves them out.
func (m *Monitors) Accounts(ctx context.Context) (all []cpni.ID, err error) {
	rows, err := m.DB.Reader().Query(ctx, "SELECT customer_id FROM monitor_canary ORDER BY customer_id")
	if err != nil {
		return nil, fmt.Errorf("reading the accounts that refuse: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading the accounts that refuse: %w", err)
		}
		all = append(all, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the accounts that refuse: %w", err)
	}
	return all, nil
}
