package console

import (
	"errors"
	"strconv"

	"ringfence/internal/breach"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
)

// blankAnswers is for how many more questions the form has room.
const blankAnswers = 3

// answerRow is a question of customers with what the call centre answers, in both languages.
type answerRow struct {
	N    int
	Said map[string]breach.Answer
}

// answerRows makes the rows of the form.
func answerRows(all breach.Answers) (rows []answerRow) {
	n := 0
	for _, l := range breach.Languages {
		n = max(n, len(all[l]))
	}
	for i := range n + blankAnswers {
		r := answerRow{N: i + 1, Said: map[string]breach.Answer{}}
		for _, l := range breach.Languages {
			if i < len(all[l]) {
				r.Said[l] = all[l][i]
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// prepareAnswers keeps what the call centre says when customers ask about an incident.
//
// cite: P-47, 47 CFR 64.2011(c)
func (v *visit) prepareAnswers() error {
	x := breach.Answers{}
	for i := range 40 {
		n := strconv.Itoa(i + 1)
		empty := true
		row := map[string]breach.Answer{}
		for _, l := range breach.Languages {
			a := breach.Answer{Question: v.field("q-" + l + "-" + n), Answer: v.text("a-" + l + "-" + n)}
			row[l], empty = a, empty && a == breach.Answer{}
		}
		for _, l := range breach.Languages {
			if !empty {
				x[l] = append(x[l], row[l])
			}
		}
	}
	a, err := v.actOn("answers")
	if err != nil {
		return err
	}
	_, err = v.office.Incidents.Prepare(v.r.Context(), v.id("incident"), a, x)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		i, err := v.incidentOf()
		if err != nil {
			return err
		}
		i.Answers = x // as they were typed
		return v.showTelling(refusedAs(refusal).status, i, i.Words, refusal)
	}
	return v.wentOn("/telling", "The answers are kept. Who serves a customer sees them once that customer was told.", err)
}

// toldView is what a customer in a live contact was told of an incident.
type toldView struct {
	When, How     string
	Subject, Text string
	Answers       []breach.Answer
}

// toldIn gives what the customer of a live contact was told of incidents, and what to answer; nothing before they were told.
//
// cite: P-37, P-47, I-08, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func (v *visit) toldIn(s *contact.State) ([]toldView, error) {
	if !v.office.Contacts.Live(s, v.now) {
		return nil, nil
	}
	all, err := v.office.Incidents.AnswerFor(v.r.Context(), s.ID, v.member.ID, s.Customer)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) { // it has just ended
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var views []toldView
	for _, t := range all {
		x := toldView{When: v.moment(t.At), How: uncapital(viaWords[t.Via]), Answers: t.Answers}
		if t.Via == "" {
			x.How = uncapital(wordIn(howsTold, t.How))
		}
		if t.Notice != nil {
			x.Subject, x.Text = t.Notice.Subject, t.Notice.Text
		}
		views = append(views, x)
	}
	return views, nil
}
