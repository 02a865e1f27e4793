package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/accounting"
	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// AccountingLine is one thing on record about a customer, or several looks of the customer's own that are told together.
type AccountingLine struct {
	Entry         cpni.ID            `json:"entry" doc:"Of the ledger; of several the newest."`
	Entries       []cpni.ID          `json:"entries" doc:"All of them, newest first."`
	At            time.Time          `json:"at"`
	First         time.Time          `json:"first" doc:"When the oldest of several was."`
	By            string             `json:"by" enum:"you,staff,system,unknown" doc:"Who asked; you is the customer."`
	Role          cpni.Role          `json:"role,omitempty" doc:"Of staff. No name is told."`
	LookedAt      string             `json:"looked_at,omitempty" enum:"card,list,records" doc:"It is a look-up of what holds no call and no bill, and no decision."`
	Purpose       cpni.Purpose       `json:"purpose,omitempty"`
	Data          []cpni.DataClass   `json:"data,omitempty"`
	Recipient     cpni.RecipientKind `json:"recipient,omitempty"`
	RecipientName string             `json:"recipient_name,omitempty" doc:"Of a partner; of a person or company that the customer named only in the customer's own contact."`
	Via           cpni.Via           `json:"via,omitempty"`
	Line          string             `json:"line,omitempty" doc:"Only in the customer's own contact."`
	Months        []string           `json:"months,omitempty"`
	Outcome       cpni.Outcome       `json:"outcome" enum:"permit,deny"`
	Reasons       []AccountingReason `json:"reasons"`
	RestsOn       string             `json:"rests_on,omitempty" doc:"Of what went to somebody outside: approval, grant, written-request, process, case, ticket, order, emergency, port, listing, aggregate, placement or law."`
	Campaign      string             `json:"campaign,omitempty" doc:"The title of the campaign of which it was a part."`
	Destruction   string             `json:"destruction,omitempty" enum:"kept,overdue,proved,none,not-taken" doc:"Of what went to a partner."`
	DestroyBy     *time.Time         `json:"destroy_by,omitempty"`
	Withheld      bool               `json:"withheld,omitempty" doc:"The law keeps it from the customer: never tell it to them."`
}

// AccountingReason is a rule that decided.
type AccountingReason struct {
	Rule  string   `json:"rule,omitempty"`
	Says  string   `json:"says"`
	Cites []string `json:"cites"`
}

