package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"ringfence/internal/complaint"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
	"ringfence/internal/written"
)

// letterPlaces are where what customers ask for and report in writing is worked on.
//
// cite: P-36, P-41, 47 USC 222(c)(2), 47 CFR 64.2009(e)
func letterPlaces() []place {
	const reports, report, requests, request, enter = "/reports", "/reports/{customer}/{report}", "/written", "/written/{customer}/{request}", "/desk/customers/{customer}/written"
	return []place{
		{pattern: reports, right: staff.Discipline, get: (*visit).reportsPage},
		{pattern: report, right: staff.Discipline, get: (*visit).reportPage},
		{pattern: report + "/take", right: staff.Discipline, post: (*visit).takeReport, home: report},
		{pattern: report + "/answer", right: staff.Discipline, post: (*visit).answerReport, home: report},
		{pattern: requests, right: staff.Serve, get: (*visit).requestsPage},
		{pattern: request, right: staff.Serve, get: (*visit).requestPage},
		{pattern: request + "/scan", right: staff.Serve, get: (*visit).requestScan},
		{pattern: request + "/prove", right: staff.Serve, post: (*visit).proveRequest, home: request},
		{pattern: request + "/decline", right: staff.Serve, post: (*visit).declineRequest, home: request},
		{pattern: request + "/resend", right: staff.Serve, post: (*visit).resendRequest, home: request},
		{pattern: request + "/redirect", right: staff.Serve, post: (*visit).redirectRequest, home: request},
		{pattern: request + "/hand", right: staff.Serve, post: (*visit).handRequest, home: request},
		{pattern: request + "/proof", right: staff.Serve, get: (*visit).requestProof},
		{pattern: request + "/withdraw", right: staff.Serve, post: (*visit).withdrawRequest, home: request},
		{pattern: enter, right: staff.Serve, get: (*visit).enterRequestPage, post: (*visit).enterRequest, scan: written.MostScan},
	}
}

func reportAddress(of, id cpni.ID) string  { return "/reports/" + string(of) + "/" + string(id) }
func requestAddress(of, id cpni.ID) string { return "/written/" + string(of) + "/" + string(id) }

var (
	reportKinds = map[complaint.Category]string{complaint.EmployeeAccess: "An employee saw it", complaint.Disclosure: "Given to somebody who should not have it",
		complaint.OnlineAccess: "Somebody else was in the account online", complaint.Other: "Something else"}
	reportStates  = map[complaint.State]chip{complaint.Open: {"Open", "bad"}, complaint.Looking: {"Being looked into", "warn"}, complaint.Answered: {"Answered", "good"}}
	requestStates = map[written.State]chip{written.Entered: {"To be proved", "bad"}, written.Waiting: {"Waits before it goes", "warn"}, written.Sent: {"Has gone", "good"},
		written.Unreached: {"Reached nobody", "bad"}, written.Handed: {"Handed over", "good"},
		written.Withdrawn: {"Taken back", ""}, written.Declined: {"Not carried out", ""}}
)

// letterRow is a report or a request as lists have it. It names nobody.
type letterRow struct {
	Address, At, What, About, By string
	State                        chip
}

// lettersView lists reports or requests, the newest first.
type lettersView struct {
	page
	Says   string
	States []navItem
	Rows   []letterRow
}

