package letter

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// noon is when the letters of the tests are written: the evening before in UTC is another day in the carrier's zone.
var noon = time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)

func zone(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// config is a channel into folders of the test's own.
func config(t testing.TB) Config {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"shop", "state", "told"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return Config{Folder: filepath.Join(folder, "shop"), State: filepath.Join(folder, "state"), Confirmations: filepath.Join(folder, "told"),
		Letterhead: Letterhead{Name: "Lucid Technologies", Lines: []string{"100 Exchange Place, Suite 4", "Alexandria, VA 22314", "1-800-555-0100 · lucid.example/privacy"}},
		Return:     []string{"Lucid Technologies", "PO Box 1200", "Alexandria VA 22313-1200"}, Postage: "first-class"}
}

func open(t testing.TB, cfg Config) *Channel {
	t.Helper()
	c, err := New(cfg, "Lucid Technologies", cpni.ClockFunc(func() time.Time { return noon }), zone(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// notice is a letter as the desk causes it.
func notice(language string) notify.Piece {
	p := notify.Piece{ID: "06dt9c4k3w0000000000000001", Kind: "change", Via: cpni.Postal, To: "1 Main St, Apt 4B, Springfield, VA 22150", Name: "María Núñez-O'Brien", Language: language, Attempt: 1}
	if language == "es" {
		p.Words = notify.Words{Subject: "Cambió la dirección de su cuenta", Text: "Estimada clienta:\n\nEl 25 de noviembre de 2026 se cambió la dirección postal de su cuenta. ¿No fue usted? Llámenos de inmediato al 1-800-555-0100; detendremos el cambio mientras lo averiguamos.\n\nPor su seguridad, esta carta no dice cuál es la dirección nueva y se envía a la que teníamos antes.\n\nAtentamente,\nLucid Technologies"}
		return p
	}
	p.Words = notify.Words{Subject: "The address of your account was changed", Text: "Dear customer,\n\nOn November 25, 2026 the postal address of your account was changed. If this was not you, call us at once at 1-800-555-0100: we will stop the change while we look into it.\n\nTo keep you safe, this letter does not say what the new address is, and it goes to the one that we had before.\n\nSincerely,\nLucid Technologies"}
	return p
}

// calls is a table as it goes to an address of record.
func calls(t testing.TB, n int) notify.Enclosure {
	t.Helper()
	var rows [][]string
	at := time.Date(2026, 10, 1, 8, 0, 0, 0, zone(t))
	for i := range n {
		at = at.Add(time.Duration(37+i%200) * time.Minute)
		rows = append(rows, []string{at.Format("2006-01-02"), at.Format("15:04 MST"), []string{"(571) 555-0142", "(212) 555-0199", "+52 55 5555 0101"}[i%3], []string{"Springfield, VA", "New York, NY", "Ciudad de México"}[i%3],
			(time.Duration(i%3600) * time.Second).String(), "$0.0" + string(rune('0'+i%10))})
	}
	e, err := Table("Calls of October 2026", []Column{{Title: "Date"}, {Title: "Time"}, {Title: "Number"}, {Title: "Place"}, {Title: "Lasted", Right: true}, {Title: "Charge", Right: true}}, rows)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// program runs a program that the tests need.
func program(t testing.TB, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is needed for this test and not there: install Debian's poppler-utils (`make test` does)", name)
	}
	var said strings.Builder
	c := exec.Command(name, args...)
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, said.String())
	}
	if said.Len() > 0 {
		t.Errorf("%s complains: %s", name, said.String())
	}
	return string(out)
}

// keep writes a file into a folder of the test's and gives its path.
func keep(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// logo is a picture with clear corners.
func logo(t testing.TB) string {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 240, 80))
	for y := range 80 {
		for x := range 240 {
			if dx, dy := float64(x-120)/120, float64(y-40)/40; dx*dx+dy*dy < 1 {
				m.Set(x, y, color.NRGBA{20, uint8(60 + x/2), 140, 255})
			}
		}
	}
	path := filepath.Join(t.TempDir(), "logo.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
