package rules

import (
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
	"golang.org/x/tools/txtar"

	"ringfence/internal/cpni"
)

// Standing is all that rules on rights read of a member of the staff.
type Standing struct {
	Role      cpni.Role
	Trained   bool // the course was passed and is still good; integrations need none
	Suspended bool // kept out for now, or for good
}

// Ruling is what the rules say about one right of one standing. Its slices are shared: do not change them.
//
// cite: P-37, 47 CFR 64.2010(a)
type Ruling struct {
	Right   cpni.Right
	Allowed bool
	Rules   []string // ids of the rules that decided: those that forbid, or those that permit; when none did, those that would have
	Says    string   // their sentences
	Clauses []string // P-xx, sorted
	Cites   []string // sections of the law, sorted
}

// rightsFolder holds the rules on rights, apart from those on requests: what a request is decided by is not made larger or
// slower by them, and a rule about every request does not reach them.
const (
	rightsFolder = "rights/"
	rightsSchema = rightsFolder + "schema.cedarschema"
)

// rights are the rules on rights, with what they say to every standing there is.
type rights struct {
	rules []Rule
	table map[Standing]map[cpni.Right]Ruling
}

// Rights gives what the rules say about every right of a standing, in the order of cpni.Rights.
func (s *Set) Rights(st Standing) []Ruling {
	all := make([]Ruling, len(cpni.Rights))
	for i, r := range cpni.Rights {
		all[i] = s.Right(st, r)
	}
	return all
}

// Right gives what the rules say about one right. Under a policy without rules on rights nobody has any.
//
// cite: P-37, 47 CFR 64.2010(a)
func (s *Set) Right(st Standing, r cpni.Right) Ruling {
	st.Role = roleWords.known(st.Role)
	if found, ok := s.rights.table[st][r]; ok {
		return found
	}
	return Ruling{Right: r, Says: "No rule gives this right to anybody.", Clauses: []string{"P-37"}, Cites: []string{"47 CFR 64.2010(a)"}}
}

// context gives st as Cedar has it, in the shape of type Standing of the schema.
func (st Standing) context() types.Record {
	return types.NewRecord(types.RecordMap{"role": types.String(st.Role), "trained": types.Boolean(st.Trained), "suspended": types.Boolean(st.Suspended)})
}

var (
	aMember    = cedar.NewEntityUID("Member", "member")
	theCarrier = cedar.NewEntityUID("Carrier", "carrier")
)

func rightID(r cpni.Right) cedar.EntityUID { return cedar.NewEntityUID("Action", cedar.String(r)) }

// readRights reads and checks the rules on rights, and asks them about every standing.
func (s *Set) readRights(archive *txtar.Archive, seen map[string]Rule, whole bool) error {
	text, ok := fileOf(archive, rightsSchema)
	if !ok {
		if i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, rightsFolder) }); i >= 0 {
			return wrong("%s is missing: it says what rules on rights, such as %s, may read", rightsSchema, archive.Files[i].Name)
		}
		return nil
	}
	var sc schema.Schema
	sc.SetFilename(rightsSchema)
	if err := sc.UnmarshalCedar(text); err != nil {
		return wrong("%s: %v", rightsSchema, err)
	}
	resolved, err := sc.Resolve()
	if err != nil {
		return wrong("%s: %v", rightsSchema, err)
	}
	validator := validate.New(resolved)
	for _, r := range cpni.Rights {
		if _, ok := resolved.Actions[rightID(r)]; !ok {
			if !whole {
				continue
			}
			return wrong("%s has no action %q; every right is one", rightsSchema, r)
		}
		if err := validator.Request(cedar.Request{Principal: aMember, Action: rightID(r), Resource: theCarrier, Context: Standing{}.context()}); err != nil {
			return wrong("%s does not describe what rules on rights are given: %v", rightsSchema, err)
		}
	}
	actions := actionsOf(resolved)
	check := checker{validator: validator, actions: actions, clauses: s.clauses, rights: true}
	if s.rights.rules, err = check.files(archive, func(name string) bool { return strings.HasPrefix(name, rightsFolder) }, seen); err != nil {
		return err
	}
	s.rights.fill(actions)
	return nil
}

// fill asks the rules about every right of every standing.
func (r *rights) fill(actions types.EntityMap) {
	r.table = map[Standing]map[cpni.Right]Ruling{}
	of := map[cpni.Right]applicable{}
	for _, right := range cpni.Rights {
		for i := range r.rules {
			if covers(actions, (*ast.Policy)(r.rules[i].policy.AST()).Action, rightID(right)) {
				of[right] = append(of[right], &r.rules[i])
			}
		}
	}
	for _, st := range standings() {
		row := map[cpni.Right]Ruling{}
		for _, right := range cpni.Rights {
			row[right] = ruling(right, of[right], actions, st)
		}
		r.table[st] = row
	}
}

// standings are all that there can be.
func standings() (all []Standing) {
	for _, role := range append([]cpni.Role{""}, cpni.Roles...) {
		for _, trained := range []bool{false, true} {
			all = append(all, Standing{role, trained, false}, Standing{role, trained, true})
		}
	}
	return all
}

