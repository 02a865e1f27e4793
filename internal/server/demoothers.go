package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"ringfence/internal/aggregate"
	"ringfence/internal/audience"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/directory"
	"ringfence/internal/matter"
	"ringfence/internal/notify/letter"
	"ringfence/internal/partner"
	"ringfence/internal/process"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// othersMark is the small fact by which a database says that all of demoOthers is in it.
const othersMark = "demo.others"

// others puts into a demonstration what comes of everybody else who asks, each by whom it is the work of, and through what they
// use at the desk. What is there already stays as it is, so that it can be gone on with.
type others struct {
	*Opened
	folder string
	now    time.Time
	today  workday.Date
	by     map[string]cpni.ID // members of the staff by login
}

// demoOthers puts them in, once.
//
// cite: P-08, P-15, P-29, P-31, P-32, P-34, P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func demoOthers(ctx context.Context, o *Opened, folder string) error {
	if done, err := o.DB.Meta(ctx, othersMark); err != nil || done != "" {
		return err
	}
	now := o.Clock.Now()
	d := &others{Opened: o, folder: folder, now: now, today: workday.DateIn(now, o.Zone), by: map[string]cpni.ID{}}
	all, err := o.Staff.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		d.by[m.Login] = m.ID
	}
	for _, part := range []struct {
		what string
		put  func(context.Context) error
	}{{"partners", d.partners}, {"campaigns", d.campaigns}, {"legal process", d.process}, {"matters", d.matters}, {"publishers of directories", d.directory}, {"figures", d.figures}, {"incidents", d.incidents}, {"books", d.books},
		{"the certificate", d.certificate}} {
		if err := part.put(ctx); err != nil {
			return fmt.Errorf("adding %s to the demonstration: %w", part.what, err)
		}
	}
	if err := o.Ledger.Sequence(ctx); err != nil {
		return err
	}
	return o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, othersMark, "1") })
}

// id names what the demonstration makes once.
func (d *others) id(what string) cpni.ID { return d.RepeatableID("demo", "demo", what) }

// key gives the public key of somebody outside, whose own key lies in the demonstration's folder, where age finds it.
func (d *others) key(name string) (string, error) {
	file := filepath.Join(d.folder, name+".key")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		fresh, err := age.GenerateX25519Identity()
		if err != nil {
			return "", fmt.Errorf("making a key: %w", err)
		}
		if err := os.WriteFile(file, []byte(fresh.String()+"\n"), 0o600); err != nil {
			return "", fmt.Errorf("keeping a key: %w", err)
		}
		return fresh.Recipient().String(), nil
	}
	if err != nil {
		return "", fmt.Errorf("reading a key: %w", err)
	}
	x, err := age.ParseX25519Identity(string(text[:len(text)-1]))
	if err != nil {
		return "", fmt.Errorf("%s is damaged: %w", file, err)
	}
	return x.Recipient().String(), nil
}

// partners writes down what the contracts say. What lets a partner have more takes two people here as well.
func (d *others) partners(ctx context.Context) error {
	acme, err := d.key("acme-alarm")
	if err != nil {
		return err
	}
	for _, p := range []struct {
		id      string
		facts   func(*partner.Partner)
		contact partner.Contact
	}{
		{"acme-alarm", func(p *partner.Partner) {
			p.Key, p.Agreement.Reference, p.Agreement.DestroyDays, p.Agreement.Purposes = acme, "JV-2026-014", 60, []cpni.Purpose{cpni.PartnerMarketing}
		}, partner.Contact{Name: "Ines Calloway", Email: "lists@acme-alarm.example", Phone: "+12025550122"}},
		{"bill-printers", func(p *partner.Partner) {
			p.Agreement.Reference, p.Agreement.DestroyDays, p.Agreement.Purposes = "SVC-2025-088", 30, []cpni.Purpose{cpni.BillingPurpose}
		}, partner.Contact{Name: "Tom Adeyemi", Email: "jobs@bill-printers.example", Phone: "+12025550123"}},
		{"late-collectors", func(p *partner.Partner) {
			p.Placed, p.Agreement.Reference, p.Agreement.Purposes = true, "COL-2024-031", []cpni.Purpose{cpni.BillingPurpose}
		}, partner.Contact{Name: "Petra Voss", Email: "office@late-collectors.example", Phone: "+12025550124"}},
	} {
		is, _, err := d.Partners.Get(ctx, p.id)
		if err != nil {
			return err
		}
		if is.Agreement.Reference == "" {
			next, agreement := *is, *is.Agreement
			next.Agreement = &agreement
			p.facts(&next)
			proposal, err := d.PutPartner(ctx, d.id("partner "+p.id), next, d.by["cora"])
			if err != nil {
				return err
			}
			if proposal != nil {
				if _, err := d.Proposals.Agree(ctx, proposal.ID, proposal.Hash, d.by["otto"]); err != nil {
					return err
				}
			}
		}
		if c, err := d.Partners.Contact(ctx, p.id); err != nil || c == p.contact {
			if err != nil {
				return err
			}
			continue
		}
		if err := d.Partners.SetContact(ctx, p.id, p.contact, string(d.by["cora"])); err != nil {
			return err
		}
	}
	return nil
}

