package letter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// printShop is where batches go: a folder of this machine, or one on a server.
type printShop interface {
	// spool is the folder of this machine in which a batch is made.
	spool(batch string) string
	// bring carries what is in the spool to where the batch can be named. What an earlier attempt brought is not brought again.
	bring(ctx context.Context, batch string) error
	// name gives the batch its own name, in one step. When that was tried before (again), it may have been done, and the print
	// shop may have taken the batch away since: what is not there is then named already.
	name(ctx context.Context, batch string, again bool) error
	// clear removes what is left of a batch, but for the batch that was named.
	clear(ctx context.Context, batch string) error
	// check says what keeps batches from going there.
	check(ctx context.Context) error
	// files opens a folder of the print shop's own files.
	files(ctx context.Context, folder string) (shelf, error)
}

// shelf is a folder of files that the print shop writes for us.
type shelf interface {
	names() ([]string, error)
	read(name string, most int64) ([]byte, error)
	write(name string, b []byte) error // whole or not at all
	move(from, to string) error
	folder(name string) error // makes it
	exists(name string) (bool, error)
	close() error
}

// folderShop is a folder of this machine.
type folderShop struct{ path string }

func (s folderShop) spool(batch string) string { return filepath.Join(s.path, "."+batch+".part") }

func (s folderShop) bring(context.Context, string) error { return nil }

func (s folderShop) name(_ context.Context, batch string, again bool) error {
	err := os.Rename(s.spool(batch), filepath.Join(s.path, batch))
	if err != nil && !(again && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	return syncFolder(s.path)
}

func (s folderShop) clear(_ context.Context, batch string) error { return os.RemoveAll(s.spool(batch)) }

// leastSpace is how many bytes have to be free, for a batch of many letters with fonts of their own.
const leastSpace = 256 << 20

func (s folderShop) check(context.Context) error {
	return checkFolder(s.path, "messages.letter.batch.folder")
}

func checkFolder(path, entry string) error {
	f, err := os.CreateTemp(path, ".check-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w; make the folder and give it to the user that Ringfence runs as", entry, err)
	}
	_, err = f.WriteString("check\n")
	if err := errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("%s cannot be written: %w", entry, err)
	}
	var space syscall.Statfs_t
	if err := syscall.Statfs(path, &space); err != nil {
		return fmt.Errorf("%s: asking for its space: %w", entry, err)
	}
	if free := space.Bavail * uint64(space.Bsize); free < leastSpace {
		return fmt.Errorf("%s has %d MiB left, and a batch may need %d: have old batches removed", entry, free>>20, leastSpace>>20)
	}
	return nil
}

func (s folderShop) files(_ context.Context, folder string) (shelf, error) {
	return folderShelf{folder}, nil
}

type folderShelf struct{ path string }

func (s folderShelf) names() ([]string, error) {
	files, err := os.ReadDir(s.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if f.Type().IsRegular() {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

func (s folderShelf) read(name string, most int64) ([]byte, error) {
	f, err := os.Open(filepath.Join(s.path, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readMost(f, most)
}

var errTooLong = errors.New("the file is too long")

func readMost(r io.Reader, most int64) ([]byte, error) {
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(r, most+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > most {
		return nil, errTooLong
	}
	return b.Bytes(), nil
}

func (s folderShelf) write(name string, b []byte) error {
	return writeDurably(filepath.Join(s.path, name), b)
}

func (s folderShelf) move(from, to string) error {
	if err := os.Rename(filepath.Join(s.path, from), filepath.Join(s.path, to)); err != nil {
		return err
	}
	return errors.Join(syncFolder(filepath.Dir(filepath.Join(s.path, to))), syncFolder(s.path))
}

func (s folderShelf) folder(name string) error {
	return os.MkdirAll(filepath.Join(s.path, name), 0o750)
}

func (s folderShelf) exists(name string) (bool, error) {
	_, err := os.Lstat(filepath.Join(s.path, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (folderShelf) close() error { return nil }
