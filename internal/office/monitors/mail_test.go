package monitors_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/filing"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/inbound"
	"ringfence/internal/ledger"
	"ringfence/internal/notify/mail"
	"ringfence/internal/notify/mail/mailtest"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// refusals is the address for refusals, and account that of the account that refuses.
const (
	refusals = "privacy@carrier.example"
	account  = "monitor@monitor.invalid"
)

// world is an office whose monitors the test has try.
type world struct {
	*officetest.Office
	t       testing.TB
	auditor cpni.ID
}

func newWorld(t testing.TB, db *store.DB) world {
	o := officetest.Open(t, db)
	o.Monitors.Node = "node-1"
	return world{o, t, o.Member(t, cpni.RoleAuditor)}
}

// work lets time pass and the monitors do what is due.
func (w world) work(pass time.Duration) {
	w.t.Helper()
	w.Time.Add(pass)
	if err := w.Monitors.Work(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) way(way monitor.Way) monitor.Standing {
	w.t.Helper()
	all, err := w.Monitors.List(w.t.Context(), monitor.Span{})
	if err != nil {
		w.t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(s monitor.Standing) bool { return s.Way == way })]
}

func (w world) last(way monitor.Way) monitor.Try {
	w.t.Helper()
	all, err := w.Monitors.Tries(w.t.Context(), way, monitor.Span{}, 1)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d tries, %v", len(all), err)
	}
	return all[0]
}

func (w world) alerts(code cpni.Code) int {
	w.t.Helper()
	rows, err := w.Ledger.Records(w.t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Code != code }))
}

func (w world) file(id cpni.ID) *filing.Failure {
	w.t.Helper()
	f, err := w.Filing.One(w.t.Context(), id, w.auditor)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// door is the receiver of the carrier's mail, at a port of its own, which can be shut and opened again.
type door struct {
	w    world
	port int
	stop func()
}

func doorOf(w world) *door {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	d := &door{w: w, port: l.Addr().(*net.TCPAddr).Port, stop: func() {}}
	if err := l.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { d.stop() })
	return d
}

func (d *door) at() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port)) }

