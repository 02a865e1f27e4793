package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/filing/books"
	"ringfence/internal/staff"
	"ringfence/internal/workday"
)

// bookPlaces are the registers of which the yearly certificate tells.
//
// cite: P-37, P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
func bookPlaces() []place {
	const home, record = "/books", "/books/records/{record}"
	const read, keep = staff.ReadRegisters, staff.KeepRegisters
	return []place{
		{pattern: home, right: read, get: (*visit).booksPage},
		{pattern: home + "/carried", right: keep, post: (*visit).carryBooksOver, home: home, long: true},
		{pattern: home + "/list/{register}", right: read, get: (*visit).bookPage},
		{pattern: home + "/sanctions", right: read, get: (*visit).sanctionsPage},
		{pattern: home + "/suppliers", right: read, get: (*visit).suppliersPage},
		{pattern: home + "/suppliers/{partner}", right: read, get: (*visit).supplierPage},
		{pattern: home + "/new/{register}", right: keep, get: (*visit).newBookRecordPage, post: (*visit).enterBookRecord, long: true},
		{pattern: record, right: read, get: (*visit).bookRecordPage},
		{pattern: record + "/facts", right: keep, get: (*visit).correctBookRecordPage, post: (*visit).correctBookRecord, long: true},
	}
}

func bookListAddress(kind books.Kind, year int, category complaint.Category) string {
	q := []string{"year", strconv.Itoa(year)}
	if category != "" {
		q = append(q, "category", string(category))
	}
	return "/books/list/" + string(kind) + "?" + queryOf(q...)
}

func bookAddress(id cpni.ID) string { return "/books/records/" + string(id) }

// bookWords are what a register is called, what it is for, and how one enters something.
var bookWords = map[books.Kind]struct{ title, one, enter, says string }{
	books.Complaints: {"Complaints", "Complaint", "Enter a complaint", "That somebody without the right saw, got or reached a customer's information. What customers report in their account or at a desk is entered by itself; enter here what comes by letter, through a regulator, from the press, or from somebody who is no customer any more."},
	books.Actions:    {"Actions against data brokers", "Action against a data broker", "Enter an action", "What the carrier has brought before a state commission, a court or the Federal Communications Commission against those who trade in customers' information."},
	books.Methods:    {"Methods of pretexting", "Method of pretexting", "Enter a method", "How people try to get information that is not theirs, how the carrier knows, and what it does against it."},
	books.Reviews:    {"Reviews of suppliers", "Review of a supplier", "Enter a review", "Each company that gets customers' information is looked at as often as the policy says."},
}

// bookOf names the register of the address.
func (v *visit) bookOf() (books.Kind, error) {
	kind := books.Kind(v.r.PathValue("register"))
	if !slices.Contains(books.Kinds, kind) {
		return "", errNowhere
	}
	return kind, nil
}

// yearAsked is the year that is asked for; this one, when none is.
func (v *visit) yearAsked() int {
	year := workday.DateIn(v.now, v.office.Zone).Year
	if n, err := strconv.Atoi(v.r.URL.Query().Get("year")); err == nil && n <= year {
		return n
	}
	return year
}

// bookYear gives the registers' year, and the years that one can turn to.
func (v *visit) bookYear(at func(year int) string) (*books.Year, []navItem, error) {
	year := v.yearAsked()
	y, err := v.office.Books.Year(v.r.Context(), v.member.ID, year)
	if errors.Is(err, books.ErrYear) {
		return nil, nil, errNowhere
	}
	if err != nil {
		return nil, nil, err
	}
	this := workday.DateIn(v.now, v.office.Zone).Year
	first := min(this-2, year)
	if !y.Kept.IsZero() {
		first = max(min(first, y.Kept.Year), this-mostYears+1)
	}
	var years []navItem
	for n := this; n >= first; n-- {
		years = append(years, navItem{strconv.Itoa(n), at(n), n == year})
	}
	return y, years, nil
}

// mostYears bounds the years that stand in a row.
const mostYears = 8

// bookCount is a count that opens its records.
type bookCount struct{ Says, Count, Address string }

// saidCount writes a count: zero says that there was none only where the registers were kept all the time.
//
// cite: 47 CFR 64.2009(e)
func saidCount(y *books.Year, n int) string {
	switch {
	case n > 0:
		return strconv.Itoa(n)
	case y.Whole && y.Over:
		return "none"
	case y.Whole:
		return "none so far"
	case y.Kept.IsZero() || y.Kept.After(y.Last):
		return "not kept"
	}
	return "none since " + y.Kept.Start(time.UTC).Format("2 Jan")
}

