package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/staff"
)

// FailureFacts are what is held of a way to refuse that failed. A correction gives them whole.
//
// cite: P-12, 47 CFR 64.2009(f)
type FailureFacts struct {
	Mechanism   string      `json:"mechanism" minLength:"1" maxLength:"400" doc:"Which way to refuse did not work."`
	What        string      `json:"what" minLength:"1" maxLength:"20000" doc:"The problem: what customers experienced, and why."`
	Found       *time.Time  `json:"found,omitempty" doc:"When somebody first knew of it; now, when not given."`
	First       string      `json:"first,omitempty" maxLength:"10" doc:"The first day on which it did not work, such as 2026-11-24."`
	Affected    int         `json:"affected,omitempty" minimum:"0" doc:"Customers who could not refuse; 0: not known."`
	Remedy      string      `json:"remedy,omitempty" maxLength:"20000"`
	Remedied    string      `json:"remedied,omitempty" maxLength:"10" doc:"The day on which the remedy was or will be implemented."`
	States      clock.Truth `json:"states,omitempty" enum:"yes,no,unknown" doc:"Whether state commissions were notified."`
	Commissions string      `json:"commissions,omitempty" maxLength:"20000" doc:"Which ones."`
	Action      string      `json:"action,omitempty" maxLength:"20000" doc:"What they did."`
	Notice      string      `json:"notice,omitempty" maxLength:"20000" doc:"The notice that customers got, or that and why they got none."`
	Contact     string      `json:"contact,omitempty" maxLength:"20000" doc:"Whom the Commission asks; who answers for the carrier's reports, when not given."`
}

func (f FailureFacts) facts(now time.Time) (filing.Facts, error) {
	out := filing.Facts{Mechanism: f.Mechanism, What: f.What, Found: now, Affected: f.Affected, Remedy: f.Remedy, States: f.States, Commissions: f.Commissions, Action: f.Action, Notice: f.Notice, Contact: f.Contact}
	if f.Found != nil {
		out.Found = *f.Found
	}
	var err error
	if out.First, err = dayOf(f.First); err != nil {
		return out, err
	}
	out.Remedied, err = dayOf(f.Remedied)
	return out, err
}

// Failure is the file of a way to refuse that failed.
//
// cite: P-12, 47 CFR 64.2009(f)
type Failure struct {
	ID       cpni.ID       `json:"id"`
	Number   string        `json:"number" doc:"By which people call it, such as O-2026-3."`
	Version  int64         `json:"version" doc:"Whoever acts on the file may name the version that they have read."`
	State    filing.State  `json:"state" enum:"open,filed,no-letter"`
	Opened   time.Time     `json:"opened"`
	Facts    FailureFacts  `json:"facts"`
	Anomaly  clock.Truth   `json:"anomaly" enum:"yes,no,unknown" doc:"What it was judged to be; unknown: it is not judged."`
	Judged   *time.Time    `json:"judged,omitempty"`
	LetterBy string        `json:"letter_by,omitempty" doc:"The last day for the letter to the Commission; none: no letter is due."`
	Days     []ClockDay    `json:"days,omitempty" doc:"Every day of that clock, counted or skipped and why. Not in lists."`
	Late     bool          `json:"late,omitempty"`
	Sent     *time.Time    `json:"sent,omitempty"`
	Proof    string        `json:"proof,omitempty"`
	Letter   string        `json:"letter,omitempty" doc:"As the file tells it, with what it lacks marked. Not in lists."`
	Lacks    []string      `json:"lacks,omitempty" doc:"What the letter does not say yet."`
	History  []FailureStep `json:"history,omitempty" doc:"In its order. Not in lists."`
}

// FailureStep is one step in the history of a file.
type FailureStep struct {
	N     int       `json:"n"`
	At    time.Time `json:"at"`
	What  string    `json:"what"`
	By    string    `json:"by" doc:"A member's id, or system."`
	Entry cpni.ID   `json:"entry" doc:"Of the ledger, which holds the hash of the step."`
}

