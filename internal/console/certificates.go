package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// certificatePlaces are the files of the annual certificates. Compliance writes them; an officer is led through and signs.
//
// cite: P-37, 47 CFR 64.2009(e)
func certificatePlaces() []place {
	const list, one = "/certificates", "/certificates/{year}"
	const step = one + "/walk/{step}"
	const read, write = staff.ReadRegisters, staff.KeepRegisters
	return []place{
		{pattern: list, right: read, get: (*visit).certificatesPage},
		{pattern: one, right: read, get: (*visit).certificatePage},
		{pattern: one + "/fields", right: write, get: (*visit).certificateFieldsPage, post: (*visit).amendCertificate, long: true},
		{pattern: one + "/preview", right: read, get: (*visit).certificatePreview},
		{pattern: one + "/certificate.pdf", right: read, get: (*visit).certificatePDF},
		{pattern: one + "/papers/{n}", right: read, get: (*visit).yearPaper},
		{pattern: one + "/walk", right: write, get: (*visit).walkPage, post: (*visit).beginWalk},
		{pattern: step, right: write, get: (*visit).walkStepPage, post: (*visit).confirmStep, long: true},
		{pattern: step + "/again", right: write, post: (*visit).decideAgain, home: step},
		{pattern: one + "/sign", right: write, proved: true, get: (*visit).signPage, post: (*visit).signCertificate},
		{pattern: one + "/filed", right: write, post: (*visit).fileCertificate, home: one, scan: certificate.MostPaper},
		{pattern: one + "/reopen", right: write, post: (*visit).reopenCertificate, home: one, long: true},
	}
}

func certificateAddress(year int) string { return "/certificates/" + strconv.Itoa(year) }

// year is that of the address.
func (v *visit) year() (int, error) {
	n, err := strconv.Atoi(v.r.PathValue("year"))
	if err != nil || n < 1 || n > 9999 {
		return 0, errNowhere
	}
	return n, nil
}

// certificateOf gives the file of the address.
func (v *visit) certificateOf() (*certificate.File, error) {
	year, err := v.year()
	if err != nil {
		return nil, err
	}
	f, err := v.office.Certificates.One(v.r.Context(), year, v.member.ID)
	if errors.Is(err, certificate.ErrNone) {
		return nil, errNowhere
	}
	return f, err
}

func (v *visit) certificateState(f *certificate.File) chip {
	switch {
	case f.State() == certificate.Filed && f.Receipt.Late:
		return chip{"Filed late", "bad"}
	case f.State() == certificate.Filed:
		return chip{"Filed", "good"}
	case v.office.Certificates.Late(f):
		return chip{"Late", "bad"}
	case f.State() == certificate.Signed:
		return chip{"Signed, to be filed", "warn"}
	case f.Walk != nil && f.Walk.Done():
		return chip{"To be signed", "warn"}
	case f.Walk != nil:
		return chip{"An officer is led through it", "warn"}
	}
	return chip{"Being written", ""}
}

// certificateYear is a year as the list has it.
type certificateYear struct {
	Address, Year, Due, Plan string
	State                    chip
	Left, Tone               string
}

// certificatesView lists years.
type certificatesView struct {
	page
	Rows []certificateYear
}

// certificatesPage lists the years, the newest first.
//
// cite: 47 CFR 64.2009(e), V107, V108
func (v *visit) certificatesPage() error {
	all, err := v.office.Certificates.Years(v.r.Context(), v.member.ID)
	if err != nil {
		return err
	}
	view := certificatesView{page: v.page("Annual certificates", "/certificates")}
	for _, f := range all {
		due := v.office.Certificates.DueOf(f.Year)
		r := certificateYear{Address: certificateAddress(f.Year), Year: strconv.Itoa(f.Year), Due: dated(due.By), Plan: dated(due.Plan), State: v.certificateState(f)}
		if f.State() != certificate.Filed {
			r.Left, r.Tone = daysLeft(workday.DateIn(v.now, v.office.Zone).DaysUntil(due.By))
		}
		view.Rows = append(view.Rows, r)
	}
	return v.show(http.StatusOK, certificatesPage(view))
}