func (d *door) open() {
	t := d.w.t
	t.Helper()
	r, err := inbound.New(inbound.Config{Domain: "mail.carrier.example", Answers: []string{refusals}, SMTP: inbound.Listener{Listen: d.at()}}, d.w.Messages, d.w.Clock, func(err error) { t.Log("reported:", err) })
	if err != nil {
		t.Fatal(err)
	}
	r.TakeAnswers(d.w.Answers)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	d.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	for { // it listens in a moment, or Run has failed the test
		c, err := net.Dial("tcp", d.at())
		if err == nil {
			_ = c.Close()
			return
		}
		if t.Failed() {
			t.FailNow()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// mailing has mail tried at a server.
func (w world) mailing(port int) {
	w.t.Helper()
	p, err := monitor.NewMail(mail.Config{Host: "127.0.0.1", Port: port, Security: mail.None, From: account}, refusals, w.Clock)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Monitors.Use(monitor.Mail, p)
}

// The address for refusals is tried over SMTP as a customer would; while it works nothing is said, three tries in a row that fail open one
// file with the time of the first, and when it works again the file says so and stays open.
//
// cite: P-12, P-27, V55, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func TestMailFromAFailureToItsFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		every := w.Monitors.Numbers(w.Clock.Now()).Every
		d := doorOf(w)
		d.open()
		w.mailing(d.port)
		if s := w.way(monitor.Mail); s.State != monitor.Unknown || !s.SetUp {
			t.Errorf("before the first try it is %s", s.State)
		}
		for range 2 { // the second sees its own refusal and not that of the first
			w.work(every)
			if got := w.last(monitor.Mail); got.Outcome != monitor.Worked || got.Node != "node-1" {
				t.Fatalf("it %s at %q: %s", got.Outcome, got.Step, got.Says)
			}
		}
		if s := w.way(monitor.Mail); s.State != monitor.Open || s.Tries != 2 || s.Worked != 2 || s.LastWorks.IsZero() {
			t.Errorf("it is %+v", s)
		}
		w.work(every / 2)
		if s := w.way(monitor.Mail); s.Tries != 2 {
			t.Errorf("it was tried before its time: %d", s.Tries)
		}

		d.stop()
		w.work(every)
		first := w.Clock.Now()
		if got, s := w.last(monitor.Mail), w.way(monitor.Mail); got.Outcome != monitor.Failing || got.Step != "hand the mail over" || s.State != monitor.Shaky || s.InARow != 1 || s.Failure != "" {
			t.Errorf("it %s at %q and is %s", got.Outcome, got.Step, s.State)
		}
		for range 3 {
			w.work(every)
		}
		s := w.way(monitor.Mail)
		if s.State != monitor.Down || s.InARow != 4 || len(s.Failures) != 1 || s.Failures[0] != s.Failure || w.alerts(filing.Failed) != 1 {
			t.Fatalf("it is %+v with %d alerts", s, w.alerts(filing.Failed))
		}
		f := w.file(s.Failure)
		if !f.Facts.Found.Equal(first) || f.State() != filing.Open || f.Judged != nil || f.Facts.Mechanism != monitor.Mail.Called() || !strings.Contains(f.Facts.What, "3 times in a row") || !strings.Contains(f.Facts.What, "hand the mail over") {
			t.Errorf("the file says %+v", f.Facts)
		}
		if strings.Contains(f.Facts.What, account) {
			t.Error("the file names who wrote")
		}
		tries, err := w.Monitors.Tries(t.Context(), monitor.Mail, monitor.Span{}, 0)
		if err != nil || len(tries) != 6 {
			t.Fatalf("%d tries, %v", len(tries), err)
		}
		for _, x := range tries {
			if (x.Failure == s.Failure) != (x.Outcome == monitor.Failing) {
				t.Errorf("the try of %s, which %s, belongs to %q", x.At, x.Outcome, x.Failure)
			}
			if row, err := w.Ledger.Record(t.Context(), "", x.Entry); err != nil || row.Kind != ledger.Filing {
				t.Errorf("a try has the entry %+v, %v", row, err)
			}
		}

		d.open()
		w.work(every)
		back := w.way(monitor.Mail)
		f = w.file(s.Failure)
		if back.State != monitor.Open || back.Failure != "" || f.State() != filing.Open || f.History[len(f.History)-1].What != filing.Watched || w.alerts(filing.Recovered) != 1 || w.alerts(filing.Failed) != 1 {
			t.Errorf("it is %s; the file is %s, its last step %q", back.State, f.State(), f.History[len(f.History)-1].What)
		}
		d.stop()
		for range 3 { // another row is another failure
			w.work(every)
		}
		if s := w.way(monitor.Mail); s.State != monitor.Down || len(s.Failures) != 2 || w.alerts(filing.Failed) != 2 {
			t.Errorf("the second failure: %+v", s)
		}
		w.nobody()
	})
}

// nobody looks that the account of the monitor is in no count and gets no message.
func (w world) nobody() {
	w.t.Helper()
	all, err := w.Monitors.Accounts(w.t.Context())
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d accounts, %v", len(all), err)
	}
	var served int
	if err := w.DB.Reader().QueryRow(w.t.Context(), "SELECT count(*) FROM customer WHERE ended = 0 OR ended > $1", w.Clock.Now().UnixMicro()).Scan(&served); err != nil || served != 0 {
		w.t.Errorf("%d customers are in service, %v", served, err)
	}
	if none, err := w.Customers.None(w.t.Context()); err != nil || !none {
		w.t.Errorf("somebody is on the books, %v", err)
	}
	sent, err := w.Outbox.Messages(w.t.Context(), all[0])
	if err != nil || len(sent) != 0 {
		w.t.Errorf("it was sent %d messages, %v", len(sent), err)
	}
}

// A mail that is taken and becomes no refusal fails when its time is over, and not before; one that comes late is heard.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func TestMailThatIsTakenAndNotHeard(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n := w.Monitors.Numbers(w.Clock.Now())
		elsewhere := mailtest.Start(t, mailtest.Options{Security: "none"})
		w.mailing(elsewhere.Port)
		w.work(0)
		w.work(n.RecordWithin - time.Second)
		if s := w.way(monitor.Mail); !s.Waiting || s.Tries != 0 {
			t.Errorf("it does not wait: %+v", s)
		}
		w.work(time.Second)
		if got, s := w.last(monitor.Mail), w.way(monitor.Mail); got.Outcome != monitor.Failing || got.Step != "on record" || s.Waiting {
			t.Errorf("it %s at %q", got.Outcome, got.Step)
		}
		w.work(n.Every)
		if !w.way(monitor.Mail).Waiting {
			t.Fatal("it does not wait")
		}
		letters := elsewhere.Wait(t, 2)
		accounts, err := w.Monitors.Accounts(t.Context())
		if err != nil || len(accounts) != 1 {
			t.Fatalf("%d accounts, %v", len(accounts), err)
		}
		d := doorOf(w)
		d.open()
		if err := mail.Once(t.Context(), mail.Config{Host: "127.0.0.1", Port: d.port, Security: mail.None, From: account}, refusals, letters[1].Content); err != nil {
			t.Fatal(err)
		}
		w.work(time.Second)
		if got := w.last(monitor.Mail); got.Outcome != monitor.Worked {
			t.Errorf("it %s at %q: %s", got.Outcome, got.Step, got.Says)
		}
		var no *mail.NotTaken
		if err := mail.Once(t.Context(), mail.Config{Host: "127.0.0.1", Port: d.port, Security: mail.None, From: account}, "nobody@carrier.example", letters[1].Content); !errors.As(err, &no) || no.Code != 550 {
			t.Errorf("a mailbox that there is not: %v", err)
		}
	})
}