type bookSection struct {
	ID, Title, Says string
	Counts          []bookCount
	Enter           option
	Also            []option
}

// booksView is a year of all registers.
type booksView struct {
	page
	Year     int
	Years    []navItem
	Kept     string // since when they are kept, in words
	Partly   bool   // not on every day of the year
	Carried  []fact
	Sections []bookSection
	Late     int // suppliers
	May      bool
}

// booksPage shows a calendar year: each count opens its records.
//
// cite: P-39, P-41, 47 CFR 64.2009(b), 47 CFR 64.2009(e)
func (v *visit) booksPage() error {
	y, years, err := v.bookYear(func(n int) string { return "/books?" + queryOf("year", strconv.Itoa(n)) })
	if err != nil {
		return err
	}
	view := booksView{page: v.page("Books", "/books"), Year: y.Year, Years: years, Partly: !y.Whole, Late: y.LateSuppliers, May: v.member.May(staff.KeepRegisters), Kept: "They are not begun yet."}
	if !y.Kept.IsZero() {
		view.Kept = "They are kept since " + dated(y.Kept) + "."
	}
	kept, err := v.office.Books.Keepings(v.r.Context())
	if err != nil {
		return err
	}
	for _, k := range kept {
		if k.Basis == "" {
			continue
		}
		by, err := v.actor(k.By)
		if err != nil {
			return err
		}
		view.Carried = append(view.Carried, fact{"Carried over from " + dated(k.Since) + " on", k.Basis + " (" + by + ", " + v.day(k.At) + ")"})
	}
	section := func(kind books.Kind, counts ...bookCount) *bookSection {
		w := bookWords[kind]
		s := bookSection{ID: string(kind), Title: w.title, Says: w.says, Counts: counts}
		if view.May {
			s.Enter = option{"/books/new/" + string(kind), w.enter}
		}
		view.Sections = append(view.Sections, s)
		return &view.Sections[len(view.Sections)-1]
	}
	var counts []bookCount
	for _, c := range y.Complaints {
		counts = append(counts, bookCount{c.Says, saidCount(y, len(c.Rows)), bookListAddress(books.Complaints, y.Year, c.Category)})
	}
	s := section(books.Complaints, counts...)
	if len(y.Others) > 0 {
		s.Also = append(s.Also, option{bookListAddress(books.Complaints, y.Year, complaint.Other), counted(len(y.Others), "complaint about something else, which is not counted", "complaints about something else, which are not counted")})
	}
	section(books.Actions, bookCount{"Brought in the year", saidCount(y, len(y.Actions)), bookListAddress(books.Actions, y.Year, "")})
	section(books.Methods, bookCount{"Seen in the year", saidCount(y, len(y.Methods)), bookListAddress(books.Methods, y.Year, "")})
	s = section(books.Reviews, bookCount{"Done in the year", saidCount(y, len(y.Reviews)), bookListAddress(books.Reviews, y.Year, "")})
	s.Also = append(s.Also, option{"/books/suppliers", counted(len(y.Suppliers), "company gets customers' information", "companies get customers' information")})
	view.Sections = append(view.Sections, bookSection{ID: "sanctions", Title: "Sanctions", Says: "What was decided against members of the staff who broke the rules. They are kept with discipline, from its first day.",
		Counts: []bookCount{{"Decided in the year", strconv.Itoa(len(y.Sanctions)), "/books/sanctions?" + queryOf("year", strconv.Itoa(y.Year))}}})
	return v.show(http.StatusOK, booksPage(view))
}

// carryBooksOver says that what was kept before was entered here.
//
// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) carryBooksOver() error {
	from, err := v.dateOf("from")
	if err == nil {
		err = v.office.Books.CarryOver(v.r.Context(), v.member.ID, from, v.text("basis"))
	}
	return v.told(err, "/books", "It is on record.")
}

// bookListView are records of a register.
type bookListView struct {
	page
	Says   string
	Years  []navItem
	Rows   []books.Row
	Facts  []fact // of a supplier
	State  []chip
	Enter  option
	Column string // of the titles
	Count  string
	Links  bool // whoever looks may open each
}

// mostBookRows bounds what a page lists.
const mostBookRows = 1000

