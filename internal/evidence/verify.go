package evidence

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"ringfence/internal/ledger"
	"ringfence/internal/rules"
)

// Is reports whether a folder is, or was, a bundle of evidence: it holds one of the files that no other export has.
func Is(files fs.FS) bool {
	for _, name := range []string{Signature, Sums, ManifestFile, "facts", "records"} {
		if _, err := fs.Stat(files, name); err == nil {
			return true
		}
	}
	return false
}

// Fault is something that does not fit.
type Fault struct {
	Where string // a file of the bundle
	Says  string
}

func (f Fault) String() string { return f.Where + ": " + f.Says }

// Report is what verifying a bundle gave.
type Report struct {
	Manifest Manifest // as far as it could be read
	Files    int64
	Bytes    int64
	Log      *ledger.Verification // nil: the log could not be read at all
	Faults   []Fault              // at most mostFaults
	More     int64                // faults beyond those
}

// OK reports whether everything fits.
func (r *Report) OK() bool { return len(r.Faults) == 0 && r.Log != nil && r.Log.OK() }

// mostFaults bounds the list of a bundle in which nothing is right.
const mostFaults = 10_000

// Bounds of what is read into memory.
const (
	mostManifest = 64 << 20
	mostSums     = 4 << 30
	mostSegment  = 512 << 20 // unpacked
)

// verifying is a verification under way.
type verifying struct {
	Report
	mu    sync.Mutex
	w     io.Writer
	files fs.FS
	key   string
	trust ledger.Trust
}

func (v *verifying) fault(where, format string, a ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.Faults) == mostFaults {
		v.More++
		return
	}
	f := Fault{where, fmt.Sprintf(format, a...)}
	v.Faults = append(v.Faults, f)
	fmt.Fprintf(v.w, "does not fit: %s\n", f)
}

// Verify verifies a bundle against what is known of its log, its public key at least: every file against the list that was signed, the log, each record against its
// entry, that no record is missing, and the policies. It asks nobody. The error says that the key is none, or that the folder can not be read;
// all else is in the report and written to w.
//
// cite: P-41, P-49, 47 CFR 64.2009(c)
func Verify(ctx context.Context, files fs.FS, trust ledger.Trust, w io.Writer) (*Report, error) {
	if _, err := trust.Name(); err != nil {
		return nil, err
	}
	v := &verifying{w: w, files: files, key: trust.Key, trust: trust}
	whole := v.signed()
	if err := v.listed(ctx); err != nil {
		return nil, err
	}
	if whole {
		v.counted()
		v.readable()
		if err := v.log(ctx); err != nil {
			return nil, err
		}
	}
	m := &v.Manifest
	if v.OK() {
		fmt.Fprintf(w, "The bundle is whole: %d files, each as it was signed. It is about %s, from %s until before %s.\n%d records are in it, %d of them decisions; of %d the facts are in it, and %d are of customers whose key is destroyed.\n",
			v.Files, m.Scope, m.From.Format(timeForm), m.To.Format(timeForm), m.Counts.Records, m.Counts.Decisions, m.Counts.Opened, m.Counts.Erased)
	} else {
		fmt.Fprintf(w, "The bundle does NOT hold: %d of its files or lists do not fit.\n", int64(len(v.Faults))+v.More)
	}
	return &v.Report, nil
}

const timeForm = "2006-01-02T15:04:05Z07:00"

