package office_test

import (
	"errors"
	"strings"
	"testing"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// A report is on record and confirmed, somebody else than who did it looks into it, and the customer gets an answer.
//
// cite: P-37, P-41, 47 CFR 64.2009(e)
func TestReport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		ctx := t.Context()
		ann, agent, compliance := o.Customer(t), o.Member(t, cpni.RoleAgent), o.Member(t, cpni.RoleCompliance)
		a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, officetest.AskCalls(agent, o.Verified(t, agent, ann.ID))))
		const text = "I did not call you on that day."
		f := complaint.Filing{ID: cpni.NewID(), Customer: ann.ID, Category: complaint.EmployeeAccess, Entry: a.Entry, Text: text}
		c := must[*complaint.Complaint](t)(o.Complaints.File(ctx, f))
		must[*complaint.Complaint](t)(o.Complaints.File(ctx, f)) // sent twice
		if all := must[[]*complaint.Complaint](t)(o.Complaints.Of(ctx, ann.ID)); len(all) != 1 || all[0].Text != text || all[0].State != complaint.Open || all[0].Entry != a.Entry {
			t.Fatalf("%+v", all)
		}
		if n := must[int](t)(o.Complaints.Waiting(ctx)); n != 1 {
			t.Errorf("%d wait", n)
		}
		if _, err := o.Complaints.Take(ctx, ann.ID, c.ID, agent); code(err) != "SELF_REVIEW" {
			t.Errorf("the one whom it is about looks into it: %v (P-37)", err)
		}
		if _, err := o.Complaints.Reply(ctx, ann.ID, c.ID, compliance, "It was not you."); code(err) != "STATE" {
			t.Errorf("answered before anybody has looked: %v", err)
		}
		must[*complaint.Complaint](t)(o.Complaints.Take(ctx, ann.ID, c.ID, compliance))
		if _, err := o.Complaints.Reply(ctx, ann.ID, c.ID, compliance, " "); code(err) != "BAD_INPUT" {
			t.Errorf("an empty answer: %v", err)
		}
		done := must[*complaint.Complaint](t)(o.Complaints.Reply(ctx, ann.ID, c.ID, compliance, "You are right. Somebody passed for you, and was stopped."))
		if done.State != complaint.Answered || done.Answer == "" {
			t.Errorf("%+v", done)
		}
		if _, err := o.Complaints.Take(ctx, ann.ID, c.ID, compliance); code(err) != "STATE" {
			t.Errorf("taken after it was answered: %v", err)
		}
		kinds := map[string]int{}
		for _, m := range must[[]notify.Message](t)(o.Outbox.Messages(ctx, ann.ID)) {
			kinds[m.Kind]++
			for _, v := range m.Tokens {
				if strings.Contains(v, "call you") {
					t.Errorf("the message has what was reported: %+v", m)
				}
			}
		}
		if kinds[notify.ReportReceived] != 1 || kinds[notify.ReportAnswered] != 1 {
			t.Errorf("told %v", kinds)
		}
		if letters := must[[]ledger.Row](t)(o.Ledger.Records(ctx, ann.ID, ledger.Filter{Kind: ledger.Letter})); len(letters) != 3 {
			t.Errorf("%d entries (P-41)", len(letters))
		}
	})
}

// What says nothing, is of no kind, or is about what is not the customer's, is not taken.
func TestNoReport(t *testing.T) {
	o := officetest.Open(t, storetest.Open(t, "memory:"))
	ann := o.Customer(t)
	for name, f := range map[string]complaint.Filing{
		"nothing":        {Category: complaint.Other, Text: " \n"},
		"too much":       {Category: complaint.Other, Text: strings.Repeat("a", complaint.LongestText+1)},
		"no kind":        {Category: "gossip", Text: "x"},
		"another's line": {Category: complaint.Other, Text: "x", Entry: cpni.NewID()},
	} {
		f.Customer = ann.ID
		if _, err := o.Complaints.File(t.Context(), f); code(err) != "BAD_INPUT" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.Complaints.One(t.Context(), ann.ID, cpni.NewID()); !errors.Is(err, complaint.ErrNone) {
		t.Error(err)
	}
}
