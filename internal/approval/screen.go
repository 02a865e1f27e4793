package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/rules"
)

// Use is what a screening is about.
type Use struct {
	Purpose   cpni.Purpose
	Data      []cpni.DataClass
	Recipient rules.Recipient // of a partner: its facts without a customer
	Additions []Addition
}

// Screen tells where the approval of every customer stands for one use, without opening anything that is sealed. Each customer about
// whom anything is on record is told once or more, and the last word on them counts: after all have been looked at, those of whom
// something was recorded meanwhile are looked at again, until nothing is new, or often enough. So nobody stands as it was before an
// objection that was acknowledged while the others were counted. Of a customer who is not told, nothing is on record: they are unnotified.
//
// cite: P-36, I-02, 47 CFR 64.2009(a)
func (b *Book) Screen(ctx context.Context, use Use, each func(of cpni.ID, state cpni.ApprovalState) error) error {
	if ready, err := b.Customers.Stands(ctx); err != nil || !ready {
		if err == nil {
			err = errUnready
		}
		return err
	}
	at := b.Clock.Now()
	terms := Terms{RenoticeMonths: b.Numbers(at).RenoticeMonths, Additions: use.Additions}
	state := judge(use, at.In(b.Zone), terms)
	from := at.Add(-lateCommits)
	if err := b.screenAll(ctx, state, each); err != nil {
		return err
	}
	seen := map[string]int64{}
	for range mostLooks {
		changed, err := b.changedSince(ctx, from, seen)
		if err != nil || len(changed) == 0 {
			return err
		}
		for some := range slices.Chunk(changed, 500) {
			left := make(map[cpni.ID]bool, len(some))
			for _, id := range some {
				left[cpni.ID(id)] = true
			}
			again := func(of cpni.ID, s cpni.ApprovalState) error {
				delete(left, of)
				return each(of, s)
			}
			if err := b.screenSome(ctx, state, again, some); err != nil {
				return err
			}
			for id := range left { // nothing stands on the account any more
				if err := each(id, cpni.Unnotified); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mostLooks bounds how often those are looked at again of whom something was recorded meanwhile: a carrier with many customers has
// somebody answer at every moment. What was acknowledged before the last look began is in the result.
const mostLooks = 12

// errUnready: of customers from before it is still being written where their approvals stand. One who is passed over would count as
// somebody who has refused nothing.
var errUnready = cpni.Rejected("BUSY", "where the approvals of all customers stand is being written down after the update, so nobody is screened yet", []string{"P-14", "P-36"},
	"try again in some minutes", "tell the operator if it lasts")

// lateCommits is more than lies between the moment that an event bears and its commit, and between the clocks of two nodes.
const lateCommits = 5 * time.Minute

// changedSince lists the customers of whom an event was recorded since a moment that seen does not have yet, and adds them to it.
func (b *Book) changedSince(ctx context.Context, from time.Time, seen map[string]int64) ([]string, error) {
	rows, err := b.db.Reader().Query(ctx, "SELECT customer_id, max(n) FROM approval_event WHERE recorded >= $1 GROUP BY customer_id", from.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("screening approvals: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("screening approvals: %w", err)
		}
		if seen[id] < n {
			seen[id] = n
			all = append(all, id)
		}
	}
	return all, rows.Err()
}

// pageRows is how many rows one page of a screening holds: more than one customer can have.
const pageRows = 4000

// A page of rows comes as one text, a line a row: what a database costs for a row and a column is then paid once a page. It is read
// from where the last one ended, so that no reader holds back the database's housekeeping while very many are looked at.
const (
	pageLine = "SELECT concat_ws(' ', customer_id, scope, state, since, noticed, matures, covers) AS line FROM approval "
	pageOf   = "SELECT coalesce(string_agg(line, '\n'), ''), count(*) FROM (" + pageLine
)

// page is a piece of what all is told of.
type page struct {
	text string
	cut  bool // more follows, so of its last customer rows may be missing
}

// screenAll tells where all stand, customer by customer. The next pages are read while one is judged.
func (b *Book) screenAll(ctx context.Context, state func([]customer.Approval) cpni.ApprovalState, each func(cpni.ID, cpni.ApprovalState) error) error {
	pages := make(chan page, 2)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(pages)
		return b.pages(ctx, pages)
	})
	g.Go(func() error {
		for p := range pages {
			if _, err := tell(p.text, p.cut, state, each); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}

// pages reads the whole table, each page beginning with the last customer of the one before.
func (b *Book) pages(ctx context.Context, to chan<- page) error {
	query := pageOf + "WHERE customer_id >= $1 ORDER BY customer_id, n LIMIT " + strconv.Itoa(pageRows) + ") AS page"
	for from := ""; ; {
		var p page
		var n int
		if err := b.db.Reader().QueryRow(ctx, query, from).Scan(&p.text, &n); err != nil {
			return fmt.Errorf("screening approvals: %w", err)
		}
		p.cut = n == pageRows
		select {
		case to <- p:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !p.cut {
			return nil
		}
		next, _, _ := strings.Cut(p.text[strings.LastIndexByte(p.text, '\n')+1:], " ")
		if next == from {
			return errors.New("screening approvals: a customer has more rows than a page")
		}
		from = strings.Clone(next)
	}
}

func (b *Book) screenSome(ctx context.Context, state func([]customer.Approval) cpni.ApprovalState, each func(cpni.ID, cpni.ApprovalState) error, ids []string) error {
	var text string
	var n int
	query := pageOf + "WHERE customer_id IN " + b.db.Listed(1) + " ORDER BY customer_id, n) AS page"
	if err := b.db.Reader().QueryRow(ctx, query, b.db.List(ids)).Scan(&text, &n); err != nil {
		return fmt.Errorf("screening approvals: %w", err)
	}
	_, err := tell(text, false, state, each)
	return err
}

// tell tells of each customer of a page where they stand. Of a page that was cut off the last one may lack rows: they are not told
// of, and given back for the next page to begin with.
func tell(page string, cut bool, state func([]customer.Approval) cpni.ApprovalState, each func(cpni.ID, cpni.ApprovalState) error) (last string, err error) {
	var all []customer.Approval
	for line := range strings.SplitSeq(page, "\n") {
		if line == "" {
			continue
		}
		of, rest, _ := strings.Cut(line, " ")
		a, err := rowOf(rest)
		if err != nil {
			return "", err
		}
		if of != last {
			if last != "" {
				// The id is kept by some who hear it, and the page is not to be kept with it.
				if err := each(cpni.ID(strings.Clone(last)), state(all)); err != nil {
					return "", err
				}
			}
			last, all = of, all[:0]
		}
		all = append(all, a)
	}
	if cut || last == "" {
		return strings.Clone(last), nil
	}
	return last, each(cpni.ID(strings.Clone(last)), state(all))
}

// rowOf reads what stands in a line behind the customer.
func rowOf(text string) (a customer.Approval, err error) {
	var word string
	next := func() string {
		word, text, _ = strings.Cut(text, " ")
		return word
	}
	a.Scope, a.State = next(), cpni.ApprovalState(next())
	for _, to := range []*time.Time{&a.Since, &a.NoticeAt, &a.Matures} {
		us, failed := strconv.ParseInt(next(), 10, 64)
		if failed != nil {
			return a, fmt.Errorf("screening approvals: a row is damaged: %w", failed)
		}
		*to = moment(us)
	}
	if text != "" {
		a.ReadCovers(text)
	}
	return a, nil
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

// judge gives what tells where approvals stand for a use: by the same rules as for one request.
func judge(use Use, at time.Time, terms Terms) func([]customer.Approval) cpni.ApprovalState {
	return func(all []customer.Approval) cpni.ApprovalState {
		return stands(all, use.Purpose, use.Data, use.Recipient, at, terms).State
	}
}
