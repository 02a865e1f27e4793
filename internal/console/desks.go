package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/matter"
	"ringfence/internal/staff"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

// deskWorkPlaces are the desks of others who ask than customers: those who mend and carry out orders, who work on fraud, who port
// numbers, who collect, and who answer emergencies. Who may come to a desk follows from what is worked on there.
//
// cite: P-28, P-30, P-31, P-33, P-34, P-35, P-37, 47 USC 222(b), 47 USC 222(d), 47 CFR 64.2010(a)
func deskWorkPlaces() []place {
	const one, desk = "/matters/{matter}", "/desks/{desk}"
	return []place{
		{pattern: "/desks", get: (*visit).desksPage},
		{pattern: "/desks/emergency", right: staff.Serve, get: (*visit).emergencyDesk},
		{pattern: "/desks/emergency/find", right: staff.Serve, post: (*visit).emergencyFind, home: "/desks/emergency"},
		{pattern: desk, get: (*visit).workDesk, post: (*visit).openMatter},
		{pattern: one, get: (*visit).matterPage},
		{pattern: one + "/requests", post: (*visit).askUnder, home: one},
		{pattern: one + "/notes", post: (*visit).noteMatter, home: one},
		{pattern: one + "/end", post: (*visit).closeMatter, home: one},
		{pattern: "/alerts/{case}/matter", right: staff.WorkProtection, post: (*visit).matterOnAlert, home: "/alerts/{case}"},
	}
}

// anyDesk stands for the right of those who work at one of the desks.
const anyDesk staff.Right = "any desk"

// workDesk is a desk at which matters of some kinds are worked on.
type workDesk struct {
	id, title, says string
	kinds           []matter.Kind
}

var workDesks = []workDesk{
	{"service", "Service desk", "Trouble tickets and orders: what mending or an order needs may be used for that, while it is open.", []matter.Kind{matter.Ticket, matter.Order}},
	{"fraud", "Fraud desk", "Cases of fraud, abuse and unlawful use of the service, or subscription to it.", []matter.Kind{matter.Protection}},
	{"ports", "Port desk", "Numbers that go to another carrier, or come from one. The other carrier gets the service and its listing, and nothing else; nobody else uses what it told us.", []matter.Kind{matter.PortOut, matter.PortIn}},
	{"collection", "Collection desk", "Accounts that are placed with a vendor who collects. The vendor gets what billing needs.", []matter.Kind{matter.Collection}},
}

func (d workDesk) right() staff.Right { return d.kinds[0].Right() }
func (d workDesk) address() string    { return "/desks/" + d.id }

func deskOf(k matter.Kind) workDesk {
	return workDesks[slices.IndexFunc(workDesks, func(d workDesk) bool { return slices.Contains(d.kinds, k) })]
}

func matterAddress(id cpni.ID) string { return "/matters/" + string(id) }

var (
	matterWords = map[matter.Kind]string{matter.Protection: "Case of fraud or protection", matter.Ticket: "Trouble ticket", matter.Order: "Order", matter.PortIn: "Port from another carrier",
		matter.PortOut: "Port to another carrier", matter.Collection: "Placement with a vendor"}
	matterOutcomes = map[matter.Outcome]string{matter.Done: "Done", matter.Cancelled: "Called off", matter.Unfounded: "There was nothing in it", matter.Lapsed: "Lapsed: nobody worked on it"}
	// unfitWords say why a matter that was named justifies nothing. Whose it is otherwise is not told.
	unfitWords = map[string]string{matter.NotThere: "There is no such matter about this customer.", matter.NotTheirs: "There is no such matter about this customer.", matter.NotOpen: "The matter is closed.",
		matter.NotItsKind: "The matter is not for this purpose.", matter.NotItsData: "The matter names no such information.", matter.NotItsLine: "The matter is about other lines.",
		matter.NotRecipient: "The matter is with another company."}
)

// myDesks are the desks at which the person works.
func (v *visit) myDesks() []workDesk {
	return slices.DeleteFunc(slices.Clone(workDesks), func(d workDesk) bool { return !v.member.May(d.right()) })
}

// deskRow is a desk with what waits there.
type deskRow struct {
	Title, Says, Address string
	Open, Idle           int
	Waits                string // "" nothing does
}

// desksView lists the desks.
type desksView struct {
	page
	Rows []deskRow
}

// desksPage shows the desks of the person, with what is open at each.
func (v *visit) desksPage() error {
	rows, err := v.deskRows()
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return v.barred(staff.WorkTickets)
	}
	return v.show(http.StatusOK, desksPage(desksView{v.page("Desks", "/desks"), rows}))
}

