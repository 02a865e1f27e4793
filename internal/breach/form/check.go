package form

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"ringfence/internal/cpni"
)

// Codes of what keeps a report from being filed.
const (
	CodeIncomplete cpni.Code = "INCOMPLETE" // something that has to be in it is missing or wrong
	CodeReceipt    cpni.Code = "RECEIPT"    // it is not proved that the facility has it
	CodeChannel    cpni.Code = "CHANNEL"    // it went another way than through the facility
)

// Problem is something that is missing or wrong in an answer.
type Problem struct {
	Field string   `json:"field"`
	Label string   `json:"label"`
	Says  string   `json:"says"` // what it is, a sentence
	Do    string   `json:"do"`   // what helps
	Cites []string `json:"cites"`
	// Blocks: the report is not complete while it stands. Others are for people to weigh.
	Blocks bool `json:"blocks"`
}

// Check tells what is missing or wrong in answers, in the order of the form: all of it, each with the clause because of which it is asked.
// None that Blocks: a person can file the report.
//
// cite: P-45, P-52, 47 CFR 64.2011(b), 47 CFR 64.2011(d)
func (f *Form) Check(v Values) []Problem {
	var all []Problem
	for _, x := range f.Fields() {
		if p := f.problem(x, v); p != nil {
			all = append(all, *p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if _, ok := f.Field(name); !ok {
			all = append(all, Problem{Field: name, Label: name, Says: fmt.Sprintf("This form has no field %q; what was written there is not part of the report.", name),
				Do: "write it where this form asks for it", Cites: []string{"P-52"}})
		}
	}
	return all
}

// problem judges one field.
func (f *Form) problem(x Field, v Values) *Problem {
	p := &Problem{Field: x.Name, Label: x.Label, Cites: slices.Clone(x.Cites), Blocks: true}
	said := strings.TrimSpace(v[x.Name])
	if said == "" {
		p.Do = x.tip()
		switch {
		case x.Required:
			p.Says = fmt.Sprintf("“%s” is missing.", x.Label)
		case f.holds(x.When, v):
			other, _ := f.Field(x.When.Field)
			p.Says = fmt.Sprintf("“%s” is missing: it is needed because “%s” says “%s”.", x.Label, other.Label, firstLine(other.Text(f.Currency, x.When.Is)))
		case x.Wanted:
			p.Says, p.Blocks = fmt.Sprintf("“%s” is not given; the facility may ask for it.", x.Label), false
		default:
			return nil
		}
		return p
	}
	if says, do := x.wrong(v[x.Name]); says != "" {
		p.Says, p.Do = fmt.Sprintf("“%s” %s.", x.Label, says), do
		return p
	}
	mine, ok := x.first(v[x.Name])
	for _, with := range []struct {
		name  string
		after bool
	}{{x.NotBefore, false}, {x.NotAfter, true}} {
		other, there := f.Field(with.name)
		theirs, dated := other.first(v[with.name])
		if !ok || !there || !dated {
			continue
		}
		if !with.after && mine.Before(theirs) {
			p.Says, p.Do = fmt.Sprintf("“%s” lies before “%s”, on %s.", x.Label, other.Label, dayWords(theirs)), "correct the one that is wrong"
			return p
		}
		if with.after && mine.After(theirs) {
			p.Says, p.Do = fmt.Sprintf("“%s” begins after “%s”, on %s.", x.Label, other.Label, dayWords(theirs)), "correct the one that is wrong"
			return p
		}
	}
	if what := identifies(x, v[x.Name]); what != "" {
		p.Says, p.Do, p.Blocks = fmt.Sprintf("“%s” seems to hold %s.", x.Label, what), "take it out if it is a customer’s: a report names no customer, and says how many there are", false
		return p
	}
	return nil
}

// holds reports whether a condition holds: the other field says that, and nothing that it cannot say.
func (f *Form) holds(w When, v Values) bool {
	other, ok := f.Field(w.Field)
	if says, _ := other.wrong(v[w.Field]); !ok || says != "" {
		return false
	}
	return slices.Contains(strings.Split(v[w.Field], between), w.Is)
}

// tip says how a field is filled in.
func (x Field) tip() string {
	switch x.Kind {
	case Choice, Choices:
		return "choose what holds"
	case YesNo:
		return "say yes or no"
	}
	if x.Unknown {
		return "write it, or say that it is not known yet"
	}
	return "write it: " + strings.ToLower(x.Help[:1]) + strings.TrimSuffix(x.Help[1:], ".")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// Blocking are those of the problems with which a report is not complete.
func Blocking(all []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(all), func(p Problem) bool { return !p.Blocks })
}

// Refused is the refusal to take a report for complete, or nil where nothing blocks it. It names the fields and no answers.
//
// cite: P-52, 47 CFR 64.2011(d)
func Refused(all []Problem) error {
	all = Blocking(all)
	if len(all) == 0 {
		return nil
	}
	var labels, cites, ways []string
	for _, p := range all {
		labels = append(labels, "“"+p.Label+"”")
		for _, c := range p.Cites {
			if !slices.Contains(cites, c) {
				cites = append(cites, c)
			}
		}
		ways = append(ways, p.Label+": "+p.Do)
	}
	return cpni.Rejected(CodeIncomplete, "the report to the agencies is not complete: "+strings.Join(labels, ", "), cites, ways...)
}

// What gives a customer away in a text. The net is for oversights: who means to write a name here can.
var identity = []struct {
	form *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`[\p{L}0-9._%+-]+@[\p{L}0-9-]+(\.[\p{L}0-9-]+)+`), "an e-mail address"},
	{regexp.MustCompile(`(^|[^0-9])[0-9]{3}-[0-9]{2}-[0-9]{4}($|[^0-9])`), "a social security number"},
	{regexp.MustCompile(`(^|[^0-9])(\+?1[ .-]?)?(\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-]?)[2-9][0-9]{2}[ .-]?[0-9]{4}($|[^0-9])`), "a telephone number"},
}

// identifies says what in the paragraphs of an answer could say who somebody is; "": nothing is seen.
//
// cite: P-52, I-23
func identifies(x Field, v string) string {
	if x.Kind != Long {
		return ""
	}
	for _, i := range identity {
		if i.form.MatchString(v) {
			return i.what
		}
	}
	return ""
}
