package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/aggregate"
	"ringfence/internal/cpni"
	"ringfence/internal/directory"
	"ringfence/internal/staff"
)

// FiguresReport is a report about many customers, which tells of nobody.
//
// cite: P-05, 47 USC 222(c)(3), 47 USC 222(h)(2)
type FiguresReport struct {
	ID       cpni.ID         `json:"id"`
	At       time.Time       `json:"at"`
	By       cpni.ID         `json:"by"`
	State    aggregate.State `json:"state" enum:"waiting,given,refused" doc:"waiting: a month of it is being counted; read it again."`
	Asks     FiguresAsk      `json:"asks"`
	Decision cpni.ID         `json:"decision,omitempty" doc:"The entry of the ledger."`
	Code     cpni.Code       `json:"code,omitempty" doc:"Of a refusal."`
	Cells    []FiguresCell   `json:"cells"`
	Smallest int64           `json:"smallest" doc:"Customers in the smallest cell that is given."`
	Hidden   bool            `json:"hidden" doc:"Something that was asked for is not given: it would tell of too few customers, or another figure could be worked out from it. Where there is nothing at all looks the same."`
}

// FiguresAsk is what a report is asked for.
type FiguresAsk struct {
	Measure    aggregate.Measure     `json:"measure" enum:"customers,lines,calls,minutes"`
	By         []aggregate.Dimension `json:"by,omitempty" maxItems:"2" doc:"service, category, state, zip or month; none: one figure."`
	From       string                `json:"from" doc:"The first month, such as 2026-02."`
	To         string                `json:"to,omitempty" doc:"The last month; none: the first."`
	Categories []cpni.Category       `json:"categories,omitempty" maxItems:"4" doc:"Only customers who buy one of these."`
	States     []string              `json:"states,omitempty" maxItems:"60" doc:"Only these, in two letters."`
	Purpose    cpni.Purpose          `json:"purpose" doc:"own-marketing, other-marketing or partner-marketing."`
	Recipient  string                `json:"recipient,omitempty" maxLength:"40" doc:"carrier, or the id of a partner; none: carrier."`
}

// FiguresCell is a figure.
type FiguresCell struct {
	Key       []string `json:"key" doc:"A word for each dimension that was asked by; an empty one is all of it."`
	Amount    int64    `json:"amount"`
	Customers int64    `json:"customers" doc:"Who have part in it; of several months, in the one with most."`
}

// DirectoryTerms are the terms on which every publisher has listings.
//
// cite: P-32, 47 USC 222(e)
type DirectoryTerms struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	Whole   int64     `json:"whole_mills" doc:"Thousandths of a dollar for a listing in a whole extract."`
	Update  int64     `json:"update_mills" doc:"Likewise in an update; what was taken out costs nothing."`
	Says    string    `json:"says"`
}

// DirectoryExtract is an extract of listings for a publisher.
//
// cite: P-32, 47 USC 222(e), 47 USC 222(h)(3)
type DirectoryExtract struct {
	ID        cpni.ID             `json:"id"`
	Publisher string              `json:"publisher"`
	Kind      directory.Kind      `json:"kind" enum:"whole,update,withdrawal"`
	State     directory.State     `json:"state" enum:"running,writing,ready,stopped,removed"`
	At        time.Time           `json:"at"`
	Looked    int64               `json:"looked" doc:"Customers looked at."`
	Listings  int64               `json:"listings"`
	Deletions int64               `json:"deletions"`
	Refused   int64               `json:"refused" doc:"Numbers that had ceased to be published when the door was asked."`
	Fetched   *time.Time          `json:"fetched,omitempty" doc:"When it was fetched first."`
	Code      cpni.Code           `json:"code,omitempty" doc:"Why it was stopped."`
	Manifest  *directory.Manifest `json:"manifest,omitempty" doc:"Of one that is ready."`
}

func (a *API) extractOf(e *directory.Extract) (DirectoryExtract, error) {
	out := DirectoryExtract{ID: e.ID, Publisher: e.Publisher, Kind: e.Kind, State: e.State, At: e.At, Looked: e.Looked, Listings: e.Listings, Deletions: e.Deletions, Refused: e.Refused, Code: e.Code}
	if !e.Fetched.IsZero() {
		out.Fetched = &e.Fetched
	}
	if e.Manifest == nil {
		return out, nil
	}
	out.Manifest = &directory.Manifest{}
	return out, json.Unmarshal(e.Manifest, out.Manifest)
}

