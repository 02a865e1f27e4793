package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// readAll gives every record of text, a record's error in place of its fields, with its line number.
func readAll(t testing.TB, text string) []string {
	t.Helper()
	var out []string
	r := newReader(strings.NewReader(text), 0, 1)
	for {
		fields, err := r.next()
		switch {
		case err == io.EOF:
			if r.offset != int64(len(text)) {
				t.Fatalf("at the end the offset is %d of %d", r.offset, len(text))
			}
			return out
		case err != nil:
			out = append(out, fmt.Sprintf("%d! %v", r.number, err))
		default:
			out = append(out, fmt.Sprintf("%d: %q", r.number, fields))
		}
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("x", MaxLine+10)
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "a,b\nc,d\n", []string{`1: ["a" "b"]`, `2: ["c" "d"]`}},
		{"no line end, carriage returns, empty lines", "a,b\r\n\r\n\nc,", []string{`1: ["a" "b"]`, `4: ["c" ""]`}},
		{"quotes", `"a,1","b ""x"" c",,"",d"e` + "\n", []string{`1: ["a,1" "b \"x\" c" "" "" "d\"e"]`}},
		{"quoted caller of Asterisk", `""""" <client1>","client1"` + "\n", []string{`1: ["\"\" <client1>" "client1"]`}},
		{"line break in quotes", "\"a\nb\",c\nd\n", []string{`1: ["a\nb" "c"]`, `3: ["d"]`}},
		{"open quote loses one line only", "a,\"b\nc,d\ne,f\n", []string{"1! " + errQuote.Error(), `2: ["c" "d"]`, `3: ["e" "f"]`}},
		{"text after a quote", "\"a\"b,c\nd\n", []string{"1! " + errQuote.Error(), `2: ["d"]`}},
		{"NUL", "a\x00b\nc\n", []string{"1! " + errNUL.Error(), `2: ["c"]`}},
		{"NUL in a later line of a record", "\"a\n\x00\"\nc\n", []string{"1! " + errNUL.Error(), `3: ["c"]`}},
		{"bytes that are not UTF-8 pass", "a\xff\xb4,b\n", []string{`1: ["a\xff\xb4" "b"]`}},
		{"too long", "a\n" + long + "\nb\n", []string{`1: ["a"]`, "2! " + errLineTooLong.Error(), `3: ["b"]`}},
		{"too long at the end", long, []string{"1! " + errLineTooLong.Error()}},
		{"too many columns", strings.Repeat(",", 300) + "\na\n", []string{"1! " + errColumns.Error(), `2: ["a"]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, readAll(t, c.text)); d != "" {
				t.Error(d)
			}
		})
	}
}

// What encoding/csv writes, the reader reads back, also from every record's offset on: that is what resuming needs.
func TestReaderReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 6).Draw(t, "width")
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[a-z0-9 ,"+é\n]{0,12}`), width, width), 0, 20).Draw(t, "rows")
		var buf bytes.Buffer
		w := csv.NewWriter(&buf)
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		r := newReader(bytes.NewReader(buf.Bytes()), 0, 1)
		for i := range rows {
			again := newReader(bytes.NewReader(buf.Bytes()[r.offset:]), r.offset, r.line)
			fields, err := r.next()
			if err != nil {
				t.Fatalf("row %d: %v", i, err)
			}
			for j := range fields {
				if string(fields[j]) != rows[i][j] {
					t.Fatalf("row %d column %d: %q, want %q", i, j, fields[j], rows[i][j])
				}
			}
			if got, err := again.next(); err != nil || again.number != r.number || len(got) != width {
				t.Fatalf("row %d from its offset: %q %v", i, got, err)
			}
		}
		if _, err := r.next(); err != io.EOF {
			t.Fatalf("after the last: %v", err)
		}
	})
}

type failing struct{ after io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.after.Read(p)
	if err == io.EOF {
		err = errors.New("disk on fire")
	}
	return n, err
}

func TestReaderTellsASourceThatFails(t *testing.T) {
	r := newReader(failing{strings.NewReader("a,b\nc,")}, 0, 1)
	if _, err := r.next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.next(); err == nil || err == io.EOF {
		t.Fatalf("a source that fails in the middle of a line gives %v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("a,b\n\"c\"\"\",d\n"))
	f.Add([]byte("\"a\nb\n\x00\n\"\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newReader(bytes.NewReader(data), 0, 1)
		var last int64
		for {
			fields, err := r.next()
			if err == io.EOF {
				break
			}
			if err == nil && len(fields) == 0 || len(fields) > maxColumns || len(r.raw) > MaxLine+2 {
				t.Fatalf("%d fields, raw of %d bytes", len(fields), len(r.raw))
			}
			if r.offset <= last || r.number < 1 {
				t.Fatalf("no progress at %d", r.offset)
			}
			last = r.offset
		}
		if r.offset != int64(len(data)) || r.line != int64(bytes.Count(data, []byte("\n")))+1+boolToInt(len(data) > 0 && data[len(data)-1] != '\n') {
			t.Fatalf("ended at %d of %d, line %d", r.offset, len(data), r.line)
		}
	})
}

func boolToInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// BenchmarkReader compares the reader with encoding/csv on rows of our own format and on Asterisk's.
func BenchmarkReader(b *testing.B) {
	for name, row := range map[string]string{
		"own":      "0123456789abcdef,+12025550141,+17035550123,2026-02-11T23:02:00Z,300,yes\n",
		"asterisk": `"","89001808782","211553","pstn","""8900"" <8900>","SIP/211553-00000003","SIP/301-00000004","Dial","SIP/301&SIP/200,60,t","2024-01-27 15:33:20","2024-01-27 15:33:20","2024-01-27 15:34:20",60,60,"NO ANSWER","DOCUMENTATION","1706369600.6","","","1706369600.6",3` + "\n",
	} {
		data := []byte(strings.Repeat(row, 10000))
		b.Run(name+"/reader", func(b *testing.B) {
			b.SetBytes(int64(len(row)))
			for n := 0; n < b.N; {
				r := newReader(bytes.NewReader(data), 0, 1)
				for ; n < b.N; n++ {
					if _, err := r.next(); err != nil {
						break
					}
				}
			}
		})
		b.Run(name+"/encoding-csv", func(b *testing.B) {
			b.SetBytes(int64(len(row)))
			for n := 0; n < b.N; {
				r := csv.NewReader(bytes.NewReader(data))
				r.ReuseRecord = true
				for ; n < b.N; n++ {
					if _, err := r.Read(); err != nil {
						break
					}
				}
			}
		})
	}
}
