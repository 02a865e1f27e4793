package approval

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// kills is how often the crash test kills, on each database; the default keeps the suite short.
var kills = flag.Int("kills", 4, "how often the crash test kills its child, on each database")

// Names of the environment's variables that make this binary the child that is killed.
const (
	childDatabase = "APPROVAL_CRASH_DATABASE"
	childFolder   = "APPROVAL_CRASH_FOLDER"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		fmt.Fprintln(os.Stderr, child(os.Getenv(childDatabase), folder))
		os.Exit(1)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// desk is a book of approvals at which random things happen.
type desk struct {
	*world
	db    *store.DB
	clock func() time.Time
	mu    sync.Mutex
	given map[cpni.ID][]cpni.ID // notices, by customer
}

// openDesk opens a book with a key of the test's own; every reading of its clock is later than the one before.
func openDesk(db *store.DB, master *vault.Master, key string) (*desk, error) {
	var ticks atomic.Int64
	began := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	var last int64
	// A desk that is opened again goes on where the last one has stopped.
	if err := db.Reader().QueryRow(context.Background(), "SELECT coalesce(max(recorded), 0) FROM approval_event").Scan(&last); err != nil {
		return nil, err
	}
	if last > 0 {
		began = time.UnixMicro(last).UTC()
	}
	d := &desk{world: &world{}, db: db, clock: func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }, given: map[cpni.ID][]cpni.ID{}}
	d.now = d.clock()
	v, err := vault.Open(context.Background(), db, master)
	if err != nil {
		return nil, err
	}
	signer, err := ledger.ReadKeyFile(key)
	if err != nil {
		return nil, err
	}
	clock := cpni.ClockFunc(d.clock)
	if d.ledger, err = ledger.Open(context.Background(), db, ledger.Options{Origin: "approval.test.example", Signer: signer, Clock: clock}); err != nil {
		return nil, err
	}
	d.book = customer.NewBook(db, v, d.ledger, clock)
	d.said = NewBook(Parts{DB: db, Vault: v, Ledger: d.ledger, Customers: d.book, Clock: clock, Zone: time.UTC,
		Numbers: func(time.Time) Rules {
			return Rules{Wait: 30, MailAdds: 3, AfterEmail: 31, AfterMail: 34, RenoticeMonths: 24}
		}})
	return d, nil
}

// chance decides what happens next: a test's random numbers, or a property's.
type chance func(n int) int

// act lets something happen to a customer, and gives the id of the event that was acknowledged; "" when nothing was.
func (d *desk) act(ctx context.Context, pick chance, of cpni.ID) (acknowledged cpni.ID, err error) {
	now := d.clock()
	scope := append([]string{customer.Everything, "data:usage"}, acts...)[pick(len(acts)+2)]
	at := now.Add(-time.Duration([]int{0, 0, 1, 50}[pick(4)]) * time.Hour)
	notice := func() cpni.ID {
		d.mu.Lock()
		defer d.mu.Unlock()
		if all := d.given[of]; len(all) > 0 {
			return all[pick(len(all))]
		}
		return ""
	}
	letter := &Evidence{Kind: "letter", Raw: []byte("signed")}
	answer := Answer{Customer: of, Scope: scope, Via: ByPostal, By: "test", At: at, Signed: true, Evidence: letter, As: cpni.NewTimedID(now)}
	record := func(do func(tx *store.Tx) ([]ledger.Entry, error)) error {
		_, err := d.ledger.Commit(ctx, do)
		if errors.Is(err, customer.ErrUnchanged) {
			return nil
		}
		return err
	}
	switch pick(7) {
	case 0, 1:
		answer.Says = Object
	case 2:
		answer.Says, answer.Notice = Grant, notice()
	case 3:
		answer.Says = Lift
	case 4:
		id := cpni.NewID()
		g := Given{Notice: id, Kind: []string{OptOut, OptIn}[pick(2)], Via: []string{"email", "postal"}[pick(2)], At: at, Scopes: acts, Names: []string{"acme"}, By: "test"}
		if err := record(func(tx *store.Tx) ([]ledger.Entry, error) {
			_, entries, err := d.said.Give(ctx, tx, of, g)
			return entries, err
		}); err != nil {
			return "", err
		}
		d.mu.Lock()
		d.given[of] = append(d.given[of], id)
		d.mu.Unlock()
		return "", nil
	case 5:
		if id := notice(); id != "" {
			return "", record(func(tx *store.Tx) ([]ledger.Entry, error) {
				_, entries, err := d.said.Void(ctx, tx, of, id, "BOUNCED", "test")
				return entries, err
			})
		}
		return "", nil
	default:
		_, err := d.book.Update(ctx, of, func(p *customer.Profile) (customer.Change, error) {
			p.Account = fmt.Sprint("A-", pick(1000))
			return customer.Change{Actor: "test", What: "account changed"}, nil
		})
		return "", err
	}
	id, err := d.said.Answer(ctx, answer)
	if code(err) != "" {
		return "", nil // refused: there is no such notice, or nobody says yes to everything
	}
	if err == nil && answer.Says == Lift {
		return "", nil // of a refusal that is not there nothing is recorded
	}
	return id, err
}

