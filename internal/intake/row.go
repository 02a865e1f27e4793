package intake

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// maxSeconds bounds the length of a call; an open line of a month is odd, a longer one is an error.
const maxSeconds = 31 * 86400

// event is what one row says, before its numbers become lines.
type event struct {
	id             uint64 // what all legs of one call share, hashed
	caller, called dialled
	at             int64 // start, unix seconds
	seconds        uint32
	answered       bool
	dir            direction
	local          bool // a half channel inside an Asterisk
}

// parser turns rows into events. What a row becomes depends on the row alone, so that a file may be split anywhere.
// It belongs to one goroutine.
type parser struct {
	format     Format
	csv        layout // of format csv
	clock, utc wallclock
	numbers    *normaliser
	time       string // of the map
	absolute   bool   // time has an offset of its own
	yes        map[string]bool
	strict     bool // yes is the map's: everything else means no
	dirs       map[string]direction
	contexts   map[string]direction
	otherwise  direction
	notes      notes
}

func newParser(format Format, m *Map, zone *time.Location) (*parser, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	norm, err := newNormaliser(m.Numbers)
	if err != nil {
		return nil, err
	}
	p := &parser{format: format, clock: wallclock{zone: zone}, utc: wallclock{zone: time.UTC}, numbers: norm, time: m.Time,
		yes: map[string]bool{}, dirs: map[string]direction{}, contexts: map[string]direction{}}
	p.absolute = strings.Contains(m.Time, "Z07") || strings.Contains(m.Time, "-07")
	yes := m.Answered
	if p.strict = len(yes) > 0; !p.strict {
		yes = []string{"answered", "yes", "y", "true", "t", "1"}
	}
	for _, v := range yes {
		p.yes[strings.ToLower(v)] = true
	}
	for to, values := range m.Directions {
		for _, v := range values {
			p.dirs[v] = directions[to]
		}
	}
	if len(m.Directions) == 0 {
		for name, d := range directions {
			p.dirs[name] = d
		}
	}
	for context, to := range m.Contexts {
		if context == "default" {
			p.otherwise = directions[to]
		}
		p.contexts[context] = directions[to]
	}
	return p, nil
}

// parse reads one row. It returns nil when ev holds it, else why it cannot be imported.
func (p *parser) parse(fields [][]byte, line int64, ev *event) *rejection {
	l := &p.csv
	switch p.format {
	case Asterisk:
		// The two orders are told apart by the column that holds the start.
		if l = &asteriskPlain; len(fields) > 8 && looksLikeStamp(fields[8]) {
			l = &asteriskCustom
		}
	case FreeSWITCH:
		l = &freeswitchDefault
	}
	if len(fields) < l.least || len(fields) > l.most {
		return rejectColumns
	}
	get := func(i int) []byte {
		if i < 0 || i >= len(fields) {
			return nil
		}
		return fields[i]
	}
	if r := p.direction(get(l.dir), get(l.ctx), ev); r != nil {
		return r
	}
	ev.local = l.channel >= 0 && bytes.HasPrefix(get(l.channel), []byte("Local/"))
	var ok1, ok2 bool
	ev.caller, ok1 = p.numbers.caller(get(l.caller))
	ev.called, ok2 = p.numbers.called(get(l.called))
	switch {
	case (!ok1 || !ok2) && ev.local:
		ev.dir = inside
	case ev.dir == inside:
	case !ok1:
		return rejectCaller
	case !ok2:
		return rejectCalled
	}
	for _, f := range fields {
		if !utf8.Valid(f) {
			p.notes.see(oddUTF8, line)
			break
		}
	}
	return p.times(l, get, line, ev)
}

func (p *parser) direction(dir, ctx []byte, ev *event) *rejection {
	ev.dir = p.otherwise
	if len(p.contexts) > 0 {
		if d, ok := p.contexts[string(ctx)]; ok {
			ev.dir = d
		}
	}
	if dir = bytes.TrimSpace(dir); len(dir) > 0 {
		d, ok := p.dirs[string(dir)]
		if !ok {
			return rejectDirection
		}
		ev.dir = d
	}
	return nil
}

