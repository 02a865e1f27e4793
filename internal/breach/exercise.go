package breach

import (
	"context"

	"ringfence/internal/cpni"
	"ringfence/internal/training"
)

// tookPart gives the members who did something in a rehearsal that is being closed, with the roles that they have then.
//
// cite: P-38, P-43
func (m *moved) tookPart(roles map[string]cpni.Role) []training.Exercise {
	var all []training.Exercise
	for _, who := range actors(m.i) {
		if _, member := roles[who]; !member {
			continue
		}
		x := training.Exercise{Staff: cpni.ID(who), Incident: m.i.ID, Number: m.i.Number, Role: roles[who], Closed: m.d.Clock.Now()}
		for _, e := range m.i.History {
			if e.By == who {
				x.Steps++
			}
		}
		all = append(all, x)
	}
	return all
}

// rolesOf gives the roles of the members who did something about an incident, and of who is about to.
func (d *Desk) rolesOf(ctx context.Context, id, by cpni.ID) (map[string]cpni.Role, error) {
	i, err := d.read(ctx, d.DB.Reader(), d.Vault.OpenState, id, "")
	if err != nil {
		return nil, err
	}
	roles := map[string]cpni.Role{}
	for _, who := range append(actors(i), string(by)) {
		if !cpni.ID(who).Valid() {
			continue // the system
		}
		m, _, err := d.Staff.Get(ctx, cpni.ID(who))
		if err != nil {
			return nil, err
		}
		roles[who] = m.Role
	}
	return roles, nil
}
