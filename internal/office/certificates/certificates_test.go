package certificates_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// desk is who works on certificates in a test.
type desk struct {
	*officetest.Office
	t                     testing.TB
	olga, cora, aude, rep cpni.ID // an officer, compliance, an auditor, an agent
	session               string  // of the officer, in which a second factor was shown
	secret                string
}

const password = "nine green bottles on a wall"

func deskOf(t testing.TB, o *officetest.Office) *desk {
	d := &desk{Office: o, t: t, olga: o.Member(t, cpni.RoleOfficer), cora: o.Member(t, cpni.RoleCompliance), aude: o.Member(t, cpni.RoleAuditor), rep: o.Member(t, cpni.RoleAgent)}
	return d
}

// signIn gives the officer a password and a second factor, and a session that has just begun.
func (d *desk) signIn() {
	d.t.Helper()
	ctx := d.t.Context()
	m, _, err := d.Staff.Get(ctx, d.olga)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.secret == "" {
		if err := d.Staff.SetPassword(ctx, d.olga, password, "test"); err != nil {
			d.t.Fatal(err)
		}
	}
	step, err := d.Staff.CheckPassword(ctx, m.Login, password, staff.From{})
	if err != nil {
		d.t.Fatal(err)
	}
	if d.secret == "" {
		key, err := d.Staff.NewTOTP(ctx, step.Pending, "Test")
		if err != nil {
			d.t.Fatal(err)
		}
		d.secret = key.Secret()
		done, err := d.Staff.ConfirmTOTP(ctx, step.Pending, "", d.code(), staff.From{})
		if err != nil {
			d.t.Fatal(err)
		}
		d.session = done.Session
		return
	}
	if step, err = d.Staff.CheckCode(ctx, step.Pending, d.code(), staff.From{}); err != nil {
		d.t.Fatal(err)
	}
	d.session = step.Session
}

