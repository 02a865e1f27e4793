package process

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Overdue is the code of the alert that a process is not answered by the day on which it is due. Nothing is released for it.
const Overdue cpni.Code = "PROCESS_LATE"

// Unsilenced is the code of the alert that an order of silence without an end has stood for so long that somebody has to ask whether it
// still does.
const Unsilenced cpni.Code = "PROCESS_SILENCE"

// Untold is the code of the alert that a customer is to be told and has no address of record.
const Untold cpni.Code = "PROCESS_UNTOLD"

// Notice is whether a customer is told of a process.
type Notice struct {
	Customer cpni.ID
	Kind     string    // rules.NoticeBefore or rules.NoticeAfter
	Due      time.Time // when it goes; zero: not before the silence is lifted
	State    string    // waiting, sent, nowhere or dropped
	Message  cpni.ID
	Changed  time.Time
}

// What becomes of notices.
const (
	noticeWaits   = "waiting"
	noticeSent    = "sent"
	noticeNowhere = "nowhere" // there is no address of record
	noticeDropped = "dropped" // the process ended before it was answered
)

// Notices lists whom of its customers a process is told to, for who may know of it.
func (r *Register) Notices(ctx context.Context, id, by cpni.ID) ([]Notice, error) {
	if _, err := r.One(ctx, id, by); err != nil {
		return nil, err
	}
	return r.notices(ctx, r.DB.Reader(), "process_id = $1 ORDER BY customer_id, kind", string(id))
}

func (r *Register) notices(ctx context.Context, q store.Querier, where string, args ...any) ([]Notice, error) {
	rows, err := q.Query(ctx, "SELECT customer_id, kind, due, state, message_id, changed FROM process_notice WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading notices of legal process: %w", err)
	}
	defer rows.Close()
	var all []Notice
	for rows.Next() {
		var n Notice
		var due, changed int64
		if err := rows.Scan(&n.Customer, &n.Kind, &due, &n.State, &n.Message, &changed); err != nil {
			return nil, err
		}
		if due != open {
			n.Due = time.UnixMicro(due).UTC()
		}
		n.Changed = time.UnixMicro(changed).UTC()
		all = append(all, n)
	}
	return all, rows.Err()
}

// owe notes that a customer is to be told, as soon as nothing forbids it.
//
// cite: P-29, P-41
func (r *Register) owe(ctx context.Context, tx *store.Tx, p *Process, of cpni.ID, kind string, now time.Time) error {
	due := now.UnixMicro()
	if s := p.Silence.stored(); p.Silence.Now(now) {
		due = s
	}
	_, err := tx.Exec(ctx, "INSERT INTO process_notice (customer_id, process_id, kind, due, state, message_id, changed) VALUES ($1, $2, $3, $4, $5, '', $6) ON CONFLICT (customer_id, process_id, kind) DO NOTHING",
		string(of), string(p.ID), kind, due, noticeWaits, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("noting that a customer is to be told: %w", err)
	}
	return nil
}

// tellFirst has the customers told before anything is released, and no release be made before they have had time to go to court.
//
// cite: P-29
func (m *moved) tellFirst(ctx context.Context, k rules.ProcessKind) error {
	m.p.First = m.now.Add(k.NoticeWait)
	told := map[cpni.ID]bool{}
	for _, no := range m.p.Scope.Subjects {
		s := m.p.Subject(no)
		if s == nil || s.Customer == "" || s.Forgotten || told[s.Customer] {
			continue
		}
		told[s.Customer] = true
		if err := m.r.owe(ctx, m.tx, m.p, s.Customer, rules.NoticeBefore, m.now); err != nil {
			return err
		}
		if err := m.tell(ctx, s.Customer, rules.NoticeBefore); err != nil {
			return err
		}
	}
	return nil
}

// dropFirst drops notices that have not gone of a process that ended before anything was released.
func (m *moved) dropFirst(ctx context.Context) error {
	_, err := m.tx.Exec(ctx, "UPDATE process_notice SET state = $1, changed = $2 WHERE process_id = $3 AND kind = $4 AND state = $5", noticeDropped, m.now.UnixMicro(), string(m.p.ID), rules.NoticeBefore, noticeWaits)
	if err != nil {
		return fmt.Errorf("dropping notices of legal process: %w", err)
	}
	return nil
}

