package portal

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
)

// heldPlaces are where customers see what is held about them, counted.
//
// cite: P-06, 47 USC 222(h)(1)
func heldPlaces() []place {
	return []place{
		{"GET " + heldPath, visiting((*Portal).held)},
	}
}

const heldPath = "/account/held"

// heldView is what is held about a customer.
type heldView struct {
	visit
	Classes []heldClass
	Lines   []string
	Account []string // sentences about the account itself
	Record  []string // sentences about what is on record
}

// heldClass is one class in the words of the page.
type heldClass struct {
	Title, What   string
	Much          string // how much, since when; "" nothing is held
	From, Kept    string
	May           string
	CanBeSeen     bool
	DownloadClass cpni.DataClass
}

// held counts what is held. Nothing is opened for it.
//
// cite: P-06, P-41
func (p *Portal) held(w http.ResponseWriter, r *http.Request, v visit) error {
	h, err := p.office.Accounting.Holdings(r.Context(), v.Customer)
	if err != nil {
		return err
	}
	view := heldView{visit: v.titled("held")}
	for _, c := range h.Classes {
		view.Classes = append(view.Classes, heldClassOf(v.Language, c))
	}
	now := p.office.Clock.Now()
	for _, l := range h.Profile.LiveLines(now) {
		view.Lines = append(view.Lines, l.Number)
	}
	add := func(to *[]string, is bool, key string, a ...any) {
		if is {
			*to = append(*to, fmt.Sprintf(v.says(key), a...))
		}
	}
	add(&view.Account, true, "held-account-since", dayOf(v.Language, h.Profile.Since.In(p.office.Zone)))
	add(&view.Account, len(view.Lines) > 0, "held-account-lines", strings.Join(view.Lines, ", "))
	postal, email := 0, 0
	for _, a := range h.Profile.Postal {
		if a.On(now) {
			postal++
		}
	}
	for _, a := range h.Profile.Email {
		if a.On(now) {
			email++
		}
	}
	add(&view.Account, true, "held-account-places", postal, email, len(h.Profile.ContactNumbers))
	if s := h.Profile.Credentials.Password; s != nil && !s.Set.IsZero() {
		add(&view.Account, true, "held-account-password", dayOf(v.Language, s.Set.In(p.office.Zone)))
	}
	add(&view.Account, len(h.Profile.Authorised) > 0, "held-account-people", len(h.Profile.Authorised))
	add(&view.Record, h.Records.N > 0, "held-record-entries", h.Records.N, dayOf(v.Language, h.Records.Since.In(p.office.Zone)))
	add(&view.Record, h.Messages.N > 0, "held-record-messages", h.Messages.N)
	add(&view.Record, true, "held-record-kept", h.Kept.Disclosures, h.Kept.Approvals, h.Kept.Notices)
	p.show(w, r, http.StatusOK, heldPage(view))
	return nil
}

func heldClassOf(language string, c accounting.Held) heldClass {
	word := func(key string) string { return say(language, key) }
	of := string(c.Class)
	out := heldClass{Title: word("held-title-" + of), What: word("held-what-" + of), From: word("held-from-" + of), Kept: word("held-kept-" + of), DownloadClass: c.Class,
		CanBeSeen: c.Count > 0 && slices.Contains(downloadClasses, c.Class)}
	if c.Count > 0 {
		out.Much = fmt.Sprintf(word("held-much-"+of), c.Count)
		if c.First > 0 {
			out.Much += " " + fmt.Sprintf(word("held-months"), monthsWord(language, c.First, c.Last))
		}
	}
	out.May = word("held-may-" + of)
	if len(c.May) > 0 {
		out.May += " " + fmt.Sprintf(word("held-may-named"), strings.Join(c.May, ", "))
	}
	return out
}
