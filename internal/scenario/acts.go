package scenario

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ringfence/internal/approval"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/rules"
)

// act does what a verb says and tells what came of it. An error is something that no service means to answer.
type act func(ctx context.Context, w *world, a args) (result, error)

// acts are the verbs that are built. A verb that the language has and this table does not is an error that says so.
func acts() map[string]act {
	all := map[string]act{
		"contact":          openContact,
		"hangup":           hangUp,
		"look-up":          lookUp,
		"authenticate":     authenticate,
		"enrol":            enrol,
		"change":           change,
		"not-me":           notMe,
		"dispute":          dispute,
		"settle":           settle,
		"disclose":         discloseAct,
		"approval":         askApproval,
		"notice":           giveNotice,
		"bounce":           bounce,
		"night":            night,
		"answer":           answer,
		"write":            write,
		"import-approvals": importApprovals,
		"partner":          putPartner,
		"campaign":         putCampaign,
		"review":           reviewCampaign,
		"launch":           launchCampaign,
		"count":            countCampaign,
		"stop":             stopCampaign,
		"process":          takeProcess,
		"read-process":     readProcess,
		"release-process":  releaseProcess,
		"hand-out":         handOut,
		"end-process":      endProcess,
		"silence":          changeSilence,
		"received":         whoReceived,
		"export":           proposeExport,
		"agree-export":     agreeExport,
		"write-export":     writeExport,
		"fetch-export":     fetchExport,
		"certificate":      certifyExport,
		"train":            train,
		"finding":          findViolation,
		"sanction":         sanction,
		"load-rules":       loadRules,
		"switch-profile":   switchProfile,
		"publish-policy":   publishPolicy,
		"end-service":      endService,
		"restart-service":  restartService,
		"forget":           forget,
		"fault":            fault,
		"fate":             fateAct,
		"line-event":       lineEvent,
		"records":          records,
		"register":         registerAct,
		"alerts":           alerts,
		"case":             caseAct,
		"verify":           verify,
		"certify":          certifyYear,
		"extract":          extractAct,
		"figures":          figuresAct,
	}
	maps.Copy(all, matterActs())
	maps.Copy(all, incidentActs())
	maps.Copy(all, filingActs())
	maps.Copy(all, retentionActs())
	maps.Copy(all, simActs())
	maps.Copy(all, bookActs())
	return all
}

// contact gives the id of the contact that a story calls name. One that could not be opened is no contact: what is done
// in it must fail as it would for any unknown one.
func (w *world) contact(name string) cpni.ID {
	if id, ok := w.contacts[name]; ok {
		return id
	}
	return cpni.NewID()
}

func openContact(ctx context.Context, w *world, a args) (result, error) {
	s, err := w.office.OpenContact(ctx, contact.Opening{Customer: w.customers[a.text("customer")], Channel: cpni.Channel(a.text("channel")), Agent: w.staffIDs[a.text("agent")],
		Caller: a.text("caller"), Source: a.text("source"), Outbound: a.flag("outbound")})
	if err != nil {
		return of(err, result{})
	}
	w.contacts[a.text("id")] = s.ID
	return succeeded(), nil
}

func hangUp(ctx context.Context, w *world, a args) (result, error) {
	return of(w.desk.End(ctx, w.contact(a.text("contact"))), succeeded())
}

func authenticate(ctx context.Context, w *world, a args) (result, error) {
	id := w.contact(a.text("contact"))
	proof := contact.Proof{Password: a.text("password"), PIN: a.text("pin"), Backup: a.pairs("backup"), SendCode: a.text("code-to"), Contract: a.flag("contract"), Claim: a.pairs("claim")}
	if a.has("callback") {
		return w.callBack(ctx, id, a)
	}
	if a.has("photo-id") {
		p := a.sub("photo-id")
		proof.PhotoID = &contact.PhotoID{Name: p.text("name"), Government: p.flag("government")}
		if p.has("expires") {
			proof.PhotoID.Expires = p.moment("expires")
		}
	}
	if a.has("code") {
		proof.Code = w.codeFor(a.text("code") == "right")
	}
	before, err := w.messagesOf(ctx, id)
	if err != nil {
		return result{}, err
	}
	if a.has("letter") {
		letter, err := w.letterOf(ctx, w.contact(a.text("letter")))
		if err != nil {
			return result{}, err
		}
		proof.Letter = letter
	}
	_, err = w.desk.Authenticate(ctx, id, proof)
	if err == nil && proof.SendCode != "" {
		after, err := w.messagesOf(ctx, id)
		if err != nil {
			return result{}, err
		}
		for _, m := range after {
			if code := m.Tokens["code"]; code != "" && !slices.ContainsFunc(before, func(o notify.Message) bool { return o.ID == m.ID }) {
				w.code = code
			}
		}
	}
	return of(err, succeeded())
}

