package certificate

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// Link is where the records behind a sentence are opened at the desk.
type Link struct {
	Says string `json:"says"`
	At   string `json:"at"` // an address of the console
}

// Gap is something that was not kept, or is not known to be. It stands in the statement.
//
// cite: P-37, 47 CFR 64.2009(e), V110
type Gap struct {
	ID         string   `json:"id"` // obligation/gap
	Obligation string   `json:"obligation"`
	Says       string   `json:"says"`
	Evidence   []Link   `json:"evidence,omitempty"`
	Topics     []string `json:"topics,omitempty"` // words of sentences that claim the contrary
}

// Obligation is what has to be answered for, and what the records show of it.
type Obligation struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Clauses  []string `json:"clauses"`
	Cites    []string `json:"cites"`
	Sentence string   `json:"sentence"` // several, as they stand in the statement
	Evidence []Link   `json:"evidence"`
	Gaps     []Gap    `json:"gaps,omitempty"`

	says []string // sentences that stand whatever was kept
	kept string   // what is claimed when nothing is open
}

// Lack is something that the certificate does not say yet.
type Lack struct {
	Field string // complaints, brokers, …; explained/ID for a gap that nobody has explained
	Says  string // after "the certificate does not say"
}

// Draft is the certificate with its statement, as far as the file and the records tell it.
//
// cite: 47 CFR 64.2009(e)
type Draft struct {
	Year        int          `json:"year"`
	Made        time.Time    `json:"made"`
	From        time.Time    `json:"from"` // of the records that it is written from
	To          time.Time    `json:"to"`
	Over        bool         `json:"over"`           // the year is over
	Amends      bool         `json:"amends"`         // it takes the place of one that was signed before
	Fields      Fields       `json:"fields"`         // with what the configuration and the registers fill in
	Register    Complaints   `json:"register"`       // complaints that the registers hold
	Known       Known        `json:"known,omitzero"` // actions and methods that the registers hold
	Obligations []Obligation `json:"obligations"`
	Gaps        []Gap        `json:"gaps"`
	Lacking     []Lack       `json:"-"`
	Contrary    []Contrary   `json:"-"` // what somebody wrote and the records contradict
	Due         workday.Due  `json:"due"`
	Sections    []Section    `json:"sections"` // the certificate and the statement in their order
}

// Draft drafts the certificate of a year out of its file and the records as they are now.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) Draft(ctx context.Context, year int, by cpni.ID) (*Draft, error) {
	if err := d.admits(ctx, by, staff.ReadRegisters); err != nil {
		return nil, err
	}
	f, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, year, "")
	if err != nil {
		return nil, err
	}
	return d.draft(ctx, f)
}

// draft drafts it, whoever asks.
func (d *Desk) draft(ctx context.Context, f *File) (*Draft, error) {
	now := d.Clock.Now()
	p := d.period(f.Year, now)
	out := &Draft{Year: f.Year, Made: now.UTC().Truncate(time.Microsecond), From: p.From, To: p.To, Over: !now.Before(d.yearEnd(f.Year)), Amends: len(f.Before) > 0, Fields: d.filled(f.Fields), Due: d.DueOf(f.Year)}
	var err error
	if out.Register, err = d.Complaints(ctx, p); err != nil {
		return nil, err
	}
	if out.Known, err = d.Known(ctx, p); err != nil {
		return nil, err
	}
	if out.Obligations, err = d.List.answer(ctx, p, d.Sources, d.Unanswered); err != nil {
		return nil, err
	}
	keeping, err := d.Keepers(ctx)
	if err != nil {
		return nil, err
	}
	for i := range out.Obligations {
		o := &out.Obligations[i]
		d.List.keeping(o, keeping(o.Clauses), d.Zone)
		out.Gaps = append(out.Gaps, o.Gaps...)
	}
	out.Lacking, out.Contrary = d.lacking(out), d.List.contrary(out)
	out.Sections = d.sections(out, nil)
	return out, nil
}

// filled puts what is configured where nobody has written anything else.
func (d *Desk) filled(f Fields) Fields {
	c := d.Carrier()
	if f.Company == "" {
		f.Company = c.Name
	}
	if f.FilerID == "" {
		f.FilerID = c.FilerID
	}
	return f
}

func (d *Desk) yearEnd(year int) time.Time { return workday.On(year+1, 1, 1).Start(d.Zone) }

// period is a year as far as it has come.
func (d *Desk) period(year int, now time.Time) Period {
	p := Period{Year: year, From: workday.On(year, 1, 1).Start(d.Zone), To: d.yearEnd(year), Now: now}
	if now.Before(p.To) {
		p.To = now
	}
	return p
}

// lacking lists what the certificate does not say yet. Each blank is one, and nothing is taken for said that is not.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17, V109
func (d *Desk) lacking(x *Draft) (all []Lack) {
	f := x.Fields
	need := func(ok bool, field, says string) {
		if !ok {
			all = append(all, Lack{field, says})
		}
	}
	need(f.Company != "", "company", "the name of the carrier")
	need(f.FilerID != "", "filer-id", "its filer id of Form 499")
	need(f.Signatory != "", "signatory", "who signs")
	need(f.Title != "", "title", "the title of who signs")
	need(f.Agent, "agent", "that who signs acts as an agent of the carrier")
	need(f.Knowledge, "knowledge", "that who signs has personal knowledge of the procedures")
	need(f.Complaints.None || f.Complaints.total() > 0, "complaints", "how many complaints there were in each of the three categories, or that there were none")
	need(f.Complaints.None || f.Complaints.Summary != "", "complaints-summary", "what the complaints were about and what came of them")
	need(!f.Brokers.blank(), "brokers", "which actions were taken against data brokers, or that none were")
	need(!f.Pretexting.blank(), "pretexting", "what is known of the methods of pretexters, or that nothing is")
	need(f.Steps != "", "steps", "what is done against pretexters")
	need(f.Truthful, "truthful", "that who signs knows what 47 CFR 1.17 asks of them")
	for _, g := range x.Gaps {
		need(f.Explained[g.ID] != "", "explained/"+g.ID, "why this was, and what is done about it: "+g.Says)
	}
	return all
}

// states reports whether a draft states a gap.
func (x *Draft) states(id string) bool {
	return slices.ContainsFunc(x.Gaps, func(g Gap) bool { return g.ID == id })
}
