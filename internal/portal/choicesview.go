package portal

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notice"
	"ringfence/internal/notify/wording"
	"ringfence/internal/rules"
)

// choicesView is the page of all choices.
type choicesView struct {
	visit
	Signal    string     // what is said of Global Privacy Control; "" the browser sends none
	All       choiceShow // of everything
	Offers    []choiceShow
	Companies []choiceShow
	Location  []choiceShow
	Classes   []choiceShow
	History   []historyLine
}

func (v *choicesView) add(c choiceShow) {
	switch {
	case c.Scope == customer.Everything:
	case strings.HasPrefix(c.Scope, "partner:"):
		v.Companies = append(v.Companies, c)
	case strings.HasPrefix(c.Scope, "location:"):
		v.Location = append(v.Location, c)
	case strings.HasPrefix(c.Scope, "data:"):
		v.Classes = append(v.Classes, c)
	default:
		v.Offers = append(v.Offers, c)
	}
}

// choiceShow is one choice as pages show it.
type choiceShow struct {
	Scope           string
	Path            string
	Name            string
	Means, Yes, No  string
	State           string // where it stands, since when and why
	Used            bool   // the information is used for it now
	Refused         bool   // there is a refusal of exactly this
	Grantable, Back bool   // it can be agreed to; its refusal can be taken back by itself
}

// choiceView is the page of one choice.
type choiceView struct {
	visit
	Choice  choiceShow
	Seen    string // the last event when the page was made
	Failed  string
	Words   string // the notice that a yes answers, HTML of ours
	Edition string
	Unasked string // why no yes can be given; "" one can, or never
	Also    string // what a yes leaves refused
	Then    []string
}

// historyLine is one thing that was said or given.
type historyLine struct{ When, Says string }

// name is how a scope is called.
func (s *standing) name(language, of string) string {
	id, ok := strings.CutPrefix(of, "partner:")
	if !ok {
		return say(language, "choice-"+of)
	}
	if r := s.names[id]; r.Name != "" {
		return r.Name
	}
	return id
}

