package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"ringfence/internal/cpni"
)

// checker judges single rules.
type checker struct {
	validator *validate.Validator
	actions   types.EntityMap
	clauses   []Clause
	rights    bool // the rules are about rights
}

var (
	ruleID      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	sectionForm = regexp.MustCompile(`^[0-9]+ (CFR|USC) [0-9]+[a-z]?(\.[0-9]+)?(\([0-9A-Za-z]+\))*$`)
	annotations = []types.AnnotationKey{"id", "clause", "cite", "code", "says"}
)

// rule reads the annotations of a rule and checks it against the schema. A rule that is not about marketing must not
// read approval.
//
// cite: P-13, I-06, 47 CFR 64.2008(c)(3)
func (c checker) rule(file string, p *cedar.Policy) (Rule, error) {
	notes := p.Annotations()
	at := p.Position()
	r := Rule{ID: string(notes["id"]), Permits: p.Effect() == cedar.Permit, Code: cpni.Code(notes["code"]), Says: string(notes["says"]), File: file, Line: at.Line, policy: p}
	fail := func(format string, a ...any) (Rule, error) {
		return r, wrong("%s:%d: %s", file, at.Line, fmt.Sprintf(format, a...))
	}
	for key := range notes {
		if !slices.Contains(annotations, key) {
			return fail("there is no annotation @%s; a rule has @id, @clause, @cite, @says and, when it forbids, @code", key)
		}
	}
	switch {
	case !ruleID.MatchString(r.ID):
		return fail("the rule needs an @id of small letters, digits and hyphens, such as somebody-proved")
	case strings.TrimSpace(r.Says) == "":
		return fail("the rule %s needs @says, one sentence for the person who is answered", r.ID)
	case r.Permits && r.Code != "":
		return fail("the rule %s permits and has a @code; codes name refusals", r.ID)
	case !r.Permits && !slices.Contains(cpni.Precedence, r.Code):
		return fail("the rule %s forbids and needs a @code that is one of %v", r.ID, cpni.Precedence)
	}
	for _, word := range strings.Fields(string(notes["clause"])) {
		if !slices.ContainsFunc(c.clauses, func(k Clause) bool { return k.ID == word }) {
			return fail("the rule %s names the clause %q, which clauses.yaml does not have", r.ID, word)
		}
		r.Clauses = append(r.Clauses, word)
	}
	if len(r.Clauses) == 0 {
		return fail("the rule %s needs @clause, the clauses of the policy that it carries out, such as \"P-16 P-42\"", r.ID)
	}
	for _, section := range strings.Split(string(notes["cite"]), ",") {
		section = strings.TrimSpace(section)
		if !sectionForm.MatchString(section) {
			return fail("the rule %s needs @cite with sections such as \"47 CFR 64.2010(b)\", commas between them; found %q", r.ID, section)
		}
		r.Cites = append(r.Cites, section)
	}
	tree := (*ast.Policy)(p.AST())
	if err := c.validator.Policy(r.ID, tree); err != nil {
		return fail("the rule %s does not fit the schema: %v", r.ID, err)
	}
	if c.rights {
		if what := readsMore(tree); what != "" {
			return fail("the rule %s reads %s; a rule on rights reads nothing but context.role, context.trained and context.suspended", r.ID, what)
		}
		return r, nil
	}
	if purpose, reads := c.retaliates(tree); reads {
		refusal := wrong("%s:%d: the rule %s may decide on %s and reads what the customer has approved or refused; only marketing may depend on that", file, at.Line, r.ID, purpose)
		refusal.Code, refusal.Clauses = codeRetaliation, []string{"P-13", "47 CFR 64.2008(c)(3)"}
		return r, refusal
	}
	return r, nil
}

// mayReadApproval are the actions whose rules may read approval.
var mayReadApproval = []cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing, cpni.InboundMarketing, cpni.WinBack, cpni.CompetitorTracking}

// retaliates finds an action on which a rule may decide and of which it must not read approval. What a rule's
// conditions say of the action is no excuse: its scope must leave the action out.
func (c checker) retaliates(p *ast.Policy) (action cpni.Purpose, reads bool) {
	if !slices.ContainsFunc(p.Conditions, func(x ast.ConditionType) bool { return readsApproval(x.Body) }) {
		return "", false
	}
	for _, a := range append(slices.Clone(cpni.Purposes), actionUnknown, actionApprovalFree) {
		if !slices.Contains(mayReadApproval, a) && covers(c.actions, p.Action, actionID(a)) {
			return a, true
		}
	}
	return "", false
}

// readsApproval reports whether an expression reads the customer's approval: context.approval, the consent for one
// call, the answer of the rules on approval, or the context as a whole.
func readsApproval(n ast.IsNode) bool {
	found := false
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		path, whole := contextPath(n)
		switch {
		case whole:
			found = true
		case path == nil:
			return true
		case path[0] == "approval",
			path[0] == "offer" && (len(path) == 1 || path[1] == "free"),
			path[0] == "contact" && (len(path) == 1 || path[1] == "oneTime"):
			found = true
		}
		return false
	})
	return found
}

// contextPath gives the attributes by which n reads the context; whole is true when n is the context itself. A node
// that reads something else, or is no reading, has no path.
func contextPath(n ast.IsNode) (path []string, whole bool) {
	switch n := n.(type) {
	case ast.NodeTypeVariable:
		return nil, n.Name == "context"
	case ast.NodeTypeAccess:
		before, isContext := contextPath(n.Arg)
		if isContext || before != nil {
			return append(before, string(n.Value)), false
		}
	case ast.NodeTypeHas:
		before, isContext := contextPath(n.Arg)
		if isContext || before != nil {
			return append(before, string(n.Value)), false
		}
	}
	return nil, false
}
