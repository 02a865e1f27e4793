package console

import (
	"fmt"
	"strconv"

	"ringfence/internal/ledger/witness"
)

// witnessView is how the ledger stands with its witnesses.
type witnessView struct {
	Asked bool
	Says  string // what is wrong; "" nothing
	Facts []Setting
	Each  []witnessLine
}

type witnessLine struct {
	Name, Last, Entries, Says string
	Bad                       bool
}

// witnesses tells people how the ledger stands with those who cosign it.
//
// cite: P-41
func (v *visit) witnesses(s witness.Standing) witnessView {
	if s.Quorum == 0 {
		return witnessView{}
	}
	view := witnessView{Asked: true, Says: s.Says(), Facts: []Setting{{"Have to cosign", fmt.Sprintf("%d of %d", s.Quorum, max(s.Quorum, len(s.Witnesses)))},
		{"Enough of them cosigned last", v.ago(s.At, "never")}, {"Entries that they cosigned", strconv.FormatInt(s.Size, 10)}}}
	if view.Says == "" && s.At.IsZero() {
		view.Says = "too few witnesses have cosigned this ledger so far"
	}
	for _, w := range s.Witnesses {
		line := witnessLine{Name: w.Witness, Last: v.ago(w.At, "never"), Entries: strconv.FormatInt(w.Size, 10), Says: w.Error, Bad: !w.Forked.IsZero() || w.Failures > 0}
		switch {
		case !w.Forked.IsZero():
			line.Says = "It says that this is not the log that it has cosigned: " + w.Error
		case w.Failures > 0:
			line.Says += "; " + counted(w.Failures, "failure", "failures") + " in a row"
		}
		view.Each = append(view.Each, line)
	}
	return view
}
