package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Journal is a file of this node alone, in which the answer to an emergency call is recorded while the ledger cannot be written, and from
// which it comes into the ledger as soon as it can be. It takes nothing else: everything else waits for the ledger.
//
// cite: P-28, P-41, I-27, 47 USC 222(d)(4), V113
type Journal struct {
	ledger *Ledger
	path   string
	mu     sync.Mutex
}

// journalled is one line of the file. What is personal in the entry is sealed.
type journalled struct {
	Entry  Entry  `json:"entry"`
	Beside []byte `json:"beside,omitempty"` // what is to be written with it
}

// Journal opens the journal of this node at path; the file is made when there is something to write.
func (l *Ledger) Journal(path string) *Journal { return &Journal{ledger: l, path: path} }

// ErrNotForJournal: the entry has to wait for the ledger.
var ErrNotForJournal = errors.New("only the answer to an emergency call, and the claim that it stands on, is recorded outside the ledger")

// forJournal reports whether an entry may be recorded first here: location for who answers emergency calls, or somebody's claim.
//
// cite: 47 USC 222(d)(4)(A)
func forJournal(e Entry) bool {
	if e.Kind == Change {
		return len(e.Permits) == 0 && e.Outcome == cpni.OK
	}
	return e.Kind == Decision && e.Purpose == string(cpni.Emergency) && e.Recipient == string(cpni.ToPSAP) && slices.Equal(e.Permits, []cpni.DataClass{cpni.Location})
}

// Record writes an entry into the file, durably, and gives the receipt for it. beside is given to Bring again.
//
// cite: P-41, I-01, I-27
func (j *Journal) Record(e Entry, beside []byte) (Receipt, error) {
	if !forJournal(e) {
		return Receipt{}, ErrNotForJournal
	}
	if err := check([]Entry{e}); err != nil {
		return Receipt{}, err
	}
	line, err := json.Marshal(journalled{e, beside})
	if err != nil {
		return Receipt{}, fmt.Errorf("writing the journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(append(line, '\n')); err != nil {
		return Receipt{}, fmt.Errorf("writing the journal: %w", err)
	}
	return receiptOf(e, e.stored().announce()), nil
}

// append writes a line behind the whole lines that are there.
func (j *Journal) append(line []byte) error {
	f, text, err := j.hold(true)
	if err != nil {
		return err
	}
	whole := int64(bytes.LastIndexByte(text, '\n') + 1) // a line that a crash has cut was never answered for
	_, err = f.WriteAt(line, whole)
	if err == nil {
		err = f.Truncate(whole + int64(len(line)))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil || len(text) > 0 {
		return err
	}
	return syncFolder(filepath.Dir(j.path)) // the file may be new
}

// syncFolder makes what stands in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// hold opens the file for this process alone, and reads it; nil when it is not there and is not made.
func (j *Journal) hold(make bool) (*os.File, []byte, error) {
	flags := os.O_RDWR
	if make {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(j.path, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) && !make {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, text, nil
}

// readJournal gives what the file holds.
func readJournal(text []byte) ([]journalled, error) {
	var all []journalled
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var e journalled
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("line %d of the journal cannot be read, and nothing of it comes into the ledger until somebody has looked: %w", len(all)+1, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// bringTime bounds a try to write to the ledger, for an emergency may wait behind it.
const bringTime = 5 * time.Second

// Bring takes what the file holds into the ledger, in one transaction, and empties the file: an entry that is there already is not taken again. apply
// writes what stands beside an entry. It gives how many entries came in.
//
// cite: P-41, I-03, I-27
func (j *Journal) Bring(ctx context.Context, apply func(ctx context.Context, tx *store.Tx, beside []byte) error) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, text, err := j.hold(false)
	if err != nil {
		return 0, fmt.Errorf("opening the journal: %w", err)
	}
	if f == nil {
		return 0, nil
	}
	defer f.Close()
	all, err := readJournal(text)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, bringTime)
	defer cancel()
	came := 0
	_, err = j.ledger.Commit(ctx, func(tx *store.Tx) ([]Entry, error) {
		var entries []Entry
		for _, line := range all {
			var there int
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM record WHERE customer_id = $1 AND id = $2", string(line.Entry.Customer), string(line.Entry.ID)).Scan(&there); err != nil {
				return nil, fmt.Errorf("looking for an entry of the journal: %w", err)
			}
			if there > 0 {
				continue
			}
			entries = append(entries, line.Entry)
			if line.Beside != nil {
				if err := apply(ctx, tx, line.Beside); err != nil {
					return nil, err
				}
			}
		}
		came = len(entries)
		return entries, nil
	})
	if err != nil {
		return 0, fmt.Errorf("bringing the journal into the ledger: %w", err)
	}
	if err := errors.Join(f.Truncate(0), f.Sync()); err != nil {
		return came, fmt.Errorf("emptying the journal: %w", err)
	}
	return came, nil
}
