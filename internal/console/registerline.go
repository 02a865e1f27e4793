package console

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/staff"
)

// lineView is one line of a register, with its proof.
type lineOfRegister struct {
	page
	Register register.Name
	Name     string
	Title    string
	Back     string
	Facts    []fact
	Says     []string // the rules that permitted it, in words
	Record   string   // address of the entry, for who may read it
	Receipt  string   // address of the receipt
	Proof    *proofView
	Waits    string
	Entries  []entryLink // of a campaign or a process
	Over     string
	Secret   bool
}

type entryLink struct{ Text, Address, Proof string }

// disclosureLinePage shows a line of the register of disclosures with the proof that it is in the log.
//
// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) disclosureLinePage() error {
	ctx, customer, entry := v.r.Context(), v.id("customer"), v.id("entry")
	if customer == "-" {
		customer = ""
	}
	d, err := v.office.OneDisclosure(ctx, v.member.ID, customer, entry)
	if err != nil {
		return err
	}
	if !v.member.May(staff.See) {
		d = d.Veil()
	}
	view := lineOfRegister{page: v.page("A disclosure", "/registers"), Register: register.Disclosures, Name: register.Disclosures.Title(), Title: capital(register.DataWords(d.Data)) + " to " + d.To.Words(),
		Back: registerAddress(register.Disclosures), Secret: d.Secret, Receipt: disclosureAddress(customer, entry) + "/receipt"}
	add := func(name, value string) {
		if value != "" {
			view.Facts = append(view.Facts, fact{name, value})
		}
	}
	add("Received by", capital(d.To.Words()))
	add("When", v.moment(d.At))
	add("What", capital(register.DataWords(d.Data)))
	add("Of the months", monthsText(d.Months))
	add("Why", capital(register.PurposeWord(d.Purpose)))
	add("How", capital(wordOf(viaWords, d.Via)))
	add("Rests on", capital(d.Basis.Words()))
	reviewer := d.Basis.Reviewer
	if id := cpni.ID(reviewer); id.Valid() {
		reviewer = v.memberName(id)
	}
	add("Reviewed by", reviewer)
	add("Asked by", v.memberName(cpni.ID(d.Actor)))
	add("Customer", string(d.Customer))
	if c := d.Campaigned; c != nil {
		add("Campaign", c.Called())
	} else {
		add("Campaign", string(d.Campaign))
	}
	if f := d.File; f != nil {
		add("File", string(f.ID))
		if !f.DestroyBy.IsZero() {
			add("To be destroyed by", v.day(f.DestroyBy))
		}
		add("Destruction", capital(f.State.Words()))
		if !f.Certified.IsZero() {
			add("Certified", v.day(f.Certified))
		}
	}
	if d.Over {
		view.Over = "It has been kept for as long as it must be. Two people can have it destroyed."
	} else {
		view.Over = "It is kept at least until " + v.day(v.office.Registers.Until(register.Disclosures, d.At)) + "."
	}
	if d.Unreadable {
		view.Note = "The key of this customer has been destroyed: beyond what the entry itself says nothing can be read by anybody."
	}
	if view.Says, err = v.office.Registers.Reasons(ctx, d); err != nil {
		return err
	}
	if customer != "" && v.member.May(staff.ReadRecords) {
		view.Record = recordsAddress(customer) + "/" + string(entry)
	}
	if view.Proof, view.Waits, err = v.proofOf(customer, entry); err != nil {
		return err
	}
	return v.show(http.StatusOK, registerLinePage(view))
}

// proofOf gives the proof of an entry, or why there is none yet.
func (v *visit) proofOf(customer, entry cpni.ID) (*proofView, string, error) {
	in, err := v.office.Ledger.Prove(v.r.Context(), customer, entry)
	if errors.Is(err, ledger.ErrNotYet) {
		return nil, sentence(err.Error()), nil
	}
	if err != nil {
		return nil, "", err
	}
	return proofViewOf(in), "", nil
}

// disclosureReceipt gives the receipt of a line, which says that it stands in the log and nothing of what was recorded.
//
// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) disclosureReceipt() error {
	ctx, customer, entry := v.r.Context(), v.id("customer"), v.id("entry")
	if customer == "-" {
		customer = ""
	}
	if _, err := v.office.OneDisclosure(ctx, v.member.ID, customer, entry); err != nil {
		return err
	}
	file, err := v.office.Ledger.ReceiptFile(ctx, customer, entry, nil)
	if err != nil {
		return err
	}
	text, err := file.Bytes()
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Content-Disposition", `attachment; filename="receipt-`+string(entry)+`.json"`)
	_, err = v.w.Write(text)
	return err
}

