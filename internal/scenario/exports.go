package scenario

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/export"
)

// exportVerbs are those of files for partners.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2009(c)
func exportVerbs() []verb {
	of := need("export", refers("export"))
	refused := rejects("VENDOR", "OVERDUE", "SCOPE", "UNCLASSIFIED", "UNKNOWN_RECIPIENT", "BAD_INPUT", "SAME_PERSON", "CONFLICT", "MOVED", "FETCHED")
	return []verb{
		{name: "export", fields: []field{need("id", defines("export")), need("by", staffName), need("partner", refers("partner")), need("purpose", word), need("data", list(word)), need("columns", list(text)),
			may("customers", list(customers)), may("month", month), may("destroy-by", moment)}, gives: []given{ok(), refused}},
		{name: "agree-export", fields: []field{of, need("by", staffName)}, gives: []given{ok(), refused}},
		{name: "write-export", fields: []field{of}, bare: "export", gives: []given{ok()}, results: []field{may("decided", count), may("rows", count), may("left-out", dict(codeWord, count)), may("state", word)}},
		{name: "fetch-export", fields: []field{of}, bare: "export", gives: []given{ok(), refused}, results: []field{may("rows", count), may("columns", list(text)), may("names", list(text))}},
		{name: "certificate", fields: []field{of, may("by", staffName), may("destroyed", moment)}, gives: []given{ok(), refused}},
	}
}

// keyOf gives the public key of a partner whose secret one the story has.
func (w *world) keyOf(partner string) string {
	if w.keys[partner] == nil {
		key, err := age.GenerateX25519Identity()
		if err != nil {
			panic(err) // only when there is no randomness
		}
		w.keys[partner] = key
	}
	return w.keys[partner].Recipient().String()
}

// export gives the id of what a story calls name; what was refused is none.
func (w *world) export(name string) cpni.ID {
	if id, ok := w.exports[name]; ok {
		return id
	}
	return cpni.NewID()
}

func proposeExport(ctx context.Context, w *world, a args) (result, error) {
	s := export.Spec{Title: a.text("id"), Partner: a.text("partner"), Purpose: cpni.Purpose(a.text("purpose")), Basis: "told by the story", Columns: a.words("columns"), DestroyBy: a.moment("destroy-by"), List: export.List{Kind: export.Everybody}}
	for _, word := range a.words("data") {
		s.Data = append(s.Data, cpni.DataClass(word))
	}
	if a.has("month") {
		s.Months = []int{a.month("month")}
	}
	var named []cpni.ID
	for _, name := range a.words("customers") {
		s.List.Kind, named = export.Named, append(named, w.customers[name])
	}
	e, err := w.office.Exports.Propose(ctx, "", s, named, w.staffIDs[a.text("by")])
	if err != nil {
		return of(err, result{})
	}
	w.exports[a.text("id")] = e.ID
	return succeeded(), nil
}

func agreeExport(ctx context.Context, w *world, a args) (result, error) {
	_, err := w.office.Exports.Agree(ctx, w.export(a.text("export")), w.staffIDs[a.text("by")])
	return of(err, succeeded())
}

// writeExport has everything written that is agreed to, and tells how far this one came.
func writeExport(ctx context.Context, w *world, a args) (result, error) {
	if err := w.office.Exports.Work(ctx); err != nil {
		return result{}, err
	}
	e, err := w.office.Exports.One(ctx, w.export(a.text("export")))
	if err != nil {
		return of(err, result{})
	}
	counts, err := w.office.Exports.Counts(ctx, e.ID)
	if err != nil {
		return result{}, err
	}
	left := map[string]any{}
	for code, n := range counts {
		if code != "" && n > 0 {
			left[string(code)] = int(n)
		}
	}
	return result{outcome: cpni.OK, fields: map[string]any{"decided": int(e.Decided), "rows": int(e.Rows), "left-out": left, "state": string(e.State)}}, nil
}

// fetchExport fetches a file as its partner does, and reads it with the partner's key. What is late is looked at first.
func fetchExport(ctx context.Context, w *world, a args) (result, error) {
	if err := w.office.Exports.Due(ctx); err != nil {
		return result{}, err
	}
	e, err := w.office.Exports.One(ctx, w.export(a.text("export")))
	if err != nil {
		return of(err, result{})
	}
	f, err := w.office.Exports.Fetch(ctx, e.ID, e.Spec.Partner, "told by the story")
	if err != nil {
		return of(err, result{})
	}
	var archive bytes.Buffer
	if err := f.Write(ctx, &archive, func() error { return nil }); err != nil {
		return result{}, err
	}
	rows, err := decipher(archive.Bytes(), w.keys[e.Spec.Partner])
	if err != nil {
		return result{}, err
	}
	names := []any{}
	if n := slices.Index(rows[0], "name"); n >= 0 {
		for _, r := range rows[1:] {
			names = append(names, r[n])
		}
	}
	columns := []any{}
	for _, c := range rows[0] {
		columns = append(columns, c)
	}
	return result{outcome: cpni.OK, fields: map[string]any{"rows": len(rows) - 1, "columns": columns, "names": names}}, nil
}

// decipher reads a file as its partner does: the parts that the manifest names, one behind the other.
func decipher(archive []byte, key *age.X25519Identity) ([][]string, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("reading a file for a partner: %w", err)
	}
	open := func(name string) ([]byte, error) {
		f, err := z.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(f)
	}
	text, err := open("manifest.json")
	if err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	var m export.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	var plain bytes.Buffer
	for _, p := range m.Parts {
		sealed, err := open(p.Name)
		if err != nil {
			return nil, fmt.Errorf("reading a part: %w", err)
		}
		r, err := age.Decrypt(bytes.NewReader(sealed), key)
		if err != nil {
			return nil, fmt.Errorf("deciphering a part: %w", err)
		}
		if _, err := io.Copy(&plain, r); err != nil {
			return nil, fmt.Errorf("deciphering a part: %w", err)
		}
	}
	return csv.NewReader(&plain).ReadAll()
}

// certifyExport hands a certificate of destruction in: by the partner, or entered by somebody.
func certifyExport(ctx context.Context, w *world, a args) (result, error) {
	if err := w.office.Exports.Due(ctx); err != nil {
		return result{}, err
	}
	e, err := w.office.Exports.One(ctx, w.export(a.text("export")))
	if err != nil {
		return of(err, result{})
	}
	c := export.Certificate{Partner: e.Spec.Partner, Export: e.ID, By: "partner:" + e.Spec.Partner, Destroyed: a.moment("destroyed"),
		Paper: export.Paper{Signer: "Pat Partner", Method: "deleted, and the keys with it", Name: "certificate.txt", Type: "text/plain", Bytes: []byte("destroyed")}}
	if a.has("by") {
		c.By = string(w.staffIDs[a.text("by")])
	}
	if c.Destroyed.IsZero() {
		c.Destroyed = w.clock.Now()
	}
	_, err = w.office.Exports.Certify(ctx, c)
	return of(err, succeeded())
}
