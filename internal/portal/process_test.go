package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/process"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// While a process forbids to tell the customer, nothing in their account does: not the list, not a line's own page, its receipt or its
// report, not a download of everything. From the end of it on all of them do.
//
// cite: P-29, P-41, 47 USC 222(c)(1)
func TestSecretProcessInTheAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := visit(t, db)
		ctx, now := t.Context(), s.Clock.Now()
		ann := s.Customer(t)
		taker, reviewer := s.Member(t, cpni.RoleCompliance), s.Member(t, cpni.RoleOfficer)
		end := now.Add(10 * time.Minute)
		p, err := s.Processes.File(ctx, process.Filing{By: taker, Kind: "court-order", Number: "26-cr-114", Issuer: "Judge Roe", Officer: "Special Agent Doe", Address: "Federal Bureau, 9 Pine Road, Springfield, VA 22150", Issued: now.AddDate(0, 0, -2),
			Received: now.AddDate(0, 0, -1), Until: now.AddDate(0, 1, 0), About: []string{ann.Account}, Data: []cpni.DataClass{cpni.CallDetail}, AskedFrom: now.AddDate(0, -2, 0), AskedUntil: now,
			Silence: process.Silence{Ordered: true, Until: end}, Named: []cpni.ID{reviewer}, Scan: []byte("%PDF-1.7 a paper")})
		if err == nil {
			p, err = s.Processes.Review(ctx, p.ID, process.Verdict{By: reviewer, Version: p.Version, Approve: true, Scope: p.Asked})
		}
		if err != nil {
			t.Fatal(err)
		}
		if tried, err := s.Processes.Release(ctx, p.ID, taker); err != nil || tried.Released != 1 {
			t.Fatalf("%+v, %v", tried, err)
		}
		releases, err := s.Processes.Releases(ctx, p.ID, taker)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ledger.Sequence(ctx); err != nil {
			t.Fatal(err)
		}
		entry := string(releases[0].Entry)
		s.signIn(ann, "blue heron 42")
		told := func() int {
			all, err := s.Outbox.Messages(ctx, ann.ID)
			if err != nil {
				t.Fatal(err)
			}
			return len(slices.DeleteFunc(all, func(m notify.Message) bool { return m.Kind != notify.ProcessAnswered && m.Kind != notify.ProcessDemand }))
		}
		shown := func(is bool) {
			t.Helper()
			for _, path := range []string{"/account/received", "/account/received?each=1", "/account/received/" + entry, "/account/received/" + entry + "/proof", "/account/received/" + entry + "/receipt.json", "/account/report?entry=" + entry} {
				status, page := s.get(path)
				if got := status == http.StatusOK && strings.Contains(page, entry); got != is && !strings.Contains(path, "report") {
					t.Errorf("%s: %d, shown %v, want %v (P-29)", path, status, got, is)
				}
				if !is && strings.Contains(strings.ToLower(page), "legal process") {
					t.Errorf("%s tells of legal process (P-29)", path)
				}
			}
			_, file := s.sendForm("/account/download", url.Values{"as": {"everything"}})
			if told := opened(t, file)["who-received-it.jsonl"]; strings.Contains(told, entry) != is || strings.Contains(told, "law-enforcement") != is {
				t.Errorf("the download of everything: %s (P-29)", told)
			}
		}
		if err := s.Processes.Due(ctx); err != nil {
			t.Fatal(err)
		}
		shown(false)
		if n := told(); n != 0 {
			t.Errorf("%d messages while it must not be told (P-29)", n)
		}
		s.Time.Add(end.Sub(s.Clock.Now()))
		if err := s.Processes.Due(ctx); err != nil {
			t.Fatal(err)
		}
		shown(true)
		if n := told(); n != 1 {
			t.Errorf("%d messages once it may be told (P-29)", n)
		}
	})
}
