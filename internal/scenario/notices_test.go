package scenario

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/store/storetest"
	"ringfence/policy"
)

// came is a value that a story has given an account.
type came struct {
	of   cpni.ID
	at   time.Time
	text string
}

// Whatever the stories of all files change, no word of a change bears a value that it was changed to, in any form, and none
// goes to a place that is not older than the change by as much as a place of record must be.
//
// cite: P-21, P-25, I-09, V94, V95, 47 CFR 64.2010(f)(2)
func TestNothingOfWhatIsChangedGoesOut(t *testing.T) {
	if testing.Short() {
		t.Skip("it tells every story")
	}
	ctx := context.Background()
	names, err := Files([]string{"../../scenarios"})
	if err != nil {
		t.Fatal(err)
	}
	files, err := ReadFiles(names)
	if err != nil {
		t.Fatal(err)
	}
	set, err := readPolicy(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	book, err := wording.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	changes, pieces := 0, 0
	for _, f := range files {
		for _, s := range f.Scenarios {
			if !slices.ContainsFunc(s.steps, func(x step) bool { return x.verb == "change" || x.verb == "enrol" }) {
				continue
			}
			w, err := newWorld(ctx, s, storetest.Open(t, "memory:"), set)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.build(ctx); err != nil {
				t.Fatalf("%s: %v", s.Name, err)
			}
			n, m := walk(t, w, s, book)
			changes, pieces = changes+n, pieces+m
			w.close()
		}
	}
	if changes < 40 || pieces < 40 {
		t.Errorf("only %d values and %d words of changes were looked at: the test looks in the wrong place", changes, pieces)
	}
	t.Logf("%d values, %d pieces", changes, pieces)
}

// walk tells a story, and looks at all that goes out after each of its steps.
func walk(t *testing.T, w *world, s *Scenario, book *wording.Book) (values, looked int) {
	ctx := context.Background()
	age := contact.RulesOf(w.office.Policy.Numbers(s.start)).AddressOfRecordAge
	var all []came
	for _, x := range s.steps {
		w.take(ctx, x)
		a := args{w, x.args}
		if x.verb == "change" || x.verb == "enrol" {
			of := w.customers[a.text("customer")]
			if c, _, err := w.desk.Get(ctx, w.contact(a.text("contact"))); err == nil {
				of = c.Customer
			}
			for _, text := range valuesOf(a) {
				all = append(all, came{of, w.now(), text})
			}
		}
		if w.down["database"] || w.down["ledger"] {
			continue
		}
		went := w.outside.sent()
		for _, p := range went[looked:] {
			of, m := w.messageOf(t, p.ID)
			if m.Kind != notify.AccountChange && m.Kind != notify.NotMeReceived && m.Kind != notify.NotMeSettled {
				continue
			}
			for _, v := range all {
				if v.of != of {
					continue
				}
				if where, is := book.Reveals(p.Words, []string{v.text}); is {
					t.Errorf("%s, line %d: a word of a change tells what it was changed to, in its %s (P-25, I-09)", s.Name, x.line, where)
				}
				e164, _ := customer.Number(v.text)
				if m.AsOf.Sub(v.at) < age && (strings.EqualFold(p.To, strings.Join(strings.Fields(v.text), " ")) || p.To == e164) {
					t.Errorf("%s, line %d: a word of a change goes to the new place (P-25, I-09)", s.Name, x.line)
				}
			}
		}
		looked = len(went)
	}
	return len(all), looked
}

// valuesOf are the values that a step gives an account.
func valuesOf(a args) []string {
	var all []string
	for _, f := range []string{"postal", "email", "contact-number", "password", "pin", "line-add"} {
		if v := a.text(f); v != "" {
			all = append(all, v)
		}
	}
	if a.has("line-add") {
		all = append(all, a.sub("line-add").text("number"))
	}
	if a.has("authorise") {
		all = append(all, a.sub("authorise").text("name"), a.sub("authorise").text("password"))
	}
	for question, answer := range a.pairs("backup") {
		all = append(all, question, answer)
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

func (w *world) messageOf(t *testing.T, id cpni.ID) (cpni.ID, notify.Message) {
	t.Helper()
	for _, of := range w.customers {
		if m, err := w.office.Outbox.One(context.Background(), of, id); err == nil {
			return of, m
		}
	}
	return "", notify.Message{} // of a customer who was forgotten meanwhile
}
