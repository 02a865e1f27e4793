package notice

import (
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
)

// given is a run's notice as one customer got it.
func given(r Run, message cpni.ID, via string, at time.Time, contact cpni.ID, by string) approval.Given {
	return approval.Given{Notice: message, Run: r.ID, Kind: r.Spec.Kind, Via: via, At: at, Scopes: r.Spec.Scopes(), Names: r.Spec.Names(), Data: r.Spec.covers(), Wait: r.Spec.Wait, By: by, Contact: contact}
}
