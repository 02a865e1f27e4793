package letter

import (
	"bytes"
	"strings"
	"testing"
)

// A document tells those who hear it what is a title, a heading, a label and what is said; its mark is heard once and seen on each page.
//
// cite: P-51
func TestDocumentOfRecord(t *testing.T) {
	d := Document{Letterhead: []string{"Lucid Technologies", "Arlington"}, Language: "en", Title: "What happened", Made: noon, Mark: "DRAFT", Foot: "Of one thing",
		Parts: []Part{{Paragraph, "First.\nSecond."}, {Heading, "A section"}, {Label, "A field"}, {Paragraph, strings.Repeat("It goes on and on. ", 500)}, {Label, "Another"}, {Paragraph, "Its end."}}}
	file, err := d.PDF()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.PDF(); err != nil || !bytes.Equal(again, file) {
		t.Errorf("printed again it is another: %v", err)
	}
	path := keep(t, "document.pdf", file)
	heard := program(t, "pdfinfo", "-struct-text", path)
	at := 0
	for _, next := range []string{"DRAFT", "Lucid Technologies", "H1", "What happened", "First.", "Second.", "H2", "A section", "H3", "A field", "It goes on", "H3", "Another", "Its end."} {
		n := strings.Index(heard[at:], next)
		if n < 0 {
			t.Fatalf("%q is not heard after the others:\n%.3000s", next, heard)
		}
		at += n + len(next)
	}
	if strings.Count(heard, "DRAFT") != 1 || strings.Contains(heard, "Of one thing") {
		t.Errorf("what is only for the eye is heard:\n%.3000s", heard)
	}
	pages := strings.Split(strings.TrimSuffix(program(t, "pdftotext", path, "-"), "\f"), "\f")
	if len(pages) < 2 {
		t.Fatalf("%d pages", len(pages))
	}
	for n, page := range pages {
		if strings.Count(page, "DRAFT") != 1 || strings.Count(page, "Of one thing") != 1 {
			t.Errorf("page %d lacks its mark or its foot:\n%s", n+1, page)
		}
	}
}
