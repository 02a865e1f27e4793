package breach

import (
	"context"

	"ringfence/internal/breach/bundle"
	"ringfence/internal/cpni"
	"ringfence/internal/notify/letter"
)

// DossierParts are what a dossier says, before it is printed.
func (d *Desk) DossierParts(ctx context.Context, id, by cpni.ID) ([]letter.Part, error) {
	x, err := d.dossier(ctx, id, by)
	if err != nil {
		return nil, err
	}
	return x.parts(), nil
}

// Parted are the parts of a bundle before they are signed.
func (d *Desk) Parted(ctx context.Context, id, by cpni.ID) (bundle.Incident, []bundle.Paper, error) {
	x, err := d.dossier(ctx, id, by)
	if err != nil {
		return bundle.Incident{}, nil, err
	}
	return d.parted(ctx, x, by)
}
