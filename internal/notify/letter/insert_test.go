package letter

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/policy"
)

// editionOf makes an edition with as many words as one has: all kinds of information, and several companies.
func editionOf(t testing.TB, kind string) *wording.Edition {
	t.Helper()
	b, err := wording.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	a := wording.Asked{Kind: kind, Via: wording.ByInsert, Floor: 30, Recipients: []wording.Recipient{{ID: "one", Name: "Example Calls Incorporated", Class: cpni.Agent}, {ID: "two", Name: "Example Voice Services", Class: cpni.AffiliateComm}}}
	if kind == notify.OptInRequest {
		a.Data = []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Location, cpni.Billing}
		a.Purposes = []cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing}
		a.Recipients = append(a.Recipients, wording.Recipient{ID: "three", Name: "Example Energy", Class: cpni.JointVenture})
	}
	e, err := b.Ask(a)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func insertOf(t testing.TB, kind, language, paper string) Insert {
	t.Helper()
	x, ok := editionOf(t, kind).Template(cpni.Postal, language)
	if !ok {
		t.Fatal("there is no text")
	}
	w, err := x.Write(x.Sample())
	if err != nil {
		t.Fatal(err)
	}
	return Insert{Paper: paper, Carrier: "Lucid Technologies", Language: language, Made: noon, Words: w}
}

// A notice fits on one page of an insert, in letters of ten points at least, and says all that it says as text.
//
// cite: P-02, P-27, 47 CFR 64.2008(c)(5)
func TestInserts(t *testing.T) {
	for _, kind := range []string{notify.OptOutNotice, notify.OptInRequest} {
		for _, language := range []string{"en", "es"} {
			for _, paper := range []string{USLetter, A4} {
				name := kind + "-" + language + "-" + paper
				i := insertOf(t, kind, language, paper)
				file, err := i.PDF()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				path := keep(t, "insert.pdf", file)
				words, width, height := wordsOf(t, file)
				var read []string
				for _, w := range words {
					if w.page != 1 || !w.inside(box{7 * mm, 7 * mm, width - 14*mm, height - 14*mm}) {
						t.Errorf("%s: %q stands on page %d at %.0f,%.0f", name, w.Text, w.page, w.XMin, w.YMin)
					}
					// The box of a word of Liberation Sans is as high as its ascent and descent: 1.117 of its size.
					if size := (w.YMax - w.YMin) / 1.117; size < leastType-0.05 {
						t.Errorf("%s: %q is printed in %.1f points (N-10)", name, w.Text, size)
					}
					read = append(read, w.Text)
				}
				says := strings.ReplaceAll("Lucid Technologies "+i.Words.Subject+" "+i.Words.Text, "\n- ", "\n• ")
				if got, want := strings.Join(read, " "), strings.Join(strings.Fields(says), " "); got != want {
					t.Errorf("%s: the page says\n%s\nand the text\n%s", name, got, want)
				}
				about := program(t, "pdfinfo", path)
				for _, want := range []string{"Tagged:          yes", "Title:           " + i.Words.Subject, "Pages:           1"} {
					if !strings.Contains(about, want) {
						t.Errorf("%s: pdfinfo does not say %q:\n%s", name, want, about)
					}
				}
				if metadata := program(t, "pdfinfo", "-meta", path); !strings.Contains(metadata, "<rdf:li>"+language+"</rdf:li>") {
					t.Errorf("%s: the language is not %s:\n%s", name, language, metadata)
				}
				if tree := program(t, "pdfinfo", "-struct-text", path); strings.Count(tree, "H1 (") != 1 {
					t.Errorf("%s: the tree has not one heading:\n%s", name, tree)
				}
				program(t, "qpdf", "--check", path)
				if paper != USLetter {
					continue
				}
				got := program(t, "pdftotext", "-layout", path, "-")
				golden := filepath.Join("testdata", "insert-"+kind+"-"+language+".txt")
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if want, err := os.ReadFile(golden); err != nil || string(want) != got {
					t.Errorf("%s: the insert changed (%v); look at it, then write it anew with -update:\n%s", name, err, got)
				}
			}
		}
	}
}

// What does not fit on the page is not made smaller than people can read, and what says nothing is no insert.
//
// cite: 47 CFR 64.2008(c)(5)
func TestInsertThatDoesNotFit(t *testing.T) {
	i := insertOf(t, notify.OptInRequest, "es", USLetter)
	for code, text := range map[string]string{"too-many-pages": strings.Repeat(i.Words.Text, 2), "no-text": " \n"} {
		i.Words.Text = text
		_, err := i.PDF()
		var unfit *Unfit
		if !errors.As(err, &unfit) || unfit.Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	i.Words.Text = strings.Repeat("x", mostText+1)
	if _, err := i.PDF(); err == nil {
		t.Error("a megabyte is an insert")
	}
}

// Letters are printed in type that is large enough for a notice.
//
// cite: P-02, 47 CFR 64.2008(c)(5)
func TestLettersAreLegible(t *testing.T) {
	for _, paper := range []string{USLetter, A4} {
		cfg := config(t)
		cfg.Paper = paper
		p := notice("es")
		p.Words = insertOf(t, notify.OptOutNotice, "es", paper).Words
		file, _, err := open(t, cfg).Render(p)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(p.Words.Text)
		words, _, _ := wordsOf(t, file)
		found := 0
		for n := range words {
			if words[n].YMin < cfg.paper().later || words[n].page == 1 && words[n].YMin < cfg.paper().first {
				continue // whose letter it is, and to whom
			}
			if found < len(want) && words[n].Text == want[found] {
				if size := (words[n].YMax - words[n].YMin) / 1.117; size < leastType-0.05 {
					t.Errorf("%s: %q is printed in %.1f points (N-10)", paper, words[n].Text, size)
				}
				found++
			}
		}
		if found != len(want) {
			t.Errorf("%s: the letter says %d of %d words", paper, found, len(want))
		}
	}
}
