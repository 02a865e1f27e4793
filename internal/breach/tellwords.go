package breach

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// Words are what customers are told of an incident beside what is the same for all incidents. They are written by a person, and agreed to by
// another before anybody is told.
//
// cite: P-47, 47 CFR 64.2011(c)
type Words struct {
	Texts map[string]Text `json:"texts"` // by language: all of Languages
	// Credit is set when the information could help somebody to pass for the customer: then the notice says what to do about that.
	Credit bool `json:"credit"`
	// When, and Data, are of the facts as they were when the words were written.
	When string   `json:"when"` // as wording.Stretch writes it
	Data []string `json:"data"` // classes of data, and personal for any other
}

// Text is what is told in one language. Nothing in it is about any one customer.
type Text struct {
	What   string `json:"what"`   // what happened
	Done   string `json:"done"`   // what we have done about it
	Advice string `json:"advice"` // what the customer can do
	Short  string `json:"short"`  // which information it was about, for a text message
}

// Languages are those in which customers are told.
var Languages = []string{"en", "es"}

// Tokens are those of the template that the words fill in a language; one that there are no words in gets English.
func (w *Words) Tokens(language string) map[string]string {
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	t, ok := w.Texts[language]
	if !ok {
		t = w.Texts[Languages[0]]
	}
	credit := "none"
	if w.Credit {
		credit = "steps"
	}
	return map[string]string{"incident-when": w.When, "incident-data": strings.Join(w.Data, ","), "incident-what": t.What, "incident-done": t.Done, "incident-advice": t.Advice, "incident-short": t.Short, "incident-credit": credit}
}

// ofFacts takes from the facts when it happened, and what it was about.
func (w *Words) ofFacts(f Facts, zone *time.Location) {
	until := f.Until
	if until.IsZero() {
		if until = workday.DateIn(f.Discovered, zone); !f.From.IsZero() && until.Before(f.From) {
			until = f.From
		}
	}
	from := ""
	if !f.From.IsZero() {
		from = f.From.String()
	}
	w.When = wording.Stretch(from, until.String())
	w.Data = nil
	for _, c := range f.Data {
		if confidential(c) {
			w.Data = append(w.Data, string(c))
		}
	}
	if len(f.Personal) > 0 {
		w.Data = append(w.Data, "personal")
	}
}