// certificatesWait says in one line each what waits about certificates: of each year that is not filed, to those who write and sign them.
//
// cite: 47 CFR 64.2009(e), V107
func (v *visit) certificatesWait() (all []waiting, err error) {
	if !v.member.May(staff.KeepRegisters) || !v.member.May(staff.ReadRegisters) {
		return nil, nil
	}
	files, err := v.office.Certificates.Years(v.r.Context(), v.member.ID)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.State() == certificate.Filed {
			continue
		}
		by := dated(v.office.Certificates.DueOf(f.Year).By)
		w := waiting{fmt.Sprintf("The certificate for %d is being written; it is due by %s", f.Year, by), certificateAddress(f.Year), ""}
		switch over := v.now.In(v.office.Zone).Year() > f.Year; {
		case v.office.Certificates.Late(f):
			w.Text, w.Tone = fmt.Sprintf("The certificate for %d is late: it was due by %s", f.Year, by), "bad"
		case f.State() == certificate.Signed:
			w.Text, w.Tone = fmt.Sprintf("The certificate for %d is signed and to be filed by %s", f.Year, by), "warn"
		case over:
			w.Text, w.Tone = fmt.Sprintf("The certificate for %d is to be signed and filed by %s", f.Year, by), "warn"
		}
		all = append(all, w)
	}
	return all, nil
}

// certificateFile is what stands at the top of the pages of a year.
type certificateFile struct {
	page
	Year, Address string
	Chips         []chip
	Key           cpni.ID
	Version       string
	May           bool // the person may write into it
	Officer       bool // the person may be led through it and sign
	Signed        bool
}

func (v *visit) certificateFile(f *certificate.File) certificateFile {
	title := "Certificate for " + strconv.Itoa(f.Year)
	return certificateFile{page: v.page(title, "/certificates"), Year: strconv.Itoa(f.Year), Address: certificateAddress(f.Year), Chips: []chip{v.certificateState(f)}, Key: cpni.NewID(), Version: strconv.FormatInt(f.Version+1, 10),
		May: v.member.May(staff.KeepRegisters), Officer: v.member.May(staff.KeepRegisters) && v.member.Role == cpni.RoleOfficer, Signed: f.Sign != nil}
}

// linked is a place where records are opened.
type linked struct{ Says, At string }

func linksOf(all []certificate.Link) (out []linked) {
	for _, l := range all {
		out = append(out, linked{l.Says, l.At})
	}
	return out
}

// answered is an obligation with what the records show of it.
type answered struct {
	ID, Title, Sentence, Cites string
	Evidence                   []linked
	Gaps                       int
}

// gapView is something that was not kept.
type gapView struct {
	ID, Says, Explained string
	Evidence            []linked
}

func answersOf(x *certificate.Draft) (all []answered) {
	for _, o := range x.Obligations {
		all = append(all, answered{o.ID, o.Title, o.Sentence, strings.Join(o.Cites, "; "), linksOf(o.Evidence), len(o.Gaps)})
	}
	return all
}

func gapsOf(x *certificate.Draft) (all []gapView) {
	for _, g := range x.Gaps {
		all = append(all, gapView{g.ID, g.Says, x.Fields.Explained[g.ID], linksOf(g.Evidence)})
	}
	return all
}

// certificateView is the file of a year.
type certificateView struct {
	certificateFile
	Facts    []fact
	Docket   []fact
	Sent     []fact
	Papers   []option
	Lacking  []string
	Contrary []certificate.Contrary
	Answers  []answered
	Gaps     []gapView
	Over     bool
	CanFile  bool
	Now      string
	Steps    []historyStep
	Walk     string // what is next on the officer's way; "" there is nothing to do for them
	WalkAt   string
}

// draftOf gives the draft of a file: as it was signed, or as the file and the records tell it now.
func (v *visit) draftOf(f *certificate.File) (*certificate.Draft, error) {
	if f.Sign != nil && f.Walk != nil {
		return &f.Walk.Of, nil
	}
	return v.office.Certificates.Draft(v.r.Context(), f.Year, v.member.ID)
}

