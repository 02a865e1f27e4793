package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// Fault is something that does not fit.
type Fault struct {
	Where string // a file of the bundle, or the archive
	Says  string
}

func (f Fault) String() string { return f.Where + ": " + f.Says }

// Report is what a bundle that was verified says of itself, and what does not fit.
type Report struct {
	Incident Incident // as far as it could be read
	Papers   int
	Proved   int   // steps that the log holds
	Tree     int64 // of how many entries the largest checkpoint is under which a step was proved
	Faults   []Fault
}

// OK reports whether everything fits.
func (r *Report) OK() bool { return len(r.Faults) == 0 }

func (r *Report) fault(where, format string, a ...any) {
	r.Faults = append(r.Faults, Fault{where, fmt.Sprintf(format, a...)})
}

// archive names the whole where a fault is of no single file.
const archive = "the archive"

// Bounds of what is read.
const (
	mostFiles = 100_000
	mostFile  = 256 << 20
)

// Verify verifies a bundle against the public key of its log, and nothing else: no network, no database. The error says that the key is none,
// or that the file could not be read from where it lies; all else is in the report.
//
// cite: P-41, P-51, 47 CFR 64.2011(d)
func Verify(file io.ReaderAt, size int64, key string) (*Report, error) {
	key = strings.TrimSpace(key)
	if _, err := (ledger.Trust{Key: key}).Name(); err != nil {
		return nil, err
	}
	r := &Report{}
	files := r.open(file, size)
	if files == nil {
		return r, nil
	}
	signed, err := ledger.OpenStatement(files[Signature], Sort, key)
	if err != nil {
		r.fault(Signature, "%v", err)
	}
	r.listed(files)
	if r.whole(files[Whole], key); err == nil && !slices.Equal(signed, statement(r.Incident, sha256.Sum256(files[Dossier]), sha256.Sum256(files[Sums]))) {
		r.unlike(signed, files)
	}
	var clocks map[string]any
	if err := json.Unmarshal(files[Clocks], &clocks); err != nil {
		r.fault(Clocks, "it is not written as JSON is")
	}
	papers := papersIn(files)
	r.Papers = len(papers)
	named := map[int]bool{}
	for n, s := range r.Incident.Steps {
		if s.N != n+1 {
			r.fault(Whole, "step %d stands at place %d", s.N, n+1)
			continue
		}
		r.step(files, s, key)
		r.papersOf(files, s.N, papers, named)
	}
	for n, name := range papers {
		if !named[n] {
			r.fault(name, "no step names this paper")
		}
	}
	slices.SortStableFunc(r.Faults, func(a, b Fault) int { return strings.Compare(a.Where, b.Where) })
	return r, nil
}

// open reads the files of the archive; nil: it is none.
func (r *Report) open(file io.ReaderAt, size int64) map[string][]byte {
	in, err := zip.NewReader(file, size)
	if err != nil || len(in.File) == 0 || len(in.File) > mostFiles {
		r.fault(archive, "it can not be read as a ZIP file")
		return nil
	}
	files := map[string][]byte{}
	for _, f := range in.File {
		_, twice := files[f.Name]
		switch {
		case twice:
			r.fault(f.Name, "it is there twice")
			continue
		case f.Method != zip.Store || f.UncompressedSize64 > mostFile || f.CompressedSize64 != f.UncompressedSize64:
			r.fault(f.Name, "it is compressed or too large: this is not how a bundle is written")
			continue
		}
		content, err := readAll(f)
		if err != nil {
			r.fault(f.Name, "it can not be read: %v", err)
		}
		files[f.Name] = content
	}
	for _, name := range []string{Signature, Sums, Dossier, Whole, Clocks, Readme} {
		if files[name] == nil {
			r.fault(name, "it is missing")
		}
	}
	return files
}

func readAll(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	content, err := io.ReadAll(io.LimitReader(in, mostFile+1))
	if content == nil {
		content = []byte{}
	}
	return content, err
}

// listed compares the files with the list of their hashes.
func (r *Report) listed(files map[string][]byte) {
	there := map[string]bool{Signature: true, Sums: true}
	for line := range strings.Lines(string(files[Sums])) {
		hash, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		switch {
		case !ok || len(hash) != 2*sha256.Size || !strings.HasSuffix(line, "\n") || there[name]:
			r.fault(Sums, "a line of it is none, or is there twice: %.100q", line)
			continue
		case files[name] == nil:
			r.fault(name, "it is on the list of files and is not there")
		case fmt.Sprintf("%x", sha256.Sum256(files[name])) != hash:
			r.fault(name, "its SHA-256 is not the one on the list of files")
		}
		there[name] = true
	}
	for name := range files {
		if !there[name] {
			r.fault(name, "it is not on the list of files")
		}
	}
}

