package console

import (
	"strings"

	"ringfence/internal/rules"
)

// rightView is one right as people read it: what it lets somebody do, whether they have it, and the rule behind that.
type rightView struct {
	Does    string // find customers and see their cards
	Has     bool
	Rules   []string // ids
	Says    string
	Clauses string
}

// rightsOf makes the views of what the rules say, of a person or of a role.
//
// cite: P-37, 47 CFR 64.2010(a)
func rightsOf(all []rules.Ruling) []rightView {
	views := make([]rightView, len(all))
	for i, r := range all {
		views[i] = rightView{capital(wordOf(rightWords, r.Right)), r.Allowed, r.Rules, r.Says, strings.Join(r.Clauses, ", ")}
	}
	return views
}