// callBack has a number rung, and the call end as the file says: answered, with the key pressed, or in another way. What
// comes of it is the outcome of the step.
//
// cite: P-20, 47 CFR 64.2010(b)(1)(iii)
func (w *world) callBack(ctx context.Context, id cpni.ID, a args) (result, error) {
	ends := notify.NoAnswer
	switch {
	case a.has("ends"):
		ends = a.text("ends")
	case a.flag("answered"):
		ends = keyPressed
	}
	if _, err := w.desk.Authenticate(ctx, id, contact.Proof{Callback: &contact.Callback{Number: a.text("callback"), Ring: true}}); err != nil {
		return of(err, result{})
	}
	if !a.has("answered") && !a.has("ends") {
		ends = "" // as calls to the customer end otherwise
	}
	w.outside.mu.Lock()
	w.outside.answer = ends
	w.outside.mu.Unlock()
	err := w.carry(ctx)
	w.outside.mu.Lock()
	w.outside.answer = ""
	w.outside.mu.Unlock()
	if err != nil {
		return result{}, err
	}
	s, _, err := w.desk.Get(ctx, id)
	if err != nil {
		return result{}, err
	}
	got := succeeded()
	got.fields = map[string]any{"proved": slices.ContainsFunc(s.Evidence, func(e rules.Evidence) bool { return e.Method == cpni.ByCallback })}
	if s.Ring != nil {
		got.fields["call"] = s.Ring.Ended
	}
	return got, nil
}

// letterOf gives the number of the letter with a code that was last asked for in a contact with the same customer.
func (w *world) letterOf(ctx context.Context, id cpni.ID) (string, error) {
	all, err := w.messagesOf(ctx, id)
	if err != nil {
		return "", err
	}
	for _, m := range slices.Backward(all) {
		if m.Kind == notify.VerificationCode && m.Via == cpni.Postal {
			return w.office.Outbox.Number(m.ID), nil
		}
	}
	return "", fmt.Errorf("no code was sent by post")
}

// codeFor gives the code that was last sent in the story, or one that differs from it in every digit.
func (w *world) codeFor(right bool) string {
	if right && w.code != "" {
		return w.code
	}
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, w.code+strings.Repeat("0", max(0, 8-len(w.code))))
}

// messagesOf lists the messages to the customer of a contact.
func (w *world) messagesOf(ctx context.Context, id cpni.ID) ([]notify.Message, error) {
	s, _, err := w.desk.Get(ctx, id)
	if err != nil {
		return nil, nil // there is no such contact, so no message either
	}
	return w.office.Outbox.Messages(ctx, s.Customer)
}

func enrol(ctx context.Context, w *world, a args) (result, error) {
	e := contact.Enrolment{Initiation: a.flag("initiation"), By: teller, Password: a.text("password"), PIN: a.text("pin"), Backup: a.pairs("backup"), Online: a.flag("online")}
	if e.Initiation {
		e.Customer = w.customers[a.text("customer")]
	} else {
		e.Contact = w.contact(a.text("contact"))
	}
	notices, err := w.desk.Enrol(ctx, e)
	return of(err, result{outcome: cpni.OK, fields: map[string]any{"notices": noticesOf(notices)}})
}

func noticesOf(planned []contact.Planned) []any {
	all := make([]any, len(planned))
	for i, p := range planned {
		all[i] = map[string]any{"via": string(p.Via), "to": string(p.To)}
	}
	return all
}

