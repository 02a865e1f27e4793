package portal

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/written"
)

// receivedPlaces are where customers see who has asked for what is held about them, and take home a receipt for each line.
//
// cite: P-41, 47 CFR 64.2009(c)
func receivedPlaces() []place {
	return []place{
		{"GET " + receivedPath, visiting((*Portal).received)},
		{"GET " + receivedPath + "/{id}", visiting((*Portal).receivedOne)},
		{"GET " + receivedPath + "/{id}/proof", visiting((*Portal).receivedProof)},
		{"GET " + receivedPath + "/{id}/{file}", visiting((*Portal).receivedFile)},
	}
}

const receivedPath = "/account/received"

// receivedView is the accounting of disclosures.
type receivedView struct {
	visit
	Lines []lineView
	Each  bool   // each look of the customer's by itself
	Other string // the address of the same list told in the other way
	Older string // the address of the next page; "" there is none
	First bool   // it is the newest page
}

// lineView is one line in the words of the page.
type lineView struct {
	ID       cpni.ID
	When     string
	Who      string
	Asked    string // what was asked for
	For, Why string
	How      string
	Permit   bool
	LookUp   bool
	Times    string // how often, of several; "" once
	Reasons  []reasonView
	Given    []string // of what went to somebody outside: what it rests on, the campaign, and what must be destroyed
	Fate     string   // of a written request, what became of it; "" it is none
	Each     []momentView
}

type reasonView struct {
	Says, Lang string // Lang is the language of the sentence when it is not that of the page
	Cites      string
}

type momentView struct {
	ID   cpni.ID
	When string
}

// cite: P-41, 47 CFR 64.2009(c)
func (p *Portal) received(w http.ResponseWriter, r *http.Request, v visit) error {
	q := r.URL.Query()
	view := receivedView{visit: v.titled("received"), Each: q.Get("each") != "", First: q.Get("before") == ""}
	lines, next, err := p.office.Accounting.List(r.Context(), v.Customer, accounting.Query{Before: cpni.ID(q.Get("before")), Each: view.Each})
	if err != nil {
		return err
	}
	fates, err := p.fates(r, v)
	if err != nil {
		return err
	}
	for _, l := range lines {
		view.Lines = append(view.Lines, p.lineView(v, l, fates))
	}
	address := func(each bool, before cpni.ID) string {
		values := url.Values{}
		if each {
			values.Set("each", "1")
		}
		if before != "" {
			values.Set("before", string(before))
		}
		if len(values) == 0 {
			return receivedPath
		}
		return receivedPath + "?" + values.Encode()
	}
	view.Other = address(!view.Each, "")
	if next != "" {
		view.Older = address(view.Each, next)
	}
	p.show(w, r, http.StatusOK, receivedPage(view))
	return nil
}

// fates tells of the decisions on written requests what became of them.
func (p *Portal) fates(r *http.Request, v visit) (map[cpni.ID]string, error) {
	all, err := p.office.Written.Of(r.Context(), v.Customer)
	if err != nil {
		return nil, err
	}
	fates := map[cpni.ID]string{}
	for _, q := range all {
		if q.Entry != "" {
			fates[q.Entry] = p.fateOf(v.Language, q)
		}
	}
	return fates, nil
}

// fateOf says where a written request stands.
func (p *Portal) fateOf(language string, q *written.Request) string {
	switch {
	case q.State == written.Waiting:
		return fmt.Sprintf(say(language, "give-state-waiting"), p.momentOf(language, q.Due))
	case q.State == written.Sent && len(q.Opened) > 0:
		return fmt.Sprintf(say(language, "give-state-opened"), p.momentOf(language, q.Changed), p.momentOf(language, q.Opened[len(q.Opened)-1]))
	case q.State == written.Withdrawn && len(q.Opened) > 0:
		return say(language, "give-state-closed")
	}
	return say(language, "give-state-"+string(q.State))
}

