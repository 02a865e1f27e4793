package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
)

// DisclosureRequest asks for a customer's information.
type DisclosureRequest struct {
	Contact  cpni.ID          `json:"contact,omitempty" maxLength:"26" doc:"The contact in which it is asked."`
	Customer cpni.ID          `json:"customer,omitempty" maxLength:"26" doc:"Whose information; that of the contact when not given."`
	Data     []cpni.DataClass `json:"data" minItems:"1" maxItems:"20" doc:"call-detail, usage, service, location, billing, listing, aggregate."`
	Purpose  cpni.Purpose     `json:"purpose,omitempty" maxLength:"64" doc:"customer-request in a contact when not given. provide-service, billing, protect, legal, directory, emergency, designee, own-marketing, other-marketing, partner-marketing, inbound-marketing, win-back."`
	To       string           `json:"to,omitempty" maxLength:"500" doc:"Who receives: customer when not given, authorised:NAME, designee:NAME, the id of a partner, carrier, law-enforcement, directory-publisher, psap, carrier:NAME, family."`
	Via      cpni.Via         `json:"via,omitempty" maxLength:"64" doc:"voice, screen, postal, email, text or file."`
	Address  string           `json:"address,omitempty" maxLength:"500" doc:"Where to send it, if not to the newest address of record."`
	Line     string           `json:"line,omitempty" maxLength:"64" doc:"One line's number; all lines when not given."`
	Months   []string         `json:"months,omitempty" maxItems:"120" doc:"Months such as 2026-02; this one and the last when not given."`

	Process   *Process   `json:"process,omitempty"`
	Case      *Case      `json:"case,omitempty"`
	Ticket    *Case      `json:"ticket,omitempty"`
	Order     *Case      `json:"order,omitempty"`
	Matter    cpni.ID    `json:"matter,omitempty" maxLength:"100" doc:"What it rests on, in the place of the three above, also a placement with a vendor: the id of the matter, or its number in the system where it is kept."`
	Emergency *Emergency `json:"emergency,omitempty"`
	Request   *Written   `json:"request,omitempty" doc:"A customer's written request that somebody whom they name be given it."`
	Unaided   *Unaided   `json:"unaided,omitempty" doc:"The one call that an unverified caller describes; only where the carrier takes that option."`
	PortOut   bool       `json:"port_out,omitempty" doc:"It is asked because another carrier wants to port the number. Where the register has a port of it, that is known also when this is not said."`
	Offer     *Offer     `json:"offer,omitempty"`
	Campaign  cpni.ID    `json:"campaign,omitempty" doc:"The campaign for which it is used: it must have been reviewed, run now, and name this use."`
}

// Process names legal process on the register. What it covers the register says, and not the caller.
//
// cite: P-29, 47 USC 222(c)(1)
type Process struct {
	ID string `json:"id" maxLength:"500" doc:"Of the register of legal process. Its issuer, scope, dates and review stand there."`
}

// Case is a case, ticket or order. Whether it runs, and about whom it is, the register of matters knows.
type Case struct {
	ID   string `json:"id" maxLength:"500" doc:"The id of the matter, or its number in the system where it is kept."`
	Open bool   `json:"open,omitempty" doc:"Not read any more: the register of matters knows."`
}

// Emergency is what 47 USC 222(d)(4) asks for.
type Emergency struct {
	Kind   string `json:"kind" enum:"911-call,life-at-risk"`
	Caller string `json:"caller" enum:"psap,guardian,immediate-family,other"`
}

// Written is a customer's request in writing.
type Written struct {
	Written bool   `json:"written"`
	Signed  bool   `json:"signed"`
	Names   string `json:"names" maxLength:"500"`
}

// Unaided is a call that a caller described.
type Unaided struct {
	Number string    `json:"number" maxLength:"64"`
	At     time.Time `json:"at"`
}

// Offer is what marketing would offer.
type Offer struct {
	Categories []cpni.Category `json:"categories" minItems:"1" maxItems:"20" doc:"local, long-distance, wireless, voip, broadband, voice-mail, cpe, call-features, other."`
}

