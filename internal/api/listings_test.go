package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The billing system sets how a directory prints a line: the heading that was assigned, and that no address stands beside it. That the
// address is printed again the customer says, in a contact in which they are proved, and is told of.
//
// cite: P-32, 47 USC 222(e), 47 USC 222(h)(3)
func TestHowDirectoriesPrint(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		ann := s.Customer(t, func(p *customer.Profile) { p.Lines[0].Listed = true })
		number, at := ann.Lines[0].Number, "/v1/customers/"+string(ann.ID)
		_, billing := s.key(t, cpni.RoleSystem)
		member, agent := s.key(t, cpni.RoleAgent)
		printed := func() customer.Listing {
			t.Helper()
			p, _, err := s.Customers.Get(t.Context(), ann.ID)
			if err != nil {
				t.Fatal(err)
			}
			return p.Listings(s.Clock.Now())[0]
		}
		if l := printed(); l.Heading != "" || l.Address == "" {
			t.Fatalf("before: %+v", l)
		}
		lines := func(l object) object { l["number"] = number; return object{"lines": []object{l}} }
		s.do(t, agent, "PATCH", at, lines(object{"heading": "Florists"})).problem(t, http.StatusForbidden, "ROLE")
		for range 2 {
			if a := s.do(t, billing, "PATCH", at, lines(object{"heading": " Florists  and gardeners", "no_address": true})); a.status != http.StatusNoContent {
				t.Fatalf("%d %s", a.status, a.raw)
			}
		}
		if l := printed(); l.Heading != "Florists and gardeners" || l.Address != "" {
			t.Errorf("set: %+v", l)
		}
		if rows, err := s.Ledger.Records(t.Context(), ann.ID, everything); err != nil || len(slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Kind != ledger.Change || r.Actor == "test" })) != 1 {
			t.Errorf("the same twice is recorded once: %+v, %v", rows, err)
		}
		// What is left out stays as it is; an empty heading is none.
		if s.do(t, billing, "PATCH", at, lines(object{"heading": ""})); printed().Heading != "" || printed().Address != "" {
			t.Errorf("without a heading: %+v", printed())
		}
		s.do(t, billing, "PATCH", at, lines(object{"no_address": false})).problem(t, http.StatusForbidden, "UNAUTHENTICATED")
		for _, bad := range []object{{"lines": []object{}}, lines(object{"heading": strings.Repeat("x", 101)}), lines(object{"heading": "a\nb"}), {"lines": []object{{"number": "+12025559999", "heading": "x"}}}} {
			s.do(t, billing, "PATCH", at, bad).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		}
		// The customer says it, and is told; not more than one thing at once.
		contact := "/v1/contacts/" + string(s.Verified(t, member, ann.ID)) + "/changes"
		s.do(t, agent, "POST", contact, object{"printed": object{number: true}, "listed": object{number: false}}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		var told api.Notices
		if s.do(t, agent, "POST", contact, object{"printed": object{number: true}}).into(t, &told); len(told.Notices) == 0 || printed().Address == "" {
			t.Errorf("by the customer: %+v, %+v", told, printed())
		}
		// A customer who comes with the facts has them.
		made := s.do(t, billing, "POST", "/v1/customers", object{"name": "Bo", "postal": "2 Main St, Springfield, VA 22150", "lines": []object{{"number": "+12025551717", "categories": []string{"local"}, "listed": true, "heading": "Bakers", "no_address": true}}})
		var card api.Card
		made.into(t, &card)
		p, _, err := s.Customers.Get(t.Context(), card.ID)
		if err != nil || p.Listings(s.Clock.Now())[0] != (customer.Listing{Line: 1, Number: "+12025551717", Name: "Bo", Heading: "Bakers"}) {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
