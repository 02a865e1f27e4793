package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// Ways of refusals that reach the portal without a sign-in.
const (
	byLink = "link" // in a notice
	byForm = "web"  // on the page of refusals
)

func (p *Portal) hereObjection(r *http.Request, v visit, scope string) approval.Answer {
	return approval.Answer{Customer: v.Customer, Says: approval.Object, Scope: scope, Via: approval.ByPortal, Contact: v.Contact.ID, By: self, Evidence: formEvidence(r, v, scope, sayNo, "")}
}

// object records a refusal, once: where exactly this is refused already, and nothing was agreed to since, it stands and nothing is
// added. So a page that is sent ten times, or a link that is opened every day, does no more than once.
//
// cite: P-11, P-12, P-14, I-02, I-11, 47 CFR 64.2007(a)(2)
func (p *Portal) object(ctx context.Context, a approval.Answer) error {
	c, _, err := p.office.Customers.Get(ctx, a.Customer)
	if err != nil {
		return err
	}
	if objected(c, a.Scope) {
		return nil
	}
	events, err := p.office.Approvals.Events(ctx, a.Customer)
	if err != nil {
		return err
	}
	a.As = p.once(a.Customer, sayNo, a.Scope, lastOf(events))
	_, err = p.office.Approvals.Answer(ctx, a)
	return err
}

// objected reports whether a refusal would add nothing to what stands.
func objected(c *customer.Profile, scope string) bool {
	no, is := refusal(c, scope)
	return is && !slices.ContainsFunc(c.Approvals, func(a customer.Approval) bool { return a.State == cpni.OptInOK && !a.Since.Before(no.Since) })
}

// once is the id under which something is recorded that is said in one state of things: said twice, it counts once.
//
// cite: I-11
func (p *Portal) once(of cpni.ID, says, scope string, last cpni.ID) cpni.ID {
	return p.office.RepeatableID("portal choice", string(of)+" "+says+" "+scope, "after "+string(last))
}

// nobodyThere reports whether an error says that there is no such customer, or none any more.
func nobodyThere(err error) bool { return errors.Is(err, customer.ErrNoCustomer) }
