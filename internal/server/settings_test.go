package server

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// Settings are shown without what is secret or leads to it, and the scenarios with what they cite.
//
// cite: P-37
func TestSettings(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	c := Config{Carrier: Carrier{Name: "Test Carrier", Zone: "America/New_York", Contact: Contact{Email: "privacy@carrier.example"}}, Database: "postgres://user:hidden-word@host/name",
		Listen: "127.0.0.1:8080", Vault: Vault{Key: "file:/etc/hidden-place/master.key"}, Ledger: Ledger{Origin: "ledger.test.example", Key: "/etc/hidden-place/ledger.key"}}
	shown := fmt.Sprint(c.settings(true, o.Office))
	for _, s := range []string{"Test Carrier", "privacy@carrier.example", "kept in: file", "127.0.0.1:8080", "built in"} {
		if !strings.Contains(shown, s) {
			t.Errorf("%q is not shown in %s", s, shown)
		}
	}
	if strings.Contains(shown, "hidden") {
		t.Errorf("a secret is shown, or where it lies: %s", shown)
	}
	c.Vault.Key = "hidden-key-itself"
	if shown := fmt.Sprint(c.settings(true, o.Office)); strings.Contains(shown, "hidden") {
		t.Errorf("a key that names no place is shown: %s", shown)
	}
	stories, err := c.stories()()
	if err != nil || len(stories) < 50 {
		t.Fatalf("%d scenarios, %v", len(stories), err)
	}
	for _, s := range stories {
		if s.Name == "" || filepath.Ext(s.File) != ".yaml" {
			t.Errorf("%+v", s)
		}
	}
}
