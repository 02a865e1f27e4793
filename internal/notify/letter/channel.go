// Package letter carries messages by post: it makes a PDF of each, puts them into batches for a print shop with a manifest,
// hands the batches to a folder or by SFTP, and reads back what was mailed and what came back.
//
// A notice of a change on the account may go to the postal address of record that was there before the change, and a
// customer's own records may be sent there. Which address that is, who calls this package has decided; it prints what it is
// given and to whom.
//
// cite: P-21, P-25, 47 CFR 64.2010(f)(2), 47 CFR 64.2003(b)
package letter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/letter/pdf"
)

// Channel carries letters. One Send is one batch.
type Channel struct {
	cfg        Config
	s          *stationery
	shop       printShop
	recipients []age.Recipient

	mu      sync.Mutex // one batch at a time
	journal *journal
	stops   func(at string) error // of tests: dies between two steps; nil elsewhere
}

// A Channel is one of the outbox's, and its letters wait for each other.
var (
	_ notify.Channel  = (*Channel)(nil)
	_ notify.Gatherer = (*Channel)(nil)
)

// New opens the channel of a carrier, whose zone decides the date on a letter. It reaches nobody; Check does.
func New(cfg Config, carrier string, clock cpni.Clock, zone *time.Location) (*Channel, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.BatchSize == 0 {
		cfg.BatchSize = defaultBatch
	}
	if cfg.Gathers == 0 {
		cfg.Gathers = defaultGathers
	}
	fonts, err := faces()
	if err != nil {
		return nil, err
	}
	s := &stationery{paper: cfg.paper(), regular: fonts[0], bold: fonts[1], clock: clock, zone: zone}
	if cfg.Letterhead.Name != "" {
		carrier = cfg.Letterhead.Name
	}
	clean := func(line string) string {
		line, _ = printable(s.regular, line)
		return line
	}
	s.carrier = clean(carrier)
	s.letterhead = append(s.letterhead, s.carrier)
	for _, line := range cfg.Letterhead.Lines {
		s.letterhead = append(s.letterhead, clean(line))
	}
	for _, line := range cfg.Return {
		s.sender = append(s.sender, clean(line))
	}
	if cfg.Letterhead.Logo != "" {
		b, err := os.ReadFile(cfg.Letterhead.Logo)
		if err != nil {
			return nil, fmt.Errorf("messages.letter.batch.letterhead.logo cannot be read: %w", err)
		}
		if s.logo, err = pdf.ParsePNG("Logo", b); err != nil {
			return nil, fmt.Errorf("messages.letter.batch.letterhead.logo: %w; write a PNG file", err)
		}
	}
	c := &Channel{cfg: cfg, s: s, journal: newJournal(cfg.State)}
	if c.recipients, err = recipients(cfg.Age); err != nil {
		return nil, err
	}
	if cfg.SFTP != nil {
		c.shop = newSFTPShop(*cfg.SFTP, cfg.State)
	} else {
		c.shop = folderShop{cfg.Folder}
	}
	return c, nil
}

// Batch is how many letters go into one batch at most.
func (c *Channel) Batch() int { return c.cfg.BatchSize }

// Gathers is how long a letter waits for others at most, so that they go in one batch.
//
// cite: P-23, 47 CFR 64.2010(f)
func (c *Channel) Gathers() time.Duration { return c.cfg.Gathers }

// Render makes the letter of a piece as the customer gets it, but for the inserter's mark, and says how many pages it has.
// The error is an *Unfit when it can be no letter.
func (c *Channel) Render(piece notify.Piece) (file []byte, pages int, err error) {
	f, err := c.s.letter(piece, mark{})
	if err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	if err := c.s.write(&b, f, language(piece.Language)); err != nil {
		return nil, 0, err
	}
	return b.Bytes(), f.pages, nil
}