// cite: P-41, 47 CFR 64.2009(e)
func (v *visit) reportsPage() error {
	state := complaint.State(v.r.URL.Query().Get("state"))
	if !slices.Contains(complaint.States, state) {
		state = ""
	}
	view := lettersView{page: v.page("Reports from customers", "/reports"), Says: "What customers say is wrong with how their information was treated. Each is looked into and answered; the customer reads the answer in their account."}
	view.States = append(view.States, navItem{"All", "/reports", state == ""})
	for _, s := range complaint.States {
		view.States = append(view.States, navItem{reportStates[s].Text, "/reports?" + queryOf("state", string(s)), s == state})
	}
	all, err := v.office.Complaints.List(v.r.Context(), state)
	if err != nil {
		return err
	}
	for _, c := range all {
		row := letterRow{Address: reportAddress(c.Customer, c.ID), At: v.clock(c.At), What: reportKinds[c.Category], About: "customer " + short(c.Customer), State: reportStates[c.State]}
		if c.Worker != "" {
			if row.By, err = v.actor(string(c.Worker)); err != nil {
				return err
			}
		}
		view.Rows = append(view.Rows, row)
	}
	return v.show(http.StatusOK, lettersPage(view))
}

// reportView is one report.
type reportView struct {
	page
	Address  string
	Row      letterRow
	Text     string
	Entry    string // the address of the entry that it is about; "" none
	Customer string
	Answer   string
	Book     string // the address of its record by which it counts for the year
	Mine     bool
	Done     bool
}

// reportPage shows a report. That somebody reads it is on record.
//
// cite: P-37, P-41
func (v *visit) reportPage() error {
	ctx, of := v.r.Context(), v.id("customer")
	c, err := v.office.Complaints.One(ctx, of, v.id("report"))
	if errors.Is(err, complaint.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Records, of); err != nil {
		return err
	}
	view := reportView{page: v.page("Report from a customer", "/reports"), Address: reportAddress(of, c.ID), Text: c.Text, Answer: c.Answer, Customer: recordsAddress(of), Book: bookAddress(c.ID), Mine: c.Worker == v.member.ID && c.State == complaint.Looking, Done: c.State == complaint.Answered,
		Row: letterRow{At: v.moment(c.At), What: reportKinds[c.Category], State: reportStates[c.State]}}
	if c.Worker != "" {
		if view.Row.By, err = v.actor(string(c.Worker)); err != nil {
			return err
		}
	}
	if c.Entry != "" {
		view.Entry = recordsAddress(of) + "/" + string(c.Entry)
	}
	return v.show(http.StatusOK, reportPage(view))
}

// lettered sends the browser to a page of these with what came of the last step.
func (v *visit) lettered(address, note string, err error) error {
	return v.told(err, address, note, complaint.ErrNone, written.ErrNone, customer.ErrNoCustomer)
}

func (v *visit) takeReport() error {
	_, err := v.office.Complaints.Take(v.r.Context(), v.id("customer"), v.id("report"), v.member.ID)
	return v.lettered(reportAddress(v.id("customer"), v.id("report")), "You look into it.", err)
}

func (v *visit) answerReport() error {
	_, err := v.office.Complaints.Reply(v.r.Context(), v.id("customer"), v.id("report"), v.member.ID, v.field("answer"))
	return v.lettered(reportAddress(v.id("customer"), v.id("report")), "The customer can read the answer, and is told that it is there.", err)
}

// cite: P-36, 47 USC 222(c)(2)
func (v *visit) requestsPage() error {
	state := written.State(v.r.URL.Query().Get("state"))
	if !slices.Contains(written.States, state) {
		state = ""
	}
	view := lettersView{page: v.page("Written requests", "/written"), Says: "Customers who ask in writing that their records be given to somebody they name. The law commands to obey it, whatever they have said about marketing. One that came by post is entered on the customer's page."}
	view.States = append(view.States, navItem{"All", "/written", state == ""})
	for _, s := range written.States {
		view.States = append(view.States, navItem{requestStates[s].Text, "/written?" + queryOf("state", string(s)), s == state})
	}
	all, err := v.office.Written.List(v.r.Context(), state)
	if err != nil {
		return err
	}
	for _, q := range all {
		row := letterRow{Address: requestAddress(q.Customer, q.ID), At: v.clock(q.At) + v.ageOf(q), What: "From the portal", About: "customer " + short(q.Customer), State: requestStates[q.State]}
		if q.Posted() {
			row.What = "By post"
			if row.By, err = v.actor(string(q.By)); err != nil {
				return err
			}
		}
		view.Rows = append(view.Rows, row)
	}
	return v.show(http.StatusOK, lettersPage(view))
}

