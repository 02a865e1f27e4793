package scenario

import (
	"context"

	"ringfence/internal/contact"
)

func simVerbs() []verb {
	return []verb{
		{name: "sim-change", fields: []field{need("id", defines("sim-change")), need("contact", refers("contact")), need("number", text)},
			gives: []given{ok(), rejects("NOT_APPLICABLE", "UNAUTHENTICATED", "ENROL", "SIM_LOCKED", "NO_PLACE", "FROZEN", "BAD_INPUT")}, results: []field{may("notices", planned)}},
		{name: "sim-done", fields: []field{need("change", refers("sim-change")), need("by", staffName)},
			gives: []given{ok(), rejects("NOT_APPLICABLE", "NOT_FOUND", "SIM_LOCKED", "NOT_TOLD", "FROZEN", "ENDED", "BAD_INPUT")}},
		{name: "sim-lock", fields: []field{need("contact", refers("contact")), may("lifted", flag)},
			gives: []given{ok(), rejects("NOT_APPLICABLE", "UNAUTHENTICATED", "ENROL", "FROZEN")}, results: []field{may("notices", planned)}},
	}
}

// simActs are what the verbs about SIM cards do.
//
// cite: P-23, 47 CFR 64.2010(h), V114
func simActs() map[string]act {
	return map[string]act{"sim-change": askSIM, "sim-done": doSIM, "sim-lock": lockSIM}
}

func askSIM(ctx context.Context, w *world, a args) (result, error) {
	id := w.contact(a.text("contact"))
	change, notices, err := w.desk.AskSIM(ctx, contact.SIMRequest{Contact: id, Number: a.text("number")})
	if err != nil {
		return of(err, result{})
	}
	s, _, err := w.desk.Get(ctx, id)
	if err != nil {
		return result{}, err
	}
	w.sims[a.text("id")] = simAsked{s.Customer, change}
	r := succeeded()
	r.fields = map[string]any{"notices": noticesOf(notices)}
	return r, nil
}

func doSIM(ctx context.Context, w *world, a args) (result, error) {
	asked := w.sims[a.text("change")]
	return of(w.desk.DoSIM(ctx, asked.customer, asked.change, string(w.staffIDs[a.text("by")])), succeeded())
}

func lockSIM(ctx context.Context, w *world, a args) (result, error) {
	notices, err := w.desk.LockSIM(ctx, w.contact(a.text("contact")), !a.flag("lifted"))
	if err != nil {
		return of(err, result{})
	}
	r := succeeded()
	r.fields = map[string]any{"notices": noticesOf(notices)}
	return r, nil
}
