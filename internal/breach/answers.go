package breach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Answers are what the call centre says when customers ask about an incident, by language.
//
// cite: P-47, 47 CFR 64.2011(c)
type Answers map[string][]Answer

// Answer is a question that customers ask, and what is said.
type Answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Bounds of answers, in letters but for the first.
const (
	mostAnswers   = 30
	longestAsked  = 200
	longestAnswer = 1000
)

// check brings answers to their form, or says what is wrong with them: the same questions in every language, and nothing about any one
// customer.
func (a Answers) check() error {
	for language, all := range a {
		switch {
		case !slices.Contains(Languages, language):
			return bad("there are answers in a language in which no customer is told", "write them in "+strings.Join(Languages, " and "))
		case len(all) > mostAnswers:
			return bad("there are more than 30 answers", "put some together")
		}
		for i := range all {
			x := &all[i]
			x.Question, x.Answer = line(x.Question), line(x.Answer)
			switch {
			case x.Question == "" || x.Answer == "":
				return lacks("a question has no answer, or an answer no question", []string{"P-47", "47 CFR 64.2011(c)"}, "write both")
			case utf8.RuneCountInString(x.Question) > longestAsked || utf8.RuneCountInString(x.Answer) > longestAnswer:
				return bad("a question is longer than 200 letters, or an answer longer than 1000", "write it shorter")
			case leftOpen.MatchString(x.Question + x.Answer):
				return bad("an answer has a blank that was to be filled", "write it out")
			case anybodys.MatchString(isoDays.ReplaceAllString(x.Question+" "+x.Answer, "")):
				return bad("an answer has a number or a mailbox that is one customer's", "leave out what is about any one customer")
			}
		}
	}
	for _, language := range Languages {
		if len(a[language]) != len(a[Languages[0]]) || len(a[language]) == 0 {
			return lacks("the answers are not in every language in which customers are told", []string{"P-47", "47 CFR 64.2011(c)"}, "write the same questions in "+strings.Join(Languages, " and "))
		}
	}
	return nil
}

// Prepare keeps what the call centre says when customers ask about an incident, in the place of what was prepared before.
//
// cite: P-47, 47 CFR 64.2011(c)
func (d *Desk) Prepare(ctx context.Context, id cpni.ID, a Act, x Answers) (*Incident, error) {
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		if err := x.check(); err != nil {
			return err
		}
		_, err := m.note(Answered, Event{Answers: x})
		return err
	})
}

// ToldOf is what somebody who serves a customer may know of an incident: that the customer was told, and what to say.
type ToldOf struct {
	At      time.Time     // when they were told
	Via     cpni.Via      // "" by word, or otherwise than by a message of ours
	How     string        // then: one of Hows
	Notice  *notify.Piece // what it said; nil: it was no message, or can be written no more
	Answers []Answer      // in the customer's language
}

// AnswerFor gives what somebody who serves a customer in a live contact may know of incidents: of each of which this customer was told, when
// and how, what the notice said, and what to answer. Before the customer was told there is nothing, whoever else was.
//
// cite: P-37, P-47, I-08, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func (d *Desk) AnswerFor(ctx context.Context, contact, by, of cpni.ID) ([]ToldOf, error) {
	c, _, err := d.Contacts.Get(ctx, contact)
	if err != nil {
		return nil, err
	}
	if c.Agent != by || c.Customer != of || !d.Contacts.Live(c, d.Clock.Now()) {
		return nil, cpni.Rejected("NO_CONTACT", "what a customer was told is said to them in a contact that is open", []string{"P-16", "47 CFR 64.2010(a)"}, "open a contact with the customer")
	}
	rows, err := d.DB.Reader().Query(ctx, "SELECT incident_id FROM incident_customer WHERE customer_id = $1 AND state IN ($2, $3) AND code NOT IN ($4, $5) ORDER BY at DESC", string(of), IsSent, IsTold, Rehearsed, Unreachable)
	if err != nil {
		return nil, fmt.Errorf("looking what a customer was told: %w", err)
	}
	defer rows.Close()
	var ids []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("looking what a customer was told: %w", err)
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("looking what a customer was told: %w", err)
	}
	var all []ToldOf
	for _, id := range ids {
		t, err := d.toldOf(ctx, id, of)
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

func (d *Desk) toldOf(ctx context.Context, id, of cpni.ID) (ToldOf, error) {
	i, err := d.lately(ctx, id)
	if err != nil {
		return ToldOf{}, err
	}
	if i.Exercise {
		return ToldOf{}, ErrNone
	}
	c, err := d.one(ctx, id, of)
	if err != nil {
		return ToldOf{}, err
	}
	p, _, err := d.Customers.Get(ctx, of)
	if err != nil {
		return ToldOf{}, err
	}
	language, _, _ := strings.Cut(strings.ToLower(p.Language), "-")
	answers, ok := i.Answers[language]
	if !ok {
		answers = i.Answers[Languages[0]]
	}
	t := ToldOf{At: c.At, Via: c.Via, Answers: answers}
	if c.State == IsTold {
		t.Via, t.How = "", c.Code
		return t, nil
	}
	m, err := d.Outbox.One(ctx, of, c.Message)
	if err != nil {
		if errors.Is(err, notify.ErrNoMessage) {
			return t, nil
		}
		return t, err
	}
	if said, err := d.Shows(ctx, of, m); err == nil {
		t.Notice = &said
	}
	return t, nil
}
