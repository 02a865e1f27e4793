package portal

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/notify"
	"ringfence/internal/vault"
)

// downloadPlaces are where customers see what is theirs, and take it home.
//
// cite: P-16, P-17, P-41, I-01, 47 CFR 64.2010(c)
func downloadPlaces() []place {
	return []place{
		{"GET " + downloadPath, visiting((*Portal).download)},
		{"POST " + downloadPath, visiting((*Portal).downloadNow)},
	}
}

const downloadPath = "/account/download"

// downloadClasses are what can be downloaded.
var downloadClasses = []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Billing, cpni.Service, cpni.Location}

// Kinds of files.
const (
	asScreen = "screen"
	asCSV    = "csv"
	asJSON   = "json"
	asPDF    = "pdf"
	asAll    = "everything"
)

// mostPrinted bounds the rows of a PDF: beyond it would be a book.
const mostPrinted = 20_000

// choosing is a choice of records: of which lines, months and classes.
type choosing struct {
	Lines   []choice
	From    []option
	To      []option
	Classes []choice
	Error   string
}

// option is one of a list.
type option struct {
	Value, Text string
	Chosen      bool
}

// downloadView is the page of downloads.
type downloadView struct {
	visit
	choosing
	Kinds  []choice
	Tables []tableView
	Shown  bool
	Error  string
}

// firstMonth is the oldest month of which something is held, or the current one.
func (p *Portal) monthsHeld(ctx context.Context, of cpni.ID) ([]int, error) {
	h, err := p.office.Accounting.Holdings(ctx, of)
	if err != nil {
		return nil, err
	}
	now := p.office.Clock.Now()
	last := vault.Month(now, p.office.Zone)
	first := last
	for _, c := range h.Classes {
		if c.First > 0 {
			first = min(first, c.First)
		}
	}
	var all []int
	for m := last; m >= first && len(all) < mostMonthsShown; m = monthBefore(m) {
		all = append(all, m)
	}
	return all, nil
}

// mostMonthsShown bounds the months of a list; a request names no more.
const mostMonthsShown = 120

func monthBefore(m int) int {
	if m%100 == 1 {
		return m - 100 + 11
	}
	return m - 1
}

// choosing makes the fields by which records are chosen. form is what was chosen before; nil: the newest month.
func (p *Portal) choosing(ctx context.Context, v visit, form map[string][]string, class string) (choosing, error) {
	held, err := p.monthsHeld(ctx, v.Customer)
	if err != nil {
		return choosing{}, err
	}
	var c choosing
	had := func(name, value string, otherwise bool) bool {
		if form == nil {
			return otherwise
		}
		return slices.Contains(form[name], value)
	}
	for _, l := range v.Profile.Lines {
		c.Lines = append(c.Lines, choice{Name: "line", Value: strconv.Itoa(l.No), Label: l.Number, Chosen: had("line", strconv.Itoa(l.No), true), Square: true})
	}
	for i, m := range held {
		value, text := strconv.Itoa(m), monthWord(v.Language, m)
		c.From = append(c.From, option{value, text, had("from", value, i == min(1, len(held)-1))})
		c.To = append(c.To, option{value, text, had("to", value, i == 0)})
	}
	for _, d := range downloadClasses {
		c.Classes = append(c.Classes, choice{Name: "class", Value: string(d), Label: say(v.Language, "held-title-"+string(d)), Chosen: had("class", string(d), class == "" && d == cpni.CallDetail || class == string(d)), Square: true})
	}
	return c, nil
}

// chosen is what a form asks for. says is why it asks for nothing that there is; "" it does.
type chosen struct {
	lines   []customer.Line
	all     bool // all lines, the account's own with them
	months  []int
	classes []cpni.DataClass
}

