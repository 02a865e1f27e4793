package notice

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// InsertColumns head the file of bill inserts: for each customer whose next bill is to hold the notice their id, their account, the run,
// the language and the version of the insert.
var InsertColumns = []string{"customer", "account", "notice", "language", "insert"}

// Inserts writes, as CSV, for whom the billing system is to put the notice into the next bill: those for whom it waits at this moment.
// That it is handed out is on record before its first line is written, and that the whole of it was, afterwards: of a file that broke
// off the record has the first alone. The file names accounts, so that it is kept as bills are.
//
// cite: P-27, P-41, V51, 47 CFR 64.2008(b)
func (n *Notices) Inserts(ctx context.Context, run cpni.ID, to io.Writer, by string) (customers int64, err error) {
	r, err := n.run(ctx, n.DB.Reader(), run)
	if err != nil {
		return 0, err
	}
	if r.State == Stopped || r.State == Paused {
		return 0, errState
	}
	versions := map[string]string{}
	for _, language := range Languages {
		if _, versions[language], err = n.insert(r, language); err != nil {
			return 0, err
		}
	}
	var waiting int64
	if err := n.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM notice_given WHERE run_id = $1 AND state = $2 AND via = $3", string(run), WithPlanned, ByInsert).Scan(&waiting); err != nil {
		return 0, fmt.Errorf("counting for whose bills a notice waits: %w", err)
	}
	if err := n.handed(ctx, by, map[string]any{"what": "bill inserts are handed to the billing system", "run": run, "waiting": waiting}); err != nil {
		return 0, err
	}
	buffer := bufio.NewWriter(to)
	w := csv.NewWriter(buffer)
	if err := w.Write(InsertColumns); err != nil {
		return 0, err
	}
	for after := cpni.ID(""); ; {
		ids, err := n.Those(ctx, run, Tally{State: WithPlanned, Via: ByInsert}, after, 2*atOnce)
		if err != nil {
			return customers, err
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
		found, err := n.Customers.ReadMany(ctx, ids)
		if err != nil {
			return customers, err
		}
		now := n.Clock.Now()
		for _, f := range found {
			if f.Profile == nil || !f.Profile.Ended.IsZero() && !now.Before(f.Profile.Ended) {
				continue
			}
			language := f.Profile.Language
			if versions[language] == "" {
				language = Languages[0]
			}
			if err := w.Write([]string{string(f.ID), f.Profile.Account, string(run), language, versions[language]}); err != nil {
				return customers, err
			}
			customers++
		}
	}
	w.Flush()
	if err := errors.Join(w.Error(), buffer.Flush()); err != nil {
		return customers, err
	}
	return customers, n.handed(ctx, by, map[string]any{"what": "bill inserts handed to the billing system", "run": run, "customers": customers})
}

func (n *Notices) handed(ctx context.Context, by string, detail map[string]any) error {
	_, err := n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: n.Clock.Now(), Actor: by, Outcome: cpni.OK}, detail)
		return []ledger.Entry{e}, err
	})
	return err
}

// Languages are those in which notices are written, the carrier's own first.
var Languages = []string{"en", "es"}

func (n *Notices) insert(r Run, language string) (notify.Enclosure, string, error) {
	if n.Insert == nil {
		return notify.Enclosure{}, "", errNoWords
	}
	return n.Insert(r, language)
}

// InsertDocument gives the document that lies in the bill, in a language.
//
// cite: P-27, 47 CFR 64.2008(c)
func (n *Notices) InsertDocument(ctx context.Context, run cpni.ID, language string) (notify.Enclosure, error) {
	r, err := n.run(ctx, n.DB.Reader(), run)
	if err != nil {
		return notify.Enclosure{}, err
	}
	doc, _, err := n.insert(r, language)
	return doc, err
}

// Mailing is what the billing system says of bills that it has mailed.
type Mailing struct {
	ID       cpni.ID      // so that the same said twice counts once; "" a fresh one
	Mailed   workday.Date // the day, in the carrier's zone
	Inserted []cpni.ID    // customers whose bill held the notice
	Missed   []cpni.ID    // customers whose bill went without it
}

