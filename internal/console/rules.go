package console

import (
	"fmt"
	"net/http"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// rulesView are the rules in force.
type rulesView struct {
	page
	Policy string
	Groups []ruleGroup
	Count  int
}

// ruleGroup is a file of rules.
type ruleGroup struct {
	ID, Title string
	Rules     []ruleView
}

type ruleView struct {
	ID             string
	Permits        bool
	Code           cpni.Code
	Clauses, Cites string
	Says           string
}

func ruleViewOf(r rules.Rule) ruleView {
	return ruleView{r.ID, r.Permits, r.Code, strings.Join(r.Clauses, ", "), strings.Join(r.Cites, ", "), r.Says}
}

// rulesPage shows the rules in force, as people read them.
//
// cite: P-28
func (v *visit) rulesPage() error {
	set, _ := v.office.Policy.Current()
	view := rulesView{page: v.page("Rules", "/rules"), Policy: set.Version()}
	for _, r := range set.Rules() {
		title := groupTitle(r.File)
		if n := len(view.Groups); n == 0 || view.Groups[n-1].Title != title {
			view.Groups = append(view.Groups, ruleGroup{ID: fmt.Sprintf("group-%d", n+1), Title: title})
		}
		g := &view.Groups[len(view.Groups)-1]
		g.Rules = append(g.Rules, ruleViewOf(r))
		view.Count++
	}
	return v.show(http.StatusOK, rulesPage(view))
}

// groupTitle makes a title of the name of a file: rules/05-marketing.cedar is Marketing.
func groupTitle(file string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(file, "rules/"), ".cedar")
	name = strings.TrimLeft(name, "0123456789-")
	return capital(strings.ReplaceAll(name, "-", " "))
}

// numbersView are the dated numbers.
type numbersView struct {
	page
	Policy string
	Rows   []rules.Row
}

// numbersPage shows the dated numbers of the policy, in force or not.
//
// cite: P-28, P-58
func (v *visit) numbersPage() error {
	set, _ := v.office.Policy.Current()
	return v.show(http.StatusOK, numbersPage(numbersView{v.page("Dated numbers", "/rules"), set.Version(), set.Profiles().Rows()}))
}
