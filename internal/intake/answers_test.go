package intake

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// Refusals are taken over from an old system, once, and nothing in a file becomes consent.
//
// cite: P-10, P-14, P-57, V77, I-24, 47 CFR 64.2007(a)(2)
func TestAnswersTakenOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, vault.NewMaster())
		said := approval.NewBook(approval.Parts{DB: db, Vault: w.Vault, Ledger: w.Ledger, Customers: w.Book, Clock: w.Clock, Zone: w.Zone})
		of := map[string]cpni.ID{}
		for _, account := range []string{"A-1", "A-2", "A-3"} {
			id, err := w.Book.Create(t.Context(), customer.Profile{Name: "Customer " + account, Account: account, Since: now.AddDate(-5, 0, 0)}, "test")
			if err != nil {
				t.Fatal(err)
			}
			of[account] = id
		}
		path := filepath.Join(t.TempDir(), "answers.csv")
		take := func(text string) (*Summary, string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := w.Answers(t.Context(), said, path, AnswerOptions{Actor: "test"})
			if err != nil {
				t.Fatal(err)
			}
			rejects, err := os.ReadFile(path + ".rejects.csv")
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			return s, string(rejects)
		}
		file := strings.Join([]string{"account,says,scope,received,via,basis",
			"A-1,no,,2024-03-10,phone,", "a-2,no,own-marketing,2025-01-02,,", "A-3,yes,own-marketing,2019-05-01,,legacy-contract", "A-3,yes,,2019-05-01,,partner-says",
			"A-9,no,,2024-03-10,,", "A-3,no,all,2024-03-10,,", "A-3,no,,yesterday,,", "A-3,no,,2027-01-01,,", ",no,,2024-01-01,,"}, "\n") + "\n"
		s, rejects := take(file)
		if s.Rows != 9 || s.Refusals != 2 || s.Known != 0 || s.Rejected[NoConsent] != 2 || s.Rejected[Nobody] != 1 || s.Rejected[BadField] != 2 || s.Rejected[Refused] != 1 || s.Rejected[NoAccount] != 1 {
			t.Errorf("%+v", s)
		}
		if !strings.Contains(rejects, "NOT_CONSENT") || strings.Count(rejects, "\n") != 8 {
			t.Errorf("%s", rejects)
		}
		if s, _ := take(file + "A-1,no,,2024-03-10,phone,\n"); s.Refusals != 0 || s.Known != 3 {
			t.Errorf("again: %+v", s)
		}
		for account, want := range map[string]string{"A-1": customer.Everything, "A-2": "own-marketing", "A-3": ""} {
			p, _, err := w.Book.Get(t.Context(), of[account])
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case want == "" && len(p.Approvals) > 0, want != "" && (len(p.Approvals) != 1 || p.Approvals[0].Scope != want || p.Approvals[0].State != cpni.Denied):
				t.Errorf("%s: %+v (P-14)", account, p.Approvals)
			}
			if want == customer.Everything && !p.Approvals[0].Since.Equal(time.Date(2024, 3, 10, 0, 0, 0, 0, w.Zone)) {
				t.Errorf("it counts from %s", p.Approvals[0].Since)
			}
		}
		for _, bad := range []string{"", "account\nA-1\n", "account,received,consent\nA-1,2024-01-01,yes\n"} {
			if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Answers(t.Context(), said, path, AnswerOptions{Actor: "test"}); err == nil {
				t.Errorf("%q was taken", bad)
			}
		}
	})
}
