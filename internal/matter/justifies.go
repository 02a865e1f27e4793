package matter

import (
	"context"
	"errors"
	"slices"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Use is what somebody would use a customer's information for, on the ground of a matter.
type Use struct {
	Customer cpni.ID // "" there is no such customer
	Purpose  cpni.Purpose
	Data     []cpni.DataClass
	Line     string // E.164; "" all lines
	To       cpni.RecipientKind
	Partner  string // the id of a partner who receives
	Carrier  string // the name of another carrier that receives
	At       time.Time
}

// Why a matter does not justify a use; Fits: it does.
const (
	Fits         = ""
	NotThere     = "unknown"
	NotOpen      = "closed"
	NotTheirs    = "other-customer"
	NotItsKind   = "other-purpose"
	NotItsData   = "other-data"
	NotItsLine   = "other-line"
	NotRecipient = "other-recipient"
)

// Finding is what the register knows of a matter that somebody names as the ground of a use.
type Finding struct {
	ID    cpni.ID // "" there is none of that name
	Kind  Kind
	Unfit string // one of the words above
	Guard store.Guard
}

// Justifies tells whether a matter justifies a use. It is named by its id or by the number of the carrier's own system, among
// some kinds. What this node has lately seen is trusted; whoever decides on it checks the guard when the decision is recorded.
//
// A matter about another customer justifies nothing, nor one that is closed, that is for another purpose, whose lines or
// classes are others, or whose vendor or carrier is not who would receive.
//
// cite: P-28, P-30, P-31, P-33, P-34, P-35, 47 USC 222(b), 47 USC 222(c)(1), 47 USC 222(d)(1), 47 USC 222(d)(2)
func (r *Register) Justifies(ctx context.Context, name string, among []Kind, u Use) (Finding, error) {
	id, err := r.named(ctx, name, among)
	if errors.Is(err, ErrNone) {
		return Finding{Unfit: NotThere}, nil
	}
	if err != nil {
		return Finding{}, err
	}
	m, err := r.recent(ctx, id)
	if err == nil && m.State == Open && m.over(r.parts.Numbers(u.At), u.At) {
		m, err = r.Get(ctx, id) // it may have been worked on meanwhile, which this node has not seen
	}
	if errors.Is(err, ErrNone) || err == nil && !slices.Contains(among, m.Kind) {
		return Finding{Unfit: NotThere}, nil
	}
	if err != nil {
		return Finding{}, err
	}
	return Finding{ID: m.ID, Kind: m.Kind, Unfit: m.unfit(u, r.parts.Numbers(u.At)), Guard: store.Guard{Table: "matter", Key: string(m.ID), Version: m.version}}, nil
}

func (m *Matter) unfit(u Use, n Numbers) string {
	a, about := m.About(u.Customer)
	switch {
	case u.Customer == "" || !about:
		return NotTheirs
	case m.State != Open || m.over(n, u.At):
		return NotOpen
	case u.Purpose != m.Purpose():
		return NotItsKind
	case slices.ContainsFunc(u.Data, func(c cpni.DataClass) bool { return !slices.Contains(m.Data, c) }):
		return NotItsData
	case len(a.Lines) > 0 && !slices.Contains(a.Lines, u.Line):
		return NotItsLine
	case m.Kind == Collection && (u.To != cpni.ToPartner || u.Partner != m.Partner),
		m.Kind.Port() && u.To == cpni.ToOtherCarrier && contact.Spoken(u.Carrier) != contact.Spoken(m.Carrier),
		m.Kind.Port() && u.To == cpni.ToPartner:
		return NotRecipient
	}
	return Fits
}
