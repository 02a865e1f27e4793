package console

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// searchView is a search of the ledger across customers.
type searchView struct {
	page
	MaySee   bool
	Members  []option
	Kinds    []option
	Asked    searched
	Rows     []foundRow
	Older    string
	Count    string // of decisions across customers; "" of anything else
	Searched bool
}

// searched is what was asked for, as the form has it.
type searched struct{ Customer, Actor, Kind, Outcome, Code, From, To string }

var searchOutcomes = []option{{"", "Any"}, {"refused", "Refused"}}

var searchKinds = []option{{"decision", "Decisions"}, {"attempt", "Attempts"}, {"contact", "Contacts"}, {"lookup", "Look-ups"}, {"change", "Changes"}, {"message", "Messages"}, {"letter", "Letters"}, {"alert", "Alerts"}, {"admin", "Administration"}, {"any", "Everything"}}

// search reads the form and goes to the address of what is found, in which nothing personal stands.
//
// cite: P-41, I-23
func (v *visit) search() error {
	of := ""
	if text := v.field("customer"); text != "" {
		id, refusal, err := v.customerNamed(text)
		if err != nil {
			return err
		}
		if refusal != nil {
			return v.leave(flash{For: "/records/search", Refusal: refusal}, "/records/search")
		}
		of = string(id)
	}
	return v.goTo("/records/search?" + queryOf("customer", of, "actor", v.field("actor"), "kind", v.field("kind"), "outcome", v.field("outcome"), "code", strings.ToUpper(v.field("code")), "from", v.field("from"), "to", v.field("to")))
}

// searchPage shows what a search finds, the newest first.
//
// cite: P-37, P-41, 47 CFR 64.2009(c)
func (v *visit) searchPage() error {
	q := v.r.URL.Query()
	view := searchView{page: v.page("Search the ledger", "/records"), MaySee: v.member.May(staff.See), Kinds: searchKinds,
		Asked: searched{q.Get("customer"), q.Get("actor"), q.Get("kind"), q.Get("outcome"), q.Get("code"), q.Get("from"), q.Get("to")}}
	var err error
	if view.Members, err = v.members(); err != nil {
		return err
	}
	a := &view.Asked
	if !slices.ContainsFunc(searchKinds, func(o option) bool { return o.Value == a.Kind }) {
		a.Kind = "decision"
	}
	ask := watch.Query{Customer: cpni.ID(a.Customer), Actor: a.Actor, Kind: ledger.Kind(a.Kind), Code: cpni.Code(a.Code), Refused: a.Outcome == "refused", Before: cursorOf(q.Get("before")), Limit: rowsOnPage + 1}
	if a.Kind == "any" {
		ask.Kind = ""
	}
	for _, d := range []struct {
		text *string
		into *time.Time
		more int
	}{{&a.From, &ask.From, 0}, {&a.To, &ask.To, 1}} {
		day, err := time.ParseInLocation(time.DateOnly, *d.text, v.office.Zone)
		if err != nil {
			*d.text = ""
			continue
		}
		*d.into = day.AddDate(0, 0, d.more)
	}
	if view.Count, err = v.searchCount(ask); err != nil {
		return err
	}
	found, err := v.office.Watch.Search(v.r.Context(), ask)
	if err != nil {
		return err
	}
	if len(found) > rowsOnPage {
		found = found[:rowsOnPage]
		last := found[rowsOnPage-1]
		view.Older = "/records/search?" + queryOf("customer", a.Customer, "actor", a.Actor, "kind", a.Kind, "outcome", a.Outcome, "code", a.Code, "from", a.From, "to", a.To, "before", fmt.Sprintf("%d.%d", last.At.UnixMicro(), last.Seq))
	}
	for _, f := range found {
		if f.Kind == ledger.Alert && !v.member.May(staff.Watch) || f.Kind == ledger.Alert && f.Actor == string(v.member.ID) {
			continue // alerts are for those who work on them, and not for the one they are about
		}
		if hidden, err := v.office.HiddenFound(v.r.Context(), v.member.ID, f); err != nil {
			return err
		} else if hidden {
			continue
		}
		row, err := v.foundRow(f)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	view.Searched = v.r.URL.RawQuery != ""
	return v.show(http.StatusOK, searchPage(view))
}

// mostSearched is up to how many decisions are counted.
const mostSearched = 10_000

// searchCount says how many decisions a search finds. Of one customer, of one person and of other kinds it says nothing: some of them may be
// hidden from whoever asks, and a number would tell that there are any.
//
// cite: P-29, P-37
func (v *visit) searchCount(q watch.Query) (string, error) {
	if q.Kind != ledger.Decision || q.Customer != "" || q.Actor != "" || q.From.IsZero() {
		return "", nil
	}
	n, err := v.office.Watch.Found(v.r.Context(), q, mostSearched+1)
	if err != nil || n > mostSearched {
		return "more than " + many(mostSearched) + " decisions, ", err
	}
	return counted(n, "decision, ", "decisions, "), nil
}

// cursorOf reads where the page before ended; what is none begins at the newest.
func cursorOf(text string) watch.Cursor {
	at, seq, ok := strings.Cut(text, ".")
	us, err := strconv.ParseInt(at, 10, 64)
	n, err2 := strconv.ParseInt(seq, 10, 64)
	if !ok || err != nil || err2 != nil {
		return watch.Cursor{}
	}
	return watch.Cursor{At: time.UnixMicro(us), Seq: n}
}
