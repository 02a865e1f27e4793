package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// switchView is the page on which another rule is put in force: the form, and beside it what that would change.
type switchView struct {
	page
	Choices []switchChoice
	Asked   rules.Switch // as the form has it
	Key     cpni.ID
	Turn    *turnView // nil: not asked yet, or refused
	Waiting []proposalRow
}

// switchChoice is a profile that can be put in force.
type switchChoice struct{ Name, Says string }

// turnView is what a switch changes.
type turnView struct {
	Profile, Instead, From, Last string
	Citation                     string
	Numbers                      []rules.TurnedNumber
	CalledOff                    []rules.Switch
	AtAdoption                   bool
	Sentences                    int // of the public policy that rest on what ends
}

// switchedNumbers are the words for numbers of which two rules are compared, in the order in which people read them.
var switchedNumbers = [][2]string{
	{"agencies_business_days", "Business days within which the agencies are told"},
	{"reminders_business_days", "Business days on which the desk is reminded"},
	{"escalate_business_day", "Business day from which the officer is asked instead of compliance"},
	{"hold_business_days", "Full business days after that in which nobody else is told"},
	{"direction_days", "Days for which a direction of an agency holds at first"},
	{"customers_days", "Days within which customers are told"},
	{"customers_target_days", "Days within which customers are told: our own target"},
	{"customers_reminder_days", "Last days of that on which the desk is reminded"},
	{"small_breach_below", "A breach is small below so many customers"},
	{"small_breach_summary_month", "Month in which small breaches are reported for the year before"},
	{"small_breach_summary_day", "Day of that month"},
	{"small_breach_summary_reminder_days", "Days before it on which the desk is reminded"},
}

// turnedPlace gives the place of a number among those that have words; those without come last.
func turnedPlace(name string) int {
	if i := slices.IndexFunc(switchedNumbers, func(n [2]string) bool { return n[0] == name }); i >= 0 {
		return i
	}
	return len(switchedNumbers)
}

// turnedName gives the words for a number.
func turnedName(name string) string {
	if i := turnedPlace(name); i < len(switchedNumbers) {
		return switchedNumbers[i][1]
	}
	return capital(strings.ReplaceAll(name, "_", " "))
}

// turnedValue writes a number, or that there is none.
func turnedValue(value string) string {
	if value == "" {
		return "none"
	}
	return strings.ReplaceAll(strings.Trim(value, "[]"), " ", ", ")
}

// choicesOf lists the profiles that can be put in force, and how each stands today: those first that are not.
func choicesOf(set *rules.Set, today workday.Date) (all []switchChoice) {
	for _, name := range set.Profiles().Switchable() {
		says := "not in force"
		if set.Profiles().At(today).Has(name) {
			says = "in force"
		}
		all = append(all, switchChoice{name, says})
	}
	slices.SortStableFunc(all, func(a, b switchChoice) int { return -cmp.Compare(a.Says, b.Says) })
	return all
}

// turnOf tells what a switch changes; w is as it is entered.
func (v *visit) turnOf(set *rules.Set, w rules.Switch) (*turnView, error) {
	t, err := set.Turn(w)
	if err != nil {
		return nil, err
	}
	view := &turnView{Profile: t.Profile, Instead: t.Instead, From: t.From.String(), Last: t.From.Add(-1).String(), Citation: w.Citation, Numbers: t.Numbers, CalledOff: t.CalledOff, AtAdoption: t.AtAdoption}
	slices.SortStableFunc(view.Numbers, func(a, b rules.TurnedNumber) int { return cmp.Compare(turnedPlace(a.Name), turnedPlace(b.Name)) })
	if version, _ := v.office.Published.Current(v.now); version != nil && t.Instead != "" {
		for _, section := range version.Sections {
			for _, s := range section.Sentences {
				if slices.Contains(s.Keepers.Profiles, t.Instead) {
					view.Sentences++
				}
			}
		}
	}
	return view, nil
}

// switchPage shows the form with which another rule is put in force, and what that would change.
//
// cite: V35, P-28, P-58
func (v *visit) switchPage() error {
	q := v.r.URL.Query()
	return v.showSwitch(http.StatusOK, rules.Switch{Profile: q.Get("profile"), From: q.Get("from"), Citation: q.Get("citation"), Late: q.Get("late") != ""}, nil)
}

func (v *visit) showSwitch(status int, w rules.Switch, refusal *cpni.Refusal) error {
	set, _ := v.office.Policy.Current()
	today := workday.DateIn(v.now, v.office.Zone)
	view := switchView{page: v.page("Put another rule in force", "/rules"), Choices: choicesOf(set, today), Asked: w, Key: cpni.NewID()}
	if refusal == nil && w != (rules.Switch{}) {
		asked := w
		if asked.Late && asked.Reason == "" {
			asked.Reason = "to be said" // the reason is asked for together with the proposal
		}
		entered, err := set.Entering(asked, today)
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		if err == nil {
			if view.Turn, err = v.turnOf(set, entered); err != nil {
				return err
			}
		}
	}
	if refusal != nil {
		view.Problem = problemOf(refusal)
		view.Problem.Retry = "profile"
	}
	var err error
	if view.Waiting, err = v.switchesWaiting(v.r.Context()); err != nil {
		return err
	}
	return v.show(status, switchPage(view))
}

// switchesWaiting lists the switches that are proposed and not decided.
func (v *visit) switchesWaiting(ctx context.Context) (rows []proposalRow, err error) {
	open, _, err := v.office.Proposals.List(ctx, v.member)
	if err != nil {
		return nil, err
	}
	for _, p := range open {
		if p.Kind != countersign.Switch {
			continue
		}
		r, err := v.proposalRow(p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// switchProfile proposes that a profile takes effect.
//
// cite: V35, P-58
func (v *visit) switchProfile() error {
	id, err := v.key("proposal of a switch")
	if err != nil {
		return err
	}
	w := rules.Switch{Profile: v.field("profile"), From: v.field("from"), Citation: v.field("citation"), Reason: v.field("reason"), Late: v.field("late") != ""}
	p, err := v.office.ProposeSwitch(v.r.Context(), id, w, v.member.ID)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.showSwitch(http.StatusUnprocessableEntity, w, refusal)
	}
	return v.proposed(p, err, "/rules/switch")
}
