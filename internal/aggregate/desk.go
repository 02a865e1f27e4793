package aggregate

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rulebook"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Parts are what a Desk is made of.
type Parts struct {
	DB        *store.DB
	Vault     *vault.Vault
	Ledger    *ledger.Ledger
	Policy    *rulebook.Book
	Customers *customer.Book
	Door      *disclose.Door
	Clock     cpni.Clock
	Zone      *time.Location // the carrier's: it decides months
}

// Desk makes reports, and keeps the register of all that were given.
type Desk struct {
	Parts
	node cpni.ID
}

// New makes a desk.
func New(p Parts) *Desk { return &Desk{Parts: p, node: cpni.NewID()} }

func (d *Desk) numbers(at time.Time) Numbers {
	n := d.Policy.Numbers(at)
	return Numbers{Smallest: int64(n.Int("cpni-core", "smallest_cell")), LargestPercent: int64(n.Int("aggregate", "largest_percent")), TwoLargestPercent: int64(n.Int("aggregate", "two_largest_percent"))}
}

// State is where a report stands.
type State string

// The states.
const (
	Waiting State = "waiting" // months of it are still to be counted
	Given   State = "given"
	Refused State = "refused" // by the door
)

// Report is a report that was asked for.
type Report struct {
	ID     cpni.ID
	At     time.Time
	By     cpni.ID // of the staff
	State  State
	Spec   Spec
	Entry  cpni.ID   // of the ledger: the decision
	Code   cpni.Code // of a refusal
	Result Result
}

// ErrNone: there is no such report.
var ErrNone = errors.New("there is no such report")