// Silence is not health: a way that is not set up, or that a monitor cannot try for too long, is unknown and raises an alert, once; one that the
// carrier says not to offer raises none.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func TestSilenceIsNotHealth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		n := w.Monitors.Numbers(w.Clock.Now())
		d := doorOf(w)
		d.open()
		w.mailing(d.port)
		w.Monitors.NotOffered(monitor.Text, "no line of the carrier takes texts")
		w.work(0)
		if n := w.alerts(monitor.Silent); n != 0 {
			t.Errorf("%d alerts at once", n)
		}
		w.work(n.SilentAfter + time.Second)
		w.work(time.Second)
		if s := w.way(monitor.Mail); s.State != monitor.Open || w.alerts(monitor.Silent) != 2 { // of the web and of the telephone
			t.Errorf("mail is %s, %d alerts", s.State, w.alerts(monitor.Silent))
		}
		for way, want := range map[monitor.Way]monitor.State{monitor.Web: monitor.Unknown, monitor.Phone: monitor.Unknown, monitor.Text: monitor.NotOffered} {
			if s := w.way(way); s.State != want {
				t.Errorf("%s is %s, want %s", way, s.State, want)
			}
		}
		// A node that starts again without the monitor of mail.
		again := world{w.On(t, db), t, w.auditor}
		again.work(n.SilentAfter)
		if again.way(monitor.Mail).State != monitor.Unknown {
			t.Error("a way that nobody tries any more works")
		}
		again.work(time.Second)
		again.work(time.Second)
		if got := w.alerts(monitor.Silent); got != 3 { // of mail
			t.Errorf("%d alerts", got)
		}
		// Once it is tried again it may fall silent again.
		w.work(0)
		if w.way(monitor.Mail).State != monitor.Open {
			t.Error("it is tried and unknown")
		}
		again.work(n.SilentAfter + time.Second)
		if got := w.alerts(monitor.Silent); got != 5 { // of mail again, and of texts, which this node watches
			t.Errorf("%d alerts after it fell silent again", got)
		}
	})
}

// Of two nodes one makes each try, and an account that was erased is made anew.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func TestTwoNodesTryOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		other := world{w.On(t, db), t, w.auditor}
		every := w.Monitors.Numbers(w.Clock.Now()).Every
		d := doorOf(w)
		d.open()
		w.mailing(d.port)
		other.mailing(d.port)
		for range 3 {
			w.Time.Add(every)
			var both sync.WaitGroup
			for _, x := range []world{w, other} {
				both.Go(func() {
					if err := x.Monitors.Work(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
		}
		if s := w.way(monitor.Mail); s.Tries != 3 || s.Worked != 3 {
			t.Errorf("%+v", s)
		}
		all, err := w.Monitors.Accounts(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%d accounts, %v", len(all), err)
		}
		if err := w.Customers.Forget(t.Context(), all[0], "test"); err != nil {
			t.Fatal(err)
		}
		w.work(every)
		if got := w.last(monitor.Mail); got.Outcome != monitor.Worked {
			t.Errorf("after its account was erased it %s at %q: %s", got.Outcome, got.Step, got.Says)
		}
		if all, err = w.Monitors.Accounts(t.Context()); err != nil || len(all) != 2 {
			t.Errorf("%d accounts, %v", len(all), err)
		}
		// The number and the address of the account are its own while it is in use.
		found, err := w.Customers.Find(t.Context(), customer.ByEmail, account)
		if err != nil || len(found) != 1 {
			t.Errorf("%d have the address, %v", len(found), err)
		}
	})
}
