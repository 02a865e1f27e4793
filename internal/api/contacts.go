package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
)

// Contact is a contact with a customer.
type Contact struct {
	ID       cpni.ID      `json:"id"`
	Customer cpni.ID      `json:"customer"`
	Channel  cpni.Channel `json:"channel" enum:"phone,store,online,chat,mail"`
	Outbound bool         `json:"outbound,omitempty"`
	Opened   time.Time    `json:"opened"`
	Live     bool         `json:"live" doc:"Whether what is proved in it counts: not ended, not idle or open for too long."`
	Speaker  string       `json:"speaker,omitempty" enum:"customer,authorised" doc:"Who has been proved in it."`
	Proved   []Proved     `json:"proved,omitempty" doc:"By which methods, and when."`
	Reaching []Reach      `json:"reaching,omitempty" doc:"The call and the code that are out, and what has become of them."`
	OneTime  string       `json:"one_time,omitempty" enum:"yes,no" doc:"What the customer answered when asked for consent for this call; nothing when they were not asked."`
}

// Proved is one proof given in a contact.
type Proved struct {
	Method cpni.Method `json:"method"`
	At     time.Time   `json:"at"`
}

// Reach is one attempt to reach the customer from a contact. Neither the code nor the place is told.
type Reach struct {
	Method  cpni.Method  `json:"method" enum:"code,callback"`
	Via     cpni.Via     `json:"via"`
	To      notify.Place `json:"to" enum:"tnor,aor" doc:"A number of record, or an address of record."`
	Until   time.Time    `json:"until" doc:"It is worth nothing from then on."`
	State   notify.State `json:"state" enum:"queued,sending,sent,delivered,bounced,failed,replaced,cancelled"`
	Call    string       `json:"call,omitempty" enum:"answered,machine,busy,no-answer,refused,unreachable" doc:"How the last call went."`
	Pressed bool         `json:"pressed,omitempty" doc:"Somebody pressed the key that was asked for. Only that proves the customer."`
	Refused cpni.Code    `json:"refused,omitempty" doc:"Why that proved nobody."`
}

