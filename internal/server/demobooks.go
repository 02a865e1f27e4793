package server

import (
	"context"
	"fmt"

	"ringfence/internal/complaint"
	"ringfence/internal/filing/books"
)

// books enters what the certificate of the year has to tell: a complaint that a regulator passed on, a method of pretexting that was seen, and
// the review of a partner with something to be mended. No action was brought against a data broker.
//
// cite: P-41, 47 CFR 64.2009(e), 47 CFR 64.2010(a)
func (d *others) books(ctx context.Context) error {
	for what, in := range map[string]books.Intake{
		"complaint": {Facts: books.Facts{Complaint: &books.Complaint{Category: complaint.Disclosure, Source: books.FromRegulator, Received: d.today.Add(-9), Verdict: books.Unfounded,
			Finding: "What the complaint tells of stands on the customer's own bill, which went to the address of record.", Done: "The state commission was answered."}},
			From: books.Complainant{Name: "Somebody who wrote to the state commission", Says: "The company told my landlord what my telephone costs."}},
		"method": {Facts: books.Facts{Method: &books.Method{What: "They ring as a technician who is at the customer's house, say that the line is being repaired, and ask for the last numbers that were called.", First: d.today.Add(-30), Last: d.today.Add(-12),
			Known: "Agents told of three calls; each was refused, and the attempts stand on record.", Steps: "A technician is called back at the number on the work order, and a trouble ticket gives no call detail.", Since: d.today.Add(-11)}}},
		"review": {Facts: books.Facts{Review: &books.Review{Partner: "acme-alarm", On: d.today.Add(-20), Reviewer: "cora, with Acme Alarm's officer for security", Checked: "Who can open files there, where the secret key is kept, and the certificates of destruction.",
			Findings: "Two accounts of people who have left could still open files.", MendBy: d.today.Add(10)}}},
	} {
		in.ID, in.By = d.id("book "+what), d.by["cora"]
		if _, err := d.Books.Enter(ctx, in); err != nil {
			return fmt.Errorf("entering a %s in the books: %w", what, err)
		}
	}
	return nil
}
