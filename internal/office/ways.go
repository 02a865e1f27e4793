package office

import (
	"context"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// Way is how one way of reaching customers stands.
type Way struct {
	notify.Queue
	Set  bool   // it has a channel; messages of one that has none wait
	Says string // what keeps the channel from carrying messages now; "" nothing
}

// wayTime bounds how long a channel is asked whether it can carry messages.
const wayTime = 3 * time.Second

// Ways looks at every way of reaching customers, and asks each channel whether it can carry messages now.
//
// cite: P-23
func (o *Office) Ways(ctx context.Context) ([]Way, error) {
	queues, err := o.Outbox.Queues(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wayTime)
	defer cancel()
	all := make([]Way, len(queues))
	var asking sync.WaitGroup
	for i, q := range queues {
		channel := o.Messages.Channels[q.Via]
		all[i] = Way{Queue: q, Set: channel != nil}
		if channel == nil {
			continue
		}
		asking.Go(func() {
			if err := channel.Check(ctx); err != nil {
				all[i].Says = err.Error()
			}
		})
	}
	asking.Wait()
	return all, nil
}

const metaTests = "messages.tests"

var (
	errTests    = cpni.Rejected("TOO_MANY", "as many test messages have gone within the last hour as the policy allows", []string{"P-23"}, "wait", "have compliance raise tests_per_hour of the profile messages")
	errTestTo   = cpni.Rejected("BAD_INPUT", "that is no address or number that a test of this way can go to", []string{"P-23"}, "give an e-mail address, a telephone number with its area code, or for a letter the postal address in one line")
	errCustomer = cpni.Rejected("CUSTOMER", "that is a customer's; tests go to people of the carrier alone", []string{"P-23", "P-37"}, "give an address or number of your own")
)

// TestMessage sends one test message through a way's channel to a place that is no customer's, and tells what came of it.
// Both are on record, without the place.
//
// cite: P-23, P-37, 47 CFR 64.2010(a)
func (o *Office) TestMessage(ctx context.Context, by cpni.ID, via cpni.Via, to, language string) (notify.Outcome, error) {
	to, err := o.testPlace(ctx, via, to)
	if err != nil {
		return notify.Outcome{}, err
	}
	if err := o.Messages.CanTest(via); err != nil {
		return notify.Outcome{}, err
	}
	if err := o.countTest(ctx, by, via); err != nil {
		return notify.Outcome{}, err
	}
	out, err := o.Messages.Test(ctx, via, to, language)
	if err != nil {
		return out, err
	}
	return out, o.Note(ctx, ledger.Admin, string(by), fmt.Sprintf("test message by %s: %s %s", via, out.State, out.Code))
}

// testPlace reads where a test is to go.
func (o *Office) testPlace(ctx context.Context, via cpni.Via, to string) (string, error) {
	kind := ""
	switch via {
	case cpni.Email:
		a, err := mail.ParseAddress(to)
		if err != nil || a.Address != to || strings.ContainsFunc(to, unicode.IsControl) {
			return "", errTestTo
		}
		kind = customer.ByEmail
	case cpni.Text, cpni.Voice:
		n, ok := customer.Number(to)
		if !ok {
			return "", errTestTo
		}
		to, kind = n, customer.ByNumber
	case cpni.Postal:
		if len(strings.Fields(to)) < 3 || strings.ContainsFunc(to, unicode.IsControl) {
			return "", errTestTo
		}
		return to, nil // postal addresses are not found by their text
	default:
		return "", errTestTo
	}
	ids, err := o.Customers.Find(ctx, kind, to)
	if err == nil && len(ids) > 0 {
		err = errCustomer
	}
	return to, err
}

// countTest puts a test on record, if the hour still allows one.
func (o *Office) countTest(ctx context.Context, by cpni.ID, via cpni.Via) error {
	_, err := o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := o.Clock.Now()
		var text string
		if err := tx.QueryRow(ctx, "SELECT value FROM meta WHERE name = $1", metaTests).Scan(&text); err != nil && !store.IsNoRow(err) {
			return nil, fmt.Errorf("counting test messages: %w", err)
		}
		var kept []string
		for _, word := range strings.Fields(text) {
			if us, err := strconv.ParseInt(word, 10, 64); err == nil && now.Sub(time.UnixMicro(us)) < time.Hour {
				kept = append(kept, word)
			}
		}
		if len(kept) >= o.Messages.Numbers(now).TestsPerHour {
			return nil, errTests
		}
		if err := tx.SetMeta(ctx, metaTests, strings.Join(append(kept, strconv.FormatInt(now.UnixMicro(), 10)), " ")); err != nil {
			return nil, err
		}
		e, err := o.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: string(by), Outcome: cpni.OK}, map[string]string{"what": "test message asked for", "via": string(via)})
		return []ledger.Entry{e}, err
	})
	return err
}
