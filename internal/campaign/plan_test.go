package campaign

import (
	"strings"
	"testing"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// whole is a plan in which nothing is missing.
func whole(change ...func(*Plan)) *Plan {
	words := Script{Subject: "An offer", Text: "It is large.", Short: "Large."}
	p := &Plan{Name: "Plus", Description: "A bigger plan", Kind: Marketing, Purpose: cpni.OwnMarketing, Uses: []cpni.DataClass{cpni.Service}, Products: []Product{{"Local Plus", cpni.Local}}, To: "carrier", Channel: ByEmail,
		Starts: workday.On(2026, 11, 24), Ends: workday.On(2026, 12, 24), Scripts: map[string]Script{"en": words, "es": words}}
	for _, c := range change {
		c(p)
	}
	return p
}

// What has to be on record, and does not go together, keeps a plan from being put before anybody.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestWhatAPlanNeeds(t *testing.T) {
	today := workday.On(2026, 11, 24)
	if r := whole().whole(today); r != nil {
		t.Fatalf("a whole plan: %v", r)
	}
	for name, spoil := range map[string]func(*Plan){
		"no description":                  func(p *Plan) { p.Description = "" },
		"no information":                  func(p *Plan) { p.Uses = nil },
		"no purpose":                      func(p *Plan) { p.Purpose = "" },
		"nobody who sees it":              func(p *Plan) { p.To = "" },
		"no offer":                        func(p *Plan) { p.Products = nil },
		"a product of no category":        func(p *Plan) { p.Products[0].Category = "" },
		"a product of a strange category": func(p *Plan) { p.Products[0].Category = "insurance" },
		"no channel":                      func(p *Plan) { p.Channel = "" },
		"no days":                         func(p *Plan) { p.Starts = workday.Date{} },
		"days turned round":               func(p *Plan) { p.Ends = workday.On(2026, 11, 23) },
		"a last day that is past":         func(p *Plan) { p.Starts, p.Ends = workday.On(2026, 10, 1), workday.On(2026, 11, 23) },
		"usage that it does not name":     func(p *Plan) { p.Filter.Usage = &audience.Usage{Month: 202610, Calls: 1} },
		"names and a filter":              func(p *Plan) { p.Named, p.Filter.Least = []cpni.ID{cpni.NewID()}, 2 },
		"a file that stays with us":       func(p *Plan) { p.Channel = ByExport },
		"no Spanish":                      func(p *Plan) { delete(p.Scripts, "es") },
		"no subject":                      func(p *Plan) { p.Scripts["en"] = Script{Text: "It is large."} },
		"no short words":                  func(p *Plan) { p.Channel, p.Scripts["es"] = ByText, Script{Text: "It is large."} },
		"a request by text":               func(p *Plan) { p.Kind, p.Channel = ApprovalRequest, ByText },
		"a request to those with lines":   func(p *Plan) { p.Kind, p.Filter.Least = ApprovalRequest, 2 },
		"an affiliate's of nobody's":      func(p *Plan) { p.Kind = Affiliate },
	} {
		if r := whole(spoil).whole(today); r == nil || r.Code != "CAMPAIGN" {
			t.Errorf("%s: %v", name, r)
		}
	}
	for name, spoil := range map[string]func(*Plan){
		"no name":             func(p *Plan) { p.Name = "" },
		"a name of two lines": func(p *Plan) { p.Name = "a\nb" },
		"a strange kind":      func(p *Plan) { p.Kind = "spam" },
		"a strange channel":   func(p *Plan) { p.Channel = "fax" },
		"a strange class":     func(p *Plan) { p.Uses = []cpni.DataClass{"mood"} },
		"a strange purpose":   func(p *Plan) { p.Purpose = cpni.Legal },
		"a strange language":  func(p *Plan) { p.Scripts["fr"] = Script{Text: "Bonjour"} },
		"a long script":       func(p *Plan) { p.Scripts["en"] = Script{Text: strings.Repeat("m", longestText+1)} },
		"no customer":         func(p *Plan) { p.Named = []cpni.ID{"ann"} },
		"a strange filter":    func(p *Plan) { p.Filter.States = []string{"Virginia"} },
	} {
		if r := whole(spoil).bounded(); r == nil || r.Code != "BAD_INPUT" {
			t.Errorf("%s: %v", name, r)
		}
	}
}

