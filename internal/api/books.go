package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing"
	"ringfence/internal/filing/books"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// BookComplaint is a complaint that came otherwise than by a report of a customer.
//
// cite: 47 CFR 64.2009(e)
type BookComplaint struct {
	Category complaint.Category `json:"category" enum:"employee-access,disclosure,online-access,other"`
	Source   books.Source       `json:"source" enum:"report,customer,former,regulator,press,other" doc:"report: the customer reported it, which is entered by itself."`
	Received string             `json:"received" maxLength:"10" doc:"The day on which the carrier had it, such as 2026-11-24: under its year it counts."`
	Verdict  books.Verdict      `json:"verdict,omitempty" enum:"not-known,founded,unfounded"`
	Finding  string             `json:"finding,omitempty" maxLength:"20000" doc:"What was found, and how that is known. No customer's name."`
	Done     string             `json:"done,omitempty" maxLength:"20000" doc:"What was done. No customer's name."`
	Customer cpni.ID            `json:"customer,omitempty" maxLength:"26" doc:"Who complained, where they are a customer who is known. It stays as it was entered."`
	Name     string             `json:"name,omitempty" maxLength:"400" doc:"Who complained; sealed apart, and gone when the customer is forgotten."`
	Says     string             `json:"says,omitempty" maxLength:"20000" doc:"In their words; likewise."`
}

// BookAction is an action against a data broker.
//
// cite: 47 CFR 64.2009(e)
type BookAction struct {
	Body    books.Body `json:"body" enum:"state-commission,court,fcc,other"`
	Name    string     `json:"name,omitempty" maxLength:"400" doc:"Which court or commission."`
	Docket  string     `json:"docket,omitempty" maxLength:"400"`
	On      string     `json:"on" maxLength:"10" doc:"The day on which it was brought."`
	Against string     `json:"against" maxLength:"400"`
	What    string     `json:"what" maxLength:"20000"`
	Outcome string     `json:"outcome,omitempty" maxLength:"20000"`
}

// BookMethod is a method of pretexting that was seen.
//
// cite: 47 CFR 64.2009(e)
type BookMethod struct {
	What      string    `json:"what" maxLength:"20000"`
	First     string    `json:"first" maxLength:"10" doc:"The day on which it was first seen."`
	Last      string    `json:"last,omitempty" maxLength:"10" doc:"The last one; on the first alone, when not given."`
	Known     string    `json:"known" maxLength:"20000" doc:"How it is known."`
	Alerts    []cpni.ID `json:"alerts,omitempty" maxItems:"50"`
	Incidents []cpni.ID `json:"incidents,omitempty" maxItems:"50"`
	Steps     string    `json:"steps,omitempty" maxLength:"20000" doc:"What protects against it."`
	Since     string    `json:"since,omitempty" maxLength:"10"`
}

// BookReview is a review of a supplier.
//
// cite: 47 CFR 64.2010(a)
type BookReview struct {
	Partner  string `json:"partner" maxLength:"40"`
	On       string `json:"on" maxLength:"10"`
	Reviewer string `json:"reviewer" maxLength:"400"`
	Checked  string `json:"checked" maxLength:"20000"`
	Findings string `json:"findings,omitempty" maxLength:"20000"`
	MendBy   string `json:"mend_by,omitempty" maxLength:"10"`
	Mended   string `json:"mended,omitempty" maxLength:"10"`
	Next     string `json:"next,omitempty" maxLength:"10" doc:"The last day for the next one; as the policy has it, when not given."`
}

// BookFacts are what is held of a record: exactly one of them. A correction gives them whole.
type BookFacts struct {
	Complaint *BookComplaint `json:"complaint,omitempty"`
	Action    *BookAction    `json:"action,omitempty"`
	Method    *BookMethod    `json:"method,omitempty"`
	Review    *BookReview    `json:"review,omitempty"`
}

func (f BookFacts) facts() (out books.Facts, from books.Complainant, customer cpni.ID, err error) {
	day := func(text string) workday.Date {
		d, fault := dayOf(text)
		if err == nil {
			err = fault
		}
		return d
	}
	if c := f.Complaint; c != nil {
		out.Complaint = &books.Complaint{Category: c.Category, Source: c.Source, Received: day(c.Received), Verdict: c.Verdict, Finding: c.Finding, Done: c.Done}
		from, customer = books.Complainant{Name: c.Name, Says: c.Says}, c.Customer
	}
	if a := f.Action; a != nil {
		out.Action = &books.Action{Body: a.Body, Name: a.Name, Docket: a.Docket, On: day(a.On), Against: a.Against, What: a.What, Outcome: a.Outcome}
	}
	if m := f.Method; m != nil {
		out.Method = &books.Method{What: m.What, First: day(m.First), Last: day(m.Last), Known: m.Known, Alerts: m.Alerts, Incidents: m.Incidents, Steps: m.Steps, Since: day(m.Since)}
	}
	if r := f.Review; r != nil {
		out.Review = &books.Review{Partner: r.Partner, On: day(r.On), Reviewer: r.Reviewer, Checked: r.Checked, Findings: r.Findings, MendBy: day(r.MendBy), Mended: day(r.Mended), Next: day(r.Next)}
	}
	return out, from, customer, err
}

