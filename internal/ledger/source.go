package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"ringfence/internal/store"
)

// source is where a log is read from: a database, a folder or an address.
type source interface {
	// tile gives the tile or bundle at that place, cut to width; errNoTile when there is none so wide.
	tile(ctx context.Context, level int, index int64, width int) ([]byte, error)
	// atOnce is how many tiles may be asked for at once.
	atOnce() int
}

// tables reads a log from the tables of a database.
type tables struct{ q store.Querier }

func (tables) atOnce() int { return 1 }

func (t tables) tile(ctx context.Context, level int, index int64, width int) ([]byte, error) {
	var stored exactly[int64]
	var data exactly[[]byte]
	err := t.q.QueryRow(ctx, "SELECT width, data FROM ledger_tile WHERE level = $1 AND idx = $2", level, index).Scan(&stored, &data)
	if store.IsNoRow(err) {
		return nil, errNoTile
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", tilePath(level, index, width), err)
	}
	return data.value, nil // its width is what the verifier measures, not what the column says
}

// folder reads a log from files in the layout of tlog-tiles.
type folder struct{ files fs.FS }

func (folder) atOnce() int { return 1 }

func (f folder) tile(_ context.Context, level int, index int64, width int) ([]byte, error) {
	data, err := fs.ReadFile(f.files, tilePath(level, index, width))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoTile
	}
	return data, err
}

// address reads a log over HTTP.
type address struct {
	client *http.Client
	base   string
}

func (address) atOnce() int { return 8 }

func (a address) tile(ctx context.Context, level int, index int64, width int) ([]byte, error) {
	return a.get(ctx, tilePath(level, index, width))
}

// mostBytes bounds an answer: a bundle of 256 entries, each of its largest size.
const mostBytes = tileWidth * (2 + 1<<16)

func (a address) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(a.base, "/")+"/"+path, nil)
	if err != nil {
		return nil, fmt.Errorf("the ledger's address: %w", err)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, errNoTile
	default:
		return nil, fmt.Errorf("reading the ledger: %s answers %s", path, resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes+1))
	if err == nil && len(data) > mostBytes {
		err = fmt.Errorf("%s is larger than any tile", path)
	}
	return data, err
}

// exactly scans a column that must have the type that it was written with: SQLite would let another in.
type exactly[T string | int64 | []byte] struct {
	value T
	ok    bool
}

// Scan takes the value when it has the type, and is not ok otherwise.
func (e *exactly[T]) Scan(from any) error {
	if b, ok := from.([]byte); ok {
		from = bytes.Clone(b) // the driver's own is good until the next row
	}
	e.value, e.ok = from.(T)
	return nil
}