func (v *visit) deskRows() ([]deskRow, error) {
	var rows []deskRow
	mine := v.myDesks()
	if len(mine) > 0 {
		counts, err := v.office.Matters.Counts(v.r.Context())
		if err != nil {
			return nil, err
		}
		for _, d := range mine {
			r := deskRow{Title: d.title, Says: d.says, Address: d.address()}
			for _, k := range d.kinds {
				r.Open, r.Idle = r.Open+counts[k].Open, r.Idle+counts[k].Idle
			}
			if r.Idle > 0 {
				r.Waits = counted(r.Idle, "idle", "idle")
			}
			rows = append(rows, r)
		}
	}
	if v.member.May(staff.Serve) {
		r := deskRow{Title: "Emergency desk", Says: "911 centres, guardians and family when life or limb is at risk: recorded first, justified within a day.", Address: "/desks/emergency"}
		open, late, err := v.office.Door.EmergencyCounts(v.r.Context(), v.emergenciesOf())
		if err != nil {
			return nil, err
		}
		if r.Open = open; late > 0 {
			r.Waits = counted(late, "overdue", "overdue")
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// deskWaits are the lines of the home page about the desks of the person.
//
// cite: P-28, P-34
func (v *visit) deskWaits() ([]waiting, error) {
	rows, err := v.deskRows()
	if err != nil {
		return nil, err
	}
	var all []waiting
	for _, r := range rows {
		if r.Open == 0 || r.Address == "/desks/emergency" {
			continue
		}
		w := waiting{Text: r.Title + ": " + strconv.Itoa(r.Open) + " open", Address: r.Address}
		if r.Idle > 0 {
			w.Text += ", " + counted(r.Idle, "of them idle", "of them idle")
			w.Tone = "warn"
		}
		all = append(all, w)
	}
	return all, nil
}

// matterRow is a matter in a list. It names no customer.
type matterRow struct {
	Address, Kind, Reference, Opened, By, Touched, State, Tone, About string
	Idle                                                              bool
}

// workView is a desk with its matters and the form that opens one.
type workView struct {
	page
	Desk    string // title
	Says    string
	Address string
	Tabs    []navItem
	Rows    []matterRow
	Older   string
	Form    openForm
}

// openForm is the form that opens a matter, as it was sent or fresh.
type openForm struct {
	Key                                    cpni.ID
	Kinds                                  []choice
	Reference, Customer, Lines, Why, Other string
	Vendors                                []choice
	Data                                   []choice
	Ports, Collects, Several, Focus        bool
}

var matterTabs = []option{{"", "Open"}, {"idle", "Idle"}, {"closed", "Closed"}}

func (v *visit) deskNamed() (workDesk, error) {
	i := slices.IndexFunc(workDesks, func(d workDesk) bool { return d.id == v.r.PathValue("desk") })
	if i < 0 {
		return workDesk{}, errNowhere
	}
	if d := workDesks[i]; !v.mayCome(d.right()) {
		return d, v.barred(d.right())
	}
	return workDesks[i], nil
}

// workDesk shows the matters of a desk, the newest first.
//
// cite: P-30, P-33, P-34, P-35, P-37
func (v *visit) workDesk() error {
	d, err := v.deskNamed()
	if err != nil {
		return err
	}
	view, err := v.workView(d)
	if err != nil {
		return err
	}
	view.Form = v.openForm(d, nil)
	if view.Form.Vendors, err = v.vendors(d, ""); err != nil {
		return err
	}
	view.Form.Focus = view.Problem == nil
	return v.show(http.StatusOK, workPage(view))
}

func (v *visit) workView(d workDesk) (workView, error) {
	view := workView{page: v.page(d.title, "/desks"), Desk: d.title, Says: d.says, Address: d.address()}
	q := v.r.URL.Query()
	tab := q.Get("show")
	f := matter.Filter{Kinds: d.kinds, State: matter.Open, Limit: rowsOnPage + 1, Before: cpni.ID(q.Get("before"))}
	switch tab {
	case "idle":
		f.Idle = true
	case "closed":
		f.State = matter.Closed
	default:
		tab = ""
	}
	if !f.Before.Valid() {
		f.Before = ""
	}
	for _, t := range matterTabs {
		address := d.address()
		if t.Value != "" {
			address += "?show=" + t.Value
		}
		view.Tabs = append(view.Tabs, navItem{Text: t.Text, Address: address, Here: t.Value == tab})
	}
	all, err := v.office.Matters.List(v.r.Context(), f)
	if err != nil {
		return view, err
	}
	if len(all) > rowsOnPage {
		all = all[:rowsOnPage]
		view.Older = d.address() + "?" + queryOf("show", tab, "before", string(all[rowsOnPage-1].ID))
	}
	for _, m := range all {
		row, err := v.matterRow(m)
		if err != nil {
			return view, err
		}
		view.Rows = append(view.Rows, row)
	}
	return view, nil
}

func (v *visit) matterRow(m *matter.Matter) (matterRow, error) {
	r := matterRow{Address: matterAddress(m.ID), Kind: matterWords[m.Kind], Reference: m.Reference, Opened: v.clock(m.Opened), Touched: v.clock(m.Touched), About: counted(len(m.Customers), "customer", "customers"),
		State: "Open", Idle: m.State == matter.Open && !m.Reminded.IsZero()}
	if m.Unread {
		r.Reference = short(m.ID)
	}
	if m.State == matter.Closed {
		r.State = matterOutcomes[m.Outcome]
	}
	var err error
	r.By, err = v.actor(m.Opener)
	return r, err
}

// openForm makes the form of a desk, with what was sent in it.
func (v *visit) openForm(d workDesk, sent map[string][]string) openForm {
	get := func(name string) string {
		if len(sent[name]) == 0 {
			return ""
		}
		return sent[name][0]
	}
	f := openForm{Key: cpni.NewID(), Reference: get("reference"), Customer: get("customer"), Lines: get("lines"), Why: get("why"), Other: get("carrier"), Ports: d.kinds[0].Port(),
		Collects: d.kinds[0] == matter.Collection, Several: len(d.kinds) > 1}
	if key := cpni.ID(get("key")); key.Valid() {
		f.Key = key
	}
	kind := matter.Kind(get("kind"))
	if !slices.Contains(d.kinds, kind) {
		kind = d.kinds[0]
	}
	for _, k := range d.kinds {
		f.Kinds = append(f.Kinds, choice{option{string(k), matterWords[k]}, k == kind})
	}
	chosen := kind.Usual()
	if sent != nil {
		chosen = nil
		for _, c := range sent["data"] {
			chosen = append(chosen, cpni.DataClass(c))
		}
	}
	for _, c := range kind.Most() {
		f.Data = append(f.Data, choice{option{string(c), classWords[c]}, slices.Contains(chosen, c)})
	}
	return f
}

// vendors are those with whom an account can be placed.
//
// cite: P-35, P-41, 47 USC 222(d)(1)
func (v *visit) vendors(d workDesk, chosen string) ([]choice, error) {
	if d.kinds[0] != matter.Collection {
		return nil, nil
	}
	all, err := v.office.Partners.All(v.r.Context())
	if err != nil {
		return nil, err
	}
	var out []choice
	for _, p := range all {
		if p.Agreement != nil && v.now.Before(p.Agreement.Until) && !p.Agreement.DestroyBy.IsZero() {
			out = append(out, choice{option{p.ID, p.Called() + ", destroys by " + v.day(p.Agreement.DestroyBy)}, p.ID == chosen})
		}
	}
	return out, nil
}

// openMatter opens a matter. The customer is typed in as at the desk, and sent in the body.
//
// cite: P-30, P-33, P-34, P-35, I-11, I-23
func (v *visit) openMatter() error {
	d, err := v.deskNamed()
	if err != nil {
		return err
	}
	key := v.form.Get("key")
	if !cpni.ID(key).Valid() {
		return errUnreadable
	}
	o := matter.Opening{ID: v.office.RepeatableID("matter", string(v.member.ID), key), Kind: matter.Kind(v.field("kind")), Reference: v.field("reference"), Why: v.field("why"), Partner: v.field("vendor"),
		Carrier: v.field("carrier"), By: string(v.member.ID)}
	if !slices.Contains(d.kinds, o.Kind) {
		return errUnreadable
	}
	for _, c := range v.form["data"] {
		o.Data = append(o.Data, cpni.DataClass(c))
	}
	of, refusal, err := v.customerFor(v.field("customer"))
	if err != nil {
		return err
	}
	if refusal == nil && len(o.Data) == 0 {
		refusal = cpni.Rejected("BAD_INPUT", "the matter names no information that it needs", []string{"P-28", "47 USC 222(c)(1)"}, "choose at least one kind of information")
	}
	if refusal == nil {
		about := matter.About{Customer: of}
		for _, l := range strings.FieldsFunc(v.field("lines"), func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
			if l = strings.TrimSpace(l); l != "" {
				about.Lines = append(about.Lines, l)
			}
		}
		o.About = []matter.About{about}
		m, err := v.office.Matters.Open(v.r.Context(), o)
		if err == nil {
			return v.leave(flash{For: matterAddress(m.ID), Note: matterWords[m.Kind] + " is open."}, matterAddress(m.ID))
		}
		if !errors.As(err, &refusal) {
			return err
		}
	}
	view, err := v.workView(d)
	if err != nil {
		return err
	}
	view.Form, view.Problem = v.openForm(d, v.form), problemOf(refusal)
	if view.Form.Vendors, err = v.vendors(d, o.Partner); err != nil {
		return err
	}
	return v.show(v.faultOf(refusal).status, workPage(view))
}

// customerFor finds the one customer whom somebody at a desk has typed: their work needs it, whether or not they serve callers.
func (v *visit) customerFor(text string) (cpni.ID, *cpni.Refusal, error) {
	if id := cpni.ID(text); id.Valid() {
		return id, nil, nil
	}
	var ids []cpni.ID
	if text != "" {
		var err error
		if ids, err = v.office.Customers.Search(v.r.Context(), text); err != nil {
			return "", nil, err
		}
	}
	if len(ids) != 1 {
		return "", cpni.Rejected("NOT_FOUND", "not exactly one customer was found by this", nil, "give the number of the service, the account, or the id of 26 characters"), nil
	}
	return ids[0], nil, nil
}

// matterOnAlert opens a case of fraud on an alert about a customer.
//
// cite: P-30, P-31, P-37, I-11, 47 USC 222(d)(2)
func (v *visit) matterOnAlert() error {
	back := caseAddress(v.id("case"))
	c, err := v.office.Watch.Case(v.r.Context(), v.id("case"), v.member.ID)
	if err != nil {
		return v.worked(err, "")
	}
	if c.Customer == "" {
		return v.leave(flash{For: back, Refusal: cpni.Rejected("BAD_INPUT", "the alert is about no one customer", []string{"P-30"}, "open the case at the fraud desk, for the customer whom it is about")}, back)
	}
	m, err := v.office.Matters.Open(v.r.Context(), matter.Opening{ID: v.office.RepeatableID("matter on alert", string(c.ID), string(c.ID)), Kind: matter.Protection, Reference: string(c.ID), Why: v.field("why"),
		About: []matter.About{{Customer: c.Customer}}, Alert: c.ID, By: string(v.member.ID)})
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: back, Refusal: refusal}, back)
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: matterAddress(m.ID), Note: "The case is open, and the alert goes on beside it."}, matterAddress(m.ID))
}