// receivedLine finds the line of an address. ok is false when it has answered that there is none.
func (p *Portal) receivedLine(w http.ResponseWriter, r *http.Request, v visit) (view lineView, ok bool, err error) {
	l, err := p.office.Accounting.One(r.Context(), v.Customer, cpni.ID(r.PathValue("id")))
	if errors.Is(err, ledger.ErrNoRecord) {
		p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return view, false, nil
	}
	if err != nil {
		return view, false, err
	}
	fates, err := p.fates(r, v)
	return p.lineView(v, l, fates), err == nil, err
}

// oneView is one line by itself.
type oneView struct {
	visit
	Line lineView
	// Key and Log are what the carrier publishes of its ledger.
	Key, Log string
	NotYet   bool // the entry is not in the signed tree yet
	Closed   bool // the receipt does not say what was recorded
}

func (p *Portal) receivedOne(w http.ResponseWriter, r *http.Request, v visit) error {
	line, ok, err := p.receivedLine(w, r, v)
	if !ok {
		return err
	}
	p.show(w, r, http.StatusOK, receivedOnePage(oneView{visit: v.titled("received-one"), Line: line}))
	return nil
}

// receivedProof tells how a line is checked, and hands out its receipt.
//
// cite: P-41
func (p *Portal) receivedProof(w http.ResponseWriter, r *http.Request, v visit) error {
	line, ok, err := p.receivedLine(w, r, v)
	if !ok {
		return err
	}
	view := oneView{visit: v.titled("proof"), Line: line, Key: p.office.Ledger.VerifierKey(), Log: p.office.Ledger.Origin()}
	f, err := p.office.Accounting.Receipt(r.Context(), v.Customer, line.ID)
	if view.NotYet = errors.Is(err, ledger.ErrNotYet); err != nil && !view.NotYet {
		return err
	}
	view.Closed = f.Record == ""
	p.show(w, r, http.StatusOK, proofPage(view))
	return nil
}

