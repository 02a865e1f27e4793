package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
)

// NoticeRun is a notice of rights that goes to many, and how far it has come.
//
// cite: P-26, P-27, 47 CFR 64.2008(a)(2)
type NoticeRun struct {
	ID       cpni.ID         `json:"id"`
	Title    string          `json:"title"`
	State    notice.RunState `json:"state" enum:"planned,running,paused,stopped,done" doc:"done: it has looked at everybody; what it planned may still be on its way."`
	For      NoticeAudience  `json:"for"`
	Says     NoticeSays      `json:"says"`
	Starts   *time.Time      `json:"starts,omitempty" doc:"Nothing goes before. Of a standing run: when it looks next."`
	By       cpni.ID         `json:"by,omitempty" doc:"Who proposed it."`
	Second   cpni.ID         `json:"second,omitempty" doc:"Who agreed to it."`
	At       time.Time       `json:"at" doc:"When it was agreed to."`
	Expected int64           `json:"expected" doc:"How many customers it was for when it was agreed to."`
	Looked   int64           `json:"looked" doc:"How many of them it has looked at."`
	Progress *NoticeProgress `json:"progress,omitempty" doc:"Of one run that is read."`
}

// NoticeProgress is what has become of a run.
type NoticeProgress struct {
	Planned  int64          `json:"planned" doc:"On their way."`
	Given    int64          `json:"given" doc:"Proven given."`
	CameBack int64          `json:"came_back" doc:"Came back, and another form is on its way."`
	NoWay    int64          `json:"no_way" doc:"No way is left."`
	LeftOut  int64          `json:"left_out"`
	Reasons  []notice.Tally `json:"reasons" doc:"How many are in each state, by way and code."`
}

// NoticeAudience is who a notice is for.
type NoticeAudience struct {
	Who       string    `json:"who" enum:"everyone,never,lapsing,new,named" doc:"all in service; those never given such a notice; those whose notice lapses within some months; those who have come since a day; those who are named."`
	Months    int       `json:"months,omitempty" minimum:"0" maximum:"24" doc:"Of lapsing."`
	Since     string    `json:"since,omitempty" format:"date" doc:"Of new, in the carrier's zone."`
	Standing  bool      `json:"standing,omitempty" doc:"Of never and new: it looks again every day."`
	Customers []cpni.ID `json:"customers,omitempty" maxItems:"5000" doc:"Of named."`
}

// NoticeSays is what a notice tells.
type NoticeSays struct {
	Kind       string             `json:"kind" enum:"opt-out,opt-in"`
	Purposes   []cpni.Purpose     `json:"purposes,omitempty" doc:"own-marketing, other-marketing, partner-marketing; none: own marketing."`
	Data       []cpni.DataClass   `json:"data,omitempty" doc:"None: what the purposes need, but for call location."`
	Recipients []notice.Recipient `json:"recipients,omitempty" doc:"Companies by their ids on the register, with the name and class that the notice names."`
	Wait       int                `json:"wait,omitempty" minimum:"0" maximum:"365" doc:"Days that it gives; 0: the law's."`
	Ways       []string           `json:"ways,omitempty" doc:"email, postal, bill-insert, portal, in the order in which they are tried; none: e-mail to who has agreed to that, else post."`
	Edition    string             `json:"edition,omitempty" doc:"Of its words; none: those in use."`
}

// NewNotice is a notice to many, as it is proposed.
type NewNotice struct {
	Title  string         `json:"title" minLength:"1" maxLength:"100"`
	For    NoticeAudience `json:"for"`
	Says   NoticeSays     `json:"says"`
	Starts *time.Time     `json:"starts,omitempty" doc:"None: as soon as it is agreed to."`
}

