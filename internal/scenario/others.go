package scenario

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"ringfence/internal/aggregate"
	"ringfence/internal/cpni"
	"ringfence/internal/directory"
)

// otherVerbs are those by which others than customers and partners get something: publishers of directories, and whoever reads figures
// about many.
func otherVerbs() []verb {
	return []verb{
		{name: "extract", fields: []field{need("publisher", word), need("by", staffName), need("kind", oneOf("whole", "update", "withdrawal"))},
			gives:   []given{ok(), deny("ROLE", "UNTRAINED"), rejects("TERMS", "ENDED", "NO_WHOLE")},
			results: []field{may("listings", count), may("taken-out", count), may("has", list(customers)), may("lacks", list(customers))}},
		{name: "figures", fields: []field{need("by", staffName), need("measure", oneOf("customers", "lines", "calls", "minutes")), may("across", list(oneOf("service", "category", "state", "zip", "month"))), need("month", month),
			may("state", text), may("purpose", word), may("to", recipient)},
			gives:   []given{permit(), deny(disclosed()...), rejects("NOT_OVER", "BAD_INPUT")},
			results: []field{may("cells", count), may("smallest", count), may("hidden", flag)}},
	}
}

// extractAct has an extract made for a publisher, who is put on the register when the story first speaks of it, and reads it as the
// publisher does.
//
// cite: P-32, V106, 47 USC 222(e), 47 USC 222(h)(3)
func extractAct(ctx context.Context, w *world, a args) (result, error) {
	d, id, by := w.office.Directory, a.text("publisher"), w.staffIDs[a.text("by")]
	if w.publishers == nil {
		w.publishers = map[string]*age.X25519Identity{}
	}
	if w.publishers[id] == nil {
		key, err := age.GenerateX25519Identity()
		if err != nil {
			return result{}, err
		}
		terms, err := d.Terms(ctx)
		if err == nil && terms == nil {
			terms, err = d.PutTerms(ctx, by, directory.Terms{Whole: 40, Update: 60, Says: "Print them."})
		}
		if err == nil {
			err = d.Put(ctx, by, directory.Publisher{ID: id, Name: id, Key: key.Recipient().String()})
		}
		if err == nil {
			err = d.Agree(ctx, by, id, terms.Version, "a story")
		}
		if err != nil {
			return of(err, result{})
		}
		w.publishers[id] = key
	}
	kind := directory.Kind(a.text("kind"))
	var e *directory.Extract
	var err error
	if kind == directory.Withdrawal {
		e, err = w.withdrawal(ctx, id)
	} else if e, err = d.Ask(ctx, cpni.NewID(), by, id, kind); err == nil {
		err = d.Work(ctx)
	}
	if err != nil || e == nil {
		return of(err, succeeded())
	}
	if e, err = d.One(ctx, e.ID); err != nil {
		return result{}, err
	}
	if e.State == directory.Stopped {
		return result{outcome: cpni.Deny, code: e.Code, fields: map[string]any{}}, nil
	}
	rows, err := w.readExtract(ctx, e.ID, by, id)
	if err != nil {
		return result{}, err
	}
	return w.extracted(ctx, rows)
}

// withdrawal gives the newest withdrawal for a publisher that nobody has fetched; nil: there is none.
func (w *world) withdrawal(ctx context.Context, publisher string) (*directory.Extract, error) {
	if err := w.office.Directory.Due(ctx); err != nil {
		return nil, err
	}
	all, err := w.office.Directory.Extracts(ctx, publisher)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(e directory.Extract) bool { return e.Kind == directory.Withdrawal && e.Fetched.IsZero() })
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

func (w *world) readExtract(ctx context.Context, id, by cpni.ID, publisher string) ([][]string, error) {
	var file bytes.Buffer
	if err := w.office.Directory.File(ctx, id, by, &file); err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(&file, w.publishers[publisher])
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(io.LimitReader(plain, 1<<24)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(err, fmt.Errorf("a file of %d rows", len(rows)))
	}
	return rows[1:], nil
}

// extracted says whose listings a file has.
func (w *world) extracted(ctx context.Context, rows [][]string) (result, error) {
	got := succeeded()
	listings, gone := 0, 0
	numbers := map[string]bool{}
	for _, r := range rows {
		if r[0] == "delete" {
			gone++
			continue
		}
		listings++
		numbers[r[4]] = true
	}
	var has, lacks atLeast
	for name, id := range w.customers {
		p, _, err := w.book.Get(ctx, id)
		if err != nil {
			continue // who is forgotten has no listing
		}
		in := false
		for _, l := range p.Lines {
			in = in || numbers[l.Number]
		}
		if in {
			has = append(has, name)
		} else {
			lacks = append(lacks, name)
		}
	}
	got.fields = map[string]any{"listings": listings, "taken-out": gone, "has": has, "lacks": lacks}
	return got, nil
}

// figuresAct asks for figures about many customers.
//
// cite: P-05, V75, I-20, 47 USC 222(h)(2)
func figuresAct(ctx context.Context, w *world, a args) (result, error) {
	s := aggregate.Spec{Measure: aggregate.Measure(a.text("measure")), From: a.month("month"), To: a.month("month"), Purpose: cpni.OtherMarketing, Recipient: a.text("to")}
	for _, x := range a.words("across") {
		s.By = append(s.By, aggregate.Dimension(x))
	}
	if a.has("purpose") {
		s.Purpose = cpni.Purpose(a.text("purpose"))
	}
	if a.has("state") {
		s.States = []string{a.text("state")}
	}
	r, err := w.office.Aggregate.Ask(ctx, cpni.NewID(), w.staffIDs[a.text("by")], s)
	if err != nil {
		return of(err, result{})
	}
	if err := w.office.Aggregate.Work(ctx); err != nil {
		return result{}, err
	}
	if r, err = w.office.Aggregate.One(ctx, r.ID); err != nil {
		return result{}, err
	}
	decision, err := w.office.Door.Record(ctx, "", r.Entry)
	if err != nil {
		return result{}, err
	}
	return result{outcome: decision.Decision.Outcome, code: decision.Decision.Code, cites: append(slices.Clone(decision.Decision.Clauses), decision.Decision.Cites...),
		fields: map[string]any{"cells": len(r.Result.Cells), "smallest": int(r.Result.Smallest), "hidden": r.Result.Hidden}}, nil
}
