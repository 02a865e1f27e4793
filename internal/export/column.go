package export

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/vault"
)

// Reference is the first column of every file: a name for the customer that holds in this file alone, and by which a leaked copy tells
// from which export it comes.
const Reference = "reference"

// plainColumns are those that hold no customer proprietary network information: where and by what name the customer is reached.
var plainColumns = map[string]func(*customer.Profile, time.Time) string{
	"name":     func(p *customer.Profile, _ time.Time) string { return p.Name },
	"language": func(p *customer.Profile, _ time.Time) string { return language(p) },
	"number": func(p *customer.Profile, at time.Time) string {
		if lines := reachable(p, at); len(lines) > 0 {
			return lines[0].Number
		}
		return ""
	},
	"numbers": func(p *customer.Profile, at time.Time) string {
		var all []string
		for _, l := range reachable(p, at) {
			all = append(all, l.Number)
		}
		return strings.Join(all, " ")
	},
	"postal": func(p *customer.Profile, at time.Time) string {
		return address(p.Postal, at, p.Quiet(customer.Shared.Postal))
	},
	"email": func(p *customer.Profile, at time.Time) string {
		return address(p.Email, at, p.Quiet(customer.Shared.Email))
	},
}

func language(p *customer.Profile) string {
	if p.Language == "" {
		return "en"
	}
	return p.Language
}

// reachable are the lines at which the customer may be reached: those in service that nobody says are another's, and none when the
// customer has asked that nobody should reach them there.
func reachable(p *customer.Profile, at time.Time) []customer.Line {
	if p.Quiet(customer.Shared.Lines) {
		return nil
	}
	return slices.DeleteFunc(p.LiveLines(at), func(l customer.Line) bool { return l.Frozen })
}

func address(all []customer.Address, at time.Time, quiet bool) string {
	if quiet {
		return ""
	}
	sound := slices.DeleteFunc(slices.Clone(all), func(a customer.Address) bool { return a.Frozen || a.Undone })
	a, _ := customer.Current(sound, at)
	return a.Value
}

// classColumns are the columns that show a class of information; usage, service, location and billing can also be had field by field,
// as usage.minutes.
var classColumns = map[string]cpni.DataClass{"calls": cpni.CallDetail, "calls.count": cpni.CallDetail, "calls.seconds": cpni.CallDetail, "listing": cpni.Listing,
	"usage": cpni.Usage, "service": cpni.Service, "location": cpni.Location, "billing": cpni.Billing}

var fieldForm = regexp.MustCompile(`^(usage|service|location|billing)\.[a-z0-9][a-z0-9-]{0,39}$`)

// PlainColumns lists the columns without customer proprietary network information.
func PlainColumns() []string {
	return []string{"name", "number", "numbers", "postal", "email", "language"}
}

// ClassColumns lists the columns that show classes of information, beside single fields such as usage.minutes.
func ClassColumns() []string {
	return []string{"service", "usage", "billing", "location", "calls", "calls.count", "calls.seconds", "listing"}
}

// ClassOf gives the class of information that a column shows; "" of one that shows none. ok is false of what is no column.
//
// cite: P-03, P-15, 47 USC 222(h)(1)
func ClassOf(column string) (class cpni.DataClass, ok bool) {
	if _, plain := plainColumns[column]; plain {
		return "", true
	}
	if c, is := classColumns[column]; is {
		return c, true
	}
	if m := fieldForm.FindStringSubmatch(column); m != nil {
		return cpni.DataClass(m[1]), true
	}
	return "", false
}