func (a *API) contactOf(ctx context.Context, s *contact.State) (*contactBody, error) {
	now := a.office.Clock.Now()
	speaker, _, _ := strings.Cut(s.Speaker, ":")
	c := Contact{ID: s.ID, Customer: s.Customer, Channel: s.Channel, Outbound: s.Outbound, Opened: s.Opened, Live: a.office.Contacts.Live(s, now), Speaker: speaker}
	for _, e := range s.Evidence {
		c.Proved = append(c.Proved, Proved{e.Method, e.At})
	}
	if s.Asked != nil {
		c.OneTime = map[bool]string{true: "yes", false: "no"}[s.Asked.Yes]
	}
	reaching, err := a.office.Contacts.Reaching(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, r := range reaching {
		c.Reaching = append(c.Reaching, Reach{r.Method, r.Via, r.To, r.Until, r.State, r.Ended, r.Pressed, r.Refused})
	}
	return &contactBody{c}, nil
}

type contactBody struct{ Body Contact }

// OpenInput is what is known when a contact begins.
type OpenInput struct {
	Body struct {
		Customer cpni.ID      `json:"customer,omitempty" doc:"Whom it is with."`
		Number   string       `json:"number,omitempty" maxLength:"40" doc:"Or the number of one of their lines."`
		Channel  cpni.Channel `json:"channel" enum:"phone,store,online,chat,mail"`
		Caller   string       `json:"caller,omitempty" maxLength:"40" doc:"The number that was shown: a hint, never a proof."`
		Source   string       `json:"source,omitempty" maxLength:"100" doc:"Where attempts come from, such as a network address or an IVR port: guesses are slowed by it too."`
		Outbound bool         `json:"outbound,omitempty" doc:"We called."`
	}
}

// OneContact names a contact.
type OneContact struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

type proofInput struct {
	OneContact
	Body struct {
		Password string            `json:"password,omitempty" maxLength:"200"`
		PIN      string            `json:"pin,omitempty" maxLength:"20"`
		Backup   map[string]string `json:"backup,omitempty" doc:"Question and answer. A right answer begins a new password and releases nothing."`
		Callback *struct {
			Number   string `json:"number" maxLength:"40"`
			Ring     bool   `json:"ring,omitempty" doc:"Have the switch call it. What comes of it stands under reaching when the contact is read; who answers and presses the key is proved."`
			Answered bool   `json:"answered,omitempty" doc:"Where no switch is set up: the agent has dialled it, and somebody took the call."`
		} `json:"callback,omitempty" doc:"A call to the number of the service."`
		PhotoID *struct {
			Name       string `json:"name" maxLength:"200"`
			Expires    string `json:"expires" format:"date"`
			Government bool   `json:"government,omitempty" doc:"Issued by a government, with a photograph."`
		} `json:"photo_id,omitempty" doc:"What was read off a document held in the hand, in a shop."`
		SendCode string            `json:"send_code,omitempty" maxLength:"40" doc:"postal, email, or a number of record: a code is sent there."`
		Code     string            `json:"code,omitempty" maxLength:"20" doc:"The code that was sent."`
		Letter   string            `json:"letter,omitempty" maxLength:"40" doc:"Along with code: the number of the letter that brought it, when it was asked for in an earlier contact."`
		Contract bool              `json:"contract,omitempty" doc:"The business contract, with the dedicated representative."`
		Claim    map[string]string `json:"claim,omitempty" doc:"What is no proof, for the record: ssn4, born, maiden, account, number, bill, caller-id, voice, recent-payment."`
	}
}

type credentialInput struct {
	OneContact
	Body struct {
		Password string            `json:"password,omitempty" maxLength:"200"`
		PIN      string            `json:"pin,omitempty" maxLength:"20"`
		Backup   map[string]string `json:"backup,omitempty"`
		Online   bool              `json:"online,omitempty"`
	}
}

type changeInput struct {
	OneContact
	Body struct {
		Postal        string          `json:"postal,omitempty" maxLength:"300"`
		Email         string          `json:"email,omitempty" maxLength:"254"`
		LineAdd       *NewLine        `json:"line_add,omitempty"`
		LineRemove    string          `json:"line_remove,omitempty" maxLength:"40"`
		ContactNumber string          `json:"contact_number,omitempty" maxLength:"40"`
		Listed        map[string]bool `json:"listed,omitempty" doc:"Number and whether it is to be published."`
		Printed       map[string]bool `json:"printed,omitempty" doc:"Number and whether a directory prints the address beside it."`
		Authorise     *NewPerson      `json:"authorise,omitempty" doc:"Somebody who may speak for the customer from now on, or what they may see from now on."`
		Dismiss       string          `json:"dismiss,omitempty" maxLength:"200" doc:"The name of an authorised person who is one no longer."`
		Ways          *NoticeWays     `json:"ways,omitempty" doc:"How the customer would rather hear of changes."`
	}
}

// NewPerson is somebody whom the customer lets speak for them.
type NewPerson struct {
	Name     string           `json:"name" minLength:"1" maxLength:"200"`
	Data     []cpni.DataClass `json:"data" maxItems:"10" doc:"What they may see: call-detail, usage, service, location, billing, listing."`
	Password string           `json:"password,omitempty" maxLength:"200"`
}

// NoticeWays are how a customer would rather hear of changes. They order what is lawful, and open nothing.
type NoticeWays struct {
	NoticeBy cpni.Via `json:"notice_by,omitempty" enum:"text,voice,email,postal" doc:"Nothing: no wish."`
	Language string   `json:"language,omitempty" enum:"en,es"`
}

// Notices are the notices that a change has caused.
type Notices struct {
	Notices []Notice `json:"notices"`
}

// Notice is one notice: how, and to which kind of place; never the place itself.
type Notice struct {
	Via cpni.Via `json:"via"`
	To  string   `json:"to" enum:"old,tnor,aor" doc:"The place of before, a number of record, an address of record."`
}

type noticesBody struct{ Body Notices }

func noticesOf(planned []contact.Planned) *noticesBody {
	out := &noticesBody{Notices{[]Notice{}}}
	for _, p := range planned {
		out.Body.Notices = append(out.Body.Notices, Notice{p.Via, string(p.To)})
	}
	return out
}

// mine gives a contact of the caller's; those of others are as if they were not there.
//
// cite: P-37, P-42
func (a *API) mine(ctx context.Context, c caller, id cpni.ID) (*contact.State, error) {
	s, _, err := a.office.Contacts.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.Agent != c.member.ID {
		return nil, contactGone()
	}
	return s, nil
}

// cite: P-16, P-17, P-18, P-19, P-20, P-21, P-42
func (a *API) contacts() {
	tag := []string{"contacts"}
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "open-contact", Method: http.MethodPost, Path: "/v1/contacts", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Open a contact", Description: "From now on what is proved in it counts, until it ends. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			OpenInput
			Key string `header:"Idempotency-Key" maxLength:"255"`
		}) (*contactBody, error) {
			id := in.Body.Customer
			if (id == "") == (in.Body.Number == "") {
				return nil, badInput("give either the customer or the number of one of their lines")
			}
			if id == "" {
				found, err := a.office.Customers.Find(ctx, customer.ByNumber, in.Body.Number)
				if err != nil {
					return nil, err
				}
				if len(found) != 1 {
					return nil, errNotFound
				}
				id = found[0]
			}
			s, err := a.office.OpenContact(ctx, contact.Opening{ID: a.repeatable("contact", c, in.Key), Customer: id, Channel: in.Body.Channel, Agent: c.member.ID, Caller: in.Body.Caller,
				Source: in.Body.Source, Outbound: in.Body.Outbound})
			if err != nil {
				return nil, err
			}
			return a.contactOf(ctx, s)
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "read-contact", Method: http.MethodGet, Path: "/v1/contacts/{id}", Tags: tag, Summary: "Read a contact"}},
		func(ctx context.Context, c caller, in *OneContact) (*contactBody, error) {
			s, err := a.mine(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			return a.contactOf(ctx, s)
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "end-contact", Method: http.MethodDelete, Path: "/v1/contacts/{id}", Tags: tag,
		Summary: "End a contact", Description: "What was proved in it no longer counts."}},
		func(ctx context.Context, c caller, in *struct {
			OneContact
			Outcome contact.Outcome `query:"outcome" enum:"served,not-verified,called-back,transferred,gave-up,cut-off,helped" doc:"How it ended."`
		}) (*struct{}, error) {
			if _, err := a.mine(ctx, c, in.ID); err != nil {
				return nil, err
			}
			return nil, a.office.Contacts.WrapUp(ctx, in.ID, in.Outcome)
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "prove", Method: http.MethodPost, Path: "/v1/contacts/{id}/proofs", Tags: tag,
		Summary: "Take a proof", Description: "One way by which somebody tries to show who they are. Every try is on record and counts; it cannot be repeated under an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *proofInput) (*contactBody, error) {
			if _, err := a.mine(ctx, c, in.ID); err != nil {
				return nil, err
			}
			p, err := proofOf(in)
			if err != nil {
				return nil, err
			}
			s, err := a.office.Contacts.Authenticate(ctx, in.ID, p)
			if err != nil {
				return nil, err
			}
			return a.contactOf(ctx, s)
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "enrol", Method: http.MethodPost, Path: "/v1/contacts/{id}/credentials", Tags: tag,
		Summary: "Set a credential", Description: "Exactly one of password, pin, backup, online. The customer must have been proved in the contact."}},
		func(ctx context.Context, c caller, in *credentialInput) (*noticesBody, error) {
			if _, err := a.mine(ctx, c, in.ID); err != nil {
				return nil, err
			}
			b := in.Body
			if given(b.Password != "", b.PIN != "", len(b.Backup) > 0, b.Online) != 1 {
				return nil, badInput("give exactly one of password, pin, backup, online")
			}
			planned, err := a.office.Contacts.Enrol(ctx, contact.Enrolment{Contact: in.ID, Password: b.Password, PIN: b.PIN, Backup: b.Backup, Online: b.Online})
			return noticesOf(planned), err
		})
	register(a, operation{right: staff.Serve, scope: "contacts", Operation: huma.Operation{OperationID: "change-account", Method: http.MethodPost, Path: "/v1/contacts/{id}/changes", Tags: tag,
		Summary: "Change the account", Description: "Exactly one change. The customer must have been proved in the contact; notices go to the places of before and never to the new one."}},
		func(ctx context.Context, c caller, in *changeInput) (*noticesBody, error) {
			s, err := a.mine(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			b := in.Body
			if given(b.Postal != "", b.Email != "", b.LineAdd != nil, b.LineRemove != "", b.ContactNumber != "", len(b.Listed) > 0, len(b.Printed) > 0, b.Authorise != nil, b.Dismiss != "", b.Ways != nil) != 1 {
				return nil, badInput("give exactly one change")
			}
			alter := contact.Alteration{Customer: s.Customer, Contact: in.ID, By: c.member.ID, Postal: b.Postal, Email: b.Email, LineRemove: b.LineRemove, ContactNumber: b.ContactNumber, Listed: b.Listed, Printed: b.Printed, Dismiss: b.Dismiss}
			if b.Authorise != nil {
				alter.Authorise = &contact.Authorisation{Name: b.Authorise.Name, Data: b.Authorise.Data, Password: b.Authorise.Password}
			}
			if b.Ways != nil {
				alter.Ways = &contact.Ways{NoticeBy: b.Ways.NoticeBy, Language: b.Ways.Language}
			}
			if b.LineAdd != nil {
				l := b.LineAdd.line()
				alter.LineAdd = &l
			}
			planned, err := a.office.Contacts.Alter(ctx, alter)
			return noticesOf(planned), err
		})
}

