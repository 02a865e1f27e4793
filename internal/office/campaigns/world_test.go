package campaigns_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// post is the other side of a way: it takes everything, and remembers what.
type post struct {
	mu  sync.Mutex
	got map[cpni.ID]notify.Piece
	n   int // how often it was given something of a campaign
}

func (p *post) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, one := range pieces {
		p.mu.Lock()
		if one.Kind == notify.Campaign || notify.IsNotice(one.Kind) {
			p.got[one.ID], p.n = one, p.n+1
		}
		p.mu.Unlock()
		told(one, notify.Outcome{State: notify.Sent, Code: "250", Reference: string(one.ID)})
	}
}

func (p *post) Check(context.Context) error { return nil }
func (p *post) Batch() int                  { return 100 }

func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// world is an office whose messages go to the test, with people who market and who review.
type world struct {
	*officetest.Office
	t                       testing.TB
	email, postal, text     *post
	mia, max, sue, sam, rep cpni.ID
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{Office: officetest.Open(t, db), t: t}
	for _, p := range []**post{&w.email, &w.postal, &w.text} {
		*p = &post{got: map[cpni.ID]notify.Piece{}}
	}
	w.mia, w.max, w.sue, w.sam, w.rep = w.Member(t, cpni.RoleMarketing), w.Member(t, cpni.RoleMarketing), w.Member(t, cpni.RoleSupervisor), w.Member(t, cpni.RoleSupervisor), w.Member(t, cpni.RoleAgent)
	return w.reach()
}

func (w *world) reach() *world {
	w.Reach(map[cpni.Via]notify.Channel{cpni.Email: w.email, cpni.Postal: w.postal, cpni.Text: w.text})
	return w
}

// node is one more process on the same database.
func (w *world) node() *world {
	w.t.Helper()
	n := *w
	n.Office = w.On(w.t, w.DB)
	return n.reach()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// codeOf is the code of a refusal; "" it is none.
func codeOf(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func (w *world) refuses(code cpni.Code, err error) {
	w.t.Helper()
	if codeOf(err) != code {
		w.t.Errorf("want %s, got %v", code, err)
	}
}

// today is the day of the test's clock.
func (w *world) today() workday.Date { return workday.DateIn(w.Clock.Now(), w.Zone) }

// offer is a campaign of these tests: something that needs the approval that customers of crowd have given by silence.
func (w *world) offer(change ...func(*campaign.Plan)) campaign.Plan {
	says := campaign.Script{Subject: "Calls to everywhere", Text: "For ten dollars a month more your line calls everywhere.", Short: "Call everywhere for $10 more."}
	dice := campaign.Script{Subject: "Llamadas a todas partes", Text: "Por diez dólares más al mes su línea llama a todas partes.", Short: "Llame a todas partes por $10 más."}
	p := campaign.Plan{Name: "Far calls", Description: "Long distance for those who have none", Kind: campaign.Marketing, Purpose: cpni.OwnMarketing, Uses: []cpni.DataClass{cpni.Usage}, Products: []campaign.Product{{Name: "Far Calls", Category: cpni.LongDistance}},
		To: string(cpni.ToCarrier), Channel: campaign.ByEmail, Starts: w.today(), Ends: w.today().Add(30), Scripts: map[string]campaign.Script{"en": says, "es": dice}}
	for _, c := range change {
		c(&p)
	}
	return p
}

// approved draws up a campaign, and has it approved.
func (w *world) approved(p campaign.Plan) *campaign.Campaign {
	w.t.Helper()
	ctx := w.t.Context()
	c, err := w.Campaigns.Draft(ctx, "", p, w.mia)
	w.must(err)
	c, err = w.Campaigns.Submit(ctx, c.ID, c.Version, w.mia)
	w.must(err)
	c, err = w.Campaigns.Approve(ctx, c.ID, c.Version, w.sue, "")
	w.must(err)
	return c
}

func (w *world) launched(p campaign.Plan) *campaign.Campaign {
	w.t.Helper()
	c := w.approved(p)
	c, err := w.Campaigns.Launch(w.t.Context(), c.ID, c.Version, w.mia)
	w.must(err)
	return c
}

func (w *world) progress(id cpni.ID) campaign.Progress {
	w.t.Helper()
	c, err := w.Campaigns.Get(w.t.Context(), id)
	w.must(err)
	p, err := w.Campaigns.Progress(w.t.Context(), c)
	w.must(err)
	return p
}

func (w *world) state(id cpni.ID) campaign.State {
	w.t.Helper()
	c, err := w.Campaigns.Get(w.t.Context(), id)
	w.must(err)
	return c.State
}

// finish works until a campaign is over.
func (w *world) finish(id cpni.ID) {
	w.t.Helper()
	for range 20 {
		w.must(w.Campaigns.Work(w.t.Context()))
		w.must(w.Messages.Step(w.t.Context()))
		if w.state(id).Over() {
			return
		}
	}
	w.t.Fatalf("the campaign is %s: %+v", w.state(id), w.progress(id))
}

// crowd adds customers, many in one transaction, who were given a notice of own marketing and said nothing: of ten, eight have agreed
// to e-mail, one has an e-mail address without that, and one has refused. It gives their ids, sorted.
func (w *world) crowd(n int, change ...func(i int, p *customer.Profile)) []cpni.ID {
	w.t.Helper()
	noticed := w.Clock.Now().AddDate(0, -3, 0)
	return w.Crowd(w.t, n, append([]func(int, *customer.Profile){func(i int, p *customer.Profile) {
		p.Email = []customer.Address{{Value: fmt.Sprintf("c%d@example.com", i), Since: p.Since, Notices: i%10 != 8}}
		p.Approvals = []customer.Approval{{Scope: string(cpni.OwnMarketing), State: cpni.OptOutOK, Since: noticed, NoticeAt: noticed, Matures: noticed.AddDate(0, 0, 33)}}
		if i%10 == 9 {
			p.Approvals[0].State = cpni.Denied
		}
		if i%2 == 1 {
			p.Language = "es"
		}
	}}, change...)...)
}

func (w *world) object(of cpni.ID) {
	w.t.Helper()
	w.must(w.Approvals.Object(w.t.Context(), of, string(cpni.OwnMarketing), "phone", "test", w.Clock.Now()))
}

func (w *world) at(year int, month time.Month, day, hour int) {
	w.t.Helper()
	d := time.Date(year, month, day, hour, 0, 0, 0, officetest.Zone).Sub(w.Time.Now())
	if d < 0 {
		w.t.Fatal("the clock goes forward")
	}
	w.Time.Add(d)
}

func has(text, part string) bool { return strings.Contains(text, part) }
