package office_test

import (
	"strings"
	"testing"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
	"ringfence/internal/office/officetest"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// breachSwitch brings the rule of 2023 on breaches into force.
var breachSwitch = rules.Switch{Profile: "breach-2023", From: "2027-01-04", Citation: "91 FR 12345", Reason: "read by counsel"}

// tried proposes a switch and has it tried.
func tried(t *testing.T, o *officetest.Office, w rules.Switch, by cpni.ID) *countersign.Proposal {
	t.Helper()
	p, err := o.ProposeSwitch(t.Context(), "", w, by)
	if err != nil || p.State != countersign.Trying {
		t.Fatalf("proposed: %+v, %v", p, err)
	}
	if err := o.Proposals.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err = o.Proposals.Get(t.Context(), p.ID); err != nil || p.State != countersign.Waiting {
		t.Fatalf("tried: %+v, %v", p, err)
	}
	return p
}

// A profile is switched by two, with the page of the Federal Register, from a day that is not past. The carrier's stories are told under it
// first and hold nothing up. Who was turned away, and what took effect on which day by what page, is on record.
//
// cite: V35, P-47, P-58, 47 CFR 64.2011(b)
func TestSwitchingAProfileTakesTwo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		one, two := o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleOfficer)
		for code, w := range map[cpni.Code]rules.Switch{"PROFILE_EVIDENCE": {Profile: "breach-2023", From: "2027-01-04"}, "RULES": {Profile: "breach-2023", From: "2026-11-23", Citation: "91 FR 12345"}} {
			if _, err := o.ProposeSwitch(t.Context(), "", w, one); codeOf(err) != code {
				t.Errorf("%+v: %v", w, err)
			}
			if n := entries(t, o, ledger.Admin)["rules refused "+string(code)]; n != 1 {
				t.Errorf("%s is on record %d times", code, n)
			}
		}
		var told *rules.Set
		*o.Stories = func(p *rules.Set) office.Rehearsal {
			told = p
			return office.Rehearsal{Passed: 2, Failed: []string{"told.yaml:3: one of the old rule"}}
		}
		p := tried(t, o, breachSwitch, one)
		day := time.Date(2027, 1, 4, 12, 0, 0, 0, officetest.Zone)
		if o.Policy.Numbers(day).Has("breach-2023") {
			t.Error("switched by one")
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, one); codeOf(err) != "SAME_PERSON" {
			t.Errorf("agreed to by the one who proposed it: %v", err)
		}
		if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two); err != nil {
			t.Fatal(err)
		}
		if set, _ := o.Policy.Current(); told == nil || set.Version() != told.Version() {
			t.Error("what was tried is not in force")
		}
		if n := o.Policy.Numbers(day); !n.Has("breach-2023") || n.Has("breach-2007") || o.Policy.Numbers(day.AddDate(0, 0, -1)).Has("breach-2023") {
			t.Error("not switched on its day")
		}
		if o = o.On(t, db); !o.Policy.Numbers(day).Has("breach-2023") {
			t.Error("a restart has undone it")
		}
		rows, err := o.Ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		type entry struct{ Profile, Effective, Citation, Entered, Reason string }
		var all []entry
		for _, r := range rows {
			plain, err := o.Vault.OpenRecord(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			var d entry
			if err := vault.Detail(plain, &d); err != nil {
				t.Fatal(err)
			}
			if d.Profile != "" {
				all = append(all, d)
				if r.Actor != string(two) || r.Rules != told.Version() {
					t.Errorf("recorded by %s under %s", r.Actor, r.Rules)
				}
			}
		}
		if len(all) != 1 || all[0] != (entry{"breach-2023", "2027-01-04", "91 FR 12345", "2026-11-24", "read by counsel"}) {
			t.Errorf("on record: %+v", all)
		}
	})
}

// A switch whose day has passed while it waited does not take effect then; it is proposed again, and says that it comes late.
//
// cite: V35, P-58, 47 CFR 64.2011
func TestASwitchWaitsNotBeyondItsDay(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	one, two := o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleOfficer)
	w := breachSwitch
	w.From = "2026-11-25"
	p := tried(t, o, w, one)
	o.Time.Add(48 * time.Hour)
	if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two); codeOf(err) != "RULES" {
		t.Errorf("agreed to after its day: %v", err)
	}
	if p, err := o.Proposals.Get(t.Context(), p.ID); err != nil || p.State != countersign.Moved {
		t.Errorf("it is %+v, %v", p, err)
	}
	w.Late = true
	p = tried(t, o, w, one)
	if _, err := o.Proposals.Agree(t.Context(), p.ID, p.Hash, two); err != nil {
		t.Fatal(err)
	}
	if !o.Policy.Numbers(time.Date(2026, 11, 25, 12, 0, 0, 0, officetest.Zone)).Has("breach-2023") {
		t.Error("it is not in force from its day on")
	}
}

// A file in which a rule of breaches is put in force cannot be proposed without the page that announced its day.
//
// cite: V35, P-58, 47 CFR 64.2011
func TestAFlippedFileIsTurnedAway(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	set, _ := o.Policy.Current()
	flipped := flipBreach(t, string(set.Files()["profiles/breach.yaml"]))
	if _, err := o.ProposePolicy(t.Context(), "", map[string][]byte{"profiles/breach.yaml": []byte(flipped)}, o.Member(t, cpni.RoleCompliance)); codeOf(err) != "PROFILE_EVIDENCE" {
		t.Errorf("proposed: %v", err)
	}
	if entries(t, o, ledger.Admin)["rules refused PROFILE_EVIDENCE"] != 1 {
		t.Error("it is not on record")
	}
}

// flipBreach puts the dormant rule into force in the text of a file, without a citation.
func flipBreach(t *testing.T, text string) string {
	t.Helper()
	const dormant, old = "  state: dormant\n", "  effective_from: 2007-12-08\n"
	if !strings.Contains(text, dormant) || !strings.Contains(text, old) {
		t.Fatal("the file has changed")
	}
	text = strings.ReplaceAll(text, dormant, "  state: in-force\n  effective_from: 2027-01-04\n")
	return strings.ReplaceAll(text, old, old+"  superseded_from: 2027-01-04\n")
}