// notThere answers for what is not there as for any other thing.
func notThere(err error) error {
	if errors.Is(err, directory.ErrNone) || errors.Is(err, aggregate.ErrNone) {
		return errNotFound
	}
	return err
}

func monthOf(text string) (int, error) {
	t, err := time.Parse("2006-01", text)
	if err != nil {
		return 0, badInput("a month is written 2026-02")
	}
	return t.Year()*100 + int(t.Month()), nil
}

func figuresOf(r *aggregate.Report) FiguresReport {
	s := r.Spec
	month := func(m int) string {
		return time.Date(m/100, time.Month(m%100), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
	}
	out := FiguresReport{ID: r.ID, At: r.At, By: r.By, State: r.State, Decision: r.Entry, Code: r.Code, Cells: []FiguresCell{}, Smallest: r.Result.Smallest, Hidden: r.Result.Hidden,
		Asks: FiguresAsk{Measure: s.Measure, By: s.By, From: month(s.From), To: month(s.To), Categories: s.Categories, States: s.States, Purpose: s.Purpose, Recipient: s.Recipient}}
	for _, c := range r.Result.Cells {
		out.Cells = append(out.Cells, FiguresCell{append([]string{}, c.Key...), c.Amount, c.Customers})
	}
	return out
}

// cite: P-05, P-32, 47 USC 222(c)(3), 47 USC 222(e)
func (a *API) directories() {
	figures, listings := []string{"reports"}, []string{"directory"}
	type oneReport struct {
		ID cpni.ID `path:"id" maxLength:"26"`
	}
	register(a, operation{right: staff.MakeReports, scope: "reports", Operation: huma.Operation{OperationID: "ask-report", Method: http.MethodPost, Path: "/v1/reports", Tags: figures, DefaultStatus: http.StatusOK,
		Summary: "Ask for figures about many customers", Description: "What tells of few is hidden, and so is all from which that could be worked out, in this report or in any that was given before. The door decides on the smallest cell as it was counted. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body FiguresAsk
		}) (*struct{ Body FiguresReport }, error) {
			from, err := monthOf(in.Body.From)
			if err != nil {
				return nil, err
			}
			to, err := monthOf(cmp.Or(in.Body.To, in.Body.From))
			if err != nil {
				return nil, err
			}
			b := in.Body
			r, err := a.office.Aggregate.Ask(ctx, cmp.Or(a.repeatable("report", c, in.Key), cpni.NewID()), c.member.ID,
				aggregate.Spec{Measure: b.Measure, By: b.By, From: from, To: to, Categories: b.Categories, States: b.States, Purpose: b.Purpose, Recipient: b.Recipient})
			if err != nil {
				return nil, notThere(err)
			}
			return &struct{ Body FiguresReport }{figuresOf(r)}, nil
		})
	register(a, operation{right: staff.MakeReports, scope: "reports", Operation: huma.Operation{OperationID: "list-reports", Method: http.MethodGet, Path: "/v1/reports", Tags: figures, Summary: "List reports, the newest first"}},
		func(ctx context.Context, _ caller, in *struct {
			Before time.Time `query:"before" doc:"Only those asked for before this moment."`
		}) (*struct{ Body []FiguresReport }, error) {
			all, err := a.office.Aggregate.Reports(ctx, in.Before)
			out := &struct{ Body []FiguresReport }{[]FiguresReport{}}
			for i := range all {
				out.Body = append(out.Body, figuresOf(&all[i]))
			}
			return out, err
		})
	register(a, operation{right: staff.MakeReports, scope: "reports", Operation: huma.Operation{OperationID: "read-report", Method: http.MethodGet, Path: "/v1/reports/{id}", Tags: figures, Summary: "Read a report"}},
		func(ctx context.Context, _ caller, in *oneReport) (*struct{ Body FiguresReport }, error) {
			r, err := a.office.Aggregate.One(ctx, in.ID)
			if err != nil {
				return nil, notThere(err)
			}
			return &struct{ Body FiguresReport }{figuresOf(r)}, nil
		})

	const extracts = "/v1/directory/extracts"
	type oneExtract struct {
		ID cpni.ID `path:"id" maxLength:"26"`
	}
	register(a, operation{right: staff.KeepDirectories, scope: "directory", Operation: huma.Operation{OperationID: "read-directory-terms", Method: http.MethodGet, Path: "/v1/directory/terms", Tags: listings,
		Summary: "Read the terms on which every publisher has listings, the newest first"}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body []DirectoryTerms }, error) {
			all, err := a.office.Directory.AllTerms(ctx)
			out := &struct{ Body []DirectoryTerms }{[]DirectoryTerms{}}
			for _, t := range all {
				out.Body = append(out.Body, DirectoryTerms{t.Version, t.At, t.Whole, t.Update, t.Says})
			}
			return out, err
		})
	register(a, operation{right: staff.KeepDirectories, scope: "directory", Operation: huma.Operation{OperationID: "ask-extract", Method: http.MethodPost, Path: extracts, Tags: listings, DefaultStatus: http.StatusOK,
		Summary: "Ask for an extract of listings for a publisher", Description: "Each customer is decided about by the door. The file is encrypted to the publisher. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body struct {
				Publisher string         `json:"publisher" minLength:"2" maxLength:"40"`
				Kind      directory.Kind `json:"kind" enum:"whole,update"`
			}
		}) (*struct{ Body DirectoryExtract }, error) {
			e, err := a.office.Directory.Ask(ctx, cmp.Or(a.repeatable("extract", c, in.Key), cpni.NewID()), c.member.ID, in.Body.Publisher, in.Body.Kind)
			if err != nil {
				return nil, notThere(err)
			}
			out, err := a.extractOf(e)
			return &struct{ Body DirectoryExtract }{out}, err
		})
	register(a, operation{right: staff.KeepDirectories, scope: "directory", Operation: huma.Operation{OperationID: "list-extracts", Method: http.MethodGet, Path: extracts, Tags: listings, Summary: "List extracts, the newest first"}},
		func(ctx context.Context, _ caller, in *struct {
			Publisher string `query:"publisher" maxLength:"40"`
		}) (*struct{ Body []DirectoryExtract }, error) {
			all, err := a.office.Directory.Extracts(ctx, in.Publisher)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []DirectoryExtract }{[]DirectoryExtract{}}
			for i := range all {
				x, err := a.extractOf(&all[i])
				if err != nil {
					return nil, err
				}
				out.Body = append(out.Body, x)
			}
			return out, nil
		})
	register(a, operation{right: staff.KeepDirectories, scope: "directory", Operation: huma.Operation{OperationID: "read-extract", Method: http.MethodGet, Path: extracts + "/{id}", Tags: listings, Summary: "Read how far an extract is, and its manifest"}},
		func(ctx context.Context, _ caller, in *oneExtract) (*struct{ Body DirectoryExtract }, error) {
			e, err := a.office.Directory.One(ctx, in.ID)
			if err != nil {
				return nil, notThere(err)
			}
			out, err := a.extractOf(e)
			return &struct{ Body DirectoryExtract }{out}, err
		})
	register(a, operation{right: staff.KeepDirectories, scope: "directory", Operation: huma.Operation{OperationID: "fetch-extract", Method: http.MethodPost, Path: extracts + "/{id}/file", Tags: listings, DefaultStatus: http.StatusOK,
		Summary: "Fetch the file of an extract, encrypted to its publisher", Description: "That it is fetched is on record before the first byte. What customers have taken out up to now is not in it.",
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{"application/octet-stream": {}}}}}},
		func(ctx context.Context, c caller, in *oneExtract) (*huma.StreamResponse, error) {
			e, err := a.office.Directory.One(ctx, in.ID)
			if err != nil {
				return nil, notThere(err)
			}
			if e.State != directory.Ready && e.State != directory.Writing {
				return nil, cpni.Rejected("NOT_READY", "the file is not there", []string{"P-32", "47 USC 222(e)"}, "wait until the extract is ready, or ask for another")
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", "application/octet-stream")
				if err := a.office.Directory.File(hc.Context(), in.ID, c.member.ID, hc.BodyWriter()); err != nil {
					a.report(err)
					panic(http.ErrAbortHandler) // half a file must not be taken for the whole
				}
			}}, nil
		})
}
