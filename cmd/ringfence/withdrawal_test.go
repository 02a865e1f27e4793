package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/server"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// withdrawals is how long histories are made on each database; the default keeps the suite short.
var withdrawals = flag.Duration("withdrawals", 5*time.Second, "how long customers withdraw their approval while it is used, on each database")

// plantedStale is how old the planted cache of consents may be.
var plantedStale = flag.Duration("planted-stale", 2*time.Millisecond, "how old the planted cache of what customers allow may be")

// No use that needs an approval is permitted after an objection was acknowledged, whichever server process is asked and
// whichever took the objection, also while one of them is killed and comes back: every history of every customer is one that
// a single machine could have given.
//
// cite: P-11, P-12, P-14, I-02, 47 CFR 64.2007(a)(2), 47 CFR 64.2009(a)
func TestWithdrawalIsAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		database func(*testing.T) string
		nodes    int
	}{
		"sqlite, one process":       {func(*testing.T) string { return "" }, 1},
		"postgres, three processes": {func(t *testing.T) string { return storetest.Postgres(t) }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			path, err := exec.LookPath("ringfence")
			if err != nil {
				t.Fatal(err)
			}
			w := newWithdrawals(t, path, c.database(t), c.nodes, int(400**withdrawals/time.Second))
			told := w.run(t, *withdrawals, true)
			t.Log(told)
			if err := w.failed.Load(); err != nil {
				t.Errorf("a yes was not taken: %v", *err)
			}
			if (told.granted > 0) != (c.nodes > 1) {
				t.Errorf("%d times a yes was said, or a refusal taken back", told.granted)
			}
			for _, h := range w.histories {
				if !h.holds(t) {
					t.Fatalf("a use was permitted that no order of what was asked allows; drawn in %s", h.picture(t))
				}
			}
			if told.permitted == 0 || told.refused == 0 || told.overlapping == 0 || told.killed == 0 || told.unanswered == 0 {
				t.Errorf("this proves nothing: %v", told)
			}
			for _, config := range w.configs[:1] {
				for _, command := range []string{"verify", "replay"} {
					mustRun(t, command, "-c", config)
				}
			}
		})
	}
}

// The test of withdrawal is trusted because it fails where it should: a server that keeps what customers allow in a cache of
// at most two milliseconds, and is otherwise the same, is found out. The cache is in the program that is built with the tag
// planted alone, and nothing of it is in the one that is given to carriers.
//
// cite: I-02
func TestWithdrawalFindsAStaleConsent(t *testing.T) {
	build := func(name string, args ...string) string {
		path := filepath.Join(t.TempDir(), name)
		c := exec.Command("go", append(append([]string{"build", "-ldflags", "-s -w", "-o", path}, args...), ".")...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("building: %v: %s", err, out)
		}
		return path
	}
	faulty, sound := build("faulty", "-tags", "planted"), build("sound")
	for _, word := range []string{"approval.plantedConsentCache", "RINGFENCE_PLANTED_STALE"} {
		if !contains(t, faulty, word) || contains(t, sound, word) {
			t.Errorf("%s: in the faulty program %v, in the sound one %v", word, contains(t, faulty, word), contains(t, sound, word))
		}
	}
	t.Setenv("RINGFENCE_PLANTED_STALE", plantedStale.String())
	w := newWithdrawals(t, faulty, "", 1, 2000)
	end := time.Now().Add(*withdrawals)
	found, at := 0, 0
	w.theatres = 1
	for time.Now().Before(end.Add(5**withdrawals)) && found == 0 {
		w.run(t, 500*time.Millisecond, false)
		for ; at < len(w.histories); at++ {
			if !w.histories[at].holds(t) {
				found++
			}
		}
	}
	t.Logf("%d of %d histories cannot be, with consent up to %s old", found, len(w.histories), plantedStale)
	if found == 0 {
		t.Errorf("a stale consent was not found in %v", w.tell(0))
	}
}

func contains(t *testing.T, file, word string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(word))
}

// told is what came of the acts of a run.
type told struct {
	histories, acts                 int
	permitted, refused, overlapping int // overlapping: uses that began before an objection was acknowledged and ended after it was sent
	objected, granted, unanswered   int
	killed                          int
}

func (d told) String() string {
	return fmt.Sprintf("%d histories of %d acts: %d uses permitted, %d refused, %d of them while an objection was being taken; %d objections, %d times a yes or an objection taken back; %d acts that nobody answered, %d kills",
		d.histories, d.acts, d.permitted, d.refused, d.overlapping, d.objected, d.granted, d.unanswered, d.killed)
}

// customerOf is a customer, the notice that they were given, and whether they have let another one pass.
type customerOf struct {
	id, notice cpni.ID
	silent     bool
}

