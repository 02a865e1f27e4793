package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// failing is a channel whose other side says no.
type failing struct{}

func (failing) Send(_ context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, p := range pieces {
		told(p, notify.Outcome{State: notify.Failed, Code: "5.5.4", Says: "no mailbox of ann"})
	}
}
func (failing) Check(context.Context) error { return nil }
func (failing) Batch() int                  { return 10 }

// short writes messages in a word.
type short struct{}

func (short) Write(kind string, via cpni.Via, _ string, tokens map[string]string) (notify.Words, error) {
	return notify.Words{Text: tokens["code"], Version: kind + "." + string(via)}, nil
}
func (short) Urgent(string, cpni.Via) bool { return false }

func (short) Reveals(notify.Words, []string) (string, bool) { return "", false }

// What has become of messages is read by REST, never what they say; who may acts on them, once for a key, and on record.
//
// cite: P-20, P-23, P-25, P-41, I-11, 47 CFR 64.2010(f)
func TestMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		s.Messages.Channels, s.Messages.Writer = map[cpni.Via]notify.Channel{cpni.Email: failing{}}, short{}
		_, worker := s.key(t, cpni.RoleFraud)
		_, auditor := s.key(t, cpni.RoleAuditor)
		_, agent := s.key(t, cpni.RoleAgent)
		ann := s.Customer(t, func(p *customer.Profile) { p.Postal, p.Lines[0].Disturbed = nil, s.Clock.Now() }) // no other way is left
		plan := func(m notify.Message) cpni.ID {
			t.Helper()
			s.Time.Add(time.Second)
			m.ID = cpni.NewTimedID(s.Clock.Now())
			if err := db.Tx(t.Context(), func(tx *store.Tx) error { return s.Outbox.Plan(t.Context(), tx, ann.ID, m) }); err != nil {
				t.Fatal(err)
			}
			return m.ID
		}
		const code = "48213957"
		plan(notify.Message{Kind: notify.VerificationCode, Via: cpni.Text, Place: notify.TNOR, To: ann.Lines[0].Number, Tokens: map[string]string{"code": code}, Until: s.Clock.Now().Add(time.Hour)})
		id := plan(notify.Message{Kind: notify.AccountChange, Via: cpni.Email, Place: notify.AOR, To: ann.Email[0].Value, Tokens: map[string]string{"what": "password"}})
		if err := s.Messages.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		about := "/v1/customers/" + string(ann.ID) + "/messages"
		at := about + "/" + string(id)
		for _, path := range []string{"/v1/messages", about, at} {
			s.do(t, agent, "GET", path, nil).problem(t, http.StatusForbidden, "ROLE")
			for _, key := range []string{worker, auditor} {
				a := s.do(t, key, "GET", path, nil)
				for _, hidden := range []string{code, ann.Email[0].Value, ann.Lines[0].Number, s.Outbox.Token(id)} {
					if a.status != http.StatusOK || strings.Contains(string(a.raw), hidden) {
						t.Errorf("%s: %d, or it tells %q: %s", path, a.status, hidden, a.raw)
					}
				}
			}
		}
		list := func(query string) (all api.Messages) {
			t.Helper()
			s.do(t, auditor, "GET", query, nil).into(t, &all)
			return all
		}
		all := list("/v1/messages?state=failed&via=email&kind=account-change")
		if len(all.Messages) != 1 || all.Messages[0].ID != id || all.Messages[0].Customer != ann.ID || all.Messages[0].Code != "5.5.4" || all.Messages[0].Changed == nil {
			t.Errorf("%+v", all)
		}
		all = list(about + "?limit=1")
		if len(all.Messages) != 1 || all.Next == "" {
			t.Fatalf("%+v", all)
		}
		all = list(about + "?limit=1&before=" + all.Next)
		if len(all.Messages) != 1 || all.Messages[0].Kind != notify.VerificationCode || all.Messages[0].Due == nil || all.Next != "" {
			t.Errorf("%+v", all)
		}
		s.do(t, auditor, "GET", about+"?before=x", nil).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, auditor, "GET", about+"/"+string(cpni.NewID()), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, auditor, "GET", "/v1/customers/"+string(cpni.NewID())+"/messages", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		var fate api.Fate
		s.do(t, auditor, "GET", at, nil).into(t, &fate)
		if len(fate.Events) != 1 || fate.Events[0].What != "failed" || fate.Events[0].Says != "" {
			t.Errorf("an auditor reads %+v", fate)
		}
		s.do(t, worker, "GET", at, nil).into(t, &fate)
		if fate.Events[0].Says != "no mailbox of ann" {
			t.Errorf("who sees customers reads %+v", fate)
		}

		s.do(t, auditor, "POST", at+"/retry", object{"reason": "x"}).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, worker, "POST", at+"/retry", object{"reason": " "}).problem(t, http.StatusUnprocessableEntity, "REASON")
		s.do(t, worker, "POST", at+"/another", object{"reason": "x"}).problem(t, http.StatusUnprocessableEntity, "NO_OTHER_FORM")
		s.do(t, worker, "POST", about+"/"+string(cpni.NewID())+"/settle", object{"reason": "x"}).problem(t, http.StatusNotFound, "NOT_FOUND")
		var first, second api.Fate
		s.do(t, worker, "POST", at+"/retry", object{"reason": "Mended."}, "Idempotency-Key", "a").into(t, &first)
		s.do(t, worker, "POST", at+"/retry", object{"reason": "Mended."}, "Idempotency-Key", "a").into(t, &second)
		if first.ID == id || first.ID != second.ID || first.InsteadOf != id || first.State != notify.Queued {
			t.Errorf("%+v and %+v", first, second)
		}
		s.do(t, worker, "POST", at+"/retry", object{"reason": "Mended."}, "Idempotency-Key", "b").problem(t, http.StatusConflict, "CONFLICT")
		for range 2 {
			s.do(t, worker, "POST", about+"/"+string(first.ID)+"/withdraw", object{"reason": "Told."}).into(t, &second)
			if second.State != notify.Cancelled || second.Events[0].Says != "Told." || second.Events[0].By == "" {
				t.Errorf("%+v", second)
			}
		}
		last := plan(notify.Message{Kind: notify.AccountChange, Via: cpni.Email, Place: notify.AOR, To: ann.Email[0].Value, Tokens: map[string]string{"what": "PIN"}})
		if err := s.Messages.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.do(t, worker, "POST", about+"/"+string(last)+"/settle", object{"reason": "Told in the shop."}).into(t, &second)
		if !second.Settled || second.State != notify.Failed {
			t.Errorf("%+v", second)
		}
		rows, err := s.Ledger.Records(t.Context(), ann.ID, ledger.Filter{Kind: ledger.Message})
		if err != nil || len(rows) != 5 {
			t.Errorf("%d entries (%v)", len(rows), err)
		}
		var entries api.Entries
		s.do(t, auditor, "GET", "/v1/customers/"+string(ann.ID)+"/entries?kind=message", nil).into(t, &entries)
		if len(entries.Entries) != 5 {
			t.Errorf("%+v", entries)
		}
	})
}