// Accounting is a page of the accounting of disclosures, newest first.
type Accounting struct {
	Lines []AccountingLine `json:"lines"`
	Next  cpni.ID          `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
}

// ReceiptFile is the receipt of one line: what ringfence verify --receipt reads.
type ReceiptFile struct {
	Format string `json:"format"`
	Log    string `json:"log" doc:"The log's name."`
	Key    string `json:"key" doc:"The log's public key, to be compared with the one that the carrier publishes."`
	Leaf   string `json:"leaf"`
	Proof  string `json:"proof" doc:"In the form c2sp.org/tlog-proof, the signed checkpoint in it."`
	Record string `json:"record,omitempty" doc:"What was recorded, to the byte; its SHA-256 is in the leaf. Only in the customer's own contact."`
}

// AccountingInput asks for the accounting of a customer.
type AccountingInput struct {
	OneCustomer
	Contact cpni.ID `query:"contact" maxLength:"26" doc:"A contact of yours with this customer that runs and in which they have proved themselves: then they are told through you. Without it, for those who read records."`
}

// cite: P-41, 47 CFR 64.2009(c)
func (a *API) accounting() {
	tag := []string{"records"}
	register(a, operation{scope: "records", Operation: huma.Operation{OperationID: "list-accounting", Method: http.MethodGet, Path: "/v1/customers/{id}/accounting", Tags: tag,
		Summary:     "List who has asked for a customer's information",
		Description: "Every decision and look-up on record, with who asked, for what, for whom, by which rule, and the outcome. In a contact in which the customer is proved it is what the customer may be told; without one it is for those who read records, names nobody, and has what the law keeps from the customer."}},
		func(ctx context.Context, c caller, in *struct {
			AccountingInput
			Before cpni.ID `query:"before" maxLength:"26" doc:"The cursor: lines older than this one."`
			Limit  int     `query:"limit" minimum:"1" maximum:"500" default:"100"`
			Each   bool    `query:"each" doc:"Tell nothing together."`
		}) (*struct{ Body Accounting }, error) {
			theirs, err := a.tells(ctx, c, in.AccountingInput)
			if err != nil {
				return nil, err
			}
			lines, next, err := a.office.Accounting.List(ctx, in.ID, accounting.Query{Before: in.Before, Limit: in.Limit, Each: in.Each, All: !theirs, Viewer: c.member.ID})
			if err != nil {
				return nil, err
			}
			out := &struct{ Body Accounting }{Accounting{Lines: []AccountingLine{}, Next: next}}
			for _, l := range lines {
				out.Body.Lines = append(out.Body.Lines, accountingLine(l, theirs))
			}
			return out, nil
		})
	register(a, operation{scope: "records", Operation: huma.Operation{OperationID: "prove-accounting", Method: http.MethodGet, Path: "/v1/customers/{id}/accounting/{entry}/proof", Tags: tag,
		Summary:     "Get the receipt of a line",
		Description: "A file that anybody can check without us: that the entry stands in the signed log and, in a contact in which the customer is proved, what was recorded. There within a second of the entry. Write it as it stands at /account/received, two blanks deep, for ringfence verify --receipt; or give leaf and proof to any tool for c2sp.org/tlog-proof."}},
		func(ctx context.Context, c caller, in *struct {
			AccountingInput
			Entry cpni.ID `path:"entry" maxLength:"26"`
		}) (*struct{ Body ReceiptFile }, error) {
			theirs, err := a.tells(ctx, c, in.AccountingInput)
			if err != nil {
				return nil, err
			}
			receipt := a.office.Accounting.Closed
			if theirs {
				receipt = a.office.Accounting.Receipt
			}
			f, err := receipt(ctx, in.ID, in.Entry)
			if err != nil {
				return nil, err
			}
			return &struct{ Body ReceiptFile }{receiptOf(f)}, nil
		})
}

func receiptOf(f ledger.ReceiptFile) ReceiptFile {
	return ReceiptFile{f.Format, f.Log, f.Key, f.Leaf, f.Proof, f.Record}
}

// tells reports whether the customer is told through the caller: in a contact of the caller's that runs, in which the customer
// was proved. Without a contact the caller must be one who reads records. That they look is on record.
//
// cite: P-16, P-37, P-41, P-42
func (a *API) tells(ctx context.Context, c caller, in AccountingInput) (bool, error) {
	if in.Contact == "" {
		if r := c.member.Barred(staff.ReadRecords); r != nil {
			return false, r
		}
		if _, _, err := a.office.Customers.Get(ctx, in.ID); err != nil {
			return false, err
		}
		return false, a.office.Viewed(ctx, c.member.ID, watch.Records, in.ID)
	}
	if r := c.member.Barred(staff.Serve); r != nil {
		return false, r
	}
	s, err := a.mine(ctx, c, in.Contact)
	if err != nil {
		return false, err
	}
	if s.Customer != in.ID {
		return false, contactGone()
	}
	f := a.office.Contacts.Facts(s, in.ID, a.office.Clock.Now())
	proved := slices.ContainsFunc(f.Evidence, func(e rules.Evidence) bool {
		return e.Method != cpni.ByBackup && (e.Until.IsZero() || a.office.Clock.Now().Before(e.Until))
	})
	if !f.Live || !f.Same || !proved || s.Speaker != contact.Customer {
		return false, cpni.Rejected("UNAUTHENTICATED", "in this contact nobody is proved to be the customer", []string{"P-16", "P-42", "47 CFR 64.2010(a)"}, "have the customer prove themselves first")
	}
	return true, a.office.Viewed(ctx, c.member.ID, watch.Records, in.ID)
}

func accountingLine(l accounting.Line, theirs bool) AccountingLine {
	out := AccountingLine{Entry: l.Entry, Entries: l.Entries, At: l.At, First: l.First, By: l.Who.Kind, Role: l.Who.Role, LookedAt: l.LookUp, Purpose: l.Purpose, Data: l.Data, Recipient: l.For.Kind, Via: l.Via,
		Outcome: cpni.Deny, Reasons: []AccountingReason{}, Withheld: l.Withheld}
	if l.Permit {
		out.Outcome = cpni.Permit
	}
	if g := l.Given; g != nil {
		out.RestsOn, out.Campaign = g.Basis, g.Campaign
		if g.File != nil {
			out.Destruction = string(g.File.State)
			if !g.File.DestroyBy.IsZero() {
				out.DestroyBy = &g.File.DestroyBy
			}
		}
	}
	if theirs || l.For.Kind == cpni.ToPartner {
		out.RecipientName = l.For.Name
	}
	if theirs {
		out.Line = l.Number
	}
	for _, m := range l.Months {
		out.Months = append(out.Months, fmt.Sprintf("%04d-%02d", m/100, m%100))
	}
	for _, r := range l.Reasons {
		out.Reasons = append(out.Reasons, AccountingReason{r.Rule, r.Says, r.Cites})
	}
	return out
}