func (p *Portal) chosen(r *http.Request, v visit) (c chosen, says string) {
	for _, l := range v.Profile.Lines {
		if slices.Contains(r.PostForm["line"], strconv.Itoa(l.No)) {
			c.lines = append(c.lines, l)
		}
	}
	c.all = len(c.lines) == len(v.Profile.Lines)
	for _, d := range downloadClasses {
		if slices.Contains(r.PostForm["class"], string(d)) {
			c.classes = append(c.classes, d)
		}
	}
	from, bad1 := strconv.Atoi(r.PostForm.Get("from"))
	to, bad2 := strconv.Atoi(r.PostForm.Get("to"))
	if errors.Join(bad1, bad2) == nil && from <= to && from >= 197001 && to <= 999912 {
		for m := to; m >= from && len(c.months) <= mostMonthsShown; m = monthBefore(m) {
			c.months = append(c.months, m)
		}
	}
	slices.Sort(c.months)
	switch {
	case len(c.lines) == 0 && len(v.Profile.Lines) > 0:
		return c, v.says("choose-line")
	case len(c.months) == 0 || len(c.months) > mostMonthsShown:
		return c, v.says("choose-months")
	case len(c.classes) == 0:
		return c, v.says("choose-class")
	}
	return c, ""
}

// cite: P-16, 47 CFR 64.2010(c)
func (p *Portal) download(w http.ResponseWriter, r *http.Request, v visit) error {
	return p.showDownload(w, r, v, http.StatusOK, "", nil, nil)
}

func (p *Portal) showDownload(w http.ResponseWriter, r *http.Request, v visit, status int, says string, form map[string][]string, tables []tableView) error {
	view := downloadView{visit: v.titled("download-title"), Error: says, Tables: tables, Shown: tables != nil}
	var err error
	if view.choosing, err = p.choosing(r.Context(), v, form, r.URL.Query().Get("class")); err != nil {
		return err
	}
	kinds := []string{asScreen, asCSV, asJSON}
	if p.options.PDF != nil {
		kinds = append(kinds, asPDF)
	}
	for _, k := range kinds {
		view.Kinds = append(view.Kinds, choice{Name: "as", Value: k, Label: v.says("as-" + k), Hint: v.says("as-" + k + "-hint"), Chosen: form == nil && k == asScreen || form != nil && slices.Contains(form["as"], k)})
	}
	p.show(w, r, status, downloadPage(view))
	return nil
}

// downloadNow shows or hands out what was chosen. Every part of it is a decision of the door's, on record before anything is
// opened.
//
// cite: P-16, P-17, P-41, I-01, 47 CFR 64.2010(c)
func (p *Portal) downloadNow(w http.ResponseWriter, r *http.Request, v visit) error {
	as := r.PostForm.Get("as")
	if as == asAll {
		return p.downloadAll(w, r, v)
	}
	c, says := p.chosen(r, v)
	if says == "" && !slices.Contains([]string{asScreen, asCSV, asJSON}, as) && !(as == asPDF && p.options.PDF != nil) {
		says = v.says("choose-kind")
	}
	if says != "" {
		return p.showDownload(w, r, v, http.StatusBadRequest, says, r.PostForm, nil)
	}
	via := cpni.File
	if as == asScreen {
		via = cpni.Screen
	}
	released, refused, err := p.ownRecords(r.Context(), v, c, via)
	if err != nil {
		return err
	}
	if refused {
		return p.showDownload(w, r, v, http.StatusForbidden, v.says("records-refused"), r.PostForm, nil)
	}
	if as == asJSON {
		return handJSON(w, "records.json", exportOf(v.Profile, released))
	}
	sheets := disclose.Sheets(released, v.Profile, p.office.Zone, v.Language)
	switch as {
	case asScreen:
		tables := []tableView{}
		for _, s := range sheets {
			t := tableView{Sheet: s, Of: len(s.Rows)}
			if len(t.Rows) > mostShown {
				t.Rows, t.More = t.Rows[:mostShown], true
			}
			tables = append(tables, t)
		}
		return p.showDownload(w, r, v, http.StatusOK, "", r.PostForm, tables)
	case asPDF:
		rows := 0
		for _, s := range sheets {
			rows += len(s.Rows)
		}
		if rows > mostPrinted {
			return p.showDownload(w, r, v, http.StatusBadRequest, fmt.Sprintf(v.says("too-much-to-print"), mostPrinted), r.PostForm, nil)
		}
	}
	return p.handSheets(w, v.Language, as, sheets)
}

