package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// ErrTakenOver: another process has begun to import the same file in the same way.
var ErrTakenOver = errors.New("another import of the same file has taken over; this one stopped where it was and nothing is doubled")

// ErrFileChanged: the file is not what it was when the import began.
var ErrFileChanged = errors.New("the file was changed while it was imported; import it again")

// run is the state of one import: the file, how it is read, and the place that is committed.
type run struct {
	id      string
	kind    string
	attempt string
	size    int64

	reached     int64
	line        int64
	rejectsPath string
	rejectsSize int64
	counts      counts
}

// counts is what the state keeps of the summary.
type counts struct {
	Summary Summary `json:"summary"`
	Notes   notes   `json:"notes"`
}

// openFile opens a file and hashes its contents; the hash is part of the run's identity.
func openFile(ctx context.Context, path string) (f *os.File, size int64, sum []byte, err error) {
	if f, err = os.Open(path); err != nil {
		return nil, 0, nil, fmt.Errorf("opening the file: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, nil, errors.New("an import needs a file that can be read twice, not a pipe or a folder: save the input to a file first")
	}
	h := sha256.New()
	if size, err = io.Copy(h, readerContext{ctx, f}); err != nil {
		return nil, 0, nil, fmt.Errorf("reading the file: %w", err)
	}
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return nil, 0, nil, err
	}
	return f, size, h.Sum(nil), nil
}

// readerContext stops reading when its context ends.
type readerContext struct {
	ctx context.Context
	r   io.Reader
}

func (r readerContext) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// magic tells files that are not text.
var magic = []struct{ prefix, says string }{
	{"\x1f\x8b", "the file is compressed (gzip): decompress it first"},
	{"PK\x03\x04", "the file is a ZIP or a spreadsheet: save it as CSV first"},
	{"\x28\xb5\x2f\xfd", "the file is compressed (zstd): decompress it first"},
	{"BZh", "the file is compressed (bzip2): decompress it first"},
	{"\xfd7zXZ", "the file is compressed (xz): decompress it first"},
	{"\xff\xfe", "the file is UTF-16: save it as UTF-8 first"},
	{"\xfe\xff", "the file is UTF-16: save it as UTF-8 first"},
	{"SQLite format 3\x00", "the file is a database, not CSV"},
}

const byteOrderMark = "\xef\xbb\xbf"

// begin reads the first bytes: it refuses what is not text, and skips a byte order mark.
func begin(f *os.File) (offset int64, err error) {
	head := make([]byte, 16)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return 0, fmt.Errorf("reading the file: %w", err)
	}
	head = head[:n]
	for _, m := range magic {
		if len(head) >= len(m.prefix) && string(head[:len(m.prefix)]) == m.prefix {
			return 0, errors.New(m.says)
		}
	}
	if len(head) >= 3 && string(head[:3]) == byteOrderMark {
		return 3, nil
	}
	return 0, nil
}

// identify names a run by what it reads and how: any other file, format, map or zone is another run.
func identify(kind string, how ...any) (string, error) {
	text, err := json.Marshal(append([]any{"ringfence import 1", kind}, how...))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// startRun takes the run over where an interrupted one was, or begins it; what a finished one did is done again and
// changes nothing but what has changed since, for instance lines that came later.
func startRun(ctx context.Context, db *store.DB, r *run, now time.Time) (resumed bool, err error) {
	r.attempt = string(cpni.NewID())
	rejects := r.rejectsPath
	err = db.Tx(ctx, func(tx *store.Tx) error {
		resumed = false
		var state, text string
		var old run
		err := tx.QueryRow(ctx, "SELECT state, size, reached, line, rejects, rejects_size, counts FROM import_run WHERE run = $1", r.id).
			Scan(&state, &old.size, &old.reached, &old.line, &old.rejectsPath, &old.rejectsSize, &text)
		if err != nil && !store.IsNoRow(err) {
			return err
		}
		r.reached, r.line, r.rejectsSize, r.counts = 0, 1, 0, counts{}
		if err == nil && state == "running" && old.size == r.size && old.reached > 0 && (old.rejectsSize == 0 || rejectsThere(old)) {
			if err := json.Unmarshal([]byte(text), &r.counts); err != nil {
				return fmt.Errorf("the state of an interrupted import: %w", err)
			}
			resumed, r.reached, r.line, r.rejectsSize = true, old.reached, old.line, old.rejectsSize
			if old.rejectsSize > 0 {
				rejects = old.rejectsPath
			}
		}
		r.rejectsPath = rejects
		text = "{}"
		if resumed {
			b, err := json.Marshal(r.counts)
			if err != nil {
				return err
			}
			text = string(b)
		}
		_, err = tx.Exec(ctx, `INSERT INTO import_run (run, kind, state, attempt, size, reached, line, rejects, rejects_size, counts, started, updated)
			VALUES ($1, $2, 'running', $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (run) DO UPDATE SET state = 'running', attempt = excluded.attempt,
			size = excluded.size, reached = excluded.reached, line = excluded.line, rejects = excluded.rejects, rejects_size = excluded.rejects_size,
			counts = excluded.counts, updated = excluded.updated, finished = 0`,
			r.id, r.kind, r.attempt, r.size, r.reached, r.line, r.rejectsPath, r.rejectsSize, text, now.UnixMicro(), now.UnixMicro())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("beginning the import: %w", err)
	}
	r.counts.Summary.Resumed = resumed
	return resumed, nil
}

func rejectsThere(old run) bool {
	info, err := os.Stat(old.rejectsPath)
	return err == nil && info.Mode().IsRegular() && info.Size() >= old.rejectsSize
}

// place is how far a transaction brings an import.
type place struct {
	reached, line, rejectsSize int64
	counts                     counts
	finished                   bool
}

// move records the new place in the transaction that writes what lies before it.
func (r *run) move(ctx context.Context, tx *store.Tx, p place, now time.Time) error {
	text, err := json.Marshal(p.counts)
	if err != nil {
		return err
	}
	state, finished := "running", int64(0)
	if p.finished {
		state, finished = "finished", now.UnixMicro()
	}
	done, err := tx.Exec(ctx, `UPDATE import_run SET state = $1, reached = $2, line = $3, rejects_size = $4, counts = $5, updated = $6, finished = $7
		WHERE run = $8 AND attempt = $9`, state, p.reached, p.line, p.rejectsSize, string(text), now.UnixMicro(), finished, r.id, r.attempt)
	if err != nil {
		return fmt.Errorf("recording the place of the import: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil {
		return err
	} else if n != 1 {
		return ErrTakenOver
	}
	return nil
}