func fill(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

// view shows one choice.
//
// cite: P-11, P-13, P-36, 47 CFR 64.2008(c)
func (s *standing) view(v visit, x scope) choiceShow {
	l := v.Language
	kind, rest, _ := strings.Cut(x.Scope, ":")
	c := choiceShow{Scope: x.Scope, Path: choicesPath + "/" + x.Scope, Name: s.name(l, x.Scope), Grantable: x.grantable(), Refused: s.refused(x.Scope)}
	c.Back = c.Refused && (!x.grantable() || x.Scope == string(cpni.OwnMarketing))
	says := func(part string) string {
		return fill(say(l, "choice-"+kind+"-"+part), "{name}", c.Name, "{what}", say(l, "class-"+string(cmp.Or(x.Partner.Class, cpni.IndependentContractor))), "{for}", say(l, "for-"+rest))
	}
	c.Means, c.No = says("means"), says("no")
	if x.grantable() {
		c.Yes = says("yes")
		at := s.stands(s.profile, x)
		c.Back = c.Back && at.State == cpni.Denied // what a yes has left refused is no refusal of the whole
		c.Used = at.State == cpni.OptOutOK || at.State == cpni.OptInOK
		c.State = s.why(v, x, at)
		s.leftOut(v, x, &c)
		return c
	}
	c.State = say(l, "st-open")
	if x.Scope == customer.Everything {
		c.State = say(l, "st-open-all")
	}
	if a, is := refusal(s.profile, x.Scope); is {
		c.State = s.said(v, "st-no", approval.Objected, a)
	}
	return c
}

// leftOut tells of a use that is permitted which classes of information it has nothing of, because the customer has refused them or
// was not told of them.
//
// cite: P-11, P-36, 47 CFR 64.2008(c)(2)
func (s *standing) leftOut(v visit, x scope, c *choiceShow) {
	if !c.Used || len(x.Data) > 0 {
		return
	}
	var out []string
	for _, class := range wording.Everyday() {
		y := x
		y.Data = []cpni.DataClass{class}
		if st := s.stands(s.profile, y).State; st != cpni.OptOutOK && st != cpni.OptInOK {
			out = append(out, s.name(v.Language, "data:"+string(class)))
		}
	}
	switch len(out) {
	case 0:
	case len(wording.Everyday()):
		c.Used, c.State = false, v.says("st-no-class")
	default:
		c.State += " " + fill(v.says("st-without"), "{classes}", strings.Join(out, "; "))
	}
}

func (s *standing) everything(v visit) choiceShow {
	return s.view(v, scope{Scope: customer.Everything})
}

// day writes the day of a moment in the carrier's zone.
func (s *standing) day(language string, at time.Time) string {
	return dayOf(language, at.In(s.at.Location()))
}

// said tells of an answer: when it was given, and how.
func (s *standing) said(v visit, key string, what approval.What, a customer.Approval) string {
	via := ""
	if e, ok := s.heard(what, a.Scope, a.Since); ok {
		via = viaWord(v.Language, e.Via)
	}
	return strings.TrimSpace(fill(v.says(key), "{date}", s.day(v.Language, a.Since), " {via}", via))
}

// viaWord names a way with a space before it; "" it is not known.
func viaWord(language, via string) string {
	if text := say(language, "via-"+via); text != "via-"+via {
		return " " + text
	}
	return ""
}

// why tells where a use stands, since when and why.
//
// cite: P-26, P-36, P-58, 47 CFR 64.2008(d)
func (s *standing) why(v visit, x scope, at rules.Approval) string {
	l := v.Language
	given := func(key string) string {
		a, i := customer.Approval{}, slices.IndexFunc(s.profile.Approvals, func(a customer.Approval) bool {
			return a.Scope == x.Scope && !a.NoticeAt.IsZero() && a.NoticeAt.Equal(at.NoticeAt) && a.State != cpni.Denied
		})
		if i >= 0 {
			a = s.profile.Approvals[i]
		}
		via := ""
		if e, ok := s.heard(approval.Noticed, x.Scope, a.NoticeAt); ok {
			via = viaWord(l, e.Via)
		}
		key = map[bool]string{true: key, false: key + "-bare"}[!at.Matures.IsZero()]
		return fill(v.says(key), "{date}", s.day(l, at.NoticeAt), "{matures}", s.day(l, at.Matures), " {via}", via)
	}
	switch at.State {
	case cpni.Denied:
		a, ok := s.denied(x, at.Since)
		switch {
		case !ok:
			return v.says("st-no-some")
		case a.Scope == customer.Everything:
			return s.said(v, "st-no-all", approval.Objected, a)
		}
		return s.said(v, "st-no", approval.Objected, a)
	case cpni.OptInOK:
		return s.said(v, "st-yes", approval.Granted, customer.Approval{Scope: x.Scope, Since: at.Since})
	case cpni.Waiting:
		return given("st-waiting")
	case cpni.OptOutOK:
		return given("st-silence")
	case cpni.RenoticeDue:
		return fill(v.says("st-old"), "{date}", s.day(l, at.NoticeAt))
	}
	if len(s.terms.Additions) > 0 && slices.ContainsFunc(s.profile.Approvals, func(a customer.Approval) bool {
		return a.Scope == x.Scope && (a.State == cpni.OptInOK || !a.NoticeAt.IsZero())
	}) {
		return v.says("st-added")
	}
	if e, ok := s.asked(x.Scope); ok {
		return fill(v.says("st-asked"), "{date}", s.day(l, e.At), " {via}", viaWord(l, e.Via))
	}
	return v.says("st-none")
}

// asked is the last request for a yes to a scope that reached the customer.
//
// cite: P-36, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(e)
func (s *standing) asked(scope string) (approval.Event, bool) {
	void := map[cpni.ID]bool{}
	for _, e := range slices.Backward(s.events) {
		switch {
		case e.What == approval.Voided:
			void[e.Notice] = true
		case e.What == approval.Noticed && e.Kind == approval.OptIn && slices.Contains(e.Scopes, scope) && !void[e.Notice]:
			return e, true
		}
	}
	return approval.Event{}, false
}

// alsoRefused says what stays refused when a customer says yes to one use.
func (s *standing) alsoRefused(v visit, x scope) string {
	if !x.grantable() {
		return ""
	}
	var all []string
	if s.refused(customer.Everything) {
		all = append(all, v.says("choice-alone"))
	}
	var classes []string
	for _, c := range classesRefused {
		if s.refused("data:" + string(c)) {
			classes = append(classes, s.name(v.Language, "data:"+string(c)))
		}
	}
	if len(classes) > 0 {
		all = append(all, fill(v.says("choice-without"), "{classes}", strings.Join(classes, "; ")))
	}
	return strings.Join(all, " ")
}

// without lists the uses that would begin if a refusal were taken back.
//
// cite: P-14, 47 CFR 64.2007(a)(2)
func (s *standing) without(v visit, of string) []string {
	then := *s.profile
	then.Approvals = slices.DeleteFunc(slices.Clone(then.Approvals), func(a customer.Approval) bool { return a.Scope == of && a.State == cpni.Denied })
	var all []string
	for _, x := range s.scopes {
		if !x.grantable() {
			continue
		}
		class := scope{}
		if c, ok := strings.CutPrefix(of, "data:"); ok {
			class.Class = cpni.DataClass(c)
		}
		ask := x
		if class.Class != "" && class.Class != cpni.Location && len(x.Data) == 0 {
			ask.Data = []cpni.DataClass{class.Class}
		}
		used := func(p *customer.Profile) bool {
			st := s.stands(p, ask).State
			return st == cpni.OptInOK || st == cpni.OptOutOK
		}
		if used(&then) && !used(s.profile) {
			all = append(all, s.name(v.Language, x.Scope))
		}
	}
	return all
}

// mostHistory bounds what the page shows of what was said and given.
const mostHistory = 100

// history lists what was said and given, the newest first.
//
// cite: P-14, P-36, 47 CFR 64.2007(a)(3), 47 CFR 64.2008(a)(2)
func (s *standing) history(v visit) ([]historyLine, error) {
	var all []historyLine
	for _, e := range slices.Backward(s.events) {
		if len(all) == mostHistory {
			break
		}
		all = append(all, historyLine{When: s.moment(v.Language, e.At), Says: s.told(v, e)})
	}
	return all, nil
}

func (s *standing) moment(language string, at time.Time) string {
	at = at.In(s.at.Location())
	return s.day(language, at) + ", " + at.Format("15:04")
}

// told puts one event into words.
func (s *standing) told(v visit, e approval.Event) string {
	l := v.Language
	about := s.name(l, e.Scope)
	if len(e.Scopes) > 0 {
		names := make([]string, len(e.Scopes))
		for i, x := range e.Scopes {
			names[i] = s.name(l, x)
		}
		about = strings.Join(names, "; ")
	}
	text := fill(v.says("h-"+string(e.What)), " {via}", viaWord(l, e.Via), "{about}", about)
	if e.What != approval.Noticed && !slices.Contains([]string{self, "", string(cpni.RoleSystem)}, e.By) {
		text += " " + v.says("h-staff")
	}
	return text
}

// request is the notice that a yes to a use would answer, in the words of the page's language.
//
// cite: P-02, P-15, P-36, 47 CFR 64.2008(c), 47 CFR 64.2008(e)
func (p *Portal) request(ctx context.Context, v visit, s *standing, x scope) (requested, error) {
	data := s.left()
	if len(x.Data) > 0 {
		data = x.Data
		if s.refused("data:" + string(cpni.Location)) {
			data = nil
		}
	}
	if len(data) == 0 {
		return requested{}, nil
	}
	var named []notice.Recipient
	if x.Partner.ID != "" {
		named = append(named, x.Partner)
	}
	run, e, err := p.office.Request(ctx, x.Purpose, data, named...)
	if err != nil {
		return requested{}, err
	}
	q := requested{run: run.ID, edition: e.Version(), message: p.office.RepeatableID("portal notice", string(v.Customer), string(run.ID))}
	_, _, given, err := p.office.Notices.With(ctx, v.Customer, run.ID)
	if err != nil {
		return q, err
	}
	if given != "" {
		q.message = given
	}
	t, ok := e.Template(cpni.Postal, v.Language)
	if !ok {
		return q, errWords
	}
	q.html, err = t.Fragment(p.office.NoticeTokens(q.message))
	return q, err
}
