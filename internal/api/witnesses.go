package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/staff"
)

// WitnessesStand is how the ledger stands with those who cosign it.
//
// cite: P-41
type WitnessesStand struct {
	Quorum    int            `json:"quorum" doc:"How many have to cosign; 0: nobody is asked."`
	Wrong     string         `json:"wrong,omitempty" doc:"What is wrong, in a sentence; absent: nothing."`
	Forked    bool           `json:"forked" doc:"A witness says that this ledger is not the one that it has cosigned."`
	Old       bool           `json:"old" doc:"Too few have cosigned lately."`
	Size      int64          `json:"size" doc:"Entries of the newest checkpoint that enough of them have cosigned."`
	At        *time.Time     `json:"at,omitempty" doc:"When enough of them had; absent: never."`
	Witnesses []WitnessStand `json:"witnesses"`
}

// WitnessStand is how the ledger stands with one witness.
type WitnessStand struct {
	Name     string     `json:"name"`
	Size     int64      `json:"size" doc:"Entries of the newest checkpoint that it has cosigned."`
	At       *time.Time `json:"at,omitempty" doc:"When, as it says."`
	Asked    *time.Time `json:"asked,omitempty" doc:"When it was asked last."`
	Failures int        `json:"failures" doc:"In a row."`
	Error    string     `json:"error,omitempty" doc:"Of the last time."`
	Forked   *time.Time `json:"forked,omitempty" doc:"When it first said that this ledger is not the one that it has cosigned."`
}

// witnesses tells how the ledger stands with those who cosign it.
//
// cite: P-41
func (a *API) witnesses() {
	register(a, operation{right: staff.Operate, Operation: huma.Operation{OperationID: "list-witnesses", Method: http.MethodGet, Path: "/v1/ledger/witnesses", Tags: []string{"ledger"},
		Summary: "Tell how the ledger stands with its witnesses", Description: "Who cosigns it, how far, and what is wrong."}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body WitnessesStand }, error) {
			s, err := a.office.Witnesses.Standing(ctx)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body WitnessesStand }{WitnessesStand{Quorum: s.Quorum, Wrong: s.Says(), Forked: s.Forked, Old: s.Old, Size: s.Size, At: when(s.At), Witnesses: []WitnessStand{}}}
			for _, w := range s.Witnesses {
				out.Body.Witnesses = append(out.Body.Witnesses, WitnessStand{w.Witness, w.Size, when(w.At), when(w.Asked), w.Failures, w.Error, when(w.Forked)})
			}
			return out, nil
		})
}
