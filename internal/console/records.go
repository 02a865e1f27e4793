package console

import (
	"errors"
	"fmt"
	"net/http"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

// recordsView is where one begins to read what is on record about a customer.
type recordsView struct {
	page
	MaySee bool // may find customers by what they are called
	Found  []card
}

func (v *visit) recordsPage() error {
	return v.show(http.StatusOK, recordsPage(recordsView{page: v.page("Records", "/records"), MaySee: v.member.May(staff.See)}))
}

// findRecords goes to the records of a customer. Who may not find customers by number or name has the customer's id from
// elsewhere.
//
// cite: P-37, I-23
func (v *visit) findRecords() error {
	text := v.field("number")
	ids := []cpni.ID{cpni.ID(text)}
	var err error
	if !ids[0].Valid() {
		ids = nil
		if v.member.May(staff.See) && text != "" {
			if ids, err = v.office.Customers.Search(v.r.Context(), text); err != nil {
				return err
			}
		}
	}
	if len(ids) == 1 {
		return v.goTo(recordsAddress(ids[0]))
	}
	view := recordsView{page: v.page("Records", "/records"), MaySee: v.member.May(staff.See)}
	for _, id := range ids[:min(len(ids), mostFound)] {
		p, _, err := v.office.Customers.Get(v.r.Context(), id)
		if err != nil {
			return err
		}
		c := v.cardOf(p)
		c.Address = recordsAddress(id)
		view.Found = append(view.Found, c)
	}
	if err := v.viewed(watch.List, view.Found...); err != nil {
		return err
	}
	if len(ids) == 0 {
		view.Problem = &problemView{Code: "NOT_FOUND", Says: "Nobody was found by this.", Next: []string{"Give the customer's id of 26 characters, as decisions and exports show it."}}
		if view.MaySee {
			view.Problem.Next = append(view.Problem.Next, "Or a number, an account, an e-mail address or a full name.")
		}
	}
	return v.show(http.StatusOK, recordsPage(view))
}

// entriesView lists what is on record about a customer, newest first.
type entriesView struct {
	page
	Customer cpni.ID
	Name     string // for who may see it
	Card     string // address of the customer's page, likewise
	Kinds    []navItem
	Kind     string
	Rows     []entryRow
	Older    string
}

type entryRow struct {
	Address, At, Who, Purpose, To, Outcome, Tone, Code string
	Short                                              string // the end of the entry's id, which tells it from its neighbours
}

const rowsOnPage = 50

// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) entriesPage() error {
	ctx, id := v.r.Context(), v.id("customer")
	if !id.Valid() {
		return errNowhere
	}
	kind, before := ledger.Kind(v.r.URL.Query().Get("kind")), cpni.ID(v.r.URL.Query().Get("before"))
	if _, ok := kindWords[kind]; !ok {
		kind = ledger.Decision
	}
	if !before.Valid() {
		before = ""
	}
	rows, err := v.office.Ledger.Records(ctx, id, ledger.Filter{Kind: kind, Before: before, Limit: rowsOnPage + 1})
	if err != nil {
		return err
	}
	view := entriesView{page: v.page("Records", "/records"), Customer: id, Kind: kindWords[kind]}
	p, _, err := v.office.Customers.Get(ctx, id)
	switch {
	case errors.Is(err, customer.ErrNoCustomer), errors.Is(err, vault.ErrForgotten):
		if known, err := v.office.Ledger.Records(ctx, id, ledger.Filter{Limit: 1}); err != nil || len(known) == 0 {
			return errors.Join(err, errNowhere)
		}
		view.Note = "The key of this customer has been destroyed: what was sealed can be read by nobody. The entries stand in the ledger, and it still verifies."
	case err != nil:
		return err
	case v.member.May(staff.See):
		view.Name, view.Card = p.Name, customerAddress(id)
	}
	for _, k := range []ledger.Kind{ledger.Decision, ledger.Attempt, ledger.Contact, ledger.Lookup, ledger.Change, ledger.Message, ledger.Letter, ledger.Alert} {
		view.Kinds = append(view.Kinds, navItem{kindWords[k], recordsAddress(id) + "?kind=" + string(k), k == kind})
	}
	view.Kinds = append(view.Kinds, navItem{"Approvals", recordsAddress(id) + "/approvals", false})
	if len(rows) > rowsOnPage {
		rows = rows[:rowsOnPage]
		view.Older = fmt.Sprintf("%s?kind=%s&before=%s", recordsAddress(id), kind, rows[rowsOnPage-1].ID)
	}
	for _, r := range rows {
		if hidden, err := v.office.HiddenFrom(ctx, v.member.ID, r); err != nil {
			return err
		} else if hidden {
			continue
		}
		row, err := v.entryRow(r)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, row)
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Records, id); err != nil {
		return err
	}
	return v.show(http.StatusOK, entriesPage(view))
}

func (v *visit) entryRow(r ledger.Row) (entryRow, error) {
	row := entryRow{Address: recordsAddress(r.Customer) + "/" + string(r.ID), At: v.moment(r.At), Purpose: wordOf(purposeWords, cpni.Purpose(r.Purpose)),
		To: capital(wordOf(recipientWords, cpni.RecipientKind(r.Recipient))), Outcome: outcomeWords[r.Outcome], Code: string(r.Code), Short: "…" + string(r.ID[max(0, len(r.ID)-8):])}
	switch r.Outcome {
	case cpni.Permit, cpni.OK:
		row.Tone = "good"
	default:
		row.Tone = "bad"
	}
	var err error
	row.Who, err = v.actor(r.Actor)
	return row, err
}

var outcomeWords = map[cpni.Outcome]string{cpni.Permit: "permitted", cpni.OK: "done", cpni.Deny: "refused", cpni.Hold: "held", cpni.Reject: "rejected"}

// actor names who did something.
func (v *visit) actor(id string) (string, error) {
	m, _, err := v.office.Staff.Recent(v.r.Context(), cpni.ID(id))
	switch {
	case errors.Is(err, staff.ErrNone):
		return capital(id), nil
	case err != nil:
		return "", err
	}
	return m.Name, nil
}
