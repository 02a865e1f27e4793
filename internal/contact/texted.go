package contact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// Texted takes a text that came from a customer's number. Nobody has shown who wrote it, so it can only restrict: a STOP
// keeps texts from that line from then on, and what the customer must hear is spoken there instead; words that say "this was
// not me" freeze the change of which that line was last told by text. Any other text is on record for the people who read what
// customers answer. A number that no customer has is nobody's, and nothing is kept.
//
// cite: P-23, P-25, 47 CFR 64.1200(a)(10)
func (d *Desk) Texted(ctx context.Context, from, _, words string, stop bool, at time.Time) error {
	number, ok := customer.Number(from)
	if !ok {
		return nil
	}
	found, err := d.customers.Find(ctx, customer.ByNumber, number)
	if err != nil {
		return fmt.Errorf("looking for who texted: %w", err)
	}
	var failed []error
	for _, id := range found {
		if stop {
			err = d.noMoreTexts(ctx, id, number)
		} else {
			err = d.heardByText(ctx, id, words, at)
			if deniesChange(words) {
				err = errors.Join(err, d.deniedByText(ctx, id, number))
			}
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// noMoreTexts notes that a line gets no texts. What the customer must hear and was on its way there goes by another form.
func (d *Desk) noMoreTexts(ctx context.Context, id cpni.ID, number string) error {
	_, err := d.customers.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
		for i := range p.Lines {
			if l := &p.Lines[i]; l.Number == number && l.Removed.IsZero() {
				if !l.NoTexts.IsZero() {
					return customer.Change{}, customer.ErrUnchanged
				}
				l.NoTexts = d.clock.Now()
				return customer.Change{Actor: "customer", What: "no more texts to a line"}, nil
			}
		}
		return customer.Change{}, customer.ErrUnchanged
	})
	if errors.Is(err, customer.ErrNoCustomer) {
		return nil
	}
	return err
}

func (d *Desk) heardByText(ctx context.Context, id cpni.ID, words string, at time.Time) error {
	_, err := d.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := d.vault.Entry(ctx, tx, ledger.Entry{Customer: id, Kind: ledger.Message, At: d.clock.Now(), Actor: "customer", Outcome: cpni.OK},
			map[string]string{"what": "text from the customer's number", "words": shortened(words), "sent": at.UTC().Format(time.RFC3339)})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return fmt.Errorf("keeping a text from a customer: %w", err)
	}
	return nil
}

// denials are what customers write when a change was not theirs, in letters alone.
var denials = []string{"notme", "thiswasnotme", "itwasnotme", "thiswasntme", "itwasntme", "nofuiyo", "yonofui"}

func deniesChange(words string) bool {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, words)
	return slices.Contains(denials, letters)
}

// deniedByText freezes the change of which a line was last told by text.
func (d *Desk) deniedByText(ctx context.Context, id cpni.ID, number string) error {
	all, err := d.outbox.Messages(ctx, id)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(all) {
		if m.Kind == notify.AccountChange && m.Via == cpni.Text && m.To == number && (m.State == notify.Sent || m.State == notify.Delivered) {
			return d.NotMe(ctx, id, m, ByText)
		}
	}
	return nil
}

// longestText is more than what a text of a person holds.
const longestText = 2000

func shortened(s string) string {
	r := []rune(s)
	if len(r) > longestText {
		return string(r[:longestText]) + "…"
	}
	return s
}
