package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/books"
	"ringfence/internal/workday"
)

// bookActs are what the verbs about the registers do of which the yearly certificate tells.
//
// cite: P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
func bookActs() map[string]act {
	return map[string]act{"complaint": enterComplaint, "broker-action": enterBrokerAction, "pretexting-method": enterMethod, "supplier-review": enterReview, "books": readBooks}
}

// on gives the day of a field by the carrier's calendar; today where it is not given.
func (w *world) on(a args, key string) workday.Date {
	if !a.has(key) {
		return workday.DateIn(w.now(), w.office.Zone)
	}
	return workday.DateIn(a.moment(key), w.office.Zone)
}

func (w *world) enter(ctx context.Context, a args, in books.Intake) (result, error) {
	var err error
	if in.By, err = w.handler(ctx, a); err != nil {
		return result{}, err
	}
	r, err := w.office.Books.Enter(ctx, in)
	if err != nil || r.Facts.Review == nil {
		return of(err, succeeded())
	}
	return result{outcome: cpni.OK, fields: map[string]any{"next": r.Facts.Review.Next.String()}}, nil
}

// enterComplaint enters a complaint that came otherwise than by a report.
//
// cite: P-41, 47 CFR 64.2009(e)
func enterComplaint(ctx context.Context, w *world, a args) (result, error) {
	c := &books.Complaint{Category: complaint.Category(a.text("category")), Source: books.FromOther, Received: w.on(a, "at"), Verdict: books.Verdict(a.text("found")), Done: a.text("done")}
	if a.has("found") {
		c.Finding = "as the story states it"
	}
	in := books.Intake{Facts: books.Facts{Complaint: c}, From: books.Complainant{Says: a.text("said")}}
	from := a.text("from")
	if s := books.Source(from); slices.Contains(books.Sources, s) {
		c.Source = s
	} else if id, known := w.customers[from]; known {
		c.Source, in.Customer, in.From.Name = books.FromCustomer, id, from
	} else {
		in.From.Name = from
	}
	return w.enter(ctx, a, in)
}

// enterBrokerAction enters an action against a data broker.
//
// cite: 47 CFR 64.2009(e)
func enterBrokerAction(ctx context.Context, w *world, a args) (result, error) {
	x := &books.Action{Body: books.Body(a.text("body")), On: w.on(a, "at"), Against: a.text("against"), What: a.text("what"), Outcome: a.text("outcome")}
	if !slices.Contains(books.Bodies, x.Body) {
		x.Body, x.Name = books.OtherBody, a.text("body")
	}
	if !a.has("against") {
		x.Against = "a data broker"
	}
	return w.enter(ctx, a, books.Intake{Facts: books.Facts{Action: x}})
}

// enterMethod enters a method of pretexting.
//
// cite: P-37, 47 CFR 64.2009(e)
func enterMethod(ctx context.Context, w *world, a args) (result, error) {
	m := &books.Method{What: a.text("what"), First: w.on(a, "at"), Known: a.text("known"), Steps: a.text("steps")}
	if !a.has("known") {
		m.Known = "as the story states it"
	}
	if m.Steps != "" {
		m.Since = workday.DateIn(w.now(), w.office.Zone)
	}
	return w.enter(ctx, a, books.Intake{Facts: books.Facts{Method: m}})
}

// enterReview enters a review of a partner.
//
// cite: P-37, 47 CFR 64.2010(a)
func enterReview(ctx context.Context, w *world, a args) (result, error) {
	r := &books.Review{Partner: a.text("partner"), On: w.on(a, "at"), Reviewer: "who the story says", Checked: a.text("checked"), Findings: a.text("findings")}
	if !a.has("checked") {
		r.Checked = "as the story states it"
	}
	if a.has("mend-by") {
		r.MendBy = w.on(a, "mend-by")
	}
	if a.has("mended") {
		r.Mended = w.on(a, "mended")
	}
	return w.enter(ctx, a, books.Intake{Facts: books.Facts{Review: r}})
}

// readBooks counts what the registers hold of a year.
//
// cite: P-39, P-41, 47 CFR 64.2009(e)
func readBooks(ctx context.Context, w *world, a args) (result, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return result{}, err
	}
	y, err := w.office.Books.Year(ctx, by, a.count("year"))
	if err != nil {
		return of(err, result{})
	}
	fields := map[string]any{"broker-actions": len(y.Actions), "methods": len(y.Methods), "reviews": len(y.Reviews), "reviews-late": y.LateSuppliers, "sanctions": len(y.Sanctions), "whole": y.Whole}
	for _, c := range y.Complaints {
		fields[string(c.Category)] = len(c.Rows)
	}
	return result{outcome: cpni.OK, fields: fields}, nil
}

// bookRecords are the records of a register, with what a story may ask of them.
func (w *world) bookRecords(ctx context.Context, of string) ([]record, error) {
	kind := books.Complaints
	if of == "broker-actions" {
		kind = books.Actions
	}
	rows, err := w.office.Books.List(ctx, "", kind, "", workday.On(1, 1, 1), workday.On(9999, 12, 31))
	if err != nil {
		return nil, err
	}
	var all []record
	for _, row := range rows {
		r, err := w.office.Books.One(ctx, row.ID, "")
		if err != nil {
			return nil, err
		}
		x := record{id: r.ID, fields: map[string]string{"kind": string(r.Kind), "number": r.Number, "customer": w.names[r.Customer], "day": row.Day.String()}}
		if c := r.Facts.Complaint; c != nil {
			x.fields["category"], x.fields["source"], x.fields["found"], x.fields["done"] = string(c.Category), string(c.Source), string(c.Verdict), c.Done
		}
		if b := r.Facts.Action; b != nil {
			x.fields["body"], x.fields["against"], x.fields["outcome"] = string(b.Body), b.Against, b.Outcome
		}
		text := []string{r.From.Name, r.From.Says}
		for _, l := range r.Facts.Lines() {
			text = append(text, fmt.Sprintf("%s: %s", l.Label, l.Value))
		}
		x.text = strings.Join(text, "\n")
		all = append(all, x)
	}
	return all, nil
}