// matterView is one matter, with what can be done under it.
type matterView struct {
	page
	Matter  matterRow
	Why     string
	Data    string
	Vendor  string
	Carrier string
	Alert   string // address
	Closes  string // when it closes by itself
	Ended   string
	Desk    navItem
	About   []aboutRow
	Steps   []caseStep
	Open    bool
	Unread  bool
	Ask     underForm
	Answer  *answerView
	Unfit   string
	Results []option // outcomes
}

type aboutRow struct{ Name, Address, Lines string }

// underForm is the form that asks for information under a matter.
type underForm struct {
	Key       cpni.ID
	Customers []choice
	Data      []choice
	From      []choice
	Through   []choice
	Lines     []choice
	To        []choice
	Other     bool // another carrier can be named
	Named     string
}

// matterNamed reads the matter of the address, for who works on such.
func (v *visit) matterNamed() (*matter.Matter, error) {
	m, err := v.office.Matters.Get(v.r.Context(), v.id("matter"))
	if errors.Is(err, matter.ErrNone) {
		return nil, errNowhere
	}
	if err == nil && !v.mayCome(m.Kind.Right()) {
		return nil, errNowhere
	}
	return m, err
}

// cite: P-30, P-33, P-34, P-35, P-37
func (v *visit) matterPage() error {
	m, err := v.matterNamed()
	if err != nil {
		return err
	}
	view, err := v.matterView(m)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, matterPage(view))
}