// A use is covered when what was reviewed names its information, purpose, recipient and offer.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestWhatAPlanCovers(t *testing.T) {
	p := whole(func(p *Plan) { p.Uses = []cpni.DataClass{cpni.Service, cpni.Usage} })
	use := func(change func(*rules.Facts)) rules.Facts {
		f := rules.Facts{Purpose: cpni.OwnMarketing, Data: []cpni.DataClass{cpni.Usage}, Recipient: rules.Recipient{Kind: cpni.ToCarrier}, Offer: &rules.Offer{Categories: []cpni.Category{cpni.Local}}}
		change(&f)
		return f
	}
	for _, row := range []struct {
		name   string
		covers bool
		change func(*rules.Facts)
	}{
		{"as it is", true, func(*rules.Facts) {}},
		{"no offer", true, func(f *rules.Facts) { f.Offer = nil }},
		{"more information", false, func(f *rules.Facts) { f.Data = append(f.Data, cpni.CallDetail) }},
		{"another purpose", false, func(f *rules.Facts) { f.Purpose = cpni.OtherMarketing }},
		{"a partner", false, func(f *rules.Facts) { f.Recipient = rules.Recipient{Kind: cpni.ToPartner, Partner: "acme"} }},
		{"another offer", false, func(f *rules.Facts) { f.Offer.Categories = append(f.Offer.Categories, cpni.OtherProduct) }},
		{"from a request to port", false, func(f *rules.Facts) { f.Basis.PortOut = true }},
	} {
		if got := p.covers(use(row.change)); got != row.covers {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	p.To = "acme"
	if !p.covers(use(func(f *rules.Facts) { f.Recipient = rules.Recipient{Kind: cpni.ToPartner, Partner: "acme"} })) {
		t.Error("the partner that it names")
	}
}

// Whatever of a plan is changed shows in what a reviewer is told has changed, and in its hash.
//
// cite: P-40, 47 CFR 64.2009(d)
func TestEveryChangeShows(t *testing.T) {
	before := whole()
	old, err := before.hash()
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(before, whole()); len(d) != 0 {
		t.Errorf("of two that are the same: %+v", d)
	}
	for name, change := range map[string]func(*Plan){
		"name":        func(p *Plan) { p.Name = "More" },
		"description": func(p *Plan) { p.Description = "Another" },
		"kind":        func(p *Plan) { p.Kind = Affiliate },
		"purpose":     func(p *Plan) { p.Purpose = cpni.WinBack },
		"uses":        func(p *Plan) { p.Uses = append(p.Uses, cpni.Usage) },
		"product":     func(p *Plan) { p.Products[0].Name = "Local Max" },
		"category":    func(p *Plan) { p.Products[0].Category = cpni.LongDistance },
		"to":          func(p *Plan) { p.To = "acme" },
		"channel":     func(p *Plan) { p.Channel = ByPost },
		"starts":      func(p *Plan) { p.Starts = p.Starts.Add(1) },
		"ends":        func(p *Plan) { p.Ends = p.Ends.Add(1) },
		"filter":      func(p *Plan) { p.Filter.Least = 2 },
		"named":       func(p *Plan) { p.Named = []cpni.ID{cpni.NewID()} },
		"subject":     func(p *Plan) { p.Scripts["en"] = Script{"Another", "It is large.", "Large."} },
		"text":        func(p *Plan) { p.Scripts["es"] = Script{"An offer", "It is larger.", "Large."} },
		"short":       func(p *Plan) { p.Scripts["es"] = Script{"An offer", "It is large.", "Larger."} },
		"columns":     func(p *Plan) { p.Columns = []string{"number"} },
		"edition":     func(p *Plan) { p.Edition = "1234" },
		"port-out":    func(p *Plan) { p.PortOut = true },
	} {
		after := whole(change)
		if now, err := after.hash(); err != nil || now == old {
			t.Errorf("%s: the hash is the same, %v", name, err)
		}
		if len(Compare(before, after)) == 0 || len(Compare(after, before)) == 0 {
			t.Errorf("%s: no field has changed", name)
		}
	}
	ask := func(silence bool) *Plan { return whole(func(p *Plan) { p.Kind, p.Silence = ApprovalRequest, silence }) }
	if len(Compare(ask(false), ask(true))) != 1 {
		t.Error("whether silence counts: no field has changed")
	}
	named := func() *Plan { return whole(func(p *Plan) { p.Named = []cpni.ID{cpni.NewID()} }) }
	if len(Compare(named(), named())) != 1 {
		t.Error("other customers are named: no field has changed")
	}
}