func bookFactsOf(f books.Facts, from books.Complainant, customer cpni.ID) (out BookFacts) {
	if c := f.Complaint; c != nil {
		out.Complaint = &BookComplaint{Category: c.Category, Source: c.Source, Received: dateText(c.Received), Verdict: c.Verdict, Finding: c.Finding, Done: c.Done, Customer: customer, Name: from.Name, Says: from.Says}
	}
	if a := f.Action; a != nil {
		out.Action = &BookAction{Body: a.Body, Name: a.Name, Docket: a.Docket, On: dateText(a.On), Against: a.Against, What: a.What, Outcome: a.Outcome}
	}
	if m := f.Method; m != nil {
		out.Method = &BookMethod{What: m.What, First: dateText(m.First), Last: dateText(m.Last), Known: m.Known, Alerts: m.Alerts, Incidents: m.Incidents, Steps: m.Steps, Since: dateText(m.Since)}
	}
	if r := f.Review; r != nil {
		out.Review = &BookReview{Partner: r.Partner, On: dateText(r.On), Reviewer: r.Reviewer, Checked: r.Checked, Findings: r.Findings, MendBy: dateText(r.MendBy), Mended: dateText(r.Mended), Next: dateText(r.Next)}
	}
	return out
}

// BookRecord is a record of a register.
type BookRecord struct {
	ID        cpni.ID    `json:"id"`
	Number    string     `json:"number" doc:"By which people call it, such as C-2026-1."`
	Kind      books.Kind `json:"kind" enum:"complaint,broker-action,pretexting-method,supplier-review"`
	Version   int64      `json:"version" doc:"Whoever corrects the record may name the version that they have read."`
	Entered   time.Time  `json:"entered"`
	Facts     BookFacts  `json:"facts"`
	Forgotten bool       `json:"forgotten,omitempty" doc:"Who complained is forgotten."`
	History   []BookStep `json:"history"`
}

// BookStep is one step in the history of a record.
type BookStep struct {
	N      int       `json:"n"`
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	By     string    `json:"by" doc:"A member's id, or system."`
	Reason string    `json:"reason,omitempty"`
	Entry  cpni.ID   `json:"entry" doc:"Of the ledger, which holds the hash of the step."`
}

func bookRecordOf(r *books.Record) BookRecord {
	out := BookRecord{ID: r.ID, Number: r.Number, Kind: r.Kind, Version: r.Version, Entered: r.Entered, Facts: bookFactsOf(r.Facts, r.From, r.Customer), Forgotten: r.Forgotten}
	for _, e := range r.History {
		out.History = append(out.History, BookStep{e.N, e.At, string(e.What), e.By, e.Reason, e.Entry})
	}
	return out
}

// BookRow is a record in a year, or a sanction.
type BookRow struct {
	ID     cpni.ID `json:"id"`
	Number string  `json:"number,omitempty"`
	Day    string  `json:"day"`
	Title  string  `json:"title"`
	Page   string  `json:"page" doc:"The address of its page in the console."`
}

func bookRows(all []books.Row) []BookRow {
	out := []BookRow{}
	for _, r := range all {
		out = append(out, BookRow{r.ID, r.Number, dateText(r.Day), r.Title, r.Address})
	}
	return out
}

// BookYear is what the registers hold of a calendar year by the carrier's calendar.
//
// cite: P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
type BookYear struct {
	Year       int         `json:"year"`
	Through    string      `json:"through" doc:"The last day that is counted: today, while the year lasts."`
	Kept       string      `json:"kept,omitempty" doc:"The day from which on the registers are kept."`
	Whole      bool        `json:"whole" doc:"They were kept on every day of it: an empty list says that there was none."`
	Complaints []BookCount `json:"complaints" doc:"By the categories that are counted."`
	Others     []BookRow   `json:"other_complaints"`
	Actions    []BookRow   `json:"broker_actions"`
	Methods    []BookRow   `json:"pretexting_methods"`
	Reviews    []BookRow   `json:"supplier_reviews"`
	Sanctions  []BookRow   `json:"sanctions"`
	Late       int         `json:"suppliers_late" doc:"Suppliers whose review, or the mending of what it found, is overdue now."`
}

// BookCount are the complaints of a category.
type BookCount struct {
	Category complaint.Category `json:"category"`
	Count    int                `json:"count"`
	Records  []BookRow          `json:"records"`
}