// handSheets hands out tables as one file: a PDF, a table, or several of them packed together.
func (p *Portal) handSheets(w http.ResponseWriter, language, as string, sheets []disclose.Sheet) error {
	var enclosed []notify.Enclosure
	for _, s := range sheets {
		e, err := s.CSV()
		if err != nil {
			return err
		}
		enclosed = append(enclosed, e)
	}
	if as == asPDF && len(enclosed) > 0 {
		file, _, err := p.options.PDF(language, enclosed...)
		if err != nil {
			return err
		}
		hand(w, "application/pdf", "records.pdf", file)
		return nil
	}
	if len(enclosed) == 1 {
		hand(w, "text/csv; charset=utf-8", "records.csv", enclosed[0].Bytes)
		return nil
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, e := range enclosed {
		if err := p.pack(z, fmt.Sprintf("%d.csv", i+1), e.Bytes); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	hand(w, "application/zip", "records.zip", out.Bytes())
	return nil
}

func (p *Portal) pack(z *zip.Writer, name string, file []byte) error {
	to, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.office.Clock.Now()})
	if err == nil {
		_, err = to.Write(file)
	}
	return err
}

// ownRecords asks the door for what a customer has chosen, line by line unless it is all of them.
func (p *Portal) ownRecords(ctx context.Context, v visit, c chosen, via cpni.Via) (out *disclose.Released, refused bool, err error) {
	lines := []string{""}
	if !c.all {
		lines = nil
		for _, l := range c.lines {
			lines = append(lines, l.Number)
		}
	}
	out = &disclose.Released{}
	for _, line := range lines {
		a, err := p.office.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Customer: true}, Customer: v.Customer, Contact: v.Contact.ID, Data: c.classes, Purpose: cpni.CustomerRequest, Via: via, Line: line, Months: c.months})
		if err != nil {
			return nil, false, err
		}
		if !a.Decision.Permit() {
			return nil, true, nil
		}
		out.Calls = append(out.Calls, a.Released.Calls...)
		for _, i := range a.Released.Items {
			// What belongs to the account as a whole comes with every line.
			if i.Line != 0 || !slices.ContainsFunc(out.Items, func(o vault.Item) bool { return o.Class == i.Class && o.Line == i.Line && o.Period == i.Period }) {
				out.Items = append(out.Items, i)
			}
		}
	}
	return out, false, nil
}

// partTime is how long one part of a download may take to leave.
const partTime = 2 * time.Minute

// monthsAtOnce is how many months of a download are opened by one decision, and so how much of it is in memory.
const monthsAtOnce = 6

