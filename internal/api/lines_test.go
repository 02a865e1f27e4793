package api_test

import (
	"net/http"
	"testing"
	"time"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// The systems that know of ports and new SIMs tell of them, also late and more than once.
//
// cite: P-20, P-37, I-11, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func TestLineEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		_, agent := s.key(t, cpni.RoleAgent)
		_, network := s.key(t, cpni.RoleSystem, "lines")
		_, other := s.key(t, cpni.RoleSystem, "contacts")
		ann := s.Customer(t)
		line := ann.Lines[0].Number
		var c api.Contact
		s.do(t, agent, "POST", "/v1/contacts", object{"customer": ann.ID, "channel": "phone"}).into(t, &c)
		at := "/v1/contacts/" + string(c.ID)
		s.do(t, agent, "POST", at+"/proofs", object{"callback": object{"number": line, "answered": true}}).into(t, &c)
		if len(c.Proved) != 1 {
			t.Fatalf("%+v", c)
		}
		s.do(t, agent, "POST", at+"/proofs", object{"callback": object{"number": line, "ring": true}}).problem(t, http.StatusUnprocessableEntity, "METHOD")
		s.do(t, agent, "POST", at+"/proofs", object{"callback": object{"number": line, "ring": true, "answered": true}}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		s.do(t, agent, "POST", at+"/proofs", object{"password": officetest.Password, "letter": "123"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		if s.do(t, agent, "POST", at+"/proofs", object{"send_code": line}).into(t, &c); len(c.Reaching) != 1 || c.Reaching[0].State != "queued" || c.Reaching[0].To != "tnor" {
			t.Errorf("%+v", c.Reaching)
		}

		event := object{"number": line, "what": "sim", "at": officetest.Start.Add(-time.Hour).Format(time.RFC3339)}
		s.do(t, agent, "POST", "/v1/lines/events", event).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, other, "POST", "/v1/lines/events", event).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
		for range 2 {
			if a := s.do(t, network, "POST", "/v1/lines/events", event); a.status != http.StatusNoContent {
				t.Fatalf("%d %s", a.status, a.raw)
			}
		}
		c = api.Contact{}
		if s.do(t, agent, "GET", at, nil).into(t, &c); len(c.Proved) != 0 || c.Speaker != "" {
			t.Errorf("what the line proved is proved still: %+v (P-20)", c)
		}
		if len(c.Reaching) != 1 || c.Reaching[0].State != "cancelled" {
			t.Errorf("the code is on its way still: %+v", c.Reaching)
		}
		s.do(t, network, "POST", "/v1/lines/events", object{"number": "+12025559999", "what": "sim"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		if a := s.do(t, network, "POST", "/v1/lines/events", object{"number": line, "what": "lost"}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
}
