package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// Waiting is an answer that a person has to read, or has read, without its words.
type Waiting struct {
	ID       cpni.ID
	Customer cpni.ID // "" not known
	At, Due  time.Time
	Via, Why string
	Held     bool    // it counts as a refusal already
	Reader   cpni.ID // who has taken it; "" nobody
	Decided  time.Time
	Decision string
	Late     bool
}

// Whole is an answer with its words.
type Whole struct {
	Waiting
	Letter
}

// Letter is what is sealed of an answer.
type Letter struct {
	From    string    `json:"from,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text,omitempty"`
	Raw     []byte    `json:"raw,omitempty"`
	Shown   bool      `json:"shown,omitempty"` // its sender was shown to be of the address's organization
	Heard   Verdict   `json:"heard"`
	Refused []string  `json:"refused,omitempty"` // scopes that were recorded when it came
	Notice  cpni.ID   `json:"notice,omitempty"`
	Of      []cpni.ID `json:"of,omitempty"` // whose it may be
	Key     string    `json:"key"`
	Unnamed bool      `json:"unnamed,omitempty"`
	Version string    `json:"version"`
	Kind    string    `json:"kind"`
	Note    string    `json:"note,omitempty"` // of who decided
}

// Decisions about an answer.
const (
	IsObjection = "objection"
	NotAbout    = "not-about-this"
	IsOther     = "other"
)

// Decisions lists them.
var Decisions = []string{IsObjection, NotAbout, IsOther}

// Unread is the code of the alert that an answer waits for longer than the policy gives.
const Unread cpni.Code = "ANSWER_UNREAD"

func letterPlace(id cpni.ID) string { return "answer/" + string(id) }

// mostText bounds what is shown of an answer, in bytes.
const mostText = 20_000

// putTx puts an answer before a person. of is "" where it is not known whose it is, or it may be several's.
func (d *Desk) putTx(ctx context.Context, tx *store.Tx, of cpni.ID, may []cpni.ID, s said, a act) ([]ledger.Entry, error) {
	now := d.Clock.Now()
	id := s.id("read", string(of))
	var there int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM answer_read WHERE answer_id = $1", string(id)).Scan(&there); err != nil {
		return nil, fmt.Errorf("putting an answer before a person: %w", err)
	}
	if there > 0 {
		return nil, nil
	}
	l := Letter{From: s.wrote.From, Subject: s.wrote.Subject, Text: cutTo(s.wrote.Text, mostText), Raw: s.raw[:min(len(s.raw), approval.MostEvidence)], Shown: s.wrote.Shown, Heard: s.verdict,
		Refused: a.object, Notice: s.notice, Of: may, Key: s.key, Unnamed: s.unnamed, Version: s.version, Kind: s.kind}
	sealed, err := d.seal(ctx, tx, of, id, l)
	if err != nil {
		return nil, err
	}
	due := d.Calendars.Deadline(workday.DateIn(s.at, d.Zone), d.Numbers(now).ReadDays).Last.End(d.Zone)
	_, err = tx.Exec(ctx, `INSERT INTO answer_read (answer_id, customer_id, at, due, via, why, state, held, reader, decided, decision, late, sealed) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, '', 0, '', 0, $8)`,
		string(id), string(of), s.at.UnixMicro(), due.UnixMicro(), s.via, a.read, held(len(a.object) > 0), sealed)
	if err != nil {
		return nil, fmt.Errorf("putting an answer before a person: %w", err)
	}
	e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Message, At: now, Actor: bySelf, Outcome: cpni.OK},
		map[string]string{"what": "an answer is to be read", "answer": string(id), "via": s.via, "why": a.read, "refused": strings.Join(a.object, " ")})
	return []ledger.Entry{e}, err
}

func held(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (d *Desk) seal(ctx context.Context, tx *store.Tx, of, id cpni.ID, l Letter) ([]byte, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("keeping an answer: %w", err)
	}
	return d.Vault.SealTx(ctx, tx, of, letterPlace(id), plain)
}

const waitingColumns = "SELECT answer_id, customer_id, at, due, via, why, held, reader, decided, decision, late FROM answer_read "

// mostWaiting bounds a list.
const mostWaiting = 200

// Waiting lists the answers that nobody has decided about, the oldest first.
func (d *Desk) Waiting(ctx context.Context) ([]Waiting, error) {
	return d.list(ctx, fmt.Sprintf("WHERE state = 'waiting' ORDER BY at, answer_id LIMIT %d", mostWaiting))
}

