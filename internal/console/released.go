package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/vault"
)

// releasedView is the information itself, a part of it at a time.
type releasedView struct {
	Lines         []lineView
	Quiet         string // lines without calls
	Items         []itemView
	Zone          string
	Before, After string // addresses of the other parts
	Part          string
	Filter        *filterView
	None          bool // calls were released, and none is left by the filter
}

type lineView struct {
	Number string
	Count  int
	Calls  []callView
}

type callView struct{ Day, Time, Direction, Number, Length string }

type itemView struct{ Class, Period, Line, Name, Value string }

// mostRows bounds the calls and other records on one page.
const mostRows = 500

// releasedView shows the part of what was released that the address names.
func (v *visit) releasedView(all *disclose.Released, p *customer.Profile) *releasedView {
	view := &releasedView{Zone: v.office.Zone.String()}
	view.Filter, all = v.filter(all)
	view.None = view.Filter != nil && all.CallCount() == 0
	items := v.itemViews(all, p)
	total := all.CallCount() + len(items)
	first := 0
	if n, err := strconv.Atoi(v.r.URL.Query().Get("part")); err == nil && n > 0 && n < (total+mostRows-1)/mostRows {
		first = n * mostRows
	}
	end, at := first+mostRows, 0
	var quiet []string
	for _, l := range all.Calls {
		from, to := within(first, end, at, len(l.Calls))
		at += len(l.Calls)
		if len(l.Calls) == 0 {
			quiet = append(quiet, spaced(l.Line))
		}
		if from == to {
			continue
		}
		line := lineView{Number: spaced(l.Line), Count: len(l.Calls)}
		for _, c := range l.Calls[from:to] {
			line.Calls = append(line.Calls, v.callView(c))
		}
		view.Lines = append(view.Lines, line)
	}
	from, to := within(first, end, at, len(items))
	view.Items = items[from:to]
	if more := len(quiet) - mostLines; more > 0 {
		quiet = append(quiet[:mostLines], counted(more, "more line", "more lines"))
	}
	view.Quiet = strings.Join(quiet, ", ")
	if total > mostRows {
		view.Part = strconv.Itoa(first+1) + " to " + strconv.Itoa(min(end, total)) + " of " + strconv.Itoa(total)
		view.Before, view.After = v.part(first-mostRows, total), v.part(end, total)
	}
	return view
}

// within gives which of n rows, the first of which is row at of all, are from row first on and before row end.
func within(first, end, at, n int) (from, to int) {
	return min(max(first-at, 0), n), min(max(end-at, 0), n)
}

// part gives the address of the part that begins with a row, "" when there is none.
func (v *visit) part(first, total int) string {
	if first < 0 || first >= total {
		return ""
	}
	q := v.r.URL.Query()
	q.Set("part", strconv.Itoa(first/mostRows))
	return v.r.URL.Path + "?" + q.Encode()
}

func (v *visit) callView(c vault.Call) callView {
	at := c.At.In(v.office.Zone)
	view := callView{Day: at.Format("Mon 2 Jan 2006"), Time: at.Format("15:04:05 MST"), Direction: "from", Number: spaced(c.Number), Length: (time.Duration(c.Seconds) * time.Second).String()}
	if c.Out {
		view.Direction = "to"
	}
	if c.Number == "" {
		view.Number = "withheld"
	}
	if !c.Answered {
		view.Length = "not answered"
	}
	return view
}

// spaced writes a North American number so that it can be read aloud.
func spaced(number string) string {
	if len(number) == 12 && strings.HasPrefix(number, "+1") {
		return number[:2] + " " + number[2:5] + " " + number[5:8] + " " + number[8:]
	}
	return number
}

func (v *visit) itemViews(all *disclose.Released, p *customer.Profile) []itemView {
	var items []itemView
	for _, i := range all.Items {
		view := itemView{Class: wordOf(classWords, i.Class)}
		if i.Period > 0 {
			view.Period = month(i.Period)
		}
		if l, ok := lineNo(p, i.Line); ok {
			view.Line = spaced(l.Number)
		}
		names := make([]string, 0, len(i.Values))
		for name := range i.Values {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			view.Name, view.Value = name, i.Values[name]
			items = append(items, view)
		}
	}
	return items
}
