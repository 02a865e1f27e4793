package office

import (
	"context"
	"errors"
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/training"
)

// Due does what its time has come for: reminders, the end of suspensions, findings of what a case has found to be a
// violation, alerts about what waits for a decision or a reason, and about notices of change that have not gone. Done again, or on another node, it does nothing twice.
//
// cite: P-23, P-28, P-38, P-39, 47 CFR 64.2009(b), 47 CFR 64.2010(f)
func (o *Office) Due(ctx context.Context) error {
	return errors.Join(o.Training.Due(ctx), o.handOver(ctx), o.Discipline.Due(ctx), o.Door.Missed(ctx), o.Messages.Late(ctx), o.Messages.Pressed(ctx),
		o.Written.Due(ctx), o.publishedDue(ctx), o.Answers.Late(ctx),
		o.Matters.Due(ctx), o.Processes.Due(ctx), o.Exports.Due(ctx), o.Incidents.Due(ctx),
		o.Filing.Due(ctx), o.Certificates.Due(ctx), o.Books.Due(ctx), o.retentionDue(ctx))
}

// handOver makes a finding of each case of Watch that was closed as a violation of a member, so that it waits for discipline
// and is missed when nobody goes on with it. The finding has the id of the case.
//
// cite: P-39, 47 CFR 64.2009(b)
func (o *Office) handOver(ctx context.Context) error {
	violations, err := o.Watch.Violations(ctx)
	if err != nil || len(violations) == 0 {
		return err
	}
	findings, err := o.Discipline.Findings(ctx, "")
	if err != nil {
		return err
	}
	there := map[cpni.ID]bool{}
	for _, f := range findings {
		there[f.ID] = true
	}
	var failed []error // one that cannot be handed over keeps no other back
	for _, v := range violations {
		if there[v.Case] {
			continue
		}
		f := training.Finding{ID: v.Case, Staff: v.Member, Happened: v.At, Severity: training.Serious}
		what := fmt.Sprintf("A case of Watch (%s) was closed as a violation. Its evidence and notes are under Alerts, as %s.", v.Code, v.Case)
		if _, err := o.Discipline.Find(ctx, f, what, string(v.By)); err != nil {
			failed = append(failed, fmt.Errorf("handing a violation over to discipline: %w", err))
		}
	}
	return errors.Join(failed...)
}
