package evidence

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/vault"
)

// Replayed is what came of deciding every decision of a bundle again.
type Replayed struct {
	Decisions int64 // decided again
	Others    int64 // other records whose facts are those that the log holds the hash of
	Erased    int64 // decisions of customers who were forgotten: nobody can read their facts
	Differ    []disclose.Difference
	More      int64 // differences beyond those
}

// OK reports whether every decision whose facts there are came out as it was recorded, and nothing else is wrong.
func (r *Replayed) OK() bool { return len(r.Differ) == 0 }

// replaying is a replay under way.
type replaying struct {
	Replayed
	files      fs.FS
	identities []age.Identity
	policies   policies
	w          io.Writer

	mu        sync.Mutex
	claimed   map[cpni.ID]int64 // decisions that are said to be erased, by customer
	forgotten map[cpni.ID]bool  // customers of whom an entry says so
}

// Replay decides every decision of a bundle again from its facts, which the identities open, and reports each that differs to w. It needs
// nothing beside the bundle. The error says that the bundle or the key can not be used at all.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func Replay(ctx context.Context, files fs.FS, identities []age.Identity, w io.Writer) (*Replayed, error) {
	text, err := fs.ReadFile(files, ManifestFile)
	if err != nil {
		return nil, fmt.Errorf("that is no bundle of evidence, or one that was interrupted: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Format != Sort {
		return nil, errors.New("the manifest is none of a bundle of evidence")
	}
	r := &replaying{files: files, identities: identities, w: w, policies: policies{files: files, known: map[string]*known{}}, claimed: map[cpni.ID]int64{}, forgotten: map[cpni.ID]bool{}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range m.Segments {
		g.Go(func() error { return r.segment(ctx, s) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("replaying: %w", err)
	}
	for _, id := range slices.Sorted(maps.Keys(r.claimed)) {
		if r.Erased += r.claimed[id]; !r.forgotten[id] {
			r.differs(id, fmt.Sprintf("%d decisions about this customer are said to be erased, and no entry says that the customer was forgotten", r.claimed[id]))
		}
	}
	if got := r.Decisions + r.Erased; got != m.Counts.Decisions {
		r.differs(m.Order, fmt.Sprintf("the manifest counts %d decisions, and %d are here", m.Counts.Decisions, got))
	}
	if r.OK() {
		fmt.Fprintf(w, "%d decisions, each made again as it was recorded. %d more can not be replayed: their customers were forgotten, and nobody can read their facts.\n%d other records hold what their entries have the hash of.\n", r.Decisions, r.Erased, r.Others)
	} else {
		fmt.Fprintf(w, "%d of %d decisions or records do NOT come out as they were recorded.\n", int64(len(r.Differ))+r.More, r.Decisions+r.Others)
	}
	return &r.Replayed, nil
}

// mostDifferences bounds the list of a bundle in which nothing replays.
const mostDifferences = 10_000

func (r *replaying) differs(entry cpni.ID, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Differ) == mostDifferences {
		r.More++
		return
	}
	r.Differ = append(r.Differ, disclose.Difference{Entry: entry, Detail: detail})
	fmt.Fprintf(r.w, "differs: %s: %s\n", entry, detail)
}

// whole reports a file that can not be used.
func (r *replaying) file(name, detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Differ = append(r.Differ, disclose.Difference{Detail: name + ": " + detail})
	fmt.Fprintf(r.w, "differs: %s: %s\n", name, detail)
}

// segment decides what lies in one file of records again.
func (r *replaying) segment(ctx context.Context, s Segment) error {
	records, err := r.open(s.Records, nil)
	if err != nil {
		r.file(s.Records, "it is not there, or can not be unpacked")
		return nil
	}
	defer records.Close()
	var facts *lines
	if s.Facts != "" {
		facts, err = r.open(s.Facts, r.identities)
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return errors.New("the key is not the one to which the facts are sealed: MANIFEST.json has the fingerprint of that one")
		}
		if err != nil {
			r.file(s.Facts, "it is not there, or is not as it was sealed")
			return nil
		}
		defer facts.Close()
	}
	var done Counts
	for ctx.Err() == nil {
		line, err := records.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.file(s.Records, "it breaks off, or can not be unpacked")
			return nil
		}
		e, gone, err := ledger.ReadLine(line)
		if err != nil || gone {
			r.file(s.Records, "a line of it is not a record as it was written")
			continue
		}
		if e.Kind == ledger.Decision {
			done.Decisions++
		}
		if !opens(e) {
			continue
		}
		if facts == nil {
			r.differs(e.ID, "its facts are not in the bundle")
			continue
		}
		line, err = facts.next()
		id, plain, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		if err != nil || string(id) != string(e.ID) {
			r.differs(e.ID, "its facts do not follow in "+s.Facts+", which breaks off, was changed, or belongs to other records")
			return nil
		}
		r.one(ctx, e, plain)
	}
	if facts != nil && ctx.Err() == nil {
		if _, err := facts.next(); !errors.Is(err, io.EOF) {
			r.file(s.Facts, "it holds more than belongs to the records, or breaks off")
		}
	}
	return ctx.Err()
}

