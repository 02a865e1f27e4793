package console

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// rulesView are the rules in force.
type rulesView struct {
	page
	Policy    string
	Groups    []ruleGroup
	Count     int
	Days      int // over which decisions are counted
	MayChange bool
}

// ruleGroup is a file of rules.
type ruleGroup struct {
	ID, Title string
	Rights    bool // its rules are about what the staff may do, and decide on no request
	Rules     []ruleView
}

type ruleView struct {
	ID             string
	Permits        bool
	Code           cpni.Code
	Clauses, Cites string
	Says           string
	Times          string // how often it decided; "" not counted
}

func ruleViewOf(r rules.Rule) ruleView {
	return ruleView{ID: r.ID, Permits: r.Permits, Code: r.Code, Clauses: strings.Join(r.Clauses, ", "), Cites: strings.Join(r.Cites, ", "), Says: r.Says}
}

func ruleAddress(id string) templ.SafeURL { return templ.SafeURL("/rules/" + id) }

// rulesPage shows the rules in force, as people read them, with how often each decided.
//
// cite: P-28
func (v *visit) rulesPage() error {
	set, _ := v.office.Policy.Current()
	counts, err := v.office.Watch.RuleCounts(v.r.Context(), countedDays)
	if err != nil {
		return err
	}
	view := rulesView{page: v.page("Rules", "/rules"), Policy: set.Version(), Days: countedDays, MayChange: v.member.May(staff.KeepPolicy)}
	for _, r := range set.Rules() {
		title, rights := groupTitle(r.File), strings.HasPrefix(r.File, "rights/")
		if n := len(view.Groups); n == 0 || view.Groups[n-1].Title != title || view.Groups[n-1].Rights != rights {
			view.Groups = append(view.Groups, ruleGroup{ID: fmt.Sprintf("group-%d", n+1), Title: title, Rights: rights})
		}
		g := &view.Groups[len(view.Groups)-1]
		shown := ruleViewOf(r)
		if !rights {
			shown.Times = strconv.FormatInt(counts[r.ID], 10)
		}
		g.Rules = append(g.Rules, shown)
		view.Count++
	}
	return v.show(http.StatusOK, rulesPage(view))
}

// groupTitle makes a title of the name of a file: rules/05-marketing.cedar is Marketing, rights/02-desks.cedar Rights: desks.
func groupTitle(file string) string {
	name := strings.TrimSuffix(file[strings.IndexByte(file, '/')+1:], ".cedar")
	name = strings.TrimLeft(name, "0123456789-")
	name = strings.ReplaceAll(name, "-", " ")
	if strings.HasPrefix(file, "rights/") && name != "rights" {
		return "Rights: " + name
	}
	return capital(name)
}

// countedDays is over how many of the carrier's days, today among them, the decisions of a rule are counted.
const countedDays = 7

// ruleDetail is one rule with everything that is known of it.
type ruleDetail struct {
	page
	Rule    ruleView
	File    string
	Line    int
	Text    string
	Rights  bool
	Days    int // over which its decisions are counted
	Clauses []rules.Clause
	Stories []Story
}

// rulePage shows one rule: its words, its text, and what it rests on.
//
// cite: P-28
func (v *visit) rulePage() error {
	set, _ := v.office.Policy.Current()
	all := set.Rules()
	i := slices.IndexFunc(all, func(r rules.Rule) bool { return r.ID == v.r.PathValue("rule") })
	if i < 0 {
		return errNowhere
	}
	r := all[i]
	counts, err := v.office.Watch.RuleCounts(v.r.Context(), countedDays)
	if err != nil {
		return err
	}
	view := ruleDetail{page: v.page("Rule "+r.ID, "/rules"), Rule: ruleViewOf(r), File: r.File, Line: r.Line, Text: r.Text, Rights: strings.HasPrefix(r.File, "rights/"), Days: countedDays}
	view.Rule.Times = strconv.FormatInt(counts[r.ID], 10)
	for _, c := range set.Clauses() {
		if slices.Contains(r.Clauses, c.ID) {
			view.Clauses = append(view.Clauses, c)
		}
	}
	if v.options.Stories != nil {
		stories, err := v.options.Stories()
		if err != nil {
			return err
		}
		for _, s := range stories {
			if slices.ContainsFunc(s.Cites, func(c string) bool { return slices.Contains(r.Clauses, c) }) {
				view.Stories = append(view.Stories, s)
			}
		}
	}
	return v.show(http.StatusOK, rulePage(view))
}

// numbersView are the dated numbers.
type numbersView struct {
	page
	Policy   string
	Rows     []rules.Row
	Choices  []switchChoice // profiles that can be put in force, for whom may propose it
	Switches []rules.Switch
	Waiting  []proposalRow
}

// numbersPage shows the dated numbers of the policy, in force or not.
//
// cite: P-28, P-58
func (v *visit) numbersPage() error {
	set, _ := v.office.Policy.Current()
	view := numbersView{page: v.page("Dated numbers", "/rules"), Policy: set.Version(), Rows: set.Profiles().Rows(), Switches: set.Switches()}
	if v.member.May(staff.KeepPolicy) {
		view.Choices = choicesOf(set, workday.DateIn(v.now, v.office.Zone))
	}
	var err error
	if view.Waiting, err = v.switchesWaiting(v.r.Context()); err != nil {
		return err
	}
	return v.show(http.StatusOK, numbersPage(view))
}

// roleView is a role with its rights.
type roleView struct {
	ID, Name string
	Rights   []rightView
}

type rolesView struct {
	page
	Roles []roleView
}

// rolesPage shows every role with its rights, to whoever gives a role to somebody.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) rolesPage() error {
	view := rolesView{page: v.page("Roles and their rights", "/rules")}
	for _, role := range cpni.Roles {
		view.Roles = append(view.Roles, roleView{"role-" + string(role), capital(wordOf(roleWords, role)), rightsOf(v.office.Staff.RightsOf(role))})
	}
	return v.show(http.StatusOK, rolesPage(view))
}
