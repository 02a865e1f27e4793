package server

import (
	"context"
	"fmt"

	"ringfence/internal/filing/certificate"
	"ringfence/internal/filing/controls"
)

// certificate has what guards the demonstration confirmed, its ledger verified, and the certificate of its year begun by cora; otto is to sign it
// when the year is over. What the records show they show by themselves, the gaps too.
//
// cite: P-37, 47 CFR 64.2009(e)
func (d *others) certificate(ctx context.Context) error {
	for _, x := range []struct{ control, words string }{ // that a backup was restored on trial nobody has confirmed: that shows
		{"backups", "This is a demonstration: its folder was copied to another disk, the keys apart from the database."},
		{"machines", "The demonstration runs on one machine, and whoever has its password can reach it. Nobody else could be found."},
		{"updates", "The machine took up what was published until today."},
	} {
		c, _, err := d.Controls.One(ctx, x.control, d.by["cora"])
		if err != nil {
			return err
		}
		if c.Steps > 0 {
			continue
		}
		if err := d.Controls.Confirm(ctx, x.control, controls.Act{By: d.by["cora"], ID: d.id("control " + x.control), Steps: -1}, true, x.words); err != nil {
			return fmt.Errorf("confirming %s: %w", x.control, err)
		}
	}
	if err := d.Ledger.Sequence(ctx); err != nil {
		return err
	}
	health, err := d.Health(ctx)
	if err != nil {
		return err
	}
	if health.Verified == nil {
		if _, err := d.Verify(ctx, d.by["cora"]); err != nil {
			return err
		}
	}
	if health.Replayed == nil {
		if _, err := d.Replay(ctx, d.by["cora"]); err != nil {
			return err
		}
	}
	year := d.now.In(d.Zone).Year()
	f, err := d.Certificates.One(ctx, year, d.by["cora"])
	if err != nil || f.Version > 0 {
		return err
	}
	_, err = d.Certificates.Amend(ctx, year, certificate.Act{By: d.by["cora"], ID: d.id("certificate")}, certificate.Fields{
		Signatory: "Otto Brandt", Title: "Chief Privacy Officer", Agent: true,
		Complaints: certificate.Complaints{Disclosure: 1, Summary: "Somebody wrote to the state commission that a landlord had been told about a bill. The bill had gone to the address of record, and nobody else had been told anything; the commission was answered."}, Brokers: certificate.Answer{None: true},
		Pretexting: certificate.Answer{Text: "Callers have claimed to be a technician at the customer's house who needs the last numbers that were called. Three of them were refused."},
		Steps:      "A technician is called back at the number on the work order. Whoever cannot prove who they are is told nothing but how to prove it. Each wrong secret makes the next try wait, and an alert is raised when somebody tries again and again.",
		Explained: map[string]string{
			"guarding/optional":  "This is a demonstration, so that anybody can look around in it; a carrier leaves it as the policy has it, and asks for a second factor.",
			"training/uncovered": "Uma Castellanos began this week, and is to pass the course before she serves anybody. Until then the rules refuse her.",
		}})
	return err
}
