package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/process"
	"ringfence/internal/staff"
)

// NewProcess is a paper that commands to give customers' information, as it is taken in. It is answered once somebody else has read it,
// at the desk.
//
// cite: P-29, 47 USC 222(c)(1)
type NewProcess struct {
	Kind     string           `json:"kind" maxLength:"60" doc:"As the policy's profiles call it, such as subpoena, civil-subpoena, court-order, search-warrant, national-security-letter."`
	Number   string           `json:"number" minLength:"1" maxLength:"200" doc:"As it stands on the paper."`
	Issuer   string           `json:"issuer" minLength:"1" maxLength:"400"`
	Court    string           `json:"court,omitempty" maxLength:"400"`
	To       string           `json:"to,omitempty" maxLength:"200" doc:"law-enforcement when not given; or the name of the party to whom the paper commands to answer."`
	Officer  string           `json:"officer" minLength:"1" maxLength:"400" doc:"Who takes the answer."`
	Address  string           `json:"address" minLength:"1" maxLength:"400" doc:"Where, in one line."`
	Key      string           `json:"key,omitempty" maxLength:"400" doc:"The agency's public key of age (age1…): packages are encrypted to it."`
	Issued   time.Time        `json:"issued"`
	Received time.Time        `json:"received"`
	From     *time.Time       `json:"from,omitempty" doc:"In force from; from when it was issued, when not given."`
	Until    time.Time        `json:"until" doc:"The first moment at which it is no longer in force."`
	Due      *time.Time       `json:"due,omitempty" doc:"As the policy has it for the kind, when not given."`
	About    []string         `json:"about" minItems:"1" maxItems:"200" doc:"Numbers, accounts or ids of customers, as the paper names them; NUMBER of ACCOUNT where an account had the number once."`
	Data     []cpni.DataClass `json:"data" minItems:"1" maxItems:"20"`
	Records  ProcessDates     `json:"records" doc:"Of which days records are asked for."`
	Silence  *ProcessSilence  `json:"silence,omitempty" doc:"The paper forbids to tell the customer."`
	Named    []cpni.ID        `json:"named,omitempty" maxItems:"40" doc:"Who may know of it beside you, while it forbids to tell the customer."`
	Scan     []byte           `json:"scan" doc:"The paper as a PDF, JPEG or PNG of at most 4 MiB, in base64."`
}

// ProcessDates are from and until which moment.
type ProcessDates struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until" doc:"The first moment after the last."`
}

// ProcessSilence is an order not to tell the customer.
type ProcessSilence struct {
	Until *time.Time `json:"until,omitempty" doc:"The first moment at which the customer may be told; none: when it is lifted."`
}

// LegalProcess is a file of the register.
//
// cite: P-29, P-41
type LegalProcess struct {
	ID       cpni.ID         `json:"id"`
	Version  int64           `json:"version"`
	State    process.State   `json:"state" enum:"entered,approved,rejected,withdrawn,quashed,answered"`
	Kind     string          `json:"kind"`
	Number   string          `json:"number"`
	Issuer   string          `json:"issuer"`
	Court    string          `json:"court,omitempty"`
	To       string          `json:"to"`
	Officer  string          `json:"officer"`
	Issued   time.Time       `json:"issued"`
	Received time.Time       `json:"received"`
	From     time.Time       `json:"from"`
	Until    time.Time       `json:"until"`
	Due      time.Time       `json:"due"`
	Late     bool            `json:"late,omitempty" doc:"It was not answered by then. Nothing is released for it."`
	Silence  *ProcessSilence `json:"silence,omitempty" doc:"It forbids to tell the customer now."`
	Asked    ProcessScope    `json:"asked" doc:"What the paper commands."`
	Scope    *ProcessScope   `json:"scope,omitempty" doc:"What is answered, once somebody has read it."`
	TakenBy  cpni.ID         `json:"taken_by"`
	Reviewer cpni.ID         `json:"reviewer,omitempty"`
	Reason   string          `json:"reason,omitempty" doc:"Why it was narrowed, rejected or ended."`
	First    *time.Time      `json:"first,omitempty" doc:"No release before: the customer was told first."`
	Kept     time.Time       `json:"kept_until"`
}

// ProcessScope is what a file covers.
type ProcessScope struct {
	About   []ProcessSubject `json:"about"`
	Data    []cpni.DataClass `json:"data"`
	Records ProcessDates     `json:"records"`
}

