package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	registers "ringfence/internal/register"
	"ringfence/internal/staff"
)

// RegisterQuery says which lines of a register are wanted; what is left out does not narrow.
type RegisterQuery struct {
	From      *time.Time   `json:"from,omitempty" doc:"From this moment on."`
	To        *time.Time   `json:"to,omitempty" doc:"Before this moment."`
	Recipient string       `json:"recipient,omitempty" maxLength:"200" doc:"The kind of recipient, such as law-enforcement, or the id of a partner."`
	Named     string       `json:"named,omitempty" maxLength:"200" doc:"The recipient's name, as it was given."`
	Purpose   cpni.Purpose `json:"purpose,omitempty" maxLength:"40"`
	Customer  cpni.ID      `json:"customer,omitempty" maxLength:"26"`
	Campaign  cpni.ID      `json:"campaign,omitempty" maxLength:"26"`
	Matter    string       `json:"matter,omitempty" maxLength:"200" doc:"The number of the process, case, ticket or order."`
	Text      string       `json:"text,omitempty" maxLength:"200" doc:"In the description of the campaign or the process."`
	Before    string       `json:"before,omitempty" maxLength:"80" doc:"The cursor: next of the page before. All pages are as of the tree of the first."`
	Limit     int          `json:"limit,omitempty" minimum:"1" maximum:"500"`
}

// RegisterPage is a part of a register, the newest line first.
type RegisterPage struct {
	Lines []any  `json:"lines" doc:"As docs/registers.md describes them."`
	Words string `json:"words" doc:"What was asked for, in words."`
	Tree  int64  `json:"tree" doc:"The register is as of the tree of so many entries; 0: nothing has been signed yet."`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
}

type registerFile struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// OneCampaignLine names a line of the register of campaigns or of legal process.
type OneCampaignLine struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// mostTaken bounds the lines of a register that are taken away by the interface at once.
const mostTaken = 100_000

// query makes the query of a caller. Who has no way to customers' information asks for nobody by name.
func (a *API) query(c caller, in RegisterQuery) (registers.Query, error) {
	q := registers.Query{Recipient: in.Recipient, Named: in.Named, Purpose: in.Purpose, Customer: in.Customer, Campaign: in.Campaign, Matter: in.Matter, Text: in.Text, Viewer: c.member.ID, Limit: in.Limit}
	if in.From != nil {
		q.From = in.From.UTC()
	}
	if in.To != nil {
		q.To = in.To.UTC()
	}
	var ok bool
	if q.Before, ok = registers.ReadCursor(in.Before); !ok {
		return q, badInput("before is no cursor: give next of the page before")
	}
	if !c.member.May(staff.See) {
		q.Named = ""
	}
	return q, nil
}

