package form

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// typed is an answer as programs read it. What is not in its form, and what is not known, stays text.
func (a Answer) typed(currency string) any {
	if a.Value == "" {
		return nil
	}
	if says, _ := (Field{Kind: a.Kind, Longest: mostText}).wrong(a.Value); says != "" && a.Kind != Choice && a.Kind != Choices {
		return a.Value
	}
	switch a.Kind {
	case Count:
		if n, err := strconv.ParseInt(a.Value, 10, 64); err == nil {
			return n
		}
	case Money:
		if n, err := strconv.ParseInt(strings.Replace(a.Value, ".", "", 1), 10, 64); err == nil {
			return typedMoney{n, currency}
		}
	case Range:
		if from, until, ok := strings.Cut(a.Value, "/"); ok {
			return typedRange{from, until}
		}
	case Choices:
		return strings.Split(a.Value, between)
	case YesNo:
		return a.Value == "yes"
	}
	return a.Value
}

type typedMoney struct {
	Minor    int64  `json:"minor"` // in the currency's smallest unit
	Currency string `json:"currency"`
}

type typedRange struct {
	From  string `json:"from"` // a day, or ".." where it is open
	Until string `json:"until"`
}

// untyped is what typed was made of.
func (a Answer) untyped(v jsontext.Value) (string, error) {
	switch v.Kind() {
	case 'n':
		return "", nil
	case '"':
		var s string
		err := json.Unmarshal(v, &s)
		return s, err
	case 't', 'f':
		if a.Kind == YesNo {
			return yesNo(v.Kind() == 't'), nil
		}
	case '0':
		var n int64
		if err := json.Unmarshal(v, &n); err != nil || a.Kind != Count {
			return "", errForm
		}
		return strconv.FormatInt(n, 10), nil
	case '[':
		var all []string
		if err := json.Unmarshal(v, &all); err != nil || a.Kind != Choices {
			return "", errForm
		}
		return strings.Join(all, between), nil
	case '{':
		if a.Kind == Money {
			var m typedMoney
			if err := json.Unmarshal(v, &m, json.RejectUnknownMembers(true)); err != nil || m.Minor < 0 {
				return "", errForm
			}
			return cents(&m.Minor), nil
		}
		var r typedRange
		if err := json.Unmarshal(v, &r, json.RejectUnknownMembers(true)); err != nil || a.Kind != Range {
			return "", errForm
		}
		return r.From + "/" + r.Until, nil
	}
	return "", errForm
}

var errForm = fmt.Errorf("the value of a field is not of its kind")

// written is a report as it is written: the answers typed, under the name of its own form.
type written struct {
	Ringfence string `json:"ringfence"`
	Filled
	Sections []writtenPart `json:"sections"`
}

type writtenPart struct {
	Part
	Fields []writtenAnswer `json:"fields"`
}

type writtenAnswer struct {
	Answer
	Value jsontext.Value `json:"value"`
}

// writtenAs names what the file is, and in which version of this program's own form.
const writtenAs = "breach-report/1"

// JSON writes the report in the one form that RFC 8785 gives to it: the same report has the same bytes, and whoever makes them anew with
// another program gets the same hash.
//
// cite: P-51, P-52, 47 CFR 64.2011(d)
func (r Filled) JSON() ([]byte, error) {
	w := written{Ringfence: writtenAs, Filled: r}
	for _, s := range r.Sections {
		part := writtenPart{Part: s}
		for _, a := range s.Fields {
			v, err := json.Marshal(a.typed(r.Form.Currency))
			if err != nil {
				return nil, fmt.Errorf("writing a report: %w", err)
			}
			part.Fields = append(part.Fields, writtenAnswer{a, v})
		}
		w.Sections = append(w.Sections, part)
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("writing a report: %w", err)
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("writing a report: %w", err)
	}
	return v, nil
}

// Read reads a report that JSON has written. One of which a byte is another is refused: it is not what was kept.
//
// cite: P-51
func Read(file []byte) (Filled, error) {
	var w written
	if err := json.Unmarshal(file, &w, json.RejectUnknownMembers(true)); err != nil {
		return Filled{}, fmt.Errorf("reading a report: %w", err)
	}
	if w.Ringfence != writtenAs {
		return Filled{}, fmt.Errorf("reading a report: it is no %s", writtenAs)
	}
	r := w.Filled
	r.Sections = nil
	for _, s := range w.Sections {
		part := s.Part
		part.Fields = nil
		for _, x := range s.Fields {
			a := x.Answer
			var err error
			if a.Value, err = a.untyped(x.Value); err != nil {
				return Filled{}, fmt.Errorf("reading a report: the field %q: %w", a.Name, err)
			}
			part.Fields = append(part.Fields, a)
		}
		r.Sections = append(r.Sections, part)
	}
	if again, err := r.JSON(); err != nil || !bytes.Equal(again, file) {
		return Filled{}, fmt.Errorf("reading a report: it is not in the form in which reports are kept")
	}
	return r, nil
}

// Hash is that of the JSON, as SHA-256 in hex: of a copy that was filed, its receipt among it.
//
// cite: P-51
func (r Filled) Hash() (string, error) {
	b, err := r.JSON()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// Said is the hash of what the report says, whatever became of it: a draft and the copy of it that was filed have the same.
//
// cite: P-51
func (r Filled) Said() (string, error) {
	r.Receipt = nil
	return r.Hash()
}