func (d *desk) code() string {
	d.t.Helper()
	c, err := totp.GenerateCode(d.secret, d.Clock.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *desk) by() certificate.Act { return certificate.Act{By: d.olga} }

func (d *desk) did(f *certificate.File, err error) *certificate.File {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

func (d *desk) draft(year int) *certificate.Draft {
	d.t.Helper()
	x, err := d.Certificates.Draft(d.t.Context(), year, d.aude)
	if err != nil {
		d.t.Fatal(err)
	}
	return x
}

// to moves the clock to noon of a day, and follows the ledger.
func (d *desk) to(day string) {
	d.t.Helper()
	at, err := time.ParseInLocation(time.DateOnly+" 15:04", day+" 12:00", officetest.Zone)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Time.Add(at.Sub(d.Clock.Now()))
	d.follow()
}

func (d *desk) follow() {
	d.t.Helper()
	if err := errors.Join(d.Ledger.Sequence(d.t.Context()), d.Watch.Step(d.t.Context())); err != nil {
		d.t.Fatal(err)
	}
}

// whole are fields of which nothing is lacking, with an explanation of every gap that is open.
func (d *desk) whole(year int) certificate.Fields {
	f := certificate.Fields{Signatory: "A officer", Title: "Chief Privacy Officer", Agent: true, Knowledge: true, Truthful: true, Complaints: certificate.Complaints{Employee: 1, Summary: "A customer thought that somebody had looked; nobody had."},
		Brokers: certificate.Answer{None: true}, Pretexting: certificate.Answer{Text: "Callers claim to be relatives."}, Steps: "Nobody is told anything without proof.", Explained: map[string]string{}}
	for _, g := range d.draft(year).Gaps {
		f.Explained[g.ID] = "It is being mended."
	}
	return f
}

// walk leads the officer through the file and confirms every step.
func (d *desk) walk(year int) *certificate.File {
	d.t.Helper()
	f := d.did(d.Certificates.Begin(d.t.Context(), year, d.by()))
	for s := f.Walk.Next(); s != nil; s = f.Walk.Next() {
		if s.Kind == certificate.StepDecision {
			d.did(d.Certificates.Show(d.t.Context(), year, d.by(), s.ID))
		}
		f = d.did(d.Certificates.Confirm(d.t.Context(), year, d.by(), s.ID, "seen"))
	}
	return f
}

// A year goes from its working file to the receipt: it is written by those whose work it is, refused while something lacks, walked through and
// signed by an officer with a second factor, and frozen.
//
// cite: P-37, P-41, 47 CFR 64.2009(e), 47 CFR 1.17, V109
func TestFromTheFirstDayToTheReceipt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d, ctx := deskOf(t, officetest.Open(t, db)), t.Context()
		ann := d.Customer(t)
		in := d.Verified(t, d.rep, ann.ID)
		if _, err := d.Door.Disclose(ctx, officetest.AskCalls(d.rep, in)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Door.Disclose(ctx, officetest.AskCalls(d.rep, d.Contact(t, d.rep, ann.ID))); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Complaints.File(ctx, complaint.Filing{Customer: ann.ID, Category: complaint.EmployeeAccess, Text: "Somebody looked."}); err != nil {
			t.Fatal(err)
		}
		d.follow()
		years, err := d.Certificates.Years(ctx, d.aude)
		if err != nil || len(years) != 1 || years[0].Year != 2026 || years[0].State() != certificate.Working || years[0].Version != 0 {
			t.Fatalf("the files are %+v, %v", years, err)
		}
		for who, may := range map[cpni.ID]bool{d.olga: true, d.cora: true, d.aude: true, d.rep: false} {
			if _, err := d.Certificates.Draft(ctx, 2026, who); (err == nil) != may {
				t.Errorf("seeing the draft: %v, may %v", err, may)
			}
		}
		x := d.draft(2026)
		for _, o := range x.Obligations {
			if o.Sentence == "" || strings.ContainsAny(o.Sentence, "{}") || len(o.Evidence) == 0 {
				t.Errorf("%s says %q with %v", o.ID, o.Sentence, o.Evidence)
			}
		}
		if !x.Contains("there were 2 decisions: 1 permitted and 1 refused") || !x.Contains("[LACKS: ") || len(x.Lacking) == 0 || len(x.Gaps) == 0 || x.Over {
			t.Errorf("the first draft says\n%s", x.Text())
		}
		if _, err := d.Certificates.Draft(ctx, 2027, d.aude); !errors.Is(err, certificate.ErrNone) {
			t.Errorf("a year to come: %v", err)
		}
		for _, who := range []cpni.ID{d.rep, d.aude} {
			if _, err := d.Certificates.Amend(ctx, 2026, certificate.Act{By: who}, certificate.Fields{}); code(err) != "ROLE" {
				t.Errorf("written without the right: %v", err)
			}
		}
		if _, err := d.Certificates.Begin(ctx, 2026, certificate.Act{By: d.cora}); code(err) != "ROLE" {
			t.Errorf("compliance is led through it: %v", err)
		}
		d.did(d.Certificates.Amend(ctx, 2026, certificate.Act{By: d.cora}, d.whole(2026)))
		if _, err := d.Certificates.Begin(ctx, 2026, d.by()); code(err) != certificate.WrongState {
			t.Errorf("taken before the year is over: %v", err)
		}
		d.to("2027-01-15")
		whole := d.whole(2026)
		for name, x := range map[string]struct {
			change func(*certificate.Fields)
			want   cpni.Code
		}{
			"no signatory":      {func(f *certificate.Fields) { f.Signatory = "" }, certificate.Incomplete},
			"no title":          {func(f *certificate.Fields) { f.Title = "" }, certificate.Incomplete},
			"no officer":        {func(f *certificate.Fields) { f.Title = "Compliance Analyst" }, "ROLE"},
			"an assistant":      {func(f *certificate.Fields) { f.Title = "Assistant to the President" }, "ROLE"},
			"no agent":          {func(f *certificate.Fields) { f.Agent = false }, certificate.Incomplete},
			"no knowledge":      {func(f *certificate.Fields) { f.Knowledge = false }, certificate.Incomplete},
			"no truth":          {func(f *certificate.Fields) { f.Truthful = false }, certificate.Incomplete},
			"blank complaints":  {func(f *certificate.Fields) { f.Complaints = certificate.Complaints{} }, certificate.Incomplete},
			"blank brokers":     {func(f *certificate.Fields) { f.Brokers = certificate.Answer{} }, certificate.Incomplete},
			"blank pretexting":  {func(f *certificate.Fields) { f.Pretexting = certificate.Answer{} }, certificate.Incomplete},
			"no steps":          {func(f *certificate.Fields) { f.Steps = "" }, certificate.Incomplete},
			"a gap unexplained": {func(f *certificate.Fields) { delete(f.Explained, "ledger/unverified") }, certificate.Incomplete},
			"complaints denied": {func(f *certificate.Fields) { f.Complaints = certificate.Complaints{None: true} }, certificate.Contradicted},
			"a claim":           {func(f *certificate.Fields) { f.Own = "Example Telephone complies with all rules of the Commission." }, certificate.Contradicted},
			"a topic":           {func(f *certificate.Fields) { f.Own = "Our records are always whole." }, certificate.Contradicted},
		} {
			fields := whole
			fields.Explained = map[string]string{}
			for id, says := range whole.Explained {
				fields.Explained[id] = says
			}
			x.change(&fields)
			d.did(d.Certificates.Amend(ctx, 2026, d.by(), fields))
			if _, err := d.Certificates.Begin(ctx, 2026, d.by()); code(err) != x.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		whole.Own = "We comply, except for what is told above; mistakes are mended."
		f := d.did(d.Certificates.Amend(ctx, 2026, d.by(), whole))
		if _, err := d.Certificates.Amend(ctx, 2026, certificate.Act{By: d.cora, Version: f.Version - 1}, whole); code(err) != "CONFLICT" {
			t.Errorf("over what somebody else wrote: %v", err)
		}
		if _, err := d.Certificates.Sign(ctx, 2026, d.by(), "none"); code(err) != certificate.WrongState {
			t.Errorf("signed without a walk: %v", err)
		}
		f = d.did(d.Certificates.Begin(ctx, 2026, d.by()))
		if len(f.Walk.Steps) != 5 || len(f.Walk.Drawn) != 2 {
			t.Fatalf("the walk has %+v of %+v", f.Walk.Steps, f.Walk.Drawn)
		}
		if _, err := d.Certificates.Confirm(ctx, 2026, d.by(), "decision-1", ""); code(err) != certificate.WrongState {
			t.Errorf("a decision that was not made again: %v", err)
		}
		if _, err := d.Certificates.Confirm(ctx, 2026, d.by(), "decision-9", ""); code(err) != "BAD_INPUT" {
			t.Errorf("a step that there is not: %v", err)
		}
		f = d.did(d.Certificates.Show(ctx, 2026, d.by(), "decision-1"))
		if s := f.Walk.Steps[3].Seen; s == nil || !s.Same() || len(s.Decided) == 0 || len(s.Facts) == 0 {
			t.Errorf("made again it is %+v", s)
		}
		d.signIn()
		if _, err := d.Certificates.Sign(ctx, 2026, d.by(), d.session); code(err) != certificate.WrongState {
			t.Errorf("signed before the walk is finished: %v", err)
		}
		d.walk(2026)
		for _, session := range []string{"", "rfs_none"} {
			if _, err := d.Certificates.Sign(ctx, 2026, d.by(), session); code(err) != certificate.NoFactor {
				t.Errorf("signed without a second factor: %v", err)
			}
		}
		d.Time.Add(2 * time.Hour)
		if _, err := d.Certificates.Sign(ctx, 2026, d.by(), d.session); code(err) != certificate.NoFactor {
			t.Errorf("signed with one that was shown long ago: %v", err)
		}
		d.signIn()
		if _, err := d.Certificates.File(ctx, 2026, d.by(), time.Time{}, "F-1", nil); code(err) != certificate.WrongState {
			t.Errorf("filed unsigned: %v", err)
		}
		late, err := d.Staff.Add(ctx, staff.Member{Login: "late", Name: "late", Role: cpni.RoleAgent}, "", "test")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Certificates.Sign(ctx, 2026, d.by(), d.session); code(err) != certificate.WrongState || !strings.Contains(err.Error(), "no current training") {
			t.Errorf("signed though something has come up of which it does not tell: %v", err)
		}
		if err := d.Staff.Disable(ctx, late, "test"); err != nil {
			t.Fatal(err)
		}
		once := certificate.Act{By: d.olga, ID: cpni.NewID()}
		f = d.did(d.Certificates.Sign(ctx, 2026, once, d.session))
		if again := d.did(d.Certificates.Sign(ctx, 2026, once, d.session)); again.Version != f.Version || f.State() != certificate.Signed {
			t.Errorf("it is %s, signed twice", f.State())
		}
		_, text, err := d.Certificates.Paper(ctx, 2026, d.aude, f.Sign.Text)
		if err != nil || !bytes.Contains(text, []byte("I, A officer, certify that I am an officer of Example Telephone, LLC")) || bytes.Contains(text, []byte("LACKS")) || !bytes.Contains(text, []byte("The log was never verified.")) || !bytes.Contains(text, []byte("2 decisions about customers' information, drawn by chance out of 2 decisions")) {
			t.Errorf("signed is\n%s\n%v", text, err)
		}
		name, pages, err := d.Certificates.PDF(ctx, 2026, d.aude)
		if err != nil || name != "cpni-certification-2026-example-telephone-llc.pdf" || !bytes.HasPrefix(pages, []byte("%PDF-")) {
			t.Errorf("printed as %q, %v", name, err)
		}
		if _, err := d.Certificates.Amend(ctx, 2026, d.by(), whole); code(err) != certificate.WrongState {
			t.Errorf("written after it was signed: %v", err)
		}
		if _, err := d.Certificates.File(ctx, 2026, d.by(), time.Time{}, " ", nil); code(err) != certificate.NoReceipt {
			t.Errorf("filed without a confirmation: %v", err)
		}
		if _, err := d.Certificates.File(ctx, 2026, d.by(), d.Clock.Now().Add(time.Hour), "F-1", nil); code(err) != "BAD_INPUT" {
			t.Errorf("filed in time to come: %v", err)
		}
		f = d.did(d.Certificates.File(ctx, 2026, certificate.Act{By: d.cora}, time.Time{}, "F-1", []byte("%PDF-1.7 receipt")))
		if f.State() != certificate.Filed || f.Receipt.Late || d.Certificates.Late(f) || f.Receipt.Copy == 0 {
			t.Errorf("it is %s with %+v", f.State(), f.Receipt)
		}
		for _, e := range f.History {
			if row, err := d.Ledger.Record(ctx, "", e.Entry); err != nil || row.Kind != ledger.Filing || row.Actor != e.By {
				t.Errorf("step %d has the entry %+v, %v", e.N, row, err)
			}
		}
		d.did(d.Certificates.Reopen(ctx, 2026, d.by(), "a number was wrong"))
		if x := d.draft(2026); !x.Amends || !strings.HasPrefix(x.Text(), "Amended: ") {
			t.Errorf("after it was taken back it says\n%.200s", x.Text())
		}
	})
}
