package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// Importer takes files in.
type Importer struct {
	DB     *store.DB
	Vault  *vault.Vault
	Ledger *ledger.Ledger
	Book   *customer.Book
	Clock  cpni.Clock
	Zone   *time.Location // the carrier's: it decides to which month a call belongs
	Lines  Directory      // nil: the lines of Book
}

// CallOptions say how to read a file of calls.
type CallOptions struct {
	Format     Format         // "" takes the map's
	Map        *Map           // nil: none
	Zone       *time.Location // of times that have none; nil takes the map's
	Rejects    string         // path of the rejects file; "": the file's own with ".rejects.csv" behind it
	Actor      string         // staff or key id, for the ledger
	ChunkBytes int            // bound on the memory for calls that wait for sealing; 0: 128 MiB
	Progress   func(Progress) // called now and then by one goroutine; may be nil
}

const defaultChunkBytes = 128 << 20

func (o *CallOptions) complete(path string) error {
	if o.Map == nil {
		o.Map = &Map{}
	}
	if o.Format == "" {
		o.Format = o.Map.Format
	}
	if o.Map.Format != "" && o.Map.Format != o.Format {
		return mapError("is for format %s, the command asks for %s", o.Map.Format, o.Format)
	}
	switch o.Format {
	case Asterisk, FreeSWITCH, CSV:
	case "":
		return errors.New("say what wrote the file: --format asterisk, freeswitch or csv")
	default:
		return fmt.Errorf("%q is none of the formats asterisk, freeswitch, csv", o.Format)
	}
	if o.Zone == nil && o.Map.Zone != "" {
		z, err := LoadZone(o.Map.Zone)
		if err != nil {
			return err
		}
		o.Zone = z
	}
	if o.Zone == nil && o.Format != CSV {
		return fmt.Errorf("times in files of %s have no zone; say which the exchange's clock has, for instance --zone America/New_York", o.Format)
	}
	if o.Rejects == "" {
		o.Rejects = path + ".rejects.csv"
	}
	if o.ChunkBytes == 0 {
		o.ChunkBytes = defaultChunkBytes
	}
	return nil
}

// Calls imports a file of call records. Interrupted, it goes on where it was when it is called again; done again, it
// changes nothing.
//
// cite: P-06, 47 CFR 64.2003(d)
func (im *Importer) Calls(ctx context.Context, path string, o CallOptions) (*Summary, error) {
	if err := o.complete(path); err != nil {
		return nil, err
	}
	p, err := newParser(o.Format, o.Map, o.Zone)
	if err != nil {
		return nil, err
	}
	f, size, sum, err := openFile(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zone := ""
	if o.Zone != nil {
		zone = o.Zone.String()
	}
	r := &run{kind: "calls", size: size, rejectsPath: o.Rejects}
	if r.id, err = identify(r.kind, sum, o.Format, o.Map, zone, im.Zone.String()); err != nil {
		return nil, err
	}
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s, err := im.calls(ctx, f, r, p, o)
	if err != nil {
		return nil, err
	}
	if after, err := os.Stat(path); err == nil && (after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())) {
		return nil, ErrFileChanged
	}
	return s, nil
}

// calls runs the two halves: one goroutine reads, this one seals and commits.
func (im *Importer) calls(ctx context.Context, f *os.File, r *run, p *parser, o CallOptions) (*Summary, error) {
	if _, err := startRun(ctx, im.DB, r, im.Clock.Now()); err != nil {
		return nil, err
	}
	rejects, err := openRejects(r.rejectsPath, r.rejectsSize)
	if err != nil {
		return nil, err
	}
	defer rejects.close()
	dir := im.Lines
	if dir == nil {
		dir = &Customers{DB: im.DB, Vault: im.Vault, Book: im.Book}
	}
	in := &callReader{parser: p, lines: newLines(dir), rejects: rejects, run: r, progress: o.Progress,
		most: max(1024, o.ChunkBytes/2/chunkRecord), counts: r.counts}
	in.parser.notes = r.counts.Notes.copy()
	if err := in.open(f, o.Map); err != nil {
		return nil, err
	}
	whole := ctx
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	chunks, free, done := make(chan *chunk), make(chan []record, 2), make(chan error, 1)
	go func() {
		err := in.read(ctx, chunks, free)
		close(chunks)
		done <- err
	}()
	out := &sealer{Importer: im, run: r, months: &monthOf{zone: im.Zone}, total: r.counts.Summary, actor: o.Actor, format: o.Format}
	var failed error
	for c := range chunks {
		if failed == nil {
			if failed = out.write(ctx, c); failed != nil {
				stop()
			}
		}
		select {
		case free <- c.records[:0]:
		default:
		}
	}
	if err := <-done; failed == nil {
		failed = err
	}
	if whole.Err() != nil {
		return nil, stopped(whole)
	}
	if failed != nil {
		return nil, failed
	}
	s := out.total
	s.Oddities = in.parser.notes.oddities()
	if rejects.size > 0 {
		s.RejectsFile = r.rejectsPath
	}
	return &s, nil
}

func stopped(ctx context.Context) error {
	return fmt.Errorf("the import was stopped; import the same file again and it goes on: %w", ctx.Err())
}