// agree reports where a customer's profile, the events and the table of what stands do not say the same.
func (d *desk) agree(ctx context.Context, of cpni.ID) error {
	p, _, err := d.book.Get(ctx, of)
	if err != nil {
		return err
	}
	events, err := d.said.Events(ctx, of)
	if err != nil {
		return err
	}
	rows, err := d.rows(ctx, of)
	if err != nil {
		return err
	}
	profile, folded, stored := written(p.Approvals), written(Fold(events)), written(rows)
	if profile != folded || profile != stored {
		return fmt.Errorf("of %s\nthe profile says %s\nthe events say    %s\nthe table says    %s\nafter %+v", of, profile, folded, stored, events)
	}
	return nil
}

// written writes approvals so that two that are the same are written alike.
func written(all []customer.Approval) string {
	var b strings.Builder
	for _, a := range all {
		fmt.Fprintf(&b, "%s %s %d %d %d %s; ", a.Scope, a.State, micros(a.Since), micros(a.NoticeAt), micros(a.Matures), a.Covers())
	}
	return b.String()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func (d *desk) rows(ctx context.Context, of cpni.ID) ([]customer.Approval, error) {
	rows, err := d.db.Reader().Query(ctx, "SELECT scope, state, since, noticed, matures, covers FROM approval WHERE customer_id = $1 ORDER BY n", string(of))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []customer.Approval
	for rows.Next() {
		var a customer.Approval
		var covers string
		var since, noticed, matures int64
		if err := rows.Scan(&a.Scope, &a.State, &since, &noticed, &matures, &covers); err != nil {
			return nil, err
		}
		a.Since, a.NoticeAt, a.Matures = moment(since), moment(noticed), moment(matures)
		a.ReadCovers(covers)
		all = append(all, a)
	}
	return all, rows.Err()
}

// screened reports where screening all customers does not say what one request does.
func (d *desk) screened(ctx context.Context, customers []cpni.ID) error {
	for scope, a := range asked {
		told := map[cpni.ID]cpni.ApprovalState{}
		if err := d.said.Screen(ctx, Use{Purpose: a.purpose, Data: a.data, Recipient: a.to}, func(of cpni.ID, s cpni.ApprovalState) error { told[of] = s; return nil }); err != nil {
			return err
		}
		for _, of := range customers {
			p, _, err := d.book.Get(ctx, of)
			if err != nil {
				return err
			}
			one := Standing(p, a.purpose, a.data, a.to, d.clock(), terms).State
			if all := cmp.Or(told[of], cpni.Unnotified); all != one {
				return fmt.Errorf("%s of %s is %s by itself and %s among all", scope, of, one, all)
			}
		}
	}
	return nil
}

func keyFile(t testing.TB) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "ledger.key")
	if err := ledger.NewKeyFile(key, "approval.test.example"); err != nil {
		t.Fatal(err)
	}
	return key
}