// ProcessSubject is a customer or a number whose information is asked for.
type ProcessSubject struct {
	No       int     `json:"no"`
	Customer cpni.ID `json:"customer,omitempty" doc:"None: nobody of ours."`
	Number   string  `json:"number,omitempty" doc:"None: all of the customer's lines."`
	Gone     bool    `json:"gone,omitempty" doc:"The customer's key is destroyed."`
}

// WholeProcess is a file with its history.
type WholeProcess struct {
	LegalProcess
	History  []ProcessStep    `json:"history" doc:"In its order. Steps are added and never changed."`
	Papers   []ProcessPaper   `json:"papers"`
	Releases []ProcessRelease `json:"releases"`
	Withheld []ProcessGap     `json:"withheld" doc:"What the paper asks for and is not released, and why."`
}

// ProcessStep is one step in the history of a file.
type ProcessStep struct {
	N      int       `json:"n"`
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Hash   string    `json:"hash,omitempty" doc:"SHA-256 of a paper or of the file that was handed out."`
	Entry  cpni.ID   `json:"entry" doc:"Of the ledger."`
}

// ProcessPaper is a scanned paper.
type ProcessPaper struct {
	N     int    `json:"n"`
	Media string `json:"media"`
	Hash  string `json:"hash" doc:"SHA-256."`
}

// ProcessRelease is what was released of one subject.
type ProcessRelease struct {
	Subject  int       `json:"subject"`
	Customer cpni.ID   `json:"customer"`
	Decision cpni.ID   `json:"decision" doc:"In the customer's records."`
	At       time.Time `json:"at"`
	Package  int       `json:"package,omitempty" doc:"In which it goes."`
}

// ProcessGap is what is not released, and why.
type ProcessGap struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

func (a *API) processOf(p *process.Process) LegalProcess {
	out := LegalProcess{ID: p.ID, Version: p.Version, State: p.State, Kind: p.Kind, Number: p.Number, Issuer: p.Issuer, Court: p.Court, To: p.To, Officer: p.Officer, Issued: p.Issued, Received: p.Received, From: p.From, Until: p.Until,
		Due: p.Due, Late: p.Late, Asked: scopeOfProcess(p, p.Asked), TakenBy: p.TakenBy, Reviewer: p.ReviewedBy, Reason: p.Reason, First: momentOf(p.First), Kept: a.office.Processes.KeptUntil(p)}
	if p.Silence.Now(a.office.Clock.Now()) {
		out.Silence = &ProcessSilence{Until: momentOf(p.Silence.Until)}
	}
	if len(p.Scope.Subjects) > 0 {
		s := scopeOfProcess(p, p.Scope)
		out.Scope = &s
	}
	return out
}

func scopeOfProcess(p *process.Process, s process.Scope) ProcessScope {
	out := ProcessScope{About: []ProcessSubject{}, Data: s.Data, Records: ProcessDates{s.From, s.Until}}
	for _, no := range s.Subjects {
		if x := p.Subject(no); x != nil {
			out.About = append(out.About, ProcessSubject{x.No, x.Customer, x.Number, x.Forgotten})
		}
	}
	return out
}

// mostProcessBody bounds a paper with its scan in base64, in bytes.
const mostProcessBody = process.MostScan/3*4 + 64<<10