func (v *visit) matterView(m *matter.Matter) (matterView, error) {
	ctx := v.r.Context()
	row, err := v.matterRow(m)
	if err != nil {
		return matterView{}, err
	}
	d := deskOf(m.Kind)
	view := matterView{page: v.page(row.Kind, "/desks"), Matter: row, Why: m.Why, Data: capital(classes(m.Data)), Vendor: m.Partner, Carrier: m.Carrier, Desk: navItem{Text: d.title, Address: d.address()},
		Open: m.State == matter.Open, Unread: m.Unread}
	if m.Alert != "" && v.member.May(staff.Watch) {
		view.Alert = caseAddress(m.Alert)
	}
	if t := matter.NumbersOf(v.office.Policy.Numbers(v.now)).Kinds[m.Kind]; view.Open {
		closes := m.Touched.Add(t.Close)
		if longest := m.Opened.Add(t.Longest); longest.Before(closes) {
			closes = longest
		}
		view.Closes = v.moment(closes)
	} else {
		by, err := v.actor(m.Closer)
		if err != nil {
			return view, err
		}
		if m.Closer == matter.Itself {
			by = "by itself"
		}
		view.Ended = v.moment(m.Closed) + ", " + by
	}
	var shown []cpni.ID
	for _, a := range m.Customers {
		r := aboutRow{Name: "a customer who was forgotten"}
		p, _, err := v.office.Customers.Get(ctx, a.Customer)
		if err != nil && !errors.Is(err, vault.ErrForgotten) && !errors.Is(err, customer.ErrNoCustomer) {
			return view, err
		}
		if err == nil {
			shown = append(shown, a.Customer)
			r = aboutRow{Name: p.Name, Lines: "all lines"}
			if v.member.May(staff.See) {
				r.Address = customerAddress(p.ID)
			}
			if len(a.Lines) > 0 {
				masked := make([]string, len(a.Lines))
				for i, l := range a.Lines {
					masked[i] = customer.Masked(l)
				}
				r.Lines = strings.Join(masked, ", ")
			}
		}
		view.About = append(view.About, r)
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Records, shown...); err != nil {
		return view, err
	}
	steps, err := v.office.Matters.History(ctx, m)
	if err != nil {
		return view, err
	}
	for _, s := range steps {
		step := caseStep{At: v.moment(s.At), What: cmp.Or(map[string]string{"opened": "Opened", "noted": "Note", "reminded": "Idle: somebody should go on with it, or close it"}[s.What], s.What), Note: s.Note}
		if outcome, ok := strings.CutPrefix(s.What, "closed: "); ok {
			step.What = "Closed: " + uncapital(matterOutcomes[matter.Outcome(outcome)])
		}
		if s.Unread {
			step.Note = "What was written here went with the key of a customer who was forgotten."
		}
		if step.By, err = v.actor(s.By); err != nil {
			return view, err
		}
		if s.By == matter.Itself {
			step.By = "the program"
		}
		view.Steps = append(view.Steps, step)
	}
	for _, o := range matter.Outcomes {
		view.Results = append(view.Results, option{string(o), matterOutcomes[o]})
	}
	if view.Open {
		view.Ask, err = v.underForm(m, nil)
	}
	return view, err
}