func ruling(right cpni.Right, list applicable, actions types.EntityMap, st Standing) Ruling {
	answer, why := cedar.Authorize(list, actions, cedar.Request{Principal: aMember, Action: rightID(right), Resource: theCarrier, Context: st.context()})
	out := Ruling{Right: right, Allowed: bool(answer) && len(why.Errors) == 0}
	var by []*Rule
	for _, x := range why.Reasons {
		if r := list[placeOf(x.PolicyID)]; r.Permits == out.Allowed {
			by = append(by, r)
		}
	}
	if len(by) == 0 { // nothing forbids and nothing permits: the rules that would have given it say to whom they do
		for _, r := range list {
			if r.Permits {
				by = append(by, r)
			}
		}
	}
	if len(by) == 0 {
		by = []*Rule{{Says: "No rule gives this right to anybody.", Clauses: []string{"P-37"}, Cites: []string{"47 CFR 64.2010(a)"}}}
	}
	d := compose(cpni.Deny, by)
	out.Rules, out.Says, out.Clauses, out.Cites = d.Rules, strings.Join(d.Says, " "), d.Clauses, d.Cites
	return out
}

// readsMore tells what a rule on rights reads beyond a member's standing; "" nothing.
func readsMore(p *ast.Policy) (what string) {
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			if v, is := n.(ast.NodeTypeVariable); is && v.Name != "context" && v.Name != "action" {
				what = string(v.Name)
			}
			path, whole := contextPath(n)
			switch {
			case whole:
				what = "the context as a whole"
			case path == nil:
				return true
			case len(path) != 1 || !slices.Contains([]string{"role", "trained", "suspended"}, path[0]):
				what = "context." + strings.Join(path, ".")
			}
			return false
		})
	}
	return what
}

// keptApart refuses a policy in which somebody who administers or audits can come to customers' information, in which an
// auditor can do more than read, in which who is suspended may do anything, or after which nobody could change it again.
//
// cite: P-37, 47 CFR 64.2010(a)
func (s *Set) keptApart() error {
	if s.rights.table == nil {
		return wrong("the folder %s is missing: it holds the rules on what each role of the staff may do; take it from the policy that is built in", rightsFolder)
	}
	var faults []error
	for _, st := range standings() {
		for _, right := range cpni.Rights {
			r := s.rights.table[st][right]
			if says := barred(st, right); r.Allowed && says != "" {
				faults = append(faults, s.blame(r.Rules[0], "gives the role %s the right %s, and %s", st.Role, right, says))
			}
		}
	}
	if !s.rights.table[Standing{Role: cpni.RoleAuditor, Trained: true}][cpni.RightReadRecords].Allowed {
		faults = append(faults, wrong("%s: no rule gives auditors the right read-records; they read everything but customers' information", rightsFolder))
	}
	for _, right := range []cpni.Right{cpni.RightKeepStaff, cpni.RightKeepPolicy, cpni.RightOperate} {
		if !slices.ContainsFunc(cpni.Roles, func(role cpni.Role) bool { return s.rights.table[Standing{Role: role, Trained: true}][right].Allowed }) {
			faults = append(faults, wrong("%s: no rule gives anybody the right %s, and without it nobody could mend that", rightsFolder, right))
		}
	}
	for _, role := range []cpni.Role{cpni.RoleAdmin, cpni.RoleAuditor} {
		for _, p := range cpni.Purposes {
			if id, open := s.opens(role, p); open {
				faults = append(faults, s.blame(id, "may permit a request of the role %s for the purpose %s, and nothing forbids that for certain; administrators and auditors come to no customer's information", role, p))
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return faults1(slices.CompactFunc(faults, func(a, b error) bool { return a.Error() == b.Error() }))
}

// barred says why a standing can never have a right; "" when it can.
func barred(st Standing, right cpni.Right) string {
	switch {
	case st.Suspended:
		return "who is suspended may do nothing"
	case st.Role == "":
		return "who has no role may do nothing"
	case st.Role == cpni.RoleAdmin && slices.Contains(cpni.RightsToCustomers, right):
		return "administrators have none that leads to customers' information"
	case st.Role == cpni.RoleAuditor && !slices.Contains(cpni.RightsToRecords, right):
		return "auditors only read what is on record"
	}
	return ""
}

// blame is the fault of a rule.
func (s *Set) blame(id string, format string, a ...any) error {
	for _, r := range s.Rules() {
		if r.ID == id {
			return wrong("%s:%d: the rule %s "+format, append([]any{r.File, r.Line, id}, a...)...)
		}
	}
	return wrong("the rule %s "+format, append([]any{id}, a...)...)
}

// opens finds a rule that may permit somebody of the staff in a role a request for a purpose, whatever else the facts are:
// one that is left over when the rules are asked with the role alone, while none that forbids is sure to. What is not
// forbidden for certain counts as open.
func (s *Set) opens(role cpni.Role, p cpni.Purpose) (id string, open bool) {
	known := view{actor: actorView{kind: ActorStaff, role: role}}.context()
	facts := types.RecordMap{}
	for name := range known.All() {
		facts[name] = eval.Variable(types.String("context." + string(name)))
	}
	actor, _ := known.Get("actor")
	who := types.RecordMap{"trained": eval.Variable("context.actor.trained"), "scoped": eval.Variable("context.actor.scoped")}
	for _, name := range []types.String{"kind", "role"} {
		who[name], _ = actor.(types.Record).Get(name)
	}
	facts["actor"], facts["purpose"] = types.NewRecord(who), types.String(p)
	env := eval.Env{Principal: asker, Action: actionID(p), Resource: anyCustomer, Context: types.NewRecord(facts), Entities: s.entities}
	for _, r := range s.policies[p] {
		left, keep := eval.PartialPolicy(env, (*ast.Policy)(r.policy.AST()))
		switch {
		case keep && r.Permits && id == "":
			id = r.ID
		case keep && !r.Permits && len(left.Conditions) == 0:
			return "", false
		}
	}
	return id, id != ""
}
