package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/export"
	"ringfence/internal/office"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
)

// partnerPlaces are the companies that the carrier works with, what they hold, and the files that are made for them.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2007(b), 47 CFR 64.2009(c)
func partnerPlaces() []place {
	const one, file = "/partners/{partner}", "/exports/{export}"
	return []place{
		{pattern: "/partners", right: staff.ReadRecords, get: (*visit).partnersPage},
		{pattern: "/partners/new", right: staff.KeepRegisters, get: (*visit).newPartnerPage, post: (*visit).addPartner},
		{pattern: one, right: staff.ReadRecords, get: (*visit).partnerPage},
		{pattern: one + "/contract", right: staff.KeepRegisters, post: (*visit).changePartner, home: one},
		{pattern: one + "/contact", right: staff.KeepRegisters, post: (*visit).changePartnerContact, home: one},
		{pattern: one + "/keys", right: staff.KeepRegisters, post: (*visit).makePartnerKey, home: one},
		{pattern: one + "/keys/revoke", right: staff.KeepRegisters, post: (*visit).revokePartnerKey, home: one},
		{pattern: one + "/secret", right: staff.KeepRegisters, post: (*visit).makePartnerSecret, home: one},
		{pattern: one + "/certificate", right: staff.KeepRegisters, scan: export.MostPaper, post: (*visit).enterCertificate, home: one},
		{pattern: one + "/certificates/{certificate}", right: staff.ReadRecords, get: (*visit).certificatePaper},
		{pattern: "/exports", get: (*visit).exportsPage},
		{pattern: "/exports/new", right: staff.Export, get: (*visit).newExportPage, post: (*visit).proposeExport},
		{pattern: file, get: (*visit).exportPage},
		{pattern: file + "/agree", right: staff.KeepRegisters, post: (*visit).agreeExport, home: file},
		{pattern: file + "/stop", right: staff.KeepRegisters, post: (*visit).stopExport, home: file},
		{pattern: file + "/withdraw", right: staff.KeepRegisters, post: (*visit).withdrawExport, home: file},
		{pattern: file + "/again", right: staff.KeepRegisters, post: (*visit).fetchAgain, home: file},
	}
}

func partnerAddress(id string) string { return "/partners/" + id }

var partnerClasses = map[cpni.PartnerClass]string{"": "not classed: counts as an independent contractor", cpni.Agent: "agent", cpni.AffiliateComm: "affiliate that provides communications services", cpni.AffiliateOther: "affiliate that provides others",
	cpni.JointVenture: "joint venture partner", cpni.IndependentContractor: "independent contractor", cpni.OtherParty: "other third party"}

// partnerRow is a partner in a list.
type partnerRow struct {
	Address, Name, Class, Agreement, Due string
	State                                chip
}

func (v *visit) partnerRow(p partner.Partner) partnerRow {
	r := partnerRow{Address: partnerAddress(p.ID), Name: p.Called(), Class: wordOf(partnerClasses, p.Class), Agreement: "none", Due: "nothing", State: chip{"nothing may be given", ""}}
	a := p.Agreement
	if a != nil {
		r.Agreement = "until " + v.day(a.Until.Add(-time.Second))
	}
	switch {
	case !p.Due.IsZero():
		r.Due = v.day(p.Due)
	case a != nil && !a.DestroyProof && !a.DestroyBy.IsZero():
		r.Due = "everything under the agreement, by " + v.day(a.DestroyBy.Add(-time.Second))
	}
	switch {
	case !p.Due.IsZero() && !v.now.Before(p.Due), a != nil && !a.DestroyProof && !a.Destroyed().IsZero() && !v.now.Before(a.Destroyed()):
		r.State = chip{"late with a certificate: nothing goes to it", "bad"}
	case a == nil, v.now.Before(a.From), !v.now.Before(a.Until):
	case len(a.Purposes) == 0:
		r.State = chip{"no file can be made: for no purpose", "warn"}
	case a.Destroyed().IsZero():
		r.State = chip{"no file can be made: no day of destruction", "warn"}
	case p.Key == "":
		r.State = chip{"no file can be made: no key", "warn"}
	default:
		r.State = chip{"files can be made", "good"}
	}
	return r
}

type partnersView struct {
	page
	Rows    []partnerRow
	Keeps   bool
	Reviews bool // the person may read of the reviews
}

// partnersPage lists the partners.
//
// cite: P-15, P-41
func (v *visit) partnersPage() error {
	all, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return err
	}
	view := partnersView{page: v.page("Partners", "/partners"), Keeps: v.member.May(staff.KeepRegisters), Reviews: v.member.May(staff.ReadRegisters)}
	for _, p := range all {
		view.Rows = append(view.Rows, v.partnerRow(p))
	}
	return v.show(http.StatusOK, partnersPage(view))
}