// Disclosure is a permitted disclosure: its record, and what it released.
type Disclosure struct {
	Entry    cpni.ID      `json:"entry" doc:"The ledger's entry; its proof of inclusion is there within a second."`
	Customer cpni.ID      `json:"customer,omitempty"`
	At       time.Time    `json:"at"`
	Outcome  cpni.Outcome `json:"outcome" enum:"permit"`
	Clauses  []string     `json:"clauses"`
	Cites    []string     `json:"cites"`
	Rules    []string     `json:"rules" doc:"The rules that permitted."`
	Policy   string       `json:"policy" doc:"The version of the policy that decided."`
	Hash     string       `json:"hash" doc:"SHA-256 of the entry as announced, in hex."`
	Replayed bool         `json:"replayed,omitempty" doc:"An earlier answer to the same idempotency key."`
	SentTo   notify.Place `json:"sent_to,omitempty" enum:"aor,tnor,named" doc:"To what sort of place it is sent, for postal, email and text: an address of record, a number of record, or another. Not the address itself, for whoever asks might be told it."`
	Released *Released    `json:"released,omitempty"`
}

// Released is the information itself.
type Released struct {
	Calls    []LineCalls `json:"calls,omitempty"`
	Items    []Item      `json:"items,omitempty"`
	Listings []Listing   `json:"listings,omitempty"`
}

// LineCalls are the calls of one line.
type LineCalls struct {
	Line  string `json:"line"`
	Calls []Call `json:"calls"`
}

// Call is one call.
type Call struct {
	At        time.Time `json:"at"`
	Seconds   int       `json:"seconds"`
	Answered  bool      `json:"answered"`
	Direction string    `json:"direction" enum:"in,out"`
	Number    string    `json:"number" doc:"Of the other side; empty when withheld."`
}

// Item is a bill, an amount of use, a service detail or a location.
type Item struct {
	Class  cpni.DataClass    `json:"class"`
	Line   int               `json:"line,omitempty" doc:"The line's number within the customer; none for the account as a whole."`
	Month  string            `json:"month,omitempty"`
	Values map[string]string `json:"values"`
}

// Listing is subscriber list information.
type Listing struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

type discloseInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255"`
	Body DisclosureRequest
}

type disclosureBody struct{ Body *Disclosure }

// Considered is what the rules say to a request that was not made.
type Considered struct {
	Outcome  cpni.Outcome       `json:"outcome" enum:"permit,deny"`
	Code     cpni.Code          `json:"code,omitempty"`
	Reasons  []cpni.Code        `json:"reasons,omitempty"`
	Clauses  []string           `json:"clauses"`
	Cites    []string           `json:"cites"`
	Says     []string           `json:"says"`
	Ways     [][]Way            `json:"ways,omitempty"`
	Approval cpni.ApprovalState `json:"approval,omitempty" doc:"Where the customer's approval of this use stands."`
}

type consideredBody struct{ Body Considered }

// cite: P-01, P-28, P-41, 47 CFR 64.2009(c)
func (a *API) disclosures() {
	tag := []string{"disclosures"}
	register(a, operation{Operation: huma.Operation{OperationID: "disclose", Method: http.MethodPost, Path: "/v1/disclosures", Tags: tag, Summary: "Ask for information",
		Description: "Decided by the rules, recorded, and only then released. A refusal is a problem with code, clauses and the ways to a permit; it is recorded too. Takes an Idempotency-Key: the same key gives the same answer."}},
		func(ctx context.Context, c caller, in *discloseInput) (*disclosureBody, error) {
			r, err := in.Body.request()
			if err != nil {
				return nil, err
			}
			if r.Purpose == cpni.Emergency {
				return nil, errUnclaimed
			}
			r.Caller, r.IdempotencyKey = c.door(), in.Key
			answer, err := a.office.Door.Disclose(ctx, r)
			if err != nil {
				return nil, err
			}
			if !answer.Decision.Permit() {
				return nil, refusedDisclosure(answer)
			}
			return &disclosureBody{disclosureOf(answer)}, nil
		})
	register(a, operation{Operation: huma.Operation{OperationID: "consider", Method: http.MethodPost, Path: "/v1/considerations", Tags: tag, Summary: "Ask whether a request would be permitted",
		Description: "Nothing is released and nothing recorded."}},
		func(ctx context.Context, c caller, in *struct{ Body DisclosureRequest }) (*consideredBody, error) {
			r, err := in.Body.request()
			if err != nil {
				return nil, err
			}
			r.Caller = c.door()
			facts, d, err := a.office.Door.Consider(ctx, r)
			if err != nil {
				return nil, err
			}
			return &consideredBody{Considered{Outcome: d.Outcome, Code: d.Code, Reasons: d.Codes, Clauses: d.Clauses, Cites: d.Cites, Says: d.Says, Ways: waysOf(d.Ways), Approval: facts.Approval.State}}, nil
		})
}