// BookSupplier is a partner that gets customers' information, and where its reviews stand.
//
// cite: P-37, 47 CFR 64.2010(a)
type BookSupplier struct {
	Partner  string  `json:"partner"`
	Reviewed string  `json:"reviewed,omitempty"`
	Review   cpni.ID `json:"review,omitempty"`
	Due      string  `json:"due"`
	MendBy   string  `json:"mend_by,omitempty"`
	Late     bool    `json:"late,omitempty"`
}

// books are the registers of which the yearly certificate tells.
//
// cite: P-37, P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
func (a *API) books() {
	tag := []string{"books"}
	const records, one = "/v1/books/records", "/v1/books/records/{id}"
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "enter-book-record", Method: http.MethodPost, Path: records, Tags: tag, DefaultStatus: http.StatusCreated, Summary: "Enter a complaint, an action against a data broker, a pretexting method or a review of a supplier",
		Description: "Exactly one of them. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body BookFacts
		}) (*struct{ Body BookRecord }, error) {
			facts, from, customer, err := in.Body.facts()
			if err != nil {
				return nil, err
			}
			r, err := a.office.Books.Enter(ctx, books.Intake{ID: a.repeatable("book record", c, in.Key), By: c.member.ID, Facts: facts, From: from, Customer: customer})
			if err != nil {
				return nil, err
			}
			return &struct{ Body BookRecord }{bookRecordOf(r)}, nil
		})
	register(a, operation{right: staff.ReadRegisters, scope: "registers", Operation: huma.Operation{OperationID: "read-book-record", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read a record with its history", Description: "What customers report in their account has the id of the report."}},
		func(ctx context.Context, c caller, in *struct {
			ID cpni.ID `path:"id" maxLength:"26"`
		}) (*struct{ Body BookRecord }, error) {
			r, err := a.office.Books.One(ctx, in.ID, c.member.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body BookRecord }{bookRecordOf(r)}, nil
		})
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "correct-book-record", Method: http.MethodPost, Path: one + "/facts", Tags: tag, Summary: "Correct a record, or add what has become known",
		Description: "The new facts are given whole and stand beside the old ones, with the reason. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			ID   cpni.ID `path:"id" maxLength:"26"`
			Key  string  `header:"Idempotency-Key" maxLength:"255"`
			Body struct {
				IncidentSeen
				BookFacts
				Reason string `json:"reason" minLength:"1" maxLength:"20000"`
			}
		}) (*struct{ Body BookRecord }, error) {
			facts, from, _, err := in.Body.facts()
			if err != nil {
				return nil, err
			}
			r, err := a.office.Books.Correct(ctx, in.ID, filing.Act{By: c.member.ID, ID: a.repeatable("book facts "+string(in.ID), c, in.Key), Version: in.Body.seen()}, facts, from, in.Body.Reason)
			if err != nil {
				return nil, err
			}
			return &struct{ Body BookRecord }{bookRecordOf(r)}, nil
		})
	register(a, operation{right: staff.ReadRegisters, scope: "registers", Operation: huma.Operation{OperationID: "read-book-year", Method: http.MethodGet, Path: "/v1/books/years/{year}", Tags: tag, Summary: "Read what the registers hold of a calendar year", Description: "By the carrier's calendar. It names no customer."}},
		func(ctx context.Context, c caller, in *struct {
			Year int `path:"year" minimum:"1996" maximum:"9999"`
		}) (*struct{ Body BookYear }, error) {
			y, err := a.office.Books.Year(ctx, c.member.ID, in.Year)
			if err != nil {
				return nil, err
			}
			out := BookYear{Year: y.Year, Through: dateText(y.Last), Kept: dateText(y.Kept), Whole: y.Whole, Others: bookRows(y.Others), Actions: bookRows(y.Actions), Methods: bookRows(y.Methods), Reviews: bookRows(y.Reviews), Sanctions: bookRows(y.Sanctions), Late: y.LateSuppliers}
			for _, n := range y.Complaints {
				out.Complaints = append(out.Complaints, BookCount{n.Category, len(n.Rows), bookRows(n.Rows)})
			}
			return &struct{ Body BookYear }{out}, nil
		})
	register(a, operation{right: staff.ReadRegisters, scope: "registers", Operation: huma.Operation{OperationID: "list-suppliers", Method: http.MethodGet, Path: "/v1/books/suppliers", Tags: tag, Summary: "List who gets customers' information, and where their reviews stand"}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct {
			Body struct {
				Suppliers []BookSupplier `json:"suppliers"`
			}
		}, error) {
			all, err := a.office.Books.Suppliers(ctx)
			if err != nil {
				return nil, err
			}
			out := &struct {
				Body struct {
					Suppliers []BookSupplier `json:"suppliers"`
				}
			}{}
			out.Body.Suppliers = []BookSupplier{}
			for _, s := range all {
				out.Body.Suppliers = append(out.Body.Suppliers, BookSupplier{s.Partner, dateText(s.Reviewed), s.Review, dateText(s.Due), dateText(s.MendBy), s.Late})
			}
			return out, nil
		})
}