// registerPage answers with a page of a register, and puts on record first that somebody looks.
func registerPage[T any](ctx context.Context, a *API, c caller, n registers.Name, in RegisterQuery, read func(context.Context, registers.Query) (registers.Page[T], error)) (*struct{ Body RegisterPage }, error) {
	q, err := a.query(c, in)
	if err != nil {
		return nil, err
	}
	p, err := read(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := a.office.Registers.Look(ctx, c.member.ID, n, q, "", 0); err != nil {
		return nil, err
	}
	out := RegisterPage{Lines: make([]any, len(p.Lines)), Words: a.office.Registers.Words(n, q), Tree: p.Size, Next: p.Next.String()}
	for i, l := range p.Lines {
		out.Lines[i] = l
	}
	return &struct{ Body RegisterPage }{out}, nil
}

// threeRegisters are the registers of campaigns, of disclosures and of legal process.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (a *API) threeRegisters() {
	tag := []string{"records"}
	searched := func(n registers.Name, what string) huma.Operation {
		return huma.Operation{OperationID: "search-" + string(n), Method: http.MethodPost, Path: "/v1/registers/" + string(n) + "/search", Tags: tag, DefaultStatus: http.StatusOK, Summary: "Search the register of " + what,
			Description: "Newest first. What is asked for goes in the body and never in an address. That somebody looks, and for what, is on record."}
	}
	register(a, operation{right: staff.ReadCampaigns, scope: "records", Operation: searched(registers.Campaigns, "campaigns")},
		func(ctx context.Context, c caller, in *struct{ Body RegisterQuery }) (*struct {
			Body RegisterPage
		}, error) {
			return registerPage(ctx, a, c, registers.Campaigns, in.Body, a.office.Registers.Campaigned)
		})
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: searched(registers.Disclosures, "disclosures to third parties")},
		func(ctx context.Context, c caller, in *struct{ Body RegisterQuery }) (*struct {
			Body RegisterPage
		}, error) {
			return registerPage(ctx, a, c, registers.Disclosures, in.Body, func(ctx context.Context, q registers.Query) (registers.Page[registers.Disclosure], error) {
				p, err := a.office.Registers.Disclosed(ctx, q)
				if !c.member.May(staff.See) {
					for i := range p.Lines {
						p.Lines[i] = p.Lines[i].Veil()
					}
				}
				return p, err
			})
		})
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: searched(registers.Processes, "legal process")},
		func(ctx context.Context, c caller, in *struct{ Body RegisterQuery }) (*struct {
			Body RegisterPage
		}, error) {
			return registerPage(ctx, a, c, registers.Processes, in.Body, a.office.Registers.Processed)
		})
	register(a, operation{right: staff.ReadRegisters, scope: "records", Operation: huma.Operation{OperationID: "read-disclosure-line", Method: http.MethodGet, Path: "/v1/registers/disclosures/{id}/{entry}", Tags: tag,
		Summary: "Read a line of the register of disclosures", Description: "The id of the customer, and that of the entry. Its proof is that of the entry."}},
		func(ctx context.Context, c caller, in *OneRecord) (*struct{ Body any }, error) {
			d, err := a.office.OneDisclosure(ctx, c.member.ID, in.Customer, in.Entry)
			if !c.member.May(staff.See) {
				d = d.Veil()
			}
			return &struct{ Body any }{d}, err
		})
	for _, n := range registers.Names {
		right := staff.ReadRegisters
		if n == registers.Campaigns {
			right = staff.ReadCampaigns
		}
		register(a, operation{right: right, scope: "records", Operation: huma.Operation{OperationID: "take-" + string(n), Method: http.MethodPost, Path: "/v1/registers/" + string(n) + "/file", Tags: tag, DefaultStatus: http.StatusOK,
			Summary: "Take the register of " + string(n) + " away as a file", Description: "csv is a table (RFC 4180), pdf is printed, proof is what ringfence verify --register reads. That it is taken is on record."}},
			func(ctx context.Context, c caller, in *struct {
				As   string `query:"as" enum:"csv,pdf,proof" required:"true"`
				Body RegisterQuery
			}) (*registerFile, error) {
				return a.takeRegister(ctx, c, n, in.As, in.Body)
			})
	}
	register(a, operation{right: staff.Forget, scope: "proposals", Operation: huma.Operation{OperationID: "propose-destroy", Method: http.MethodPost, Path: "/v1/registers/disclosures/destroy", Tags: []string{"proposals"}, DefaultStatus: http.StatusAccepted,
		Summary: "Propose to destroy what is past its time", Description: "Everything on the register of disclosures from before a moment, which must be past the time that the policy keeps it. A second person agrees. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body struct {
				Before time.Time `json:"before"`
			}
		}) (*proposed, error) {
			var p *countersign.Proposal
			p, err := a.office.ProposeDestroy(ctx, a.repeatable("proposal to destroy", c, in.Key), in.Body.Before, c.member.ID)
			return a.proposed(p, err)
		})
}

// takeRegister makes the file of a register, and puts on record that it is taken before it is given.
func (a *API) takeRegister(ctx context.Context, c caller, n registers.Name, as string, in RegisterQuery) (*registerFile, error) {
	q, err := a.query(c, in)
	if err != nil {
		return nil, err
	}
	b, sees := a.office.Registers, c.member.May(staff.See)
	lines, err := b.Count(ctx, n, q)
	if err != nil {
		return nil, err
	}
	if lines > mostTaken {
		return nil, badInput("there are more lines than are taken at once by this interface: ask for a shorter time")
	}
	var out bytes.Buffer
	f := &registerFile{Type: "text/csv; charset=utf-8"}
	ending := as
	switch as {
	case "csv":
		lines, err = b.CSV(ctx, &out, n, q, !sees)
	case "pdf":
		f.Type = "application/pdf"
		lines, err = b.Print(ctx, &out, n, q, a.office.Letterhead(), !sees)
	default:
		f.Type, ending = "application/jsonl", "jsonl"
		lines, err = b.Proof(ctx, &out, n, q, sees)
	}
	if err != nil {
		return nil, err
	}
	if err := b.Look(ctx, c.member.ID, n, q, as, lines); err != nil {
		return nil, err
	}
	f.Disposition, f.Body = `attachment; filename="register-`+string(n)+"."+ending+`"`, out.Bytes()
	return f, nil
}
