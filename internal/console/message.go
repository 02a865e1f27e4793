package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// messageView is one message: what has become of it, what it says, and what can be done about it.
type messageView struct {
	page
	Row      messageRow
	At       string // address of the page
	Planned  string
	Place    string
	To       string // masked
	Language string
	Wording  string
	Next     string // when it is tried next
	Instead  string // address of the message that goes in its place
	Before   string // address of the one in whose place it goes
	List     string // all of the customer's
	Name     string
	Steps    []messageStep
	Can      notify.Can
	MayAct   bool
	Keys     [2]cpni.ID
	Said     *saidView
	Unsaid   string // why what it says is not shown
}

// messageStep is one thing that has become of a message.
type messageStep struct {
	At, What, Code, Call, Says, By string
	Evidence                       string // address of what came in
}

// saidView is what a message says.
type saidView struct {
	Subject, Text string
	Page          string // address of the page that an e-mail has beside its text
	Letter        string // address of a letter's pages
	To, Name      string // on a letter
	Spoken        []notify.Spoken
	Covered       bool // a code is covered
	Bare          bool // a demonstration covers nothing
	Enclosed      bool // customer information goes with it
	Today         bool // the words are those of today's templates, and it went by others
	English       bool
}

// theMessage reads the message that the address names, and puts on record that it is looked at.
//
// cite: P-37, P-41
func (v *visit) theMessage() (of cpni.ID, m notify.Message, err error) {
	of, id := v.id("customer"), v.id("message")
	if !of.Valid() || !id.Valid() {
		return "", m, errNowhere
	}
	if m, err = v.office.Outbox.One(v.r.Context(), of, id); err != nil {
		if errors.Is(err, notify.ErrNoMessage) {
			err = errNowhere
		}
		return "", m, err
	}
	return of, m, v.office.Viewed(v.r.Context(), v.member.ID, watch.Records, of)
}

// seesWords reports whether the person may see what a message says: those who read records and find customers. Auditors and
// others without a way to customers read its fate alone.
//
// cite: P-17, P-37, 47 CFR 64.2010(a)
func (v *visit) seesWords() bool { return v.member.May(staff.See) }

// messagePage shows one message.
//
// cite: P-23, P-25, P-41, 47 CFR 64.2010(f)
func (v *visit) messagePage() error {
	of, m, err := v.theMessage()
	if err != nil {
		return err
	}
	ctx := v.r.Context()
	view := messageView{page: v.page("Message", "/messages"), Row: v.messageRow(of, m), At: messageAddress(of, m.ID), Planned: v.moment(m.At), Place: placeWords[m.Place], Language: languageWords[m.Language],
		Wording: m.Wording, List: "/messages?customer=" + string(of), MayAct: v.member.May(staff.Watch), Keys: [2]cpni.ID{cpni.NewID(), cpni.NewID()}}
	if m.State == notify.Queued && m.Due.After(v.now) {
		view.Next = v.moment(m.Due)
	}
	if m.Instead != "" {
		view.Instead = messageAddress(of, m.Instead)
	}
	if m.InsteadOf != "" {
		view.Before = messageAddress(of, m.InsteadOf)
	}
	events, err := v.office.Outbox.Events(ctx, of, m.ID)
	if err != nil {
		return err
	}
	for i, e := range events {
		step, err := v.messageStep(view.At, i, e)
		if err != nil {
			return err
		}
		view.Steps = append(view.Steps, step)
	}
	if view.MayAct {
		if view.Can, err = v.office.Messages.Can(ctx, of, m); err != nil {
			return err
		}
	}
	if !v.seesWords() {
		view.Unsaid = "What it says is shown to those whose work it is to see customers."
		return v.showFramed(http.StatusOK, view)
	}
	p, _, err := v.office.Customers.Get(ctx, of)
	if err != nil {
		return err
	}
	view.Name = p.Name
	if m.To != "" {
		view.To = customer.Masked(m.To)
	}
	piece, err := v.office.Messages.Shown(ctx, of, m, v.options.Bare)
	if err != nil {
		view.Unsaid = "It cannot be put into words: " + err.Error() + "."
		return v.showFramed(http.StatusOK, view)
	}
	_, code := m.Tokens["code"]
	view.Said = &saidView{Subject: piece.Subject, Text: piece.Text, Spoken: piece.Spoken, Covered: code && !v.options.Bare, Bare: v.options.Bare, Enclosed: m.Kind == notify.Records,
		Today: m.Wording != "" && m.Wording != piece.Version, English: piece.Language == "en"}
	view.Language = languageWords[piece.Language]
	if piece.HTML != "" && m.Via == cpni.Email {
		view.Said.Page = view.At + "/page"
	}
	if m.Via == cpni.Postal {
		view.Said.To, view.Said.Name = piece.To, piece.Name
		if v.options.Letter != nil {
			view.Said.Letter = view.At + "/letter.pdf"
		}
	}
	return v.showFramed(http.StatusOK, view)
}