// tell plans the notice to a customer, at an address of record.
//
// cite: P-21, P-29, 47 CFR 64.2003(b)
func (m *moved) tell(ctx context.Context, of cpni.ID, kind string) error {
	r := m.r
	profile, _, err := r.Customers.ReadTx(ctx, m.tx, of)
	if errors.Is(err, customer.ErrNoCustomer) || errors.Is(err, vault.ErrForgotten) {
		return m.settle(ctx, of, kind, noticeDropped, "")
	}
	if err != nil {
		return err
	}
	what := notify.ProcessAnswered
	if kind == rules.NoticeBefore {
		what = notify.ProcessDemand
	}
	message, ok := r.Contacts.Tells(profile, what, nil)
	if !ok {
		if err := m.settle(ctx, of, kind, noticeNowhere, ""); err != nil {
			return err
		}
		if err := m.alert(ctx, Untold, "a customer is to be told of legal process and has no address of record"); err != nil {
			return err
		}
		return m.note(ctx, "", Nowhere, Event{Subject: m.p.subjectOf(of)})
	}
	message.ID = cpni.NewTimedID(m.now)
	if kind == rules.NoticeBefore {
		message.Tokens = map[string]string{"until": m.p.First.In(r.Zone).Format(time.RFC3339) + "[" + r.Zone.String() + "]"}
	}
	if err := r.Outbox.Plan(ctx, m.tx, of, message); err != nil {
		return err
	}
	if err := m.settle(ctx, of, kind, noticeSent, message.ID); err != nil {
		return err
	}
	return m.note(ctx, "", PlannedOf, Event{Subject: m.p.subjectOf(of), Message: message.ID})
}

func (m *moved) settle(ctx context.Context, of cpni.ID, kind, state string, message cpni.ID) error {
	_, err := m.tx.Exec(ctx, "UPDATE process_notice SET state = $1, message_id = $2, changed = $3 WHERE customer_id = $4 AND process_id = $5 AND kind = $6", state, string(message), m.now.UnixMicro(), string(of), string(m.p.ID), kind)
	if err != nil {
		return fmt.Errorf("noting what became of a notice: %w", err)
	}
	return nil
}

func (m *moved) alert(ctx context.Context, code cpni.Code, what string) error {
	e, err := m.r.Vault.Entry(ctx, m.tx, ledger.Entry{Kind: ledger.Alert, At: m.now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: code}, map[string]string{"what": what, "process": string(m.p.ID)})
	m.all = append(m.all, e)
	return err
}

// subjectOf gives the first entry of a paper that is about a customer.
func (p *Process) subjectOf(of cpni.ID) int {
	for _, s := range p.Subjects {
		if s.Customer == of {
			return s.No
		}
	}
	return 0
}

// Quiet is a change of the silence that a process orders: an extension, an end or that it is lifted. It comes in writing.
type Quiet struct {
	By     cpni.ID
	Lift   bool      // the customer may be told from now on
	Until  time.Time // the first moment at which they may; zero, and not lifted: not before it is lifted
	Reason string
	Scan   []byte // the paper that says so
}

// Quiet changes the silence that a process orders. From the end of it on the customer's accounting shows what was released, and the
// notice goes out.
//
// cite: P-29, P-41
func (r *Register) Quiet(ctx context.Context, id cpni.ID, q Quiet) (*Process, error) {
	if q.Reason = strings.TrimSpace(q.Reason); q.Reason == "" || len(q.Reason) > longestReason {
		return nil, errReason
	}
	return r.change(ctx, id, q.By, func(m *moved) error {
		k, err := r.kind(m.p.Kind)
		if err != nil {
			return err
		}
		form := rules.SilenceDated
		if q.Until.IsZero() {
			form = rules.SilenceOpen
		}
		switch {
		case len(q.Scan) == 0:
			return cpni.Rejected("NEED_WRITING", "what a paper orders is changed by another paper and by nobody's word", []string{"P-29"}, "take in the scan of the order that changes it")
		case !m.p.Silence.Now(m.now):
			return refuse("it forbids nobody to tell the customer now, and what they have been shown cannot be hidden again", "take the order in as a paper of its own")
		case !q.Lift && !slices.Contains(k.Silence, form):
			return refuse("a paper of this kind cannot forbid in this way to tell the customer", "write the day until which it does")
		case !q.Lift && !q.Until.IsZero() && !q.Until.After(m.now):
			return bad("that day is over already", "say that it is lifted")
		}
		m.p.Silence = Silence{Ordered: true, Until: q.Until.UTC()}
		if q.Until.IsZero() {
			m.p.Silence.Looked = m.now
		}
		if q.Lift {
			m.p.Silence = Silence{Ordered: true, Until: m.now}
		}
		paper, hash, err := m.keep(ctx, q.Scan)
		if err != nil {
			return err
		}
		if _, err := m.tx.Exec(ctx, "UPDATE process_notice SET due = $1, changed = $2 WHERE process_id = $3 AND state = $4", m.p.Silence.stored(), m.now.UnixMicro(), string(id), noticeWaits); err != nil {
			return fmt.Errorf("moving notices of legal process: %w", err)
		}
		e := Event{Reason: q.Reason, Paper: paper, Hash: hash}
		if until := m.p.Silence.Until; !until.IsZero() {
			e.Until = &until
		}
		return m.note(ctx, q.By, Silenced, e)
	})
}

