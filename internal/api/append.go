package api

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// append writes d as JSON, as json.Marshal would, but without looking at types again for every call of a customer. A
// test holds the two against each other.
func (d *Disclosure) append(b []byte) []byte {
	b = text(append(b, `{"entry":`...), string(d.Entry))
	if d.Customer != "" {
		b = text(append(b, `,"customer":`...), string(d.Customer))
	}
	b = stamp(append(b, `,"at":`...), d.At)
	b = text(append(b, `,"outcome":`...), string(d.Outcome))
	b = texts(append(b, `,"clauses":`...), d.Clauses)
	b = texts(append(b, `,"cites":`...), d.Cites)
	b = texts(append(b, `,"rules":`...), d.Rules)
	b = text(append(b, `,"policy":`...), d.Policy)
	b = text(append(b, `,"hash":`...), d.Hash)
	if d.Replayed {
		b = append(b, `,"replayed":true`...)
	}
	if d.SentTo != "" {
		b = text(append(b, `,"sent_to":`...), string(d.SentTo))
	}
	if d.Released != nil {
		b = d.Released.append(append(b, `,"released":`...))
	}
	return append(b, '}')
}

func (r *Released) append(b []byte) []byte {
	b = append(b, '{')
	first := true
	next := func(name string) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, name...)
	}
	if len(r.Calls) > 0 {
		next(`"calls":[`)
		for i, l := range r.Calls {
			if i > 0 {
				b = append(b, ',')
			}
			b = l.append(b)
		}
		b = append(b, ']')
	}
	if len(r.Items) > 0 {
		next(`"items":[`)
		for i, it := range r.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = it.append(b)
		}
		b = append(b, ']')
	}
	if len(r.Listings) > 0 {
		next(`"listings":[`)
		for i, l := range r.Listings {
			if i > 0 {
				b = append(b, ',')
			}
			b = text(append(b, `{"number":`...), l.Number)
			b = append(text(append(b, `,"name":`...), l.Name), '}')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (l LineCalls) append(b []byte) []byte {
	b = append(text(append(b, `{"line":`...), l.Line), `,"calls":[`...)
	var day dayStamp
	for i := range l.Calls {
		c := &l.Calls[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = day.append(append(b, `{"at":`...), c.At)
		b = strconv.AppendInt(append(b, `,"seconds":`...), int64(c.Seconds), 10)
		b = strconv.AppendBool(append(b, `,"answered":`...), c.Answered)
		b = text(append(b, `,"direction":`...), c.Direction)
		b = append(text(append(b, `,"number":`...), c.Number), '}')
	}
	return append(b, "]}"...)
}

func (i Item) append(b []byte) []byte {
	b = text(append(b, `{"class":`...), string(i.Class))
	if i.Line != 0 {
		b = strconv.AppendInt(append(b, `,"line":`...), int64(i.Line), 10)
	}
	if i.Month != "" {
		b = text(append(b, `,"month":`...), i.Month)
	}
	b = append(b, `,"values":{`...)
	for n, name := range sortedKeys(i.Values) {
		if n > 0 {
			b = append(b, ',')
		}
		b = text(append(text(b, name), ':'), i.Values[name])
	}
	return append(b, "}}"...)
}

// text appends a JSON text; bytes that are no text become replacement characters.
func text(b []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(b, '"'), s...), '"')
	}
	b, _ = jsontext.AppendQuote(b, s) // the error says that something was replaced
	return b
}

func texts(b []byte, all []string) []byte {
	if all == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, s := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = text(b, s)
	}
	return append(b, ']')
}

func stamp(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// dayStamp writes times as stamp does, many of which are of one day.
type dayStamp struct {
	day  int64 // since 1970, in UTC
	text string
}

func (d *dayStamp) append(b []byte, t time.Time) []byte {
	const long = 24 * 60 * 60
	unix := t.Unix()
	if t.Location() != time.UTC || t.Nanosecond() != 0 || unix < 0 {
		return stamp(b, t)
	}
	if day := unix / long; day != d.day || d.text == "" {
		d.day, d.text = day, t.Format(`"2006-01-02T`)
	}
	of := int(unix % long)
	hour, minute, second := of/3600, of/60%60, of%60
	return append(append(b, d.text...), '0'+byte(hour/10), '0'+byte(hour%10), ':', '0'+byte(minute/10), '0'+byte(minute%10), ':', '0'+byte(second/10), '0'+byte(second%10), 'Z', '"')
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
