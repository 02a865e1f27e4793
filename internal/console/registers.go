package console

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/register"
	"ringfence/internal/staff"
	"ringfence/internal/vault"
)

// registerPlaces are the three registers, each line with its proof, and the files by which they are taken away.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func registerPlaces() []place {
	const campaigns, disclosures, processes = "/registers/campaigns", "/registers/disclosures", "/registers/processes"
	return []place{
		{pattern: "/registers", right: staff.ReadCampaigns, get: (*visit).registersPage},
		{pattern: campaigns, right: staff.ReadCampaigns, get: (*visit).registerPage, post: (*visit).findInRegister},
		{pattern: disclosures, right: staff.ReadRegisters, get: (*visit).registerPage, post: (*visit).findInRegister},
		{pattern: processes, right: staff.ReadRegisters, get: (*visit).registerPage, post: (*visit).findInRegister},
		{pattern: campaigns + "/file", right: staff.ReadCampaigns, post: (*visit).takeRegister, home: campaigns},
		{pattern: disclosures + "/file", right: staff.ReadRegisters, post: (*visit).takeRegister, home: disclosures},
		{pattern: processes + "/file", right: staff.ReadRegisters, post: (*visit).takeRegister, home: processes},
		{pattern: campaigns + "/{line}", right: staff.ReadCampaigns, get: (*visit).campaignLinePage},
		{pattern: processes + "/{line}", right: staff.ReadRegisters, get: (*visit).processLinePage},
		{pattern: disclosures + "/{customer}/{entry}", right: staff.ReadRegisters, get: (*visit).disclosureLinePage},
		{pattern: disclosures + "/{customer}/{entry}/receipt", right: staff.ReadRegisters, get: (*visit).disclosureReceipt},
		{pattern: disclosures + "/destroy", right: staff.Forget, post: (*visit).proposeDestroy, home: disclosures},
	}
}

// registerOf names the register that an address is about.
func (v *visit) registerOf() register.Name {
	for _, n := range register.Names {
		if v.r.URL.Path == registerAddress(n) || strings.HasPrefix(v.r.URL.Path, registerAddress(n)+"/") {
			return n
		}
	}
	return register.Disclosures
}

func registerAddress(n register.Name) string { return "/registers/" + string(n) }

func disclosureAddress(customer, entry cpni.ID) string {
	if customer == "" {
		customer = "-"
	}
	return registerAddress(register.Disclosures) + "/" + string(customer) + "/" + string(entry)
}

// registersView is where one begins.
type registersView struct {
	page
	Registers []registerCard
}

type registerCard struct{ Address, Title, Says, Kept string }

var registerSays = map[register.Name]string{
	register.Campaigns:   "What we, our affiliates and our partners have offered with customers' information: what was used, what was offered, when, to whom, and who reviewed it.",
	register.Disclosures: "Whatever somebody received who is neither the customer nor we ourselves, or was let see: who, when, what, why, and by which rule.",
	register.Processes:   "What courts and authorities have demanded: who issued it, how far it reaches, who reviewed it, and what was released.",
}

// registersPage names the registers.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (v *visit) registersPage() error {
	view := registersView{page: v.page("Registers", "/registers")}
	for _, n := range register.Names {
		if n != register.Campaigns && !v.member.May(staff.ReadRegisters) {
			continue
		}
		view.Registers = append(view.Registers, registerCard{registerAddress(n), n.Title(), registerSays[n], fmt.Sprintf("Each line is kept for %d months at least.", v.office.Registers.Months(n))})
	}
	return v.show(http.StatusOK, registersPage(view))
}

// asked is what a register is asked for, as the form has it.
type askedOfRegister struct{ From, To, Recipient, Named, Purpose, Customer, Campaign, Matter, Text string }

