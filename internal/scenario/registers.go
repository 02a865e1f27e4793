package scenario

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/register"
)

// registerAct shows what stands on a register, and of disclosures proves it: the file of the register holds under the log's key, and
// beside the ledger nothing was left out of it.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func registerAct(ctx context.Context, w *world, a args) (result, error) {
	if err := w.ledger.Sequence(ctx); err != nil {
		return result{}, err
	}
	b := w.office.Registers
	q := register.Query{Customer: w.customers[a.text("customer")], Recipient: a.text("recipient"), Named: a.text("named"), Purpose: cpni.Purpose(a.text("purpose")), Matter: a.text("matter"), Text: a.text("text"), Viewer: w.staffIDs[a.text("by")], Limit: 1000}
	got := succeeded()
	var found []record
	var err error
	switch n := register.Name(a.text("of")); n {
	case register.Campaigns:
		var p register.Page[register.Campaign]
		p, err = b.Campaigned(ctx, q)
		for _, c := range p.Lines {
			found = append(found, recordOf(c.ID, c, map[string]string{"title": c.Called(), "whose": c.Whose, "state": c.State}))
		}
	case register.Processes:
		var p register.Page[register.Process]
		p, err = b.Processed(ctx, q)
		for _, x := range p.Lines {
			found = append(found, recordOf(x.ID, x, map[string]string{"number": x.Number, "kind": x.Kind, "state": x.State}))
		}
	default:
		var p register.Page[register.Disclosure]
		p, err = b.Disclosed(ctx, q)
		for _, d := range p.Lines {
			f := map[string]string{"recipient": d.To.Word(), "kind": string(d.To.Kind), "name": d.To.Name, "purpose": string(d.Purpose), "data": joined(d.Data), "basis": d.Basis.Kind, "matter": cmp.Or(d.Basis.Number, d.Basis.ID), "secret": yesNo(d.Secret), "hidden": yesNo(d.Hidden),
				"customer": w.names[d.Customer]}
			if d.File != nil {
				f["destruction"] = string(d.File.State)
			}
			found = append(found, recordOf(d.Entry, d, f))
		}
	}
	if err != nil {
		return of(err, result{})
	}
	got.fields = map[string]any{"count": len(found), "each": eachOf(found), "none-contains": noneOf(found)}
	if register.Name(a.text("of")) == register.Disclosures {
		if got.fields["complete"], err = w.complete(ctx, q); err != nil {
			return result{}, err
		}
	}
	return got, nil
}

// complete reports whether the file of a register holds and nothing was left out of it.
func (w *world) complete(ctx context.Context, q register.Query) (bool, error) {
	q.Named, q.Matter, q.Text = "", "", "" // what is sealed can be compared by nobody
	var file bytes.Buffer
	if _, err := w.office.Registers.Proof(ctx, &file, register.Disclosures, q, true); err != nil {
		return false, err
	}
	v, err := register.Verify(&file, w.ledger.VerifierKey())
	if err != nil {
		return false, err
	}
	left, err := v.Complete(func(do func(ledger.Entry, int64) error) error {
		return ledger.EachSequenced(ctx, w.office.DB.Reader(), v.Tree.N, func(r ledger.Row, seq int64) error { return do(r.Entry, seq) })
	})
	return err == nil && len(left) == 0, err
}

func recordOf(id cpni.ID, line any, fields map[string]string) record {
	text, err := json.Marshal(line)
	if err != nil {
		text = fmt.Append(nil, err)
	}
	return record{id: id, fields: fields, text: string(text)}
}

func joined(all []cpni.DataClass) string {
	words := make([]string, len(all))
	for i, c := range all {
		words[i] = string(c)
	}
	return strings.Join(words, " ")
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
