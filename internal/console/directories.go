package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/directory"
	"ringfence/internal/staff"
)

// directoryPlaces are where publishers of directories, the terms for all, and extracts of listings are kept.
//
// cite: P-32, 47 USC 222(e), 47 USC 222(h)(3)
func directoryPlaces() []place {
	const all, one, extract = "/directories", "/publishers/{publisher}", "/extracts/{extract}"
	return []place{
		{pattern: all, right: staff.KeepDirectories, get: (*visit).directoriesPage},
		{pattern: all + "/terms", right: staff.KeepDirectories, post: (*visit).putTerms, home: all},
		{pattern: all + "/publishers", right: staff.KeepDirectories, post: (*visit).putPublisher, home: all},
		{pattern: one, right: staff.KeepDirectories, get: (*visit).publisherPage},
		{pattern: one + "/agree", right: staff.KeepDirectories, post: (*visit).publisherAgrees, home: one},
		{pattern: one + "/end", right: staff.KeepDirectories, post: (*visit).endPublisher, home: one},
		{pattern: one + "/extracts", right: staff.KeepDirectories, post: (*visit).askExtract, home: one},
		{pattern: extract, right: staff.KeepDirectories, get: (*visit).extractPage},
		{pattern: extract + "/manifest", right: staff.KeepDirectories, get: (*visit).extractManifest},
		{pattern: extract + "/file", right: staff.KeepDirectories, post: (*visit).fetchExtract, home: extract},
	}
}

func publisherAddress(id string) string { return "/publishers/" + id }
func extractAddress(id cpni.ID) string  { return "/extracts/" + string(id) }
func dollars(mills int64) string        { return fmt.Sprintf("$%d.%03d", mills/1000, mills%1000) }
func whole(n int64) string              { return strconv.FormatInt(n, 10) }

var (
	extractKinds  = map[directory.Kind]string{directory.Whole: "Whole", directory.Update: "Update", directory.Withdrawal: "Taken out"}
	extractStates = map[directory.State]chip{directory.Running: {"Being made", "warn"}, directory.Writing: {"Being written", "warn"}, directory.Ready: {"Ready", "good"}, directory.Stopped: {"Stopped", "bad"}, directory.Removed: {"No longer kept", ""}}
)

// termsRow are terms as a page has them.
type termsRow struct{ Version, At, By, Whole, Update, Says string }

type publisherRow struct {
	Address, Name, Terms string
	State                chip
}

type directoriesView struct {
	page
	Terms      *termsRow
	Before     []termsRow
	Publishers []publisherRow
}

func (v *visit) termsRow(t directory.Terms) (termsRow, error) {
	by, err := v.actor(string(t.By))
	return termsRow{strconv.Itoa(t.Version), v.moment(t.At), by, dollars(t.Whole), dollars(t.Update), t.Says}, err
}

// cite: P-32, 47 USC 222(e)
func (v *visit) directoriesPage() error {
	ctx := v.r.Context()
	view := directoriesView{page: v.page("Directories", "/directories")}
	terms, err := v.office.Directory.AllTerms(ctx)
	if err != nil {
		return err
	}
	for i, t := range terms {
		row, err := v.termsRow(t)
		if err != nil {
			return err
		}
		if i == 0 {
			view.Terms = &row
			continue
		}
		view.Before = append(view.Before, row)
	}
	all, err := v.office.Directory.Publishers(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		row := publisherRow{Address: publisherAddress(p.ID), Name: p.Name, Terms: "none yet", State: v.publisherState(p, terms)}
		if p.Terms > 0 {
			row.Terms = "version " + strconv.Itoa(p.Terms)
		}
		view.Publishers = append(view.Publishers, row)
	}
	return v.show(http.StatusOK, directoriesPage(view))
}

func (v *visit) publisherState(p directory.Publisher, terms []directory.Terms) chip {
	switch {
	case !p.Ended.IsZero():
		return chip{"Ended", ""}
	case len(terms) == 0 || p.Terms != terms[0].Version:
		return chip{"Has to agree to the terms", "warn"}
	}
	return chip{"Has agreed", "good"}
}