// Looked records that somebody has asked whether an order of silence without an end still stands, and that it does.
//
// cite: P-29
func (r *Register) Looked(ctx context.Context, id, by cpni.ID, reason string) (*Process, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > longestReason {
		return nil, errReason
	}
	return r.change(ctx, id, by, func(m *moved) error {
		if !m.p.Silence.Now(m.now) || m.p.Silence.Looked.IsZero() {
			return refuse("it has no order of silence without an end", "look at where it stands now")
		}
		m.p.Silence.Looked = m.now
		return m.note(ctx, by, KeptSilent, Event{Reason: reason})
	})
}

// mostDue bounds how much one look does; the next look does the rest.
const mostDue = 100

// Due does what its time has come for: notices to customers whom it is no longer forbidden to tell, and alerts about what is not answered
// in time. Done again, or on another node, it does nothing twice.
//
// cite: P-29, P-41
func (r *Register) Due(ctx context.Context) error {
	return errors.Join(r.dueNotices(ctx), r.dueAnswers(ctx), r.dueSilence(ctx))
}

func (r *Register) dueNotices(ctx context.Context) error {
	now := r.Clock.Now()
	rows, err := r.DB.Reader().Query(ctx, "SELECT DISTINCT process_id FROM process_notice WHERE state = $1 AND due <= $2 ORDER BY process_id LIMIT $3", noticeWaits, now.UnixMicro(), mostDue)
	if err != nil {
		return fmt.Errorf("looking for notices of legal process: %w", err)
	}
	ids, err := idsOf(rows)
	if err != nil {
		return err
	}
	var failed []error // one that cannot be told keeps no other back
	for _, id := range ids {
		_, err := r.change(ctx, id, "", func(m *moved) error {
			due, err := r.notices(ctx, m.tx, "process_id = $1 AND state = $2 AND due <= $3 ORDER BY customer_id, kind", string(id), noticeWaits, m.now.UnixMicro())
			if err != nil {
				return err
			}
			if len(due) == 0 || m.p.Silence.Now(m.now) {
				return errNothing
			}
			for _, n := range due {
				if err := m.tell(ctx, n.Customer, n.Kind); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errNothing) {
			failed = append(failed, fmt.Errorf("telling a customer of legal process: %w", err))
		}
	}
	return errors.Join(failed...)
}

// errNothing: another node was faster, and nothing is left to be done.
var errNothing = errors.New("nothing is left to be done")

// dueAnswers raises an alert for each process that is not answered by the day on which it is due, once. It releases nothing.
//
// cite: P-29
func (r *Register) dueAnswers(ctx context.Context) error {
	now := r.Clock.Now()
	rows, err := r.DB.Reader().Query(ctx, "SELECT process_id FROM process WHERE state IN ($1, $2) AND late = 0 AND due <= $3 ORDER BY due LIMIT $4", string(Entered), string(Approved), now.UnixMicro(), mostDue)
	if err != nil {
		return fmt.Errorf("looking for legal process that is late: %w", err)
	}
	return r.each(ctx, rows, func(m *moved) error {
		handed, err := r.handed(ctx, m.tx, m.p.ID)
		if err != nil {
			return err
		}
		if m.p.Late || handed || m.p.State != Entered && m.p.State != Approved || m.now.Before(m.p.Due) {
			return errNothing
		}
		m.p.Late = true
		return m.note(ctx, "", IsLate, Event{})
	})
}

// dueSilence raises an alert for each order of silence without an end at which nobody has looked for as long as the policy gives.
//
// cite: P-29
func (r *Register) dueSilence(ctx context.Context) error {
	now := r.Clock.Now()
	for _, k := range r.Policy.Numbers(now).ProcessKinds() {
		if k.SilenceLook == 0 {
			continue
		}
		before := now.Add(-k.SilenceLook)
		rows, err := r.DB.Reader().Query(ctx, "SELECT process_id FROM process WHERE kind = $1 AND looked > 0 AND looked <= $2 AND silent > $3 ORDER BY process_id LIMIT $4", k.Name, before.UnixMicro(), now.UnixMicro(), mostDue)
		if err != nil {
			return fmt.Errorf("looking for orders of silence: %w", err)
		}
		if err := r.each(ctx, rows, func(m *moved) error {
			if !m.p.Silence.Now(m.now) || m.p.Silence.Looked.IsZero() || m.p.Silence.Looked.After(before) {
				return errNothing
			}
			m.p.Silence.Looked = m.now // the next alert comes after as long again
			return m.alert(ctx, Unsilenced, "an order not to tell a customer of legal process has no end, and nobody has asked for long whether it still stands")
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *Register) each(ctx context.Context, rows *sql.Rows, do func(m *moved) error) error {
	ids, err := idsOf(rows)
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range ids {
		if _, err := r.change(ctx, id, "", do); err != nil && !errors.Is(err, errNothing) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func idsOf(rows *sql.Rows) ([]cpni.ID, error) {
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
