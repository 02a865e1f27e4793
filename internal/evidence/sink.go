package evidence

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"ringfence/internal/cpni"
)

// Sink takes the files of a bundle one by one. What it holds is no bundle before Finish.
type Sink interface {
	Put(name string, content []byte) error
	Finish() error
}

// unfinished ends the name of the folder in which a bundle is put together.
const unfinished = ".unfinished"

// Folder is a sink that makes a folder. Until the bundle is whole it has another name.
type Folder struct {
	path string
	root *os.Root
}

// NewFolder begins a folder of that name, which must not be there. What an interrupted run has left of it is removed.
func NewFolder(name string) (*Folder, error) {
	name = path.Clean(name)
	if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(cpni.Rejected("BAD_INPUT", "the folder of the bundle is there already", nil, "name one that is not there yet"), err)
	}
	if err := os.RemoveAll(name + unfinished); err != nil {
		return nil, fmt.Errorf("removing what an interrupted run has left: %w", err)
	}
	if err := os.MkdirAll(name+unfinished, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the bundle: %w", err)
	}
	root, err := os.OpenRoot(name + unfinished)
	if err != nil {
		return nil, err
	}
	return &Folder{name, root}, nil
}

// Put writes a file.
func (f *Folder) Put(name string, content []byte) error {
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	return f.root.WriteFile(name, content, 0o600)
}

// Finish gives the folder its name.
func (f *Folder) Finish() error {
	if err := f.root.Close(); err != nil {
		return err
	}
	return os.Rename(f.path+unfinished, f.path)
}

// Abandon removes what was written, of a bundle that could not be finished.
func (f *Folder) Abandon() error {
	f.root.Close()
	return os.RemoveAll(f.path + unfinished)
}

// Zip is a sink that writes an archive as it goes; one that breaks off is no archive.
type Zip struct {
	out  *zip.Writer
	at   time.Time
	step func()
}

// NewZip begins an archive whose files bear that time. step is called before each file: whoever waits for a silent line begins anew.
func NewZip(to io.Writer, at time.Time, step func()) *Zip { return &Zip{zip.NewWriter(to), at, step} }

// Put writes a file.
func (z *Zip) Put(name string, content []byte) error {
	z.step()
	w, err := z.out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: z.at})
	if err == nil {
		_, err = w.Write(content)
	}
	return err
}

// Finish ends the archive.
func (z *Zip) Finish() error { return z.out.Close() }