// registerView is a register, or a part of it.
type registerView struct {
	page
	Register   register.Name
	Name       string
	Says       string
	Address    string
	Asked      askedOfRegister
	Filter     string // sealed, for the next page and for files
	Words      string
	Recipients []option
	Purposes   []option
	Columns    []string
	Rows       []registerRow
	Older      string
	Size       string
	MaySee     bool
	Destroys   bool   // may propose to destroy what is over
	OverBefore string // the day before which everything is over
	Narrowed   bool
}

// registerRow is a line.
type registerRow struct {
	Address string
	First   string // the cell that leads to the line
	Cells   []registerCell
}

type registerCell struct {
	Text, More string
	Chip       chip
	Mono       bool
}

const filterPlace = "filter of a register"

// sealFilter writes what is asked for so that nothing of it can be read in an address.
//
// cite: I-23
func (v *visit) sealFilter(a askedOfRegister) (string, error) {
	if a == (askedOfRegister{}) {
		return "", nil
	}
	text, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	sealed, err := v.office.Vault.Seal(v.r.Context(), vault.CarrierID, filterPlace, text)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// filterOf reads what sealFilter has written; what it has not narrows nothing.
func (v *visit) filterOf(text string) askedOfRegister {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || text == "" {
		return askedOfRegister{}
	}
	plain, err := v.office.Vault.OpenState(v.r.Context(), vault.CarrierID, filterPlace, sealed)
	var a askedOfRegister
	if err != nil || json.Unmarshal(plain, &a) != nil {
		return askedOfRegister{}
	}
	return a
}

// queryOfRegister makes the query of what is asked for. Days are the carrier's.
func (v *visit) queryOfRegister(a askedOfRegister) register.Query {
	q := register.Query{Recipient: a.Recipient, Named: a.Named, Purpose: cpni.Purpose(a.Purpose), Customer: cpni.ID(a.Customer), Campaign: cpni.ID(a.Campaign), Matter: a.Matter, Text: a.Text, Viewer: v.member.ID, Limit: rowsOnPage}
	for _, d := range []struct {
		text string
		into *time.Time
		more int
	}{{a.From, &q.From, 0}, {a.To, &q.To, 1}} {
		if day, err := time.ParseInLocation(time.DateOnly, d.text, v.office.Zone); err == nil {
			*d.into = day.AddDate(0, 0, d.more).UTC()
		}
	}
	return q
}

// findInRegister reads the form and goes to the address of what is found, in which nothing of it can be read.
//
// cite: P-41, I-23
func (v *visit) findInRegister() error {
	home := registerAddress(v.registerOf())
	a := askedOfRegister{v.field("from"), v.field("to"), v.field("recipient"), v.field("named"), v.field("purpose"), "", v.field("campaign"), v.field("matter"), v.field("text")}
	if text := v.field("customer"); text != "" {
		id, refusal, err := v.customerNamed(text)
		if err != nil {
			return err
		}
		if refusal != nil {
			return v.leave(flash{For: home, Refusal: refusal}, home)
		}
		a.Customer = string(id)
	}
	sealed, err := v.sealFilter(a)
	if err != nil {
		return err
	}
	if sealed == "" {
		return v.goTo(home)
	}
	return v.goTo(home + "?" + queryOf("f", sealed))
}

// registerPage shows a register, the newest line first. That somebody looks, and for what, is on record before it is shown.
//
// cite: P-37, P-40, P-41, 47 CFR 64.2009(c)
func (v *visit) registerPage() error {
	ctx, n, form := v.r.Context(), v.registerOf(), v.r.URL.Query()
	view := registerView{page: v.page(n.Title(), "/registers"), Register: n, Name: n.Title(), Says: registerSays[n], Address: registerAddress(n), MaySee: v.member.May(staff.See), Filter: form.Get("f")}
	view.Asked = v.filterOf(view.Filter)
	if view.Narrowed = view.Asked != (askedOfRegister{}); !view.Narrowed {
		view.Filter = ""
	}
	q := v.queryOfRegister(view.Asked)
	q.Before, _ = register.ReadCursor(form.Get("before"))
	if err := v.registerChoices(&view); err != nil {
		return err
	}
	view.Words = v.office.Registers.Words(n, q)
	next, size, err := v.registerRows(&view, q)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view.Problem = problemOf(refusal)
		return v.show(http.StatusUnprocessableEntity, registerPage(view))
	}
	if err != nil {
		return err
	}
	if err := v.office.Registers.Look(ctx, v.member.ID, n, q, "", 0); err != nil {
		return err
	}
	if view.Size = "nothing is signed yet"; size > 0 {
		view.Size = "as of the checkpoint of " + many(size) + " entries"
	}
	if next != (register.Cursor{}) {
		view.Older = view.Address + "?" + queryOf("f", view.Filter, "before", next.String())
	}
	if n == register.Disclosures && v.member.May(staff.Forget) {
		view.Destroys, view.OverBefore = true, v.now.In(v.office.Zone).AddDate(0, -v.office.Registers.Months(n), 0).Format(time.DateOnly)
	}
	return v.show(http.StatusOK, registerPage(view))
}