// workedOn goes back to the matter after something was done in it, or refused.
func (v *visit) workedOn(id cpni.ID, err error, note string) error {
	return v.told(err, matterAddress(id), note)
}

func (v *visit) noteMatter() error {
	m, err := v.matterNamed()
	if err != nil {
		return err
	}
	_, err = v.office.Matters.Note(v.r.Context(), m.ID, string(v.member.ID), v.field("note"))
	return v.workedOn(m.ID, err, "The note is in the matter.")
}

// cite: P-28, P-34
func (v *visit) closeMatter() error {
	m, err := v.matterNamed()
	if err != nil {
		return err
	}
	_, err = v.office.Matters.Close(v.r.Context(), m.ID, string(v.member.ID), matter.Outcome(v.field("outcome")), v.field("reason"))
	return v.workedOn(m.ID, err, "It is closed. Nothing is given on it any more.")
}

// openMatterOn is the form of an alert that opens a case, for who works on such.
type openMatterOn struct {
	Address string // "" there is none
	There   string // address of the case that was opened already
}

func (v *visit) matterOn(c *watch.Case) (openMatterOn, error) {
	if c.Customer == "" || !v.member.May(staff.WorkProtection) {
		return openMatterOn{}, nil
	}
	m, err := v.office.Matters.Find(v.r.Context(), string(v.office.RepeatableID("matter on alert", string(c.ID), string(c.ID))), matter.Protection)
	if errors.Is(err, matter.ErrNone) {
		return openMatterOn{Address: caseAddress(c.ID) + "/matter"}, nil
	}
	if err != nil {
		return openMatterOn{}, err
	}
	return openMatterOn{There: matterAddress(m.ID)}, nil
}
