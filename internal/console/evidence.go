package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/evidence"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// evidencePlaces are where bundles for auditors are proposed and taken.
//
// cite: P-37, P-41, P-49, 47 CFR 64.2009(c)
func evidencePlaces() []place {
	const all = "/evidence"
	return []place{
		{pattern: all, right: staff.ReadRegisters, get: (*visit).evidencePage},
		{pattern: all + "/propose", right: staff.KeepRegisters, post: (*visit).proposeEvidence, home: all, long: true},
		{pattern: all + "/{proposal}/bundle", right: staff.ReadRegisters, post: (*visit).takeEvidence, home: all},
	}
}

const evidenceTitle = "Evidence"

// evidenceRow is a bundle that was proposed.
type evidenceRow struct {
	Proposal, About, At, By string
	State                   chip
	Take                    string // the address at which it is taken; "" it can not be
	Until                   string
}

type evidenceView struct {
	page
	Rows                                   []evidenceRow
	May                                    bool // propose one
	Key                                    cpni.ID
	From, To, Scope, ID, Recipient, Reason string
	Scopes                                 []option
}

// evidenceScopes are the scopes in the order in which they are offered.
var evidenceScopes = []option{{evidence.All, "Everything that is on record"}, {evidence.Customer, "One customer"}, {evidence.Incident, "One incident"}, {evidence.Campaign, "One campaign"}}

// evidencePage lists the bundles that were proposed, and proposes one.
//
// cite: P-37, P-41
func (v *visit) evidencePage() error {
	today := workday.DateIn(v.now, v.office.Zone)
	return v.showEvidencePage(http.StatusOK, evidenceView{page: v.page(evidenceTitle, "/evidence"), Key: cpni.NewID(), From: workday.On(today.Year, time.January, 1).String(), To: today.String(), Scope: evidence.All})
}

func (v *visit) showEvidencePage(status int, view evidenceView) error {
	view.May, view.Scopes = v.member.May(staff.KeepRegisters), evidenceScopes
	all, err := v.office.Proposals.Within(v.r.Context(), v.now.AddDate(-1, 0, 0), v.now.Add(time.Second))
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		if p.Kind != countersign.Evidence {
			continue
		}
		var o evidence.Order
		if err := json.Unmarshal(p.Act, &o); err != nil {
			return err
		}
		r := evidenceRow{About: v.evidenceWords(o), At: v.clock(p.At), State: stateChips[p.State]}
		if view.May {
			r.Proposal = proposalAddress(p.ID)
		}
		if r.By, err = v.colleague(p.By); err != nil {
			return err
		}
		if until, err := v.office.EvidenceUntil(p); err == nil {
			r.Take, r.Until, r.State = "/evidence/"+string(p.ID)+"/bundle", v.clock(until), chip{"agreed to", "good"}
		} else if p.State == countersign.Done {
			r.State = chip{"agreed to; its time is over", ""}
		}
		view.Rows = append(view.Rows, r)
	}
	return v.show(status, evidencePage(view))
}

// evidenceWords tells what a bundle is about.
func (v *visit) evidenceWords(o evidence.Order) string {
	words := "Everything"
	for _, s := range evidenceScopes[1:] {
		if s.Value == o.Scope.Kind {
			words = s.Text + ", " + string(o.Scope.ID)
		}
	}
	return words + ", from " + v.day(o.From) + " to " + v.day(o.To.Add(-time.Microsecond))
}

// proposeEvidence proposes a bundle.
//
// cite: P-37, P-41
func (v *visit) proposeEvidence() error {
	id, err := v.key("proposal of evidence")
	if err != nil {
		return err
	}
	from, err := v.dayStart("from")
	to, bad := v.dayEnd("to")
	if err = errors.Join(err, bad); err == nil {
		var p *countersign.Proposal
		order := evidence.Order{From: from.UTC(), To: to.UTC(), Scope: evidence.Scope{Kind: v.field("scope"), ID: cpni.ID(v.field("id"))}, Key: v.field("recipient"), Why: v.field("why")}
		if p, err = v.office.Proposals.Propose(v.r.Context(), id, countersign.Evidence, order, v.member.ID); err == nil {
			return v.proposed(p, nil, "/evidence")
		}
	}
	var refusal *cpni.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	view := evidenceView{page: v.page(evidenceTitle, "/evidence"), Key: cpni.ID(v.form.Get("key")), From: v.field("from"), To: v.field("to"), Scope: v.field("scope"), ID: v.field("id"), Recipient: v.field("recipient"), Reason: v.field("why")}
	view.Problem = problemOf(refusal)
	return v.showEvidencePage(http.StatusUnprocessableEntity, view)
}

// silentTime is how long one file of a bundle may take on its way.
const silentTime = 5 * time.Minute

// takeEvidence makes a bundle and hands it out as it is made. That it is taken is on record before anything is opened.
//
// cite: P-37, P-41, P-49, 47 CFR 64.2009(c)
func (v *visit) takeEvidence() error {
	id := v.id("proposal")
	file := &late{v: v, kind: "application/zip", name: "evidence-" + string(id) + ".zip"}
	line := http.NewResponseController(v.w)
	silent := time.AfterFunc(silentTime, func() { _ = line.SetWriteDeadline(time.Unix(1, 0)) }) // a line that can not be cut ends with the server
	defer silent.Stop()
	_ = line.SetWriteDeadline(time.Time{})
	_, err := v.office.MakeEvidence(v.r.Context(), id, string(v.member.ID), evidence.NewZip(file, v.now, func() { silent.Reset(silentTime) }))
	if err != nil && file.begun {
		v.options.Report(err)
		panic(http.ErrAbortHandler) // half a bundle must not be taken for the whole
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: "/evidence", Refusal: refusal}, "/evidence")
	}
	return err
}

// showEvidence shows what would be handed over.
func (v *visit) showEvidence(p *countersign.Proposal) ([]fact, error) {
	var o evidence.Order
	if err := json.Unmarshal(p.Act, &o); err != nil {
		return nil, err
	}
	return []fact{{"It is about", v.evidenceWords(o)}, {"Why", o.Why}, {"Sealed to the key", o.Key}, {"Its fingerprint", evidence.Fingerprint(o.Key)}}, nil
}
