package office

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/filing/books"
	"ringfence/internal/rules"
	"ringfence/internal/training"
	"ringfence/internal/workday"
)

// openBooks opens the registers of which the yearly certificate tells. What customers report is entered there as it is kept.
//
// cite: P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
func (o *Office) openBooks() {
	o.Books = books.New(books.Parts{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Customers: o.Customers, Partners: o.Partners, Clock: o.Clock, Zone: o.Zone, Sanctions: o.sanctions,
		Numbers: numbersOf(o.Policy, func(n rules.InForce) books.Numbers {
			return books.Numbers{EveryMonths: n.Int("supplier-reviews", "review_every_months"), FirstDays: n.Int("supplier-reviews", "first_review_within_days")}
		})})
	o.Complaints.Filed = o.Books.TakeReport
}

// sanctionWords say what was decided in a case.
var sanctionWords = map[training.Kind]string{training.Warning: "Warning", training.Retraining: "New training", training.Suspension: "Suspension", training.Dismissal: "Dismissal"}

// sanctions tells which sanctions were decided in a time, the oldest first. It names nobody.
//
// cite: P-39, 47 CFR 64.2009(b)
func (o *Office) sanctions(ctx context.Context, from, until time.Time) ([]books.Row, error) {
	findings, err := o.Discipline.Findings(ctx, "")
	if err != nil {
		return nil, err
	}
	type decided struct {
		at time.Time
		books.Row
	}
	var all []decided
	for _, f := range findings {
		if f.Case == nil {
			continue
		}
		for _, s := range f.Case.Steps {
			if says := sanctionWords[s.Kind]; says != "" && !s.At.Before(from) && s.At.Before(until) {
				on := workday.DateIn(s.At, o.Zone)
				all = append(all, decided{s.At, books.Row{ID: s.ID, Day: on, Last: on, Title: says, Address: "/discipline/findings/" + string(f.ID)}})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b decided) int { return a.at.Compare(b.at) })
	var rows []books.Row
	for _, d := range all {
		rows = append(rows, d.Row)
	}
	return rows, nil
}
