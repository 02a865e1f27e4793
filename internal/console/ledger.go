package console

import (
	"errors"
	"net/http"
	"regexp"

	"ringfence/internal/ledger"
)

// ledgerView is the state of the log, and how anybody checks it.
type ledgerView struct {
	page
	Origin, Key string
	Size        int64
	Root        string
	Checkpoint  string
	Waits       string // why there is no checkpoint
	Address     string // of the log, as it is reached from here
}

// plainHost is a host that may stand in a line to be copied.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`)

// cite: P-41, 47 CFR 64.2009(c)
func (v *visit) ledgerPage() error {
	ctx, l := v.r.Context(), v.office.Ledger
	view := ledgerView{page: v.page("Ledger", "/records/ledger"), Origin: l.Origin(), Key: l.VerifierKey(), Address: "http"}
	if v.options.Secure {
		view.Address = "https"
	}
	if view.Address += "://" + v.r.Host + "/ledger"; !plainHost.MatchString(v.r.Host) {
		view.Address = "https://…/ledger"
	}
	signed, err := l.Newest(ctx)
	switch {
	case errors.Is(err, ledger.ErrNotYet):
		view.Waits = "Nothing has been signed yet: the first checkpoint follows within a second of the first entry."
	case errors.Is(err, ledger.ErrRolledBack):
		v.options.Report(err)
		view.Problem = &problemView{Code: "ROLLED_BACK", Says: "The database is behind what was signed. It may have been put back to an older state, and nothing is released from it.",
			Clauses: []string{"P-41", "47 CFR 64.2009(c)"}, Next: []string{"Tell the operator at once."}}
	case err != nil:
		return err
	default:
		view.Checkpoint = string(signed)
		t, err := l.Tree(ctx)
		if err != nil {
			return err
		}
		view.Size, view.Root = t.N, t.Hash.String()
	}
	return v.show(http.StatusOK, ledgerPage(view))
}
