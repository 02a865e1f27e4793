package yearly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/training"
	"ringfence/internal/workday"
)

// What is counted together, and kept: each group has a row of its own name that says that a month was counted, and as of when.
const (
	approvalsKept = "approvals"
	messagesKept  = "messages"
	membersKept   = "members"
)

// kept is what was counted of a year and is kept.
type kept struct {
	n    [Months]map[string]int64
	when [Months]map[string]time.Time // by group
	at   map[string]time.Time         // the newest, by group
}

func (b *Book) kept(ctx context.Context, year int) (kept, error) {
	k := kept{at: map[string]time.Time{}}
	for m := range Months {
		k.n[m], k.when[m] = map[string]int64{}, map[string]time.Time{}
	}
	rows, err := b.DB.Reader().Query(ctx, "SELECT month, what, n, at FROM year_count WHERE month > $1 AND month <= $2", year*100, year*100+Months)
	if err != nil {
		return k, fmt.Errorf("reading what was counted: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var month int
		var what string
		var n, at int64
		if err := rows.Scan(&month, &what, &n, &at); err != nil {
			return k, fmt.Errorf("reading what was counted: %w", err)
		}
		m := month - year*100 - 1
		if k.n[m][what] = n; slices.Contains([]string{approvalsKept, messagesKept, membersKept}, what) {
			k.when[m][what] = when(at)
			if k.at[what].Before(when(at)) {
				k.at[what] = when(at)
			}
		}
	}
	return k, errors.Join(rows.Err(), rows.Close())
}

// series makes a series of what is kept. Of a month that was counted a number that is not there is 0, and a time is not known.
func (k *kept) series(key, title, group string) Series {
	s := Series{Key: key, Title: title, Unit: Records, Sum: group == messagesKept}
	for m := range Months {
		if k.when[m][group].IsZero() {
			continue
		}
		n, is := k.n[m][key]
		s.Cells[m] = Cell{is || !strings.Contains(key, "."+parts[0].key) && !strings.Contains(key, "."+parts[1].key), n}
		if s.Sum {
			s.Total = Cell{true, s.Total.N + n}
		}
	}
	return s
}

// settled is how long after a month its messages may still be heard of: then it is counted for the last time.
const settled = 62 * 24 * time.Hour

// mostMonths is how many months Count looks back at most.
const mostMonths = 60

// Count counts what is not kept yet, or may have changed since: of months that are over approvals once, as they stood at the end, messages
// until two months later, and of the running month everything. Where that takes long it is done more seldom, so that no more than a
// hundredth of the time goes into it. On several nodes each writes the same.
//
// cite: P-41, 47 CFR 64.2009(e)
func (b *Book) Count(ctx context.Context) error {
	b.counting.Lock()
	defer b.counting.Unlock()
	now := b.Clock.Now()
	if now.Before(b.next) {
		return nil
	}
	if err := b.count(ctx, now); err != nil {
		return err
	}
	b.next = now.Add(seldom * b.Clock.Now().Sub(now))
	return nil
}

// seldom is by how much longer than counting took it waits until it counts again.
const seldom = 100

// Recount forgets what is kept, but for who was trained, and counts it again from the records.
//
// cite: P-41
func (b *Book) Recount(ctx context.Context) error {
	b.counting.Lock()
	defer b.counting.Unlock()
	err := b.DB.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM year_count WHERE what NOT IN ($1, 'trained', 'untrained')", membersKept)
		return err
	})
	if err != nil {
		return fmt.Errorf("counting a year anew: %w", err)
	}
	return b.count(ctx, b.Clock.Now())
}

// monthAt is a month that is to be counted.
type monthAt struct {
	year, month int
	as          time.Time // of which moment
}

