package form

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"ringfence/internal/breach/clock"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("there is no golden file %s: run the test with -update, and read what it writes", name)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is another:\n%s", name, got)
	}
}

// receipt is what the facility gave.
func receipt(agencies ...clock.Agency) Receipt {
	return Receipt{Number: "F-2026-118204", At: time.Date(2026, 12, 2, 15, 30, 0, 0, time.UTC), Agencies: agencies, Facility: "https://reporting.facility.example/cpni"}
}

// reports are a draft that lacks something, with an answer of a person, and a copy that was filed, of the one form; and an exercise of the other.
func reports(t *testing.T) map[string]Filled {
	t.Helper()
	f := formOf(t, "breach-2007")
	poor := incident()
	poor.Method, poor.CarrierLoss = "", nil
	draft := f.Draft(poor, Values{"customers": "43", "data-detail": ""})
	filed, err := f.Draft(incident(), Values{"customers": "43"}).Filed(receipt(clock.SecretService, clock.FBI))
	if err != nil {
		t.Fatal(err)
	}
	rehearsal := in("breach-2023")
	rehearsal.Exercise = true
	exercise, err := formOf(t, "breach-2023").Draft(rehearsal, nil).Filed(receipt(clock.FBI))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]Filled{"draft-2007": draft, "filed-2007": filed, "exercise-2023": exercise}
}