// checkColumns refuses columns that are none, that come twice, and that show a class which is not asked for: the rules decide on the
// classes, and nothing is shown on which they did not.
//
// cite: P-15, P-36, 47 CFR 64.2007(b)
func checkColumns(columns []string, data []cpni.DataClass) error {
	if len(columns) == 0 || len(columns) > mostColumns {
		return cpni.Rejected("BAD_INPUT", "an export has 1 to 40 columns beside the reference", []string{"P-41"}, "name columns such as name, number and service.plan")
	}
	for i, c := range columns {
		class, ok := ClassOf(c)
		switch {
		case !ok:
			return cpni.Rejected("UNCLASSIFIED", "the export names a column that has not been classified", []string{"P-03", "47 USC 222(h)(1)"}, "name columns of docs/partners.md")
		case slices.Contains(columns[:i], c):
			return cpni.Rejected("BAD_INPUT", "the export names a column twice", []string{"P-41"}, "name each column once")
		case class != "" && !slices.Contains(data, class):
			return cpni.Rejected("SCOPE", fmt.Sprintf("a column shows information of the class %s, which is not asked for", class), []string{"P-36", "47 CFR 64.2007(b)"}, "leave the column out, or ask for the class")
		}
	}
	return nil
}

// row makes the cells of a customer: the reference, and then each column. What the decision does not cover is not there to be shown.
func (s *Spec) row(mark string, h *disclose.Handed, r *disclose.Released) []string {
	cells := make([]string, 0, len(s.Columns)+1)
	cells = append(cells, mark)
	for _, c := range s.Columns {
		if plain := plainColumns[c]; plain != nil {
			cells = append(cells, plain(h.Profile, h.At))
			continue
		}
		cells = append(cells, shown(c, h.Profile, r))
	}
	return cells
}

func shown(column string, p *customer.Profile, r *disclose.Released) string {
	switch column {
	case "calls.count":
		return strconv.Itoa(r.CallCount())
	case "calls.seconds":
		seconds := 0
		for _, l := range r.Calls {
			for _, c := range l.Calls {
				seconds += int(c.Seconds)
			}
		}
		return strconv.Itoa(seconds)
	case "calls":
		return callsOf(r)
	case "listing":
		var all []string
		for _, l := range r.Lines {
			all = append(all, l.Number+" "+l.Name)
		}
		return strings.Join(all, "; ")
	}
	class, field, one := strings.Cut(column, ".")
	var all []string
	for _, i := range newest(r.Items, cpni.DataClass(class), field) {
		for _, name := range sortedFields(i.Values) {
			switch {
			case one && name != field:
			case one && len(p.Lines) < 2:
				all = append(all, i.Values[name])
			case one:
				all = append(all, lineOf(p, i.Line)+i.Values[name])
			default:
				all = append(all, monthOf(i.Period)+lineOf(p, i.Line)+name+"="+i.Values[name])
			}
		}
	}
	return strings.Join(all, "; ")
}

// newest gives the items of a class: all of them, or for one field those of the newest month that has it, line by line.
func newest(items []vault.Item, class cpni.DataClass, field string) []vault.Item {
	var all []vault.Item
	for _, i := range items {
		if i.Class != class {
			continue
		}
		if field == "" {
			all = append(all, i)
			continue
		}
		if _, has := i.Values[field]; !has {
			continue
		}
		if n := slices.IndexFunc(all, func(a vault.Item) bool { return a.Line == i.Line }); n >= 0 {
			if i.Period >= all[n].Period {
				all[n] = i
			}
			continue
		}
		all = append(all, i)
	}
	return all
}

func sortedFields(values map[string]string) []string {
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func monthOf(period int) string {
	if period == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d ", period/100, period%100)
}

func lineOf(p *customer.Profile, no int) string {
	for _, l := range p.Lines {
		if no > 0 && l.No == no {
			return l.Number + " "
		}
	}
	return ""
}

// callsOf writes calls as JSON: [{"line":…,"at":…,"out":true,"number":…,"seconds":…}, …], times in UTC.
func callsOf(r *disclose.Released) string {
	type call struct {
		Line     string    `json:"line"`
		At       time.Time `json:"at"`
		Out      bool      `json:"out"`
		Number   string    `json:"number,omitempty"`
		Seconds  int       `json:"seconds"`
		Answered bool      `json:"answered"`
	}
	all := []call{}
	for _, l := range r.Calls {
		for _, c := range l.Calls {
			all = append(all, call{l.Line, c.At.UTC(), c.Out, c.Number, int(c.Seconds), c.Answered})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // such calls can always be written
	}
	return string(text)
}
