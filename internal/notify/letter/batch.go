package letter

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/letter/pdf"
)

// batchName is what a batch of a moment is called: a name that sorts by time and that nobody guesses.
func batchName(now time.Time) (name, id string) {
	id = string(cpni.NewTimedID(now))
	return "batch-" + now.UTC().Format("20060102T150405Z") + "-" + id, id
}

// unfitPieces are those of a batch that can be no letters, by their place.
type unfitPieces map[int]*Unfit

// write makes the files of a batch in a folder and makes them last. When some pieces do not fit it says which, and the
// folder is of no use.
func (c *Channel) write(ctx context.Context, folder, name, id string, pieces []notify.Piece) (unfitPieces, error) {
	// The folder above it is not made: where it is missing, a disk is not mounted, and a batch would go nowhere.
	if err := os.Mkdir(folder, 0o750); err != nil {
		return nil, err
	}
	m := Manifest{Format: manifestFormat, Batch: name, Made: c.s.clock.Now().UTC(), Paper: c.s.paper.name, Duplex: c.cfg.Duplex, Postage: c.cfg.Postage,
		Joined: c.cfg.Joined, Encrypted: len(c.recipients) > 0, Letters: len(pieces), Pieces: make([]InBatch, len(pieces))}
	w := batchWriter{c, folder, id, pieces, make([]*Unfit, len(pieces)), &m}
	var err error
	if c.cfg.Joined {
		err = w.joined(ctx)
	} else {
		err = w.separate(ctx)
	}
	if err != nil {
		return nil, err
	}
	unfit := unfitPieces{}
	for n, u := range w.unfit {
		if u != nil {
			unfit[n] = u
		}
		m.Sheets += m.Pieces[n].Sheets
	}
	if len(unfit) > 0 {
		return unfit, nil
	}
	js, err := m.json()
	if err != nil {
		return nil, err
	}
	table, err := m.csv()
	if err != nil {
		return nil, err
	}
	for file, b := range map[string][]byte{"manifest.json": js, "manifest.csv": table} {
		if _, err := c.file(filepath.Join(folder, file), false, func(w io.Writer) error { _, err := w.Write(b); return err }); err != nil {
			return nil, err
		}
	}
	return nil, syncFolder(folder)
}

type batchWriter struct {
	c      *Channel
	folder string
	id     string
	pieces []notify.Piece
	unfit  []*Unfit
	m      *Manifest
}

// lay lays one letter out and enters it in the manifest; false: it does not fit.
func (w *batchWriter) lay(n int) (finished, bool, error) {
	p := w.pieces[n]
	f, err := w.c.s.letter(p, mark{w.id, n + 1})
	if u := (*Unfit)(nil); errors.As(err, &u) {
		w.unfit[n] = u
		return f, false, nil
	}
	if err != nil {
		return f, false, err
	}
	sheets := f.pages
	if w.m.Duplex {
		sheets = (f.pages + 1) / 2
	}
	grams, class := w.c.s.paper.weigh(sheets)
	w.m.Pieces[n] = InBatch{Number: n + 1, Piece: p.ID, First: 1, Pages: f.pages, Sheets: sheets, Grams: grams, Weight: class, Class: w.m.Postage, ZIP: f.zip, Replaced: f.replaced}
	return f, true, nil
}

// separate writes a file for each letter.
func (w *batchWriter) separate(ctx context.Context) error {
	files := make([]FileOf, len(w.pieces))
	g, ctx := errgroup.WithContext(ctx)
	// Twice as many as there are processors, because each waits for the disk as well.
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for n := range w.pieces {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f, fits, err := w.lay(n)
			if err != nil || !fits {
				return err
			}
			p := w.pieces[n]
			file := fmt.Sprintf("%06d-%s.pdf%s", n+1, p.ID, w.c.ending())
			files[n], err = w.c.file(filepath.Join(w.folder, file), true, func(to io.Writer) error { return w.c.s.write(to, f, language(p.Language)) })
			w.m.Pieces[n].File, w.m.Pieces[n].SHA256 = file, files[n].SHA256
			return err
		})
	}
	w.m.Files = files
	return g.Wait()
}

// joined writes one file of all letters. They are laid out by several goroutines, never many ahead of the writer.
func (w *batchWriter) joined(ctx context.Context) error {
	type laid struct {
		f    finished
		fits bool
	}
	ahead := 4 * runtime.GOMAXPROCS(0)
	places := make([]chan laid, ahead)
	for n := range places {
		places[n] = make(chan laid, 1)
	}
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	window := make(chan struct{}, ahead) // letters that are begun and not yet written: no two of them have one place
	g.Go(func() error {
		defer close(next)
		for n := range w.pieces {
			select {
			case window <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case next <- n:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			for n := range next {
				f, fits, err := w.lay(n)
				if err != nil {
					return err
				}
				places[n%ahead] <- laid{f, fits}
			}
			return nil
		})
	}
	name := "messages.letter.batch.pdf" + w.c.ending()
	g.Go(func() error {
		page := 1
		file, err := w.c.file(filepath.Join(w.folder, name), true, func(to io.Writer) error {
			d := pdf.NewDocument(to, pdf.About{Title: w.m.Batch, Author: w.c.s.carrier, Language: "en", Made: w.m.Made})
			for n := range w.pieces {
				select {
				case l := <-places[n%ahead]:
					<-window
					if !l.fits {
						continue
					}
					w.m.Pieces[n].First = page
					page += l.f.pages
					if err := d.Add(l.f.part); err != nil {
						return err
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return d.Close()
		})
		w.m.Files = []FileOf{file}
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	for n := range w.m.Pieces {
		w.m.Pieces[n].File, w.m.Pieces[n].SHA256 = name, w.m.Files[0].SHA256
	}
	return nil
}

func (c *Channel) ending() string {
	if len(c.recipients) > 0 {
		return ".age"
	}
	return ""
}

// file writes a file and makes it last; secret ones are encrypted when there is a key to do so.
func (c *Channel) file(path string, secret bool, write func(io.Writer) error) (FileOf, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return FileOf{}, err
	}
	t := tally{to: bufio.NewWriterSize(f, 64<<10), sum: sha256.New()}
	err = func() error {
		if secret && len(c.recipients) > 0 {
			w, err := age.Encrypt(&t, c.recipients...)
			if err != nil {
				return err
			}
			if err := write(w); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
		} else if err := write(&t); err != nil {
			return err
		}
		if err := t.to.Flush(); err != nil {
			return err
		}
		return f.Sync()
	}()
	if err := errors.Join(err, f.Close()); err != nil {
		return FileOf{}, err
	}
	return FileOf{Name: filepath.Base(path), Bytes: t.n, SHA256: hex.EncodeToString(t.sum.Sum(nil))}, nil
}

// tally counts and sums what goes into a file.
type tally struct {
	to  *bufio.Writer
	sum hash.Hash
	n   int64
}

// Write writes b.
func (t *tally) Write(b []byte) (int, error) {
	n, err := t.to.Write(b)
	t.sum.Write(b[:n])
	t.n += int64(n)
	return n, err
}

// recipients reads the print shop's key.
func recipients(key string) ([]age.Recipient, error) {
	if key == "" {
		return nil, nil
	}
	return age.ParseRecipients(strings.NewReader(key))
}