// After any history the profile, on which decisions are made, says what follows from the events; the table by which all
// customers are screened says the same; and so does screening.
//
// cite: P-14, P-36, I-02, I-14, I-15, 47 CFR 64.2009(a)
func TestWhatStandsFollowsFromTheEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, err := openDesk(db, vault.NewMaster(), keyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		met := map[What]int{}
		rapid.Check(t, func(t *rapid.T) {
			id, err := d.book.Create(t.Context(), customer.Profile{Name: "Ann Archer", Approvals: rapid.SampledFrom([][]customer.Approval{nil,
				{{Scope: "own-marketing", State: cpni.Denied, Since: d.clock().AddDate(-1, 0, 0)}},
				{{Scope: "partner:acme", State: cpni.OptInOK, Since: d.clock().AddDate(-1, 0, 0), Names: []string{"acme"}}}}).Draw(t, "stood")}, "test")
			if err != nil {
				t.Fatal(err)
			}
			happened := rapid.IntRange(1, 20).Draw(t, "acts")
			for range happened {
				if _, err := d.act(t.Context(), func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "chance") }, id); err != nil {
					t.Fatal(err)
				}
			}
			events, err := d.said.Events(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) == 0 {
				return // what stood before is not stated until something happens
			}
			for _, e := range events {
				met[e.What]++
			}
			if err := d.agree(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		})
		for _, what := range []What{Stated, Noticed, Voided, Objected, Granted, Lifted} {
			if met[what] == 0 {
				t.Errorf("none of the events was %s: %v", what, met)
			}
		}
		t.Log(met)
	})
}

// Many who record at once, at two desks on one database where it takes two, leave the same.
//
// cite: P-14, I-02, I-14
func TestWritersAtOnce(t *testing.T) {
	for name, urls := range map[string]func(*testing.T) []string{
		"sqlite":   func(t *testing.T) []string { return []string{storetest.SQLite(t)} },
		"postgres": func(t *testing.T) []string { u := storetest.Postgres(t); return []string{u, u} },
	} {
		t.Run(name, func(t *testing.T) {
			master, key := vault.NewMaster(), keyFile(t)
			var desks []*desk
			for _, url := range urls(t) {
				d, err := openDesk(storetest.Open(t, url), master, key)
				if err != nil {
					t.Fatal(err)
				}
				desks = append(desks, d)
			}
			customers := make([]cpni.ID, 3)
			for i := range customers {
				customers[i] = desks[0].create(t, customer.Approval{Scope: "partner:acme", State: cpni.OptInOK, Since: desks[0].clock().AddDate(-1, 0, 0), Names: []string{"acme"}})
			}
			var all sync.WaitGroup
			var mu sync.Mutex
			acknowledged := map[cpni.ID][]cpni.ID{}
			for n := range 6 {
				all.Go(func() {
					r, d := rand.New(rand.NewPCG(14, uint64(n))), desks[n%len(desks)]
					for range 40 {
						of := customers[r.IntN(len(customers))]
						event, err := d.act(t.Context(), r.IntN, of)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						acknowledged[of] = append(acknowledged[of], event)
						mu.Unlock()
					}
				})
			}
			all.Wait()
			for _, d := range desks {
				d.holds(t, acknowledged)
			}
		})
	}
}

// holds fails the test unless everything that was acknowledged is on record, once, in an order without gaps, and all agree.
func (d *desk) holds(t *testing.T, acknowledged map[cpni.ID][]cpni.ID) (events int) {
	t.Helper()
	var customers []cpni.ID
	for of, ids := range acknowledged {
		customers = append(customers, of)
		if err := d.agree(t.Context(), of); err != nil {
			t.Error(err)
		}
		all, err := d.said.Events(t.Context(), of)
		if err != nil {
			t.Fatal(err)
		}
		events += len(all)
		times := map[cpni.ID]int{}
		for _, e := range all {
			times[e.ID]++
		}
		for _, id := range ids {
			if id != "" && times[id] != 1 {
				t.Errorf("%s was acknowledged, and is on record %d times", id, times[id])
			}
		}
		var last, count int
		if err := d.db.Reader().QueryRow(t.Context(), "SELECT coalesce(max(n), 0), count(*) FROM approval_event WHERE customer_id = $1", string(of)).Scan(&last, &count); err != nil || last != count {
			t.Errorf("%d events, and the last is number %d: %v", count, last, err)
		}
	}
	if err := d.screened(t.Context(), customers); err != nil {
		t.Error(err)
	}
	return events
}