// FailureTaken is what whoever reports a failure is told.
type FailureTaken struct {
	ID     cpni.ID `json:"id"`
	Number string  `json:"number"`
}

// The bodies of acts on a failure.
type (
	// FailureCorrection puts new facts beside the old ones.
	FailureCorrection struct {
		IncidentSeen
		FailureFacts
		Reason string `json:"reason" minLength:"1" maxLength:"20000"`
	}
	// FailureJudgement is what it was judged to be.
	FailureJudgement struct {
		IncidentSeen
		Anomaly bool       `json:"anomaly" doc:"It was no more than an anomaly, and no letter is due; that needs its basis."`
		At      *time.Time `json:"at,omitempty" doc:"Now, when not given."`
		Basis   string     `json:"basis,omitempty" maxLength:"20000"`
	}
	// FailureLetter is that the letter was sent.
	FailureLetter struct {
		IncidentSeen
		At    *time.Time `json:"at,omitempty" doc:"Now, when not given."`
		Proof string     `json:"proof" maxLength:"400" doc:"The confirmation of the filing, or the number of the registered letter."`
		Scan  []byte     `json:"scan,omitempty" doc:"PDF, JPEG, PNG or text, in base64."`
	}
)

func (a *API) failureOf(f *filing.Failure, whole bool) Failure {
	d, x := a.office.Filing, f.Facts
	out := Failure{ID: f.ID, Number: f.Number, Version: f.Version, State: f.State(), Opened: f.Opened, Anomaly: f.Anomaly(), Late: d.Late(f),
		Facts: FailureFacts{Mechanism: x.Mechanism, What: x.What, Found: momentOf(x.Found), First: dateText(x.First), Affected: x.Affected, Remedy: x.Remedy, Remedied: dateText(x.Remedied), States: x.States, Commissions: x.Commissions, Action: x.Action, Notice: x.Notice, Contact: x.Contact}}
	by := d.LetterBy(f)
	out.LetterBy = dateText(by.Last)
	if f.Judged != nil {
		out.Judged = momentOf(f.Judged.At)
	}
	if f.Letter != nil {
		out.Sent, out.Proof = momentOf(f.Letter.At), f.Letter.Proof
	}
	if !whole {
		return out
	}
	for _, day := range by.Days {
		out.Days = append(out.Days, ClockDay{dateText(day.Date), day.Number, day.Why})
	}
	draft := filing.Write(f, d.Carrier, a.office.Zone)
	out.Letter = draft.Text()
	for _, e := range draft.Lacking() {
		out.Lacks = append(out.Lacks, e.Lacks)
	}
	for _, e := range f.History {
		out.History = append(out.History, FailureStep{e.N, e.At, string(e.What), e.By, e.Entry})
	}
	return out
}