// campaignLinePage shows a line of the register of campaigns, with every entry of the ledger about it.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (v *visit) campaignLinePage() error {
	ctx := v.r.Context()
	c, ok, err := v.office.Registers.OneCampaign(ctx, v.id("line"))
	if err != nil {
		return err
	}
	if !ok {
		return errNowhere
	}
	if err := v.office.Registers.Look(ctx, v.member.ID, register.Campaigns, register.Query{Campaign: c.ID}, "", 0); err != nil {
		return err
	}
	view := lineOfRegister{page: v.page("A campaign", "/registers"), Register: register.Campaigns, Name: register.Campaigns.Title(), Title: c.Called(), Back: registerAddress(register.Campaigns)}
	add := func(name, value string) {
		if value != "" {
			view.Facts = append(view.Facts, fact{name, value})
		}
	}
	add("Description", c.Description)
	add("Whose", v.whose(c.Whose))
	add("State", capital(c.State))
	add("Information used", capital(register.DataWords(c.Data)))
	add("Offered", strings.Join(c.Products, ", "))
	add("For", capital(register.PurposeWord(c.Purpose)))
	add("Who receives it", strings.Join(c.Recipients, ", "))
	add("By", c.Channel)
	add("Runs", v.spanOf(c.From, c.Until))
	add("Audience", c.Audience)
	if c.By != "" {
		add("Written by", v.memberName(c.By))
	}
	for _, r := range c.Reviews {
		add("Reviewed", fmt.Sprintf("%s by %s on %s", r.Verdict, v.memberName(r.By), v.moment(r.At)))
	}
	if c.Included+c.Excluded+c.Sent > 0 {
		add("Size", fmt.Sprintf("%s customers in, %s left out, %s sent", many(int64(c.Included)), many(int64(c.Excluded)), many(int64(c.Sent))))
	}
	view.Over = v.overWords(register.Campaigns, c.Over)
	if view.Entries, err = v.entryLinks(c.Entries); err != nil {
		return err
	}
	return v.show(http.StatusOK, registerLinePage(view))
}

func (v *visit) overWords(n register.Name, over bool) string {
	if over {
		return "It has been kept for as long as it must be."
	}
	return fmt.Sprintf("It is kept for %d months from the last that happened to it on.", v.office.Registers.Months(n))
}

// entryLinks proves the entries of a line.
func (v *visit) entryLinks(ids []cpni.ID) ([]entryLink, error) {
	var all []entryLink
	for _, id := range ids {
		proof, waits, err := v.proofOf("", id)
		if errors.Is(err, ledger.ErrNoRecord) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l := entryLink{Text: string(id), Proof: waits}
		if proof != nil {
			l.Proof = fmt.Sprintf("leaf %s of the tree of %s that was signed", many(proof.Index), many(proof.Size))
		}
		all = append(all, l)
	}
	return all, nil
}

// processLinePage shows a line of the register of legal process, with what was released on it.
//
// cite: P-29, 47 CFR 64.2009(c)
func (v *visit) processLinePage() error {
	ctx := v.r.Context()
	p, ok, err := v.office.Registers.OneProcess(ctx, v.member.ID, v.id("line"))
	if err != nil {
		return err
	}
	if !ok {
		return errNowhere
	}
	if err := v.office.Registers.Look(ctx, v.member.ID, register.Processes, register.Query{Matter: p.Number}, "", 0); err != nil {
		return err
	}
	view := lineOfRegister{page: v.page("Legal process", "/registers"), Register: register.Processes, Name: register.Processes.Title(), Title: capital(p.Kind) + " " + p.Number, Back: registerAddress(register.Processes), Secret: p.Secret}
	add := func(name, value string) {
		if value != "" {
			view.Facts = append(view.Facts, fact{name, value})
		}
	}
	add("Issued by", p.Issuer)
	add("State", capital(p.State))
	if !p.Received.IsZero() {
		add("Received", v.day(p.Received))
	}
	add("Reaches", capital(register.DataWords(p.Scope)))
	add("Records of", v.spanOf(p.Since, p.Before))
	add("In force", v.spanOf(p.From, p.Until))
	if p.Reviewer != "" {
		add("Reviewed by", v.memberName(p.Reviewer))
	}
	if p.Secret {
		until := "until it is lifted"
		if !p.SecretBy.IsZero() {
			until = "until " + v.day(p.SecretBy)
		}
		add("Secret", "The customer must not be told "+until)
	}
	view.Over = v.overWords(register.Processes, p.Over)
	for _, r := range p.Released {
		view.Entries = append(view.Entries, entryLink{Text: "Released on " + v.moment(r.At), Address: disclosureAddress(r.Customer, r.Entry)})
	}
	more, err := v.entryLinks(p.Entries)
	if err != nil {
		return err
	}
	view.Entries = append(view.Entries, more...)
	return v.show(http.StatusOK, registerLinePage(view))
}