func (b *Book) count(ctx context.Context, now time.Time) error {
	first, err := b.firstMonth(ctx, now)
	if err != nil {
		return err
	}
	var approvals, messages []monthAt
	for at := first; !b.begins(at.Year, int(at.Month)-1).After(now); at = workday.On(at.Year, at.Month+1, 1) {
		k, err := b.kept(ctx, at.Year) // a handful of rows
		if err != nil {
			return err
		}
		m := int(at.Month) - 1
		end := b.begins(at.Year, m+1)
		as := now
		if end.Before(now) {
			as = end
		}
		if k.when[m][approvalsKept].Before(as) {
			approvals = append(approvals, monthAt{at.Year, m, as})
		}
		if done := k.when[m][messagesKept]; done.IsZero() || done.Before(end.Add(settled)) {
			messages = append(messages, monthAt{at.Year, m, now})
		}
	}
	if err := b.countApprovals(ctx, approvals); err != nil {
		return err
	}
	for _, m := range messages {
		if err := b.countMessages(ctx, m); err != nil {
			return err
		}
	}
	return b.lookAtMembers(ctx, now)
}

// firstMonth is the month of the first event of an approval or message, or the running one.
func (b *Book) firstMonth(ctx context.Context, now time.Time) (workday.Date, error) {
	var first int64
	err := b.DB.Reader().QueryRow(ctx, `SELECT min(t.at) FROM (SELECT coalesce((SELECT min(recorded) FROM approval_event), $1) AS at UNION ALL
		SELECT coalesce((SELECT min(at) FROM message), $1) AS at) AS t`, now.UnixMicro()).Scan(&first)
	if err != nil {
		return workday.Date{}, fmt.Errorf("counting a year: %w", err)
	}
	running := workday.DateIn(now, b.Zone)
	d := workday.DateIn(when(first), b.Zone)
	d = workday.On(d.Year, d.Month, 1)
	if earliest := workday.On(running.Year, running.Month-mostMonths, 1); d.Before(earliest) {
		d = earliest
	}
	if running := workday.On(running.Year, running.Month, 1); d.After(running) {
		d = running
	}
	return d, nil
}

// keep writes what was counted of a month in place of what was kept of it.
func (b *Book) keep(ctx context.Context, m monthAt, group string, n map[string]int64, also func(tx *store.Tx) error) error {
	month := m.year*100 + m.month + 1
	err := b.DB.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.SetMeta(ctx, "year.month", fmt.Sprint(month)); err != nil { // so that nodes which count the same wait for each other
			return err
		}
		n[group] = 0
		for what, count := range n {
			if _, err := tx.Exec(ctx, "INSERT INTO year_count (month, what, n, at) VALUES ($1, $2, $3, $4) ON CONFLICT (month, what) DO UPDATE SET n = excluded.n, at = excluded.at", month, what, count, m.as.UnixMicro()); err != nil {
				return err
			}
		}
		if also == nil {
			return nil
		}
		return also(tx)
	})
	if err != nil {
		return fmt.Errorf("keeping what was counted: %w", err)
	}
	return nil
}

