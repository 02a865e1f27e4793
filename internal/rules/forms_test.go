package rules

import (
	"bytes"
	"testing"

	"ringfence/policy"
)

// The forms of reports decide nothing, so another form is no other policy.
func TestFormsDecideNothing(t *testing.T) {
	if _, err := policy.Files.ReadDir("forms"); err != nil {
		t.Fatal(err)
	}
	archive, err := pack(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if bytes.HasPrefix([]byte(f.Name), []byte("forms/")) {
			t.Errorf("%s is part of the policy's version", f.Name)
		}
	}
	if len(archive.Files) < 10 {
		t.Errorf("%d files", len(archive.Files))
	}
}
