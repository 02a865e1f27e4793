package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/staff"
)

// CertificateFields are what people write into the file of a year. They are given whole.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17
type CertificateFields struct {
	IncidentSeen
	Company    string            `json:"company,omitempty" maxLength:"400" doc:"That of the configuration, when not given."`
	FilerID    string            `json:"filer_id,omitempty" maxLength:"400" doc:"Of FCC Form 499; that of the configuration, when not given."`
	Signatory  string            `json:"signatory,omitempty" maxLength:"400" doc:"The officer who signs, by the name that the register of the staff has."`
	Title      string            `json:"title,omitempty" maxLength:"400" doc:"Which makes them an officer."`
	Agent      bool              `json:"agent,omitempty" doc:"They act as an agent of the carrier."`
	Knowledge  bool              `json:"knowledge,omitempty" doc:"They have personal knowledge of the procedures."`
	Truthful   bool              `json:"truthful,omitempty" doc:"They know what 47 CFR 1.17 asks of them."`
	Complaints CertComplaints    `json:"complaints,omitempty"`
	Brokers    CertAnswer        `json:"brokers,omitempty" doc:"Actions against data brokers."`
	Pretexting CertAnswer        `json:"pretexting,omitempty" doc:"What is known of the methods of pretexters."`
	Steps      string            `json:"steps,omitempty" maxLength:"20000" doc:"What is done against them."`
	Explained  map[string]string `json:"explained,omitempty" doc:"Of each gap, by its id, why it was and what is done about it."`
	Own        string            `json:"own,omitempty" maxLength:"20000" doc:"More words of the officer's in the statement."`
}

// CertComplaints are complaints of unauthorized release by their categories.
type CertComplaints struct {
	None       bool   `json:"none,omitempty" doc:"There were none."`
	Employee   int    `json:"employee,omitempty" minimum:"0" doc:"Improper access by employees."`
	Disclosure int    `json:"disclosure,omitempty" minimum:"0" doc:"Disclosure to unauthorized individuals."`
	Online     int    `json:"online,omitempty" minimum:"0" doc:"Improper access online."`
	Summary    string `json:"summary,omitempty" maxLength:"20000"`
}

// CertAnswer is something that is told, or explicitly none.
type CertAnswer struct {
	None bool   `json:"none,omitempty"`
	Text string `json:"text,omitempty" maxLength:"20000"`
}

func (c CertComplaints) complaints() certificate.Complaints {
	return certificate.Complaints{None: c.None, Employee: c.Employee, Disclosure: c.Disclosure, Online: c.Online, Summary: c.Summary}
}

func (f CertificateFields) fields() certificate.Fields {
	return certificate.Fields{Company: f.Company, FilerID: f.FilerID, Signatory: f.Signatory, Title: f.Title, Agent: f.Agent, Knowledge: f.Knowledge, Truthful: f.Truthful, Complaints: f.Complaints.complaints(),
		Brokers: certificate.Answer(f.Brokers), Pretexting: certificate.Answer(f.Pretexting), Steps: f.Steps, Explained: f.Explained, Own: f.Own}
}

// AnnualCertificate is the file of a year, with what the records show now.
//
// cite: 47 CFR 64.2009(e)
type AnnualCertificate struct {
	Year        int               `json:"year"`
	Version     int64             `json:"version" doc:"Whoever acts on the file may name the version that they have read; 0: nobody has written into it."`
	State       certificate.State `json:"state" enum:"working,signed,filed"`
	Due         string            `json:"due" doc:"The last day on which it is filed in time."`
	Plan        string            `json:"plan" doc:"The business day by which it should be filed, so that nobody relies on a day that rolls."`
	Late        bool              `json:"late,omitempty"`
	Gaps        int               `json:"gaps" doc:"That are open, or, when it is signed, that it states. Not in lists."`
	Obligations []CertObligation  `json:"obligations,omitempty" doc:"What has to be answered for, what the records show now, and what was not kept. Not in lists."`
	Lacks       []CertLack        `json:"lacks,omitempty" doc:"What the certificate does not say yet. Not in lists."`
	Contrary    []CertContrary    `json:"contrary,omitempty" doc:"What somebody wrote and the records contradict. Not in lists."`
	Text        string            `json:"text,omitempty" doc:"As it was signed, or as a draft. Not in lists."`
	Walk        *CertWalk         `json:"walk,omitempty" doc:"The officer's way through the file. Not in lists."`
	Signed      *CertSigned       `json:"signed,omitempty"`
	Filed       *CertFiled        `json:"filed,omitempty"`
	History     []FailureStep     `json:"history,omitempty" doc:"In its order. Not in lists."`
}