// contractForm is what a form says of a partner.
type contractForm struct {
	ID, Name, Class, Reference, From, Until, DestroyBy, DestroyDays, Key, Webhook string
	Purposes                                                                      []string
	Words                                                                         []option // of purposes
	Classes                                                                       []option
}

func (f contractForm) has(purpose string) bool { return slices.Contains(f.Purposes, purpose) }

func contractOf(p partner.Partner, zone *time.Location) contractForm {
	f := contractForm{ID: p.ID, Name: p.Name, Class: string(p.Class), Key: p.Key, Webhook: p.Webhook}
	for _, w := range cpni.Purposes {
		f.Words = append(f.Words, option{string(w), wordOf(purposeWords, w)})
	}
	for _, c := range []cpni.PartnerClass{"", cpni.Agent, cpni.AffiliateComm, cpni.AffiliateOther, cpni.JointVenture, cpni.IndependentContractor, cpni.OtherParty} {
		f.Classes = append(f.Classes, option{string(c), wordOf(partnerClasses, c)})
	}
	a := p.Agreement
	if a == nil {
		return f
	}
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format(time.DateOnly)
	}
	f.Reference, f.From, f.DestroyBy = a.Reference, day(a.From), day(a.DestroyBy)
	f.Until = day(a.Until.In(zone).AddDate(0, 0, -1)) // the last day of it
	if a.DestroyDays > 0 {
		f.DestroyDays = strconv.Itoa(a.DestroyDays)
	}
	for _, w := range a.Purposes {
		f.Purposes = append(f.Purposes, string(w))
	}
	return f
}

// contract reads a form over what the register says; what the form does not show stays.
func (v *visit) contract(p partner.Partner) (partner.Partner, error) {
	day := func(name string) (time.Time, error) {
		if v.field(name) == "" {
			return time.Time{}, nil
		}
		t, err := v.dayField(name)
		return t.UTC(), err
	}
	p.Name, p.Class, p.Key, p.Webhook = v.field("name"), cpni.PartnerClass(v.field("class")), v.field("key"), v.field("webhook")
	from, err := day("from")
	until, failed := day("until")
	destroy, broken := day("destroy-by")
	if err := errors.Join(err, failed, broken); err != nil {
		return p, errField("a day of the agreement is none", "give days as year, month and day")
	}
	if until.IsZero() {
		p.Agreement = nil
		return p, nil
	}
	a := partner.Agreement{}
	if p.Agreement != nil {
		a = *p.Agreement
	}
	if !a.DestroyBy.Equal(destroy) {
		a.DestroyProof = false // the certificate was of another day
	}
	a.Reference, a.From, a.DestroyBy, a.DestroyDays, a.Purposes = v.field("reference"), from, destroy, 0, nil
	a.Until = until.In(v.office.Zone).AddDate(0, 0, 1).UTC()
	if n := v.field("destroy-days"); n != "" {
		if a.DestroyDays, err = strconv.Atoi(n); err != nil {
			return p, errField("the days until destruction are no number", "give a number such as 30")
		}
	}
	for _, w := range v.form["purpose"] {
		a.Purposes = append(a.Purposes, cpni.Purpose(w))
	}
	p.Agreement = &a
	return p, nil
}

type newPartnerView struct {
	page
	Form contractForm
}

func (v *visit) newPartnerPage() error {
	return v.show(http.StatusOK, newPartnerPage(newPartnerView{v.page("A new partner", "/partners"), contractOf(partner.Partner{}, v.office.Zone)}))
}

// addPartner puts a partner on the register.
//
// cite: P-15, P-37, P-41
func (v *visit) addPartner() error {
	p := partner.Partner{ID: v.field("id")}
	_, _, err := v.office.Partners.Get(v.r.Context(), p.ID)
	switch {
	case err == nil:
		return v.leave(flash{For: "/partners/new", Refusal: errField("there is a partner of this id already", "open it and change what the register says")}, "/partners/new")
	case !errors.Is(err, partner.ErrNoPartner):
		return err
	}
	if p, err = v.contract(p); err == nil {
		err = p.Check()
	}
	return v.putPartner(p, err, "/partners/new")
}

func (v *visit) putPartner(p partner.Partner, err error, back string) error {
	if err == nil {
		proposal, failed := v.office.PutPartner(v.r.Context(), "", p, v.member.ID)
		if err = failed; err == nil && proposal == nil {
			return v.leave(flash{For: partnerAddress(p.ID), Note: "Done, and on record."}, partnerAddress(p.ID))
		}
		if err == nil {
			return v.proposed(proposal, nil, back)
		}
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: back, Refusal: refusal}, back)
	}
	return err
}