// directed sends the browser to a page of these with what came of the last step.
func (v *visit) directed(address, note string, err error) error {
	return v.told(err, address, note, directory.ErrNone)
}

// mills reads a price in dollars, to the thousandth; -1: it is none.
func mills(text string) int64 {
	f, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(text), "$"), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1000 {
		return -1
	}
	return int64(math.Round(f * 1000))
}

func (v *visit) putTerms() error {
	_, err := v.office.Directory.PutTerms(v.r.Context(), v.member.ID, directory.Terms{Whole: mills(v.field("whole")), Update: mills(v.field("update")), Says: v.form.Get("says")})
	return v.directed("/directories", "These are the terms for every publisher from now on. Each agrees to them before the next extract.", err)
}

func (v *visit) putPublisher() error {
	p := directory.Publisher{ID: v.field("id"), Name: v.field("name"), Person: v.field("person"), Email: v.field("email"), Key: v.field("key")}
	if err := v.office.Directory.Put(v.r.Context(), v.member.ID, p); err != nil {
		return v.directed("/directories", "", err)
	}
	return v.directed(publisherAddress(p.ID), "It is on the register.", nil)
}

type extractRow struct {
	Address, Kind, At, By                string
	Looked, Listings, Deletions, Refused string
	Finished, Fetched                    string
	State                                chip
}

type publisherView struct {
	page
	Address   string
	P         directory.Publisher
	Agreed    string
	State     chip
	Terms     *termsRow
	MayAgree  bool
	MayAsk    bool
	MayUpdate bool
	Ended     bool
	Key       string
	Extracts  []extractRow
}

func (v *visit) extractRow(e directory.Extract) (extractRow, error) {
	row := extractRow{Address: extractAddress(e.ID), Kind: extractKinds[e.Kind], At: v.clock(e.At), By: "by itself, at once", Looked: whole(e.Looked), Listings: whole(e.Listings), Deletions: whole(e.Deletions), Refused: whole(e.Refused), State: extractStates[e.State]}
	if !e.Finished.IsZero() {
		row.Finished = v.clock(e.Finished)
	}
	if !e.Fetched.IsZero() {
		row.Fetched = v.clock(e.Fetched)
	}
	var err error
	if e.By != "" {
		row.By, err = v.actor(string(e.By))
	}
	return row, err
}