// CertObligation is what has to be answered for, and what the records show of it.
type CertObligation struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	Clauses  []string   `json:"clauses"`
	Cites    []string   `json:"cites"`
	Sentence string     `json:"sentence" doc:"As it stands in the statement."`
	Evidence []CertLink `json:"evidence"`
	Gaps     []CertGap  `json:"gaps,omitempty"`
}

// CertGap is something that was not kept, or is not known to be.
type CertGap struct {
	ID       string     `json:"id" doc:"By which it is explained."`
	Says     string     `json:"says"`
	Evidence []CertLink `json:"evidence"`
}

// CertLink is where the desk shows the records behind a sentence.
type CertLink struct {
	Says string `json:"says"`
	At   string `json:"at"`
}

// CertStratum is a sort of decisions of the year, and how many of it were drawn.
type CertStratum struct {
	Sort  string `json:"sort"`
	Of    int64  `json:"of"`
	Drawn int    `json:"drawn"`
}

// CertSeen is what making a recorded decision again has shown.
type CertSeen struct {
	At        time.Time    `json:"at"`
	Rules     string       `json:"rules,omitempty"`
	Outcome   cpni.Outcome `json:"outcome,omitempty"`
	Codes     []cpni.Code  `json:"codes,omitempty"`
	Decided   []string     `json:"decided,omitempty" doc:"Ids of the rules."`
	Differs   string       `json:"differs,omitempty" doc:"How it comes out otherwise than it is recorded."`
	Forgotten bool         `json:"forgotten,omitempty" doc:"Nobody can read it any more."`
}

func certLinks(all []certificate.Link) []CertLink {
	out := []CertLink{}
	for _, l := range all {
		out = append(out, CertLink(l))
	}
	return out
}

func certObligations(all []certificate.Obligation) (out []CertObligation) {
	for _, o := range all {
		x := CertObligation{ID: o.ID, Title: o.Title, Clauses: o.Clauses, Cites: o.Cites, Sentence: o.Sentence, Evidence: certLinks(o.Evidence)}
		for _, g := range o.Gaps {
			x.Gaps = append(x.Gaps, CertGap{g.ID, g.Says, certLinks(g.Evidence)})
		}
		out = append(out, x)
	}
	return out
}

// CertLack is something that the certificate does not say yet.
type CertLack struct {
	Field string `json:"field"`
	Says  string `json:"says"`
}

// CertContrary is something that the records contradict.
type CertContrary struct {
	Field string `json:"field"`
	Says  string `json:"says"`
	Gap   string `json:"gap"`
}

// CertWalk is an officer's way through a file.
type CertWalk struct {
	By    cpni.ID       `json:"by"`
	Began time.Time     `json:"began"`
	Seed  string        `json:"seed" doc:"By which the decisions were drawn."`
	Hash  string        `json:"hash" doc:"SHA-256 of the text that is signed."`
	Drawn []CertStratum `json:"drawn"`
	Steps []CertStep    `json:"steps"`
}