func change(ctx context.Context, w *world, a args) (result, error) {
	c := contact.Alteration{Customer: w.customers[a.text("customer")], Postal: a.text("postal"), Email: a.text("email"), LineRemove: a.text("line-remove"), ContactNumber: a.text("contact-number"), Dismiss: a.text("dismiss")}
	if a.has("authorise") {
		x := a.sub("authorise")
		c.Authorise = &contact.Authorisation{Name: x.text("name"), Data: classes(x.words("data")), Password: x.text("password")}
	}
	if a.has("ways") {
		x := a.sub("ways")
		c.Ways = &contact.Ways{NoticeBy: cpni.Via(x.text("notice-by")), Language: x.text("language")}
	}
	if a.has("contact") {
		c.Contact = w.contact(a.text("contact"))
		if s, _, err := w.desk.Get(ctx, c.Contact); err == nil {
			if named := a.text("customer"); named != "" && w.customers[named] != s.Customer {
				return result{outcome: cpni.Reject, code: "UNAUTHENTICATED", says: "the contact is with another customer"}, nil
			}
			c.Customer = s.Customer
		}
	} else {
		c.By = w.staffIDs[a.text("agent")]
	}
	if a.has("line-add") {
		l := w.line(a.sub("line-add"), w.clock.Now())
		c.LineAdd = &l
	}
	if a.has("listed") {
		listed, err := w.listed(ctx, c.Customer, a, "listed")
		if err != nil {
			return result{}, err
		}
		c.Listed = listed
	}
	if a.has("printed") {
		printed, err := w.listed(ctx, c.Customer, a, "printed")
		if err != nil {
			return result{}, err
		}
		c.Printed = printed
	}
	before, err := w.office.Outbox.Messages(ctx, c.Customer)
	if err != nil {
		return result{}, err
	}
	notices, err := w.desk.Alter(ctx, c)
	if err != nil {
		return of(err, result{})
	}
	after, err := w.office.Outbox.Messages(ctx, c.Customer)
	if err != nil {
		return result{}, err
	}
	return result{outcome: cpni.OK, fields: map[string]any{"notices": noticesOf(notices), "never-to": newPlaces{a, before, after}}}, nil
}

// listed reads which lines are to stand in the directory, or with their address: all of them, or each as the file says.
func (w *world) listed(ctx context.Context, id cpni.ID, a args, field string) (map[string]bool, error) {
	listed := map[string]bool{}
	v := a.n.get(field)
	if v.form == formMap {
		for _, e := range v.entries {
			listed[e.key], _ = flagOf(e.value)
		}
		return listed, nil
	}
	p, _, err := w.book.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, l := range p.LiveLines(w.clock.Now()) {
		listed[l.Number] = a.flag(field)
	}
	return listed, nil
}

// newPlaces judges whether a message of a change went to the place that the change gave.
//
// cite: P-25, 47 CFR 64.2010(f)(2)
type newPlaces struct {
	a             args
	before, after []notify.Message
}

func (n newPlaces) went() bool {
	fresh := map[string]bool{}
	for _, f := range []string{"postal", "email", "contact-number", "line-add"} {
		if v := n.a.text(f); v != "" {
			fresh[strings.Join(strings.Fields(v), " ")] = true
			if e164, ok := customer.Number(v); ok {
				fresh[e164] = true
			}
		}
	}
	return slices.ContainsFunc(n.after, func(m notify.Message) bool {
		sent := slices.ContainsFunc(n.before, func(o notify.Message) bool { return o.ID == m.ID })
		return !sent && (fresh[m.To] || m.Place == "new")
	})
}

func (n newPlaces) met(*world, *node) bool { return !n.went() }

func (n newPlaces) String() string { return "a message went to the new place" }

// answerOnCall takes the answer to a one-time notice in the contact in which it was read.
func answerOnCall(ctx context.Context, w *world, a args) (result, error) {
	partners := w.named[a.text("notice")]
	s, _, err := w.office.ConsentScript(ctx, partners...)
	if err != nil {
		return of(err, result{})
	}
	c := contact.Consent{Partners: partners, Contact: w.read[a.text("notice")], Yes: a.text("says") == "grant", Script: s.Version, Read: a.has("evidence") && a.text("evidence") != "no"}
	if a.has("contact") {
		c.Contact = w.contact(a.text("contact"))
	}
	if c.Contact != w.read[a.text("notice")] {
		c.Script = "" // it was read in another contact
	}
	_, err = w.office.OneTimeConsent(ctx, c)
	return of(err, succeeded())
}

func importApprovals(_ context.Context, _ *world, a args) (result, error) {
	return of(approval.Import(a.text("basis")), succeeded())
}

func putPartner(ctx context.Context, w *world, a args) (result, error) {
	return of(w.partners.Put(ctx, teller, w.partner(a.text("id"), a)), succeeded())
}

func endService(ctx context.Context, w *world, a args) (result, error) {
	return of(w.desk.EndService(ctx, w.customers[a.text("customer")], teller), succeeded())
}

func restartService(ctx context.Context, w *world, a args) (result, error) {
	return of(w.desk.RestartService(ctx, w.customers[a.text("customer")], teller), succeeded())
}

func forget(ctx context.Context, w *world, a args) (result, error) {
	return of(w.office.Forget(ctx, w.customers[a.text("customer")], teller), succeeded())
}
