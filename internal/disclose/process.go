package disclose

import (
	"context"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Processes is the register of legal process. The door asks it by the id that a request names; what else the request says of a
// process is not read.
//
// cite: P-29, 47 USC 222(c)(1)
type Processes interface {
	// Process gives what the register says of a process for a request, what a release under it is limited to, and the version that it
	// stood at. ok is false when no process has this id.
	Process(ctx context.Context, ask AskProcess) (f rules.Process, l Limits, guard store.Guard, ok bool, err error)
}

// AskProcess is a request as the register of legal process needs to know it.
type AskProcess struct {
	ID       string
	By       cpni.ID // who asks
	Customer cpni.ID
	Line     string // E.164; "" all lines
	Months   []int  // yyyymm
	To       Recipient
	At       time.Time
}

// Limits are what a release is limited to beside the classes, the line and the months of its decision. They are recorded with it.
//
// cite: P-29, 47 USC 222(c)(1)
type Limits struct {
	From  time.Time `json:"from"`            // the first moment
	Until time.Time `json:"until"`           // the first moment after the last
	Whole bool      `json:"whole,omitempty"` // what belongs to the account as a whole may go too, and not only what is the line's
}

// call reports whether a call lies within the limits. A nil l limits nothing.
func (l *Limits) call(c vault.Call) bool {
	return l == nil || !c.At.Before(l.From) && c.At.Before(l.Until)
}

// item reports whether an item lies within the limits: what is of a month, only with the whole of that month, for no part of it can
// be told from the rest.
func (l *Limits) item(i vault.Item, zone *time.Location) bool {
	switch {
	case l == nil:
		return true
	case i.Line == 0 && !l.Whole:
		return false
	case i.Period == 0:
		return true
	}
	first := time.Date(i.Period/100, time.Month(i.Period%100), 1, 0, 0, 0, 0, zone)
	return !first.Before(l.From) && !first.AddDate(0, 1, 0).After(l.Until)
}

// findProcess has the register say what the process covers that a request names.
//
// cite: P-29, 47 USC 222(c)(1)
func (d *Door) findProcess(ctx context.Context, g *gathered) error {
	p := g.request.Process
	if p == nil {
		return nil
	}
	if g.facts.Purpose != cpni.Legal { // it is a basis of nothing else, and must hide nothing else from the customer
		g.facts.Basis.Process = nil
		return nil
	}
	if d.Processes != nil && cpni.ID(p.ID).Valid() {
		f, limits, guard, ok, err := d.Processes.Process(ctx, AskProcess{ID: p.ID, By: g.request.Caller.Staff, Customer: g.customerID, Line: g.request.Line, Months: g.months, To: g.to, At: g.at})
		if err != nil {
			return err
		}
		if ok {
			g.facts.Basis.Process, g.limits, g.guards = &f, &limits, append(g.guards, guard)
			return nil
		}
	}
	if !d.InlineProcess {
		g.facts.Basis.Process = &rules.Process{ID: p.ID, Filed: &rules.Filed{}}
	}
	return nil
}