// requestView is one written request.
type requestView struct {
	page
	Address  string
	Row      letterRow
	Text     string
	Hash     string
	Due      string
	Reason   string
	Scan     string // the address of the scan; "" there is none
	Customer string // the address of the card
	Entry    string // the address of the decision
	Entered  bool
	Contact  bool // the person's contact with this customer runs
	Open     bool
	Phrase   string
	Opened   []string
	designeeView
}

// requestPage shows a request. That somebody reads it is on record.
//
// cite: P-36, P-37, P-41
func (v *visit) requestPage() error {
	view, err := v.requestView()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, requestPage(view))
}

func (v *visit) requestView() (requestView, error) {
	ctx, of := v.r.Context(), v.id("customer")
	q, err := v.office.Written.One(ctx, of, v.id("request"))
	if errors.Is(err, written.ErrNone) {
		return requestView{}, errNowhere
	}
	if err != nil {
		return requestView{}, err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Card, of); err != nil {
		return requestView{}, err
	}
	view := requestView{page: v.page("Written request", "/written"), Address: requestAddress(of, q.ID), Text: q.Text, Hash: hexOf(q.Hash[:]), Reason: q.Reason, Customer: customerAddress(of), Entered: q.State == written.Entered, Open: q.Open(),
		Row: letterRow{At: v.moment(q.At), What: "Signed in the portal", State: requestStates[q.State]}}
	if q.Posted() {
		view.Row.What = "Came by post"
		if view.Row.By, err = v.actor(string(q.By)); err != nil {
			return view, err
		}
	}
	if q.State == written.Waiting {
		view.Due = v.moment(q.Due)
	}
	if q.HasScan {
		view.Scan = view.Address + "/scan"
	}
	if q.Entry != "" && v.member.May(staff.ReadRecords) {
		view.Entry = recordsAddress(of) + "/" + string(q.Entry)
	}
	if s := v.at(); s != nil && s.Customer == of {
		view.Contact = true
	}
	for _, at := range q.Opened {
		view.Opened = append(view.Opened, v.moment(at))
	}
	view.designeeView = v.designeeView(q)
	return view, nil
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, x := range b {
		out = append(out, digits[x>>4], digits[x&15])
	}
	return string(out)
}

