package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// AccountChange is a change of an account of which the customer was told: what kind of thing it was, never its value.
type AccountChange struct {
	ID       cpni.ID    `json:"id"`
	What     string     `json:"what" enum:"password,PIN,backup answer,online account,postal address,e-mail address,authorised person,line,contact number,directory listing,way of notices"`
	At       time.Time  `json:"at"`
	By       string     `json:"by,omitempty" doc:"The member of the staff who made it, or customer."`
	Disputed *time.Time `json:"disputed,omitempty" doc:"When the customer said that it was not theirs."`
	How      string     `json:"how,omitempty" enum:"link,call,text,contact" doc:"They said it."`
	Settled  *time.Time `json:"settled,omitempty"`
	Outcome  string     `json:"outcome,omitempty" enum:"kept,undone"`
	Undoes   cpni.ID    `json:"undoes,omitempty" doc:"The change that it took back."`
}

// AccountChanges are the latest changes of an account, newest first.
type AccountChanges struct {
	Changes []AccountChange `json:"changes"`
	Frozen  bool            `json:"frozen" doc:"Something is disputed and nobody has decided yet: the account is changed only on stronger proof."`
}

// changesOf tells of the changes of a customer.
//
// cite: P-23, P-25, I-09
func changesOf(p *customer.Profile) AccountChanges {
	out := AccountChanges{Changes: []AccountChange{}}
	_, out.Frozen = p.Disputes()
	when := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	for i := len(p.Changes) - 1; i >= 0; i-- {
		c := p.Changes[i]
		out.Changes = append(out.Changes, AccountChange{ID: c.ID, What: c.What, At: c.At, By: c.By, Disputed: when(c.Disputed), How: c.How, Settled: when(c.Settled), Outcome: c.Outcome, Undoes: c.Undoes})
	}
	return out
}

// cite: P-23, P-25, P-37, 47 CFR 64.2010(a), 47 CFR 64.2010(f)
func (a *API) changes() {
	tag := []string{"customers"}
	register(a, operation{right: staff.Serve, scope: "customers", Operation: huma.Operation{OperationID: "list-account-changes", Method: http.MethodGet, Path: "/v1/customers/{id}/changes", Tags: tag,
		Summary: "List the latest changes of an account", Description: "Their kinds and times, and which are disputed. No value stands in it, old or new."}},
		func(ctx context.Context, c caller, in *OneCustomer) (*struct{ Body AccountChanges }, error) {
			p, _, err := a.office.Customers.Get(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			if err := a.office.Viewed(ctx, c.member.ID, watch.Card, in.ID); err != nil {
				return nil, err
			}
			return &struct{ Body AccountChanges }{changesOf(p)}, nil
		})
	register(a, operation{right: staff.Serve, scope: "customers", Operation: huma.Operation{OperationID: "dispute-change", Method: http.MethodPost, Path: "/v1/customers/{id}/disputes", Tags: tag, DefaultStatus: http.StatusNoContent,
		Summary: "Record that a change was not the customer's", Description: "It asks for no proof and can only restrict: what was set proves nothing, gets nothing and is not of record until somebody has decided. Give the change, or the number that stands on its notice."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Body struct {
				Change    cpni.ID `json:"change,omitempty" maxLength:"26"`
				ShortCode string  `json:"short_code,omitempty" maxLength:"10" doc:"The number under which the notice is found."`
				Contact   cpni.ID `json:"contact,omitempty" maxLength:"26" doc:"In which the customer says it."`
			}
		}) (*struct{}, error) {
			id := in.Body.Change
			if given(id != "", in.Body.ShortCode != "") != 1 {
				return nil, badInput("give either the change or the short_code of its notice")
			}
			if in.Body.Contact != "" {
				s, err := a.mine(ctx, c, in.Body.Contact)
				if err != nil {
					return nil, err
				}
				if s.Customer != in.ID {
					return nil, contactGone()
				}
			}
			if id == "" {
				var err error
				if id, err = a.office.ChangeByNumber(ctx, in.ID, in.Body.ShortCode); err != nil {
					return nil, err
				}
			}
			return nil, a.office.Contacts.Dispute(ctx, contact.Dispute{Customer: in.ID, Change: id, How: contact.AtDesk, By: string(c.member.ID), Contact: in.Body.Contact})
		})
	register(a, operation{right: staff.Watch, scope: "alerts", Operation: huma.Operation{OperationID: "settle-dispute", Method: http.MethodPost, Path: "/v1/customers/{id}/disputes/{change}/settle", Tags: tag,
		Summary: "Decide about a disputed change", Description: "kept: it was the customer's, and counts again. undone: what stood there before stands again; a secret is taken away and set anew by reaching out. Never by who made the change."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Change cpni.ID `path:"change" maxLength:"26"`
			Body   struct {
				Outcome string `json:"outcome" enum:"kept,undone"`
			}
		}) (*noticesBody, error) {
			told, err := a.office.Settle(ctx, contact.Settlement{Customer: in.ID, Change: in.Change, By: c.member.ID, Outcome: in.Body.Outcome})
			if err != nil {
				return nil, err
			}
			return noticesOf(told), nil
		})
}