// certificatePage shows the file of a year: what lacks, what was not kept, and each sentence with where its evidence is opened.
//
// cite: P-37, 47 CFR 64.2009(e), V110
func (v *visit) certificatePage() error {
	f, err := v.certificateOf()
	if err != nil {
		return err
	}
	x, err := v.draftOf(f)
	if err != nil {
		return err
	}
	d := v.office.Certificates
	view := certificateView{certificateFile: v.certificateFile(f), Over: x.Over, Answers: answersOf(x), Gaps: gapsOf(x), Contrary: x.Contrary, Now: v.momentIn(v.now)}
	for _, l := range x.Lacking {
		view.Lacking = append(view.Lacking, l.Says)
	}
	due := d.DueOf(f.Year)
	view.Facts = []fact{{"Due", dated(due.By)}, {"To be filed by", dated(due.Plan) + ", so that nobody relies on the day rolling"}, {"Records", v.day(x.From) + " to " + v.day(x.To.Add(-1))}}
	k := d.Docket(x)
	view.Docket = []fact{{"Proceeding", k.Proceeding}, {"Filer", orNone(k.Filer)}, {"Filer id", orNone(k.FilerID)}, {"Document", k.Title}, {"File", k.FileName}}
	if s := f.Sign; s != nil {
		view.Sent = []fact{{"Signed", v.moment(s.At) + ", by " + s.Name + ", " + s.Title}, {"SHA-256 of the text", s.Hash}}
		view.Papers = append(view.Papers, option{fmt.Sprintf("%s/papers/%d", view.Address, s.Text), "The text that was signed"}, option{fmt.Sprintf("%s/papers/%d", view.Address, s.Pages), "The pages as they were signed"})
		view.CanFile = f.Receipt == nil
	}
	if r := f.Receipt; r != nil {
		view.Sent = append(view.Sent, fact{"Filed", v.moment(r.At)}, fact{"Confirmation", r.Number})
		if r.Copy > 0 {
			view.Papers = append(view.Papers, option{fmt.Sprintf("%s/papers/%d", view.Address, r.Copy), "The confirmation as it was scanned"})
		}
	}
	if f.Sign == nil {
		view.Walk, view.WalkAt = "Walk through it", view.Address+"/walk"
		if f.Walk.Done() {
			view.Walk, view.WalkAt = "Sign it", view.Address+"/sign"
		}
	}
	if view.Steps, err = v.certificateSteps(f); err != nil {
		return err
	}
	return v.show(http.StatusOK, certificatePage(view))
}

func orNone(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}

// certificateSteps tells the history of a file, the newest step first.
func (v *visit) certificateSteps(f *certificate.File) (all []historyStep, err error) {
	for _, e := range slices.Backward(f.History) {
		by, err := v.actor(e.By)
		if err != nil {
			return nil, err
		}
		s := historyStep{N: e.N, What: capital(string(e.What)), At: v.moment(e.At), By: by, Says: e.Reason}
		if step := f.Walk; step != nil && e.Step != "" {
			for _, x := range step.Steps {
				if x.ID == e.Step {
					s.Says = x.Title
				}
			}
		}
		if e.Remark != "" {
			s.Says = strings.TrimPrefix(s.Says+": "+e.Remark, ": ")
		}
		all = append(all, s)
	}
	return all, nil
}

// certificatePreview shows the certificate and the statement as they will be printed.
//
// cite: 47 CFR 64.2009(e)
func (v *visit) certificatePreview() error {
	f, err := v.certificateOf()
	if err != nil {
		return err
	}
	x, err := v.draftOf(f)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, certificatePreview(printedView{v.certificateFile(f), v.office.Certificates.Docket(x).Title, x.Sections}))
}

type printedView struct {
	certificateFile
	Heading  string
	Sections []certificate.Section
}

// cite: 47 CFR 64.2009(e)
func (v *visit) certificatePDF() error {
	f, err := v.certificateOf()
	if err != nil {
		return err
	}
	name, file, err := v.office.Certificates.PDF(v.r.Context(), f.Year, v.member.ID)
	if err != nil {
		return err
	}
	return v.handFile("application/pdf", name, file)
}

// cite: 47 CFR 64.2009(e)
func (v *visit) yearPaper() error {
	year, err := v.year()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.r.PathValue("n"))
	if err != nil {
		return errNowhere
	}
	p, file, err := v.office.Certificates.Paper(v.r.Context(), year, v.member.ID, n)
	if errors.Is(err, certificate.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	return v.handFile(p.Media, fmt.Sprintf("certificate-%d-%d.%s", year, n, paperEndings[p.Media]), file)
}