// Document makes a PDF of enclosures alone, such as a table of calls that goes with an e-mail to the address of record.
//
// cite: P-21, 47 CFR 64.2003(b)
func (c *Channel) Document(lang string, enclosed ...notify.Enclosure) (file []byte, pages int, err error) {
	w := wordsIn(lang)
	f := finished{part: pdf.NewPart(language(lang)), title: w.untitled}
	blocks, titles, err := c.s.enclosed(f.part, enclosed, &f.replaced)
	if err != nil {
		return nil, 0, err
	}
	if len(titles) > 0 {
		f.title = titles[0]
	}
	if err := c.s.set(&f, blocks, c.s.paper.later, func(*pdf.Page) {}, w, mark{}); err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	if err := c.s.write(&b, f, language(lang)); err != nil {
		return nil, 0, err
	}
	return b.Bytes(), f.pages, nil
}

// Check says what keeps batches from going out: a folder that cannot be written or is full, a server that is not reached or
// shows another key, the same of the folder of our notes, and a folder of confirmations that cannot be read.
func (c *Channel) Check(ctx context.Context) error {
	if err := os.MkdirAll(c.cfg.State, 0o700); err != nil {
		return fmt.Errorf("messages.letter.batch.state cannot be made: %w", err)
	}
	if err := errors.Join(checkFolder(c.cfg.State, "messages.letter.batch.state"), c.shop.check(ctx)); err != nil || c.cfg.Confirmations == "" {
		return err
	}
	s, err := c.shop.files(ctx, c.cfg.Confirmations)
	if err != nil {
		return err
	}
	_, err = s.names()
	if err := errors.Join(err, s.close()); err != nil {
		return fmt.Errorf("messages.letter.batch.confirmations cannot be read, so nobody learns what was mailed: %w", err)
	}
	return nil
}

// later is when a batch that did not go out is tried again.
const later = 5 * time.Minute

// inBatch is the code of a letter that the print shop has; its own confirmation tells the rest.
const inBatch = "in-batch"

// Send hands over one batch of those pieces that stand in none yet, and tells of all. A batch comes out whole or not at
// all. One that an earlier call left unfinished is brought to its end first: when the print shop may have seen it, or when
// all its letters are asked for again; otherwise it is dropped, because a letter of it may have been taken back.
func (c *Channel) Send(ctx context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := func(pieces []notify.Piece, err error) {
		for _, p := range pieces {
			told(p, notify.Outcome{State: notify.Queued, Code: codeOf(err), Says: err.Error(), After: later})
		}
	}
	done, err := c.journal.open(c.s.clock.Now())
	if err != nil {
		wait(pieces, err)
		return
	}
	defer done()

	stuck, err := c.settle(ctx, pieces)
	var rest, waiting []notify.Piece
	seen := map[cpni.ID]bool{}
	for _, p := range pieces {
		batch, there := c.journal.in[p.ID]
		switch {
		case there:
			told(p, notify.Outcome{State: notify.Sent, Code: inBatch, Reference: reference(batch, p.ID)})
		case seen[p.ID]:
			// The same piece twice in one call has one fate, which is told once.
		case stuck[p.ID] || err != nil:
			waiting = append(waiting, p)
		default:
			rest = append(rest, p)
		}
		seen[p.ID] = true
	}
	if err != nil {
		wait(waiting, err)
		return
	}
	for len(rest) > 0 {
		unfit, batch, err := c.batch(ctx, rest)
		if err != nil {
			wait(rest, err)
			return
		}
		if len(unfit) == 0 {
			for _, p := range rest {
				told(p, notify.Outcome{State: notify.Sent, Code: inBatch, Reference: reference(batch, p.ID)})
			}
			return
		}
		var fit []notify.Piece
		for n, p := range rest {
			if u := unfit[n]; u != nil {
				told(p, notify.Outcome{State: notify.Failed, Code: u.Code, Says: u.Says})
			} else {
				fit = append(fit, p)
			}
		}
		rest = fit
	}
}

// reference is what the print shop calls a letter when it tells of it.
func reference(batch string, piece cpni.ID) string { return batch + "/" + string(piece) }