// A report has the same bytes whoever writes it, reads back as it was, and one in which a byte is another is refused.
//
// cite: P-51, P-52, 47 CFR 64.2011(d)
func TestJSON(t *testing.T) {
	for name, r := range reports(t) {
		b, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		// The golden file is indented for its readers; that it says the same is what is compared.
		var any any
		if err := json.Unmarshal(b, &any); err != nil {
			t.Fatal(err)
		}
		readable, _ := json.MarshalIndent(any, "", "  ")
		golden(t, name+".json", append(readable, '\n'))
		sorted, _ := json.Marshal(any)
		if string(sorted) != strings.ReplaceAll(string(b), "&", `\u0026`) {
			t.Errorf("%s: its names are not in the order of RFC 8785", name)
		}
		back, err := Read(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, _ := back.JSON()
		one, _ := r.Hash()
		two, _ := back.Hash()
		if !bytes.Equal(again, b) || one != two || len(one) != 64 {
			t.Errorf("%s: read back it is another", name)
		}
		for _, a := range r.Sections[3].Fields {
			if x, ok := back.Answer(a.Name); !ok || x.Value != a.Value || x.Text != a.Text || !reflect.DeepEqual(x.Problem, a.Problem) {
				t.Errorf("%s: %s was %q and is %q", name, a.Name, a.Value, x.Value)
			}
		}
		for _, other := range []string{strings.Replace(string(b), "2026-0007", "2026-0008", 1) + " ", string(b) + "\n", strings.Replace(string(b), `"exercise":`, `"exercised":`, 1),
			strings.Replace(string(b), `"minor":`, `"minor":-`, 1), strings.Replace(string(b), writtenAs, "breach-report/9", 1), string(readable), "", "null", "[]"} {
			if _, err := Read([]byte(other)); err == nil && other != string(b) {
				t.Errorf("%s: it was read with another byte: %.80s", name, other)
			}
		}
	}
}

// What a report says has one hash, as a draft and as it was filed; another answer gives another.
//
// cite: P-51, 47 CFR 64.2011(d)
func TestSaid(t *testing.T) {
	f := formOf(t, "breach-2007")
	draft := f.Draft(incident(), nil)
	filed, err := draft.Filed(receipt(clock.SecretService, clock.FBI))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := draft.Said()
	b, _ := filed.Said()
	c, _ := f.Draft(incident(), Values{"customers": "41"}).Said()
	h, _ := filed.Hash()
	if a != b || a == c || h == b {
		t.Errorf("the draft says %s, the copy %s, another %s; the copy is %s", a, b, c, h)
	}
}

// A report is filed whole, once, and with its receipt; agencies that the receipt does not name are untold.
//
// cite: P-45, P-51, 47 CFR 64.2011(b)
func TestFiled(t *testing.T) {
	f := formOf(t, "breach-2007")
	draft := f.Draft(incident(), nil)
	if u := draft.Untold(); len(u) != 2 || draft.Mark() != "DRAFT" || draft.Name() != "breach-report-2026-0007-draft" {
		t.Errorf("%v %s %s", u, draft.Mark(), draft.Name())
	}
	for says, row := range map[string]struct {
		report Filled
		with   func(*Receipt)
	}{
		"RECEIPT: the facility’s receipt has no number":     {draft, func(r *Receipt) { r.Number = " \n" }},
		"RECEIPT: the facility’s receipt has no number, or": {draft, func(r *Receipt) { r.At = time.Time{} }},
	} {
		with := receipt(clock.SecretService, clock.FBI)
		row.with(&with)
		if got, err := row.report.Filed(with); err == nil || !strings.Contains(err.Error(), says) || got.Receipt != nil {
			t.Errorf("%s: %v", says, err)
		}
	}
	half, err := draft.Filed(receipt(clock.FBI))
	if err != nil || len(half.Untold()) != 1 || half.Untold()[0] != clock.SecretService || half.Mark() != "" {
		t.Errorf("told are not %v: %v", half.Untold(), err)
	}
	if _, err := half.Filed(receipt(clock.FBI, clock.SecretService)); err == nil || !strings.Contains(err.Error(), "supplement") {
		t.Errorf("filed twice: %v", err)
	}
	if draft.Receipt != nil {
		t.Error("the draft was changed")
	}
	// What lacks something and was filed all the same is on record as it was.
	poor, err := f.Draft(incident(), Values{"method": "", "urgent": "yes"}).Filed(receipt(clock.SecretService, clock.FBI))
	if err != nil || len(Blocking(poor.Problems())) != 2 || !poor.Urgent() || draft.Urgent() || len(poor.Agencies()) != 2 {
		t.Errorf("%+v %v", poor.Problems(), err)
	}
}

// What a person wrote wins over what is recorded, is marked, and keeps what the records say beside it.
//
// cite: P-52
func TestChanged(t *testing.T) {
	f := formOf(t, "breach-2007")
	r := f.Draft(incident(), Values{"customers": "43", "method": "", "carrier-name": "Lucid Technologies, LLC"})
	for name, want := range map[string]Answer{
		"customers":    {Value: "43", Text: "43", Changed: true, Drafted: "40"},
		"method":       {Changed: true, Drafted: incident().Method},
		"carrier-name": {Value: "Lucid Technologies, LLC", Text: "Lucid Technologies, LLC"},
		"discovered":   {Value: "2026-11-23", Text: "November 23, 2026"},
	} {
		a, _ := r.Answer(name)
		if a.Value != want.Value || a.Text != want.Text || a.Changed != want.Changed || a.Drafted != want.Drafted {
			t.Errorf("%s: %+v", name, a)
		}
		if (a.Problem != nil) != (name == "method") {
			t.Errorf("%s: %+v", name, a.Problem)
		}
	}
	if p := r.Problems(); len(p) != 1 || p[0].Field != "method" {
		t.Errorf("%+v", p)
	}
}

// What is not recorded is not made up.
//
// cite: P-52
func TestNothingRecorded(t *testing.T) {
	for _, profile := range profiles {
		r := formOf(t, profile).Draft(Facts{}, nil)
		for _, s := range r.Sections {
			for _, a := range s.Fields {
				switch {
				case a.Name == "urgent" && a.Value == "no", a.Name == "report-kind" && a.Value == "first":
				case a.Value == Unknown && a.Text == unknownWords:
				case a.Value != "":
					t.Errorf("%s: %s is drafted as %q", profile, a.Name, a.Value)
				}
			}
		}
		if len(Blocking(r.Problems())) < 12 {
			t.Errorf("%s: %d problems", profile, len(r.Problems()))
		}
	}
	// Days are those of the carrier's zone.
	late := incident()
	late.Discovered = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	if a, _ := formOf(t, "breach-2007").Draft(late, nil).Answer("discovered"); a.Value != "2026-11-23" {
		t.Errorf("discovered %s", a.Value)
	}
}
