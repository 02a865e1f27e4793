package letter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"ringfence/internal/cpni"
)

// progress is how far a batch has come. A batch that stopped before it was named has reached nobody, and may be dropped; one
// that was about to be named may have reached the print shop, and is brought to its end.
type progress string

const (
	making progress = "making" // its files are being written
	made   progress = "made"   // all of them last
	naming progress = "naming" // from now on the print shop may see it
	handed progress = "handed" // it has
	// dropping is a batch that reached nobody and is being removed, so that what is left of it is never taken for the whole.
	dropping progress = "dropping"
)

// entry is what the journal holds of a batch.
type entry struct {
	Batch  string    `json:"batch"`
	Step   progress  `json:"step"`
	Made   time.Time `json:"made"`
	Pieces []cpni.ID `json:"pieces,omitempty"`
}

// journal is the list of batches, one file for each, by which a letter that stands in one is never put into another.
//
// cite: I-10
type journal struct {
	folder string
	known  map[string]entry
	in     map[cpni.ID]string // the batch in which a piece was handed over
}

// remembered is how long a batch is known. Nothing is tried again for so long.
const remembered = 30 * 24 * time.Hour

func newJournal(folder string) *journal {
	return &journal{folder: folder, known: map[string]entry{}, in: map[cpni.ID]string{}}
}

// ErrBusy is what keeps a second process from sending letters with the same state.
var ErrBusy = errors.New("another process is sending letters with the same state folder (letters.state); one at a time does")

// open keeps other processes out until the returned function is called, and reads what is new.
func (j *journal) open(now time.Time) (done func(), err error) {
	if err := os.MkdirAll(filepath.Join(j.folder, "spool"), 0o700); err != nil {
		return nil, fmt.Errorf("the folder of letters.state cannot be made: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(j.folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the folder of letters.state cannot be written: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, ErrBusy
	}
	if err := j.read(now); err != nil {
		lock.Close()
		return nil, err
	}
	return func() { lock.Close() }, nil
}

func (j *journal) read(now time.Time) error {
	files, err := os.ReadDir(j.folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		batch, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		if e, ok := j.known[batch]; !ok || e.Step != handed {
			b, err := os.ReadFile(filepath.Join(j.folder, f.Name()))
			if err != nil {
				return err
			}
			if err := json.Unmarshal(b, &e); err != nil {
				return fmt.Errorf("the note of batch %s in letters.state cannot be read, so it is not known which letters were printed: put the file back from a copy, or remove it once the print shop has said what it has: %w", batch, err)
			}
			j.take(e)
		}
	}
	for batch, e := range j.known {
		if e.Step == handed && now.Sub(e.Made) > remembered {
			if err := j.forget(batch); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *journal) take(e entry) {
	j.known[e.Batch] = e
	if e.Step == handed {
		for _, id := range e.Pieces {
			j.in[id] = e.Batch
		}
	}
}

// note makes an entry last.
func (j *journal) note(e entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(j.folder, e.Batch+".json"), b); err != nil {
		return fmt.Errorf("noting a batch of letters: %w", err)
	}
	j.take(e)
	return nil
}

// forget takes an entry out.
func (j *journal) forget(batch string) error {
	err := os.Remove(filepath.Join(j.folder, batch+".json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, id := range j.known[batch].Pieces {
		if j.in[id] == batch {
			delete(j.in, id)
		}
	}
	delete(j.known, batch)
	return syncFolder(j.folder)
}

// unfinished are the batches that stopped on their way.
func (j *journal) unfinished() []entry {
	var all []entry
	for _, e := range j.known {
		if e.Step != handed {
			all = append(all, e)
		}
	}
	return all
}