type failuresBody struct {
	Body struct {
		Failures []Failure `json:"failures"`
		Next     cpni.ID   `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
	}
}

// failures are the ways to refuse that failed: for systems that notice one, and for those whose work the letters are.
//
// cite: P-12, P-37, 47 CFR 64.2009(f)
func (a *API) failures() {
	tag := []string{"incidents"}
	const all, one = "/v1/opt-out-failures", "/v1/opt-out-failures/{id}"
	register(a, operation{right: staff.ReportIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "report-opt-out-failure", Method: http.MethodPost, Path: all, Tags: tag, DefaultStatus: http.StatusCreated, Summary: "Report a way to refuse that failed",
		Description: "By whoever works for the carrier, and its systems. Somebody judges whether it was more than an anomaly. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body FailureFacts
		}) (*struct{ Body FailureTaken }, error) {
			facts, err := in.Body.facts(a.office.Clock.Now())
			if err != nil {
				return nil, err
			}
			f, err := a.office.Filing.Open(ctx, filing.Intake{ID: a.repeatable("opt-out failure", c, in.Key), By: c.member.ID, Facts: facts})
			if err != nil {
				return nil, err
			}
			return &struct{ Body FailureTaken }{FailureTaken{f.ID, f.Number}}, nil
		})
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "list-opt-out-failures", Method: http.MethodGet, Path: all, Tags: tag, Summary: "List ways to refuse that failed", Description: "The newest first, with the day of their letter."}},
		func(ctx context.Context, c caller, in *struct {
			State  string  `query:"state" enum:"open,done" default:"open" doc:"done: the letter is sent, or none is due."`
			Before cpni.ID `query:"before" maxLength:"26" doc:"The cursor: files older than this one."`
			Limit  int     `query:"limit" minimum:"1" maximum:"500" default:"50"`
		}) (*failuresBody, error) {
			list, err := a.office.Filing.List(ctx, c.member.ID, filing.Query{Done: in.State == "done", Before: in.Before, Limit: in.Limit})
			if err != nil {
				return nil, err
			}
			out := &failuresBody{}
			out.Body.Failures = []Failure{}
			for _, f := range list {
				out.Body.Failures = append(out.Body.Failures, a.failureOf(f, false))
			}
			if len(list) == in.Limit {
				out.Body.Next = list[len(list)-1].ID
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadIncidents, scope: "incidents", Operation: huma.Operation{OperationID: "read-opt-out-failure", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read the file of a way to refuse that failed", Description: "With its clock day by day, the letter and what it lacks."}},
		func(ctx context.Context, c caller, in *OneIncident) (*struct{ Body Failure }, error) {
			f, err := a.office.Filing.One(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Failure }{a.failureOf(f, true)}, nil
		})
	failureAct(a, "correct-opt-out-failure", "facts", "Correct the facts of a failure", "The new facts are given whole and stand beside the old ones.",
		func(ctx context.Context, d *filing.Desk, id cpni.ID, by filing.Act, b FailureCorrection) (*filing.Failure, error) {
			before, err := d.One(ctx, id, by.By)
			if err != nil {
				return nil, err
			}
			facts, err := b.facts(before.Facts.Found)
			if err != nil {
				return nil, err
			}
			return d.Correct(ctx, id, by, facts, b.Reason)
		})
	failureAct(a, "judge-opt-out-failure", "judgement", "Judge whether a failure was more than an anomaly", "When it was, the five business days of the letter run.",
		func(ctx context.Context, d *filing.Desk, id cpni.ID, by filing.Act, b FailureJudgement) (*filing.Failure, error) {
			return d.Judge(ctx, id, by, filing.Judgement{At: timeOf(b.At), Anomaly: b.Anomaly, Basis: b.Basis})
		})
	failureAct(a, "file-opt-out-letter", "letter", "Record that the letter was sent", "A letter that lacks something is refused (INCOMPLETE).",
		func(ctx context.Context, d *filing.Desk, id cpni.ID, by filing.Act, b FailureLetter) (*filing.Failure, error) {
			return d.File(ctx, id, by, timeOf(b.At), b.Proof, b.Scan)
		})
}

// failureAct adds an operation that does something about a failure. Sent again under its key it is done once.
func failureAct[B interface{ seen() int64 }](a *API, id, path, summary, description string, do func(ctx context.Context, d *filing.Desk, of cpni.ID, by filing.Act, body B) (*filing.Failure, error)) {
	register(a, operation{right: staff.HandleIncidents, scope: "incidents", most: mostIncidentBody, Operation: huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/v1/opt-out-failures/{id}/" + path, Tags: []string{"incidents"}, Summary: summary,
		Description: description + " Takes an Idempotency-Key. Answers with the file as it is then."}},
		func(ctx context.Context, c caller, in *struct {
			ID   cpni.ID `path:"id" maxLength:"26"`
			Key  string  `header:"Idempotency-Key" maxLength:"255"`
			Body B
		}) (*struct{ Body Failure }, error) {
			f, err := do(ctx, a.office.Filing, in.ID, filing.Act{By: c.member.ID, ID: a.repeatable(id+" "+string(in.ID), c, in.Key), Version: in.Body.seen()}, in.Body)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Failure }{a.failureOf(f, true)}, nil
		})
}