// bookPage lists the records of a register of a year.
//
// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) bookPage() error {
	kind, err := v.bookOf()
	if err != nil {
		return err
	}
	category := complaint.Category(v.r.URL.Query().Get("category"))
	if kind != books.Complaints || !slices.Contains(complaint.Categories, category) {
		category = ""
	}
	y, years, err := v.bookYear(func(n int) string { return bookListAddress(kind, n, category) })
	if err != nil {
		return err
	}
	rows, err := v.office.Books.List(v.r.Context(), v.member.ID, kind, category, y.First, y.Last)
	if err != nil {
		return err
	}
	view := bookListView{page: v.page(bookWords[kind].title, "/books"), Says: bookWords[kind].says, Years: years, Rows: rows, Column: "What", Links: true, Count: saidCount(y, len(rows)) + " in " + strconv.Itoa(y.Year)}
	if category != "" {
		view.Says = books.CategoryWords[category] + "."
	}
	if kind == books.Reviews {
		view.Column = "Supplier"
	}
	if v.member.May(staff.KeepRegisters) {
		view.Enter = option{"/books/new/" + string(kind), bookWords[kind].enter}
	}
	view.Rows = view.Rows[max(0, len(rows)-mostBookRows):]
	return v.show(http.StatusOK, bookPage(view))
}

// sanctionsPage lists the sanctions of a year. It names nobody: who did what stands with discipline, for those whose work that is.
//
// cite: P-39, 47 CFR 64.2009(b)
func (v *visit) sanctionsPage() error {
	y, years, err := v.bookYear(func(n int) string { return "/books/sanctions?" + queryOf("year", strconv.Itoa(n)) })
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, bookPage(bookListView{page: v.page("Sanctions", "/books"), Says: "What was decided against members of the staff. A finding without a case, or a case without a decision, raises an alert when it waits too long.", Years: years, Rows: y.Sanctions,
		Column: "What was decided", Links: v.member.May(staff.Discipline), Count: counted(len(y.Sanctions), "sanction", "sanctions") + " in " + strconv.Itoa(y.Year)}))
}

// supplierRow is a supplier as the list has it.
type supplierRow struct {
	Address, Name, Reviewed, Due string
	State                        chip
}

func supplierState(s books.Supplier) chip {
	switch {
	case s.Late && !s.MendBy.IsZero():
		return chip{"Late, or not mended", "bad"}
	case s.Late:
		return chip{"Review is late", "bad"}
	case !s.MendBy.IsZero():
		return chip{"To be mended by " + dated(s.MendBy), "warn"}
	case s.Reviewed.IsZero():
		return chip{"Not reviewed yet", "warn"}
	}
	return chip{"Reviewed", "good"}
}

type suppliersView struct {
	page
	Rows  []supplierRow
	Enter option
}

// suppliersPage lists who gets customers' information, what is late first.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) suppliersPage() error {
	all, err := v.office.Books.Suppliers(v.r.Context())
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b books.Supplier) int {
		if a.Late != b.Late {
			return flagged(b.Late) - flagged(a.Late)
		}
		return a.Due.Compare(b.Due)
	})
	view := suppliersView{page: v.page("Suppliers", "/books")}
	for _, s := range all {
		r := supplierRow{Address: s.Address, Name: s.Name, Reviewed: "not yet", Due: dated(s.Due), State: supplierState(s)}
		if !s.Reviewed.IsZero() {
			r.Reviewed = dated(s.Reviewed)
		}
		view.Rows = append(view.Rows, r)
	}
	if v.member.May(staff.KeepRegisters) {
		view.Enter = option{"/books/new/" + string(books.Reviews), bookWords[books.Reviews].enter}
	}
	return v.show(http.StatusOK, suppliersPage(view))
}

// supplierPage shows where one supplier stands, with its reviews of all years.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) supplierPage() error {
	p, err := v.thePartner()
	if err != nil {
		return err
	}
	ctx := v.r.Context()
	rows, err := v.office.Books.OfSupplier(ctx, v.member.ID, p.ID)
	if err != nil {
		return err
	}
	view := bookListView{page: v.page(p.Called(), "/books"), Says: "Its reviews. What is late is told once by an alert.", Rows: rows, Column: "Supplier", Links: true, Count: counted(len(rows), "review", "reviews")}
	all, err := v.office.Books.Suppliers(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Partner == p.ID {
			view.State = []chip{supplierState(s)}
			view.Facts = []fact{{"Gets information since", dated(s.Since)}, {"Next review by", dated(s.Due)}}
		}
	}
	if len(view.State) == 0 {
		view.State = []chip{{"Gets nothing now", ""}}
	}
	if v.member.May(staff.KeepRegisters) {
		view.Enter = option{"/books/new/" + string(books.Reviews) + "?" + queryOf("partner", p.ID), bookWords[books.Reviews].enter}
	}
	return v.show(http.StatusOK, bookPage(view))
}

// copiedID takes the id out of what somebody has copied: an id, or the address of a page that ends with it.
func copiedID(text string) string {
	text = strings.TrimRight(strings.TrimSpace(text), "/")
	return text[strings.LastIndexByte(text, '/')+1:]
}