// Confirmed is what came of a mailing.
type Confirmed struct {
	ID       cpni.ID      `json:"id"`
	Mailed   workday.Date `json:"mailed"`
	Given    int64        `json:"given"`   // notices that are proven given by it
	Missed   int64        `json:"missed"`  // bills without the notice: their customers stay unnotified
	Unknown  int64        `json:"unknown"` // customers for whom no notice of this run waits
	AssessBy string       `json:"assess_by,omitempty"`
}

// MostMailed bounds the customers of one mailing; a larger one is told in several.
const MostMailed = 100_000

// NoInsert is the code of a notice that should have lain in a bill, and did not.
const NoInsert = "NO_INSERT"

var errMailing = cpni.Rejected("BAD_INPUT", "a mailing says on which day bills were mailed, not before the run began and not in the future, and for which customers", []string{"P-27", "V51"}, "give the day as 2026-12-03 and the customers' ids, at most 100,000 at once")

// Mailed records which bills have been mailed on a day: the notice in them counts from the third day after. Customers whose first bill
// went without it stay as they are, and that it was missing is an alert, with the day by which it is to be assessed whether it was more
// than an anomaly.
//
// cite: P-26, P-27, V37, V51, 47 CFR 64.2008(d)(1)(ii), 47 CFR 64.2009(f)
func (n *Notices) Mailed(ctx context.Context, run cpni.ID, m Mailing, by string) (Confirmed, error) {
	r, err := n.run(ctx, n.DB.Reader(), run)
	if err != nil {
		return Confirmed{}, err
	}
	now := n.Clock.Now()
	today := workday.DateIn(now, n.Zone)
	if m.Mailed.IsZero() || m.Mailed.After(today) || m.Mailed.Before(workday.DateIn(r.At, n.Zone)) || len(m.Inserted)+len(m.Missed) == 0 || len(m.Inserted)+len(m.Missed) > MostMailed {
		return Confirmed{}, errMailing
	}
	if m.ID == "" {
		m.ID = cpni.NewTimedID(now)
	}
	c := Confirmed{ID: m.ID, Mailed: m.Mailed}
	if there, err := n.mailing(ctx, run, m.ID); err != nil || there != nil {
		if there != nil {
			c = *there
		}
		return c, err
	}
	// The middle of the day is that day all over the country.
	at := m.Mailed.Start(n.Zone).Add(12 * time.Hour)
	if at.After(now) {
		at = now
	}
	for _, part := range chunks(m.Inserted, atOnce/2) {
		given, err := n.mailedSome(ctx, r, part, at, by)
		if err != nil {
			return c, err
		}
		c.Given += given
	}
	for _, part := range chunks(m.Missed, atOnce/2) {
		missed, err := n.missedSome(ctx, r, part, at)
		if err != nil {
			return c, err
		}
		c.Missed += missed
	}
	c.Unknown = int64(len(m.Inserted)+len(m.Missed)) - c.Given - c.Missed
	if c.Missed > 0 {
		c.AssessBy = n.assessBy(now)
	}
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := tx.Exec(ctx, "INSERT INTO notice_mailing (run_id, mailing_id, at, mailed, by_staff, inserts, missed, unknown) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (run_id, mailing_id) DO NOTHING",
			string(run), string(m.ID), now.UnixMicro(), m.Mailed.String(), by, c.Given, c.Missed, c.Unknown); err != nil {
			return nil, err
		}
		e, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: now, Actor: by, Outcome: cpni.OK},
			map[string]any{"what": "bills mailed with a notice", "run": run, "mailing": m.ID, "mailed": m.Mailed, "given": c.Given, "missed": c.Missed, "unknown": c.Unknown})
		if err != nil || c.Missed == 0 {
			return []ledger.Entry{e}, err
		}
		alert, err := n.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: Missing},
			map[string]any{"what": "bills went out without the notice that should have lain in them: their customers are unnotified", "run": run, "mailing": m.ID, "customers": c.Missed, "assess_by": c.AssessBy})
		return []ledger.Entry{e, alert}, err
	})
	return c, err
}

func (n *Notices) mailing(ctx context.Context, run, id cpni.ID) (*Confirmed, error) {
	c := &Confirmed{ID: id}
	var mailed string
	err := n.DB.Reader().QueryRow(ctx, "SELECT mailed, inserts, missed, unknown FROM notice_mailing WHERE run_id = $1 AND mailing_id = $2", string(run), string(id)).Scan(&mailed, &c.Given, &c.Missed, &c.Unknown)
	if store.IsNoRow(err) {
		return nil, nil
	}
	if err == nil {
		c.Mailed, err = workday.ParseDate(mailed)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a mailing: %w", err)
	}
	return c, nil
}

