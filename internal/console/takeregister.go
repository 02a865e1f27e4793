package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
	"ringfence/internal/staff"
)

// The kinds of files in which a register is taken away.
var registerFiles = map[string]struct{ ending, kind string }{"csv": {"csv", "text/csv; charset=utf-8"}, "pdf": {"pdf", "application/pdf"}, "proof": {"jsonl", "application/jsonl"}}

// takeRegister gives a register as a file. That it is taken, by whom and what of it, is on record before the first byte leaves.
//
// cite: P-37, P-40, P-41, 47 CFR 64.2009(c)
func (v *visit) takeRegister() error {
	ctx, n, as := v.r.Context(), v.registerOf(), v.form.Get("as")
	kind, ok := registerFiles[as]
	if !ok {
		return errUnreadable
	}
	a := v.filterOf(v.form.Get("f"))
	q := v.queryOfRegister(a)
	back := registerAddress(n)
	if a != (askedOfRegister{}) {
		back += "?" + queryOf("f", v.form.Get("f"))
	}
	lines, err := v.office.Registers.Count(ctx, n, q)
	if err == nil && as == "pdf" && lines > register.MostPrinted {
		err = register.ErrTooLong
	}
	if errors.Is(err, ledger.ErrNotYet) {
		err = cpni.Rejected("NOT_YET", "Nothing has been signed yet, so there is nothing to take.", []string{"P-41"}, "try again in a second")
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: registerAddress(n), Refusal: refusal}, back)
	}
	if err != nil {
		return err
	}
	if err := v.office.Registers.Look(ctx, v.member.ID, n, q, as, lines); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", kind.kind)
	h.Set("Content-Disposition", `attachment; filename="register-`+string(n)+"-"+v.now.In(v.office.Zone).Format(time.DateOnly)+"."+kind.ending+`"`)
	to := &begun{w: v.w}
	switch as {
	case "csv":
		_, err = v.office.Registers.CSV(ctx, to, n, q, !v.member.May(staff.See))
	case "pdf":
		_, err = v.office.Registers.Print(ctx, to, n, q, v.office.Letterhead(), !v.member.May(staff.See))
	default:
		_, err = v.office.Registers.Proof(ctx, to, n, q, v.member.May(staff.See))
	}
	if err != nil && to.any {
		v.options.Report(err)
		panic(http.ErrAbortHandler) // half a file must not pass for a whole one
	}
	if err != nil {
		h.Del("Content-Disposition")
	}
	return err
}

// begun knows whether something has been written.
type begun struct {
	w   io.Writer
	any bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.any = true
	return b.w.Write(p)
}

// proposeDestroy proposes to destroy what is over of the register of disclosures.
//
// cite: P-41, I-22, 47 CFR 64.2009(c)
func (v *visit) proposeDestroy() error {
	id, err := v.key("proposal to destroy")
	if err != nil {
		return err
	}
	back := registerAddress(register.Disclosures)
	day, err := time.ParseInLocation(time.DateOnly, v.field("before"), v.office.Zone)
	if err != nil {
		return v.leave(flash{For: back, Refusal: errField("no day was given before which everything is to go", "give a day")}, back)
	}
	p, err := v.office.ProposeDestroy(v.r.Context(), id, day, v.member.ID)
	return v.proposed(p, err, back)
}

// showDestroy says what would be destroyed.
func (v *visit) showDestroy(p *countersign.Proposal) (string, error) {
	var a register.DestroyAct
	if err := json.Unmarshal(p.Act, &a); err != nil {
		return "", err
	}
	return fmt.Sprintf("Everything on the register of disclosures from before %s is destroyed: %s. The records leave the database; the ledger keeps of each what proves that it was there. Nobody can bring them back.", v.moment(a.Before), counted(a.Lines, "line", "lines")), nil
}
