package retention

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// item is one thing that a plan erases.
type item struct {
	kind     string
	customer cpni.ID
	thing    string
	at       time.Time
}

// way is how a plan erases a kind.
type way struct {
	// due selects customer, thing and moment of what is from before $1, at most $2 of them, the oldest first.
	due string
	// monthly: moments are months as yyyymm, and a thing is over when its whole month is.
	monthly bool
	// over reports whether a thing is past its time beside its age; nil: its age alone decides.
	over func(ctx context.Context, d *Desk, q store.Querier, it item) (bool, error)
	// still counts the thing $3 of the customer $2 as due does; it is asked as a plan is carried out, for something may have come between.
	// "": nothing can.
	still string
	// erase takes a thing out of the database. Records are left to ledger.Destroy.
	erase func(ctx context.Context, tx *store.Tx, d *Desk, it item) (erased, error)
}

// erased is what came of one thing.
type erased struct {
	gone    bool
	rows    []ledger.Row
	entries []ledger.Entry
	after   cpni.ID // a customer whose key was destroyed
}

// Conditions on entries of the ledger, r.
const (
	aCustomers = "r.customer_id <> ''"
	outside    = "r.kind = 'decision' AND r.outcome = 'permit' AND r.recipient <> 'customer' AND r.recipient <> 'carrier' AND r.recipient <> 'unknown'"
	within     = "r.kind = 'decision' AND NOT (r.outcome = 'permit' AND r.recipient <> 'customer' AND r.recipient <> 'carrier' AND r.recipient <> 'unknown')"
	// nobodys: nobody can read it any more.
	nobodys = " AND NOT EXISTS (SELECT 1 FROM customer_key k WHERE k.customer_id = r.customer_id)"
	// free: it shows nothing that is kept for longer itself.
	free = ` AND NOT EXISTS (SELECT 1 FROM incident_customer i WHERE i.customer_id = r.customer_id AND i.entry_id = r.id)
		AND NOT EXISTS (SELECT 1 FROM campaign_member m JOIN campaign c ON c.campaign_id = m.campaign_id WHERE m.customer_id = r.customer_id AND m.entry_id = r.id AND c.changed >= $1)
		AND NOT EXISTS (SELECT 1 FROM export_row e JOIN export x ON x.export_id = e.export_id WHERE e.customer_id = r.customer_id AND e.entry_id = r.id AND x.changed >= $1)
		AND NOT EXISTS (SELECT 1 FROM process_release e JOIN process p ON p.process_id = e.process_id WHERE e.customer_id = r.customer_id AND e.entry_id = r.id
			AND (p.changed >= $1 OR p.state IN ('entered', 'approved')))`
)

func entries(kind ledger.Kind) string { return "r.kind = '" + string(kind) + "'" }

func recordsThat(are string) source {
	return source{"record r", "r.at", "r.customer_id", aCustomers + " AND " + are}
}

// recordWay erases entries of the ledger, of which what the leaves hold stays.
//
// cite: P-41, I-22
func recordWay(are string) *way {
	return &way{due: "SELECT r.customer_id, r.id, r.at FROM record r WHERE " + aCustomers + " AND r.at < $1 AND " + are + free + " ORDER BY r.at, r.id LIMIT $2",
		still: "SELECT count(*) FROM record r WHERE r.at < $1 AND r.customer_id = $2 AND r.id = $3 AND " + are + free,
		erase: func(ctx context.Context, tx *store.Tx, d *Desk, it item) (erased, error) {
			r, err := d.Ledger.Record(ctx, it.customer, cpni.ID(it.thing))
			if errors.Is(err, ledger.ErrNoRecord) {
				return erased{}, nil
			}
			if err != nil {
				return erased{}, err
			}
			_, err = tx.Exec(ctx, "DELETE FROM register_line WHERE customer_id = $1 AND entry_id = $2", string(it.customer), it.thing)
			return erased{gone: true, rows: []ledger.Row{r}}, err
		}}
}

// deletes runs statements about a customer and a thing; the first says whether there was one.
func deletes(ctx context.Context, tx *store.Tx, queries []string, args ...any) (erased, error) {
	var e erased
	for i, q := range queries {
		done, err := tx.Exec(ctx, q, args...)
		if err != nil {
			return e, err
		}
		if i == 0 {
			n, err := done.RowsAffected()
			if err != nil || n == 0 {
				return e, err
			}
			e.gone = true
		}
	}
	return e, nil
}

// endedMessages are those that nothing waits for.
const endedMessages = ` AND m.changed > 0 AND m.state NOT IN ('queued', 'sending')
	AND NOT EXISTS (SELECT 1 FROM notice_given g WHERE g.customer_id = m.customer_id AND g.message_id = m.message_id)
	AND NOT EXISTS (SELECT 1 FROM approval_event a WHERE a.customer_id = m.customer_id AND a.notice = m.message_id)
	AND NOT EXISTS (SELECT 1 FROM incident_customer i WHERE i.customer_id = m.customer_id AND i.message_id = m.message_id)
	AND NOT EXISTS (SELECT 1 FROM campaign_member c WHERE c.customer_id = m.customer_id AND c.message_id = m.message_id)
	AND NOT EXISTS (SELECT 1 FROM process_notice p WHERE p.customer_id = m.customer_id AND p.message_id = m.message_id)`

