package api_test

import (
	"net/http"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/written"
)

// A request that came by post is decided in a contact in which its signer was proved; once it has gone, whoever comes for the records shows
// who they are: who is not who was named is turned away, and who is gets them, all of it on record.
//
// cite: P-16, P-36, P-41, V73, 47 CFR 64.2003(r), 47 USC 222(c)(2)
func TestWrittenRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := serve(t, officetest.Open(t, db))
		ann, ben := s.Customer(t), s.Customer(t)
		member, agent := s.key(t, cpni.RoleAgent)
		_, other := s.key(t, cpni.RoleAgent)
		_, marketing := s.key(t, cpni.RoleMarketing)
		_, narrow := s.key(t, cpni.RoleAgent, "contacts")
		post := func() *written.Request {
			t.Helper()
			r, err := s.Written.Post(t.Context(), written.Posting{Customer: ann.ID, By: member, Signature: ann.Name, Scan: []byte("%PDF-1.7\nsigned"),
				Draft: written.Draft{Name: "Tariff Analysts", Data: []cpni.DataClass{cpni.CallDetail}, Months: []int{202610, 202611}, Via: cpni.Postal, To: "Tariff Analysts, 5 Long Road, Springfield, VA 22150", Language: "en"}})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := post()
		at := "/v1/customers/" + string(ann.ID) + "/written/" + string(r.ID)
		list := func(key, query string) (all []api.WrittenRequest) {
			t.Helper()
			s.do(t, key, "GET", "/v1/written"+query, nil).into(t, &all)
			return all
		}
		if all := list(agent, "?state=entered"); len(all) != 1 || all[0].ID != r.ID || !all[0].Posted || len(list(agent, "?state=sent")) != 0 {
			t.Errorf("%+v", all)
		}
		s.do(t, marketing, "GET", "/v1/written", nil).problem(t, http.StatusForbidden, "ROLE")
		s.do(t, narrow, "GET", at, nil).problem(t, http.StatusForbidden, "SCOPE_OF_KEY")
		s.do(t, agent, "GET", "/v1/customers/"+string(ben.ID)+"/written/"+string(r.ID), nil).problem(t, http.StatusNotFound, "NOT_FOUND")
		var one api.WholeWrittenRequest
		if s.do(t, agent, "GET", at, nil).into(t, &one); one.Names != "Tariff Analysts" || len(one.Months) != 2 || one.Months[0] != "2026-10" || len(one.Hash) != 64 || one.State != written.Entered {
			t.Errorf("%+v", one)
		}
		// Only in one's own contact with this customer, in which they are proved.
		in := func(id cpni.ID) object { return object{"contact": id} }
		s.do(t, agent, "POST", at+"/proof", in(s.Contact(t, member, ann.ID))).problem(t, http.StatusForbidden, "UNAUTHENTICATED")
		s.do(t, agent, "POST", at+"/proof", in(s.Verified(t, member, ben.ID))).problem(t, http.StatusNotFound, "NO_CONTACT")
		proved := s.Verified(t, member, ann.ID)
		s.do(t, other, "POST", at+"/proof", in(proved)).problem(t, http.StatusNotFound, "NO_CONTACT")
		a := s.do(t, agent, "POST", at+"/proof", in(proved))
		if a.into(t, &one); a.status != http.StatusOK || one.State != written.Waiting || one.Due == nil || one.Decision == "" {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		day := s.Clock.Now().In(s.Zone).AddDate(1, 0, 0).Format("2006-01-02")
		bearer := func(name string, government bool) object {
			return object{"name": name, "government": government, "expires": day}
		}
		if a := s.do(t, agent, "POST", at+"/handing", bearer("Tariff Analysts", true)); a.status < 400 {
			t.Errorf("before the wait is over: %d %s", a.status, a.raw)
		}
		s.Time.Add(s.Policy.Numbers(s.Clock.Now()).Duration("written-request", "wait"))
		if err := s.Written.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []object{bearer("Eve Archer", true), bearer("Tariff Analysts", false)} {
			s.do(t, agent, "POST", at+"/handing", bad).problem(t, http.StatusForbidden, "PHOTO_ID")
		}
		s.do(t, agent, "POST", at+"/handing", object{"name": "Tariff Analysts", "government": true, "expires": "soon"}).problem(t, http.StatusUnprocessableEntity, "BAD_INPUT")
		var handed api.HandedOver
		a = s.do(t, agent, "POST", at+"/handing", bearer("tariff analysts", true))
		if a.into(t, &handed); a.status != http.StatusOK || handed.Released == nil || len(handed.Released.Calls) == 0 || handed.Request.State != written.Handed || handed.Request.Handed.By != member || len(handed.Request.Turned) != 2 || handed.Request.Turned[0].Why == "" {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if a := s.do(t, agent, "POST", at+"/handing", bearer("Tariff Analysts", true)); a.status < 400 {
			t.Errorf("handed over twice: %d", a.status)
		}
		// One whose signature is somebody else's is closed, with the reason.
		no := "/v1/customers/" + string(ann.ID) + "/written/" + string(post().ID)
		s.do(t, agent, "POST", no+"/resend", nil).problem(t, http.StatusConflict, "STATE")
		a = s.do(t, agent, "POST", no+"/decline", object{"reason": "the signature is somebody else's"})
		if a.into(t, &one); a.status != http.StatusOK || one.State != written.Declined || one.Reason == "" {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
}