// callReader is the reading half: from bytes to chunks of records.
type callReader struct {
	*parser
	in       *reader
	lines    *lines
	rejects  *rejectsFile
	run      *run
	progress func(Progress)
	most     int // records of a chunk
	counts   counts
}

// open places the reader at the run's place; the columns of a file with a header are read from its beginning.
func (c *callReader) open(f *os.File, m *Map) error {
	start, err := begin(f)
	if err != nil {
		return err
	}
	line := int64(1)
	if c.format == CSV {
		var header [][]byte
		c.in = newReader(io.NewSectionReader(f, start, c.run.size-start), start, line)
		if m.Header == nil || *m.Header {
			if header, err = c.in.next(); err == io.EOF {
				return errors.New("the file is empty: not even the line with the names of its columns is there")
			} else if err != nil {
				return fmt.Errorf("the line with the names of the columns: %w", err)
			}
		}
		if c.csv, err = csvLayout(m.Columns, header); err != nil {
			return err
		}
		start, line = c.in.offset, c.in.line
	}
	if c.run.reached > start {
		start, line = c.run.reached, c.run.line
	}
	c.in = newReader(io.NewSectionReader(f, start, c.run.size-start), start, line)
	return nil
}

// read fills chunks until the file ends; the last one is marked as finished and may be empty.
func (c *callReader) read(ctx context.Context, chunks chan<- *chunk, free <-chan []record) error {
	for number := 1; ; number++ {
		ch := &chunk{number: number}
		select {
		case ch.records = <-free:
		default:
			ch.records = make([]record, 0, min(c.most, 1<<16))
		}
		if err := c.fill(ctx, ch); err != nil {
			return err
		}
		if err := c.rejects.flush(); err != nil {
			return err
		}
		counts := c.counts
		counts.Summary.Rejected = make(map[Reason]int64, len(c.counts.Summary.Rejected))
		for k, n := range c.counts.Summary.Rejected {
			counts.Summary.Rejected[k] = n
		}
		counts.Notes = c.parser.notes.copy()
		ch.place.reached, ch.place.line, ch.place.rejectsSize, ch.place.counts = c.in.offset, c.in.line, c.rejects.size, counts
		c.report()
		select {
		case chunks <- ch:
		case <-ctx.Done():
			return ctx.Err()
		}
		if ch.place.finished {
			return nil
		}
		c.lines.trim()
	}
}

func (c *callReader) report() {
	if c.progress != nil {
		c.progress(Progress{Rows: c.counts.Summary.Rows, Bytes: c.in.offset, Size: c.run.size})
	}
}

// rowsBetweenReports is how often progress is told and a cancelled context is noticed.
const rowsBetweenReports = 1 << 15

func (c *callReader) fill(ctx context.Context, ch *chunk) error {
	s := &c.counts.Summary
	if s.Rejected == nil {
		s.Rejected = map[Reason]int64{}
	}
	var ev event
	for len(ch.records)+2 <= c.most {
		fields, err := c.in.next()
		var rej *rejection
		switch {
		case err == io.EOF:
			ch.place.finished = true
			return nil
		case err != nil:
			if rej = rejectionOf(err); rej == nil {
				return fmt.Errorf("reading the file: %w", err)
			}
		default:
			rej = c.parse(fields, c.in.number, &ev)
		}
		if s.Rows++; s.Rows%rowsBetweenReports == 0 {
			c.report()
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if rej == nil {
			if rej, err = c.place(ctx, ch, &ev); err != nil {
				return err
			}
		}
		if rej == nil {
			continue
		}
		if conflictMarker(c.in.raw) {
			rej = rejectConflict
			c.notes.see(oddConflict, c.in.number)
		}
		s.Rejected[rej.Reason]++
		if err := c.rejects.add(c.in.number, rej, c.in.raw); err != nil {
			return err
		}
	}
	return nil
}

// place gives a call to the lines that it is of: out of the caller's, in at the called one's.
func (c *callReader) place(ctx context.Context, ch *chunk, ev *event) (*rejection, error) {
	s := &c.counts.Summary
	if ev.dir == inside {
		s.Inside++
		return nil, nil
	}
	var from, to *found
	var err error
	if ev.dir != in && ev.caller != 0 {
		if from, err = c.lines.find(ctx, ev.caller); err != nil {
			return nil, err
		}
	}
	if ev.dir != out {
		if to, err = c.lines.find(ctx, ev.called); err != nil {
			return nil, err
		}
	}
	placed := false
	if from != nil && from.at(ev.at) {
		ch.add(from, ev, ev.called, recordOut)
		placed = true
	}
	if to != nil && to.at(ev.at) {
		ch.add(to, ev, ev.caller, 0)
		placed = true
	}
	switch {
	case placed:
		s.Accepted++
		return nil, nil
	case from != nil || to != nil:
		return rejectNotThen, nil
	case ev.local:
		s.Inside++
		return nil, nil
	}
	return rejectNoLine, nil
}

// add puts a call of line f into the chunk.
func (c *chunk) add(f *found, ev *event, other dialled, flags uint32) {
	if f.chunk != c.number {
		f.chunk, f.index = c.number, uint32(len(c.lines))
		c.lines = append(c.lines, lineKey{f.Customer, f.Number})
	}
	if ev.answered {
		flags |= recordAnswered
	}
	c.records = append(c.records, record{at: ev.at, id: ev.id, number: other, line: f.index, length: ev.seconds | flags})
}
