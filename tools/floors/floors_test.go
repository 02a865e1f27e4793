package main

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// cite: P-13
func TestHouse(t *testing.T) {
	plan, err := readPlan(planText)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, text, want string }{
		{"downward", "internal/vault/x.go", "package vault\nimport \"ringfence/internal/ledger\"", ""},
		{"sideways", "internal/contact/x.go", "package contact\nimport \"ringfence/internal/customer\"", ""},
		{"a part of a package", "internal/store/storetest/x.go", "package storetest\nimport \"ringfence/internal/store\"", ""},
		{"data", "internal/server/x.go", "package server\nimport \"ringfence/policy\"", ""},
		{"above all floors", "cmd/ringfence/main.go", "package main\nimport \"ringfence/internal/server\"", ""},
		{"somebody else's", "internal/cpni/x.go", "package cpni\nimport \"example.com/internal/server\"", ""},
		{"upward", "internal/ledger/x.go", "package ledger\nimport \"ringfence/internal/vault\"", "internal/ledger/x.go:2:8: internal/ledger on floor 3 imports internal/vault on floor 4"},
		{"a test upward", "internal/ledger/x_test.go", "package ledger_test\nimport \"ringfence/internal/disclose\"", "on floor 3 imports internal/disclose on floor 6"},
		{"a part upward", "internal/store/deep/x.go", "package deep\nimport \"ringfence/internal/ledger\"", "on floor 2 imports internal/ledger on floor 3"},
		{"from above the house", "internal/cpni/x.go", "package cpni\nimport \"ringfence/tools/trace\"", "stands above the house"},
		{"no floor", "internal/attic/x.go", "package attic", "internal/attic stands on no floor"},
		{"no name", "internal/store/util/x.go", "package util", "says nothing"},
		{"the clock", "internal/vault/x.go", "package vault\nimport \"time\"\nvar t = time.Now()", "internal/vault/x.go:3:9: time.Now reads the machine's clock"},
		{"the clock by another name", "internal/vault/x.go", "package vault\nimport clock \"time\"\nvar t = clock.Since(clock.Time{})", "clock.Since reads"},
		{"the clock in a test", "internal/vault/x_test.go", "package vault\nimport \"time\"\nvar t = time.Now()", ""},
		{"the clock of the server", "internal/server/x.go", "package server\nimport \"time\"\nvar t = time.Now()", ""},
		{"no clock", "internal/vault/x.go", "package vault\nimport \"time\"\nvar t = time.Time{}\nvar now = struct{Now int}{}.Now", ""},
		{"approval and proof", "internal/contact/x.go", "package contact\nimport \"ringfence/internal/approval\"", "internal/contact must never import internal/approval (P-13)"},
	} {
		wrong, err := check(fstest.MapFS{c.file: {Data: []byte(c.text)}}, plan)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && len(wrong) > 0:
			t.Errorf("%s: %q", c.name, wrong)
		case c.want != "" && !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, c.want) }):
			t.Errorf("%s: %q does not say %q", c.name, wrong, c.want)
		}
	}
	if _, err := check(fstest.MapFS{"internal/cpni/x.go": {Data: []byte("packag")}}, plan); err == nil {
		t.Error("a file that does not parse was passed over")
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"twice", "floors: [{floor: 1, packages: [a]}, {floor: 2, packages: [a]}]", "a stands on floors 1 and 2"},
		{"unknown field", "flors: []", "flors"},
	} {
		if _, err := readPlan([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
