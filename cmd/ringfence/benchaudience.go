package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// sealedRead is how many customers are made as they are in use, to see how fast sealed records are read.
const sealedRead = 20_000

// audiences measures how long it takes to know who is in an audience, who is not and why: from sets, and by one SQL statement over the tables.
// The customers of whom there are very many are imagined: for the statement their rows are written straight into the tables, and the
// index is filled with the same people.
func (b *bench) audiences(ctx context.Context) error {
	day := b.o.Clock.Now().UTC().Truncate(24 * time.Hour)
	if err := b.readSealed(ctx, day); err != nil {
		return err
	}
	a := b.o.Audience
	a.Imagine(func(after cpni.ID) *customer.Profile { return imagined(placeIn(after)+1, b.Customers, day) })
	measured := func(what string, n int, do func() error) error {
		runtime.GC()
		began, worked := time.Now(), processorTime()
		if err := do(); err != nil {
			return err
		}
		took, work := time.Since(began), processorTime()-worked
		b.say(what, took.Seconds(), fmt.Sprintf("seconds, %.2f of our processors; %.0f ns of them a customer", work.Seconds(), float64(work.Nanoseconds())/float64(max(1, n))))
		return nil
	}
	var built audience.Built
	if err := measured("parts kept, imagined", b.Customers, func() (err error) { built, err = a.Build(ctx, nil); return err }); err != nil {
		return err
	}
	b.say("kept in the database", float64(built.Bytes)/float64(max(1, built.Customers)), fmt.Sprintf("bytes a customer, %d MiB in %d parts", built.Bytes>>20, built.Parts))
	before := heap()
	if err := measured("index begun from the parts", built.Customers, func() error { return a.Begin(ctx) }); err != nil {
		return err
	}
	b.say("index in memory", float64(heap()-before)/(1<<20), fmt.Sprintf("MiB, %d bytes a customer", (heap()-before)/int64(max(1, built.Customers))))
	marketer, err := b.o.Staff.Add(ctx, staff.Member{Login: "bench-" + string(cpni.NewID()), Name: "Bench", Role: cpni.RoleMarketing, Trained: b.o.Clock.Now()}, "", "bench")
	if err != nil {
		return err
	}
	own := audience.Question{Caller: disclose.Caller{Staff: marketer}, Purpose: cpni.OwnMarketing, Data: []cpni.DataClass{cpni.Usage}, Via: cpni.Screen}
	offer, joint, filtered := own, own, own
	offer.Offer = &rules.Offer{Categories: []cpni.Category{cpni.LongDistance}}
	joint.Purpose, joint.To = cpni.PartnerMarketing, "acme"
	filtered.Filter = audience.Filter{Has: []cpni.Category{cpni.Local}, States: []string{"VA"}, Zips: []string{"221"}}
	if err := b.o.Partners.Put(ctx, "bench", benchPartner(day)); err != nil {
		return err
	}
	var counts audience.Counts
	for _, q := range []struct {
		what string
		q    audience.Question
	}{{"own marketing", own}, {"the same, again", own}, {"an offer", offer}, {"a partner's", joint}, {"local lines in ZIP 221", filtered}} {
		var c audience.Counts
		if err := measured("counted: "+q.what, b.Customers, func() (err error) { c, err = a.Count(ctx, q.q); return err }); err != nil {
			return err
		}
		fmt.Fprintf(b.out, "    %s\n", countsText(c))
		if q.what == "own marketing" {
			counts = c
		}
	}
	if err := b.tabled(ctx, day); err != nil {
		return err
	}
	var bySQL audience.Counts
	for _, what := range []string{"one SQL statement", "the same, again"} {
		if err := measured(what, b.Customers, func() (err error) { bySQL, err = b.bySQL(ctx); return err }); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.out, "    %s\n", countsText(bySQL))
	if bySQL.Customers != counts.Customers || bySQL.Included != counts.Included || !maps.Equal(bySQL.Excluded, counts.Excluded) {
		return errors.New("the statement and the index do not find the same")
	}
	return nil
}

func countsText(c audience.Counts) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d in service, %d not meant, %d in", c.Customers, c.Outside, c.Included)
	for _, code := range slices.Sorted(maps.Keys(c.Excluded)) {
		fmt.Fprintf(&b, ", %d %s", c.Excluded[code], code)
	}
	return b.String()
}