// requestScan hands out the scan of a letter, as a file that the browser keeps and does not open here.
//
// cite: P-36, P-37, P-41
func (v *visit) requestScan() error {
	ctx, of := v.r.Context(), v.id("customer")
	file, kind, err := v.office.Written.Scan(ctx, of, v.id("request"))
	if errors.Is(err, written.ErrNone) {
		return errNowhere
	}
	if err != nil {
		return err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Card, of); err != nil {
		return err
	}
	ending := map[string]string{"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[kind]
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="letter.`+ending+`"`)
	v.w.WriteHeader(http.StatusOK)
	v.w.Write(file)
	return nil
}

// proveRequest has a request that came by post decided in the person's contact with the customer, who was proved there and says
// that it is theirs. The pass phrase of a link is shown once, to be told to the customer in this contact.
//
// cite: P-16, P-36, P-42, 47 USC 222(c)(2)
func (v *visit) proveRequest() error {
	of, id := v.id("customer"), v.id("request")
	s := v.at()
	if s == nil || s.Customer != of {
		return v.lettered(requestAddress(of, id), "", cpni.Rejected("UNAUTHENTICATED", "you have no contact with this customer", []string{"P-16", "P-36"}, "open a contact, and have the customer prove who they are"))
	}
	signed, err := v.office.Written.Prove(v.r.Context(), of, id, s.ID, v.member.ID)
	if err != nil {
		return v.lettered(requestAddress(of, id), "", err)
	}
	view, err := v.requestView()
	if err != nil {
		return err
	}
	view.Phrase = signed.Phrase
	view.Note = "It is decided. It goes once the wait is over; the customer is told."
	return v.show(http.StatusOK, requestPage(view))
}

func (v *visit) declineRequest() error {
	_, err := v.office.Written.Decline(v.r.Context(), v.id("customer"), v.id("request"), v.member.ID, v.field("reason"))
	return v.lettered(requestAddress(v.id("customer"), v.id("request")), "It is closed, with your reason.", err)
}

func (v *visit) withdrawRequest() error {
	_, err := v.office.Written.Withdraw(v.r.Context(), v.id("customer"), v.id("request"), v.member.ID)
	return v.lettered(requestAddress(v.id("customer"), v.id("request")), "It is taken back.", err)
}

// enterRequestView is the form for a request that came by post.
type enterRequestView struct {
	page
	Address string
	Card    string
	Name    string
	Lines   []option
	Classes []option
	Months  []option
}

// cite: P-36, 47 USC 222(c)(2)
func (v *visit) enterRequestPage() error {
	ctx, of := v.r.Context(), v.id("customer")
	p, _, err := v.office.Customers.Get(ctx, of)
	if err != nil {
		return err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Card, of); err != nil {
		return err
	}
	view := enterRequestView{page: v.page("A written request that came by post", "/written"), Address: customerAddress(of) + "/written", Card: customerAddress(of), Name: p.Name}
	for _, l := range p.Lines {
		view.Lines = append(view.Lines, option{strconv.Itoa(l.No), l.Number})
	}
	for _, c := range written.Classes {
		view.Classes = append(view.Classes, option{string(c), classWords[c]})
	}
	for m, n := v.now.In(v.office.Zone), 0; n < mostMonthsBack; n++ {
		month := time.Date(m.Year(), m.Month()-time.Month(n), 1, 0, 0, 0, 0, v.office.Zone)
		view.Months = append(view.Months, option{month.Format("200601"), month.Format("January 2006")})
	}
	return v.show(http.StatusOK, enterRequestPage(view))
}

// mostMonthsBack is how far back a form goes.
const mostMonthsBack = 60

// enterRequest keeps a request that came by post, with its scan.
//
// cite: P-36, 47 USC 222(c)(2)
func (v *visit) enterRequest() error {
	ctx, of := v.r.Context(), v.id("customer")
	p, _, err := v.office.Customers.Get(ctx, of)
	if err != nil {
		return err
	}
	x := written.Posting{Customer: of, By: v.member.ID, Signature: v.field("signature"), Draft: written.Draft{Name: v.field("name"), Via: cpni.Via(v.field("via")), To: v.field("address"), Language: p.Language}}
	for _, c := range v.form["class"] {
		x.Draft.Data = append(x.Draft.Data, cpni.DataClass(c))
	}
	if no, err := strconv.Atoi(v.field("line")); err == nil {
		if l, ok := lineNo(p, no); ok {
			x.Draft.Line = l.Number
		}
	}
	from, bad1 := strconv.Atoi(v.field("from"))
	to, bad2 := strconv.Atoi(v.field("to"))
	if errors.Join(bad1, bad2) == nil && from > 190000 && to <= 999912 {
		for m := from; m <= to && len(x.Draft.Months) < 2*mostMonthsBack; m = monthAfter(m) {
			x.Draft.Months = append(x.Draft.Months, m)
		}
	}
	if len(v.uploads) > 0 {
		x.Scan = []byte(v.uploads[0].Text)
	}
	q, err := v.office.Written.Post(ctx, x)
	if err != nil {
		return v.lettered(customerAddress(of)+"/written", "", err)
	}
	address := requestAddress(of, q.ID)
	return v.leave(flash{For: address, Note: "It is entered. It is carried out once the customer was proved and says that it is theirs."}, address)
}
