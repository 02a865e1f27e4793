package rules

import (
	"slices"
	"strconv"
	"sync"

	"github.com/cedar-policy/cedar-go"

	"ringfence/internal/cpni"
)

// Decide makes the decision about f, from f and the rules alone.
//
// cite: P-01, P-28, I-04
func (s *Set) Decide(f Facts) Decision {
	v := viewOf(f)
	s.free(&v)
	return s.decide(v)
}

// Explain is Decide with the ways that would make a permit of a refusal.
//
// cite: I-28
func (s *Set) Explain(f Facts) Decision {
	v := viewOf(f)
	s.free(&v)
	d := s.decide(v)
	if !d.Permit() {
		d.Ways = s.ways(v, f.Closed)
	}
	return d
}

// free asks first, of marketing, whether the use needs approval at all.
//
// cite: P-07, 47 CFR 64.2005
func (s *Set) free(v *view) {
	v.offer.free = purposeWords.bit(v.purpose)&marketing != 0 && s.decide(v.approvalFree()).Permit()
}

// approvalFree is the question whether a use needs approval. The offer, the customer's services and the recipient
// decide on it; who asks, and what else may be wrong, does not.
func (v view) approvalFree() view {
	v.action, v.offer.free = actionApprovalFree, false
	v.actor = actorView{kind: ActorStaff, role: cpni.RoleMarketing, trained: true, scoped: true}
	v.contact, v.destination, v.approval = contactView{}, destinationView{}, approvalView{state: cpni.Unnotified}
	v.recipient.agreement, v.recipient.overdue = true, false
	return v
}

func (s *Set) decide(v view) Decision {
	if d, ok := s.memo.get(v); ok {
		return d
	}
	d := s.judge(v)
	s.memo.put(v, d)
	return d
}

// judge asks the rules.
func (s *Set) judge(v view) Decision {
	list := s.policies[v.action]
	answer, why := cedar.Authorize(list, s.entities, cedar.Request{Principal: asker, Action: actionID(v.action), Resource: anyCustomer, Context: v.context()})
	var by []*Rule
	for _, r := range why.Reasons {
		by = append(by, list[placeOf(r.PolicyID)])
	}
	if bool(answer) && len(why.Errors) == 0 {
		if v.offer.free { // what made it free is part of why it is permitted
			by = append(by, s.named(s.decide(v.approvalFree()).Rules)...)
		}
		return compose(cpni.Permit, by)
	}
	if bool(answer) {
		by = nil
	}
	for _, e := range why.Errors { // the schema was checked, so this is a fault of ours; it must not let anything out
		r := *list[placeOf(e.PolicyID)]
		r.Code, r.Says = "UNCLASSIFIED", "The rule "+r.ID+" could not be evaluated, so nothing is released."
		by = append(by, &r)
	}
	if len(by) == 0 || by[0].Permits {
		by = []*Rule{{Code: "UNKNOWN_PURPOSE", Clauses: []string{"P-01", "P-28"}, Cites: []string{"47 USC 222(c)(1)"}, Says: "No rule permits this, and what no rule permits is refused."}}
	}
	return compose(cpni.Deny, by)
}

// compose makes a decision of the rules that decided: those whose code weighs most come first.
func compose(outcome cpni.Outcome, by []*Rule) Decision {
	d := Decision{Outcome: outcome}
	slices.SortStableFunc(by, func(a, b *Rule) int {
		return slices.Index(cpni.Precedence, a.Code) - slices.Index(cpni.Precedence, b.Code)
	})
	for _, r := range by {
		if r.ID != "" {
			d.Rules = append(d.Rules, r.ID)
		}
		d.Says = append(d.Says, r.Says)
		d.Clauses = append(d.Clauses, r.Clauses...)
		d.Cites = append(d.Cites, r.Cites...)
		if r.Code != "" {
			d.Codes = append(d.Codes, r.Code)
		}
	}
	slices.Sort(d.Clauses)
	slices.Sort(d.Cites)
	d.Clauses, d.Cites, d.Codes = slices.Compact(d.Clauses), slices.Compact(d.Cites), slices.Compact(d.Codes)
	d.Code = cpni.First(d.Codes)
	return d
}

// placeID names a rule to Cedar by its place in the list that is asked.
func placeID(i int) cedar.PolicyID {
	if i < len(placeIDs) {
		return placeIDs[i]
	}
	return cedar.PolicyID(strconv.Itoa(i))
}

var placeIDs = func() (ids [256]cedar.PolicyID) {
	for i := range ids {
		ids[i] = cedar.PolicyID(strconv.Itoa(i))
	}
	return ids
}()

func placeOf(id cedar.PolicyID) int {
	i, err := strconv.Atoi(string(id))
	if err != nil {
		panic(err) // only placeID makes them
	}
	return i
}

// named gives rules by their ids.
func (s *Set) named(ids []string) []*Rule {
	var all []*Rule
	for i := range s.rules {
		if slices.Contains(ids, s.rules[i].ID) {
			all = append(all, &s.rules[i])
		}
	}
	return all
}

// memo keeps decisions that were made. A decision is a function of the view and the rules, and there are far fewer
// views than requests.
type memo struct {
	mu   sync.RWMutex
	made map[view]Decision
	ways map[wayKey][][]Way
}

// mostMemo bounds each of the memo's maps; a full one is begun anew.
const mostMemo = 1 << 14

func newMemo() *memo { return &memo{made: map[view]Decision{}, ways: map[wayKey][][]Way{}} }

func (m *memo) get(v view) (Decision, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	d, ok := m.made[v]
	return d, ok
}

func (m *memo) put(v view, d Decision) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.made) >= mostMemo {
		clear(m.made)
	}
	m.made[v] = d
}

func (m *memo) getWays(k wayKey) ([][]Way, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	w, ok := m.ways[k]
	return w, ok
}

func (m *memo) putWays(k wayKey, w [][]Way) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ways) >= mostMemo {
		clear(m.ways)
	}
	m.ways[k] = w
}