// times settles when the call began, whether it was answered and how long it was, and its identity.
func (p *parser) times(l *layout, get func(int) []byte, line int64, ev *event) *rejection {
	id := get(l.id)
	if linked := get(l.linked); len(linked) > 0 {
		id = linked
	}
	witness := int64(0) // a moment in the id, unix seconds
	if l.idEpoch {
		witness = epochOf(id)
	}
	start, again, twice, err := p.moment(get(l.start))
	if err == errNonexistent {
		return rejectNoTime
	} else if err == errNoZone {
		return rejectNoZone
	} else if err != nil {
		return rejectTime
	}
	var answer, end []byte = stampOrEmpty(get(l.answer)), stampOrEmpty(get(l.end))
	answered, said := false, false
	if l.answered >= 0 {
		value := bytes.TrimSpace(get(l.answered))
		if answered, said = p.saysYes(value), true; !answered && !p.strict && p.format == CSV && !knownNo(value) {
			return rejectAnswered
		}
	} else if l.answer >= 0 {
		answered, said = len(answer) > 0, true
	}

	seconds, haveSeconds, ok := wholeSeconds(get(l.seconds))
	if !ok {
		return rejectDuration
	}
	duration, haveDuration, ok := wholeSeconds(get(l.duration))
	if !ok {
		return rejectDuration
	}
	if twice {
		start = p.settle(l, id, witness, start, again, end, duration, haveDuration, line)
	}
	from, to, r := p.span(answer, end, start)
	if r != nil {
		return r
	}
	if !haveSeconds {
		switch {
		case from != 0 && to >= from:
			seconds = to - from
		case !said || answered:
			return rejectNoSeconds
		}
	} else if answered && from != 0 && to != 0 {
		if d := to - from - seconds; d < -1 || d > 1 {
			p.notes.see(oddClock, line)
		}
	}
	if !said {
		answered = seconds > 0
	}
	if seconds > maxSeconds {
		return rejectDuration
	}
	if !answered && seconds > 0 {
		if p.format == CSV {
			p.notes.see(oddUnanswered, line)
		} else {
			p.notes.see(oddBilled, line)
		}
		seconds = 0
	}
	if seconds > 86400 {
		p.notes.see(oddLong, line)
	}
	ev.at, ev.seconds, ev.answered = start, uint32(seconds), answered
	if witness != 0 {
		ev.at = p.anchor(start, witness, line)
	}
	ev.id = identity(id, get(l.other), ev)
	return nil
}

// anchor gives all legs of one call one start, the moment in the id that they share: a leg begins at that moment or up
// to half an hour later. What is farther away is taken by its own clock; whole quarter hours are noted, for that is
// how a wrong zone looks.
func (p *parser) anchor(start, witness, line int64) int64 {
	d := start - witness
	if d >= -2 && d < 1800 {
		return witness
	}
	if quarters := (d + 450) / 900; d > 0 && d-quarters*900 <= 2 && d-quarters*900 >= -2 && quarters <= 26*4 {
		p.notes.seeAhead(int(quarters), line)
	} else if quarters := (-d + 450) / 900; d < 0 && -d-quarters*900 <= 2 && -d-quarters*900 >= -2 && quarters <= 26*4 {
		p.notes.seeAhead(-int(quarters), line)
	}
	return start
}

// settle decides a start in a repeated hour by what the row itself proves, in this order: the moment in Asterisk's id,
// the moment in a time-based UUID, the end together with the duration. Rows before and after are not asked: another
// split of the file would give other answers. Without proof the first occurrence is taken.
func (p *parser) settle(l *layout, id []byte, witness, first, again int64, end []byte, duration int64, haveDuration bool, line int64) int64 {
	choose := func(fits func(start int64) bool) (int64, bool) {
		a, b := fits(first), fits(again)
		if a == b {
			return 0, false
		}
		p.notes.see(oddWitness, line)
		if a {
			return first, true
		}
		return again, true
	}
	if witness != 0 {
		if s, ok := choose(func(s int64) bool { return s-witness >= -2 && s-witness < 1800 }); ok {
			return s
		}
	}
	if l.idUUID {
		if t := uuidTime(id); t != 0 {
			if s, ok := choose(func(s int64) bool { return s-t >= -120 && s-t <= 120 }); ok {
				return s
			}
		}
	}
	if haveDuration && len(end) > 0 {
		if e1, e2, two, err := p.moment(end); err == nil {
			if s, ok := choose(func(s int64) bool { return near(e1-s, duration) || two && near(e2-s, duration) }); ok {
				return s
			}
		}
	}
	p.notes.see(oddRepeated, line)
	return first
}

func near(a, b int64) bool { return a-b >= -1 && a-b <= 1 }

// span gives the moments of answer and end; 0 for one that is not there or that the clock never showed. Each is the
// first that does not lie before what it follows.
func (p *parser) span(answer, end []byte, start int64) (from, to int64, r *rejection) {
	after := func(b []byte, earliest int64) (int64, bool) {
		if len(b) == 0 {
			return 0, true
		}
		first, again, twice, err := p.moment(b)
		if err == errNonexistent {
			return 0, true
		}
		if err != nil {
			return 0, false
		}
		if twice && first < earliest {
			return again, true
		}
		return first, true
	}
	from, ok := after(answer, start)
	if !ok {
		return 0, 0, rejectEndTime
	}
	if to, ok = after(end, max(start, from)); !ok {
		return 0, 0, rejectEndTime
	}
	return from, to, nil
}