// mailedSome proves the notices of some customers given, in one transaction.
func (n *Notices) mailedSome(ctx context.Context, r Run, ids []cpni.ID, at time.Time, by string) (given int64, err error) {
	_, err = n.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		given = 0
		waits, err := n.waits(ctx, tx, r.ID, ids, at)
		if err != nil {
			return nil, err
		}
		var all []ledger.Entry
		for _, id := range ids {
			if !waits[id] {
				continue
			}
			delete(waits, id)
			_, entries, err := n.Proven(ctx, tx, id, r, ByInsert, at, "", by)
			if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
				continue
			}
			if err != nil {
				return nil, err
			}
			all, given = append(all, entries...), given+1
		}
		return all, nil
	})
	return given, err
}

// missedSome notes that the bills of some customers went without the notice.
func (n *Notices) missedSome(ctx context.Context, r Run, ids []cpni.ID, at time.Time) (missed int64, err error) {
	err = n.DB.Tx(ctx, func(tx *store.Tx) error {
		missed = 0
		waits, err := n.waits(ctx, tx, r.ID, ids, at)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !waits[id] {
				continue
			}
			delete(waits, id)
			if err := n.note(ctx, tx, id, r.ID, WithNoWay, ByInsert, "", NoInsert, n.Clock.Now()); err != nil {
				return err
			}
			missed++
		}
		return nil
	})
	return missed, err
}

// waits tells for which of some customers the notice waited for their bill on the day of a moment, or for the next when one went without
// it. A bill that was mailed before the notice was planned for its customer cannot have held it.
//
// cite: P-26, I-15, 47 CFR 64.2008(d)(1)(ii)
func (n *Notices) waits(ctx context.Context, tx *store.Tx, run cpni.ID, ids []cpni.ID, at time.Time) (map[cpni.ID]bool, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	rows, err := tx.Query(ctx, "SELECT customer_id FROM notice_given WHERE run_id = $1 AND (state = $2 AND at < $3 OR code = $4) AND via = $5 AND customer_id IN "+tx.Listed(6),
		string(run), WithPlanned, workday.DateIn(at, n.Zone).End(n.Zone).UnixMicro(), NoInsert, ByInsert, tx.List(names))
	if err != nil {
		return nil, fmt.Errorf("looking for notices that wait for a bill: %w", err)
	}
	defer rows.Close()
	waits := map[cpni.ID]bool{}
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("looking for notices that wait for a bill: %w", err)
		}
		waits[id] = true
	}
	return waits, rows.Err()
}

func chunks[T any](all []T, size int) [][]T {
	var parts [][]T
	for len(all) > size {
		parts, all = append(parts, all[:size]), all[size:]
	}
	if len(all) > 0 {
		parts = append(parts, all)
	}
	return parts
}

// ReadMailing reads what the billing system has written about bills that it mailed: a CSV with the columns customer and insert, where
// insert is yes or no; without that column every bill held it.
//
// cite: P-27, V51
func ReadMailing(from io.Reader, mailed workday.Date) (Mailing, error) {
	m := Mailing{Mailed: mailed}
	r := csv.NewReader(from)
	r.ReuseRecord, r.FieldsPerRecord = true, 0
	head, err := r.Read()
	if err != nil {
		return m, errFile
	}
	at, insert := -1, -1
	for i, name := range head {
		switch strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))) {
		case "customer":
			at = i
		case "insert":
			insert = i
		}
	}
	if at < 0 {
		return m, errFile
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, errFile
		}
		id := cpni.ID(strings.TrimSpace(row[at]))
		if !id.Valid() || len(m.Inserted)+len(m.Missed) >= MostMailed {
			return m, errFile
		}
		if insert >= 0 && strings.EqualFold(strings.TrimSpace(row[insert]), "no") {
			m.Missed = append(m.Missed, id)
		} else {
			m.Inserted = append(m.Inserted, id)
		}
	}
}

var errFile = cpni.Rejected("BAD_INPUT", "the file of a mailing is a CSV whose column customer holds ids of customers, and whose column insert, when it has one, says yes or no; at most 100,000 lines", []string{"P-27"}, "write it so, in several files when there are more")