// messageWay erases messages that have come to an end and that no notice, incident, campaign or process names.
var messageWay = &way{
	due:   "SELECT m.customer_id, m.message_id, m.changed FROM message m WHERE m.changed < $1" + endedMessages + " ORDER BY m.changed, m.message_id LIMIT $2",
	still: "SELECT count(*) FROM message m WHERE m.changed < $1 AND m.customer_id = $2 AND m.message_id = $3" + endedMessages,
	erase: func(ctx context.Context, tx *store.Tx, _ *Desk, it item) (erased, error) {
		return deletes(ctx, tx, []string{"DELETE FROM message WHERE customer_id = $1 AND message_id = $2", "DELETE FROM message_event WHERE customer_id = $1 AND message_id = $2"}, string(it.customer), it.thing)
	},
}

var contactWay = &way{
	due: "SELECT customer_id, contact_id, ended FROM contact WHERE ended > 0 AND ended < $1 ORDER BY ended, contact_id LIMIT $2",
	erase: func(ctx context.Context, tx *store.Tx, _ *Desk, it item) (erased, error) {
		return deletes(ctx, tx, []string{"DELETE FROM contact WHERE customer_id = $1 AND contact_id = $2", "DELETE FROM tried WHERE customer_id = $1 AND contact_id = $2"}, string(it.customer), it.thing)
	},
}

var callWay = &way{monthly: true,
	due: "SELECT customer_id, CAST(line AS TEXT) || '/' || CAST(month AS TEXT), month FROM call_segment WHERE month < $1 ORDER BY month, customer_id, line LIMIT $2",
	erase: func(ctx context.Context, tx *store.Tx, _ *Desk, it item) (erased, error) {
		line, month, err := twoNumbers(it.thing)
		if err != nil {
			return erased{}, err
		}
		return deletes(ctx, tx, []string{"DELETE FROM call_segment WHERE customer_id = $1 AND line = $2 AND month = $3"}, string(it.customer), line, month)
	},
}

// itemWay leaves what belongs to no month: it is how things stand.
var itemWay = &way{monthly: true,
	due: "SELECT customer_id, class || '/' || CAST(line AS TEXT) || '/' || CAST(period AS TEXT), period FROM cpni_item WHERE period > 0 AND period < $1 ORDER BY period, customer_id, class, line LIMIT $2",
	erase: func(ctx context.Context, tx *store.Tx, _ *Desk, it item) (erased, error) {
		class, rest, _ := strings.Cut(it.thing, "/")
		line, period, err := twoNumbers(rest)
		if err != nil {
			return erased{}, err
		}
		return deletes(ctx, tx, []string{"DELETE FROM cpni_item WHERE customer_id = $1 AND class = $2 AND line = $3 AND period = $4"}, string(it.customer), class, line, period)
	},
}

func twoNumbers(text string) (a, b int, err error) {
	left, right, _ := strings.Cut(text, "/")
	if a, err = strconv.Atoi(left); err == nil {
		b, err = strconv.Atoi(right)
	}
	if err != nil {
		err = fmt.Errorf("reading what is to be erased: %w", err)
	}
	return a, b, err
}

// incidentWay removes closed files; the desk of incidents says itself until when each is kept.
//
// cite: P-49, P-54, 47 CFR 64.2011(d)
var incidentWay = &way{
	due: "SELECT '', incident_id, changed FROM incident WHERE state = 'closed' AND changed < $1 ORDER BY changed, incident_id LIMIT $2",
	over: func(ctx context.Context, d *Desk, q store.Querier, it item) (bool, error) {
		err := d.Incidents.Purgeable(ctx, q, cpni.ID(it.thing))
		var refusal *cpni.Refusal
		if errors.As(err, &refusal) || errors.Is(err, breach.ErrNone) {
			return false, nil
		}
		return err == nil, err
	},
	erase: func(ctx context.Context, tx *store.Tx, d *Desk, it item) (erased, error) {
		all, err := d.Incidents.PurgeTx(ctx, tx, cpni.ID(it.thing), string(cpni.RoleSystem), "its time is over, and two people had it erased")
		if errors.Is(err, breach.ErrNone) {
			return erased{}, nil
		}
		return erased{gone: err == nil, entries: all}, err
	},
}

// customerWay forgets customers whose service has ended and of whom nothing must be kept.
//
// cite: P-37, I-21
func customerWay() *way {
	return &way{
		due: "SELECT customer_id, '', ended FROM customer WHERE ended > 0 AND ended < $1 ORDER BY ended, customer_id LIMIT $2",
		over: func(ctx context.Context, d *Desk, q store.Querier, it item) (bool, error) {
			// Their service may have begun again.
			n, err := count(ctx, q, "SELECT count(*) FROM customer WHERE customer_id = $1 AND ended = $2", string(it.customer), it.at.UnixMicro())
			if err != nil || n == 0 {
				return false, err
			}
			kept, err := d.kept(ctx, q, it.customer)
			return len(kept) == 0, err
		},
		erase: func(ctx context.Context, tx *store.Tx, d *Desk, it item) (erased, error) {
			all, err := d.Customers.ForgetTx(ctx, tx, it.customer, string(cpni.RoleSystem), "by a plan of erasure that two people agreed to")
			if errors.Is(err, customer.ErrNoCustomer) {
				return erased{}, nil
			}
			return erased{gone: err == nil, entries: all, after: it.customer}, err
		},
	}
}