// errUnclaimed refuses what is asked for in an emergency of which nothing is on record yet.
//
// cite: P-28, P-41, 47 USC 222(d)(4)
var errUnclaimed = cpni.Rejected("BAD_INPUT", "an emergency is on record before anything is asked for on it", []string{"P-28", "P-41", "47 USC 222(d)(4)"}, "record it and ask in one step: POST /v1/emergencies")

// request turns what came in into a request to the door.
func (b *DisclosureRequest) request() (disclose.Request, error) {
	r := disclose.Request{Customer: b.Customer, Contact: b.Contact, Data: b.Data, Purpose: b.Purpose, To: b.To, Via: b.Via, Address: b.Address, Line: b.Line, PortOut: b.PortOut, Campaign: b.Campaign, Matter: b.Matter}
	for _, m := range b.Months {
		t, err := time.Parse("2006-01", m)
		if err != nil {
			return r, badInput("months are written as 2026-02")
		}
		r.Months = append(r.Months, t.Year()*100+int(t.Month()))
	}
	if p := b.Process; p != nil {
		r.Process = &rules.Process{ID: p.ID}
	}
	open := func(c *Case) *rules.Case {
		if c == nil {
			return nil
		}
		return &rules.Case{ID: c.ID, Open: c.Open}
	}
	r.Case, r.Ticket, r.Order = open(b.Case), open(b.Ticket), open(b.Order)
	if e := b.Emergency; e != nil {
		r.Emergency = &rules.Emergency{Kind: e.Kind, Caller: e.Caller}
	}
	if w := b.Request; w != nil {
		r.Written = &disclose.WrittenRequest{Written: w.Written, Signed: w.Signed, Names: w.Names}
	}
	if u := b.Unaided; u != nil {
		r.Unaided = &disclose.UnaidedCall{Number: u.Number, At: u.At.UTC()}
	}
	if b.Offer != nil {
		r.Offer = &rules.Offer{Categories: b.Offer.Categories}
	}
	return r, nil
}

func disclosureOf(a *disclose.Answer) *Disclosure {
	d := &Disclosure{Entry: a.Entry, Customer: a.Customer, At: a.At, Outcome: a.Decision.Outcome, Clauses: a.Decision.Clauses, Cites: a.Decision.Cites, Rules: a.Decision.Rules,
		Policy: a.Rules, Hash: hex.EncodeToString(a.Hash), Replayed: a.Replayed, SentTo: a.To}
	if a.Released == nil {
		return d
	}
	d.Released = releasedOf(a.Released)
	return d
}

// monthText writes a month, given as yyyymm, as yyyy-mm.
func monthText(m int) string { return fmt.Sprintf("%04d-%02d", m/100, m%100) }

// releasedOf is what was released, in the form of this interface.
func releasedOf(r *disclose.Released) *Released {
	out := &Released{}
	for _, l := range r.Calls {
		calls := make([]Call, len(l.Calls))
		for i, c := range l.Calls {
			direction := "in"
			if c.Out {
				direction = "out"
			}
			calls[i] = Call{c.At, c.Seconds, c.Answered, direction, c.Number}
		}
		out.Calls = append(out.Calls, LineCalls{l.Line, calls})
	}
	for _, i := range r.Items {
		month := ""
		if i.Period > 0 {
			month = monthText(i.Period)
		}
		out.Items = append(out.Items, Item{i.Class, i.Line, month, i.Values})
	}
	for _, l := range r.Lines {
		out.Listings = append(out.Listings, Listing{l.Number, l.Name})
	}
	return out
}