func proofOf(in *proofInput) (contact.Proof, error) {
	b := in.Body
	p := contact.Proof{Password: b.Password, PIN: b.PIN, Backup: b.Backup, SendCode: b.SendCode, Code: b.Code, Letter: b.Letter, Contract: b.Contract, Claim: b.Claim}
	if b.Callback != nil {
		p.Callback = &contact.Callback{Number: b.Callback.Number, Ring: b.Callback.Ring, Answered: b.Callback.Answered}
	}
	if b.PhotoID != nil {
		expires, err := time.Parse(time.DateOnly, b.PhotoID.Expires)
		if err != nil {
			return p, badInput("photo_id.expires is not a date such as 2031-06-30")
		}
		p.PhotoID = &contact.PhotoID{Name: b.PhotoID.Name, Expires: expires, Government: b.PhotoID.Government}
	}
	if b.Letter != "" && b.Code == "" {
		return p, badInput("letter goes along with code")
	}
	if p.Callback != nil && p.Callback.Ring && p.Callback.Answered {
		return p, badInput("callback takes either ring or answered")
	}
	if given(b.Password != "", b.PIN != "", len(b.Backup) > 0, b.Callback != nil, b.PhotoID != nil, b.SendCode != "", b.Code != "", b.Contract, len(b.Claim) > 0) != 1 {
		return p, badInput("give exactly one proof")
	}
	known := []string{"ssn4", "born", "maiden", "account", "number", "bill", "caller-id", "voice", "recent-payment"}
	for name := range b.Claim {
		if !slices.Contains(known, name) {
			return p, badInput("claim takes " + strings.Join(known, ", "))
		}
	}
	return p, nil
}

// given counts what is given.
func given(all ...bool) (n int) {
	for _, g := range all {
		if g {
			n++
		}
	}
	return n
}

func badInput(says string) error {
	return cpni.Rejected("BAD_INPUT", says, nil, "mend the request as the OpenAPI description shows")
}
