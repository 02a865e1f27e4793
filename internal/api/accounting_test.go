package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The accounting is read by those who read records, without names, and in a contact in which the customer is proved, with what
// they may be told; the receipt of a line holds.
//
// cite: P-37, P-41, P-42, 47 CFR 64.2009(c)
func TestAccounting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		agent, agentKey := s.key(t, cpni.RoleAgent)
		_, auditor := s.key(t, cpni.RoleAuditor)
		_, billing := s.key(t, cpni.RoleBilling)
		ann, eve := s.Customer(t), s.Customer(t)
		r := officetest.AskCalls(agent, s.Verified(t, agent, ann.ID))
		r.Line = ann.Lines[0].Number
		a, err := s.Door.Disclose(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		s.Time.Add(time.Second)
		if err := s.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		at := "/v1/customers/" + string(ann.ID) + "/accounting"
		var list api.Accounting
		s.do(t, auditor, "GET", at+"?limit=500", nil).into(t, &list)
		last := list.Lines[len(list.Lines)-1]
		if last.Entry != a.Entry || last.By != "staff" || last.Role != cpni.RoleAgent || last.Outcome != cpni.Permit || last.Line != "" || len(last.Reasons) == 0 {
			t.Errorf("%+v", last)
		}
		s.do(t, billing, "GET", at, nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, billing, "GET", "/v1/customers/"+string(cpni.NewID())+"/accounting", nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, agentKey, "GET", at, nil).problem(t, http.StatusForbidden, "ROLE")
		unproved := s.Contact(t, agent, ann.ID)
		s.do(t, agentKey, "GET", at+"?contact="+string(unproved), nil).problem(t, http.StatusForbidden, "UNAUTHENTICATED")
		s.do(t, agentKey, "GET", at+"?contact="+string(s.Verified(t, agent, eve.ID)), nil).problem(t, http.StatusNotFound, "NO_CONTACT")
		in := "?contact=" + string(s.Verified(t, agent, ann.ID))
		s.do(t, agentKey, "GET", at+in, nil).into(t, &list)
		if last := list.Lines[len(list.Lines)-1]; last.Line != ann.Lines[0].Number {
			t.Errorf("in the customer's contact: %+v", last)
		}
		proof := at + "/" + string(a.Entry) + "/proof"
		var closed, open api.ReceiptFile
		s.do(t, auditor, "GET", proof, nil).into(t, &closed)
		s.do(t, agentKey, "GET", proof+in, nil).into(t, &open)
		if closed.Record != "" || closed.Leaf != open.Leaf || !strings.Contains(open.Record, `"outcome":"permit"`) {
			t.Errorf("%+v\n%+v", closed, open)
		}
		var file bytes.Buffer
		out := json.NewEncoder(&file)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		if err := out.Encode(open); err != nil {
			t.Fatal(err)
		}
		if v, err := ledger.VerifyReceipt(&file, s.Ledger.VerifierKey()); err != nil || v.Leaf.ID != a.Entry {
			t.Errorf("%+v, %v", v, err)
		}
		s.do(t, auditor, "GET", "/v1/customers/"+string(eve.ID)+"/accounting/"+string(a.Entry)+"/proof", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		s.do(t, auditor, "GET", "/v1/customers/"+string(cpni.NewID())+"/accounting", nil).problem(t, http.StatusNotFound, "NOT_FOUND")
	})
}
