package staff

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/policy"
)

// What each role may is what the rules say, on the member whom the register gives out; a changed policy counts at once,
// and without a policy nobody may anything.
//
// cite: P-37, 47 CFR 64.2010(a)
func TestRights(t *testing.T) {
	set, err := rules.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	fewer, err := set.Changed(map[string][]byte{"rights/90-no-serving.cedar": []byte(`@id("no-serving-by-agents")
@clause("P-37")
@cite("47 CFR 64.2010(a)")
@code("ROLE")
@says("Agents do not serve today.")
forbid (principal, action == Action::"serve", resource) when { context.role == "agent" };`)})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.add("rae")
		get := func() *Member {
			m, _, err := w.Recent(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		if get().May(Serve) || get().Barred(Serve) == nil || w.RightsOf(cpni.RoleAgent) != nil {
			t.Error("somebody may something without a policy")
		}
		now := set
		w.Govern(func() *rules.Set { return now })
		if m := get(); !m.May(Serve) || !m.May(See) || m.May(Forget) || m.Barred(Serve) != nil {
			t.Error("an agent may not what the rules say")
		}
		if r := get().Barred(Forget); r.Code != "ROLE" || !strings.Contains(r.Says, "right-forget") || !strings.Contains(r.Says, "officers") || !slices.Contains(r.Clauses, "P-37") {
			t.Errorf("barred: %+v", r)
		}
		all := w.RightsOf(cpni.RoleAgent)
		if len(all) != len(Rights) || !all[0].Allowed || all[0].Right != Serve || !slices.Equal(all[0].Rules, []string{"right-serve"}) {
			t.Errorf("the rights of an agent: %+v", all)
		}
		now = fewer
		if m := get(); m.May(Serve) || !strings.Contains(m.Barred(Serve).Says, "Agents do not serve today.") || !m.May(See) {
			t.Error("a changed policy has not taken effect at once")
		}
		now = set
		if err := w.Disable(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
		for _, r := range Rights {
			if m := get(); m.May(r) || !strings.Contains(m.Barred(r).Says, "suspended") {
				t.Errorf("a disabled member may %s: %v", r, m.Barred(r))
			}
		}
	})
	for _, role := range []cpni.Role{cpni.RoleAdmin, cpni.RoleAuditor, cpni.RoleMarketing, ""} {
		for _, r := range []Right{Serve, See, Forget} {
			if set.Right(rules.Standing{Role: role, Trained: true}, r).Allowed {
				t.Errorf("the role %q may %s", role, r)
			}
		}
	}
	if (&Member{Role: cpni.RoleAgent, Until: start.Add(time.Hour)}).May(Serve) {
		t.Error("one whom no register gave out may serve")
	}
}