// processes are the files of legal process, for systems that take papers in and those that report on them. They are reviewed, answered
// and handed out at the desk.
//
// cite: P-29, P-37, P-41, 47 USC 222(c)(1)
func (a *API) processes() {
	tag := []string{"processes"}
	const one = "/v1/processes/{id}"
	register(a, operation{right: staff.AnswerProcess, scope: "registers", most: mostProcessBody, Operation: huma.Operation{OperationID: "take-in-process", Method: http.MethodPost, Path: "/v1/processes", Tags: tag, DefaultStatus: http.StatusCreated,
		Summary: "Take legal process in", Description: "With its scan, as evidence. Somebody else reads it at the desk before anything is released. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewProcess
		}) (*struct{ Body LegalProcess }, error) {
			b := in.Body
			f := process.Filing{ID: a.repeatable("process", c, in.Key), By: c.member.ID, Kind: b.Kind, Number: b.Number, Issuer: b.Issuer, Court: b.Court, To: b.To, Officer: b.Officer, Address: b.Address, Key: b.Key, Issued: b.Issued, Received: b.Received,
				Until: b.Until, About: b.About, Data: b.Data, AskedFrom: b.Records.From, AskedUntil: b.Records.Until, Named: b.Named, Scan: b.Scan}
			if b.From != nil {
				f.From = *b.From
			}
			if b.Due != nil {
				f.Due = *b.Due
			}
			if s := b.Silence; s != nil {
				f.Silence.Ordered = true
				if s.Until != nil {
					f.Silence.Until = *s.Until
				}
			}
			p, err := a.office.Processes.File(ctx, f)
			if err != nil {
				return nil, err
			}
			return &struct{ Body LegalProcess }{a.processOf(p)}, nil
		})
	register(a, operation{right: staff.AnswerProcess, scope: "registers", Operation: huma.Operation{OperationID: "list-processes", Method: http.MethodGet, Path: "/v1/processes", Tags: tag, Summary: "List legal process",
		Description: "The newest first. What forbids to tell the customer is there for those whom it names, and for nobody else."}},
		func(ctx context.Context, c caller, in *struct {
			State  process.State `query:"state" enum:"entered,approved,rejected,withdrawn,quashed,answered"`
			Kind   string        `query:"kind" maxLength:"60"`
			Before cpni.ID       `query:"before" maxLength:"26" doc:"The cursor: files older than this one."`
			Limit  int           `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (*struct {
			Body struct {
				Processes []LegalProcess `json:"processes"`
				Next      cpni.ID        `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
			}
		}, error) {
			all, next, err := a.office.Processes.List(ctx, c.member.ID, process.Query{State: in.State, Kind: in.Kind, Before: in.Before, Limit: in.Limit})
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Processes []LegalProcess `json:"processes"`
					Next      cpni.ID        `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
				}
			}{}
			out.Body.Processes, out.Body.Next = []LegalProcess{}, next
			for _, p := range all {
				out.Body.Processes = append(out.Body.Processes, a.processOf(p))
			}
			return out, nil
		})
	register(a, operation{right: staff.AnswerProcess, scope: "registers", Operation: huma.Operation{OperationID: "read-process", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read a file of legal process", Description: "With its history, its releases, and what is not released and why."}},
		func(ctx context.Context, c caller, in *struct {
			ID cpni.ID `path:"id" maxLength:"26"`
		}) (*struct{ Body WholeProcess }, error) {
			p, err := a.office.Processes.One(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			out := WholeProcess{LegalProcess: a.processOf(p), History: []ProcessStep{}, Papers: []ProcessPaper{}, Releases: []ProcessRelease{}, Withheld: []ProcessGap{}}
			history, err := a.office.Processes.History(ctx, p.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			for _, e := range history {
				out.History = append(out.History, ProcessStep{e.N, e.At, e.What, e.By, e.Reason, e.Hash, e.Entry})
			}
			papers, err := a.office.Processes.Papers(ctx, p.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			for _, x := range papers {
				out.Papers = append(out.Papers, ProcessPaper{x.N, x.Media, hex.EncodeToString(x.Hash[:])})
			}
			releases, err := a.office.Processes.Releases(ctx, p.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			for _, x := range releases {
				out.Releases = append(out.Releases, ProcessRelease{x.Subject, x.Customer, x.Entry, x.At, x.Package})
			}
			for _, g := range a.office.Processes.Withheld(p) {
				out.Withheld = append(out.Withheld, ProcessGap{g.What, g.Why})
			}
			return &struct{ Body WholeProcess }{out}, nil
		})
	register(a, operation{right: staff.AnswerProcess, scope: "registers", Operation: huma.Operation{OperationID: "read-process-paper", Method: http.MethodGet, Path: one + "/papers/{n}", Tags: tag, Summary: "Read a paper of legal process", Description: "As it was scanned."}},
		func(ctx context.Context, c caller, in *struct {
			ID cpni.ID `path:"id" maxLength:"26"`
			N  int     `path:"n" minimum:"1" maximum:"1000"`
		}) (*evidenceBody, error) {
			file, media, err := a.office.Processes.Scan(ctx, in.ID, c.member.ID, in.N)
			if err != nil {
				return nil, err
			}
			return &evidenceBody{Type: media, Disposition: `attachment; filename="paper"`, Body: file}, nil
		})
}
