package scenario

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pquerna/otp/totp"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// certifyYear writes the certificate of a year as the story states it, has the officer led through it, and signs it where the year is over. What
// the story does not state of complaints, data brokers and pretexters is blank; of who signs it is assumed that they are an officer, know the
// procedures, and know what 47 CFR 1.17 asks; and gaps are explained unless the story says that they are not.
//
// cite: 47 CFR 64.2009(e), V107, V108, V109, V110
func certifyYear(ctx context.Context, w *world, a args) (result, error) {
	year, desk := a.count("year"), w.office.Certificates
	by, title, err := w.signer(ctx, a.text("officer"))
	if err != nil {
		return result{}, err
	}
	if err := errors.Join(w.ledger.Sequence(ctx), w.office.Watch.Step(ctx)); err != nil {
		return result{}, err
	}
	due := desk.DueOf(year)
	r := result{outcome: cpni.OK, fields: map[string]any{"due": due.By.String(), "plan": due.Plan.String(), "signed": false}}
	draft, err := desk.Draft(ctx, year, by)
	if err != nil {
		return of(err, result{})
	}
	act := certificate.Act{By: by}
	fields, err := w.statement(ctx, a, by, title, draft)
	if err == nil {
		_, err = desk.Amend(ctx, year, act, fields)
	}
	if err != nil {
		return of(err, result{})
	}
	f, err := desk.Begin(ctx, year, act)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) && refusal.Code == certificate.WrongState && w.now().Before(workday.On(year+1, 1, 1).Start(w.office.Zone)) {
		return r, nil // nothing is wanting but the end of the year
	}
	for err == nil && f.Walk.Next() != nil {
		s := f.Walk.Next()
		if s.Decision != nil {
			_, err = desk.Show(ctx, year, act, s.ID)
		}
		if err == nil {
			f, err = desk.Confirm(ctx, year, act, s.ID, "as the story states it")
		}
	}
	if err == nil {
		var session string
		if session, err = w.secondFactor(ctx, by); err != nil {
			return result{}, err
		}
		f, err = desk.Sign(ctx, year, act, session)
	}
	if err == nil && a.has("receipt") {
		f, err = desk.File(ctx, year, act, time.Time{}, a.text("receipt"), nil)
	}
	if err != nil {
		return of(err, result{})
	}
	r.fields["signed"], r.fields["gaps"], r.fields["late"] = true, int64(f.Sign.Gaps), desk.Late(f)
	return r, nil
}

// signer gives the member of the staff who signs, and their title. A story names one of its staff, or the title of somebody whom nobody else
// mentions.
func (w *world) signer(ctx context.Context, named string) (cpni.ID, string, error) {
	if id, ok := w.staffIDs[named]; ok {
		return id, "Chief Privacy Officer", nil
	}
	title := named
	if title == "" {
		title = "President"
	}
	const name = "(who signs)"
	if id, ok := w.staffIDs[name]; ok {
		return id, title, nil
	}
	id, err := w.staff.Add(ctx, staff.Member{Login: "who-signs", Name: name, Role: cpni.RoleOfficer, Trained: w.now()}, "", teller)
	w.staffIDs[name] = id
	return id, title, err
}

// statement are the fields as the story states them.
func (w *world) statement(ctx context.Context, a args, by cpni.ID, title string, x *certificate.Draft) (certificate.Fields, error) {
	m, _, err := w.staff.Get(ctx, by)
	if err != nil {
		return certificate.Fields{}, err
	}
	f := certificate.Fields{Signatory: m.Name, Title: title, Agent: true, Knowledge: true, Truthful: true, Explained: map[string]string{}}
	explain := a.has("statement")
	if s := a.n.get("statement"); s != nil && len(s.entries) == 0 {
		f.Own = s.text
	}
	for key, text := range a.pairs("statement") {
		told := certificate.Answer{Text: text}
		if text == "none" {
			told = certificate.Answer{None: true}
		}
		n, _ := strconv.Atoi(text)
		switch key {
		case "title":
			f.Title = text
		case "complaints":
			f.Complaints.None = text == "none"
			f.Complaints.Disclosure += n
		case "employee-access":
			f.Complaints.Employee = n
		case "disclosure":
			f.Complaints.Disclosure += n
		case "online-access":
			f.Complaints.Online = n
		case "summary":
			f.Complaints.Summary = text
		case "brokers":
			f.Brokers = told
		case "pretexting":
			f.Pretexting = told
		case "steps":
			f.Steps = text
		case "noncompliance":
			explain = text != "none"
		case "own":
			f.Own = text
		case "agent":
			f.Agent = text == "yes"
		case "knowledge":
			f.Knowledge = text == "yes"
		case "truthful":
			f.Truthful = text == "yes"
		default:
			return f, fmt.Errorf("a statement says nothing of %q", key)
		}
	}
	if f.Steps == "" && (f.Pretexting.None || f.Pretexting.Text != "") {
		f.Steps = "As the story has them."
	}
	if f.Complaints.Employee+f.Complaints.Disclosure+f.Complaints.Online > 0 && f.Complaints.Summary == "" {
		f.Complaints.Summary = "As the story has them."
	}
	if explain {
		for _, g := range x.Gaps {
			f.Explained[g.ID] = "It is as the story states it, and is being mended."
		}
	}
	return f, nil
}

// secondFactor signs a member in, and shows a second factor that is set up for it.
func (w *world) secondFactor(ctx context.Context, id cpni.ID) (session string, err error) {
	m, _, err := w.staff.Get(ctx, id)
	if err != nil {
		return "", err
	}
	secret := w.factors[id]
	const password = "quiet lanterns drift past seven"
	if secret == "" {
		if err := w.staff.SetPassword(ctx, id, password, teller); err != nil {
			return "", err
		}
	}
	step, err := w.staff.CheckPassword(ctx, m.Login, password, staff.From{})
	if err != nil {
		return "", err
	}
	if secret == "" {
		key, err := w.staff.NewTOTP(ctx, step.Pending, "the story")
		if err != nil {
			return "", err
		}
		code, err := totp.GenerateCode(key.Secret(), w.now())
		if err != nil {
			return "", err
		}
		w.factors[id] = key.Secret()
		done, err := w.staff.ConfirmTOTP(ctx, step.Pending, "", code, staff.From{})
		return done.Session, err
	}
	code, err := totp.GenerateCode(secret, w.now())
	if err != nil {
		return "", err
	}
	step, err = w.staff.CheckCode(ctx, step.Pending, code, staff.From{})
	return step.Session, err
}