// Ask takes a report that somebody asks for, and gives it at once where its months are counted. What is wrong with it is a
// *cpni.Refusal; that the door refuses it is not, but a state. The same id again gives the same report.
//
// cite: P-05, V75, 47 USC 222(c)(3)
func (d *Desk) Ask(ctx context.Context, id, by cpni.ID, s Spec) (*Report, error) {
	if !id.Valid() {
		return nil, bad("the report has no id", "ask again")
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	for _, m := range months(s.From, s.To) {
		if !d.settled(m, now) {
			return nil, &cpni.Refusal{Outcome: cpni.Reject, Code: "NOT_OVER", Says: "A month of the report is not over, or not for long enough: it is counted once, when all of it is there.", Clauses: clauses,
				Next: []string{"ask from " + d.opens(m, now).In(d.Zone).Format(time.DateOnly) + " on, or for earlier months"}}
		}
	}
	spec, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("keeping a report: %w", err)
	}
	if err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO aggregate_report (report_id, at, by_staff, state, purpose, recipient, spec, entry, code, smallest, result) VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', 0, '')
			ON CONFLICT (report_id) DO NOTHING`, string(id), now.UnixMicro(), string(by), string(Waiting), string(s.Purpose), s.Recipient, string(spec))
		return err
	}); err != nil {
		return nil, fmt.Errorf("keeping a report: %w", err)
	}
	r, err := d.One(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.By != by {
		return nil, ErrNone // somebody else's id
	}
	if kept, err := json.Marshal(r.Spec); err != nil || !bytes.Equal(kept, spec) {
		return nil, cpni.Rejected("IDEMPOTENCY", "this id was used for another report", nil, "make a new id for every report")
	}
	if r.State == Waiting {
		if err := d.answer(ctx, r, false); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Work gives the reports that wait, and counts what months they need. Done on several nodes, each month is counted by one.
//
// cite: P-05, 47 USC 222(c)(3)
func (d *Desk) Work(ctx context.Context) error {
	waiting, err := d.list(ctx, "state = $1 ORDER BY at LIMIT $2", string(Waiting), mostListed)
	if err != nil {
		return err
	}
	var failed []error // one that cannot be given keeps no other back
	for i := range waiting {
		if err := d.answer(ctx, &waiting[i], true); err != nil && !errors.Is(err, errOthers) {
			failed = append(failed, fmt.Errorf("giving a report: %w", err))
		}
	}
	return errors.Join(failed...)
}

// answer gives a report that waits when all its months are counted; counts says whether they are counted for it.
//
// cite: P-05, P-41, I-20, V75, 47 USC 222(h)(2)
func (d *Desk) answer(ctx context.Context, r *Report, counts bool) error {
	n := d.numbers(d.Clock.Now())
	by := map[int]Counted{}
	for _, m := range months(r.Spec.From, r.Spec.To) {
		groups, counted, err := d.open(ctx, m, n)
		if err == nil && !counted {
			if !counts {
				return nil
			}
			if err = d.count(ctx, m, r.By); err == nil {
				groups, _, err = d.open(ctx, m, n)
			}
		}
		if err != nil {
			return err
		}
		by[m] = groups
	}
	result := r.Spec.table(by)
	// The door decides on the smallest cell as it was counted here. That a policy asks for more than the groups were made for is seen
	// there once more.
	smallest := int(result.Smallest)
	a, err := d.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Staff: r.By}, Data: []cpni.DataClass{cpni.Aggregate}, Purpose: r.Spec.Purpose, To: r.Spec.Recipient, Via: cpni.File,
		Cells: &smallest, IdempotencyKey: fmt.Sprintf("report %s %d", r.ID, smallest)})
	if err != nil {
		return err
	}
	r.Entry = a.Entry
	if r.State = Given; !a.Decision.Permit() {
		r.State, r.Code, result = Refused, a.Decision.Code, Result{}
	}
	r.Result = result
	text := ""
	if r.State == Given {
		b, err := json.Marshal(result)
		if err != nil {
			return fmt.Errorf("keeping a report: %w", err)
		}
		text = string(b)
	}
	if err := d.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE aggregate_report SET state = $1, entry = $2, code = $3, smallest = $4, result = $5 WHERE report_id = $6 AND state = $7",
			string(r.State), string(r.Entry), string(r.Code), result.Smallest, text, string(r.ID), string(Waiting))
		return err
	}); err != nil {
		return fmt.Errorf("keeping a report: %w", err)
	}
	return nil
}

// mostListed bounds a list of reports.
const mostListed = 200

const reportColumns = "report_id, at, by_staff, state, spec, entry, code, result"

func (d *Desk) list(ctx context.Context, where string, args ...any) ([]Report, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT "+reportColumns+" FROM aggregate_report WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing reports: %w", err)
	}
	defer rows.Close()
	var all []Report
	for rows.Next() {
		var r Report
		var at int64
		var spec, result string
		if err := rows.Scan(&r.ID, &at, &r.By, &r.State, &spec, &r.Entry, &r.Code, &result); err != nil {
			return nil, fmt.Errorf("listing reports: %w", err)
		}
		r.At = time.UnixMicro(at).UTC()
		err := json.Unmarshal([]byte(spec), &r.Spec)
		if err == nil && result != "" {
			err = json.Unmarshal([]byte(result), &r.Result)
		}
		if err != nil {
			return nil, fmt.Errorf("reading a report: %w", err)
		}
		all = append(all, r)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// One gives a report.
func (d *Desk) One(ctx context.Context, id cpni.ID) (*Report, error) {
	all, err := d.list(ctx, "report_id = $1", string(id))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return &all[0], nil
}

// Reports lists reports, the newest first, without those that are as old as the moment before or older; zero: from the newest on.
func (d *Desk) Reports(ctx context.Context, before time.Time) ([]Report, error) {
	us := int64(1 << 62)
	if !before.IsZero() {
		us = before.UnixMicro()
	}
	return d.list(ctx, "at < $1 ORDER BY at DESC, report_id DESC LIMIT $2", us, mostListed)
}

// Progress is how far a month has come.
type Progress struct {
	Month   int
	Counted time.Time // zero: not yet
	Looked  int64     // customers
	Entry   cpni.ID   // of the ledger
}

// Months lists the months that were counted or are being counted, the newest first.
func (d *Desk) Months(ctx context.Context) ([]Progress, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT month, counted, looked, entry FROM aggregate_month ORDER BY month DESC LIMIT 120")
	if err != nil {
		return nil, fmt.Errorf("listing months: %w", err)
	}
	defer rows.Close()
	var all []Progress
	for rows.Next() {
		var p Progress
		var counted int64
		if err := rows.Scan(&p.Month, &counted, &p.Looked, &p.Entry); err != nil {
			return nil, fmt.Errorf("listing months: %w", err)
		}
		if counted > 0 {
			p.Counted = time.UnixMicro(counted).UTC()
		}
		all = append(all, p)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// Examine makes every report that was given again out of the months as they are kept, and says which do not come out as they were
// given, or hold a cell that is smaller than the policy of today allows. Nothing is to be found.
//
// cite: P-05, I-20, 47 USC 222(h)(2)
func (d *Desk) Examine(ctx context.Context) ([]string, error) {
	n := d.numbers(d.Clock.Now())
	var wrong []string
	for before := (time.Time{}); ; {
		some, err := d.Reports(ctx, before)
		if err != nil || len(some) == 0 {
			return wrong, err
		}
		for _, r := range some {
			before = r.At
			if r.State != Given {
				continue
			}
			by := map[int]Counted{}
			for _, m := range months(r.Spec.From, r.Spec.To) {
				if by[m], _, err = d.open(ctx, m, Numbers{}); err != nil {
					return wrong, err
				}
			}
			again := r.Spec.table(by)
			for _, c := range r.Result.Cells {
				i := slices.IndexFunc(again.Cells, func(x Cell) bool { return slices.Equal(x.Key, c.Key) })
				if i < 0 || again.Cells[i].Amount != c.Amount || again.Cells[i].Customers != c.Customers {
					wrong = append(wrong, string(r.ID)+": a cell is not what the months give")
				}
				if c.Customers < n.Smallest {
					wrong = append(wrong, string(r.ID)+": a cell is smaller than the policy of today allows")
				}
			}
		}
	}
}

// CSV writes what a report gives as comma-separated values (RFC 4180), whose first row is the head.
func (r *Report) CSV() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	head := []string{}
	for _, by := range r.Spec.By {
		head = append(head, string(by))
	}
	rows := [][]string{append(head, string(r.Spec.Measure), "customers_with_part")}
	for _, c := range r.Result.Cells {
		row := []string{}
		for _, k := range c.Key {
			if k == Total {
				k = "all"
			}
			row = append(row, k)
		}
		rows = append(rows, append(row, strconv.FormatInt(c.Amount, 10), strconv.FormatInt(c.Customers, 10)))
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("writing a report: %w", err)
	}
	return out.Bytes(), nil
}