// whole reads the file for programs.
func (r *Report) whole(text []byte, key string) {
	i := &r.Incident
	if text == nil {
		return
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(i); err != nil {
		*i = Incident{}
		r.fault(Whole, "it is not written as the file of an incident is")
		return
	}
	name, _ := ledger.Trust{Key: key}.Name()
	switch again, err := written(*i); {
	case err != nil || !bytes.Equal(again, text):
		r.fault(Whole, "it is not to the byte as it was written")
	case i.Format != Sort:
		r.fault(Whole, "it is of the form %.60q, not of %q", i.Format, Sort)
	case i.Log != name:
		r.fault(Whole, "it is of the log %.100q, not of %q", i.Log, name)
	case i.Key != key:
		r.fault(Whole, "it names another key than the one that you gave")
	case len(i.Steps) == 0:
		r.fault(Whole, "it has no step")
	}
}

// unlike says which line of what was signed is another.
func (r *Report) unlike(signed []string, files map[string][]byte) {
	want := statement(r.Incident, sha256.Sum256(files[Dossier]), sha256.Sum256(files[Sums]))
	if len(signed) != len(want) {
		r.fault(Signature, "it has %d lines and not %d", len(signed), len(want))
		return
	}
	places := []string{Whole, Whole, Whole, Dossier, Sums}
	for n := range want {
		if signed[n] != want[n] {
			r.fault(places[n], "it is not what was signed: %q was, and here it is %q", signed[n], want[n])
		}
	}
}

// recorded is what the ledger has of a step, as a record tells it.
type recorded struct {
	What     string    `json:"what"`
	Incident cpni.ID   `json:"incident"`
	Step     int       `json:"step"`
	At       time.Time `json:"at"`
	Hash     string    `json:"hash"`
	Exercise bool      `json:"exercise"`
}

// step checks that the ledger holds a step as it stands here.
func (r *Report) step(files map[string][]byte, s Step, key string) {
	plain := files[stepFile(s.N)]
	hash := fmt.Sprintf("%x", sha256.Sum256(plain))
	var tells bytes.Buffer
	switch err := json.Compact(&tells, s.Tells); {
	case plain == nil:
		r.fault(stepFile(s.N), "it is missing")
	case err != nil || !bytes.Equal(tells.Bytes(), plain):
		r.fault(stepFile(s.N), "%s tells something else of this step", Whole)
	case s.Hash != hash:
		r.fault(stepFile(s.N), "its SHA-256 is not the one in %s", Whole)
	}
	v, err := ledger.VerifyReceipt(bytes.NewReader(files[receiptFile(s.N)]), key)
	if err != nil {
		r.fault(receiptFile(s.N), "%v", err)
		return
	}
	var record struct {
		Detail recorded `json:"detail"`
	}
	if err := json.Unmarshal(v.Record, &record); err != nil || v.Leaf.Kind != ledger.Incident {
		r.fault(receiptFile(s.N), "what it proves is no step of an incident")
		return
	}
	before := len(r.Faults)
	for _, x := range []struct {
		is   bool
		says string
	}{
		{record.Detail.Incident == r.Incident.ID, "the log has this entry of another incident"},
		{record.Detail.Step == s.N, "the log has this entry as another step"},
		{record.Detail.What == "incident: "+s.What, "the log has another kind of step"},
		{record.Detail.At.Equal(s.At), "the log has another moment of this step"},
		{record.Detail.Hash == hash, "the log has another hash of what the step tells"},
		{record.Detail.Exercise == r.Incident.Exercise, "the log says otherwise whether it is a rehearsal"},
		{v.Leaf.ID == s.Entry, "the log has another entry of this step"},
	} {
		if !x.is {
			r.fault(receiptFile(s.N), "%s", x.says)
		}
	}
	r.stored(files[entryFile(s.N)], s, v)
	if len(r.Faults) == before {
		r.Proved++
	}
	r.Tree = max(r.Tree, v.Tree.N)
}

// stored checks the entry as it is stored: who did the step.
func (r *Report) stored(text []byte, s Step, v ledger.VerifiedReceipt) {
	var e row
	err := json.Unmarshal(text, &e)
	again, werr := written(e)
	switch {
	case err != nil || werr != nil || !bytes.Equal(again, text):
		r.fault(entryFile(s.N), "it is not written as an entry is")
	case e.entry().Digest() != v.Leaf.Row:
		r.fault(entryFile(s.N), "it is not the entry of which the leaf has the digest")
	case e.Actor != s.By:
		r.fault(entryFile(s.N), "the log says that somebody else did this step than %s does", Whole)
	}
}

// papersIn gives the files of papers by their numbers.
func papersIn(files map[string][]byte) map[int]string {
	all := map[int]string{}
	for name := range files {
		var n int
		if _, err := fmt.Sscanf(name, "papers/%d-", &n); err == nil {
			all[n] = name
		}
	}
	return all
}

// papersOf checks the papers that a step names.
func (r *Report) papersOf(files map[string][]byte, n int, papers map[int]string, named map[int]bool) {
	var x struct {
		Paper  int    `json:"paper"`
		Hash   string `json:"hash"`
		Report *struct {
			Copy     int    `json:"copy"`
			CopyHash string `json:"copy_hash"`
			Pages    int    `json:"pages"`
		} `json:"report"`
	}
	if json.Unmarshal(files[stepFile(n)], &x) != nil {
		return // found already
	}
	check := func(paper int, hash string) {
		if paper == 0 {
			return
		}
		named[paper] = true
		name := papers[paper]
		switch {
		case name == "":
			r.fault(stepFile(n), "paper %d, which it names, is missing", paper)
		case hash != "" && fmt.Sprintf("%x", sha256.Sum256(files[name])) != hash:
			r.fault(name, "its SHA-256 is not the one that step %d has", n)
		}
	}
	check(x.Paper, x.Hash)
	if x.Report != nil {
		check(x.Report.Copy, x.Report.CopyHash)
		check(x.Report.Pages, "")
	}
}
