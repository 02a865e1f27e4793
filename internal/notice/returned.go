package notice

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Returned is what came of bills that came back with the notice in them.
type Returned struct {
	Returned int64 `json:"returned" doc:"Notices that count as not given now."`
	Again    int64 `json:"again" doc:"Of these, how many go out in another form."`
	Unknown  int64 `json:"unknown" doc:"Customers in whose bill no notice of this run was on its way or given: of who was reported before, too."`
}

// BillReturned is the code of a notice whose bill came back.
const BillReturned = "RETURNED"

// ErrNotInBill refuses the report of one piece that cannot have held the notice.
var ErrNotInBill = cpni.Rejected("CONFLICT", "no notice of this run was on its way to this customer with a bill, or given with one; what was reported before counts once", []string{"P-26", "V40"}, "look which notices of the customer went with a bill")

var errReturned = cpni.Rejected("BAD_INPUT", "returned bills are reported by their customers, at least one and at most 100,000 at once", []string{"P-26", "V40"}, "give the customers' ids, in several lists when there are more")

// Returned records that bills came back in which a run's notice lay: for their customers it counts as not given, and another form goes out
// in its place where there is one, as for a message that bounces. What was shown or sent to somebody in another way since stays as it is.
// The same said twice counts once.
//
// cite: P-26, I-15, V40, V41, 47 CFR 64.2008(d)(3)(iii)
func (n *Notices) Returned(ctx context.Context, run cpni.ID, customers []cpni.ID, by string) (Returned, error) {
	r, err := n.run(ctx, n.DB.Reader(), run)
	if err != nil {
		return Returned{}, err
	}
	if len(customers) == 0 || len(customers) > MostMailed {
		return Returned{}, errReturned
	}
	var done Returned
	for _, part := range chunks(customers, atOnce/2) {
		some, err := n.returnedSome(ctx, r, part, by)
		if err != nil {
			return done, plainly(err)
		}
		done.Returned, done.Again, done.Unknown = done.Returned+some.Returned, done.Again+some.Again, done.Unknown+some.Unknown
	}
	return done, nil
}

// returnedSome takes some bills for returned, in one transaction.
func (n *Notices) returnedSome(ctx context.Context, r Run, customers []cpni.ID, by string) (done Returned, err error) {
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		done = Returned{}
		now := n.Clock.Now()
		var all []ledger.Entry
		for _, of := range customers {
			state, entries, err := n.returnedOne(ctx, tx, r, of, by)
			if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
				err = nil
			}
			if err != nil {
				return nil, err
			}
			switch state {
			case "":
				done.Unknown++
				continue
			case WithCameBack:
				done.Again++
			}
			done.Returned++
			all = append(all, entries...)
		}
		e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK},
			map[string]any{"what": "bills came back with a notice", "run": r.ID, "returned": done.Returned, "again": done.Again, "unknown": done.Unknown})
		return append(all, e), err
	})
	return done, err
}

// returnedOne takes one bill for returned; state is what has become of the notice by that, "" when the bill cannot have held it.
func (n *Notices) returnedOne(ctx context.Context, tx *store.Tx, r Run, of cpni.ID, by string) (state string, entries []ledger.Entry, err error) {
	// Written before it is read: who reports the same piece on another node waits here, and finds it reported.
	took, err := tx.Exec(ctx, "UPDATE notice_given SET code = $1 WHERE customer_id = $2 AND run_id = $3 AND via = $4 AND message_id <> '' AND state IN ($5, $6)",
		BillReturned, string(of), string(r.ID), ByInsert, WithPlanned, WithGiven)
	if err == nil {
		var rows int64
		if rows, err = took.RowsAffected(); err == nil && rows == 0 {
			return "", nil, nil
		}
	}
	var message cpni.ID
	if err == nil {
		err = tx.QueryRow(ctx, "SELECT message_id FROM notice_given WHERE customer_id = $1 AND run_id = $2", string(of), string(r.ID)).Scan(&message)
	}
	if err != nil {
		return "", nil, fmt.Errorf("taking a bill for returned: %w", err)
	}
	p, _, err := n.Customers.ReadTx(ctx, tx, of)
	if err != nil {
		return "", nil, err
	}
	if _, entries, err = n.Approvals.Void(ctx, tx, of, message, BillReturned, by); err != nil {
		return "", nil, err
	}
	now := n.Clock.Now()
	if len(entries) == 0 { // nobody had confirmed the mailing of that bill
		e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Notice, At: now, Actor: by, Outcome: cpni.OK},
			map[string]string{"what": "bill came back with a notice", "notice": string(message), "run": string(r.ID), "via": ByInsert, "code": BillReturned})
		if err != nil {
			return "", nil, err
		}
		entries = append(entries, e)
	}
	if r.State != Stopped && (r.Audience.Who == "" || !refuses(r.Spec, p)) {
		if other, _ := n.message(r.widened(), p, []string{ByInsert}, now); other != nil && other.Via != "" {
			other.Tried = []string{ByInsert}
			if err := n.Outbox.Plan(ctx, tx, of, *other); err != nil {
				return "", nil, err
			}
			return WithCameBack, entries, n.note(ctx, tx, of, r.ID, WithCameBack, string(other.Via), string(other.ID), BillReturned, now)
		}
	}
	return WithNoWay, entries, n.note(ctx, tx, of, r.ID, WithNoWay, ByInsert, string(message), BillReturned, now)
}

// ReadReturned reads which bills came back: a CSV whose column customer holds the ids of their customers.
//
// cite: P-26, V40
func ReadReturned(from io.Reader) ([]cpni.ID, error) {
	r := csv.NewReader(from)
	r.ReuseRecord, r.FieldsPerRecord = true, 0
	head, err := r.Read()
	if err != nil {
		return nil, errReturnedFile
	}
	at := -1
	for i, name := range head {
		if strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")), "customer") {
			at = i
		}
	}
	if at < 0 {
		return nil, errReturnedFile
	}
	var all []cpni.ID
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, errReturnedFile
		}
		id := cpni.ID(strings.TrimSpace(row[at]))
		if !id.Valid() || len(all) >= MostMailed {
			return nil, errReturnedFile
		}
		all = append(all, id)
	}
}

var errReturnedFile = cpni.Rejected("BAD_INPUT", "the file of returned bills is a CSV whose column customer holds ids of customers, at most 100,000 lines", []string{"P-26", "V40"}, "write it so, in several files when there are more")