// registerChoices fills the lists of the form.
func (v *visit) registerChoices(view *registerView) error {
	partners, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return err
	}
	for _, k := range register.Kinds() {
		if view.Register == register.Disclosures {
			view.Recipients = append(view.Recipients, option{string(k), capital(register.KindWord(k))})
		}
	}
	for _, p := range partners {
		view.Recipients = append(view.Recipients, option{p.ID, p.Called()})
	}
	for _, p := range cpni.Purposes {
		view.Purposes = append(view.Purposes, option{string(p), capital(register.PurposeWord(p))})
	}
	return nil
}

// registerRows reads a page of a register.
func (v *visit) registerRows(view *registerView, q register.Query) (next register.Cursor, size int64, err error) {
	ctx, b := v.r.Context(), v.office.Registers
	switch view.Register {
	case register.Campaigns:
		view.Columns = []string{"Campaign", "Whose", "Used", "Offered", "Runs", "Reviewed", "Size"}
		p, err := b.Campaigned(ctx, q)
		for _, c := range p.Lines {
			view.Rows = append(view.Rows, v.registeredCampaign(c))
		}
		return p.Next, p.Size, err
	case register.Processes:
		view.Columns = []string{"Number", "Kind", "Issued by", "Reaches", "Reviewed", "Released", "Secret"}
		p, err := b.Processed(ctx, q)
		for _, x := range p.Lines {
			view.Rows = append(view.Rows, v.registeredProcess(x))
		}
		return p.Next, p.Size, err
	}
	view.Columns = []string{"When", "Received by", "What", "Why", "On", "Destruction"}
	p, err := b.Disclosed(ctx, q)
	for _, d := range p.Lines {
		if !view.MaySee {
			d = d.Veil()
		}
		view.Rows = append(view.Rows, v.disclosureRow(d))
	}
	return p.Next, p.Size, err
}

// overChip marks a line whose time is over.
func overChip(over bool) chip {
	if over {
		return chip{"past its time", "warn"}
	}
	return chip{}
}

var destructionTones = map[register.Destruction]string{register.Kept: "", register.Overdue: "bad", register.Proved: "good", register.NoneHeld: ""}

func (v *visit) disclosureRow(d register.Disclosure) registerRow {
	r := registerRow{Address: disclosureAddress(d.Customer, d.Entry), First: v.moment(d.At)}
	on := registerCell{Text: capital(d.Basis.Words())}
	if d.Campaigned != nil {
		on.More = "campaign: " + d.Campaigned.Called()
	}
	if d.Secret {
		on.Chip = chip{"secret", "bad"}
	}
	kept := registerCell{Chip: overChip(d.Over)}
	if f := d.File; f != nil {
		kept = registerCell{Chip: chip{f.State.Words(), destructionTones[f.State]}}
		if !f.DestroyBy.IsZero() {
			kept.More = "by " + v.day(f.DestroyBy)
		}
	}
	if d.Unreadable {
		on.More = "the customer was forgotten"
	}
	r.Cells = []registerCell{{Text: capital(d.To.Words())}, {Text: capital(register.DataWords(d.Data)), More: monthsText(d.Months)}, {Text: capital(register.PurposeWord(d.Purpose))}, on, kept}
	return r
}

