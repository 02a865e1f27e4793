package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// Goes says why a message of a campaign must not go any more, when it is about to, or notify.HeldBack when it waits; "" it goes. The
// rules are asked again with everything as it stands at this moment: an objection that has come since it was planned keeps it back.
//
// cite: P-09, P-40, I-02, 47 CFR 64.2005(b), 47 CFR 64.2009(a)
func (g *Register) Goes(ctx context.Context, p *customer.Profile, m notify.Message) (code string) {
	c, err := g.recent(ctx, m.Run)
	switch {
	case errors.Is(err, ErrNone):
		return Over
	case err != nil || c.State == Paused:
		return notify.HeldBack
	case !c.Runs(g.Clock.Now(), g.Zone):
		return Over
	}
	if g.hush(ctx, c, "", true) != nil {
		return notify.HeldBack // it says what customers must not be told yet
	}
	_, d, err := g.Door.Check(ctx, c.Request(p.ID))
	switch {
	case err != nil:
		return notify.HeldBack // nothing goes that nobody could look at
	case d.Permit():
		return ""
	case slices.ContainsFunc(d.Codes, func(code cpni.Code) bool { return code == "UNTRAINED" || code == "ROLE" }):
		return notify.HeldBack // it waits for somebody who may use the information
	}
	return string(d.Code)
}

// Heard follows what became of a message of a campaign, in the transaction in which that is written.
//
// cite: P-40
func (g *Register) Heard(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, f notify.Fate) ([]ledger.Entry, error) {
	state, code := "", ""
	switch {
	case f.State == notify.Sent || f.State == notify.Delivered:
		state = WithSent
	case f.State == notify.Bounced || f.State == notify.Failed:
		state, code = WithCameBack, f.Code
	case f.State == notify.Cancelled:
		state, code = WithLeftOut, f.Code
	default:
		return nil, nil
	}
	_, err := tx.Exec(ctx, "UPDATE campaign_member SET state = $1, code = $2, at = $3 WHERE customer_id = $4 AND campaign_id = $5 AND message_id = $6", state, code, g.Clock.Now().UnixMicro(), string(of), string(m.Run), string(m.ID))
	if err != nil {
		return nil, fmt.Errorf("writing what has become of a campaign: %w", err)
	}
	return nil, nil
}

// Words are what a message of a campaign says in a language, as it was reviewed.
//
// cite: P-27, P-40
func (g *Register) Words(ctx context.Context, id cpni.ID, language string) (Script, error) {
	c, err := g.recent(ctx, id)
	if err != nil {
		return Script{}, err
	}
	if s, ok := c.Plan.Scripts[language]; ok {
		return s, nil
	}
	return c.Plan.Scripts[Languages[0]], nil
}

// Tokens are those of a campaign's message that its script fills.
func (s Script) Tokens() map[string]string {
	all := map[string]string{}
	for name, text := range map[string]string{"offer-subject": s.Subject, "offer": s.Text, "offer-short": s.Short} {
		if text != "" {
			all[name] = text
		}
	}
	return all
}