// receivedFile hands out the receipt of a line: as one file, or with its parts and what to do with them.
//
// cite: P-41
func (p *Portal) receivedFile(w http.ResponseWriter, r *http.Request, v visit) error {
	name := r.PathValue("file")
	if name != "receipt.json" && name != "receipt.zip" {
		p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return nil
	}
	f, err := p.office.Accounting.Receipt(r.Context(), v.Customer, cpni.ID(r.PathValue("id")))
	if errors.Is(err, ledger.ErrNoRecord) {
		p.show(w, r, http.StatusNotFound, nowhere(p.page(r, "nowhere")))
		return nil
	}
	if errors.Is(err, ledger.ErrNotYet) {
		http.Redirect(w, r, receivedPath+"/"+r.PathValue("id")+"/proof", http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	file, err := f.Bytes()
	if err != nil {
		return err
	}
	if name == "receipt.json" {
		hand(w, "application/json", name, file)
		return nil
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	parts := []struct{ name, text string }{{"receipt.json", string(file)}, {"leaf.txt", f.Leaf}, {"leaf.tlog-proof", f.Proof}, {say(v.Language, "proof-readme-name"), p.readme(v.Language, f)}}
	if f.Record != "" {
		parts = append(parts, struct{ name, text string }{"record.json", f.Record})
	}
	for _, part := range parts {
		to, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: p.office.Clock.Now()})
		if err != nil {
			return err
		}
		if _, err := to.Write([]byte(part.text)); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	hand(w, "application/zip", name, out.Bytes())
	return nil
}

// readme is what to do with the parts of a receipt, in plain text.
func (p *Portal) readme(language string, f ledger.ReceiptFile) string {
	key := "proof-readme"
	if f.Record == "" {
		key = "proof-readme-closed"
	}
	return fmt.Sprintf(say(language, key), f.Key, f.Log)
}

// lineView puts a line into the words of a page.
func (p *Portal) lineView(v visit, l accounting.Line, fates map[cpni.ID]string) lineView {
	language := v.Language
	out := lineView{ID: l.Entry, When: p.momentOf(language, l.At), Permit: l.Permit, LookUp: l.LookUp != "", Who: whoWord(language, l.Who), Fate: fates[l.Entry]}
	if n := len(l.Entries); n > 1 {
		out.Times = fmt.Sprintf(say(language, "received-times"), n, p.timeOf(l.First), p.timeOf(l.At))
		out.When = dayOf(language, l.At.In(p.office.Zone))
	}
	if out.LookUp {
		out.Asked = say(language, "received-look-"+l.LookUp)
		return out
	}
	out.Asked = p.askedWord(language, l)
	out.For, out.Why, out.How = recipientWord(language, l.For), purposeWord(language, l.Purpose), say(language, "got-via-"+string(l.Via))
	if l.Via == "" {
		out.How = ""
	}
	if l.Purpose == cpni.CustomerRequest && !l.Permit && l.Who.Kind != accounting.You {
		out.Why = say(language, "purpose-in-your-name") // nobody was proved to be them
	}
	if l.Given != nil && l.Given.Partner != "" {
		out.For = recipientWord(language, accounting.Recipient{Kind: l.For.Kind, Name: l.Given.Partner})
	}
	out.Given = p.givenWords(language, l.Given)
	for _, x := range l.Reasons {
		text, other := x.Says, ""
		if language == "es" {
			if es, ok := accounting.Spanish(x.Says); ok {
				text = es
			} else {
				other = "en"
			}
		}
		out.Reasons = append(out.Reasons, reasonView{Says: text, Lang: other, Cites: strings.Join(x.Cites, "; ")})
	}
	return out
}

// askedWord says which classes, of which line, of which months.
func (p *Portal) askedWord(language string, l accounting.Line) string {
	var classes []string
	for _, c := range l.Data {
		classes = append(classes, classWord(language, c))
	}
	text := strings.Join(classes, ", ")
	if l.Number != "" {
		text += ", " + fmt.Sprintf(say(language, "of-line"), l.Number)
	}
	if n := len(l.Months); n > 0 {
		text += ", " + monthsWord(language, l.Months[0], l.Months[n-1])
	}
	return text
}

// known gives the word of a key, and of one that there is none for the word itself.
func known(language, prefix, word string) string {
	if text := say(language, prefix+word); text != prefix+word {
		return text
	}
	return word
}

func classWord(language string, c cpni.DataClass) string {
	return known(language, "got-class-", string(c))
}

func purposeWord(language string, u cpni.Purpose) string {
	return known(language, "purpose-", string(u))
}

func whoWord(language string, w accounting.Who) string {
	if w.Kind == accounting.Staff {
		return known(language, "who-", string(w.Role))
	}
	return say(language, "who-"+w.Kind)
}

func recipientWord(language string, r accounting.Recipient) string {
	text := known(language, "to-", string(r.Kind))
	if strings.Contains(text, "%s") {
		return fmt.Sprintf(text, r.Name)
	}
	return text
}

// monthWord writes a month, yyyymm, in words.
func monthWord(language string, m int) string {
	if m%100 < 1 || m%100 > 12 {
		return ""
	}
	if language == "es" {
		return fmt.Sprintf("%s de %d", months["es"][m%100-1], m/100)
	}
	return fmt.Sprintf("%s %d", months["en"][m%100-1], m/100)
}

func monthsWord(language string, from, to int) string {
	if from == to {
		return monthWord(language, from)
	}
	return fmt.Sprintf(say(language, "from-to"), monthWord(language, from), monthWord(language, to))
}

// momentOf writes a moment by the carrier's clocks.
func (p *Portal) momentOf(language string, at time.Time) string {
	return dayOf(language, at.In(p.office.Zone)) + ", " + p.timeOf(at)
}

func (p *Portal) timeOf(at time.Time) string { return at.In(p.office.Zone).Format("15:04 MST") }