// Of lists the answers of a customer that a person had to read, the newest first.
func (d *Desk) Of(ctx context.Context, of cpni.ID) ([]Waiting, error) {
	return d.list(ctx, fmt.Sprintf("WHERE customer_id = $1 ORDER BY at DESC, answer_id LIMIT %d", mostWaiting), string(of))
}

func (d *Desk) list(ctx context.Context, where string, args ...any) ([]Waiting, error) {
	return waiting(ctx, d.DB.Reader(), where, args...)
}

func waiting(ctx context.Context, q store.Querier, where string, args ...any) ([]Waiting, error) {
	rows, err := q.Query(ctx, waitingColumns+where, args...)
	if err != nil {
		return nil, fmt.Errorf("listing answers: %w", err)
	}
	defer rows.Close()
	var all []Waiting
	for rows.Next() {
		var w Waiting
		var at, due, held, decided, late int64
		if err := rows.Scan(&w.ID, &w.Customer, &at, &due, &w.Via, &w.Why, &held, &w.Reader, &decided, &w.Decision, &late); err != nil {
			return nil, fmt.Errorf("listing answers: %w", err)
		}
		w.At, w.Due, w.Held, w.Late = time.UnixMicro(at).UTC(), time.UnixMicro(due).UTC(), held != 0, late != 0
		if decided != 0 {
			w.Decided = time.UnixMicro(decided).UTC()
		}
		all = append(all, w)
	}
	return all, rows.Err()
}

// ErrNone: there is no such answer.
var ErrNone = errors.New("there is no such answer")

var (
	errTaken   = cpni.Rejected("CONFLICT", "somebody else is reading this answer", []string{"P-37"}, "take another, or let them give it back")
	errDecided = cpni.Rejected("CONFLICT", "it has been decided about this answer already", []string{"P-14"}, "look at the customer's page for what is on record")
	errWhat    = cpni.Rejected("BAD_INPUT", "a decision is objection, not-about-this or other, and says why unless it is an objection", []string{"P-12"}, "choose one, and write a note of at most 600 letters")
	errWhose   = cpni.Rejected("BAD_INPUT", "it is not known whose answer this is", []string{"P-12"}, "find the customer, and name them", "or decide that it is something else, and note what was done")
)

// Open gives an answer to who reads it, for whom it is from then on, and puts on record that they looked.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (d *Desk) Open(ctx context.Context, id, by cpni.ID) (w Whole, err error) {
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var sealed []byte
		if w.Waiting, sealed, err = d.hold(ctx, tx, id); err != nil {
			return nil, err
		}
		if w.Reader != "" && w.Reader != by && w.Decided.IsZero() {
			return nil, errTaken
		}
		if w.Decided.IsZero() && w.Reader == "" {
			w.Reader = by
			if _, err := tx.Exec(ctx, "UPDATE answer_read SET reader = $1 WHERE answer_id = $2", string(by), string(id)); err != nil {
				return nil, fmt.Errorf("taking an answer: %w", err)
			}
		}
		if w.Letter, err = d.letter(ctx, tx, w.Customer, id, sealed); err != nil {
			return nil, err
		}
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: w.Customer, Kind: ledger.Lookup, At: d.Clock.Now(), Actor: string(by), Purpose: "answer", Outcome: cpni.OK},
			map[string]string{"what": "an answer was read", "answer": string(id)})
		return []ledger.Entry{e}, err
	})
	return w, plainly(err)
}

// GiveBack lets others read an answer.
func (d *Desk) GiveBack(ctx context.Context, id, by cpni.ID) error {
	return d.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE answer_read SET reader = '' WHERE answer_id = $1 AND reader = $2 AND state = 'waiting'", string(id), string(by))
		return err
	})
}

// hold reads a row, and keeps others from deciding about it until tx ends.
func (d *Desk) hold(ctx context.Context, tx *store.Tx, id cpni.ID) (Waiting, []byte, error) {
	lock := ""
	if tx.Dialect() == store.Postgres {
		lock = " FOR UPDATE"
	}
	all, err := waiting(ctx, tx, "WHERE answer_id = $1"+lock, string(id))
	if err != nil {
		return Waiting{}, nil, err
	}
	if len(all) == 0 {
		return Waiting{}, nil, ErrNone
	}
	var sealed []byte
	if err := tx.QueryRow(ctx, "SELECT sealed FROM answer_read WHERE answer_id = $1", string(id)).Scan(&sealed); err != nil {
		return Waiting{}, nil, fmt.Errorf("reading an answer: %w", err)
	}
	return all[0], sealed, nil
}