// CertStep is one step of it.
type CertStep struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"checked,gaps,certificate,decision"`
	Entry     cpni.ID    `json:"entry,omitempty" doc:"Of a decision."`
	Seen      *CertSeen  `json:"seen,omitempty" doc:"What making it again has shown."`
	Confirmed *time.Time `json:"confirmed,omitempty"`
	Remark    string     `json:"remark,omitempty"`
}

// CertSigned is who signed it, and what.
type CertSigned struct {
	At       time.Time `json:"at"`
	By       cpni.ID   `json:"by"`
	Name     string    `json:"name"`
	Title    string    `json:"title"`
	Hash     string    `json:"hash"`
	FileName string    `json:"file_name"`
}

// CertFiled is that the docket has it.
type CertFiled struct {
	At     time.Time `json:"at"`
	Number string    `json:"number"`
	Late   bool      `json:"late,omitempty"`
}

// The bodies of acts on a certificate.
type (
	// CertificateReceipt is that it was filed.
	CertificateReceipt struct {
		IncidentSeen
		At     *time.Time `json:"at,omitempty" doc:"Now, when not given."`
		Number string     `json:"number" maxLength:"400" doc:"The confirmation of the docket."`
		Copy   []byte     `json:"copy,omitempty" doc:"PDF, JPEG, PNG or text, in base64."`
	}
	// CertificateReopening is why a signature is taken back.
	CertificateReopening struct {
		IncidentSeen
		Reason string `json:"reason" maxLength:"20000"`
	}
)

func (a *API) certificateOf(ctx context.Context, f *certificate.File, by cpni.ID, whole bool) (AnnualCertificate, error) {
	d := a.office.Certificates
	due := d.DueOf(f.Year)
	out := AnnualCertificate{Year: f.Year, Version: f.Version, State: f.State(), Due: dateText(due.By), Plan: dateText(due.Plan), Late: d.Late(f)}
	if s := f.Sign; s != nil {
		out.Gaps, out.Signed = s.Gaps, &CertSigned{s.At, s.By, s.Name, s.Title, s.Hash, s.FileName}
	}
	if r := f.Receipt; r != nil {
		out.Filed = &CertFiled{r.At, r.Number, r.Late}
	}
	if !whole {
		return out, nil
	}
	x, err := d.Draft(ctx, f.Year, by)
	if err != nil {
		return out, err
	}
	out.Obligations, out.Text = certObligations(x.Obligations), x.Text()
	if f.Sign != nil {
		out.Text = f.Walk.Text
	} else {
		out.Gaps = len(x.Gaps)
		for _, l := range x.Lacking {
			out.Lacks = append(out.Lacks, CertLack{l.Field, l.Says})
		}
		for _, c := range x.Contrary {
			out.Contrary = append(out.Contrary, CertContrary{c.Where, c.Says, c.Gap})
		}
	}
	if w := f.Walk; w != nil {
		out.Walk = &CertWalk{By: w.By, Began: w.Began, Seed: w.Seed, Hash: w.Hash}
		for _, d := range w.Drawn {
			out.Walk.Drawn = append(out.Walk.Drawn, CertStratum(d))
		}
		for _, s := range w.Steps {
			step := CertStep{ID: s.ID, Kind: string(s.Kind), Confirmed: momentOf(s.Confirmed), Remark: s.Remark}
			if s.Decision != nil {
				step.Entry = s.Decision.Entry
			}
			if x := s.Seen; x != nil {
				step.Seen = &CertSeen{x.At, x.Rules, x.Outcome, x.Codes, x.Decided, x.Differs, x.Forgotten}
			}
			out.Walk.Steps = append(out.Walk.Steps, step)
		}
	}
	for _, e := range f.History {
		out.History = append(out.History, FailureStep{e.N, e.At, string(e.What), e.By, e.Entry})
	}
	return out, nil
}

type oneCertificate struct {
	Year int `path:"year" minimum:"2007" maximum:"9999"`
}

// certificates are the annual certificates. They are read, written and recorded as filed here; an officer is led through them and signs at the
// desk, where a second factor is shown.
//
// cite: 47 CFR 64.2009(e)
func (a *API) certificates() {
	tag := []string{"registers"}
	const all, one = "/v1/certificates", "/v1/certificates/{year}"
	register(a, operation{right: staff.ReadRegisters, scope: "registers", Operation: huma.Operation{OperationID: "list-certificates", Method: http.MethodGet, Path: all, Tags: tag, Summary: "List the annual certificates", Description: "The file of each year, the newest first; it is there from the first day of the year."}},
		func(ctx context.Context, c caller, _ *struct{}) (*struct {
			Body struct {
				Certificates []AnnualCertificate `json:"certificates"`
			}
		}, error) {
			files, err := a.office.Certificates.Years(ctx, c.member.ID)
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Certificates []AnnualCertificate `json:"certificates"`
				}
			}{}
			out.Body.Certificates = []AnnualCertificate{}
			for _, f := range files {
				x, err := a.certificateOf(ctx, f, c.member.ID, false)
				if err != nil {
					return nil, err
				}
				out.Body.Certificates = append(out.Body.Certificates, x)
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadRegisters, scope: "registers", Operation: huma.Operation{OperationID: "read-certificate", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read the certificate of a year", Description: "With what the records show now, sentence by sentence, what was not kept, and what it lacks."}},
		func(ctx context.Context, c caller, in *oneCertificate) (*struct{ Body AnnualCertificate }, error) {
			f, err := a.office.Certificates.One(ctx, in.Year, c.member.ID)
			if err != nil {
				return nil, err
			}
			x, err := a.certificateOf(ctx, f, c.member.ID, true)
			return &struct{ Body AnnualCertificate }{x}, err
		})
	register(a, operation{right: staff.ReadRegisters, scope: "registers", Operation: huma.Operation{OperationID: "print-certificate", Method: http.MethodGet, Path: one + "/pages", Tags: tag, Summary: "Print the certificate of a year", Description: "As a tagged PDF: as it was signed, or a draft that says so.",
		Responses: map[string]*huma.Response{"200": {Description: "The pages", Content: map[string]*huma.MediaType{"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}}},
		func(ctx context.Context, c caller, in *oneCertificate) (*struct {
			Type string `header:"Content-Type"`
			Name string `header:"Content-Disposition"`
			Body []byte
		}, error) {
			name, file, err := a.office.Certificates.PDF(ctx, in.Year, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &struct {
				Type string `header:"Content-Type"`
				Name string `header:"Content-Disposition"`
				Body []byte
			}{"application/pdf", `attachment; filename="` + name + `"`, file}, nil
		})
	certificateAct(a, "write-certificate", "fields", "Write into the file of a year", "The fields are given whole; what is blank is lacking. Whoever was led through the file has to be led through it again.",
		func(ctx context.Context, d *certificate.Desk, year int, by certificate.Act, b CertificateFields) (*certificate.File, error) {
			return d.Amend(ctx, year, by, b.fields())
		})
	certificateAct(a, "file-certificate", "receipt", "Record that the certificate was filed", "One that is filed late is recorded as late, and never refused for that.",
		func(ctx context.Context, d *certificate.Desk, year int, by certificate.Act, b CertificateReceipt) (*certificate.File, error) {
			return d.File(ctx, year, by, timeOf(b.At), b.Number, b.Copy)
		})
	certificateAct(a, "reopen-certificate", "reopening", "Take the signature of a certificate back", "By an officer, with the reason. One that was filed is followed by another, which says that it takes its place.",
		func(ctx context.Context, d *certificate.Desk, year int, by certificate.Act, b CertificateReopening) (*certificate.File, error) {
			return d.Reopen(ctx, year, by, b.Reason)
		})
}

// certificateAct adds an operation that does something about a certificate. Sent again under its key it is done once.
func certificateAct[B interface{ seen() int64 }](a *API, id, path, summary, description string, do func(ctx context.Context, d *certificate.Desk, year int, by certificate.Act, body B) (*certificate.File, error)) {
	register(a, operation{right: staff.KeepRegisters, scope: "registers", most: mostIncidentBody, Operation: huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/v1/certificates/{year}/" + path, Tags: []string{"registers"}, Summary: summary,
		Description: description + " Takes an Idempotency-Key. Answers with the file as it is then."}},
		func(ctx context.Context, c caller, in *struct {
			Year int    `path:"year" minimum:"2007" maximum:"9999"`
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body B
		}) (*struct{ Body AnnualCertificate }, error) {
			f, err := do(ctx, a.office.Certificates, in.Year, certificate.Act{By: c.member.ID, ID: a.repeatable(fmt.Sprint(id, " ", in.Year), c, in.Key), Version: in.Body.seen()}, in.Body)
			if err != nil {
				return nil, err
			}
			x, err := a.certificateOf(ctx, f, c.member.ID, true)
			return &struct{ Body AnnualCertificate }{x}, err
		})
}
