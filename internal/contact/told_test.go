package contact

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/policy"
)

// templates are those of the policy, read once for many worlds.
var templates = sync.OnceValues(func() (*wording.Book, error) { return wording.Load(policy.Files) })

// post is the other side of every way: it keeps what it gets, and says of each piece what the test wants.
type post struct {
	mu     sync.Mutex
	pieces []notify.Piece
	says   func(notify.Piece) notify.Outcome
}

func (p *post) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range pieces {
		p.pieces = append(p.pieces, x)
		told(x, p.says(x))
	}
}
func (p *post) Check(context.Context) error { return nil }
func (p *post) Batch() int                  { return 10 }

// carried gives the world a carrier that writes by the real templates, and the post that it hands all to.
func (w *world) carried() (*notify.Carrier, *post) {
	w.t.Helper()
	book, err := templates()
	if err != nil {
		w.t.Fatal(err)
	}
	p := &post{says: func(notify.Piece) notify.Outcome { return notify.Outcome{State: notify.Delivered, Code: "250"} }}
	channels := map[cpni.Via]notify.Channel{}
	for _, via := range []cpni.Via{cpni.Text, cpni.Voice, cpni.Email, cpni.Postal} {
		channels[via] = p
	}
	rules := notify.Rules{NoticeWithin: 5 * time.Minute, RetryFirst: 15 * time.Second, RetryLongest: 10 * time.Minute, Lease: 5 * time.Minute, QuietFrom: 21, QuietUntil: 8, MailedWithin: 72 * time.Hour,
		TryFor: map[cpni.Via]time.Duration{cpni.Email: 96 * time.Hour, cpni.Text: 24 * time.Hour, cpni.Voice: 24 * time.Hour, cpni.Postal: 336 * time.Hour}}
	return notify.NewCarrier(notify.Parts{DB: w.db, Vault: w.vault, Ledger: w.ledger, Outbox: w.outbox, Customers: w.customers, Clock: w.clock, Zone: time.UTC,
		Numbers: func(time.Time) notify.Rules { return rules }, Channels: channels, Writer: book, Still: w.Still, Hidden: w.Hidden, Instead: func(_ context.Context, p *customer.Profile, m notify.Message, now time.Time) *notify.Message {
			return w.Instead(p, m, now)
		},
		NotMe:  func(ctx context.Context, of cpni.ID, m notify.Message) error { return w.NotMe(ctx, of, m, ByCall) },
		Tokens: map[string]string{"carrier": "Lucid Telephone", "telephone": "+18005550147"},
		Adds: func(_ cpni.ID, m notify.Message, _ *customer.Profile) map[string]string {
			return map[string]string{"when": wording.Moment(m.At), "short-code": w.outbox.Number(m.ID), "link": "https://lucid.example/n/" + w.outbox.Token(m.ID)}
		}}), p
}

// seen opens a contact in a shop in which the customer has shown a document: the proof that stays open whatever is frozen.
func (w *world) seen(of cpni.ID) cpni.ID {
	w.t.Helper()
	id := w.contactBy(Opening{Customer: of, Channel: cpni.Store, Agent: "rep"})
	if _, err := w.Authenticate(w.ctx, id, Proof{PhotoID: &PhotoID{Name: "Ann Archer", Government: true, Expires: w.clock.Now().AddDate(2, 0, 0)}}); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) alerts(of cpni.ID, code cpni.Code) (details []map[string]string) {
	w.t.Helper()
	all, err := w.ledger.Records(w.ctx, of, ledger.Filter{Kind: ledger.Alert, Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range all {
		if r.Code != code {
			continue
		}
		plain, err := w.vault.OpenRecord(w.ctx, r)
		if err != nil {
			w.t.Fatal(err)
		}
		d := map[string]string{}
		if err := vault.Detail(plain, &d); err != nil {
			w.t.Fatal(err)
		}
		details = append(details, d)
	}
	return details
}

// Whatever is changed, disputed, undone, disturbed and lost on its way, and in whatever order: no word of a change goes to a
// place that is younger than it, none bears what it was changed to, and of each change somebody hears, the customer or those
// who look at alerts.
//
// cite: P-20, P-21, P-23, P-25, I-09, 47 CFR 64.2010(f)
func TestEveryChangeIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		runs := 0
		most := 60
		if db.Dialect() == store.Postgres {
			most = 5
		}
		rapid.Check(t, func(r *rapid.T) {
			if runs++; runs > most {
				return
			}
			everyChangeIsTold(r, db, runs)
		})
	})
}

