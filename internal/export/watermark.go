package export

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"ringfence/internal/cpni"
)

// MarkScheme names how references are made, in a manifest.
const MarkScheme = "ringfence-reference-v1: 40 bits that name the row, and 40 keyed bits over them that only the carrier can make or check; of another export they are others"

var markText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// marker makes the references of one export. A reference has two halves of 40 bits: which row it is, and a keyed check of that half,
// under a key of this export alone. So any single row of a leaked copy tells its export, in whatever order the rows are and however
// few of them are left; who has the file cannot make a reference of another export, and two exports cannot be joined by them.
//
// A copy without the column of references, or with others in their place, tells nothing: then what the ledger has on record of those
// customers is all there is.
type marker struct{ name, check []byte }

func (x *Exports) marker(id cpni.ID) marker {
	return marker{x.Vault.Derive("export rows v1 " + string(id)), x.Vault.Derive("export marks v1 " + string(id))}
}

const halfMark = 5 // bytes

// MarkLength is how many letters and digits a reference has.
const MarkLength = 16

func keyed(key, of []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(of)
	return m.Sum(nil)[:halfMark]
}

// of gives the reference of a customer.
func (m marker) of(customer cpni.ID) string {
	name := keyed(m.name, []byte(customer))
	return markText.EncodeToString(append(name, keyed(m.check, name)...))
}

// made reports whether a reference is one of this export.
func (m marker) made(mark string) bool {
	b, err := markText.DecodeString(mark)
	return err == nil && len(b) == 2*halfMark && hmac.Equal(b[halfMark:], keyed(m.check, b[:halfMark]))
}

// Traced is what references found in a copy tell of one export.
type Traced struct {
	Export Export
	Marks  int // different references of it
}

// Trace tells from which exports references come, those with the most first; other words among them are passed over, so a whole leaked
// file can be given. tried is how many different words had the form of a reference.
//
// cite: P-41, 47 CFR 64.2009(c)
func (x *Exports) Trace(ctx context.Context, words []string) (found []Traced, tried int, err error) {
	marks := map[string]bool{}
	for _, w := range words {
		w = strings.ToLower(strings.Trim(w, " \t\r\n\"',;"))
		if b, err := markText.DecodeString(w); err == nil && len(b) == 2*halfMark {
			marks[w] = true
		}
	}
	if len(marks) == 0 {
		return nil, 0, nil
	}
	all, err := x.where(ctx, "parts > 0 ORDER BY at DESC, export_id DESC")
	if err != nil {
		return nil, 0, fmt.Errorf("tracing a copy: %w", err)
	}
	for _, e := range all {
		m, n := x.marker(e.ID), 0
		for mark := range marks {
			if m.made(mark) {
				n++
			}
		}
		if n > 0 {
			found = append(found, Traced{e, n})
		}
	}
	sortTraced(found)
	return found, len(marks), nil
}