// withdrawing is a carrier whose customers withdraw what they allowed while it is used.
type withdrawing struct {
	path      string // of the program
	configs   []string
	customers chan customerOf
	node      *server.Opened // one in this process, through which customers say yes; nil where another process has the file
	marketing string         // key of who uses
	agent     string         // key of who takes objections
	theatres  int            // how many customers are in a story at once
	running   []*started
	urls      []atomic.Pointer[string]
	mu        sync.Mutex
	histories []*history
	lost      atomic.Int64 // acts that nobody answered
	failed    atomic.Pointer[error]
}

// newWithdrawals makes a carrier with customers who have said yes to its own marketing and to a partner's, and starts its
// server processes.
func newWithdrawals(t *testing.T, path, database string, nodes, customers int) *withdrawing {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "office")
	args := []string{"init", folder, "--carrier", "Test", "--zone", "America/New_York", "--email", "privacy@test.example", "--phone", "+18005550100", "--post", "1 Main St, Springfield, VA 22150", "--web", "https://account.test.example", "--facility", "https://reporting.facility.example/cpni", "--origin", "ledger.test.example"}
	if database != "" {
		args = append(args, "--database", database)
	}
	mustRun(t, args...)
	w := &withdrawing{path: path, theatres: 5, customers: make(chan customerOf, customers), urls: make([]atomic.Pointer[string], nodes)}
	text, err := os.ReadFile(filepath.Join(folder, "ringfence.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range nodes { // each with a checkpoint of its own
		own := strings.NewReplacer("127.0.0.1:8080", "127.0.0.1:0", filepath.Join(folder, "checkpoint"), filepath.Join(folder, fmt.Sprint("checkpoint-", n))).Replace(string(text))
		w.configs = append(w.configs, filepath.Join(folder, fmt.Sprintf("node-%d.yaml", n)))
		if err := os.WriteFile(w.configs[n], []byte(own), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.people(t, customers, database != "")
	for n := range nodes {
		w.running = append(w.running, w.begin(t, n))
	}
	return w
}

// people brings in the customers, the partner, and those who ask.
func (w *withdrawing) people(t *testing.T, customers int, stay bool) {
	t.Helper()
	ctx := t.Context()
	c, err := server.ReadConfig(w.configs[0])
	if err != nil {
		t.Fatal(err)
	}
	o, err := server.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if stay {
		w.node = o
		t.Cleanup(func() { o.Close() })
	} else {
		defer o.Close()
	}
	now := o.Clock.Now()
	key := func(role cpni.Role) string {
		id, err := o.Staff.Add(ctx, staff.Member{Login: string(role), Name: string(role), Role: role, Trained: now.AddDate(0, 0, -1)}, "", "test")
		if err != nil {
			t.Fatal(err)
		}
		key, err := o.Staff.NewKey(ctx, id, "test", nil, "test")
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	w.marketing, w.agent = key(cpni.RoleMarketing), key(cpni.RoleAgent)
	err = o.Partners.Put(ctx, "test", partner.Partner{ID: "acme", Class: cpni.JointVenture, Agreement: &partner.Agreement{Until: now.AddDate(1, 0, 0), DestroyBy: now.AddDate(1, 1, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	const together = 200
	for from := 0; from < customers; from += together {
		var some []customerOf
		_, err := o.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
			some = nil
			for n := from; n < min(from+together, customers); n++ {
				c := customerOf{cpni.NewID(), cpni.NewID(), n%2 == 0}
				if err := o.Customers.Insert(ctx, tx, allowing(c, n, now)); err != nil {
					return nil, err
				}
				given := approval.Given{Notice: c.notice, Kind: approval.OptIn, Via: "postal", At: now.AddDate(0, -2, 0), Scopes: []string{own, acme}, Names: []string{"acme"}, By: "test"}
				_, more, err := o.Approvals.Give(ctx, tx, c.id, given)
				if err != nil {
					return nil, err
				}
				some, entries = append(some, c), append(entries, more...)
			}
			return entries, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range some {
			w.customers <- c
		}
	}
	close(w.customers)
}

// allowing is a customer who has said yes.
func allowing(c customerOf, n int, now time.Time) *customer.Profile {
	yes := now.AddDate(0, -1, 0)
	p := &customer.Profile{ID: c.id, Name: fmt.Sprint("Ann Archer ", n), Since: now.AddDate(-3, 0, 0),
		Lines: []customer.Line{{Number: fmt.Sprintf("+1202%07d", 2000000+n), Categories: []cpni.Category{cpni.Local}, Since: now.AddDate(-3, 0, 0)}},
		Approvals: []customer.Approval{{Scope: own, State: cpni.OptInOK, Since: yes},
			{Scope: acme, State: cpni.OptInOK, Since: yes, Names: []string{"acme"}}}}
	if c.silent {
		p.Approvals = append(p.Approvals, customer.Approval{Scope: own, State: cpni.Waiting, Since: now.AddDate(0, -6, 0), NoticeAt: now.AddDate(0, -6, 0), Matures: now.AddDate(0, -5, 0)})
	}
	return p
}

// begin starts a server process.
func (w *withdrawing) begin(t *testing.T, node int) *started {
	t.Helper()
	s := startProgram(t, w.path, filepath.Dir(w.configs[node]), "serve", "-c", w.configs[node])
	address := strings.TrimPrefix(s.url, "http://")
	w.urls[node].Store(&address)
	return s
}

// run has customers withdraw for so long, or until each has; where kills is wished, server processes are killed and
// started again meanwhile.
func (w *withdrawing) run(t *testing.T, long time.Duration, kills bool) told {
	t.Helper()
	end := time.Now().Add(long)
	var all sync.WaitGroup
	for n := range w.theatres {
		all.Go(func() {
			c := newCast(w, uint64(n))
			defer c.close()
			for one := range w.customers {
				if time.Now().After(end) {
					return
				}
				h := c.story(one)
				w.mu.Lock()
				w.histories = append(w.histories, h)
				w.mu.Unlock()
			}
		})
	}
	killed := 0
	if kills {
		killed = w.kill(t, end)
	}
	all.Wait()
	return w.tell(killed)
}

// tell counts.
func (w *withdrawing) tell(killed int) told {
	d := told{histories: len(w.histories), killed: killed, unanswered: int(w.lost.Load())}
	for _, h := range w.histories {
		d.acts += len(h.acts)
		for _, u := range h.acts {
			switch a := u.Input.(act); {
			case a.what == "object":
				d.objected++
			case a.what != "use":
				d.granted++
			default:
				if u.Output == true {
					d.permitted++
				} else {
					d.refused++
				}
				for _, o := range h.acts {
					if o.Input.(act).what == "object" && u.Call < o.Return && o.Call < u.Return {
						d.overlapping++
						break
					}
				}
			}
		}
	}
	return d
}

// kill kills a server process now and then, and starts it again.
func (w *withdrawing) kill(t *testing.T, end time.Time) (killed int) {
	t.Helper()
	for time.Until(end) > time.Second {
		time.Sleep(time.Duration(300+rand.IntN(500)) * time.Millisecond)
		node := rand.IntN(len(w.running))
		w.running[node].kill()
		killed++
		w.running[node] = w.begin(t, node)
	}
	return killed
}

// cast are those who ask about one customer after another: three who use what is allowed, and one who speaks for the customer.
type cast struct {
	w       *withdrawing
	members []*asker
}

const users = 3

func newCast(w *withdrawing, seed uint64) *cast {
	c := &cast{w: w}
	for n := range users + 1 {
		c.members = append(c.members, &asker{w: w, n: n, rand: rand.New(rand.NewPCG(seed, uint64(n))), wires: make([]wire, len(w.urls))})
	}
	return c
}

func (c *cast) close() {
	for _, m := range c.members {
		for i := range m.wires {
			m.wires[i].close()
		}
	}
}

// mostUses bounds how often each member uses what one customer allows, so that every history is short.
const mostUses = 12

// story has one customer withdraw while others use, and gives what was asked and answered.
func (c *cast) story(of customerOf) *history {
	id, h := of.id, &history{silent: of.silent}
	var over atomic.Bool
	var all sync.WaitGroup
	for _, m := range c.members[:users] {
		all.Go(func() {
			for range mostUses {
				last := over.Load()
				m.use(h, id, m.someScope(), m.rand.IntN(len(m.wires)))
				if last {
					return
				}
			}
		})
	}
	c.members[users].withdraw(h, of)
	over.Store(true)
	all.Wait()
	return h
}

// asker is one who asks, over a connection of their own to each server process.
type asker struct {
	w     *withdrawing
	n     int
	rand  *rand.Rand
	wires []wire
}

func (m *asker) someScope() string {
	if m.rand.IntN(3) == 0 {
		return acme
	}
	return own
}

// use asks a server process for what the scope allows.
func (m *asker) use(h *history, id cpni.ID, scope string, node int) {
	body := `{"customer":"` + string(id) + `","data":["usage"],"purpose":"own-marketing","to":"carrier","offer":{"categories":["broadband"]}}`
	if scope == acme {
		body = `{"customer":"` + string(id) + `","data":["usage"],"purpose":"partner-marketing","to":"acme","offer":{"categories":["broadband"]}}`
	}
	a := act{"use", scope}
	call := time.Since(began)
	status, answer := m.ask(node, m.w.marketing, "/v1/disclosures", body)
	back := time.Since(began)
	switch {
	case status == http.StatusOK:
		h.took(m.n, a, call, back, true)
	case status == http.StatusForbidden && refusesApproval(answer):
		h.took(m.n, a, call, back, false)
	case status != unsent:
		m.w.lost.Add(1)
	}
}

// refusesApproval reports whether a refusal is one for want of the customer's approval.
func refusesApproval(answer []byte) bool {
	var p struct{ Code cpni.Code }
	return json.Unmarshal(answer, &p) == nil && (p.Code == "DENIED" || p.Code == "NO_APPROVAL" || p.Code == "UNNOTIFIED" || p.Code == "OPTIN_REQUIRED" || p.Code == "SCOPE")
}

// withdraw objects, and uses at once what has just been refused: where it was refused first, then elsewhere. An objection that
// nobody answers is made again. Where a yes can be said, it is said now and then, or a refusal taken back, and refused again.
func (m *asker) withdraw(h *history, of customerOf) {
	time.Sleep(time.Duration(m.rand.IntN(6000)) * time.Microsecond)
	for again := true; again; again = m.w.node != nil && m.rand.IntN(2) == 0 {
		scope := []string{own, own, acme, whole, whole}[m.rand.IntN(5)]
		node := m.rand.IntN(len(m.wires))
		for !m.object(h, of.id, scope, node) {
			node = m.rand.IntN(len(m.wires))
		}
		used := scope
		if scope == whole {
			used = m.someScope()
		}
		m.use(h, of.id, used, node)
		m.use(h, of.id, used, m.rand.IntN(len(m.wires)))
		if m.w.node == nil {
			continue
		}
		a := act{"grant", used}
		if m.rand.IntN(3) == 0 {
			a = act{"lift", scope}
		}
		m.say(h, of, a)
		m.use(h, of.id, used, m.rand.IntN(len(m.wires)))
	}
}

// say has the customer say yes, or take a refusal back, in writing.
func (m *asker) say(h *history, of customerOf, a act) {
	answer := approval.Answer{Customer: of.id, Scope: a.scope, Via: approval.ByPostal, By: "test", Signed: true, Evidence: &approval.Evidence{Kind: "letter", Raw: []byte("signed")}}
	answer.Says = approval.Lift
	if a.what == "grant" {
		answer.Says, answer.Notice = approval.Grant, of.notice
	}
	call := time.Since(began)
	if _, err := m.w.node.Approvals.Answer(context.Background(), answer); err != nil {
		h.unknown(m.n, a, call)
		m.w.failed.Store(&err)
		return
	}
	h.took(m.n, a, call, time.Since(began), "taken")
}

// object records an objection, and reports whether it was acknowledged.
func (m *asker) object(h *history, id cpni.ID, scope string, node int) bool {
	a := act{"object", scope}
	call := time.Since(began)
	status, _ := m.ask(node, m.w.agent, "/v1/customers/"+string(id)+"/objections", `{"scope":"`+scope+`","via":"phone"}`)
	if status == http.StatusNoContent {
		h.took(m.n, a, call, time.Since(began), "taken")
		return true
	}
	if status != unsent {
		h.unknown(m.n, a, call)
		m.w.lost.Add(1)
	}
	return false
}

// unsent stands for the status of what was not even sent, for nobody listens there now.
const unsent = -1

// ask asks a server process; status 0 when nobody answered.
func (m *asker) ask(node int, key, path, body string) (status int, answer []byte) {
	w := &m.wires[node]
	if err := w.open(*m.w.urls[node].Load()); err != nil {
		time.Sleep(time.Millisecond)
		return unsent, nil
	}
	status, answer, err := w.ask(key, path, body)
	if err != nil {
		w.close()
		return 0, nil
	}
	return status, answer
}

// wire is a connection that says what is lost with it: nothing is sent again behind the back of who asks.
type wire struct {
	to   string
	conn net.Conn
	in   *bufio.Reader
}

func (w *wire) open(to string) error {
	if w.conn != nil && w.to == to {
		return nil
	}
	w.close()
	conn, err := net.DialTimeout("tcp", to, time.Second)
	if err == nil {
		w.to, w.conn, w.in = to, conn, bufio.NewReader(conn)
	}
	return err
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// patience is how long an answer is waited for; later the outcome is unknown.
const patience = 5 * time.Second

func (w *wire) ask(key, path, body string) (int, []byte, error) {
	w.conn.SetDeadline(time.Now().Add(patience))
	if _, err := w.conn.Write(request(path, key, body)); err != nil {
		return 0, nil, err
	}
	r, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return 0, nil, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, bytes.TrimSpace(text), err
}
