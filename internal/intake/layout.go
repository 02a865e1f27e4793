package intake

import (
	"fmt"
	"strconv"
	"strings"
)

// layout says in which column (from 0) of a row each thing stands; -1: nowhere.
type layout struct {
	id, caller, called, start, answer, end int
	duration, seconds, answered, dir, ctx  int
	linked, other, channel                 int // Asterisk's linked id, FreeSWITCH's other leg, Asterisk's channel
	least, most                            int // bounds of the number of columns
	idEpoch, idUUID                        bool
}

var nowhere = layout{id: -1, caller: -1, called: -1, start: -1, answer: -1, end: -1, duration: -1, seconds: -1,
	answered: -1, dir: -1, ctx: -1, linked: -1, other: -1, channel: -1}

// asteriskPlain is the order of cdr_csv: accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata,
// start, answer, end, duration, billsec, disposition, amaflags, uniqueid, userfield, peeraccount, linkedid, sequence. What
// comes after amaflags depends on the configuration.
var asteriskPlain = func() layout {
	l := nowhere
	l.caller, l.called, l.ctx, l.channel = 1, 2, 3, 5
	l.start, l.answer, l.end, l.duration, l.seconds, l.answered = 9, 10, 11, 12, 13, 14
	l.id, l.linked, l.least, l.most, l.idEpoch = 16, 19, 16, 21, true
	return l
}()

// asteriskCustom is the order of cdr_custom's sample: clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata,
// start, answer, end, duration, billsec, disposition, amaflags, accountcode, uniqueid, userfield, sequence.
var asteriskCustom = func() layout {
	l := nowhere
	l.caller, l.called, l.ctx, l.channel = 1, 2, 3, 4
	l.start, l.answer, l.end, l.duration, l.seconds, l.answered = 8, 9, 10, 11, 12, 13
	l.id, l.least, l.most, l.idEpoch = 16, 17, 19, true
	return l
}()

// freeswitchDefault is the order of mod_cdr_csv's default template: caller_id_name, caller_id_number,
// destination_number, context, start_stamp, answer_stamp, end_stamp, duration, billsec, hangup_cause, uuid, bleg_uuid,
// accountcode, read_codec, write_codec.
var freeswitchDefault = func() layout {
	l := nowhere
	l.caller, l.called, l.ctx = 1, 2, 3
	l.start, l.answer, l.end, l.duration, l.seconds = 4, 5, 6, 7, 8
	l.id, l.other, l.least, l.most, l.idUUID = 10, 11, 15, 15, true
	return l
}()

// ownColumns are the names of our own format, the one that Generate writes.
var ownColumns = Columns{ID: "call_id", Caller: "caller", Called: "called", Start: "start", Answer: "answer", End: "end",
	Duration: "duration", Seconds: "seconds", Answered: "answered", Direction: "direction", Context: "context"}

// csvLayout finds the columns; header is the first line, or nil when the file has none.
func csvLayout(c Columns, header [][]byte) (layout, error) {
	optional := c == Columns{}
	if optional {
		c = ownColumns
	}
	if header == nil && optional {
		return layout{}, mapError("a file without a header needs columns, each by its number from 1")
	}
	l := nowhere
	var missing []string
	for _, f := range []struct {
		what, name string
		to         *int
		needed     bool
	}{
		{"id", c.ID, &l.id, false}, {"caller", c.Caller, &l.caller, true}, {"called", c.Called, &l.called, true},
		{"start", c.Start, &l.start, true}, {"answer", c.Answer, &l.answer, false}, {"end", c.End, &l.end, false},
		{"duration", c.Duration, &l.duration, false}, {"seconds", c.Seconds, &l.seconds, false},
		{"answered", c.Answered, &l.answered, false}, {"direction", c.Direction, &l.dir, false}, {"context", c.Context, &l.ctx, false},
	} {
		if f.name == "" {
			if f.needed {
				return layout{}, mapError("columns: %s is needed", f.what)
			}
			continue
		}
		at, err := column(f.name, header)
		if err != nil {
			return layout{}, err
		}
		if at < 0 && (f.needed || !optional) {
			missing = append(missing, f.name)
		}
		*f.to = at
		l.least = max(l.least, at+1)
	}
	if len(missing) > 0 {
		return layout{}, fmt.Errorf("the file's first line has no column %s; give their names with --map", strings.Join(missing, ", "))
	}
	l.most = maxColumns
	if header != nil {
		l.least, l.most = len(header), len(header)
	}
	return l, nil
}

// column finds a column by its name in the header (blanks around it and the case of its letters do not matter) or by
// its number from 1.
func column(name string, header [][]byte) (int, error) {
	found := -1
	for i, h := range header {
		if strings.EqualFold(strings.TrimSpace(string(h)), name) {
			if found >= 0 {
				return 0, fmt.Errorf("the file's first line has the column %s twice", name)
			}
			found = i
		}
	}
	if found >= 0 {
		return found, nil
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n < 1 || n > maxColumns || header != nil && n > len(header) {
			return 0, mapError("columns: there is no column %d", n)
		}
		return n - 1, nil
	}
	if header == nil {
		return 0, mapError("columns: %q is a name, but the file has no header; use numbers from 1", name)
	}
	return -1, nil
}

// looksLikeStamp tells a time column from others.
func looksLikeStamp(b []byte) bool {
	return len(b) >= 19 && b[4] == '-' && b[7] == '-' && b[13] == ':' && isDigit(b[0]) && isDigit(b[18])
}
