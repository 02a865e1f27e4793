package watch

import (
	"context"
	"errors"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// hidden gives the codes of alerts that are not there for a viewer, sorted; "" as viewer is the program itself, which sees all.
//
// cite: P-37, P-47, 47 CFR 64.2010(a), 47 CFR 64.2011(a)
func (w *Watch) hidden(ctx context.Context, viewer cpni.ID) ([]string, error) {
	codes := []string{}
	if viewer == "" {
		return codes, nil
	}
	m, _, err := w.parts.Staff.Recent(ctx, viewer)
	if err != nil && !errors.Is(err, staff.ErrNone) {
		return nil, err
	}
	for code, right := range w.parts.Reserved {
		if m == nil || err != nil || !m.May(right) {
			codes = append(codes, string(code))
		}
	}
	slices.Sort(codes)
	return codes, nil
}

// hides reports whether an alert is not there for a viewer.
func (w *Watch) hides(ctx context.Context, a Alert, viewer cpni.ID) (bool, error) {
	codes, err := w.hidden(ctx, viewer)
	return slices.Contains(codes, string(a.Code)), err
}