// campaigns draws up one for the joint venture partner, which waits for its review and reaches nobody, for nobody has said yes; and
// the request by which customers are asked, which was reviewed and waits for its launch.
func (d *others) campaigns(ctx context.Context) error {
	for _, c := range []struct {
		what     string
		plan     campaign.Plan
		approved bool
	}{
		{"joint venture", campaign.Plan{Name: "Alarm with your line", Description: "Acme Alarm offers its monitored alarm to customers with local service and long distance. It gets a file of those who have said yes.",
			Kind: campaign.Marketing, Purpose: cpni.PartnerMarketing, Uses: []cpni.DataClass{cpni.Service}, Products: []campaign.Product{{Name: "Acme Monitored Alarm", Category: cpni.OtherProduct}}, To: "acme-alarm", Channel: campaign.ByExport,
			Starts: d.today, Ends: d.today.Add(60), Filter: audience.Filter{Has: []cpni.Category{cpni.Local, cpni.LongDistance}}, Columns: []string{"name", "number", "service"}}, false},
		{"request", campaign.Plan{Name: "May Acme Alarm see your services?", Description: "Customers with local service and long distance are asked whether Acme Alarm may see which services they buy. Who does not answer has said no.",
			Kind: campaign.ApprovalRequest, Purpose: cpni.PartnerMarketing, Uses: []cpni.DataClass{cpni.Service}, To: "acme-alarm", Channel: campaign.ByPost,
			Starts: d.today, Ends: d.today.Add(60), Filter: audience.Filter{Has: []cpni.Category{cpni.Local, cpni.LongDistance}}}, true},
	} {
		x, err := d.Campaigns.Get(ctx, d.id(c.what))
		if errors.Is(err, campaign.ErrNone) {
			x, err = d.Campaigns.Draft(ctx, d.id(c.what), c.plan, d.by["mia"])
		}
		if err == nil && x.State == campaign.Draft {
			x, err = d.Campaigns.Submit(ctx, x.ID, x.Version, d.by["mia"])
		}
		if err == nil && c.approved && x.State == campaign.Submitted {
			_, err = d.Campaigns.Approve(ctx, x.ID, x.Version, d.by["sam"], "Asks for the yes first, as it should be.")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return nil
}

// process takes a subpoena in, which waits for somebody else to read it.
//
// cite: P-29, 47 USC 222(c)(1)
func (d *others) process(ctx context.Context) error {
	if _, err := d.Processes.One(ctx, d.id("subpoena"), d.by["cora"]); !errors.Is(err, process.ErrNone) {
		return err
	}
	issued := d.today.Add(-4).Start(d.Zone)
	scan, err := letter.Report{Letterhead: []string{"Office of the Commonwealth's Attorney", "Arlington, Virginia"}, Language: "en", Title: "Subpoena 26-GJ-0417", Made: issued, Lines: []string{
		"To: Lucid Technologies, Custodian of Records. You are commanded to give the records that are named below.",
		"Answer to Detective R. Salazar, 1400 Court Sq, Arlington, VA 22201.",
		"This paper belongs to a demonstration: it commands nothing, and everybody in it is made up."},
		Columns: []string{"Number", "Records", "From", "To"}, Rows: [][]string{{"+1 202 555 0174", "Calls from and to it, and which service there is", "1 February 2026", "28 February 2026"}}}.PDF()
	if err != nil {
		return fmt.Errorf("printing the paper: %w", err)
	}
	_, err = d.Processes.File(ctx, process.Filing{ID: d.id("subpoena"), By: d.by["cora"], Kind: "subpoena", Number: "26-GJ-0417", Issuer: "Office of the Commonwealth's Attorney, Arlington", Officer: "Detective R. Salazar", Address: "1400 Court Sq, Arlington, VA 22201",
		Issued: issued, Received: d.now.Add(-time.Hour), Until: d.today.Add(90).Start(d.Zone), About: []string{"+12025550174"}, Data: []cpni.DataClass{cpni.CallDetail, cpni.Service},
		AskedFrom: time.Date(2026, 2, 1, 0, 0, 0, 0, d.Zone), AskedUntil: time.Date(2026, 3, 1, 0, 0, 0, 0, d.Zone), Scan: scan})
	return err
}

// matters opens a trouble ticket and a case of fraud.
//
// cite: P-31, P-34, 47 USC 222(d)(2)
func (d *others) matters(ctx context.Context) error {
	for _, m := range []struct {
		kind                   matter.Kind
		reference, by, of, why string
	}{
		{matter.Ticket, "T-4471", "alma", "+12025550161", "No dial tone since the storm; the line at the mill tests open."},
		{matter.Protection, "F-0093", "fay", "+12025550174", "Calls to premium numbers at night that the arena says nobody made."},
	} {
		if _, err := d.Matters.Get(ctx, d.id(m.reference)); !errors.Is(err, matter.ErrNone) {
			if err != nil {
				return err
			}
			continue
		}
		ids, err := d.Customers.Find(ctx, customer.ByNumber, m.of)
		if err != nil {
			return err
		}
		if len(ids) != 1 {
			return errors.New("the demonstration has no customer with a number of its own")
		}
		if _, err := d.Matters.Open(ctx, matter.Opening{ID: d.id(m.reference), Kind: m.kind, Reference: m.reference, Why: m.why, About: []matter.About{{Customer: ids[0], Lines: []string{m.of}}}, By: string(d.by[m.by])}); err != nil {
			return err
		}
	}
	return nil
}

// directory sets the terms for publishers, with one who has agreed to them.
//
// cite: P-32, 47 USC 222(e)
func (d *others) directory(ctx context.Context) error {
	terms, err := d.Directory.Terms(ctx)
	if err != nil {
		return err
	}
	if terms == nil {
		if terms, err = d.Directory.PutTerms(ctx, d.by["bill"], directory.Terms{Whole: 40, Update: 60, Says: "Listings may be printed and shown in directories of any form. They may not be sold on, and not be used for anything else."}); err != nil {
			return err
		}
	}
	p, err := d.Directory.Publisher(ctx, "valley-pages")
	if errors.Is(err, directory.ErrNone) {
		var key string
		if key, err = d.key("valley-pages"); err != nil {
			return err
		}
		if err = d.Directory.Put(ctx, d.by["bill"], directory.Publisher{ID: "valley-pages", Name: "Valley Pages", Person: "Noor Haddad", Email: "listings@valley-pages.example", Key: key}); err != nil {
			return err
		}
		p, err = d.Directory.Publisher(ctx, "valley-pages")
	}
	if err != nil || p.Terms != 0 {
		return err
	}
	return d.Directory.Agree(ctx, d.by["bill"], p.ID, terms.Version, "Cabinet 3, folder 12")
}

// figures asks how many customers there were in the newest three months that can be counted. Counting is work of the server, so
// the report waits until there is one.
//
// cite: P-05, 47 USC 222(c)(3)
func (d *others) figures(ctx context.Context) error {
	if _, err := d.Aggregate.One(ctx, d.id("figures")); !errors.Is(err, aggregate.ErrNone) {
		return err
	}
	first := time.Date(d.now.In(d.Zone).Year(), d.now.In(d.Zone).Month(), 1, 0, 0, 0, 0, d.Zone)
	before := first.AddDate(0, -2, 0) // the month before the last one is over for long enough on any day
	month, begins := before.Year()*100+int(before.Month()), before.AddDate(0, -2, 0)
	from := begins.Year()*100 + int(begins.Month())
	_, err := d.Aggregate.Ask(ctx, d.id("figures"), d.by["mia"], aggregate.Spec{Measure: aggregate.Customers, By: []aggregate.Dimension{aggregate.ByMonth}, From: from, To: month, Purpose: cpni.OwnMarketing, Recipient: string(cpni.ToCarrier)})
	return err
}