// thePartner gives the partner that the address names.
func (v *visit) thePartner() (partner.Partner, error) {
	p, _, err := v.office.Partners.Get(v.r.Context(), v.r.PathValue("partner"))
	if errors.Is(err, partner.ErrNoPartner) {
		return partner.Partner{}, errNowhere
	}
	if err != nil {
		return partner.Partner{}, err
	}
	return *p, nil
}

// keyRow is a partner's key in a list.
type keyRow struct {
	ID, Name, At, Expires string
	State                 chip
	Holds                 bool
}

// certificateRow is a certificate in a list.
type certificateRow struct{ Address, At, Destroyed, By, Of, OfAddress string }

type partnerView struct {
	page
	ID, Address  string
	Row          partnerRow
	Facts        []fact
	Keeps        bool
	Form         contractForm
	Contact      partner.Contact
	Keys         []keyRow
	Exports      []exportRow
	Held         []exportRow
	Certificates []certificateRow
}

// partnerPage shows what the register says of a partner, what it holds, and what it has proved to be destroyed.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2009(c)
func (v *visit) partnerPage() error {
	ctx := v.r.Context()
	p, err := v.thePartner()
	if err != nil {
		return err
	}
	view := partnerView{page: v.page(p.Called(), "/partners"), ID: p.ID, Address: partnerAddress(p.ID), Row: v.partnerRow(p), Keeps: v.member.May(staff.KeepRegisters), Form: contractOf(p, v.office.Zone)}
	view.Facts = append(v.partnerFactsOf(p), fact{"Next to be destroyed", view.Row.Due})
	if view.Contact, err = v.office.Partners.Contact(ctx, p.ID); err != nil {
		return err
	}
	keys, err := v.office.Partners.Keys(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		r := keyRow{ID: k.ID, Name: k.Name, At: v.clock(k.At), Expires: v.day(k.Expires), State: chip{"in force", "good"}, Holds: true}
		if !k.Revoked.IsZero() {
			r.State, r.Holds = chip{"revoked", ""}, false
		} else if !v.now.Before(k.Expires) {
			r.State, r.Holds = chip{"has ended", ""}, false
		}
		view.Keys = append(view.Keys, r)
	}
	all, err := v.office.Exports.List(ctx, p.ID, mostRunsListed)
	if err != nil {
		return err
	}
	for _, e := range all {
		r, err := v.exportRow(e)
		if err != nil {
			return err
		}
		view.Exports = append(view.Exports, r)
	}
	held, err := v.office.Exports.Held(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, e := range held {
		r, err := v.exportRow(e)
		if err != nil {
			return err
		}
		view.Held = append(view.Held, r)
	}
	certificates, err := v.office.Exports.Certificates(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, c := range certificates {
		r := certificateRow{Address: view.Address + "/certificates/" + string(c.ID), At: v.clock(c.At), Destroyed: v.day(c.Destroyed), By: "the partner", Of: "everything under the agreement"}
		if cpni.ID(c.By).Valid() {
			if r.By, err = v.colleague(cpni.ID(c.By)); err != nil {
				return err
			}
		}
		if c.Export != "" {
			r.Of, r.OfAddress = "one file", exportAddress(c.Export)
		}
		view.Certificates = append(view.Certificates, r)
	}
	return v.show(http.StatusOK, partnerPage(view))
}

// partnerFactsOf tells what the register says, or would say, of a partner.
func (v *visit) partnerFactsOf(p partner.Partner) (all []fact) {
	row := v.partnerRow(p)
	add := func(name, value string) { all = append(all, fact{name, value}) }
	add("Name", row.Name)
	add("Class", row.Class)
	if a := p.Agreement; a != nil {
		add("Agreement", a.Reference+" "+row.Agreement)
		var purposes []string
		for _, w := range a.Purposes {
			purposes = append(purposes, wordOf(purposeWords, w))
		}
		words := strings.Join(purposes, "; ")
		if words == "" {
			words = "none is named, so no file can be made"
		}
		add("For", words)
		switch {
		case a.DestroyDays > 0:
			add("Destroys each file", "within "+strconv.Itoa(a.DestroyDays)+" days")
		case !a.DestroyBy.IsZero():
			add("Destroys everything", "by "+v.day(a.DestroyBy))
		default:
			add("Destroys", "the agreement does not say when, so nothing can be given")
		}
	} else {
		add("Agreement", "none, so nothing can be given")
	}
	key := p.Key
	if key == "" {
		key = "none, so no file can be made"
	}
	add("Files are enciphered to", key)
	if p.Webhook != "" {
		add("Is told at", p.Webhook)
	}
	return all
}

// partnerActView is what a partner could have more.
type partnerActView struct {
	ID     string
	There  bool // it stands on the register
	Widens []string
	Facts  []fact
}

// showPartnerAct shows exactly what the register would come to say, to who agrees.
//
// cite: P-15, P-35, P-37, P-41
func (v *visit) showPartnerAct(act json.RawMessage) (*partnerActView, error) {
	var a office.PartnerAct
	if err := json.Unmarshal(act, &a); err != nil {
		return nil, err
	}
	return &partnerActView{a.Partner.ID, a.Since != 0, a.Widens, v.partnerFactsOf(a.Partner)}, nil
}

// changePartner changes what the register says of a partner; what lets it have more is proposed.
//
// cite: P-15, P-35, P-37, P-41
func (v *visit) changePartner() error {
	p, err := v.thePartner()
	if err != nil {
		return err
	}
	p, err = v.contract(p)
	if err == nil {
		err = p.Check()
	}
	return v.putPartner(p, err, partnerAddress(p.ID))
}

// done sends the browser back to the partner's page, with what there is to say.
func (v *visit) done(err error, address, note string) error {
	return v.told(err, address, note, partner.ErrNoPartner)
}

func (v *visit) changePartnerContact() error {
	id := v.r.PathValue("partner")
	err := v.office.Partners.SetContact(v.r.Context(), id, partner.Contact{Name: v.field("contact-name"), Email: v.field("contact-email"), Phone: v.field("contact-phone")}, string(v.member.ID))
	return v.done(err, partnerAddress(id), "Kept, and on record.")
}

type shownOnceView struct {
	page
	What, Secret, Says, Back string
}

// makePartnerKey makes a key for a partner, and shows it this once.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func (v *visit) makePartnerKey() error {
	id := v.r.PathValue("partner")
	key, err := v.office.Partners.NewKey(v.r.Context(), id, v.field("name"), v.office.Exports.Numbers(v.now).KeyLife, string(v.member.ID))
	if err != nil {
		return v.done(err, partnerAddress(id), "")
	}
	return v.show(http.StatusOK, shownOncePage(shownOnceView{v.page("A partner's key", "/partners"), "The key", key, "Give it to the partner by a way that others cannot read. With it the partner fetches its files and hands in certificates; it opens nothing else, and reads no file.", partnerAddress(id)}))
}

func (v *visit) revokePartnerKey() error {
	id := v.r.PathValue("partner")
	return v.done(v.office.Partners.RevokeKey(v.r.Context(), id, v.form.Get("key"), string(v.member.ID)), partnerAddress(id), "The key is worth nothing from now on.")
}

// makePartnerSecret makes the secret of a partner's webhook, and shows it this once.
//
// cite: P-37, P-41
func (v *visit) makePartnerSecret() error {
	id := v.r.PathValue("partner")
	secret, err := v.office.Partners.NewSecret(v.r.Context(), id, string(v.member.ID))
	if err != nil {
		return v.done(err, partnerAddress(id), "")
	}
	return v.show(http.StatusOK, shownOncePage(shownOnceView{v.page("A partner's secret", "/partners"), "The secret", secret, "The partner checks with it that a call of its webhook is ours, as Standard Webhooks has it.", partnerAddress(id)}))
}

// enterCertificate takes a certificate in, with its paper.
//
// cite: P-35, P-41, 47 CFR 64.2009(c)
func (v *visit) enterCertificate() error {
	id := v.r.PathValue("partner")
	c := export.Certificate{Partner: id, Export: cpni.ID(v.field("export")), By: string(v.member.ID), Paper: export.Paper{Signer: v.field("signer"), Method: v.field("method")}}
	day, err := v.dayField("destroyed")
	if err != nil {
		return v.done(err, partnerAddress(id), "")
	}
	c.Destroyed = day.UTC()
	if len(v.uploads) > 0 {
		u := v.uploads[0]
		c.Paper.Name, c.Paper.Bytes = u.Name, []byte(u.Text)
		c.Paper.Type = paperType(c.Paper.Bytes)
	}
	_, err = v.office.Exports.Certify(v.r.Context(), c)
	return v.done(err, partnerAddress(id), "The certificate is kept, sealed, and on record.")
}

// paperType finds out what a paper is: what the browser says of it counts for nothing.
func paperType(b []byte) string {
	switch kind := http.DetectContentType(b); kind {
	case "application/pdf", "image/png", "image/jpeg":
		return kind
	case "text/plain; charset=utf-8":
		return "text/plain"
	}
	return ""
}

// certificatePaper gives the paper of a certificate as a file: nothing of it is shown within our pages.
//
// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) certificatePaper() error {
	c, err := v.office.Exports.Certificate(v.r.Context(), v.r.PathValue("partner"), v.id("certificate"))
	if errors.Is(err, export.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	ends := map[string]string{"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "text/plain": ".txt"}[c.Paper.Type]
	v.w.Header().Set("Content-Type", c.Paper.Type)
	v.w.Header().Set("Content-Disposition", `attachment; filename="certificate-`+string(c.ID)+ends+`"`)
	_, err = v.w.Write(c.Paper.Bytes)
	return err
}