func everyChangeIsTold(t *rapid.T, db *store.DB, run int) {
	w := newWorld(t, db)
	carrier, p := w.carried()
	book, err := templates()
	if err != nil {
		t.Fatal(err)
	}
	fail := rapid.SampledFrom([]int{0, 2, 5, 9}).Draw(t, "of ten pieces so many do not arrive")
	n := 0
	p.says = func(notify.Piece) notify.Outcome {
		if n++; n*7%10 < fail {
			return notify.Outcome{State: notify.Bounced, Code: "550"}
		}
		return notify.Outcome{State: notify.Delivered, Code: "250"}
	}
	number := func(i int) string { return fmt.Sprintf("+1617%03d%04d", 200+run%700, i) }
	ann := w.ann()
	ann.Account = string(cpni.NewID())
	ann.Lines[0].Number, ann.Lines[1].Number = number(9000), number(9001)
	switch rapid.IntRange(0, 5).Draw(t, "has") {
	case 0:
		ann.Lines = nil
	case 1:
		ann.Email, ann.Postal = nil, nil
	case 2:
		ann.Email = nil
	}
	ann.NoticeBy = rapid.SampledFrom([]cpni.Via{"", cpni.Text, cpni.Voice, cpni.Email, cpni.Postal}).Draw(t, "rather by")
	ann.Language = rapid.SampledFrom([]string{"", "es"}).Draw(t, "language")
	id := w.create(ann)
	began := map[string]time.Time{} // places that came later
	type value struct {
		at   time.Time
		text string
	}
	var values []value
	looked := 0
	look := func() {
		all, err := w.outbox.Messages(w.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range p.pieces[looked:] {
			i := slices.IndexFunc(all, func(m notify.Message) bool { return m.ID == piece.ID })
			if i < 0 || !slices.Contains(tellsOfChange, piece.Kind) {
				t.Fatalf("a piece of the kind %s that nobody planned", piece.Kind)
			}
			m := all[i]
			if since, later := began[piece.To]; later && m.AsOf.Sub(since) < usual.AddressOfRecordAge {
				t.Fatalf("a %s of a change at %s goes to a place of %s (P-25, I-09)", piece.Kind, m.AsOf, since)
			}
			for _, v := range values {
				if v.at.Before(m.AsOf) {
					continue
				}
				if where, is := book.Reveals(piece.Words, []string{v.text}); is || piece.To == v.text {
					t.Fatalf("a %s tells a value in its %s (P-25, I-09)", piece.Kind, where)
				}
			}
		}
		looked = len(p.pieces)
	}
	step := func() {
		if err := carrier.Step(w.ctx); err != nil {
			t.Fatal(err)
		}
		look()
	}
	for i := range rapid.IntRange(3, 18).Draw(t, "steps") {
		w.clock.advance(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 26 * time.Hour, 29 * 24 * time.Hour, 31 * 24 * time.Hour}).Draw(t, "passes"))
		at, profile := w.clock.Now(), w.profile(id)
		alter := func(a Alteration, texts ...string) {
			a.Contact = w.seen(id)
			if _, err := w.Alter(w.ctx, a); err != nil && !slices.Contains([]cpni.Code{"BAD_INPUT", "NUMBER_HELD"}, w.code(err)) {
				t.Fatal(err)
			} else if err == nil {
				for _, text := range texts {
					values = append(values, value{at, text})
				}
			}
		}
		line := func() string {
			live := profile.LiveLines(at)
			if len(live) == 0 {
				return number(1)
			}
			return live[rapid.IntRange(0, len(live)-1).Draw(t, "line")].Number
		}
		switch rapid.IntRange(0, 12).Draw(t, "what") {
		case 0, 1:
			email := fmt.Sprintf("walter.quigley%d@mailbox.example", i)
			alter(Alteration{Email: email}, email)
			began[email] = at
		case 2, 3:
			postal := fmt.Sprintf("%d Zebulon Terrace, Peoria, IL 61602", 1000+i)
			alter(Alteration{Postal: postal}, postal)
			began[postal] = at
		case 4:
			alter(Alteration{LineAdd: &customer.Line{Number: number(i), Categories: []cpni.Category{cpni.Wireless}}}, number(i))
			began[number(i)] = at
		case 5:
			alter(Alteration{LineRemove: line()})
		case 6:
			if _, err := w.Enrol(w.ctx, Enrolment{Contact: w.seen(id), PIN: fmt.Sprintf("9%d3816", i%10)}); err != nil && w.code(err) != "WEAK_SECRET" {
				t.Fatal(err)
			}
		case 7:
			alter(Alteration{Authorise: &Authorisation{Name: fmt.Sprintf("Wilhelmina Quux%s", strings.Repeat("x", i)), Data: []cpni.DataClass{cpni.Billing}}}, fmt.Sprintf("Wilhelmina Quux%s", strings.Repeat("x", i)))
		case 8:
			alter(Alteration{Ways: &Ways{NoticeBy: rapid.SampledFrom([]cpni.Via{"", cpni.Text, cpni.Voice, cpni.Email, cpni.Postal}).Draw(t, "now by"), Language: "es"}})
		case 9:
			if err := w.Disturb(w.ctx, Disturbance{Customer: id, Number: line(), What: "sim", By: "network"}); err != nil && w.code(err) != "BAD_INPUT" {
				t.Fatal(err)
			}
		case 10, 11:
			if len(profile.Changes) > 0 {
				c := profile.Changes[rapid.IntRange(0, len(profile.Changes)-1).Draw(t, "change")]
				if err := w.Dispute(w.ctx, Dispute{Customer: id, Change: c.ID, How: ByLink}); err != nil && w.code(err) != "NO_CHANGE" {
					t.Fatal(err)
				}
			}
		default:
			for _, c := range profile.Changes {
				if c.Open() {
					if _, err := w.Settle(w.ctx, Settlement{Customer: id, Change: c.ID, By: "vera", Outcome: rapid.SampledFrom([]string{customer.Kept, customer.Undone}).Draw(t, "decided")}); err != nil && w.code(err) != "NUMBER_HELD" && w.code(err) != "BAD_INPUT" && w.code(err) != "NO_CHANGE" && w.code(err) != "SELF_REVIEW" {
						t.Fatal(err)
					}
				}
			}
		}
		if rapid.Bool().Draw(t, "carried at once") {
			step()
		}
	}
	for range 40 { // until all has gone, and all that goes in its place
		w.clock.advance(9 * time.Hour)
		step()
		all, err := w.outbox.Messages(w.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(m notify.Message) bool { return m.State == notify.Queued || m.State == notify.Sending }) {
			break
		}
	}
	all, err := w.outbox.Messages(w.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range w.profile(id).Changes {
		heard := slices.ContainsFunc(all, func(m notify.Message) bool {
			return m.About == c.ID && m.Kind == notify.AccountChange && m.State == notify.Delivered
		})
		missing := slices.ContainsFunc(w.alerts(id, NoticeMissing), func(d map[string]string) bool { return d["change"] == string(c.ID) })
		dead := slices.ContainsFunc(w.alerts(id, notify.DeadLetter), func(d map[string]string) bool {
			return slices.ContainsFunc(all, func(m notify.Message) bool { return string(m.ID) == d["message"] && m.About == c.ID })
		})
		if !heard && !missing && !dead {
			t.Fatalf("of a change of %s at %s nobody hears (P-23)", c.What, c.At)
		}
	}
}
