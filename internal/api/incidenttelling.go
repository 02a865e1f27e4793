package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
)

// The bodies of acts about whom an incident reached, and about telling them.
type (
	// IncidentTrace says whose touch is looked for in the ledger: one of actor, recipient and contact, or a time, or several of them together.
	IncidentTrace struct {
		IncidentSeen
		Actor     string     `json:"actor,omitempty" maxLength:"100" doc:"A member of the staff or an integration, by its id."`
		Recipient string     `json:"recipient,omitempty" maxLength:"100" doc:"A partner's id, or a kind of recipient."`
		Contact   cpni.ID    `json:"contact,omitempty" maxLength:"26"`
		From      *time.Time `json:"from,omitempty"`
		Until     *time.Time `json:"until,omitempty" doc:"The first moment after the last."`
		Shown     bool       `json:"shown,omitempty" doc:"Also those whose card alone was shown."`
		Reason    string     `json:"reason,omitempty" maxLength:"20000"`
	}
	// IncidentRecount makes every trace of an incident again.
	IncidentRecount struct {
		IncidentSeen
		Reason string `json:"reason,omitempty" maxLength:"20000"`
	}
	// IncidentWords are what customers are told of an incident, beside what is the same for all.
	IncidentWords struct {
		IncidentSeen
		Texts  map[string]IncidentText `json:"texts" doc:"By language: en and es."`
		Credit bool                    `json:"credit,omitempty" doc:"The information could help somebody to pass for the customer: the notice says what to do about that."`
	}
	// IncidentText is what is told in one language. Nothing in it is about any one customer.
	IncidentText struct {
		What   string `json:"what" doc:"What happened."`
		Done   string `json:"done" doc:"What was done about it."`
		Advice string `json:"advice" doc:"What the customer can do."`
		Short  string `json:"short" doc:"Which information it was about, for a text message."`
	}
	// IncidentAgreement names the words that somebody else has read.
	IncidentAgreement struct {
		IncidentSeen
		Step int `json:"step" minimum:"1" doc:"Of the history, that has the words."`
	}
	// IncidentAnswers are what the call centre says, by language.
	IncidentAnswers struct {
		IncidentSeen
		Answers map[string][]IncidentAnswer `json:"answers" doc:"By language: the same questions in en and es."`
	}
	// IncidentAnswer is a question that customers ask, and what is said.
	IncidentAnswer struct {
		Question string `json:"question" maxLength:"400"`
		Answer   string `json:"answer" maxLength:"4000"`
	}
	// IncidentTold is how customers were told whom no message reached.
	IncidentTold struct {
		IncidentSeen
		Customers []cpni.ID `json:"customers" minItems:"1" maxItems:"1000"`
		How       string    `json:"how" enum:"BY_WORD,BY_LETTER,IN_PERSON,UNREACHABLE"`
		Reason    string    `json:"reason" minLength:"1" maxLength:"20000"`
	}
	// IncidentProgress is how far the telling has come.
	IncidentProgress struct {
		Telling string         `json:"telling" enum:"not-begun,running,paused,ended"`
		Set     int            `json:"set"`
		Tally   map[string]int `json:"tally" doc:"How many customers of the set are in each state."`
	}
)

// telling says where the telling of an incident stands.
func tellingOf(i *breach.Incident) string {
	switch {
	case i.TellingBy == "":
		return "not-begun"
	case !i.ToldAll.IsZero():
		return "ended"
	case i.Paused:
		return "paused"
	}
	return "running"
}

// incidentTelling is about whom an incident reached, and about telling them: a trace of the ledger, the words that two people agree to, and the
// work that goes on in the background.
//
// cite: P-43, P-47, P-52, I-08, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(c), 47 CFR 64.2011(d)
func (a *API) incidentTelling() {
	act(a, "trace-incident", "traces", "Find out of the ledger whom an incident reached", "Every customer whose information a member, key, partner or contact touched, or was touched in a time, comes into the set with the entry that shows it. Who was taken out stays out. What the trace found stands in the step of the history.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentTrace) (*breach.Incident, error) {
			return d.Trace(ctx, id, by, breach.Looked{Actor: b.Actor, Recipient: b.Recipient, Contact: b.Contact, From: timeOf(b.From), Until: timeOf(b.Until), Shown: b.Shown}, b.Reason)
		})
	act(a, "recount-incident", "traces/again", "Make every trace of an incident again", "It adds whoever was touched, and recorded, since.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentRecount) (*breach.Incident, error) {
			return d.Recount(ctx, id, by, b.Reason)
		})
	act(a, "word-incident", "words", "Write what customers are told", "Somebody else agrees to it before anybody is told. Words that were agreed to before count no more.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentWords) (*breach.Incident, error) {
			w := breach.Words{Texts: map[string]breach.Text{}, Credit: b.Credit}
			for language, t := range b.Texts {
				w.Texts[language] = breach.Text(t)
			}
			return d.Word(ctx, id, by, w)
		})
	act(a, "agree-to-words", "words/agreement", "Agree to what customers are told", "By somebody other than who wrote it.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentAgreement) (*breach.Incident, error) {
			return d.Agree(ctx, id, by, b.Step)
		})
	act(a, "prepare-answers", "answers", "Prepare what the call centre says about an incident", "In the place of what was prepared before.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentAnswers) (*breach.Incident, error) {
			all := breach.Answers{}
			for language, answers := range b.Answers {
				for _, x := range answers {
					all[language] = append(all[language], breach.Answer(x))
				}
			}
			return d.Prepare(ctx, id, by, all)
		})
	act(a, "pause-telling", "telling/pause", "Pause the telling of customers", "Nobody else is looked at, and what has not gone waits.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentReason) (*breach.Incident, error) {
			return d.Pause(ctx, id, by, b.Reason)
		})
	act(a, "resume-telling", "telling/resume", "Let the telling go on", "Where it was.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, _ IncidentSeen) (*breach.Incident, error) {
			return d.Resume(ctx, id, by)
		})
	act(a, "mark-told", "told", "Record that customers were told otherwise", "Whom no message reached, or nobody can reach. While they must not be told it is refused (409), and that somebody told them is on record.",
		func(ctx context.Context, d *breach.Desk, id cpni.ID, by breach.Act, b IncidentTold) (*breach.Incident, error) {
			return d.MarkTold(ctx, id, by, b.Customers, b.How, b.Reason)
		})
	register(a, operation{scope: "incidents", Operation: huma.Operation{OperationID: "read-telling", Method: http.MethodGet, Path: "/v1/incidents/{id}/telling", Tags: []string{"incidents"}, Summary: "Read how far the telling has come"}},
		func(ctx context.Context, c caller, in *OneIncident) (*struct{ Body IncidentProgress }, error) {
			i, err := a.incident(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			tally, err := a.office.Incidents.Tally(ctx, i.ID, c.member.ID)
			return &struct{ Body IncidentProgress }{IncidentProgress{tellingOf(i), i.Set, tally}}, err
		})
}
