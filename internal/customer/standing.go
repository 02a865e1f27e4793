package customer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// standTx writes where p's approvals stand beside the profile, where it differs from old. The rows hold no name and nothing of
// what is sealed; by them all customers can be looked at for one purpose.
//
// cite: P-36, 47 CFR 64.2009(a)
func standTx(ctx context.Context, tx *store.Tx, old, p *Profile) error {
	var before []Approval
	if old != nil {
		before = old.Approvals
	}
	for n, a := range p.Approvals {
		if n < len(before) && same(before[n], a) {
			continue
		}
		_, err := tx.Exec(ctx, `INSERT INTO approval (customer_id, n, scope, state, since, noticed, matures, covers) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (customer_id, n) DO UPDATE SET scope = excluded.scope, state = excluded.state, since = excluded.since, noticed = excluded.noticed, matures = excluded.matures, covers = excluded.covers`,
			string(p.ID), n, a.Scope, string(a.State), micros(a.Since), micros(a.NoticeAt), micros(a.Matures), a.Covers())
		if err != nil {
			return fmt.Errorf("writing where an approval stands: %w", err)
		}
	}
	if len(before) <= len(p.Approvals) {
		return nil
	}
	if _, err := tx.Exec(ctx, "DELETE FROM approval WHERE customer_id = $1 AND n >= $2", string(p.ID), len(p.Approvals)); err != nil {
		return fmt.Errorf("writing where an approval stands: %w", err)
	}
	return nil
}

// same reports whether two approvals are written alike.
func same(a, b Approval) bool {
	return a.Scope == b.Scope && a.State == b.State && a.Since.Equal(b.Since) && a.NoticeAt.Equal(b.NoticeAt) && a.Matures.Equal(b.Matures) && a.Covers() == b.Covers()
}

// Marks before what an approval covers.
const (
	coversName = '+'
	coversData = '='
)

// Covers writes in one word what the notice of an approval named: companies and classes of information.
func (a Approval) Covers() string {
	if len(a.Names) == 0 && len(a.Data) == 0 {
		return ""
	}
	var all strings.Builder
	for _, n := range a.Names {
		all.WriteByte(coversName)
		all.WriteString(n)
		all.WriteByte(' ')
	}
	for _, d := range a.Data {
		all.WriteByte(coversData)
		all.WriteString(string(d))
		all.WriteByte(' ')
	}
	return strings.TrimSuffix(all.String(), " ")
}

// ReadCovers reads what Covers has written into a.
func (a *Approval) ReadCovers(text string) {
	a.Names, a.Data = nil, nil
	for word := range strings.FieldsSeq(text) {
		switch word[0] {
		case coversName:
			a.Names = append(a.Names, word[1:])
		case coversData:
			a.Data = append(a.Data, cpni.DataClass(word[1:]))
		}
	}
}

// Denies gives the customer's refusals.
//
// cite: P-14
func (p *Profile) Denies() []Approval {
	return slices.DeleteFunc(slices.Clone(p.Approvals), func(a Approval) bool { return a.State != cpni.Denied })
}