// CustomerNotice is a notice with its proof.
//
// cite: P-26, P-27, 47 CFR 64.2008(a)(2)
type CustomerNotice struct {
	Notice  cpni.ID      `json:"notice" doc:"The run."`
	Title   string       `json:"title,omitempty"`
	Kind    string       `json:"kind" enum:"opt-out,opt-in"`
	Scopes  []string     `json:"scopes"`
	State   string       `json:"state" enum:"planned,given,came-back,no-way,left-out"`
	Via     string       `json:"via,omitempty"`
	Code    string       `json:"code,omitempty"`
	At      time.Time    `json:"at"`
	Given   *time.Time   `json:"given,omitempty" doc:"When it was proven sent, mailed or shown."`
	Silence *time.Time   `json:"silence_counts,omitempty" doc:"From when on the customer's silence counts; none: never."`
	Void    bool         `json:"void,omitempty" doc:"It came back after it had counted as given."`
	Forms   []NoticeForm `json:"forms"`
}

// NoticeForm is a message by which a notice went.
type NoticeForm struct {
	Message  cpni.ID      `json:"message"`
	Via      cpni.Via     `json:"via"`
	State    notify.State `json:"state"`
	Code     string       `json:"code,omitempty"`
	Words    string       `json:"words,omitempty" doc:"The version of its words."`
	Planned  time.Time    `json:"planned"`
	Sent     *time.Time   `json:"sent,omitempty"`
	Mailed   *time.Time   `json:"mailed,omitempty"`
	CameBack *time.Time   `json:"came_back,omitempty"`
}

// NewMailing is what the billing system says of bills that it has mailed.
type NewMailing struct {
	Mailed   string    `json:"mailed" format:"date" doc:"The day, in the carrier's zone."`
	Inserted []cpni.ID `json:"inserted,omitempty" maxItems:"100000" doc:"Customers whose bill held the notice."`
	Missed   []cpni.ID `json:"missed,omitempty" maxItems:"100000" doc:"Customers whose bill went without it: they stay unnotified, and an alert is raised."`
}

// ReturnedBills names the customers whose bills came back.
type ReturnedBills struct {
	Customers []cpni.ID `json:"customers" minItems:"1" maxItems:"100000" doc:"Whose bill came back with the notice in it."`
}

// NoticeDay is where customers in service stood on a day.
type NoticeDay struct {
	Day    string           `json:"day" format:"date"`
	Counts map[string]int64 `json:"counts" doc:"in-service, covered, lapses-in:DAYS, lapsed, never; of those not covered also new, on-way, late, no-way and nothing; of those whose notice lapses soon renewing; and lapses:YYYY-MM."`
}

func saysOf(s notice.Spec) NoticeSays {
	return NoticeSays{Kind: s.Kind, Purposes: s.Purposes, Data: s.Data, Recipients: s.Recipients, Wait: s.Wait, Ways: s.Ways, Edition: s.Edition}
}

