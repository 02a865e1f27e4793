package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/store"
)

// Handler serves the log in the layout of C2SP tlog-tiles under the path it is mounted at: checkpoint, tile/<L>/<N>,
// tile/<L>/<N>.p/<W>, tile/entries/<N> and its partial form. Where witnesses are asked, the checkpoint is the newest that enough of
// them have cosigned, and checkpoint/newest is the newest of all. Everything it serves is free of personal data.
func (l *Ledger) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, signed := range map[string]func(context.Context) ([]byte, error){"checkpoint": l.published, newestPath: l.Newest} {
		mux.HandleFunc("GET /"+path, func(w http.ResponseWriter, r *http.Request) {
			note, err := signed(r.Context())
			if err != nil {
				tell(w, err)
				return
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-cache")
			w.Write(note)
		})
	}
	mux.HandleFunc("GET /tile/", func(w http.ResponseWriter, r *http.Request) {
		level, index, width, err := parseTilePath(r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		data, err := l.tile(r.Context(), level, index, width)
		if err != nil {
			tell(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Write(data)
	})
	return mux
}

// newestPath is where the newest checkpoint is, cosigned or not.
const newestPath = "checkpoint/newest"

var errNoTile = errors.New("there is no such tile")

func tell(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrNotYet), errors.Is(err, errNoTile):
		http.Error(w, err.Error(), http.StatusNotFound)
	default:
		http.Error(w, "the ledger cannot be read now; ask again", http.StatusServiceUnavailable)
	}
}

func (l *Ledger) tile(ctx context.Context, level int, index int64, width int) ([]byte, error) {
	var stored int
	var data []byte
	err := l.db.Reader().QueryRow(ctx, "SELECT width, data FROM ledger_tile WHERE level = $1 AND idx = $2", level, index).Scan(&stored, &data)
	if store.IsNoRow(err) || err == nil && stored < width {
		return nil, errNoTile
	}
	if err != nil {
		return nil, err
	}
	if level != bundleLevel {
		return data[:width*tlog.HashSize], nil
	}
	end := 0
	for range width {
		if len(data) < end+2 {
			return nil, errDamaged
		}
		end += 2 + int(data[end])<<8 + int(data[end+1])
	}
	if end > len(data) {
		return nil, errDamaged
	}
	return data[:end], nil
}

// parseTilePath reads /tile/<L>/<N>[.p/<W>], where L is a level or "entries" and N is written as x001/x234/067.
func parseTilePath(path string) (level int, index int64, width int, err error) {
	bad := fmt.Errorf("%q is not the path of a tile", path)
	rest, ok := strings.CutPrefix(path, "/tile/")
	if !ok {
		return 0, 0, 0, bad
	}
	words := strings.Split(rest, "/")
	if len(words) < 2 {
		return 0, 0, 0, bad
	}
	if words[0] == "entries" {
		level = bundleLevel
	} else if level, err = strconv.Atoi(words[0]); err != nil || level < 0 || level > 5 || strconv.Itoa(level) != words[0] {
		return 0, 0, 0, bad
	}
	words = words[1:]
	width = tileWidth
	if n := len(words); n >= 2 && strings.HasSuffix(words[n-2], ".p") {
		if width, err = strconv.Atoi(words[n-1]); err != nil || width < 1 || width >= tileWidth || strconv.Itoa(width) != words[n-1] {
			return 0, 0, 0, bad
		}
		words = words[:n-1]
		words[n-2] = strings.TrimSuffix(words[n-2], ".p")
	}
	if len(words) > 5 {
		return 0, 0, 0, bad
	}
	for i, w := range words {
		if i < len(words)-1 {
			if w, ok = strings.CutPrefix(w, "x"); !ok {
				return 0, 0, 0, bad
			}
		}
		v, err := strconv.ParseUint(w, 10, 16)
		if err != nil || len(w) != 3 {
			return 0, 0, 0, bad
		}
		index = index*1000 + int64(v)
	}
	if "/"+tilePath(level, index, width) != path {
		return 0, 0, 0, bad // a tile has one path
	}
	return level, index, width, nil
}

// tilePath writes what parseTilePath reads, without the leading slash.
func tilePath(level int, index int64, width int) string {
	n := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		n = fmt.Sprintf("x%03d/%s", index%1000, n)
	}
	name := strconv.Itoa(level)
	if level == bundleLevel {
		name = "entries"
	}
	path := "tile/" + name + "/" + n
	if width < tileWidth {
		path += ".p/" + strconv.Itoa(width)
	}
	return path
}