// cite: P-32, 47 USC 222(e)
func (v *visit) publisherPage() error {
	ctx := v.r.Context()
	p, err := v.office.Directory.Publisher(ctx, v.r.PathValue("publisher"))
	if errors.Is(err, directory.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	terms, err := v.office.Directory.AllTerms(ctx)
	if err != nil {
		return err
	}
	view := publisherView{page: v.page(p.Name, "/directories"), Address: publisherAddress(p.ID), P: *p, State: v.publisherState(*p, terms), Ended: !p.Ended.IsZero(), Key: string(cpni.NewID())}
	if !p.Agreed.IsZero() {
		view.Agreed = v.moment(p.Agreed)
	}
	if len(terms) > 0 {
		row, err := v.termsRow(terms[0])
		if err != nil {
			return err
		}
		view.Terms = &row
		view.MayAsk = !view.Ended && p.Terms == terms[0].Version
		view.MayAgree = !view.Ended && !view.MayAsk
	}
	all, err := v.office.Directory.Extracts(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, e := range all {
		row, err := v.extractRow(e)
		if err != nil {
			return err
		}
		view.Extracts = append(view.Extracts, row)
		view.MayUpdate = view.MayUpdate || e.Kind == directory.Whole && (e.State == directory.Ready || e.State == directory.Removed)
	}
	return v.show(http.StatusOK, publisherPage(view))
}

func (v *visit) publisherAgrees() error {
	id := v.r.PathValue("publisher")
	version, err := strconv.Atoi(v.field("version"))
	if err != nil {
		return errUnreadable
	}
	return v.directed(publisherAddress(id), "It has agreed to the terms.", v.office.Directory.Agree(v.r.Context(), v.member.ID, id, version, v.field("paper")))
}

func (v *visit) endPublisher() error {
	id := v.r.PathValue("publisher")
	return v.directed(publisherAddress(id), "It gets no further extracts. What is taken out is still told.", v.office.Directory.End(v.r.Context(), v.member.ID, id))
}

func (v *visit) askExtract() error {
	id, err := v.key("extract of listings")
	if err != nil {
		return err
	}
	publisher := v.r.PathValue("publisher")
	e, err := v.office.Directory.Ask(v.r.Context(), id, v.member.ID, publisher, directory.Kind(v.field("kind")))
	if err != nil {
		return v.directed(publisherAddress(publisher), "", err)
	}
	return v.directed(extractAddress(e.ID), "It is being made.", nil)
}

type extractView struct {
	page
	Address   string
	Publisher publisherRow
	Row       extractRow
	Code      string
	Going     bool
	Ready     bool
	Manifest  []option
}

// cite: P-32, P-41
func (v *visit) extractPage() error {
	ctx := v.r.Context()
	e, err := v.office.Directory.One(ctx, v.id("extract"))
	if errors.Is(err, directory.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	p, err := v.office.Directory.Publisher(ctx, e.Publisher)
	if err != nil {
		return err
	}
	row, err := v.extractRow(*e)
	if err != nil {
		return err
	}
	view := extractView{page: v.page("Extract of listings", "/directories"), Address: extractAddress(e.ID), Publisher: publisherRow{Address: publisherAddress(p.ID), Name: p.Name}, Row: row, Code: string(e.Code),
		Going: e.State == directory.Running || e.State == directory.Writing, Ready: e.State == directory.Ready}
	if e.Manifest != nil {
		var m directory.Manifest
		if err := json.Unmarshal(e.Manifest, &m); err != nil {
			return err
		}
		view.Manifest = []option{{"Listings in the file", whole(m.Listings)}, {"Taken out", whole(m.Deletions)}, {"Left out, because customers changed them meanwhile", whole(m.LeftOut)}, {"Price by the terms for all", dollars(m.Mills)},
			{"Terms", "version " + strconv.Itoa(m.Terms)}, {"Columns", strings.Join(m.Columns, ", ")}, {"SHA-256 of what is in it", m.Content}, {"SHA-256 of the file", m.File}, {"Bytes", whole(m.Bytes)}}
	}
	return v.show(http.StatusOK, extractPage(view))
}

func (v *visit) extractManifest() error {
	e, err := v.office.Directory.One(v.r.Context(), v.id("extract"))
	if errors.Is(err, directory.ErrNone) || err == nil && e.Manifest == nil {
		return errNowhere
	}
	if err != nil {
		return err
	}
	return v.hand("application/json", "manifest-"+string(e.ID)+".json", e.Manifest)
}

// hand hands out a file that the browser keeps and does not open here.
func (v *visit) hand(kind, name string, file []byte) error {
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	v.w.WriteHeader(http.StatusOK)
	_, err := v.w.Write(file)
	return err
}

// late is a file whose head is written with its first bytes: until then the answer can be a page.
type late struct {
	v          *visit
	kind, name string
	begun      bool
}

func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		if err := l.v.hand(l.kind, l.name, nil); err != nil {
			return 0, err
		}
	}
	return l.v.w.Write(b)
}

// fetchExtract hands out the file, which only the publisher can open.
//
// cite: P-32, P-41, V106
func (v *visit) fetchExtract() error {
	id := v.id("extract")
	file := &late{v: v, kind: "application/octet-stream", name: "listings-" + string(id) + ".csv.age"}
	err := v.office.Directory.File(v.r.Context(), id, v.member.ID, file)
	if file.begun || err == nil {
		return nil // what has begun cannot become a page; a file that was cut off does not decrypt
	}
	return v.directed(extractAddress(id), "", err)
}