var languageWords = map[string]string{"": "as the customer has it", "en": "English", "es": "Spanish"}

// showFramed shows a message's page. Its frames hold what the message says, which comes from here alone.
func (v *visit) showFramed(status int, view messageView) error {
	v.w.Header().Set("Content-Security-Policy", v.w.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
	return v.show(status, messagePage(view))
}

func (v *visit) messageStep(at string, n int, e notify.Event) (messageStep, error) {
	s := messageStep{At: v.moment(e.At), What: wordOf(stepOfMessage, e.What), Call: callOf(e.Call)}
	if e.Code != "" {
		s.Code = codeOfMessage(e.Code)
	}
	if e.By != "" {
		var err error
		if s.By, err = v.actor(string(e.By)); err != nil {
			return s, err
		}
		s.Says = e.Says
		return s, nil
	}
	if !v.seesWords() {
		return s, nil
	}
	s.Says = e.Says
	if len(e.Raw) > 0 {
		s.Evidence = at + "/evidence/" + strconv.Itoa(n+1)
	}
	return s, nil
}

// shownPiece is what the message of the address says, for who may see it.
func (v *visit) shownPiece() (notify.Piece, error) {
	if !v.seesWords() {
		return notify.Piece{}, v.barred(staff.See)
	}
	of, m, err := v.theMessage()
	if err != nil {
		return notify.Piece{}, err
	}
	return v.office.Messages.Shown(v.r.Context(), of, m, v.options.Bare)
}

// messageHTML is the page of an e-mail, shut off from everything: no script runs in it, it loads nothing and leads nowhere.
func (v *visit) messageHTML() error {
	p, err := v.shownPiece()
	if err != nil {
		return err
	}
	if p.HTML == "" {
		return errNowhere
	}
	v.framed("sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'")
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Write([]byte(p.HTML))
	return nil
}

// messageLetter is a letter as it is printed.
func (v *visit) messageLetter() error {
	p, err := v.shownPiece()
	if err != nil {
		return err
	}
	if p.Via != cpni.Postal || v.options.Letter == nil {
		return errNowhere
	}
	pages, err := v.options.Letter(p)
	if err != nil {
		return err
	}
	v.framed("default-src 'none'; style-src 'unsafe-inline'; object-src 'self'")
	v.w.Header().Set("Content-Type", "application/pdf")
	v.w.Header().Set("Content-Disposition", `inline; filename="letter.pdf"`)
	v.w.Write(pages)
	return nil
}

// framed lets a page of ours, and no other, show this answer in a frame.
func (v *visit) framed(policy string) {
	v.w.Header().Set("Content-Security-Policy", policy+"; frame-ancestors 'self'")
	v.w.Header().Set("X-Frame-Options", "SAMEORIGIN")
}

// messageEvidence is what came in about a message, as it came. It is saved and never shown, for it is a stranger's.
//
// cite: P-41
func (v *visit) messageEvidence() error {
	if !v.seesWords() {
		return v.barred(staff.See)
	}
	of, m, err := v.theMessage()
	if err != nil {
		return err
	}
	events, err := v.office.Outbox.Events(v.r.Context(), of, m.ID)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil || n < 1 || n > len(events) || len(events[n-1].Raw) == 0 {
		return errNowhere
	}
	v.framed("sandbox; default-src 'none'")
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v.w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="evidence-%s-%d.txt"`, m.ID[len(m.ID)-8:], n))
	v.w.Write(events[n-1].Raw)
	return nil
}

// act is who acts on a message, and why.
func (v *visit) act() notify.Act {
	a := notify.Act{By: v.member.ID, Reason: v.field("reason")}
	if key := cpni.ID(v.form.Get("key")); key.Valid() {
		a.As = v.office.RepeatableID("message", string(v.member.ID), string(key))
	}
	return a
}

// actedOn goes back to the message after something was done about it, or refused.
func (v *visit) actedOn(err error, note string) error {
	return v.told(err, messageAddress(v.id("customer"), v.id("message")), note, notify.ErrNoMessage)
}

// cite: P-23, P-25
func (v *visit) retryMessage() error {
	_, err := v.office.Messages.Retry(v.r.Context(), v.id("customer"), v.id("message"), v.act())
	return v.actedOn(err, "It is sent once more, as a message of its own.")
}

// cite: P-23, P-25
func (v *visit) anotherMessage() error {
	_, err := v.office.Messages.Another(v.r.Context(), v.id("customer"), v.id("message"), v.act())
	return v.actedOn(err, "It is sent another way.")
}

// cite: P-23
func (v *visit) withdrawMessage() error {
	return v.actedOn(v.office.Messages.Withdraw(v.r.Context(), v.id("customer"), v.id("message"), v.act()), "It is taken back.")
}

// cite: P-23
func (v *visit) settleMessage() error {
	return v.actedOn(v.office.Messages.Settle(v.r.Context(), v.id("customer"), v.id("message"), v.act()), "It is settled.")
}

// wayView is one way of reaching customers, as settings and health show it.
type wayStanding struct {
	Via                    cpni.Via
	Way, By, Says, Waiting string
	Set                    bool
	Dead                   int64
	Field, Mode            string // what the field for a test asks for
}

// standings looks at all ways.
//
// cite: P-23
func (v *visit) standings() ([]wayStanding, error) {
	ways, err := v.office.Ways(v.r.Context())
	if err != nil {
		return nil, err
	}
	var all []wayStanding
	for _, w := range ways {
		s := wayStanding{Via: w.Via, Way: capital(wayWords[w.Via]), By: v.options.Ways[w.Via], Set: w.Set, Says: w.Says, Dead: w.Dead, Waiting: "none waits", Field: "Your number", Mode: "tel"}
		switch w.Via {
		case cpni.Email:
			s.Field, s.Mode = "Your e-mail address", "email"
		case cpni.Postal:
			s.Field, s.Mode = "Your address, in one line", "text"
		}
		if w.N > 0 {
			s.Waiting = counted(int(w.N), "waits", "wait") + ", the oldest for " + roughly(v.now.Sub(w.Oldest))
		}
		all = append(all, s)
	}
	return all, nil
}

// sendTest sends a test to the one who asks.
//
// cite: P-23, P-37
func (v *visit) sendTest() error {
	via, to := cpni.Via(v.form.Get("way")), v.field("to")
	out, err := v.office.TestMessage(v.r.Context(), v.member.ID, via, to, v.form.Get("language"))
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: "/settings", Refusal: refusal}, "/settings")
	}
	if err != nil {
		return err
	}
	says := shortened(strings.ReplaceAll(out.Says, to, "…"))
	if out.State != notify.Sent && out.State != notify.Delivered {
		if says == "" {
			says = "the other side gives no reason"
		}
		return v.leave(flash{For: "/settings", Refusal: cpni.Rejected("NOT_SENT", "the test by "+wordOf(wayWords, via)+" was not taken: "+strings.TrimSpace(out.Code+" "+says), []string{"P-23"},
			"mend what it names in the section messages of the configuration")}, "/settings")
	}
	note := "The test by " + wordOf(wayWords, via) + " is " + messageStates[out.State].Text
	if out.Code != "" {
		note += " (" + out.Code + ")"
	}
	if text := callOf(out.Call); text != "" {
		note += ": " + text
	}
	return v.leave(flash{For: "/settings", Note: note + "."}, "/settings")
}
