package scenario

import (
	"context"

	clocks "ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/workday"
)

// filingActs are what the verbs about ways to refuse that failed do.
//
// cite: P-12, 47 CFR 64.2009(f)
func filingActs() map[string]act {
	return map[string]act{"optout-failure": optOutFailure, "optout-letter": optOutLetter, "try-refusals": tryRefusals}
}

// optOutFailure takes a way to refuse in that did not work, and judges it where the story says whether it was an anomaly.
//
// cite: P-12, 47 CFR 64.2009(f), V55, V56, V57
func optOutFailure(ctx context.Context, w *world, a args) (result, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return result{}, err
	}
	f := filing.Facts{Mechanism: a.text("mechanism"), What: "Customers could not refuse in this way; the story says no more.", Found: a.moment("found"), Affected: a.count("affected")}
	if f.Mechanism == "" {
		f.Mechanism = "a way to refuse"
	}
	if f.Found.IsZero() {
		f.Found = w.now()
	}
	x, err := w.office.Filing.Open(ctx, filing.Intake{By: by, Facts: f})
	if err != nil {
		return of(err, result{})
	}
	w.failures[a.text("id")] = x.ID
	if a.has("judged") || a.has("anomaly") {
		x, err = w.office.Filing.Judge(ctx, x.ID, filing.Act{By: by}, filing.Judgement{At: a.moment("judged"), Anomaly: a.flag("anomaly"), Basis: "as the story states it"})
	}
	return w.ofFailure(x, err)
}

// optOutLetter records that the letter was sent. What the story does not say of the remedy and of the notice is lacking; it has a contact, and
// no state commission was notified. Judged says that what was held for an anomaly is judged to be more first.
//
// cite: 47 CFR 64.2009(f)
func optOutLetter(ctx context.Context, w *world, a args) (result, error) {
	by, err := w.handler(ctx, a)
	if err != nil {
		return result{}, err
	}
	desk, id, act := w.office.Filing, w.failures[a.text("failure")], filing.Act{By: by}
	x, err := desk.One(ctx, id, by)
	if err == nil && a.has("judged") {
		x, err = desk.Judge(ctx, id, act, filing.Judgement{At: a.moment("judged"), Basis: "as the story states it"})
	}
	if err == nil && x.State() == filing.Open {
		f := x.Facts
		f.States, f.Contact, f.Notice, f.Remedy = clocks.No, "The carrier's compliance, as the story has it", a.text("notice"), a.text("remedy")
		if f.Remedy != "" {
			f.Remedied = workday.DateIn(w.now(), w.office.Zone)
		}
		x, err = desk.Correct(ctx, id, act, f, "as the story states it")
	}
	if err == nil {
		x, err = desk.File(ctx, id, act, w.now(), a.text("proof"), nil)
	}
	r, err := w.ofFailure(x, err)
	if err == nil && r.outcome == cpni.OK {
		r.fields["late"] = desk.Late(x)
	}
	return r, err
}

// ofFailure tells until when the letter is due.
func (w *world) ofFailure(x *filing.Failure, err error) (result, error) {
	if err != nil {
		return of(err, result{})
	}
	fields := map[string]any{}
	if by := w.office.Filing.LetterBy(x); len(by.Days) > 0 {
		fields["letter-by"] = by.Last.String()
	}
	return result{outcome: cpni.OK, fields: fields}, nil
}