// read reads a file that has to be there; nil: it is not.
func (v *verifying) read(name string, most int64) []byte {
	f, err := v.files.Open(name)
	if err != nil {
		v.fault(name, "it is not there, or can not be read: the bundle is not whole")
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil || int64(len(text)) > most {
		v.fault(name, "it can not be read, or is far too large")
		return nil
	}
	return text
}

// signed checks the signature, the manifest and that the two speak of each other.
func (v *verifying) signed() bool {
	signature, sums, text := v.read(Signature, 1<<16), v.read(Sums, mostSums), v.read(ManifestFile, mostManifest)
	if signature == nil || sums == nil || text == nil {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v.Manifest); err != nil || v.Manifest.Format != Sort {
		v.fault(ManifestFile, "it is not written as the manifest of a bundle is")
		return false
	}
	lines, err := ledger.OpenStatement(signature, Sort, v.key)
	if err != nil {
		v.fault(Signature, "%v", err)
		return true
	}
	for i, want := range statement(&v.Manifest, sha256.Sum256(sums)) {
		if i >= len(lines) || lines[i] != want {
			where := ManifestFile
			if strings.HasPrefix(want, Sums) {
				where = Sums
			}
			v.fault(where, "it is not the one that was signed")
		}
	}
	if name, _ := (ledger.Trust{Key: v.key}).Name(); v.Manifest.Log != name || strings.TrimSpace(v.Manifest.Key) != strings.TrimSpace(v.key) {
		v.fault(ManifestFile, "it names another log or key than the one to verify with")
	}
	return true
}

// listed compares every file with the list, on all cores, and names what is not on it.
func (v *verifying) listed(ctx context.Context) error {
	want := map[string]string{}
	if f, err := v.files.Open(Sums); err == nil {
		in := bufio.NewReader(f)
		for n := 1; ; n++ {
			line, err := in.ReadString('\n')
			if line == "" && err != nil {
				break
			}
			hash, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
			if raw, bad := hex.DecodeString(hash); !ok || bad != nil || len(raw) != sha256.Size || want[name] != "" || !fs.ValidPath(name) {
				v.fault(Sums, "line %d is none, or is there twice", n)
				continue
			}
			want[name] = hash
		}
		f.Close()
	}
	there := map[string]bool{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	err := fs.WalkDir(v.files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if d.IsDir() {
			return nil
		}
		v.Files++
		if name == Sums || name == Signature {
			return nil
		}
		hash, listed := want[name]
		if !listed || !d.Type().IsRegular() {
			v.fault(name, "it is not on the list of files that was signed")
			return nil
		}
		there[name] = true
		g.Go(func() error {
			n, sum, err := hashOf(v.files, name)
			v.mu.Lock()
			v.Bytes += n
			v.mu.Unlock()
			switch {
			case err != nil:
				v.fault(name, "it can not be read")
			case sum != hash:
				v.fault(name, "it is not as it was: its SHA-256 is another than the one that was signed")
			}
			return nil
		})
		return nil
	})
	if err = errors.Join(err, g.Wait()); err != nil {
		return fmt.Errorf("reading the bundle: %w", err)
	}
	var missing []string
	for name := range want {
		if !there[name] {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	for _, name := range missing {
		v.fault(name, "it was signed with the others and is not there")
	}
	return nil
}

func hashOf(files fs.FS, name string) (n int64, sum string, err error) {
	f, err := files.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err = io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// counted compares the manifest with itself.
func (v *verifying) counted() {
	var sum Counts
	for n, s := range v.Manifest.Segments {
		if s.Records != recordsFile(n) || s.Facts != "" && s.Facts != factsFile(n) {
			v.fault(ManifestFile, "segment %d is not named as it must be", n)
		}
		sum.add(s.Counts)
	}
	if sum.Destroyed = v.Manifest.Counts.Destroyed; sum != v.Manifest.Counts {
		v.fault(ManifestFile, "its counts are not those of its segments")
	}
}

// readable looks whether every policy is the one that it is called by.
func (v *verifying) readable() {
	for _, p := range v.Manifest.Policies {
		if p.Missing {
			v.fault(ManifestFile, "the policy %s was not on record when the bundle was made", p.Version)
			continue
		}
		set, err := policyIn(v.files, p.Version)
		if err != nil {
			v.fault(policyFile(p.Version), "%v", err)
			continue
		}
		if c, err := calendarsOf(set.Source()); err != nil || c != p.Calendars {
			v.fault(policyFile(p.Version), "its closures do not make the calendars %s", p.Calendars)
		}
	}
}

// policyIn reads a policy of a bundle; the version covers all of it.
func policyIn(files fs.FS, version string) (*rules.Set, error) {
	if raw, err := hex.DecodeString(version); err != nil || len(raw) == 0 {
		return nil, errors.New("that is no version of a policy")
	}
	source, err := fs.ReadFile(files, policyFile(version))
	if err != nil {
		return nil, fmt.Errorf("the policy %s is not in the bundle", version)
	}
	unpacked, err := rules.Unpack(source)
	if err != nil {
		return nil, err
	}
	set, err := rules.Recall(unpacked)
	if err != nil {
		return nil, fmt.Errorf("the policy %s can not be read: %w", version, err)
	}
	if set.Version() != version {
		return nil, fmt.Errorf("the policy that is called %s is %s: it was changed, or this program reads facts in another way than the one that made the bundle (see MANIFEST.json)", version, set.Version())
	}
	return set, nil
}

// log verifies the log with what came of it.
func (v *verifying) log(ctx context.Context) error {
	m := &v.Manifest
	if signed, err := fs.ReadFile(v.files, Checkpoint); err != nil {
		v.fault(Checkpoint, "it is not there")
		return nil
	} else if _, tree, err := ledger.OpenSigned(signed, v.key); err == nil && (tree.N != m.Size || tree.Hash.String() != m.Root) {
		v.fault(Checkpoint, "it is of another tree than the manifest")
	}
	part := ledger.Parted{Files: v.files, Older: v.older(), Needed: func(ledger.Leaf) bool { return false }}
	if m.Scope.Kind == All {
		part.Needed = func(l ledger.Leaf) bool { return !l.At.Before(m.From) && l.At.Before(m.To) }
	}
	begun := false
	names := make([]string, 0, len(m.Segments)+1)
	for _, s := range m.Segments {
		names = append(names, s.Records)
	}
	if m.Counts.Destroyed > 0 {
		names = append(names, Gone)
	}
	records := &chain{files: v.files, names: names, bad: v.fault, line: func(line []byte) {
		if !begun && bytes.Contains(line, []byte(Begun)) && bytes.Contains(line, []byte(m.Order)) {
			e, _, err := ledger.ReadLine(line)
			begun = err == nil && e.ID == m.Order && e.Kind == ledger.Evidence && e.Purpose == Begun && e.Recipient == m.Recipient
		}
	}}
	part.Records = records
	var err error
	if v.Log, err = ledger.VerifyPart(ctx, part, v.trust, v.w); err != nil {
		return err
	}
	if records.close(); !begun {
		v.fault(ManifestFile, "no record says that this bundle was ordered, of this and for this key")
	}
	if n := v.Log.Records + v.Log.Destroyed; v.Log.OK() && n != m.Counts.Records+m.Counts.Destroyed {
		v.fault(ManifestFile, "it counts %d records, and %d are here", m.Counts.Records+m.Counts.Destroyed, n)
	}
	return nil
}

// older reads the checkpoints of before.
func (v *verifying) older() (all []ledger.Signed) {
	for n := 0; ; n++ {
		f, err := v.files.Open(checkpointsFile(n))
		if err != nil {
			return all
		}
		in := json.NewDecoder(f)
		for {
			var s ledger.Signed
			if err := in.Decode(&s); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				v.fault(checkpointsFile(n), "a line of it is no checkpoint")
				break
			}
			all = append(all, s)
		}
		f.Close()
	}
}

// chain reads the packed files of records one behind the other, in whole lines.
type chain struct {
	files  fs.FS
	names  []string
	bad    func(where, format string, a ...any)
	line   func([]byte)
	name   string
	file   fs.File
	lines  *bufio.Reader
	behind []byte
}

func (c *chain) Read(p []byte) (int, error) {
	for len(c.behind) == 0 {
		if c.lines == nil && !c.next() {
			return 0, io.EOF
		}
		line, err := c.lines.ReadBytes('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) || len(line) > 0 {
				c.bad(c.name, "it breaks off, or can not be unpacked")
			}
			c.close()
			continue
		}
		c.line(line)
		c.behind = line
	}
	n := copy(p, c.behind)
	c.behind = c.behind[n:]
	return n, nil
}

// next opens the next file.
func (c *chain) next() bool {
	for len(c.names) > 0 {
		c.name, c.names = c.names[0], c.names[1:]
		f, err := c.files.Open(c.name)
		if err != nil {
			c.bad(c.name, "it is not there")
			continue
		}
		in, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
		if err != nil {
			c.bad(c.name, "it can not be unpacked")
			f.Close()
			continue
		}
		c.file, c.lines = f, bufio.NewReaderSize(io.LimitReader(in, mostSegment), 1<<16)
		return true
	}
	return false
}

func (c *chain) close() {
	if c.file != nil {
		c.file.Close()
	}
	c.file, c.lines = nil, nil
}
