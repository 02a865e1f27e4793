package scenario

import (
	"context"
	"errors"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
)

// wordIncident writes what customers are told of an incident whose story says no more, and has somebody else agree to it.
//
// cite: P-47
func (w *world) wordIncident(ctx context.Context, i *breach.Incident, by cpni.ID) error {
	d := w.office.Incidents
	i, err := d.Word(ctx, i.ID, breach.Act{By: by}, breach.Words{Texts: map[string]breach.Text{
		"en": {What: "Somebody saw records of our customers who had no right to.", Done: "We have ended it and told the authorities.", Advice: "Choose a new password for your account.", Short: "It was about records of your account."},
		"es": {What: "Alguien vio registros de nuestros clientes sin tener derecho a ello.", Done: "Lo hemos terminado y hemos avisado a las autoridades.", Advice: "Elija una contraseña nueva para su cuenta.", Short: "Se trata de registros de su cuenta."},
	}})
	if err != nil {
		return err
	}
	const name = "(who reads what customers are told)"
	reader, known := w.staffIDs[name]
	if !known {
		if reader, err = w.staff.Add(ctx, staff.Member{Login: "words", Name: name, Role: cpni.RoleCompliance, Trained: w.now()}, "", teller); err != nil {
			return err
		}
		w.staffIDs[name] = reader
	}
	_, err = d.Agree(ctx, i.ID, breach.Act{By: reader}, i.WordsStep)
	return err
}

// tellAll has everybody told: what is planned goes out, and letters are mailed.
//
// cite: P-47, I-10
func (w *world) tellAll(ctx context.Context, id, by cpni.ID) error {
	d := w.office.Incidents
	if err := d.Work(ctx); err != nil {
		return err
	}
	if err := w.carry(ctx); err != nil {
		return err
	}
	for after := cpni.ID(""); ; {
		some, err := d.Set(ctx, id, by, breach.IsPlanned, after, 500)
		if err != nil || len(some) == 0 {
			if err == nil {
				err = d.Work(ctx)
			}
			return err
		}
		for _, c := range some {
			after = c.Customer
			if c.Via != cpni.Postal {
				continue
			}
			if err := w.office.Messages.Referred(ctx, cpni.Postal, string(c.Message), notify.Report{Kind: notify.Mailed, At: w.now()}); err != nil && !errors.Is(err, notify.ErrNotOurs) {
				return err // what was not taken yet is not mailed
			}
		}
	}
}
