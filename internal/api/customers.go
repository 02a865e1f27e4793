package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// Card is a customer without CPNI: enough to know whom one has before one, and nothing that needs a proof.
//
// cite: P-17
type Card struct {
	ID      cpni.ID    `json:"id"`
	Name    string     `json:"name"`
	Account string     `json:"account,omitempty" doc:"Its last characters."`
	Lines   []string   `json:"lines" doc:"Numbers of record, but for their middle."`
	Since   time.Time  `json:"since"`
	Ended   *time.Time `json:"ended,omitempty" doc:"When service ended."`
	Methods []string   `json:"methods" doc:"Ways of verification that are on file: password, pin, backup, contract."`
	Care    bool       `json:"care,omitempty" doc:"The customer has asked for care: somebody near them may be listening or asking. Neither lines nor account are told here."`
	Frozen  bool       `json:"frozen,omitempty" doc:"The customer says that a change of their account was not theirs, and nobody has decided yet: it is changed only on stronger proof."`
	Objects bool       `json:"objects,omitempty" doc:"The customer has refused the use of their information for some purpose."`
	Alerted *time.Time `json:"alerted,omitempty" doc:"When it was last noticed that somebody tries again and again to pass for this customer: be careful."`
}

// card makes the card of a customer.
func (a *API) card(ctx context.Context, p *customer.Profile) (Card, error) {
	c := cardOf(p, a.office.Clock.Now())
	at, err := a.office.Alerted(ctx, p.ID)
	if !at.IsZero() {
		c.Alerted = &at
	}
	return c, err
}

func cardOf(p *customer.Profile, now time.Time) Card {
	c := Card{ID: p.ID, Name: p.Name, Since: p.Since, Lines: []string{}, Methods: []string{}, Care: p.Safety != nil}
	if !c.Care { // else a number or account on the card would tell somebody whom they fear that they have found them
		c.Account = customer.Masked(p.Account)
		for _, l := range p.LiveLines(now) {
			c.Lines = append(c.Lines, customer.Masked(l.Number))
		}
	}
	if !p.Ended.IsZero() {
		ended := p.Ended
		c.Ended = &ended
	}
	for _, m := range p.OnFile() {
		c.Methods = append(c.Methods, string(m))
	}
	c.Objects = p.Objects()
	_, c.Frozen = p.Disputes()
	return c
}

type cardBody struct{ Body Card }

// OneCustomer names a customer.
type OneCustomer struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// NewLine is a line of a new customer, or one that is added.
type NewLine struct {
	Number     string          `json:"number" maxLength:"40"`
	Categories []cpni.Category `json:"categories" maxItems:"10" doc:"local, long-distance, wireless, voip."`
	Listed     bool            `json:"listed,omitempty" doc:"Published, or accepted for publication, in a directory."`
	Heading    string          `json:"heading,omitempty" maxLength:"100" doc:"The heading under which a directory prints it, as it was assigned when service began."`
	NoAddress  bool            `json:"no_address,omitempty" doc:"A directory prints no address beside it."`
}

func (l NewLine) line() customer.Line {
	return customer.Line{Number: l.Number, Categories: l.Categories, Listed: l.Listed, Heading: l.Heading, NoAddress: l.NoAddress}
}

// LinePrint is how a directory prints a line.
//
// cite: P-32, 47 USC 222(h)(3)
type LinePrint struct {
	Number    string  `json:"number" minLength:"1" maxLength:"40"`
	Heading   *string `json:"heading,omitempty" maxLength:"100" doc:"The heading under which it is printed; empty: none; not given: as it is."`
	NoAddress *bool   `json:"no_address,omitempty" doc:"True: no address is printed beside it. That it is printed again only the customer says, as a change in a contact."`
}

var errPrints = cpni.Rejected("UNAUTHENTICATED", "that an address stands in the directory again is for the customer to say", []string{"P-32", "47 USC 222(h)(3)"}, "make it a change in a contact in which they are proved: printed")

type newCustomerInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255"`
	Body struct {
		Name    string    `json:"name" minLength:"1" maxLength:"200"`
		Account string    `json:"account,omitempty" maxLength:"100"`
		Lines   []NewLine `json:"lines" maxItems:"1000"`
		Postal  string    `json:"postal,omitempty" maxLength:"300"`
		Email   string    `json:"email,omitempty" maxLength:"254"`
		Notices bool      `json:"notices,omitempty" doc:"The customer has expressly agreed to get notices by e-mail."`
		Born    string    `json:"born,omitempty" format:"date" doc:"Only to refuse secrets that are made of it."`
		SSN4    string    `json:"ssn4,omitempty" pattern:"^[0-9]{4}$" doc:"Likewise."`
	}
}

// Found lists customers.
type Found struct {
	Customers []Card `json:"customers"`
}

type foundBody struct{ Body Found }

type searchInput struct {
	Body struct {
		Number  string `json:"number,omitempty" maxLength:"40"`
		Email   string `json:"email,omitempty" maxLength:"254"`
		Account string `json:"account,omitempty" maxLength:"100"`
		Name    string `json:"name,omitempty" maxLength:"200" doc:"The whole name, or the family name."`
	}
}

