package console

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// messagePlaces are what has become of messages to customers, and what is done about them.
//
// cite: P-23, P-25, 47 CFR 64.2010(f)
func messagePlaces() []place {
	const one = "/messages/{customer}/{message}"
	return []place{
		{pattern: "/messages", right: staff.ReadRecords, get: (*visit).messagesPage},
		{pattern: one, right: staff.ReadRecords, get: (*visit).messagePage},
		{pattern: one + "/page", right: staff.ReadRecords, get: (*visit).messageHTML},
		{pattern: one + "/letter.pdf", right: staff.ReadRecords, get: (*visit).messageLetter},
		{pattern: one + "/evidence/{n}", right: staff.ReadRecords, get: (*visit).messageEvidence},
		{pattern: one + "/retry", right: staff.Watch, post: (*visit).retryMessage, home: one},
		{pattern: one + "/another", right: staff.Watch, post: (*visit).anotherMessage, home: one},
		{pattern: one + "/withdraw", right: staff.Watch, post: (*visit).withdrawMessage, home: one},
		{pattern: one + "/settle", right: staff.Watch, post: (*visit).settleMessage, home: one},
		{pattern: "/settings/test", right: staff.Operate, proved: true, post: (*visit).sendTest, home: "/settings"},
	}
}

func messageAddress(of, id cpni.ID) string { return "/messages/" + string(of) + "/" + string(id) }

// messageRow is a message as lists have it: nothing of it says to whom it goes.
type messageRow struct {
	Address, Planned, Kind, Way, Code string
	Customer, Records                 string // the end of the id, and the address of the customer's records
	Place                             string // its kind, and the place itself but for its middle; "" where lists do not say
	State                             chip
	Attempts                          int
	Settled                           bool
}

func (v *visit) messageRow(of cpni.ID, m notify.Message) messageRow {
	r := messageRow{Address: messageAddress(of, m.ID), Planned: v.clock(m.At), Kind: kindOfMessage(m.Kind), Way: wordOf(wayWords, m.Via), Customer: short(of), Records: recordsAddress(of),
		State: messageStates[m.State], Attempts: m.Attempts}
	if m.Code != "" {
		r.Code = codeOfMessage(m.Code)
	}
	r.Settled = m.Stopped && (m.State == notify.Bounced || m.State == notify.Failed)
	return r
}

// messagesView is the outbox.
type messagesView struct {
	page
	Customer cpni.ID // whose messages are shown; "" everybody's
	States   []notify.State
	Counts   []countRow
	Needing  []messageRow
	Rows     []messageRow
	Older    string
	Asked    struct{ State, Way, Kind string }
	Ways     []option
	Kinds    []option
}

// countRow is how many messages of a way are in each state.
type countRow struct {
	Way   string
	None  bool // no channel carries it
	Cells []string
}

// mostNeeding bounds how many messages that need somebody are shown.
const mostNeeding = 25

// messagesPage lists messages, the newest first, and before them those that need somebody. It names nobody.
//
// cite: P-23, P-41, I-23, 47 CFR 64.2010(f)
func (v *visit) messagesPage() error {
	ctx, q := v.r.Context(), v.r.URL.Query()
	f := notify.Filter{Customer: cpni.ID(q.Get("customer")), State: notify.State(q.Get("state")), Via: cpni.Via(q.Get("way")), Kind: q.Get("kind"), Limit: rowsOnPage + 1}
	if f.Customer != "" && !f.Customer.Valid() {
		return errNowhere
	}
	if _, ok := messageStates[f.State]; !ok {
		f.State = ""
	}
	if _, ok := wayWords[f.Via]; !ok {
		f.Via = ""
	}
	if !slices.ContainsFunc(messageKinds, func(o option) bool { return o.Value == f.Kind }) {
		f.Kind = ""
	}
	if at, id, ok := strings.Cut(q.Get("before"), "."); ok {
		if us, err := strconv.ParseInt(at, 10, 64); err == nil && cpni.ID(id).Valid() {
			f.Before, f.BeforeID = time.UnixMicro(us), cpni.ID(id)
		}
	}
	all, err := v.office.Outbox.Find(ctx, f)
	if err != nil {
		return err
	}
	view := messagesView{page: v.page("Messages", "/messages"), Customer: f.Customer, States: notify.States, Kinds: messageKinds}
	view.Asked.State, view.Asked.Way, view.Asked.Kind = string(f.State), string(f.Via), f.Kind
	for _, via := range notify.Vias {
		view.Ways = append(view.Ways, option{string(via), capital(wayWords[via])})
	}
	if len(all) > rowsOnPage {
		all = all[:rowsOnPage]
		last := all[rowsOnPage-1]
		view.Older = "/messages?" + queryOf("customer", string(f.Customer), "state", string(f.State), "way", string(f.Via), "kind", f.Kind, "before", fmt.Sprintf("%d.%s", last.At.UnixMicro(), last.ID))
	}
	for _, m := range all {
		view.Rows = append(view.Rows, v.messageRow(m.Customer, m.Message))
	}
	if f.Customer != "" {
		if err := v.office.Viewed(ctx, v.member.ID, watch.Records, f.Customer); err != nil {
			return err
		}
		return v.show(http.StatusOK, messagesPage(view))
	}
	if view.Counts, err = v.messageCounts(); err != nil {
		return err
	}
	needing, err := v.office.Messages.Needing(ctx, mostNeeding)
	if err != nil {
		return err
	}
	for _, m := range needing {
		view.Needing = append(view.Needing, v.messageRow(m.Customer, m.Message))
	}
	return v.show(http.StatusOK, messagesPage(view))
}

// messageCounts counts by way and state.
func (v *visit) messageCounts() ([]countRow, error) {
	counts, err := v.office.Outbox.Counts(v.r.Context())
	if err != nil {
		return nil, err
	}
	var all []countRow
	for _, via := range notify.Vias {
		row := countRow{Way: capital(wayWords[via]), None: v.office.Messages.Channels[via] == nil}
		for _, s := range notify.States {
			cell := "–"
			for _, c := range counts {
				if c.Via == via && c.State == s {
					cell = strconv.FormatInt(c.N, 10)
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		all = append(all, row)
	}
	return all, nil
}

// mostInContact is how many messages a contact shows.
const mostInContact = 8

// messagesIn lists the newest messages of a customer for who serves them in a contact: what kind, which way, what became of
// each, and of the place its kind and no more than tells it from others.
//
// cite: P-17, P-23
func (v *visit) messagesIn(p *customer.Profile, hidden bool) ([]messageRow, error) {
	all, err := v.office.Outbox.Newest(v.r.Context(), p.ID, mostInContact)
	if err != nil {
		return nil, err
	}
	var rows []messageRow
	for _, m := range slices.Backward(all) {
		r := v.messageRow(p.ID, m)
		r.Place = placeWords[m.Place]
		if !hidden && m.To != "" {
			r.Place += ", " + customer.Masked(m.To)
		}
		if !v.member.May(staff.ReadRecords) {
			r.Address = ""
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// listTitle says what a list of messages shows.
func listTitle(v messagesView) string {
	title := counted(len(v.Rows), "message", "messages")
	if v.Older != "" {
		title = "The newest " + title
	}
	return title
}

func langOf(english bool) string {
	if english {
		return "en"
	}
	return "es"
}
