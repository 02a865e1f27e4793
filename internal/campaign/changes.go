package campaign

import (
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/workday"
)

// Field is something that a plan says, in words: people compare two plans by it.
type Field struct{ Name, Says string }

// Fields gives all that the plan says, field by field, in the order of the form in which it is built.
func (p *Plan) Fields() []Field {
	var all []Field
	add := func(name, says string) { all = append(all, Field{name, says}) }
	add("Name", p.Name)
	add("Description", p.Description)
	add("Kind", string(p.Kind))
	add("Purpose", string(p.Purpose))
	add("Information used", joined(p.Uses))
	var products []string
	for _, x := range p.Products {
		products = append(products, x.Name+" ("+string(x.Category)+")")
	}
	add("Products", strings.Join(products, "; "))
	add("Who sees it", p.To)
	add("Channel", string(p.Channel))
	add("Columns of the file", strings.Join(p.Columns, ", "))
	add("First day", dayOf(p.Starts))
	add("Last day", dayOf(p.Ends))
	add("For whom", p.For())
	for _, language := range Languages {
		s, name := p.Scripts[language], map[string]string{"en": "English", "es": "Spanish"}[language]
		add("Subject in "+name, s.Subject)
		add("Text in "+name, s.Text)
		add("Text message in "+name, s.Short)
	}
	if p.Kind == ApprovalRequest {
		add("What counts", map[bool]string{true: "silence, after the wait of the law", false: "only a yes"}[p.Silence])
	}
	add("Edition of the notice", p.Edition)
	if p.PortOut {
		add("Where the audience comes from", "what other carriers have asked to port")
	}
	return all
}

// For says in words whom the campaign is for.
func (p *Plan) For() string {
	if len(p.Named) > 0 {
		return fmt.Sprintf("%d customers who are named", len(p.Named))
	}
	return p.Filter.String()
}

func dayOf(d workday.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func joined[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// Difference is a field in which two plans differ.
type Difference struct{ Name, Before, After string }

// Compare gives what differs between two plans, field by field.
//
// cite: P-40, 47 CFR 64.2009(d)
func Compare(before, after *Plan) []Difference {
	old, now := before.Fields(), after.Fields()
	says := func(all []Field, name string) string {
		if i := slices.IndexFunc(all, func(f Field) bool { return f.Name == name }); i >= 0 {
			return all[i].Says
		}
		return ""
	}
	var all []Difference
	for _, f := range now {
		if was := says(old, f.Name); was != f.Says {
			all = append(all, Difference{f.Name, was, f.Says})
		}
	}
	for _, f := range old {
		if !slices.ContainsFunc(now, func(n Field) bool { return n.Name == f.Name }) {
			all = append(all, Difference{f.Name, f.Says, ""})
		}
	}
	if len(before.Named) > 0 && len(before.Named) == len(after.Named) && !slices.Equal(before.Named, after.Named) {
		all = append(all, Difference{"Customers who are named", "others", "changed"})
	}
	return all
}
