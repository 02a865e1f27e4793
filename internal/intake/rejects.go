package intake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// rejectsFile is where rejected rows go: CSV of line, reason, what it means, clause, raw line. It holds call detail, so only
// its owner may read it. It is made when the first row is rejected.
//
// Its length at each committed chunk is part of the run's state: an import that goes on after a crash cuts off what
// was written after the last commit, so that no row is there twice.
type rejectsFile struct {
	path string
	file *os.File
	w    *bufio.Writer
	size int64
	mark int64 // to which an attempt that is made again cuts it
	buf  []byte
}

const rejectsHeader = "line,reason,says,clause,raw\n"

// errRejectsLost: the file of an interrupted import is gone or too short.
var errRejectsLost = errors.New("the rejects file of the interrupted import is gone")

// openRejects opens the file at path with the given committed size; 0 begins a new one.
func openRejects(path string, size int64) (*rejectsFile, error) {
	r := &rejectsFile{path: path}
	if size == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("removing the rejects file of an earlier import: %w", err)
		}
		return r, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errRejectsLost
	} else if err != nil {
		return nil, fmt.Errorf("opening the rejects file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = errRejectsLost
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		err = f.Chmod(0o600)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("going on with the rejects file: %w", err)
	}
	r.file, r.w, r.size = f, bufio.NewWriterSize(f, 64<<10), size
	return r, nil
}

// add writes one rejected row.
func (r *rejectsFile) add(line int64, rej *rejection, raw []byte) error {
	if r.file == nil {
		f, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("making the rejects file: %w", err)
		}
		r.file, r.w = f, bufio.NewWriterSize(f, 64<<10)
		if err := r.write([]byte(rejectsHeader)); err != nil {
			return err
		}
	}
	b := strconv.AppendInt(r.buf[:0], line, 10)
	for _, s := range []string{string(rej.Reason), rej.Says, rej.Clause} {
		b = append(b, ',')
		b = quote(b, s)
	}
	b = append(b, ',')
	b = quote(b, string(raw))
	r.buf = append(b, '\n')
	return r.write(r.buf)
}

func (r *rejectsFile) write(b []byte) error {
	n, err := r.w.Write(b)
	r.size += int64(n)
	if err != nil {
		return fmt.Errorf("writing the rejects file: %w", err)
	}
	return nil
}

// flush brings what was added to the disk; it comes before the commit that counts it.
func (r *rejectsFile) flush() error {
	if r.file == nil {
		return nil
	}
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("writing the rejects file: %w", err)
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("writing the rejects file: %w", err)
	}
	return nil
}

// cut takes away what was added beyond size.
func (r *rejectsFile) cut(size int64) error {
	if r.file == nil || r.size == size {
		return nil
	}
	err := r.w.Flush()
	if err == nil {
		err = r.file.Truncate(size)
	}
	if err == nil {
		_, err = r.file.Seek(size, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("writing the rejects file: %w", err)
	}
	if r.size = size; size == 0 {
		return r.write([]byte(rejectsHeader))
	}
	return nil
}

func (r *rejectsFile) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// quote appends s as a CSV field, quoted when it must be.
func quote(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\",\r\n") && (s == "" || s[0] != ' ') {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
