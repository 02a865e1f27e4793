package scenario

import (
	"context"
	"errors"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/matter"
	"ringfence/internal/rules"
)

// matterVerbs are what is worked on for customers, beside what a disclosure says of it inline.
func matterVerbs() []verb {
	return []verb{
		{name: "matter", fields: []field{need("id", defines("matter")), need("kind", oneOf(wordsOf(matter.Kinds)...)), may("customer", customers), may("customers", list(customers)), may("lines", list(text)),
			may("by", staffName), may("reference", text), may("why", text), may("data", list(word)), may("partner", word), may("carrier", text), may("alert", text)},
			exactly: [][]string{{"customer", "customers"}},
			gives:   []given{ok(), rejects("BAD_INPUT", "CONFLICT", "VENDOR", "ROLE", "NOT_NECESSARY")}, check: together("lines", "customer")},
		{name: "note-matter", fields: []field{need("matter", refers("matter")), need("by", staffName), need("says", text)}, gives: []given{ok(), rejects("CONFLICT", "ROLE", "BAD_INPUT")}},
		{name: "close-matter", fields: []field{need("matter", refers("matter")), need("by", staffName), need("outcome", oneOf(wordsOf(matter.Outcomes)...)), may("says", text)},
			gives: []given{ok(), rejects("CONFLICT", "ROLE", "REASON")}},
		{name: "matters", fields: []field{may("customer", customers), may("kind", oneOf(wordsOf(matter.Kinds)...)), may("state", oneOf(wordsOf(matter.States)...)), may("idle", flag)},
			gives: []given{ok()}, results: []field{may("count", count), may("outcomes", list(text))}},
	}
}

func matterActs() map[string]act {
	return map[string]act{"matter": openMatter, "note-matter": noteMatter, "close-matter": closeMatter, "matters": listMatters}
}

// who gives the member who works on a matter, or the refusal of one whose work it is not.
func (w *world) who(ctx context.Context, a args, k matter.Kind) (string, error) {
	if !a.has("by") {
		return teller, nil
	}
	m, _, err := w.staff.Recent(ctx, w.staffIDs[a.text("by")])
	if err != nil {
		return "", err
	}
	if refusal := m.Barred(k.Right()); refusal != nil {
		return "", refusal
	}
	return string(m.ID), nil
}

// cite: P-30, P-33, P-34, P-35, 47 USC 222(b), 47 USC 222(d)
func openMatter(ctx context.Context, w *world, a args) (result, error) {
	o := matter.Opening{Kind: matter.Kind(a.text("kind")), Reference: a.text("reference"), Why: a.text("why"), Data: classes(a.words("data")), Partner: a.text("partner"), Carrier: a.text("carrier")}
	if o.Reference == "" {
		o.Reference = a.text("id")
	}
	if o.Why == "" {
		o.Why = "The story wants it."
	}
	if a.has("alert") {
		alert, err := w.alertOf(ctx, cpni.Code(a.text("alert")))
		if err != nil {
			return result{}, err
		}
		o.Alert = alert
	}
	names := a.words("customers")
	if a.has("customer") {
		names = []string{a.text("customer")}
	}
	for _, name := range names {
		o.About = append(o.About, matter.About{Customer: w.customers[name], Lines: a.words("lines")})
	}
	by, err := w.who(ctx, a, o.Kind)
	if err != nil {
		return of(err, result{})
	}
	o.By = by
	m, err := w.office.Matters.Open(ctx, o)
	if err != nil {
		return of(err, result{})
	}
	w.matters[a.text("id")] = m.ID
	return succeeded(), nil
}

func noteMatter(ctx context.Context, w *world, a args) (result, error) {
	m, by, err := w.workOn(ctx, a)
	if err != nil {
		return of(err, result{})
	}
	_, err = w.office.Matters.Note(ctx, m.ID, by, a.text("says"))
	return of(err, succeeded())
}

func closeMatter(ctx context.Context, w *world, a args) (result, error) {
	m, by, err := w.workOn(ctx, a)
	if err != nil {
		return of(err, result{})
	}
	_, err = w.office.Matters.Close(ctx, m.ID, by, matter.Outcome(a.text("outcome")), a.text("says"))
	return of(err, succeeded())
}

func (w *world) workOn(ctx context.Context, a args) (*matter.Matter, string, error) {
	m, err := w.office.Matters.Get(ctx, w.matters[a.text("matter")])
	if err != nil {
		return nil, "", err
	}
	by, err := w.who(ctx, a, m.Kind)
	return m, by, err
}

func listMatters(ctx context.Context, w *world, a args) (result, error) {
	f := matter.Filter{State: matter.State(a.text("state")), Idle: a.flag("idle"), Customer: w.customers[a.text("customer")]}
	if a.has("kind") {
		f.Kinds = []matter.Kind{matter.Kind(a.text("kind"))}
	}
	all, err := w.office.Matters.List(ctx, f)
	if err != nil {
		return result{}, err
	}
	outcomes := make(atLeast, 0, len(all))
	for _, m := range all {
		outcomes = append(outcomes, string(m.Outcome))
	}
	return result{outcome: cpni.OK, fields: map[string]any{"count": len(all), "outcomes": outcomes}}, nil
}

// behind has the register know what a disclosure says of its case, ticket or order inline: the words of the story are the
// carrier's own system, which tells the register. A story that speaks of one number for several customers means one for each.
func (w *world) behind(ctx context.Context, r *disclose.Request) error {
	whose := r.Customer
	if whose == "" && r.Contact != "" {
		if s, _, err := w.desk.Get(ctx, r.Contact); err == nil {
			whose = s.Customer
		}
	}
	for _, c := range []struct {
		is   *rules.Case
		kind matter.Kind
	}{{r.Case, matter.Protection}, {r.Ticket, matter.Ticket}, {r.Order, matter.Order}} {
		if c.is == nil || !whose.Valid() {
			continue
		}
		id, err := w.stands(ctx, c.kind, c.is, whose)
		if len(w.down) > 0 && err != nil {
			continue // nothing can be written now, and the door says so
		}
		if err != nil {
			return err
		}
		if id != "" {
			c.is.ID = string(id)
		}
	}
	return nil
}

// stands opens or closes a matter, so that it stands as a story says, and keeps what that writes out of what the story counts.
func (w *world) stands(ctx context.Context, k matter.Kind, is *rules.Case, of cpni.ID) (cpni.ID, error) {
	reference := is.ID + " of " + w.names[of]
	m, err := w.office.Matters.Find(ctx, reference, k)
	if err != nil && !errors.Is(err, matter.ErrNone) {
		return "", err
	}
	written := 0
	if m == nil || is.Open && m.State == matter.Closed {
		if m, err = w.office.Matters.Open(ctx, matter.Opening{Kind: k, Reference: reference, Why: "The story says so.", About: []matter.About{{Customer: of}}, Data: slices.Clone(k.Most()), By: teller}); err != nil {
			return "", err
		}
		written++
	}
	if !is.Open && m.State == matter.Open {
		if _, err := w.office.Matters.Close(ctx, m.ID, teller, matter.Done, "The story says so."); err != nil {
			return "", err
		}
		written++
	}
	if written == 0 {
		return m.ID, nil
	}
	rows, err := w.ledger.Records(ctx, of, ledger.Filter{Kind: ledger.Change, Limit: written})
	for _, row := range rows {
		w.before[row.ID] = true
	}
	return m.ID, err
}