// cite: P-12, P-14, P-17, 47 CFR 64.2007(a)(2)
func (a *API) customers() {
	tag := []string{"customers"}
	register(a, operation{right: staff.See, scope: "customers", Operation: huma.Operation{OperationID: "find-customers", Method: http.MethodPost, Path: "/v1/customers/search", Tags: tag,
		Summary: "Find customers", Description: "By exactly one of number, email, account, name. A search is sent in the body, so that nothing personal stands in an address."}},
		func(ctx context.Context, c caller, in *searchInput) (*foundBody, error) {
			b := in.Body
			if given(b.Number != "", b.Email != "", b.Account != "", b.Name != "") != 1 {
				return nil, badInput("give exactly one of number, email, account, name")
			}
			if _, ok := customer.Number(b.Number); b.Number != "" && !ok {
				return nil, badInput("number is no telephone number such as +12025550101")
			}
			out := &foundBody{Found{[]Card{}}}
			for kind, value := range map[string]string{customer.ByNumber: b.Number, customer.ByEmail: b.Email, customer.ByAccount: b.Account, customer.ByName: b.Name} {
				if value == "" {
					continue
				}
				ids, err := a.office.Customers.Find(ctx, kind, value)
				if err != nil {
					return nil, err
				}
				what := watch.List
				if len(ids) == 1 {
					what = watch.Card
				}
				if err := a.office.Viewed(ctx, c.member.ID, what, ids...); err != nil {
					return nil, err
				}
				for _, id := range ids {
					p, _, err := a.office.Customers.Get(ctx, id)
					if err != nil {
						return nil, err
					}
					card, err := a.card(ctx, p)
					if err != nil {
						return nil, err
					}
					out.Body.Customers = append(out.Body.Customers, card)
				}
			}
			return out, nil
		})
	register(a, operation{right: staff.See, scope: "customers", Operation: huma.Operation{OperationID: "read-customer", Method: http.MethodGet, Path: "/v1/customers/{id}", Tags: tag, Summary: "Read a customer's card"}},
		func(ctx context.Context, c caller, in *OneCustomer) (*cardBody, error) {
			p, _, err := a.office.Customers.Get(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			if err := a.office.Viewed(ctx, c.member.ID, watch.Card, in.ID); err != nil {
				return nil, err
			}
			card, err := a.card(ctx, p)
			if err != nil {
				return nil, err
			}
			return &cardBody{card}, nil
		})
	register(a, operation{right: staff.KeepCustomers, scope: "customers", Operation: huma.Operation{OperationID: "add-customer", Method: http.MethodPost, Path: "/v1/customers", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Add a customer", Description: "Service begins now. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *newCustomerInput) (*cardBody, error) {
			b := in.Body
			p := customer.Profile{ID: a.repeatable("customer", c, in.Key), Name: b.Name, Account: b.Account, Born: b.Born, SSN4: b.SSN4}
			for _, l := range b.Lines {
				p.Lines = append(p.Lines, l.line())
			}
			now := a.office.Clock.Now()
			if b.Postal != "" {
				p.Postal = []customer.Address{{Value: b.Postal, Since: now}}
			}
			if b.Email != "" {
				p.Email = []customer.Address{{Value: b.Email, Since: now, Notices: b.Notices}}
			}
			id, err := a.office.Customers.Create(ctx, p, string(c.member.ID))
			if err != nil {
				return nil, err
			}
			made, _, err := a.office.Customers.Get(ctx, id)
			if err != nil {
				return nil, err
			}
			return &cardBody{cardOf(made, now)}, nil
		})
	register(a, operation{right: staff.KeepCustomers, scope: "customers", Operation: huma.Operation{OperationID: "print-customer", Method: http.MethodPatch, Path: "/v1/customers/{id}", Tags: tag, DefaultStatus: http.StatusNoContent,
		Summary: "Set how directories print a customer's lines", Description: "The heading that was assigned, and that no address is printed. Whether a line is listed at all, and whether its address is printed again, the customer says in a contact. Publishers who have the listing are told. The same again changes nothing."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Body struct {
				Lines []LinePrint `json:"lines" minItems:"1" maxItems:"1000"`
			}
		}) (*struct{}, error) {
			var all []customer.Prints
			for _, l := range in.Body.Lines {
				if l.NoAddress != nil && !*l.NoAddress {
					return nil, errPrints
				}
				all = append(all, customer.Prints{Number: l.Number, Heading: l.Heading, Hides: l.NoAddress != nil})
			}
			return nil, a.office.Customers.Print(ctx, in.ID, all, string(c.member.ID))
		})
	register(a, operation{right: staff.Serve, scope: "customers", Operation: huma.Operation{OperationID: "object", Method: http.MethodPost, Path: "/v1/customers/{id}/objections", Tags: tag,
		Summary: "Record a customer's objection", Description: "It counts from the moment it is received, asks for no proof, and has no path out but the customer's own act."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Body struct {
				Scope string `json:"scope,omitempty" maxLength:"100" doc:"own-marketing, other-marketing, partner:ID, location:PURPOSE; everything when not given."`
				Via   string `json:"via" enum:"email,portal,phone,postal,store,sms"`
			}
		}) (*struct{}, error) {
			return nil, a.office.Approvals.Object(ctx, in.ID, in.Body.Scope, in.Body.Via, string(c.member.ID), a.office.Clock.Now())
		})
	register(a, operation{right: staff.KeepCustomers, scope: "customers", Operation: huma.Operation{OperationID: "end-service", Method: http.MethodPost, Path: "/v1/customers/{id}/end", Tags: tag,
		Summary: "End a customer's service", Description: "Their numbers leave them at once; their refusals stay."}},
		func(ctx context.Context, c caller, in *OneCustomer) (*struct{}, error) {
			return nil, a.office.Contacts.EndService(ctx, in.ID, string(c.member.ID))
		})
}
