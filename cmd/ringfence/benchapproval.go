package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
	"ringfence/internal/server"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// approvals measures how fast it is known whether a use is approved: in this process, of a customer whom it has seen and of one
// whom it has not, and over HTTP.
func (b *bench) approvals(ctx context.Context) error {
	ids, err := b.approving(ctx)
	if err != nil {
		return err
	}
	carrier := rules.Recipient{Kind: cpni.ToCarrier}
	usage := []cpni.DataClass{cpni.Usage}
	now := b.o.Clock.Now().In(b.o.Zone)
	terms := approval.Terms{RenoticeMonths: 24}
	profiles := make([]*customer.Profile, len(ids))
	for i, id := range ids {
		if profiles[i], _, err = b.o.Customers.Get(ctx, id); err != nil {
			return err
		}
	}
	stands := func(p *customer.Profile) error {
		if a := approval.Standing(p, cpni.OwnMarketing, usage, carrier, now, terms); a.State != cpni.OptInOK {
			return fmt.Errorf("an approval of the bench is %s", a.State)
		}
		return nil
	}
	marketer, err := b.o.Staff.Add(ctx, staff.Member{Login: "bench-" + string(cpni.NewID()), Name: "Bench", Role: cpni.RoleMarketing, Trained: b.o.Clock.Now()}, "", "bench")
	if err != nil {
		return err
	}
	key, err := b.o.Staff.NewKey(ctx, marketer, "bench", nil, "bench")
	if err != nil {
		return err
	}
	read := func(id cpni.ID) error {
		p, _, err := b.o.Customers.Get(ctx, id)
		if err != nil {
			return err
		}
		return stands(p)
	}
	err = errors.Join(
		b.each("approvals, profile at hand", len(ids), func(i int) error { return stands(profiles[i]) }),
		b.each("approvals, version read", len(ids), func(i int) error { return read(ids[i]) }),
		b.each("approvals, row read and opened", len(ids), func(i int) error { b.o.Customers.Drop(ids[i]); return read(ids[i]) }),
		b.each("approvals, by all the rules", len(ids), func(i int) error {
			_, d, err := b.o.Door.Check(ctx, disclose.Request{Caller: disclose.Caller{Staff: marketer}, Customer: ids[i], Purpose: cpni.OwnMarketing, To: "carrier", Data: usage,
				Via: cpni.Screen, Offer: &rules.Offer{Categories: []cpni.Category{cpni.Broadband}}})
			if err == nil && !d.Permit() {
				err = fmt.Errorf("a check of the bench is refused with %s", d.Code)
			}
			return err
		}))
	if err != nil {
		return err
	}
	l, err := server.Listen(ctx, b.o.Office, b.config, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Stop()) }()
	var requests [][]byte
	for _, id := range ids {
		var r strings.Builder
		fmt.Fprintf(&r, "GET /v1/customers/%s/approvals/check?purpose=own-marketing&category=broadband HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n", id, key)
		requests = append(requests, []byte(r.String()))
	}
	b.tell("approval checks, 1 connection", b.ask(l.Address, 1, requests))
	load := b.ask(l.Address, b.Connections, requests)
	b.tell(fmt.Sprintf("approval checks, %d", b.Connections), load)
	return load.err
}

// approving gives customers who have said yes to the carrier's own marketing.
func (b *bench) approving(ctx context.Context) ([]cpni.ID, error) {
	rows, err := b.o.DB.Reader().Query(ctx, "SELECT customer_id FROM customer ORDER BY customer_id LIMIT $1", b.Contacts)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, errors.New("there is no customer to ask about")
	}
	yes := customer.Approval{Scope: string(cpni.OwnMarketing), State: cpni.OptInOK, Since: b.o.Clock.Now().AddDate(0, -1, 0)}
	for _, id := range ids {
		_, err := b.o.Customers.Update(ctx, id, func(p *customer.Profile) (customer.Change, error) {
			p.Approvals = []customer.Approval{yes}
			return customer.Change{Actor: "bench", What: "approval", Affirmative: true}, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// each runs do as often as it can for as long as the run says, on all processors, and says how often a second.
func (b *bench) each(what string, n int, do func(i int) error) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	total := 0
	began, worked := time.Now(), processorTime()
	end := began.Add(time.Duration(b.Seconds) * time.Second)
	for first := range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			done := 0
			var err error
			for i := first; err == nil && (done%64 != 0 || time.Now().Before(end)); i++ {
				err = do(i * 7 % n)
				done++
			}
			mu.Lock()
			defer mu.Unlock()
			total, failed = total+done, errors.Join(failed, err)
		})
	}
	all.Wait()
	b.say(what, float64(total)/time.Since(began).Seconds(), fmt.Sprintf("a second on all processors; %d ns of processor each", (processorTime()-worked).Nanoseconds()/int64(max(1, total))))
	return failed
}