func (d *Desk) letter(ctx context.Context, tx *store.Tx, of, id cpni.ID, sealed []byte) (l Letter, err error) {
	plain, err := d.Vault.OpenStateTx(ctx, tx, of, letterPlace(id), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &l)
	}
	return l, err
}

// Decision is what a reader found.
type Decision struct {
	Is       string
	Customer cpni.ID  // whose it is, where that was not known
	Scopes   []string // of an objection; none: everything
	Note     string
	By       cpni.ID
}

// mostNote bounds a note, in letters.
const mostNote = 600

// Decide records what a reader found. An objection counts from when the answer was received. What was recorded as a refusal when it
// came stays one: only the customer can take it back, and they were told how.
//
// cite: P-12, P-14, P-37, I-14, 47 CFR 64.2007(a)(2)
func (d *Desk) Decide(ctx context.Context, id cpni.ID, x Decision) error {
	x.Note = strings.TrimSpace(x.Note)
	if !slices.Contains(Decisions, x.Is) || x.Is != IsObjection && x.Note == "" || len([]rune(x.Note)) > mostNote {
		return errWhat
	}
	var of cpni.ID
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		w, sealed, err := d.hold(ctx, tx, id)
		switch {
		case err != nil:
			return nil, err
		case !w.Decided.IsZero():
			return nil, errDecided
		case w.Reader != x.By:
			return nil, errTaken
		}
		l, err := d.letter(ctx, tx, w.Customer, id, sealed)
		if err != nil {
			return nil, err
		}
		var all []ledger.Entry
		if of = w.Customer; of == "" {
			of = x.Customer
		}
		if x.Is == IsObjection {
			if of == "" {
				return nil, errWhose
			}
			if len(x.Scopes) == 0 {
				x.Scopes = []string{customer.Everything}
			}
			s := said{via: w.Via, kind: l.Kind, key: l.Key, unnamed: l.Unnamed, at: w.At, notice: l.Notice, raw: l.Raw, verdict: l.Heard, version: l.Version}
			s.wrote.Shown = l.Shown
			if all, err = d.objectTx(ctx, tx, of, s, joined(x.Scopes), string(x.By)); err != nil {
				return nil, err
			}
		}
		now := d.Clock.Now()
		l.Note = x.Note
		if sealed, err = d.seal(ctx, tx, w.Customer, id, l); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, "UPDATE answer_read SET state = 'decided', decided = $1, decision = $2, sealed = $3 WHERE answer_id = $4", now.UnixMicro(), x.Is, sealed, string(id)); err != nil {
			return nil, fmt.Errorf("deciding about an answer: %w", err)
		}
		e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Message, At: now, Actor: string(x.By), Outcome: cpni.OK},
			map[string]string{"what": "an answer was decided about", "answer": string(id), "is": x.Is, "scopes": strings.Join(x.Scopes, " "), "note": x.Note})
		return append(all, e), err
	})
	if err != nil {
		return plainly(err)
	}
	if of != "" {
		d.done(of)
	}
	return nil
}

// mostAlerts bounds how many alerts one look raises; the next look raises the rest.
const mostAlerts = 100

// Late raises an alert for each answer that should have been read by now, once.
//
// cite: P-12, 47 CFR 64.2008(c)(3)
func (d *Desk) Late(ctx context.Context) error {
	now := d.Clock.Now()
	where := fmt.Sprintf("WHERE state = 'waiting' AND late = 0 AND due <= $1 ORDER BY due LIMIT %d", mostAlerts)
	if there, err := d.list(ctx, where, now.UnixMicro()); err != nil || len(there) == 0 {
		return err
	}
	_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) (all []ledger.Entry, err error) {
		late, err := waiting(ctx, tx, where, now.UnixMicro())
		if err != nil {
			return nil, err
		}
		for _, w := range late {
			res, err := tx.Exec(ctx, "UPDATE answer_read SET late = 1 WHERE answer_id = $1 AND late = 0", string(w.ID))
			if err != nil {
				return nil, fmt.Errorf("looking for answers that wait: %w", err)
			}
			if n, err := res.RowsAffected(); n == 0 || err != nil { // another node was faster
				if err != nil {
					return nil, err
				}
				continue
			}
			e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: w.Customer, Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: Unread},
				map[string]string{"what": "an answer of a customer has not been read within the time that the policy gives", "answer": string(w.ID), "via": w.Via, "why": w.Why})
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
		return all, nil
	})
	return err
}

// plainly gives what a person can act on without saying in which transaction it came up.
func plainly(err error) error {
	var refusal *cpni.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, ErrNone):
		return ErrNone
	case errors.Is(err, customer.ErrNoCustomer):
		return customer.ErrNoCustomer
	}
	return err
}