// child records from several writers, and says of each event that it was acknowledged, until it is killed.
func child(url, folder string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	master, err := vault.ReadMaster("file:" + filepath.Join(folder, "master.key"))
	if err != nil {
		return err
	}
	d, err := openDesk(db, master, filepath.Join(folder, "ledger.key"))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(folder, "customers"))
	if err != nil {
		return err
	}
	customers := strings.Fields(string(text))
	failed := make(chan error)
	for n := range 4 {
		go func() {
			r := rand.New(rand.NewPCG(uint64(os.Getpid()), uint64(n)))
			for {
				of := cpni.ID(customers[r.IntN(len(customers))])
				event, err := d.act(ctx, r.IntN, of)
				if err != nil {
					failed <- err
					return
				}
				fmt.Fprintln(os.Stdout, of, cmp.Or(event, "nothing"))
			}
		}()
	}
	return <-failed
}

// Whenever the process is killed, what was acknowledged is on record, and the profile, the events and the table agree.
//
// cite: P-14, I-02, I-03
func TestKilledWhileAnswersAreRecorded(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{"sqlite": func(t *testing.T) string { return storetest.SQLite(t) }, "postgres": func(t *testing.T) string { return storetest.Postgres(t) }} {
		t.Run(name, func(t *testing.T) {
			folder, url := t.TempDir(), database(t)
			if err := errors.Join(vault.NewMasterFile(filepath.Join(folder, "master.key")), ledger.NewKeyFile(filepath.Join(folder, "ledger.key"), "approval.test.example")); err != nil {
				t.Fatal(err)
			}
			master, err := vault.ReadMaster("file:" + filepath.Join(folder, "master.key"))
			if err != nil {
				t.Fatal(err)
			}
			open := func() (*desk, func()) {
				db, err := store.Open(t.Context(), url)
				if err != nil {
					t.Fatal(err)
				}
				d, err := openDesk(db, master, filepath.Join(folder, "ledger.key"))
				if err != nil {
					t.Fatal(err)
				}
				return d, func() { db.Close() }
			}
			d, closed := open()
			acknowledged := map[cpni.ID][]cpni.ID{}
			var names []string
			for range 4 {
				id := d.create(t)
				acknowledged[id], names = nil, append(names, string(id))
			}
			closed()
			if err := os.WriteFile(filepath.Join(folder, "customers"), []byte(strings.Join(names, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			events := 0
			for range *kills {
				c := exec.Command(os.Args[0])
				c.Env = append(os.Environ(), childDatabase+"="+url, childFolder+"="+folder)
				var said strings.Builder
				c.Stderr = &said
				out, err := c.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				read, least := bufio.NewReader(out), rand.IntN(150)+1
				heard := 0
				for {
					line, err := read.ReadString('\n') // a line that was cut off was not said
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					of, event, _ := strings.Cut(strings.TrimSpace(line), " ")
					if event == "nothing" {
						event = ""
					}
					acknowledged[cpni.ID(of)] = append(acknowledged[cpni.ID(of)], cpni.ID(event))
					if event != "" { // what changed nothing leaves no event
						heard++
					}
					if heard == least {
						c.Process.Kill()
					}
				}
				c.Wait()
				if said.Len() > 0 {
					t.Fatalf("the child ended by itself: %s", &said)
				}
				d, closed := open()
				before := events
				if events = d.holds(t, acknowledged); events <= before {
					t.Errorf("nothing was recorded: %d events, and %d before", events, before)
				}
				closed()
			}
			t.Logf("%d events of %d customers, killed %d times", events, len(names), *kills)
			if !slices.ContainsFunc(slices.Collect(maps.Values(acknowledged)), func(ids []cpni.ID) bool { return len(ids) > 0 }) {
				t.Error("nothing was acknowledged")
			}
		})
	}
}