// one looks at one record and decides it again.
func (r *replaying) one(ctx context.Context, e ledger.Entry, plain []byte) {
	count := func(n *int64) {
		r.mu.Lock()
		*n++
		r.mu.Unlock()
	}
	switch {
	case string(plain) == erased && e.Customer != "":
		r.mu.Lock()
		r.claimed[e.Customer]++
		r.mu.Unlock()
		return
	case string(plain) == unreadable:
		if e.Kind == ledger.Decision {
			count(&r.Decisions)
		}
		r.differs(e.ID, "what is sealed in its record did not open when the bundle was made, although the key was there")
		return
	case sha256.Sum256(plain) != e.Commitment:
		if e.Kind == ledger.Decision {
			count(&r.Decisions)
		}
		r.differs(e.ID, "its facts are not those that its entry holds the hash of")
		return
	}
	if e.Kind != ledger.Decision {
		if e.Kind == ledger.Forget {
			var of struct {
				Customer cpni.ID `json:"customer"`
			}
			if vault.Detail(plain, &of) == nil {
				r.mu.Lock()
				r.forgotten[of.Customer] = true
				r.mu.Unlock()
			}
		}
		count(&r.Others)
		return
	}
	count(&r.Decisions)
	detail, err := disclose.Remake(ctx, e, plain, &r.policies)
	if err != nil {
		detail = err.Error()
	}
	if detail != "" && ctx.Err() == nil {
		r.differs(e.ID, detail)
	}
}

// lines are those of a packed file.
type lines struct {
	file fs.File
	in   *bufio.Reader
}

// open opens a packed file; identities, when there are some, open what is sealed around it.
func (r *replaying) open(name string, identities []age.Identity) (*lines, error) {
	f, err := r.files.Open(name)
	if err != nil {
		return nil, err
	}
	in := io.Reader(bufio.NewReaderSize(f, 1<<16))
	if identities != nil {
		if in, err = age.Decrypt(in, identities...); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &lines{f, bufio.NewReaderSize(io.LimitReader(unpacked, mostSegment), 1<<16)}, nil
}

// next gives a line with its end; io.EOF: there is no other, and the file ends as it must.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return line, err
}

func (l *lines) Close() error { return l.file.Close() }

// policies are those of a bundle, each read once.
type policies struct {
	files fs.FS
	mu    sync.Mutex
	known map[string]*known
}

type known struct {
	set *rules.Set
	err error
}

// At gives the policy of a version.
func (p *policies) At(_ context.Context, version string) (*rules.Set, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.known[version]
	if !ok {
		k = &known{}
		k.set, k.err = policyIn(p.files, version)
		p.known[version] = k
	}
	return k.set, k.err
}