// screen measures how long it takes to know of very many customers where their approval of one use stands. The rows are
// written straight into the table that is screened.
func (b *bench) screen(ctx context.Context) error {
	before, err := b.size(ctx)
	if err != nil {
		return err
	}
	if err := b.stated(ctx); err != nil {
		return err
	}
	after, err := b.size(ctx)
	if err != nil {
		return err
	}
	b.say("screened table", float64(after-before)/float64(b.Screened), "bytes a customer, on disk")
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	began, worked, allocated := time.Now(), processorTime(), memory.TotalAlloc
	states := map[cpni.ApprovalState]int{}
	seen := 0
	err = b.o.Approvals.Screen(ctx, approval.Use{Purpose: cpni.OwnMarketing, Data: []cpni.DataClass{cpni.Usage}, Recipient: rules.Recipient{Kind: cpni.ToCarrier}}, func(_ cpni.ID, s cpni.ApprovalState) error {
		seen++
		states[s]++
		return nil
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	worked = processorTime() - worked
	runtime.ReadMemStats(&memory)
	b.say("screening", took.Seconds(), fmt.Sprintf("seconds for %d customers: %v; %d MiB of memory held", seen, states, memory.Sys>>20))
	b.say("screening, a customer", float64(took.Nanoseconds())/float64(seen), fmt.Sprintf("ns, of them %d ns of our processors; %d bytes allocated", worked.Nanoseconds()/int64(seen), (memory.TotalAlloc-allocated)/uint64(seen)))
	return nil
}

// portion is how many customers one transaction writes.
const portion = 500_000

// stated writes the rows: of ten customers six let a notice pass (one of them more than two years ago), one has said yes, one waits
// and two refuse; every fifth has a second row, of another purpose.
func (b *bench) stated(ctx context.Context) error {
	var there int
	if err := b.o.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM approval WHERE customer_id LIKE 'screened-%' LIMIT 1) AS any_row").Scan(&there); err != nil || there > 0 {
		return err
	}
	now := b.o.Clock.Now()
	day := func(n int) int64 { return now.AddDate(0, 0, n).UnixMicro() }
	series, id := "WITH RECURSIVE g(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM g WHERE i < %d)", "printf('screened-%017d', i)"
	if b.o.DB.Dialect() == store.Postgres {
		series, id = "WITH g AS (SELECT generate_series(%d, %d) AS i)", "'screened-' || lpad(i::text, 17, '0')"
	}
	const columns = "INSERT INTO approval (customer_id, n, scope, state, since, noticed, matures, covers) "
	first := fmt.Sprintf("SELECT %s, 0, 'own-marketing', CASE WHEN i %% 10 < 6 THEN 'waiting' WHEN i %% 10 = 6 THEN 'opt-in-ok' WHEN i %% 10 = 7 THEN 'waiting' ELSE 'denied' END, "+
		"CASE i %% 10 WHEN 0 THEN %[2]d WHEN 7 THEN %[4]d ELSE %[3]d END, CASE WHEN i %% 10 = 0 THEN %[2]d WHEN i %% 10 < 6 THEN %[3]d WHEN i %% 10 = 7 THEN %[4]d ELSE 0 END, "+
		"CASE WHEN i %% 10 = 0 THEN %[5]d WHEN i %% 10 < 6 THEN %[6]d WHEN i %% 10 = 7 THEN %[7]d ELSE 0 END, '' FROM g", id, day(-900), day(-100), day(-10), day(-869), day(-69), day(21))
	second := fmt.Sprintf("SELECT %s, 1, 'partner:acme', 'denied', %d, 0, 0, '' FROM g WHERE i %% 5 = 0", id, day(-50))
	began := time.Now()
	for from := 0; from < b.Screened; from += portion {
		head := fmt.Sprintf(series, from, min(from+portion, b.Screened)-1)
		err := b.o.DB.Tx(ctx, func(tx *store.Tx) error {
			for _, rest := range []string{first, second} {
				query := head + " " + columns + rest
				if _, err := tx.SQL().ExecContext(ctx, query); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("writing what is screened: %w", err)
		}
	}
	b.say("rows for screening written", time.Since(began).Seconds(), "seconds")
	return nil
}