// downloadAll streams everything that is held about a customer as one archive: month after month, each part after its own
// decision. What is refused at the beginning is said on a page; what goes wrong on the way breaks the file off, so that nobody
// takes it for whole.
//
// cite: P-16, P-41, I-01, 47 CFR 64.2010(c)
func (p *Portal) downloadAll(w http.ResponseWriter, r *http.Request, v visit) error {
	ctx := r.Context()
	held, err := p.monthsHeld(ctx, v.Customer)
	if err != nil {
		return err
	}
	slices.Sort(held)
	part := func(n int) (*disclose.Released, bool, error) {
		c := chosen{all: true, months: held[n:min(n+monthsAtOnce, len(held))], classes: downloadClasses}
		released, refused, err := p.ownRecords(ctx, v, c, cpni.File)
		if released != nil && n > 0 { // what is of no month came with the first part
			released.Items = slices.DeleteFunc(released.Items, func(i vault.Item) bool { return i.Period == 0 })
		}
		return released, refused, err
	}
	first, refused, err := part(0)
	if err != nil {
		return err
	}
	if refused {
		return p.showDownload(w, r, v, http.StatusForbidden, v.says("records-refused"), nil, nil)
	}
	// It may take longer than other answers may, as long as it goes on: a part that nobody takes ends it.
	arrives := http.NewResponseController(w)
	arrives.SetWriteDeadline(time.Time{})
	stuck := time.AfterFunc(partTime, func() { arrives.SetWriteDeadline(time.Unix(1, 0)) })
	defer stuck.Stop()
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="everything.zip"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	z := zip.NewWriter(w)
	err = func() error {
		if err := p.packJSON(z, "account.json", accountOf(v.Profile)); err != nil {
			return err
		}
		for n, released := 0, first; ; {
			name := fmt.Sprintf("%06d-%06d", held[n], held[min(n+monthsAtOnce, len(held))-1])
			if err := p.packJSON(z, "json/"+name+".json", exportOf(v.Profile, released)); err != nil {
				return err
			}
			for i, s := range disclose.Sheets(released, v.Profile, p.office.Zone, v.Language) {
				e, err := s.CSV()
				if err != nil {
					return err
				}
				if err := p.pack(z, fmt.Sprintf("csv/%s-%d.csv", name, i+1), e.Bytes); err != nil {
					return err
				}
			}
			if err := z.Flush(); err != nil {
				return err
			}
			stuck.Reset(partTime)
			if n += monthsAtOnce; n >= len(held) {
				break
			}
			var refused bool
			if released, refused, err = part(n); err == nil && refused {
				err = errBroken
			}
			if err != nil {
				return err
			}
		}
		return p.packAccounting(ctx, z, v.Customer)
	}()
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		p.options.Report(err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

var errBroken = errors.New("a download was broken off: what the customer had proved holds no more")

// packAccounting packs who has asked for what, page after page.
func (p *Portal) packAccounting(ctx context.Context, z *zip.Writer, of cpni.ID) error {
	to, err := z.CreateHeader(&zip.FileHeader{Name: "who-received-it.jsonl", Method: zip.Deflate, Modified: p.office.Clock.Now()})
	if err != nil {
		return err
	}
	out := json.NewEncoder(to)
	for before := cpni.ID(""); ; {
		lines, next, err := p.office.Accounting.List(ctx, of, accounting.Query{Before: before, Each: true, Limit: 200})
		if err != nil {
			return err
		}
		for _, l := range lines {
			if err := out.Encode(lineOut(l)); err != nil {
				return err
			}
		}
		if before = next; next == "" {
			return nil
		}
	}
}

// lineOut is a line of the accounting as a file has it.
func lineOut(l accounting.Line) map[string]any {
	out := map[string]any{"entry": l.Entry, "at": l.At.UTC().Format(time.RFC3339), "by": l.Who.Kind, "outcome": "permit"}
	add := func(name string, value any, is bool) {
		if is {
			out[name] = value
		}
	}
	if !l.Permit {
		out["outcome"] = "deny"
	}
	add("role", l.Who.Role, l.Who.Role != "")
	add("looked_at", l.LookUp, l.LookUp != "")
	add("purpose", l.Purpose, l.Purpose != "")
	add("data", l.Data, len(l.Data) > 0)
	add("recipient", l.For.Kind, l.For.Kind != "")
	add("recipient_name", l.For.Name, l.For.Name != "")
	add("via", l.Via, l.Via != "")
	add("line", l.Number, l.Number != "")
	add("months", l.Months, len(l.Months) > 0)
	if g := l.Given; g != nil {
		out["rests_on"] = g.Basis
		add("campaign", g.Campaign, g.Campaign != "")
		add("partner_name", g.Partner, g.Partner != "")
		if f := g.File; f != nil {
			out["destruction"] = f.State
			add("destroy_by", f.DestroyBy, !f.DestroyBy.IsZero())
		}
	}
	var says, cites []string
	for _, x := range l.Reasons {
		says, cites = append(says, x.Says), append(cites, x.Cites...)
	}
	add("rules_say", says, len(says) > 0)
	add("cites", cites, len(cites) > 0)
	return out
}

func (p *Portal) packJSON(z *zip.Writer, name string, v any) error {
	to, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.office.Clock.Now()})
	if err != nil {
		return err
	}
	return writeJSON(to, v)
}