// heap is what lives in memory.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// readSealed makes customers as they are in use and says how fast they are read, which the first building and that of every night do of everybody.
func (b *bench) readSealed(ctx context.Context, day time.Time) error {
	const atOnce = 1000
	n := min(sealedRead, b.Customers)
	began := time.Now()
	for from := 0; from < n; from += atOnce {
		if err := b.o.DB.Tx(ctx, func(tx *store.Tx) error {
			for i := from; i < min(n, from+atOnce); i++ {
				p := imagined(i, n, day)
				p.Name, p.Account = fmt.Sprintf("Customer %d", i), fmt.Sprintf("B-%09d", i)
				for l := range p.Lines {
					p.Lines[l].Number = fmt.Sprintf("+1%03d%03d%04d", 202+l, 200+i/10_000, i%10_000)
				}
				if err := b.o.Customers.Insert(ctx, tx, p); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	b.say("customers added", float64(n)/time.Since(began).Seconds(), "a second")
	began, worked := time.Now(), processorTime()
	built, err := b.o.Audience.Build(ctx, nil)
	if err != nil {
		return err
	}
	took, work := time.Since(began), processorTime()-worked
	b.say("sealed customers read", float64(built.Customers)/took.Seconds(), fmt.Sprintf("a second; %d ns of our processors each", work.Nanoseconds()/int64(max(1, built.Customers))))
	return b.o.DB.Tx(ctx, func(tx *store.Tx) error { // who comes now is imagined
		for _, q := range []string{"DELETE FROM customer", "DELETE FROM approval", "DELETE FROM lookup", "DELETE FROM customer_key WHERE customer_id <> ''", "DELETE FROM audience_part", "DELETE FROM customer_changed", "DELETE FROM meta WHERE name LIKE 'audience.%' OR name LIKE 'customer.changed%'"} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

// benchPartner is a joint venture partner with an agreement.
func benchPartner(day time.Time) partner.Partner {
	return partner.Partner{ID: "acme", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: day.AddDate(1, 0, 0), DestroyBy: day.AddDate(1, 0, 0)}}
}

func imaginedID(i int) cpni.ID { return cpni.ID(fmt.Sprintf("%025d0", i)) }

// placeIn gives which of the imagined customers an id is; -1 of none.
func placeIn(id cpni.ID) int {
	if id == "" {
		return -1
	}
	i, err := strconv.Atoi(string(id[:25]))
	if err != nil {
		return 0
	}
	return i
}

// When things happened to the imagined customers, in days from today.
const (
	endedDay, oldDay, passedDay, newDay, maturesDay, refusedDay = -30, -900, -100, -10, 21, -50
	spread                                                      = 600 // days over which notices of most customers lie
)

// imagined is one of n customers; nil behind the last. Of ten, six let a notice pass (one of them more than two years ago), one has said yes, one waits and
// two refuse, one of these after a notice; every fifth refuses a partner, every ninety-seventh everything, and every twentieth has left.
func imagined(i, n int, day time.Time) *customer.Profile {
	if i >= n {
		return nil
	}
	at := func(days int) time.Time { return day.AddDate(0, 0, days) }
	p := &customer.Profile{ID: imaginedID(i), Name: "somebody", Since: at(-1200 - i%2000)}
	if i%20 == 19 {
		p.Ended = at(endedDay)
	}
	services := [][]cpni.Category{{cpni.Local}, {cpni.Wireless}, {cpni.Local, cpni.LongDistance}, {cpni.VoIP}}
	for range 1 + i%3/2 {
		p.Lines = append(p.Lines, customer.Line{Categories: services[i/7%4], Listed: i%2 == 0, Since: p.Since})
	}
	places := []string{"Springfield, VA 22150", "Bethesda, MD 20814", "Arlington, VA 22201", "Dover, DE 19901"}
	p.Postal = []customer.Address{{Value: fmt.Sprintf("%d Main St, %s", i%900+1, places[i/11%4]), Since: p.Since}}
	silent := func(noticed, matures int) {
		p.Approvals = append(p.Approvals, customer.Approval{Scope: "own-marketing", State: cpni.Waiting, Since: at(noticed), NoticeAt: at(noticed), Matures: at(matures)})
	}
	said := func(scope string, state cpni.ApprovalState) {
		p.Approvals = append(p.Approvals, customer.Approval{Scope: scope, State: state, Since: at(refusedDay)})
	}
	switch i % 10 {
	case 0:
		silent(oldDay, oldDay+31)
	case 1, 2, 3, 4, 5:
		silent(passedDay-i/10%spread+60, passedDay-i/10%spread+91)
	case 6:
		said("own-marketing", cpni.OptInOK)
	case 7:
		silent(newDay, maturesDay)
	case 8:
		silent(passedDay, passedDay+31)
		said("own-marketing", cpni.Denied)
	case 9:
		said("own-marketing", cpni.Denied)
	}
	if i%5 == 0 {
		said("partner:acme", cpni.Denied)
	}
	if i%97 == 0 {
		said(customer.Everything, cpni.Denied)
	}
	return p
}

// tabled writes the same customers into the tables, without what is sealed.
func (b *bench) tabled(ctx context.Context, day time.Time) error {
	at := func(days int) string { return strconv.FormatInt(day.AddDate(0, 0, days).UnixMicro(), 10) }
	const dayMicros = "86400000000"
	series, id, nothing := "WITH RECURSIVE g(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM g WHERE i < %d)", "printf('%025d0', i)", "x''"
	if b.o.DB.Dialect() == store.Postgres {
		series, id, nothing = "WITH g AS (SELECT CAST(i AS bigint) AS i FROM generate_series(%d, %d) AS i)", "lpad(CAST(i AS text), 25, '0') || '0'", "''::bytea"
	}
	back := "(i / 10 % " + strconv.Itoa(spread) + ") * " + dayMicros
	noticed := "CASE i % 10 WHEN 0 THEN " + at(oldDay) + " WHEN 7 THEN " + at(newDay) + " WHEN 8 THEN " + at(passedDay) + " ELSE " + at(passedDay+60) + " - " + back + " END"
	matures := "CASE i % 10 WHEN 0 THEN " + at(oldDay+31) + " WHEN 7 THEN " + at(maturesDay) + " WHEN 8 THEN " + at(passedDay+31) + " ELSE " + at(passedDay+91) + " - " + back + " END"
	const approvals = " INSERT INTO approval (customer_id, n, scope, state, since, noticed, matures, covers) SELECT "
	said := func(n int, scope, state, where string) string {
		return fmt.Sprintf("%s%s, %d, '%s', '%s', %s, 0, 0, '' FROM g WHERE %s", approvals, id, n, scope, state, at(refusedDay), where)
	}
	statements := []string{
		" INSERT INTO customer (customer_id, version, ended, since, sealed) SELECT " + id + ", 1, CASE WHEN i % 20 = 19 THEN " + at(endedDay) + " ELSE 0 END, 0, " + nothing + " FROM g",
		approvals + id + ", 0, 'own-marketing', 'waiting', " + noticed + ", " + noticed + ", " + matures + ", '' FROM g WHERE i % 10 NOT IN (6, 9)",
		said(0, "own-marketing", "opt-in-ok", "i % 10 = 6"), said(1, "own-marketing", "denied", "i % 10 IN (8, 9)"), said(2, "partner:acme", "denied", "i % 5 = 0"), said(3, customer.Everything, "denied", "i % 97 = 0"),
	}
	began := time.Now()
	for from := 0; from < b.Customers; from += portion {
		head := fmt.Sprintf(series, from, min(from+portion, b.Customers)-1)
		err := b.o.DB.Tx(ctx, func(tx *store.Tx) error {
			for _, rest := range statements {
				if _, err := tx.SQL().ExecContext(ctx, head+rest); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("writing the customers' rows: %w", err)
		}
	}
	b.say("rows written", time.Since(began).Seconds(), "seconds")
	tidy := "ANALYZE"
	if b.o.DB.Dialect() == store.Postgres {
		tidy = "VACUUM ANALYZE customer, approval"
	}
	c, err := b.o.DB.Conn(ctx)
	if err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, tidy)
	return errors.Join(err, c.Close())
}

// bySQL finds the audience of the carrier's own marketing, without an offer, by one statement over the tables.
func (b *bench) bySQL(ctx context.Context) (audience.Counts, error) {
	now := b.o.Clock.Now().In(b.o.Zone)
	rows, err := b.o.DB.Reader().Query(ctx, `SELECT stands, count(*) FROM (
		SELECT max(CASE WHEN a.state = 'denied' THEN 6 WHEN a.scope <> 'own-marketing' THEN 0 WHEN a.state = 'opt-in-ok' THEN 5
			WHEN a.noticed = 0 OR a.noticed > $1 THEN 1 WHEN a.state = 'waiting' AND (a.matures <= a.noticed OR a.matures > $1) THEN 3
			WHEN a.noticed < $2 THEN 2 ELSE 4 END) AS stands
		FROM customer c LEFT JOIN approval a ON a.customer_id = c.customer_id AND a.scope IN ('own-marketing', 'everything', 'data:usage')
		WHERE c.ended = 0 OR c.ended > $1 GROUP BY c.customer_id) AS each_customer GROUP BY stands`, now.UnixMicro(), now.AddDate(0, -24, 0).UnixMicro())
	if err != nil {
		return audience.Counts{}, err
	}
	defer rows.Close()
	out := audience.Counts{Excluded: map[cpni.Code]int{}}
	for rows.Next() {
		var stands sql.NullInt64
		var n int
		if err := rows.Scan(&stands, &n); err != nil {
			return out, err
		}
		out.Customers += n
		switch stands.Int64 {
		case 6:
			out.Excluded["DENIED"] += n
		case 4, 5:
			out.Included += n
		case 3:
			out.Excluded["WAITING"] += n
		case 2:
			out.Excluded["RENOTICE_DUE"] += n
		default:
			out.Excluded["UNNOTIFIED"] += n
		}
	}
	return out, rows.Err()
}