// settle ends what an earlier call left. The IDs are of letters whose batch can neither be dropped nor brought to its end
// now.
func (c *Channel) settle(ctx context.Context, pieces []notify.Piece) (stuck map[cpni.ID]bool, err error) {
	asked := map[cpni.ID]bool{}
	for _, p := range pieces {
		asked[p.ID] = true
	}
	stuck = map[cpni.ID]bool{}
	if err := c.sweep(); err != nil {
		return stuck, err
	}
	for _, e := range c.journal.unfinished() {
		all := e.Step == made
		for _, id := range e.Pieces {
			all = all && asked[id]
		}
		if e.Step != naming && !all {
			if err := c.drop(ctx, e); err != nil {
				return stuck, err
			}
			continue
		}
		if err := c.handOver(ctx, e); err != nil {
			for _, id := range e.Pieces {
				stuck[id] = true
			}
			return stuck, err
		}
	}
	return stuck, nil
}

// drop takes back a batch that nobody has seen.
func (c *Channel) drop(ctx context.Context, e entry) error {
	switch e.Step {
	case making: // on this machine alone; the disk may be too full for a note
		if err := os.RemoveAll(c.shop.spool(e.Batch)); err != nil {
			return err
		}
		return c.journal.forget(e.Batch)
	case made:
		e.Step = dropping
		if err := c.journal.note(e); err != nil {
			return err
		}
	}
	if err := c.shop.clear(ctx, e.Batch); err != nil {
		return err
	}
	return c.journal.forget(e.Batch)
}

// batch makes and hands over one batch. When some pieces are unfit it says which, and nothing went out.
func (c *Channel) batch(ctx context.Context, pieces []notify.Piece) (unfitPieces, string, error) {
	now := c.s.clock.Now()
	name, id := batchName(now)
	e := entry{Batch: name, Step: making, Made: now.UTC()}
	if err := c.journal.note(e); err != nil {
		return nil, "", err
	}
	unfit, err := c.write(ctx, c.shop.spool(name), name, id, pieces)
	if err != nil || len(unfit) > 0 {
		// The disk may be full, so that even the note stays; it says that the batch may be dropped.
		return unfit, "", errors.Join(err, c.drop(ctx, e))
	}
	if err := c.stop("written"); err != nil {
		return nil, "", err
	}
	for _, p := range pieces {
		e.Pieces = append(e.Pieces, p.ID)
	}
	ready := e
	ready.Step = made
	if err := c.journal.note(ready); err != nil {
		return nil, "", errors.Join(err, c.drop(ctx, e))
	}
	return nil, name, c.handOver(ctx, ready)
}

// handOver brings a batch that is made to the print shop. Each step can be taken again.
func (c *Channel) handOver(ctx context.Context, e entry) error {
	again := e.Step == naming
	if e.Step == made {
		if err := c.stop("made"); err != nil {
			return err
		}
		if err := c.shop.bring(ctx, e.Batch); err != nil {
			return err
		}
		e.Step = naming
		if err := c.journal.note(e); err != nil {
			return err
		}
	}
	if err := c.stop("naming"); err != nil {
		return err
	}
	if err := c.shop.name(ctx, e.Batch, again); err != nil {
		return err
	}
	if err := c.stop("named"); err != nil {
		return err
	}
	e.Step = handed
	if err := c.journal.note(e); err != nil {
		return err
	}
	return c.sweep()
}

// sweep removes letters from our own folder that the print shop has.
func (c *Channel) sweep() error {
	files, err := os.ReadDir(filepath.Join(c.cfg.State, "spool"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		if e, ok := c.journal.known[f.Name()]; ok && e.Step != handed {
			continue
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(c.cfg.State, "spool", f.Name())))
	}
	return err
}

func (c *Channel) stop(at string) error {
	if c.stops == nil {
		return nil
	}
	return c.stops(at)
}

// codeOf names a failure in a word that says nothing of anybody.
func codeOf(err error) string {
	var key *HostKey
	switch {
	case errors.As(err, &key):
		return "host-key"
	case errors.Is(err, ErrBusy):
		return "busy"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG), strings.Contains(err.Error(), "no space left"):
		return "disk-full"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "stopped"
	}
	return "not-handed-over"
}