func writeJSON(to io.Writer, v any) error {
	out := json.NewEncoder(to)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	return out.Encode(v)
}

func handJSON(w http.ResponseWriter, name string, v any) error {
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		return err
	}
	hand(w, "application/json", name, b.Bytes())
	return nil
}

// exported is what was released, as a JSON file has it.
type exported struct {
	Calls []exportedLine `json:"calls"`
	Items []exportedItem `json:"items"`
}

type exportedLine struct {
	Line  string         `json:"line"`
	Calls []exportedCall `json:"calls"`
}

type exportedCall struct {
	At        string `json:"at"`
	Seconds   int    `json:"seconds"`
	Answered  bool   `json:"answered"`
	Direction string `json:"direction"`
	Number    string `json:"number,omitempty"` // none when it was withheld
}

type exportedItem struct {
	Class  cpni.DataClass    `json:"class"`
	Line   string            `json:"line,omitempty"` // none: the account as a whole
	Month  string            `json:"month,omitempty"`
	Values map[string]string `json:"values"`
}

func exportOf(p *customer.Profile, r *disclose.Released) exported {
	out := exported{Calls: []exportedLine{}, Items: []exportedItem{}}
	for _, l := range r.Calls {
		line := exportedLine{Line: l.Line, Calls: []exportedCall{}}
		for _, c := range l.Calls {
			x := exportedCall{At: c.At.UTC().Format(time.RFC3339), Seconds: c.Seconds, Answered: c.Answered, Direction: "in", Number: c.Number}
			if c.Out {
				x.Direction = "out"
			}
			line.Calls = append(line.Calls, x)
		}
		out.Calls = append(out.Calls, line)
	}
	for _, i := range r.Items {
		x := exportedItem{Class: i.Class, Values: i.Values}
		for _, l := range p.Lines {
			if l.No == i.Line {
				x.Line = l.Number
			}
		}
		if i.Period > 0 {
			x.Month = fmt.Sprintf("%04d-%02d", i.Period/100, i.Period%100)
		}
		out.Items = append(out.Items, x)
	}
	return out
}

// accountOf is what the account itself says, without anything by which somebody proves who they are.
func accountOf(p *customer.Profile) map[string]any {
	addresses := func(all []customer.Address) []map[string]string {
		out := []map[string]string{}
		for _, a := range all {
			x := map[string]string{"value": a.Value, "since": a.Since.Format(time.DateOnly)}
			if !a.Until.IsZero() {
				x["until"] = a.Until.Format(time.DateOnly)
			}
			out = append(out, x)
		}
		return out
	}
	lines := []map[string]any{}
	for _, l := range p.Lines {
		x := map[string]any{"number": l.Number, "listed": l.Listed, "services": l.Categories}
		if !l.Since.IsZero() {
			x["since"] = l.Since.Format(time.DateOnly)
		}
		if !l.Removed.IsZero() {
			x["until"] = l.Removed.Format(time.DateOnly)
		}
		lines = append(lines, x)
	}
	people := []map[string]any{}
	for _, a := range p.Authorised {
		people = append(people, map[string]any{"name": a.Name, "may_see": a.Data})
	}
	return map[string]any{"name": p.Name, "account": p.Account, "since": p.Since.Format(time.DateOnly), "lines": lines, "postal": addresses(p.Postal), "email": addresses(p.Email),
		"contact_numbers": p.ContactNumbers, "may_speak_for_you": people, "language": p.Language, "written_to_by": strings.TrimSpace(string(p.NoticeBy))}
}
