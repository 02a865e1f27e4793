package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"

	"ringfence/internal/visitor"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file that pages use. Its address names its content, so that browsers may keep it.
type asset struct {
	text          []byte
	kind, version string
	address       string
}

// kinds are the types of files by their endings; a machine's own list may know others.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func loadAssets() map[string]asset {
	all := map[string]asset{}
	files, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // embedded
	}
	add := func(name string, text []byte) {
		sum := sha256.Sum256(text)
		a := asset{text: text, kind: kinds[path.Ext(name)], version: hex.EncodeToString(sum[:8])}
		a.address = fmt.Sprintf("/assets/%s?v=%s", name, a.version)
		all[name] = a
	}
	for _, f := range files {
		text, err := assetFiles.ReadFile("assets/" + f.Name())
		if err != nil {
			panic(err) // embedded
		}
		add(f.Name(), text)
	}
	add(visitor.PasskeyScript, visitor.Passkeys)
	return all
}

func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := c.assets[r.PathValue("name")]
	if !ok {
		c.visit(w, r).fail(errNowhere)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	w.Write(a.text)
}