// moment reads one time of the file.
func (p *parser) moment(b []byte) (first, again int64, twice bool, err error) {
	b = bytes.TrimSpace(b)
	switch p.time {
	case "":
		if n := len(b); n > 19 && (b[n-1] == 'Z' || b[n-3] == ':' && (b[n-6] == '+' || b[n-6] == '-')) {
			return p.absoluteMoment(b)
		}
		s, err := parseStamp(b)
		if err != nil {
			return 0, 0, false, err
		}
		if p.clock.zone == nil {
			return 0, 0, false, errNoZone
		}
		return p.clock.moments(s)
	case "unix", "unix-ms":
		n, ok := number(b)
		if p.time == "unix-ms" {
			n /= 1000
		}
		if !ok || n > 1<<34 {
			return 0, 0, false, errNotATime
		}
		return int64(n), 0, false, nil
	}
	if len(b) > 64 {
		return 0, 0, false, errNotATime
	}
	t, err := time.Parse(p.time, string(b))
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return 0, 0, false, errNotATime
	}
	if p.absolute {
		return t.Unix(), 0, false, nil
	}
	if p.clock.zone == nil {
		return 0, 0, false, errNoZone
	}
	return p.clock.moments(stamp{t.Year(), int(t.Month()), t.Day(), t.Hour()*3600 + t.Minute()*60 + t.Second()})
}

// absoluteMoment reads RFC 3339; UTC, the usual form, without an allocation.
func (p *parser) absoluteMoment(b []byte) (int64, int64, bool, error) {
	if b[len(b)-1] == 'Z' {
		s, err := parseStamp(b[:len(b)-1])
		if err != nil {
			return 0, 0, false, err
		}
		return p.utc.moments(s)
	}
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(string(b), " ", "T", 1))
	if err != nil || t.Unix() < 0 {
		return 0, 0, false, errNotATime
	}
	return t.Unix(), 0, false, nil
}

func (p *parser) saysYes(value []byte) bool {
	var buf [32]byte
	if len(value) > len(buf) {
		return false
	}
	return p.yes[string(lower(append(buf[:0], value...)))]
}

func knownNo(value []byte) bool {
	switch strings.ToLower(string(value)) {
	case "", "no", "n", "false", "f", "0", "no answer", "noanswer", "busy", "failed", "congestion", "cancel", "canceled", "cancelled", "missed", "unanswered":
		return true
	}
	return false
}

// stampOrEmpty treats the date that databases write for "none" as none.
func stampOrEmpty(b []byte) []byte {
	b = bytes.TrimSpace(b)
	if bytes.HasPrefix(b, []byte("0000-00-00")) {
		return nil
	}
	return b
}

// wholeSeconds reads a duration; a fraction of a second is dropped.
func wholeSeconds(b []byte) (n int64, have, ok bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return 0, false, true
	}
	if i := bytes.IndexByte(b, '.'); i > 0 && i < len(b)-1 && allDigits(b[i+1:]) {
		b = b[:i]
	}
	v, ok := number(b)
	if !ok || v > maxSeconds {
		return 0, false, false
	}
	return int64(v), true, true
}

// identity hashes what all legs of one call share. A FreeSWITCH row that names its other leg shares the smaller of both
// ids with it. A source without ids has for identity who called whom when.
func identity(id, other []byte, ev *event) uint64 {
	if len(other) > 0 && bytes.Compare(other, id) < 0 {
		id = other
	}
	if len(id) > 0 {
		return xxhash.Sum64(id)
	}
	var b [24]byte
	binary.BigEndian.PutUint64(b[0:], uint64(ev.caller))
	binary.BigEndian.PutUint64(b[8:], uint64(ev.called))
	binary.BigEndian.PutUint64(b[16:], uint64(ev.at))
	return xxhash.Sum64(b[:])
}

// epochOf gives the moment in an Asterisk id ("name-1706368044.12": the second in which the channel was made, a dot, a
// counter), or 0.
func epochOf(id []byte) int64 {
	if i := bytes.LastIndexByte(id, '-'); i >= 0 {
		id = id[i+1:]
	}
	i := bytes.IndexByte(id, '.')
	if i < 9 || i > 10 || !allDigits(id[i+1:]) {
		return 0
	}
	n, ok := number(id[:i])
	if !ok {
		return 0
	}
	return int64(n)
}

// uuidTime gives the moment in a UUID of version 1, unix seconds, or 0.
func uuidTime(id []byte) int64 {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[14] != '1' {
		return 0
	}
	var low, mid, high uint64
	if n, err := fmt.Sscanf(string(id[:18]), "%08x-%04x-1%03x", &low, &mid, &high); n != 3 || err != nil {
		return 0
	}
	const since1582 = 122192928000000000 // hundreds of nanoseconds from 1582-10-15 to 1970-01-01
	return (int64(high<<48|mid<<32|low) - since1582) / 10_000_000
}
