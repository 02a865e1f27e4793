package console

import (
	"fmt"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// exerciseRow is a rehearsal in which somebody took part.
type exerciseRow struct {
	At, Number, Role string
	Steps            int
}

// exercises are those of a member.
//
// cite: P-38, P-43, 47 CFR 64.2009(b)
func (v *visit) exercises(of cpni.ID) ([]exerciseRow, error) {
	all, err := v.office.Training.Exercises(v.r.Context(), of)
	var rows []exerciseRow
	for _, x := range all {
		rows = append(rows, exerciseRow{v.moment(x.Closed), x.Number, roleWords[x.Role], x.Steps})
	}
	return rows, err
}

// exercisesOfYear says how many rehearsals there were this year, and how many took part.
//
// cite: P-38, P-43, 47 CFR 64.2009(b)
func (v *visit) exercisesOfYear() (string, error) {
	year := workday.DateIn(v.now, v.office.Zone).Year
	n, members, err := v.office.Training.ExercisesIn(v.r.Context(), year)
	if n == 0 {
		return fmt.Sprintf("No rehearsal of an incident was closed in %d.", year), err
	}
	return fmt.Sprintf("%s of an incident closed in %d; %s took part.", counted(n, "rehearsal", "rehearsals"), year, counted(members, "member", "members")), err
}