func runOf(r notice.Run) NoticeRun {
	out := NoticeRun{ID: r.ID, Title: r.Title, State: r.State, Says: saysOf(r.Spec), Starts: when(r.Starts), By: r.By, Second: r.Second, At: r.At, Expected: r.Expected, Looked: r.Looked,
		For: NoticeAudience{Who: r.Audience.Who, Months: r.Audience.Months, Standing: r.Audience.Standing, Customers: r.Audience.Customers}}
	if !r.Audience.Since.IsZero() {
		out.For.Since = r.Audience.Since.String()
	}
	return out
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// launch reads what is proposed.
func (n NewNotice) launch() (notice.Spec, notice.Launch, error) {
	s := notice.Spec{Kind: n.Says.Kind, Purposes: n.Says.Purposes, Data: n.Says.Data, Recipients: n.Says.Recipients, Wait: n.Says.Wait, Ways: n.Says.Ways, Edition: n.Says.Edition}
	l := notice.Launch{Title: strings.TrimSpace(n.Title), Audience: notice.Audience{Who: n.For.Who, Months: n.For.Months, Standing: n.For.Standing, Customers: n.For.Customers}}
	if n.Starts != nil {
		l.Starts = *n.Starts
	}
	if n.For.Since != "" {
		d, err := workday.ParseDate(n.For.Since)
		if err != nil {
			return s, l, badInput("since is no date")
		}
		l.Audience.Since = d
	}
	return s, l, nil
}

// OneNotice names a run.
type OneNotice struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// mostMailingBody bounds what is said of a mailing: a hundred thousand ids.
const mostMailingBody = 4 << 20

// cite: P-26, P-27, V51, 47 CFR 64.2008, 47 CFR 64.2009(d)
func (a *API) notices() {
	tag := []string{"notices"}
	const one = "/v1/notices/{id}"
	type body struct{ Body NoticeRun }
	read := func(ctx context.Context, id cpni.ID) (*body, error) {
		r, err := a.office.Notices.Run(ctx, id)
		if err != nil {
			return nil, noticeError(err)
		}
		p, err := a.office.Notices.Progress(ctx, id)
		if err != nil {
			return nil, err
		}
		out := runOf(r)
		out.Progress = &NoticeProgress{Planned: p.Planned, Given: p.Given, CameBack: p.CameBack, NoWay: p.NoWay, LeftOut: p.LeftOut, Reasons: append([]notice.Tally{}, p.Tallies...)}
		return &body{out}, nil
	}
	register(a, operation{right: staff.GiveNotices, scope: "notices", most: mostPolicyBody, Operation: huma.Operation{OperationID: "propose-notice", Method: http.MethodPost, Path: "/v1/notices", Tags: tag, DefaultStatus: http.StatusAccepted,
		Summary: "Propose a notice to many customers", Description: "How many it would go to by which way, and who would be left out and why, is counted before another member can agree; nothing goes before one has. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewNotice
		}) (*proposed, error) {
			s, l, err := in.Body.launch()
			if err != nil {
				return nil, err
			}
			return a.proposed(a.office.ProposeNotice(ctx, a.repeatable("proposal of a notice", c, in.Key), s, l, c.member.ID))
		})
	register(a, operation{right: staff.ReadRecords, scope: "notices", Operation: huma.Operation{OperationID: "list-notices", Method: http.MethodGet, Path: "/v1/notices", Tags: tag,
		Summary: "List the notices to many customers", Description: "Those that go on first, then the newest."}},
		func(ctx context.Context, _ caller, in *struct {
			Limit int `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (*struct{ Body []NoticeRun }, error) {
			all, err := a.office.Notices.Runs(ctx, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []NoticeRun }{[]NoticeRun{}}
			for _, r := range all {
				out.Body = append(out.Body, runOf(r))
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadRecords, scope: "notices", Operation: huma.Operation{OperationID: "read-notice", Method: http.MethodGet, Path: one, Tags: tag, Summary: "Read how far a notice has come"}},
		func(ctx context.Context, _ caller, in *OneNotice) (*body, error) { return read(ctx, in.ID) })
	for _, act := range []struct {
		name, summary string
		do            func(context.Context, cpni.ID, string) (notice.Run, error)
	}{
		{"pause", "Hold a notice: nobody else is planned, and what has not gone waits", func(ctx context.Context, id cpni.ID, by string) (notice.Run, error) {
			return a.office.Notices.Pause(ctx, id, by)
		}},
		{"resume", "Let a paused notice go on where it was", func(ctx context.Context, id cpni.ID, by string) (notice.Run, error) {
			return a.office.Notices.Resume(ctx, id, by)
		}},
		{"stop", "Stop a notice for good: what has not gone does not go", func(ctx context.Context, id cpni.ID, by string) (notice.Run, error) {
			return a.office.Notices.Stop(ctx, id, by)
		}},
	} {
		register(a, operation{right: staff.GiveNotices, scope: "notices", Operation: huma.Operation{OperationID: act.name + "-notice", Method: http.MethodPost, Path: one + "/" + act.name, Tags: tag, DefaultStatus: http.StatusOK, Summary: act.summary}},
			func(ctx context.Context, c caller, in *OneNotice) (*body, error) {
				if _, err := act.do(ctx, in.ID, string(c.member.ID)); err != nil {
					return nil, noticeError(err)
				}
				return read(ctx, in.ID)
			})
	}
	register(a, operation{right: staff.ReadRecords, scope: "notices", Operation: huma.Operation{OperationID: "list-notice-customers", Method: http.MethodGet, Path: one + "/customers", Tags: tag,
		Summary: "List the customers of a notice in a state, by way and reason", Description: "In the order of their ids; the next page begins after the last."}},
		func(ctx context.Context, _ caller, in *struct {
			OneNotice
			State string  `query:"state" enum:"planned,given,came-back,no-way,left-out" required:"true"`
			Via   string  `query:"via" maxLength:"20"`
			Code  string  `query:"code" maxLength:"60"`
			After cpni.ID `query:"after" maxLength:"26"`
			Limit int     `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		}) (*struct{ Body []cpni.ID }, error) {
			all, err := a.office.Notices.Those(ctx, in.ID, notice.Tally{State: in.State, Via: in.Via, Code: in.Code}, in.After, in.Limit)
			return &struct{ Body []cpni.ID }{append([]cpni.ID{}, all...)}, err
		})
	register(a, operation{right: staff.KeepCustomers, scope: "notices", Operation: huma.Operation{OperationID: "read-notice-inserts", Method: http.MethodGet, Path: one + "/inserts", Tags: tag,
		Summary: "Read, as CSV, into whose next bill the notice is to be put", Description: "The columns are customer, account, notice, language and insert. That it was handed out is on record.",
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{"text/csv": {}}}}}},
		func(ctx context.Context, c caller, in *OneNotice) (*huma.StreamResponse, error) {
			r, err := a.office.Notices.Run(ctx, in.ID)
			if err != nil {
				return nil, noticeError(err)
			}
			if _, err := a.office.Notices.InsertDocument(ctx, r.ID, notice.Languages[0]); err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
				if _, err := a.office.Notices.Inserts(hc.Context(), r.ID, hc.BodyWriter(), string(c.member.ID)); err != nil {
					a.report(err)
					panic(http.ErrAbortHandler) // half a file must not be taken for the whole
				}
			}}, nil
		})
	register(a, operation{right: staff.KeepCustomers, scope: "notices", Operation: huma.Operation{OperationID: "read-notice-insert", Method: http.MethodGet, Path: one + "/insert/{language}", Tags: tag,
		Summary: "Read the page that lies in the bill, as PDF", Responses: map[string]*huma.Response{"200": {Description: "The page", Content: map[string]*huma.MediaType{"application/pdf": {}}}}}},
		func(ctx context.Context, _ caller, in *struct {
			OneNotice
			Language string `path:"language" enum:"en,es"`
		}) (*huma.StreamResponse, error) {
			doc, err := a.office.Notices.InsertDocument(ctx, in.ID, in.Language)
			if err != nil {
				return nil, noticeError(err)
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", doc.Type)
				hc.BodyWriter().Write(doc.Bytes)
			}}, nil
		})
	register(a, operation{right: staff.KeepCustomers, scope: "notices", most: mostMailingBody, Operation: huma.Operation{OperationID: "confirm-notice-mailing", Method: http.MethodPost, Path: one + "/mailings", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Say which bills were mailed on a day, with the notice and without", Description: "The notice in them counts from the third day after. Bills without it raise an alert with the day by which that is to be assessed. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			OneNotice
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewMailing
		}) (*struct{ Body notice.Confirmed }, error) {
			d, err := workday.ParseDate(in.Body.Mailed)
			if err != nil {
				return nil, badInput("mailed is no date")
			}
			done, err := a.office.Notices.Mailed(ctx, in.ID, notice.Mailing{ID: a.repeatable("mailing", c, in.Key), Mailed: d, Inserted: in.Body.Inserted, Missed: in.Body.Missed}, string(c.member.ID))
			return &struct{ Body notice.Confirmed }{done}, noticeError(err)
		})
	register(a, operation{right: staff.KeepCustomers, scope: "notices", most: mostMailingBody, Operation: huma.Operation{OperationID: "report-returned-bills", Method: http.MethodPost, Path: one + "/returned", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Say which bills came back with the notice in them", Description: "For their customers it counts as not given, from now on, and another form goes out by itself where there is one. The same said twice counts once."}},
		func(ctx context.Context, c caller, in *struct {
			OneNotice
			Body ReturnedBills
		}) (*struct{ Body notice.Returned }, error) {
			done, err := a.office.Notices.Returned(ctx, in.ID, in.Body.Customers, string(c.member.ID))
			return &struct{ Body notice.Returned }{done}, noticeError(err)
		})
	register(a, operation{right: staff.Serve, scope: "notices", Operation: huma.Operation{OperationID: "report-returned-bill", Method: http.MethodPost, Path: "/v1/customers/{id}/notices/{notice}/returned", Tags: tag, DefaultStatus: http.StatusOK,
		Summary: "Say that a customer's bill came back with the notice in it", Description: "It counts as not given, from now on, and another form goes out by itself where there is one. Refused with CONFLICT when no notice of this run was on its way to them with a bill, or given with one: also when it was reported before."}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Notice cpni.ID `path:"notice" maxLength:"26"`
		}) (*struct{ Body notice.Returned }, error) {
			done, err := a.office.Notices.Returned(ctx, in.Notice, []cpni.ID{in.ID}, string(c.member.ID))
			if err == nil && done.Unknown > 0 {
				err = notice.ErrNotInBill
			}
			return &struct{ Body notice.Returned }{done}, noticeError(err)
		})
	register(a, operation{right: staff.ReadRecords, scope: "notices", Operation: huma.Operation{OperationID: "read-notice-days", Method: http.MethodGet, Path: "/v1/notice-days", Tags: tag,
		Summary: "Read where customers in service stood with their notices, day by day", Description: "The newest first."}},
		func(ctx context.Context, _ caller, in *struct {
			Limit int `query:"limit" minimum:"1" maximum:"400" default:"30"`
		}) (*struct{ Body []NoticeDay }, error) {
			all, err := a.office.Notices.Days(ctx, in.Limit)
			out := &struct{ Body []NoticeDay }{[]NoticeDay{}}
			for _, d := range all {
				out.Body = append(out.Body, NoticeDay{d.Date.String(), d.N})
			}
			return out, err
		})
	register(a, operation{right: staff.ReadRecords, scope: "notices", Operation: huma.Operation{OperationID: "list-customer-notices", Method: http.MethodGet, Path: "/v1/customers/{id}/notices", Tags: tag,
		Summary: "List every notice of a customer with its proof"}},
		func(ctx context.Context, c caller, in *OneCustomer) (*struct{ Body []CustomerNotice }, error) {
			if _, _, err := a.office.Customers.Get(ctx, in.ID); err != nil {
				return nil, err
			}
			if err := a.office.Viewed(ctx, c.member.ID, watch.Records, in.ID); err != nil {
				return nil, err
			}
			all, err := a.office.Notices.Of(ctx, in.ID)
			out := &struct{ Body []CustomerNotice }{[]CustomerNotice{}}
			for _, p := range all {
				n := CustomerNotice{Notice: p.Run, Title: p.Title, Kind: p.Kind, Scopes: p.Scopes, State: p.State, Via: p.Via, Code: p.Code, At: p.At, Given: when(p.Given), Silence: when(p.Silence), Void: p.Void, Forms: []NoticeForm{}}
				for _, f := range p.Forms {
					n.Forms = append(n.Forms, NoticeForm{f.Message, f.Via, f.State, f.Code, f.Wording, f.Planned, when(f.Sent), when(f.Mailed), when(f.CameBack)})
				}
				out.Body = append(out.Body, n)
			}
			return out, err
		})
}

// noticeError answers for a notice that is not there as for any other thing.
func noticeError(err error) error {
	if errors.Is(err, notice.ErrNoRun) {
		return errNotFound
	}
	return err
}