// countApprovals counts where all customers stood at the ends of months, in one walk over them.
//
// cite: P-36, P-41
func (b *Book) countApprovals(ctx context.Context, months []monthAt) error {
	if len(months) == 0 {
		return nil
	}
	moments := make([]time.Time, len(months))
	counts := make([]map[string]int64, len(months))
	for i, m := range months {
		moments[i], counts[i] = m.as, map[string]int64{}
		for _, s := range stands {
			counts[i][standing+string(s.state)] = 0
		}
	}
	err := b.Approvals.AsOf(ctx, b.Use(), moments, "", func(_ cpni.ID, states []cpni.ApprovalState) error {
		for i, s := range states {
			if s != "" {
				counts[i][standing+string(s)]++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, m := range months {
		if err := b.keep(ctx, m, approvalsKept, counts[i], nil); err != nil {
			return err
		}
	}
	return nil
}

// countMessages counts the notices of a month and how long they took, and what was recorded of notices of rights in it.
//
// cite: P-23, P-26, P-41, 47 CFR 64.2010(f)
func (b *Book) countMessages(ctx context.Context, m monthAt) error {
	n := map[string]int64{}
	for _, key := range messageSeries {
		n[key] = 0
	}
	from, to := b.Span(m.year, m.month)
	took := map[string][]int64{}
	rows, err := b.DB.Reader().Query(ctx, "SELECT m.kind, m.at, "+sentAt+", "+deliveredAt+" FROM message m WHERE m.at >= $1 AND m.at < $2 AND m.kind IN ('account-change', 'opt-out-notice', 'opt-in-request') AND m.at <= $3",
		from.UnixMicro(), to.UnixMicro(), m.as.UnixMicro())
	if err != nil {
		return fmt.Errorf("counting messages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var at, sent, delivered int64
		if err := rows.Scan(&kind, &at, &sent, &delivered); err != nil {
			return fmt.Errorf("counting messages: %w", err)
		}
		if kind != "account-change" {
			if sent != 0 {
				n["notices-sent"]++
			}
			continue
		}
		n["changes"]++
		for key, then := range map[string]int64{"changes-sent": sent, "changes-delivered": delivered} {
			if then != 0 {
				n[key]++
				took[key] = append(took[key], seconds(when(at), when(then)))
			}
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("counting messages: %w", err)
	}
	for key, all := range took {
		for _, p := range parts {
			n[key+"."+p.key] = within(all, p.tenths).N
		}
	}
	proven, err := b.DB.Reader().Query(ctx, "SELECT what, count(*) FROM approval_event WHERE recorded >= $1 AND recorded < $2 AND recorded <= $3 AND what IN ('noticed', 'void') GROUP BY what", from.UnixMicro(), to.UnixMicro(), m.as.UnixMicro())
	if err != nil {
		return fmt.Errorf("counting notices: %w", err)
	}
	defer proven.Close()
	for proven.Next() {
		var what approval.What
		var count int64
		if err := proven.Scan(&what, &count); err != nil {
			return fmt.Errorf("counting notices: %w", err)
		}
		key := "notices-proven"
		if what == approval.Voided {
			key = "notices-back"
		}
		n[key] = count
	}
	if err := errors.Join(proven.Err(), proven.Close()); err != nil {
		return fmt.Errorf("counting notices: %w", err)
	}
	return b.keep(ctx, m, messagesKept, n, nil)
}

// When a message was sent and had arrived, at or before $3, as far as the other side can know; 0: it was not.
const (
	sentAt      = "coalesce((SELECT min(e.at) FROM message_event e WHERE e.customer_id = m.customer_id AND e.message_id = m.message_id AND e.what IN ('sent', 'delivered', 'mailed') AND e.at <= $3), 0)"
	deliveredAt = "CASE WHEN m.state = 'delivered' THEN coalesce((SELECT min(e.at) FROM message_event e WHERE e.customer_id = m.customer_id AND e.message_id = m.message_id AND e.what IN ('delivered', 'receipt') AND e.at <= $3), 0) ELSE 0 END"
)

var messageSeries = []string{"changes", "changes-sent", "changes-delivered", "notices-sent", "notices-proven", "notices-back"}

// lookAtMembers writes who has current training in the running month, of those of whom it is asked.
//
// cite: P-38, 47 CFR 64.2009(b)
func (b *Book) lookAtMembers(ctx context.Context, now time.Time) error {
	members, err := b.Staff.Members(ctx)
	if err != nil {
		return err
	}
	today := workday.DateIn(now, b.Zone)
	m := monthAt{today.Year, int(today.Month) - 1, now}
	n := map[string]int64{"trained": 0, "untrained": 0}
	trained := map[cpni.ID]int{}
	for i := range members {
		x := &members[i]
		if x.Disabled {
			continue
		}
		switch b.Training.Standing(x, now).State {
		case training.Exempt:
		case training.Current, training.Lapsing:
			n["trained"]++
			trained[x.ID] = 1
		default:
			n["untrained"]++
			trained[x.ID] = 0
		}
	}
	return b.keep(ctx, m, membersKept, n, func(tx *store.Tx) error {
		month := m.year*100 + m.month + 1
		if _, err := tx.Exec(ctx, "DELETE FROM year_member WHERE month = $1", month); err != nil {
			return err
		}
		for id, is := range trained {
			if _, err := tx.Exec(ctx, "INSERT INTO year_member (month, staff_id, trained) VALUES ($1, $2, $3)", month, string(id), is); err != nil {
				return err
			}
		}
		return nil
	})
}