var (
	// anybodys is what only one customer's text could have: a number with as many digits as a telephone or account number, a mailbox.
	anybodys = regexp.MustCompile(`[0-9](?:[ ().-]{0,2}[0-9]){6,}|[A-Za-z0-9._%+-]+@[A-Za-z0-9]`)
	leftOpen = regexp.MustCompile(`_{2,}|\[[^\]]*\]|<[^>]*>|\{[^}]*\}|\.{4,}|…{2,}|\bTODO\b|(?i)\b(xxx+|tbd)\b`)
	isoDays  = regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b`)
)

// check brings words to their form, or says what is wrong with them.
func (w *Words) check(try func(language string, tokens map[string]string) error) error {
	texts := map[string]Text{}
	for _, language := range Languages {
		t, ok := w.Texts[language]
		if !ok {
			return lacks("the words for customers are not in every language in which they are told: "+strings.Join(Languages, ", "), []string{"P-47", "47 CFR 64.2011(c)"}, "write them in each")
		}
		for _, part := range []struct {
			text *string
			is   string
		}{{&t.What, "what happened"}, {&t.Done, "what was done about it"}, {&t.Advice, "what customers can do"}, {&t.Short, "which information it was about, for a text message"}} {
			*part.text = line(*part.text)
			switch {
			case *part.text == "":
				return lacks("the words in "+language+" do not say "+part.is, []string{"P-47", "47 CFR 64.2011(c)"}, "write it in plain words")
			case leftOpen.MatchString(*part.text):
				return bad("the words in "+language+" have a blank that was to be filled: in "+part.is, "write it out")
			case anybodys.MatchString(isoDays.ReplaceAllString(*part.text, "")):
				return bad("the words in "+language+" have a number or a mailbox that is one customer's: in "+part.is, "leave out what is about any one customer; how to reach us stands in the notice already")
			}
		}
		texts[language] = t
	}
	for _, language := range slices.Sorted(maps.Keys(w.Texts)) {
		if !slices.Contains(Languages, language) {
			return bad("there are words in a language in which no customer is told", "write them in "+strings.Join(Languages, " and "))
		}
	}
	w.Texts = texts
	if len(w.Data) == 0 {
		return lacks("the facts do not say which data it was about", []string{"P-52", "47 CFR 64.2011(d)"}, "correct the facts")
	}
	if try == nil {
		return nil
	}
	for _, language := range Languages {
		if err := try(language, w.Tokens(language)); err != nil {
			return err
		}
	}
	return nil
}

// mostNamed is how many customers of the set are looked for in the words by their own names, addresses and numbers.
const mostNamed = 500

// names looks for customers of the set in the words.
func (w *Words) names(people []customer.Read) bool {
	var all strings.Builder
	for _, t := range w.Texts {
		all.WriteString(" " + strings.ToLower(t.What+" "+t.Done+" "+t.Advice+" "+t.Short))
	}
	text := all.String()
	for _, p := range people {
		if p.Profile == nil {
			continue
		}
		own := []string{p.Profile.Account}
		if strings.Contains(strings.TrimSpace(p.Profile.Name), " ") { // a single name may be any word
			own = append(own, p.Profile.Name)
		}
		for _, list := range [][]customer.Address{p.Profile.Email, p.Profile.Postal} {
			for _, a := range list {
				own = append(own, a.Value)
			}
		}
		for _, value := range own {
			if utf8.RuneCountInString(value) >= 5 && strings.Contains(text, strings.ToLower(value)) {
				return true
			}
		}
	}
	return false
}

// Word keeps what customers are to be told of an incident. Words that were agreed to before count no more; what has gone stays as it went.
//
// cite: P-47, 47 CFR 64.2011(c)
func (d *Desk) Word(ctx context.Context, id cpni.ID, a Act, w Words) (*Incident, error) {
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		w.ofFacts(m.i.Facts, d.Zone)
		if err := w.check(d.Try); err != nil {
			return err
		}
		set, err := d.set(ctx, m.tx, id, "", "", mostNamed)
		if err != nil {
			return err
		}
		ids := make([]cpni.ID, len(set))
		for i, c := range set {
			ids[i] = c.Customer
		}
		people, err := d.Customers.ReadMany(ctx, ids)
		if err != nil {
			return err
		}
		if w.names(people) {
			return bad("the words have a name, address or account of a customer whom it reached", "leave out what is about any one customer")
		}
		_, err = m.note(Worded, Event{Words: &w})
		return err
	})
}

// Agree records that somebody other than their author has read the words for customers, of a step of the history, and agrees to them.
//
// cite: P-47, 47 CFR 64.2011(c)
func (d *Desk) Agree(ctx context.Context, id cpni.ID, a Act, step int) (*Incident, error) {
	return d.change(ctx, id, a, func(m *moved) error {
		if err := m.open(); err != nil {
			return err
		}
		switch {
		case m.i.Words == nil || m.i.WordsStep != step:
			return wrongState("these are not the words that customers would be told now", "look at the newest words")
		case m.i.WordsOK:
			return wrongState("somebody has agreed to them already", "have customers told when they may be")
		case m.i.WordsBy == m.by:
			return cpni.Rejected("SELF", "whoever wrote the words does not review them", []string{"P-47"}, "ask somebody else who works on incidents")
		}
		_, err := m.note(WordsAgreed, Event{Of: step})
		return err
	})
}

// worded refuses to have customers told while it is not settled what they are told.
//
// cite: P-47, 47 CFR 64.2011(c)
func (m *moved) worded() error {
	cites := []string{"P-47", "47 CFR 64.2011(c)"}
	switch {
	case m.i.Words == nil:
		return lacks("it is not written what customers are told", cites, "write what happened, what was done and what they can do, in "+strings.Join(Languages, " and "))
	case !m.i.WordsOK:
		return lacks("nobody has agreed to what customers are told", cites, "have somebody else read it")
	}
	now := *m.i.Words
	now.ofFacts(m.i.Facts, m.d.Zone)
	if now.When != m.i.Words.When || !slices.Equal(now.Data, m.i.Words.Data) {
		return lacks("the facts say otherwise than the words for customers when it happened, or what it was about", cites, "write the words again, and have somebody else read them")
	}
	return nil
}

// wordedToken names the step of the history that has the words of a message.
const wordedToken = "worded"

// Tokens are those of a message that tells of an incident, in a language: its words as they were when it was planned.
//
// cite: P-47, 47 CFR 64.2011(c)
func (d *Desk) Tokens(ctx context.Context, m notify.Message, language string) (map[string]string, error) {
	step, err := strconv.Atoi(m.Tokens[wordedToken])
	if err != nil {
		return nil, fmt.Errorf("the words of a message about an incident: %w", ErrNone)
	}
	i, err := d.lately(ctx, m.Run)
	if err != nil {
		return nil, err
	}
	if step < 1 || step > len(i.History) || i.History[step-1].Words == nil {
		return nil, ErrNone
	}
	return i.History[step-1].Words.Tokens(language), nil
}

// Preview writes the notice as one of the customers would get it, by the words that were written last. Nothing is sent.
//
// cite: P-47, 47 CFR 64.2011(c)
func (d *Desk) Preview(ctx context.Context, id, by, of cpni.ID) (notify.Piece, error) {
	if err := d.admits(ctx, by, staff.ReadIncidents); err != nil {
		return notify.Piece{}, err
	}
	i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
	if err != nil {
		return notify.Piece{}, err
	}
	if i.Words == nil {
		return notify.Piece{}, lacks("it is not written what customers are told", []string{"P-47", "47 CFR 64.2011(c)"}, "write it first")
	}
	in, err := d.one(ctx, id, of)
	if err != nil {
		return notify.Piece{}, err
	}
	if in.State == IsOut {
		return notify.Piece{}, ErrNone
	}
	p, _, err := d.Customers.Get(ctx, of)
	if err != nil {
		return notify.Piece{}, err
	}
	m := d.message(i, p, nil, d.Clock.Now())
	if m == nil {
		m = &notify.Message{ID: cpni.NewID(), Kind: notify.IncidentNotice, Via: cpni.Postal, Run: id, Tokens: map[string]string{wordedToken: strconv.Itoa(i.WordsStep)}}
	}
	return d.Shows(ctx, of, *m)
}