// monthsText writes months, given as yyyymm.
func monthsText(all []int) string {
	words := make([]string, len(all))
	for i, m := range all {
		words[i] = fmt.Sprintf("%04d-%02d", m/100, m%100)
	}
	return strings.Join(words, ", ")
}

func (v *visit) spanOf(from, until time.Time) string {
	switch {
	case from.IsZero() && until.IsZero():
		return "no days given"
	case until.IsZero():
		return "from " + v.day(from) + " on"
	case from.IsZero():
		return "through " + v.day(lastOf(until))
	}
	return v.day(from) + " to " + v.day(lastOf(until))
}

// lastOf is the last moment before the first that lies behind a time.
func lastOf(until time.Time) time.Time { return until.Add(-time.Microsecond) }

func (v *visit) registeredCampaign(c register.Campaign) registerRow {
	reviewed := registerCell{Text: "nobody yet"}
	if n := len(c.Reviews); n > 0 {
		reviewed = registerCell{Text: capital(c.Reviews[n-1].Verdict), More: v.day(c.Reviews[n-1].At)}
	}
	size := registerCell{Text: "has not gone out"}
	if c.Included+c.Excluded+c.Sent > 0 {
		size = registerCell{Text: many(int64(c.Included)) + " in", More: many(int64(c.Excluded)) + " left out, " + many(int64(c.Sent)) + " sent"}
	}
	return registerRow{Address: registerAddress(register.Campaigns) + "/" + string(c.ID), First: c.Called(), Cells: []registerCell{{Text: v.whose(c.Whose), More: c.State, Chip: overChip(c.Over)},
		{Text: capital(register.DataWords(c.Data))}, {Text: strings.Join(c.Products, ", "), More: toWords(c.Recipients)}, {Text: v.spanOf(c.From, c.Until)}, reviewed, size}}
}

func toWords(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "to " + strings.Join(all, ", ")
}

// whose names whose campaign it is.
func (v *visit) whose(id string) string {
	if id == "" || id == string(cpni.ToCarrier) {
		return "Our own"
	}
	if p, _, err := v.office.Partners.Recent(v.r.Context(), id); err == nil {
		return p.Called()
	}
	return id
}

func (v *visit) registeredProcess(p register.Process) registerRow {
	secret := registerCell{Text: "No"}
	if p.Secret {
		secret = registerCell{Chip: chip{"secret", "bad"}}
		if !p.SecretBy.IsZero() {
			secret.More = "until " + v.day(p.SecretBy)
		}
	}
	reviewed := registerCell{Text: "nobody yet"}
	if p.Reviewer != "" {
		reviewed.Text = v.memberName(p.Reviewer)
		if !p.Reviewed.IsZero() {
			reviewed.More = v.day(p.Reviewed)
		}
	}
	return registerRow{Address: registerAddress(register.Processes) + "/" + string(p.ID), First: p.Number, Cells: []registerCell{{Text: capital(p.Kind), More: p.State, Chip: overChip(p.Over)}, {Text: p.Issuer, More: v.receivedOn(p.Received)},
		{Text: capital(register.DataWords(p.Scope)), More: v.spanOf(p.Since, p.Before)}, reviewed, {Text: counted(len(p.Released), "release", "releases")}, secret}}
}

func (v *visit) receivedOn(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return "received on " + v.day(t)
}

// memberName names a member of the staff, or gives what stands there where there is none of that id.
func (v *visit) memberName(id cpni.ID) string {
	name, err := v.actor(string(id))
	if err != nil {
		return string(id)
	}
	return name
}
