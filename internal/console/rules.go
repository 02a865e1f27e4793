package console

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
)

// rulesView are the rules in force.
type rulesView struct {
	page
	Policy    string
	Groups    []ruleGroup
	Count     int
	Counted   string // of how many decisions the counts are
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
	counts := v.ruleCounts(v.r.Context())
	view := rulesView{page: v.page("Rules", "/rules"), Policy: set.Version(), Counted: counts.says(), MayChange: v.member.May(staff.KeepPolicy)}
	for _, r := range set.Rules() {
		title, rights := groupTitle(r.File), strings.HasPrefix(r.File, "rights/")
		if n := len(view.Groups); n == 0 || view.Groups[n-1].Title != title || view.Groups[n-1].Rights != rights {
			view.Groups = append(view.Groups, ruleGroup{ID: fmt.Sprintf("group-%d", n+1), Title: title, Rights: rights})
		}
		g := &view.Groups[len(view.Groups)-1]
		shown := ruleViewOf(r)
		if !rights {
			shown.Times = counts.of(r.ID)
		}
		g.Rules = append(g.Rules, shown)
		view.Count++
	}
	return v.show(http.StatusOK, rulesPage(view))
}

// groupTitle makes a title of the name of a file: rules/05-marketing.cedar is Marketing.
func groupTitle(file string) string {
	name := strings.TrimSuffix(file[strings.IndexByte(file, '/')+1:], ".cedar")
	name = strings.TrimLeft(name, "0123456789-")
	return capital(strings.ReplaceAll(name, "-", " "))
}

// ruleCount says how often each rule decided, of the newest decisions.
type ruleCount struct {
	Decisions int // that were looked at; 0: none were, or there was no time
	Times     map[string]int
}

func (c ruleCount) says() string {
	if c.Decisions == 0 {
		return ""
	}
	return "of the newest " + counted(c.Decisions, "decision", "decisions")
}

func (c ruleCount) of(rule string) string {
	if c.Decisions == 0 {
		return ""
	}
	return strconv.Itoa(c.Times[rule])
}

// Bounds of counting: how many decisions are looked at, for how long, and how long the answer is kept.
const (
	mostCounted = 500
	countTime   = 500 * time.Millisecond
	countKept   = 30 * time.Second
)

// countCache keeps the last count.
type countCache struct {
	mu   sync.Mutex
	at   time.Time
	last ruleCount
}

// ruleCounts counts how often each rule decided the newest decisions that can still be read. Where there are so many that
// they cannot be found in time, nothing is counted.
func (v *visit) ruleCounts(ctx context.Context) ruleCount {
	v.counts.mu.Lock()
	defer v.counts.mu.Unlock()
	if age := v.now.Sub(v.counts.at); age >= 0 && age < countKept && v.counts.last.Times != nil {
		return v.counts.last
	}
	ctx, cancel := context.WithTimeout(ctx, countTime)
	defer cancel()
	c := ruleCount{Times: map[string]int{}}
	all, err := v.office.Door.Newest(ctx, mostCounted)
	if err == nil {
		for _, r := range all {
			c.Decisions++
			for _, id := range r.Decision.Rules {
				c.Times[id]++
			}
		}
	}
	v.counts.at, v.counts.last = v.now, c
	return c
}

// ruleDetail is one rule with everything that is known of it.
type ruleDetail struct {
	page
	Rule    ruleView
	File    string
	Line    int
	Text    string
	Rights  bool
	Counted string
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
	counts := v.ruleCounts(v.r.Context())
	view := ruleDetail{page: v.page("Rule "+r.ID, "/rules"), Rule: ruleViewOf(r), File: r.File, Line: r.Line, Text: r.Text, Rights: strings.HasPrefix(r.File, "rights/"), Counted: counts.says()}
	view.Rule.Times = counts.of(r.ID)
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
	Policy  string
	Rows    []rules.Row
	Dormant []string // profiles that can be switched on
	Key     cpni.ID
	Today   string
}

// numbersPage shows the dated numbers of the policy, in force or not.
//
// cite: P-28, P-58
func (v *visit) numbersPage() error {
	set, _ := v.office.Policy.Current()
	view := numbersView{page: v.page("Dated numbers", "/rules"), Policy: set.Version(), Rows: set.Profiles().Rows(), Key: cpni.NewID(), Today: v.now.In(v.office.Zone).Format(time.DateOnly)}
	if v.member.May(staff.KeepPolicy) {
		for _, r := range view.Rows {
			if r.State == "dormant" && !slices.Contains(view.Dormant, r.Profile) {
				view.Dormant = append(view.Dormant, r.Profile)
			}
		}
	}
	return v.show(http.StatusOK, numbersPage(view))
}

// switchProfile proposes that a dormant profile takes effect.
//
// cite: V35, P-58
func (v *visit) switchProfile() error {
	id, err := v.key("proposal of a switch")
	if err != nil {
		return err
	}
	p, err := v.office.ProposeSwitch(v.r.Context(), id, rules.Switch{Profile: v.field("profile"), From: v.field("from"), Citation: v.field("citation")}, v.member.ID)
	return v.proposed(p, err, "/rules/numbers")
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
