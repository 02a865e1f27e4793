package rules

import (
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// cite: P-28, 47 CFR 64.2008(c), 47 CFR 64.2008(f)
func TestScripts(t *testing.T) {
	set, err := Load(with(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := set.Script(OneTimeScript, workday.On(2026, 3, 5))
	if !ok || s.Version != "1" || len(s.Parts) < 4 || s.Purposes[0] != cpni.InboundMarketing {
		t.Errorf("%+v", s)
	}
	if _, ok := set.Script(OneTimeScript, workday.On(2007, 12, 7)); ok {
		t.Error("a script is read before its first day")
	}
	for _, c := range []struct{ what, text, says string }{
		{"an element that is missing", "- {id: one-time, version: '2', from: 2027-01-01, purposes: [own-marketing], cites: [x], parts: [{element: 64.2008(c)(1), says: a}]}", "no part is there for 64.2008(c)(2)"},
		{"no purpose", "- {id: one-time, version: '2', from: 2027-01-01, cites: [x], parts: [{element: 64.2008(c)(1), says: a}]}", "names no purpose"},
		{"an unknown purpose", "- {id: x, version: '2', from: 2027-01-01, purposes: [fun], cites: [x], parts: [{element: a, says: a}]}", `"fun" is no purpose`},
		{"no words", "- {id: x, version: '2', from: 2027-01-01, cites: [x], parts: [{element: a, says: ''}]}", "says something"},
		{"no day", "- {id: x, version: '2', from: soon, cites: [x], parts: [{element: a, says: b}]}", "from"},
		{"an unknown field", "- {id: x, version: '2', when: 2027-01-01}", "when"},
		{"the same version twice", "- {id: x, version: '2', from: 2027-01-01, cites: [x], parts: [{element: a, says: b}]}\n- {id: x, version: '2', from: 2027-01-02, cites: [x], parts: [{element: a, says: b}]}", "same version"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := Load(with(t, map[string]func(string) string{"scripts/desk.yaml": text(c.text)}))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
