package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-fonts/liberation/liberationsansregular"
)

func sans(t testing.TB) *Font {
	t.Helper()
	f, err := ParseFont("Liberation Sans", liberationsansregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read has a stranger check a file and give its text.
func read(t testing.TB, file []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"qpdf", "--check", path}, {"pdftotext", "-layout", path, "-"}} {
		if _, err := exec.LookPath(args[0]); err != nil {
			t.Fatalf("%s is needed for this test and not there: install Debian's qpdf and poppler-utils (`make test` does)", args[0])
		}
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil || strings.Contains(string(out), "rror (") {
			t.Fatalf("%s: %v: %s", args[0], err, out)
		}
		if args[0] == "pdftotext" {
			return string(out)
		}
	}
	return ""
}

// TestText holds that what is written is what is read, in the cut for English and Spanish and in the one for the rest.
func TestText(t *testing.T) {
	f := sans(t)
	for _, s := range []string{"Plain (text) \\ with <signs> & more", "¿Dónde está el niño? ¡Aquí! — “€ 5” …", "Łódź, Čapek, Straße, Ольга, Ωμέγα, ₤"} {
		p := NewPart("es")
		e := p.Element(Root, "P")
		g := p.Page(600, 800)
		g.Tagged(e, func() { g.Text(f, 11, 50, 50, s) })
		if err := p.Done(); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		d := NewDocument(&b, About{Title: "Título (1) <" + s, Author: "A & B", Language: "es", Made: time.Unix(0, 0)})
		if err := d.Add(p); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(read(t, b.Bytes())); got != s {
			t.Errorf("%q is read as %q", s, got)
		}
		if wide := b.Len() > 40_000; wide != p.wide[f] {
			t.Errorf("%q makes a file of %d bytes", s, b.Len())
		}
	}
	if f.Has('李') || f.Has('א') || !f.Has('ñ') || !f.Has('□') {
		t.Error("the font has what it should not have, or lacks what it should")
	}
}

// TestManyParts holds that a file of more objects than share a stream, and of several parts, is whole.
func TestManyParts(t *testing.T) {
	f := sans(t)
	var b bytes.Buffer
	d := NewDocument(&b, About{Title: "Many", Language: "en", Made: time.Unix(0, 0)})
	for n := range 60 {
		p := NewPart("en")
		for page := range 3 {
			g := p.Page(300, 300)
			for line := range 10 {
				e := p.Element(Root, "P")
				g.Tagged(e, func() { g.Text(f, 9, 20, float64(20+12*line), fmt.Sprintf("part %d page %d line %d", n, page, line)) })
			}
			g.Artifact(func() {
				g.Rectangle(1, 1, 5, 5, 0.5)
				g.Bits(10, 200, 1, 13, 3, func(c, r int) bool { return (c+r)%2 == 0 })
			})
		}
		if err := p.Done(); err != nil {
			t.Fatal(err)
		}
		if err := d.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	text := read(t, b.Bytes())
	if n := strings.Count(text, "part "); n != 60*30 || !strings.Contains(text, "part 59 page 2 line 9") {
		t.Errorf("%d lines are read of %d", n, 60*30)
	}
}

// TestWriterFails holds that what cannot be written is said.
func TestWriterFails(t *testing.T) {
	f := sans(t)
	for _, most := range []int{0, 10, 500, 5_000} {
		p := NewPart("en")
		g := p.Page(300, 300)
		g.Tagged(p.Element(Root, "P"), func() { g.Text(f, 9, 20, 20, "text") })
		if err := p.Done(); err != nil {
			t.Fatal(err)
		}
		d := NewDocument(&short{left: most}, About{Title: "x", Language: "en"})
		err := d.Add(p)
		if err == nil {
			err = d.Close()
		}
		if err == nil {
			t.Errorf("a disk of %d bytes is said to have taken all", most)
		}
	}
}

type short struct{ left int }

func (s *short) Write(b []byte) (int, error) {
	if len(b) > s.left {
		return 0, io.ErrShortWrite
	}
	s.left -= len(b)
	return len(b), nil
}

// bomb is a small PNG file that says that it is of a size.
func bomb(t testing.TB, width, height uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	copy(file[16:], []byte{byte(width >> 24), byte(width >> 16), byte(width >> 8), byte(width), byte(height >> 24), byte(height >> 16), byte(height >> 8), byte(height)})
	sum := crc32.ChecksumIEEE(file[12:29])
	copy(file[29:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	return file
}

func TestPictures(t *testing.T) {
	for name, file := range map[string][]byte{"nothing": nil, "no picture": []byte("GIF89a"), "huge": bomb(t, 60_000, 60_000), "wide": bomb(t, 1<<30, 1)} {
		if m, err := ParsePNG("Logo", file); err == nil {
			t.Errorf("%s: %dx%d", name, m.Width, m.Height)
		}
	}
	m := image.NewGray(image.Rect(3, 3, 13, 8))
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	got, err := ParsePNG("Logo", b.Bytes())
	if err != nil || got.Width != 10 || got.Height != 5 || got.alpha != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	z, err := zlib.NewReader(bytes.NewReader(got.colours))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(z); err != nil || len(raw) != 150 {
		t.Errorf("%d bytes of colour, %v", len(raw), err)
	}
}

func TestFontIsNone(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("OTTO"), liberationsansregular.TTF[:1000]} {
		if _, err := ParseFont("x", b); err == nil {
			t.Errorf("%d bytes are taken for a font", len(b))
		}
	}
}
