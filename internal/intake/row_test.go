package intake

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parseText parses every row of text and describes what each became.
func parseText(t testing.TB, format Format, m *Map, z string, text string) ([]string, *parser) {
	t.Helper()
	p, err := newParser(format, m, zone(t, z))
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(strings.NewReader(text), 0, 1)
	if format == CSV {
		var header [][]byte
		if m.Header == nil || *m.Header {
			if header, err = r.next(); err != nil {
				t.Fatal(err)
			}
		}
		if p.csv, err = csvLayout(m.Columns, header); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	for {
		fields, err := r.next()
		if err != nil {
			if rej := rejectionOf(err); rej != nil {
				out = append(out, fmt.Sprintf("%d %s", r.number, rej.Reason))
				continue
			}
			return out, p
		}
		var ev event
		if rej := p.parse(fields, r.number, &ev); rej != nil {
			out = append(out, fmt.Sprintf("%d %s", r.number, rej.Reason))
			continue
		}
		out = append(out, fmt.Sprintf("%d %s>%s %s %d %v %d", r.number, ev.caller, ev.called,
			time.Unix(ev.at, 0).UTC().Format("2006-01-02T15:04:05"), ev.seconds, ev.answered, ev.dir))
	}
}

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../demo/data/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every trap of the FreeSWITCH sample: withheld caller, a call over the spring change whose wall clock says 62
// minutes, the repeated autumn hour, the same uuid twice.
func TestFreeSWITCHSample(t *testing.T) {
	got, p := parseText(t, FreeSWITCH, &Map{}, "America/New_York", file(t, "freeswitch-cdr.csv"))
	want := []string{
		"1 +12025550141>+17035550123 2026-02-11T03:41:05 9 true 0",
		"2 >+12025550141 2026-02-11T03:41:40 0 false 0",
		"3 +12025550141>+442079460123 2026-03-08T06:59:30 91 true 0",
		"4 +12025550141>+17035550123 2026-11-01T05:30:00 32 true 0",
		"5 +12025550141>+17035550123 2026-11-01T05:30:00 32 true 0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// The UUIDs were made in 2020 and so say nothing about these hours.
	if p.notes.Count[oddRepeated] != 2 || p.notes.Count[oddWitness] != 0 || p.notes.Count[oddClock] != 2 {
		t.Errorf("notes %+v", p.notes)
	}
}

func TestAsteriskSamples(t *testing.T) {
	for _, c := range []struct {
		file, zone string
		m          Map
		rows, ids  int
		bad        map[string]int
		want       map[int]string
		odd        [odds]int64
	}{
		{file: "asterisk-master.csv", zone: "UTC", rows: 84, ids: 39,
			m: Map{Numbers: Numbers{Lines: map[string]string{"211474": "+12025550174", "211553": "+12025550153"},
				Rules: []NumberRule{{Prefix: "89", Digits: 11, Strip: new(1), Put: "+7"}}},
				Contexts: map[string]string{"stadion-pstn": "in", "TimeDelay": "inside"}},
			want: map[int]string{
				1:  "1 +79001808782>+12025550174 2024-01-27T15:07:24 27 true 1",
				4:  "4 +79001808782>+12025550153 2024-01-27T15:33:20 0 false 1",
				6:  "6 +79001808782>+12025550153 2024-01-27T15:33:20 0 true 1",
				7:  "7 +79001808782> 2024-01-27T16:16:36 0 false 3",
				26: "26 +79001720330>+12025550153 2024-01-28T02:04:06 17 true 1", // starts with its call, six seconds before its leg
				29: "29 214943>+12025550153 2024-01-28T03:20:22 0 false 1",
				41: "41 81079004606>+12025550153 2024-01-28T04:10:46 0 false 1",
			}, odd: [odds]int64{oddUTF8: 8, oddBilled: 2}},
		{file: "asterisk-master-pjsip.csv", zone: "Etc/GMT-3", rows: 14, ids: 14,
			m: Map{Numbers: Numbers{Lines: map[string]string{"client1": "+12025550161", "1234": "+12025550161",
				"client2": "+12025550162", "6789": "+12025550162"}}},
			want: map[int]string{
				1: "1 +12025550161>+12025550162 2023-07-25T22:51:32 13 true 0",
				2: "2 +12025550162>+12025550161 2023-07-25T22:52:11 0 false 0",
			}},
		{file: "asterisk-master-pjsip.csv", zone: "UTC", rows: 14, ids: 14, bad: map[string]int{"NUMBER": 14}},
	} {
		t.Run(c.file+" "+c.zone, func(t *testing.T) {
			got, p := parseText(t, Asterisk, &c.m, c.zone, file(t, c.file))
			if len(got) != c.rows {
				t.Fatalf("%d rows", len(got))
			}
			for line, want := range c.want {
				if got[line-1] != want {
					t.Errorf("%s, want %s", got[line-1], want)
				}
			}
			bad := 0
			for _, g := range got {
				if len(strings.Fields(g)) == 2 {
					bad++
				}
			}
			if bad != c.bad["NUMBER"] {
				t.Errorf("%d rows rejected: %q", bad, got)
			}
			if p.notes.Count != c.odd {
				t.Errorf("notes %v, want %v", p.notes.Count, c.odd)
			}
		})
	}
}

// A wrong zone shows in Asterisk's ids, which are in UTC; the stated zone is still what counts.
func TestZoneThatTheIDsContradict(t *testing.T) {
	m := Map{Numbers: Numbers{Lines: map[string]string{"client1": "+12025550161", "1234": "+12025550161",
		"client2": "+12025550162", "6789": "+12025550162"}}}
	got, p := parseText(t, Asterisk, &m, "UTC", file(t, "asterisk-master-pjsip.csv"))
	if want := "1 +12025550161>+12025550162 2023-07-26T01:51:32 13 true 0"; got[0] != want {
		t.Errorf("%s, want %s", got[0], want)
	}
	if o := p.notes.oddities(); len(o) != 1 || o[0].Rows != 14 || o[0].First != 1 || !strings.Contains(o[0].What, "3h0m0s") {
		t.Errorf("oddities %+v", o)
	}
}

func TestRows(t *testing.T) {
	no := false
	const own = "call_id,caller,called,start,seconds,answered\n"
	for _, c := range []struct {
		name string
		zone string
		m    Map
		text string
		want []string
	}{
		{"own format", "UTC", Map{}, own + "a,+12025550141,+17035550123,2026-02-11T23:02:00Z,300,yes\nb,anonymous,2025550141,2026-02-11T23:02:00-05:00,,no\n",
			[]string{"2 +12025550141>+17035550123 2026-02-11T23:02:00 300 true 0", "3 >+12025550141 2026-02-12T04:02:00 0 false 0"}},
		{"local time", "America/New_York", Map{}, own + "a,2025550141,7035550123,2026-02-11 18:02:00,300,yes\nb,2025550141,7035550123,2026-03-08 02:30:00,1,yes\n",
			[]string{"2 +12025550141>+17035550123 2026-02-11T23:02:00 300 true 0", "3 NO_SUCH_TIME"}},
		{"columns", "UTC", Map{}, own + "a,b\na,b,c,d,e,f,g\n", []string{"2 COLUMNS", "3 COLUMNS"}},
		{"numbers that are none", "UTC", Map{}, own + "a,call me,+17035550123,2026-02-11T23:02:00Z,1,yes\nb,+12025550141,,2026-02-11T23:02:00Z,1,yes\nc,+12025550141,+,2026-02-11T23:02:00Z,1,yes\nd,+12025550141,+1234567890123456,2026-02-11T23:02:00Z,1,yes\n",
			[]string{"2 NUMBER", "3 NUMBER", "4 NUMBER", "5 NUMBER"}},
		{"as dialled", "UTC", Map{}, own + "a,2025550141,911,2026-02-11T23:02:00Z,1,yes\nb,2025550141,*69,2026-02-11T23:02:00Z,1,yes\nc,2025550141,011442079460123,2026-02-11T23:02:00Z,1,yes\nd,2025550141,0,2026-02-11T23:02:00Z,1,yes\ne,(202) 555-0141,sip:+17035550123@example.net,2026-02-11T23:02:00Z,1,yes\n",
			[]string{"2 +12025550141>911 2026-02-11T23:02:00 1 true 0", "3 +12025550141>*69 2026-02-11T23:02:00 1 true 0",
				"4 +12025550141>+442079460123 2026-02-11T23:02:00 1 true 0", "5 +12025550141>0 2026-02-11T23:02:00 1 true 0",
				"6 +12025550141>+17035550123 2026-02-11T23:02:00 1 true 0"}},
		{"durations", "UTC", Map{}, own + "a,2025550141,911,2026-02-11T23:02:00Z,-1,yes\nb,2025550141,911,2026-02-11T23:02:00Z,1e3,yes\nc,2025550141,911,2026-02-11T23:02:00Z,99999999,yes\nd,2025550141,911,2026-02-11T23:02:00Z,,yes\ne,2025550141,911,2026-02-11T23:02:00Z,2.9,yes\nf,2025550141,911,2026-02-11T23:02:00Z,7,no\ng,2025550141,911,2026-02-11T23:02:00Z,7,perhaps\n",
			[]string{"2 DURATION", "3 DURATION", "4 DURATION", "5 DURATION", "6 +12025550141>911 2026-02-11T23:02:00 2 true 0",
				"7 +12025550141>911 2026-02-11T23:02:00 0 false 0", "8 FIELD"}},
		{"times that are none", "UTC", Map{}, own + "a,2025550141,911,,1,yes\nb,2025550141,911,2026-02-30T23:02:00Z,1,yes\nc,2025550141,911,yesterday,1,yes\n",
			[]string{"2 TIME", "3 TIME", "4 TIME"}},
		{"seconds from answer and end over a clock change", "America/New_York",
			Map{Header: &no, Columns: Columns{Caller: "1", Called: "2", Start: "3", Answer: "4", End: "5"}},
			"2025550141,911,2026-03-08 01:59:30,2026-03-08 01:59:41,2026-03-08 03:01:12\n2025550141,911,2026-11-01 00:59:30,2026-11-01 01:59:00,2026-11-01 01:01:00\n2025550141,911,2026-02-01 00:59:30,,2026-02-01 01:01:00\n",
			[]string{"1 +12025550141>911 2026-03-08T06:59:30 91 true 0", "2 +12025550141>911 2026-11-01T04:59:30 120 true 0",
				"3 +12025550141>911 2026-02-01T05:59:30 0 false 0"}},
		{"repeated hour settled by end and duration", "America/New_York",
			Map{Header: &no, Columns: Columns{Caller: "1", Called: "2", Start: "3", End: "4", Duration: "5", Seconds: "5"}},
			"2025550141,911,2026-11-01 01:59:30,2026-11-01 02:00:12,42\n2025550141,911,2026-11-01 01:59:30,2026-11-01 02:00:12,3642\n2025550141,911,2026-11-01 01:59:30,2026-11-01 01:00:12,42\n",
			[]string{"1 +12025550141>911 2026-11-01T06:59:30 42 true 0", "2 +12025550141>911 2026-11-01T05:59:30 3642 true 0",
				"3 +12025550141>911 2026-11-01T05:59:30 42 true 0"}},
		{"directions, contexts, layout", "UTC",
			Map{Columns: Columns{Caller: "from", Called: "to", Start: "when", Seconds: "s", Direction: "dir", Context: "ctx"}, Time: "02.01.2006 15:04",
				Directions: map[string][]string{"in": {"MT"}, "out": {"MO"}}, Contexts: map[string]string{"ivr": "inside", "default": "in"}},
			"from,to,when,s,dir,ctx\n2025550141,911,01.02.2026 10:00,1,MO,\n2025550141,911,01.02.2026 10:00,1,MT,ivr\n2025550141,911,01.02.2026 10:00,1,,ivr\n2025550141,911,01.02.2026 10:00,1,,x\n2025550141,911,01.02.2026 10:00,1,XX,x\n",
			[]string{"2 +12025550141>911 2026-02-01T10:00:00 1 true 2", "3 +12025550141>911 2026-02-01T10:00:00 1 true 1",
				"4 +12025550141>911 2026-02-01T10:00:00 1 true 3", "5 +12025550141>911 2026-02-01T10:00:00 1 true 1", "6 DIRECTION"}},
		{"unix times", "America/New_York", Map{Columns: Columns{Caller: "1", Called: "2", Start: "3", Seconds: "4"}, Time: "unix-ms"},
			"a,b,c,d\n2025550141,911,1771000000999,5\n2025550141,911,17x,5\n", []string{"2 +12025550141>911 2026-02-13T16:26:40 5 true 0", "3 TIME"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := parseText(t, CSV, &c.m, c.zone, c.text)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// The moment in an Asterisk id, or in a time-based UUID, tells the two occurrences of the repeated hour apart.
func TestRepeatedHourByID(t *testing.T) {
	row := func(id string) string {
		return `"","2025550141","911","x","","SIP/1","","Dial","","2026-11-01 01:30:00","2026-11-01 01:30:00","2026-11-01 01:30:10",10,10,"ANSWERED","D","` + id + `"` + "\n"
	}
	got, p := parseText(t, Asterisk, &Map{}, "America/New_York", row("1793511000.1")+row("1793514600.1")+row("x.1"))
	want := []string{"1 +12025550141>911 2026-11-01T05:30:00 10 true 0", "2 +12025550141>911 2026-11-01T06:30:00 10 true 0",
		"3 +12025550141>911 2026-11-01T05:30:00 10 true 0"}
	if d := cmp.Diff(want, got); d != "" || p.notes.Count[oddWitness] != 2 || p.notes.Count[oddRepeated] != 1 {
		t.Error(d, p.notes.Count)
	}
	uuid := func(at time.Time) string {
		n := uint64(at.Unix())*10_000_000 + 122192928000000000
		return fmt.Sprintf("%08x-%04x-1%03x-b08c-2bfc2a06d67d", n&0xffffffff, n>>32&0xffff, n>>48)
	}
	fs := func(id string) string {
		return `"","2025550141","911","d","2026-11-01 01:30:00","2026-11-01 01:30:09","2026-11-01 01:30:43","43","34","OK","` + id + `","","","",""` + "\n"
	}
	got, _ = parseText(t, FreeSWITCH, &Map{}, "America/New_York", fs(uuid(time.Date(2026, 11, 1, 6, 30, 1, 0, time.UTC)))+fs(uuid(time.Date(2026, 11, 1, 5, 29, 59, 0, time.UTC))))
	want = []string{"1 +12025550141>911 2026-11-01T06:30:00 34 true 0", "2 +12025550141>911 2026-11-01T05:30:00 34 true 0"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadMap(t *testing.T) {
	for _, c := range []struct{ name, text, err string }{
		{"good", "format: csv\nzone: UTC\ncolumns: {caller: a, called: b, start: c}\nnumbers: {country: \"44\", rules: [{prefix: \"9\", digits: 11}]}\n", ""},
		{"unknown field", "format: csv\ncolums: {}\n", "colums"},
		{"unknown format", "format: excel\n", "format must be"},
		{"unknown zone", "zone: Mars/Olympus\n", "zone"},
		{"machine's zone", "zone: Local\n", "zone"},
		{"alias bomb", "a: &a [x,x]\nb: [*a,*a]\n", "anchors"},
		{"wrong type", "contexts: [1]\n", "["},
		{"bad direction", "contexts: {x: sideways}\n", "sideways"},
		{"bad line", "numbers: {lines: {\"1\": \"2025550141\"}}\n", "numbers.lines"},
		{"columns of a format that has its own", "format: asterisk\ntime: unix\n", "has its own"},
		{"letters for a zone", "time: 2006-01-02 15:04:05 MST\n", "letters"},
		{"not YAML", "\x00\xff: [", ""},
		{"huge", strings.Repeat("#", maxMapFile+1), "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadMap(strings.NewReader(c.text))
			if c.name == "not YAML" {
				if err == nil {
					t.Fatal("accepted")
				}
				return
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

func FuzzRows(f *testing.F) {
	for _, name := range []string{"freeswitch-cdr.csv", "asterisk-master.csv", "asterisk-master-pjsip.csv"} {
		for line := range bytes.Lines([]byte(file(f, name))) {
			f.Add(line)
		}
	}
	f.Add([]byte("x,+12025550141,+17035550123,2026-02-11T23:02:00Z,300,yes\n"))
	ny := zone(f, "America/New_York")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []Format{Asterisk, FreeSWITCH, CSV} {
			p, err := newParser(format, &Map{}, ny)
			if err != nil {
				t.Fatal(err)
			}
			p.csv, _ = csvLayout(ownColumns, [][]byte{[]byte("call_id"), []byte("caller"), []byte("called"), []byte("start"), []byte("seconds"), []byte("answered")})
			r := newReader(bytes.NewReader(data), 0, 1)
			for {
				fields, err := r.next()
				if rejectionOf(err) != nil {
					continue
				}
				if err != nil {
					break
				}
				var ev, again event
				if p.parse(fields, 1, &ev) != nil {
					continue
				}
				if ev.seconds > maxSeconds || ev.seconds > 0 && !ev.answered || ev.at < -86400*2 || ev.dir != inside && ev.called == 0 {
					t.Fatalf("%q became %+v", r.raw, ev)
				}
				// A row means the same whatever was read before it.
				fresh, _ := newParser(format, &Map{}, ny)
				fresh.csv = p.csv
				if r := fresh.parse(fields, 1, &again); r != nil || again != ev {
					t.Fatalf("%+v, then %+v", ev, again)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	p, err := newParser(CSV, &Map{}, time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	data := []byte("call_id,caller,called,start,seconds,answered\n" + strings.Repeat("0123456789abcdef,+12025550141,+17035550123,2026-02-11T23:02:00Z,300,yes\n", 10000))
	var ev event
	for n := 0; n < b.N; {
		r := newReader(bytes.NewReader(data), 0, 1)
		header, _ := r.next()
		p.csv, _ = csvLayout(Columns{}, header)
		for ; n < b.N; n++ {
			fields, err := r.next()
			if err != nil {
				break
			}
			if rej := p.parse(fields, 1, &ev); rej != nil {
				b.Fatal(rej)
			}
		}
	}
}
