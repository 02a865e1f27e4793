package training

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Pass is a course that somebody passed: here, or elsewhere and recorded by hand.
type Pass struct {
	Staff    cpni.ID
	ID       cpni.ID
	Passed   time.Time
	Until    time.Time // as the policy of that day has it; a sanction or a new course may end it earlier
	Recorded time.Time
	By       string // who recorded it
	Course   string // "" for one passed elsewhere
	Version  string
	Digest   string
	Attempt  cpni.ID
	Record   cpni.ID // of the ledger
}

// Outside reports whether the course was passed elsewhere.
func (p *Pass) Outside() bool { return p.Course == "" }

func (s *School) keepPass(ctx context.Context, tx *store.Tx, p Pass) error {
	_, err := tx.Exec(ctx, `INSERT INTO training_pass (staff_id, pass_id, passed, valid_until, recorded, by_id, course_id, version, digest, attempt_id, record_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, string(p.Staff), string(p.ID), p.Passed.UnixMicro(), p.Until.UnixMicro(), p.Recorded.UnixMicro(), p.By, p.Course, p.Version, p.Digest, string(p.Attempt), string(p.Record))
	return err
}

// longestText bounds what somebody writes, in bytes.
const longestText = 1000

// written checks what somebody wrote.
func written(text, what string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > longestText || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", cpni.Rejected("BAD_INPUT", what+" is missing, longer than 1,000 bytes, or no text", []string{"P-39", "47 CFR 64.2009(b)"}, "write it in a few sentences")
	}
	return text, nil
}

// errOneself refuses who would decide about themselves.
var errOneself = cpni.Rejected("SELF_REVIEW", "nobody records or decides anything about themselves", []string{"P-39", "47 CFR 64.2009(b)"}, "let a colleague whose work it is do it")

// RecordOutside records by hand that a member has passed a course elsewhere, with what shows it. It makes their training
// current, unless they have a younger pass or a sanction asks for one.
//
// cite: P-38, 47 CFR 64.2009(b)
func (s *School) RecordOutside(ctx context.Context, id cpni.ID, passed time.Time, evidence, by string) (*Pass, error) {
	if string(id) == by {
		return nil, errOneself
	}
	passed = passed.UTC().Truncate(time.Microsecond) // as it is kept
	evidence, err := written(evidence, "what shows that the course was passed")
	if err != nil {
		return nil, err
	}
	var p Pass
	_, err = s.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		now := s.Clock.Now()
		m, err := s.Staff.TrainTx(ctx, tx, id, passed, "")
		if err != nil {
			return nil, err
		}
		p = Pass{Staff: id, Passed: passed, Until: passed.Add(s.Rules(passed).Life), Recorded: now, By: by}
		e, err := s.entry(ctx, tx, now, ledger.Admin, "", by, map[string]any{"what": "course passed elsewhere", "member": id, "role": m.Role, "passed": passed, "until": p.Until, "evidence": evidence})
		if err != nil {
			return nil, err
		}
		p.ID, p.Record = e.ID, e.ID
		return []ledger.Entry{e}, s.keepPass(ctx, tx, p)
	})
	s.Staff.Changed(id)
	if err != nil {
		return nil, plainly(err, "recording a pass")
	}
	return &p, nil
}

// Pass gives a pass by its id.
func (s *School) Pass(ctx context.Context, id cpni.ID) (*Pass, error) {
	all, err := s.passes(ctx, "pass_id = $1", string(id))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return &all[0], nil
}

// Passes lists the passes of a member, newest first.
func (s *School) Passes(ctx context.Context, of cpni.ID) ([]Pass, error) {
	return s.passes(ctx, "staff_id = $1", string(of))
}

func (s *School) passes(ctx context.Context, where string, args ...any) ([]Pass, error) {
	rows, err := s.DB.Reader().Query(ctx, `SELECT staff_id, pass_id, passed, valid_until, recorded, by_id, course_id, version, digest, attempt_id, record_id
		FROM training_pass WHERE `+where+" ORDER BY pass_id DESC", args...)
	if err != nil {
		return nil, fmt.Errorf("reading passes: %w", err)
	}
	defer rows.Close()
	var all []Pass
	for rows.Next() {
		var p Pass
		var passed, until, recorded int64
		if err := rows.Scan(&p.Staff, &p.ID, &passed, &until, &recorded, &p.By, &p.Course, &p.Version, &p.Digest, &p.Attempt, &p.Record); err != nil {
			return nil, err
		}
		p.Passed, p.Until, p.Recorded = moment(passed), moment(until), moment(recorded)
		all = append(all, p)
	}
	return all, rows.Err()
}

// Evidence gives what shows that a course was passed elsewhere, as it was written down.
func (s *School) Evidence(ctx context.Context, p *Pass) (string, error) {
	return s.wrote(ctx, p.Record, "evidence")
}

// wrote gives a text from a record of the ledger about the carrier itself.
func (p *Parts) wrote(ctx context.Context, record cpni.ID, field string) (string, error) {
	row, err := p.Ledger.Record(ctx, "", record)
	if err != nil {
		return "", fmt.Errorf("reading a record: %w", err)
	}
	plain, err := p.Vault.OpenRecord(ctx, row)
	if err != nil {
		return "", fmt.Errorf("opening a record: %w", err)
	}
	var detail map[string]any
	if err := vault.Detail(plain, &detail); err != nil {
		return "", err
	}
	text, _ := detail[field].(string)
	return text, nil
}

// Sound reports whether a pass is as the ledger has it: nobody has changed its row.
//
// cite: P-38, I-22, 47 CFR 64.2009(b)
func (s *School) Sound(ctx context.Context, p *Pass) (bool, error) {
	row, err := s.Ledger.Record(ctx, "", p.Record)
	if errors.Is(err, ledger.ErrNoRecord) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading a record: %w", err)
	}
	plain, err := s.Vault.OpenRecord(ctx, row)
	if err != nil {
		return false, fmt.Errorf("opening a record: %w", err)
	}
	var was struct {
		Member                           cpni.ID
		Course, Version, Digest, Attempt string
		Passed                           any // when, of one passed elsewhere; else whether
		Until                            time.Time
	}
	if err := vault.Detail(plain, &was); err != nil {
		return false, err
	}
	same := was.Member == p.Staff && was.Course == p.Course && was.Version == p.Version && was.Digest == p.Digest && was.Attempt == string(p.Attempt) && was.Until.Equal(p.Until) && row.Actor == p.By
	if p.Outside() {
		passed, err := time.Parse(time.RFC3339Nano, fmt.Sprint(was.Passed))
		return same && err == nil && passed.Equal(p.Passed), nil
	}
	return same && was.Passed == true && row.At.Equal(p.Passed), nil
}

// exported are the columns of an export.
var exported = []string{"member", "login", "name", "role", "what", "course", "version", "digest", "at", "right", "asked", "needed", "valid until", "recorded by", "evidence", "ledger entry"}

// Export writes every attempt that was graded and every pass from elsewhere as CSV, by member and time; times are UTC. A
// member without any has one row that says so.
//
// cite: P-38, 47 CFR 64.2009(b)
func (s *School) Export(ctx context.Context, out io.Writer) error {
	members, err := s.Staff.Members(ctx)
	if err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.Write(exported); err != nil {
		return err
	}
	for i := range members {
		if err := s.exportMember(ctx, w, &members[i]); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func (s *School) exportMember(ctx context.Context, w *csv.Writer, m *staff.Member) error {
	row := func(what string, more ...string) error {
		cells := append([]string{string(m.ID), m.Login, m.Name, string(m.Role), what}, more...)
		for i, c := range cells {
			cells[i] = inert(c)
		}
		return w.Write(cells)
	}
	all, err := s.Attempts(ctx, m.ID)
	if err != nil {
		return err
	}
	passes, err := s.Passes(ctx, m.ID)
	if err != nil {
		return err
	}
	none := true
	for _, a := range all {
		if a.Result == nil {
			continue
		}
		none = false
		what, until := "test failed", ""
		for _, p := range passes {
			if p.Attempt == a.ID {
				what, until = "test passed", stamp(p.Until)
			}
		}
		r := a.Result
		if err := row(what, a.Course, a.Version, a.Digest, stamp(r.Graded), strconv.Itoa(r.Hits), strconv.Itoa(r.Asked), strconv.Itoa(r.Needed), until, string(m.ID), "", string(r.Record)); err != nil {
			return err
		}
	}
	for _, p := range passes {
		if !p.Outside() {
			continue
		}
		none = false
		evidence, err := s.Evidence(ctx, &p)
		if err != nil {
			return err
		}
		if err := row("passed elsewhere", "", "", "", stamp(p.Passed), "", "", "", stamp(p.Until), p.By, evidence, string(p.Record)); err != nil {
			return err
		}
	}
	exercises, err := s.Exercises(ctx, m.ID)
	if err != nil {
		return err
	}
	for _, x := range exercises {
		if err := row("took part in a rehearsal", "", "", "", stamp(x.Closed), "", "", "", "", "", x.Number, string(x.Record)); err != nil {
			return err
		}
	}
	switch {
	case none && m.Trained.IsZero():
		return row("never trained", "", "", "", "", "", "", "", "", "", "", "")
	case none: // stated when they were added
		return row("trained when added", "", "", "", stamp(m.Trained), "", "", "", stamp(m.Until), "", "", "")
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// inert keeps a spreadsheet from taking a text for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
