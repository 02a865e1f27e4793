package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"ringfence/internal/cpni"
	"ringfence/internal/export"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
)

// Export is a file for a partner, as it stands.
type Export struct {
	ID        cpni.ID             `json:"id"`
	Title     string              `json:"title"`
	State     export.State        `json:"state" enum:"proposed,running,stopped,empty,ready,fetched,withdrawn,destroyed"`
	Partner   string              `json:"partner"`
	Campaign  cpni.ID             `json:"campaign,omitempty"`
	Purpose   cpni.Purpose        `json:"purpose"`
	Basis     string              `json:"basis"`
	Data      []cpni.DataClass    `json:"data"`
	Columns   []string            `json:"columns" doc:"Beside reference, which always comes first."`
	Months    []int               `json:"months"`
	By        cpni.ID             `json:"by"`
	Second    cpni.ID             `json:"second,omitempty" doc:"Who agreed."`
	At        time.Time           `json:"at"`
	DestroyBy time.Time           `json:"destroy_by"`
	Decided   int64               `json:"decided" doc:"Customers who have their entries in the ledger."`
	Rows      int64               `json:"rows" doc:"In the finished parts of the file."`
	LeftOut   map[cpni.Code]int64 `json:"left_out,omitempty" doc:"How many customers the rules refused, by the code of the refusal."`
	Sealed    *time.Time          `json:"sealed,omitempty"`
	Until     *time.Time          `json:"fetch_until,omitempty"`
	Fetched   *time.Time          `json:"fetched,omitempty"`
	Fetches   int64               `json:"fetches"`
	Certified *time.Time          `json:"certified,omitempty" doc:"When the certificate of destruction came."`
}

// NewExport is what is proposed.
type NewExport struct {
	Title     string           `json:"title" minLength:"1" maxLength:"100"`
	Partner   string           `json:"partner" maxLength:"40"`
	Purpose   cpni.Purpose     `json:"purpose" maxLength:"40"`
	Basis     string           `json:"basis" maxLength:"100" doc:"The law that it rests on, such as 47 USC 222(d)(1)."`
	Data      []cpni.DataClass `json:"data" minItems:"1" maxItems:"7"`
	Columns   []string         `json:"columns" minItems:"1" maxItems:"40" doc:"As docs/partners.md lists them, such as name, number and billing.total."`
	Months    []string         `json:"months,omitempty" maxItems:"24" doc:"Such as 2026-10; none: this month and the one before."`
	DestroyBy *time.Time       `json:"destroy_by,omitempty" doc:"None: what the agreement says."`
	Customers []cpni.ID        `json:"customers,omitempty" maxItems:"1000" doc:"Customers by their ids; none: everybody in service."`
}

// PartnerKey is a key of a partner, without the key itself.
type PartnerKey struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	At      time.Time  `json:"at"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// Certificate is a certificate of destruction that somebody hands in.
type Certificate struct {
	Destroyed time.Time `json:"destroyed" doc:"When the data were destroyed."`
	Signer    string    `json:"signer" minLength:"1" maxLength:"300" doc:"Who signed."`
	Method    string    `json:"method" minLength:"1" maxLength:"300" doc:"How they were destroyed."`
	Name      string    `json:"name" minLength:"1" maxLength:"300" doc:"Of the file."`
	Type      string    `json:"type" enum:"application/pdf,image/png,image/jpeg,text/plain"`
	Paper     []byte    `json:"paper" doc:"The file, in base64, of at most 5 MB."`
}

// CertificateID names a certificate that was taken in.
type CertificateID struct {
	ID cpni.ID   `json:"id"`
	At time.Time `json:"at"`
}

func (a *API) exportOf(ctx context.Context, e export.Export) (Export, error) {
	counts, err := a.office.Exports.Counts(ctx, e.ID)
	if err != nil {
		return Export{}, err
	}
	maps.DeleteFunc(counts, func(c cpni.Code, n int64) bool { return c == "" || n == 0 })
	s := e.Spec
	return Export{ID: e.ID, Title: s.Title, State: e.State, Partner: s.Partner, Campaign: s.Campaign, Purpose: s.Purpose, Basis: s.Basis, Data: s.Data, Columns: s.Columns, Months: s.Months, By: e.By, Second: e.Second,
		At: e.At, DestroyBy: e.DestroyBy, Decided: e.Decided, Rows: e.Rows, LeftOut: counts, Sealed: momentOf(e.Sealed), Until: momentOf(e.Expires), Fetched: momentOf(e.Fetched), Fetches: e.Fetches, Certified: momentOf(e.Certified)}, nil
}

type exportBody struct{ Body Export }

func (a *API) exportAnswer(ctx context.Context, e export.Export, err error) (*exportBody, error) {
	if err != nil {
		return nil, err
	}
	body, err := a.exportOf(ctx, e)
	return &exportBody{body}, err
}

// OneExport names an export.
type OneExport struct {
	ID cpni.ID `path:"id" maxLength:"26"`
}

// mostCertificate bounds the body that brings a certificate: the paper in base64, and what is said of it.
const mostCertificate = export.MostPaper/3*4 + 64<<10

// exports are files for partners, as the carrier's people see them and as partners do.
//
// cite: P-15, P-35, P-37, P-41, 47 CFR 64.2009(c), 47 CFR 64.2010(a)
func (a *API) exports() {
	tag := []string{"exports"}
	register(a, operation{right: staff.Export, scope: "exports", Operation: huma.Operation{OperationID: "propose-export", Method: http.MethodPost, Path: "/v1/exports", Tags: tag, DefaultStatus: http.StatusAccepted,
		Summary: "Propose a file for a partner", Description: "Somebody who keeps the registers agrees to it, and not the one who proposed it; then it is written. Takes an Idempotency-Key."}},
		func(ctx context.Context, c caller, in *struct {
			Key  string `header:"Idempotency-Key" maxLength:"255"`
			Body NewExport
		}) (*exportBody, error) {
			n := in.Body
			s := export.Spec{Title: n.Title, Partner: n.Partner, Purpose: n.Purpose, Basis: n.Basis, Data: n.Data, Columns: n.Columns, List: export.List{Kind: export.Everybody, Says: "everybody in service"}}
			if len(n.Customers) > 0 {
				s.List = export.List{Kind: export.Named, Says: "customers who were named"}
			}
			for _, m := range n.Months {
				t, err := time.Parse("2006-01", m)
				if err != nil {
					return nil, badInput("a month is written 2026-10")
				}
				s.Months = append(s.Months, t.Year()*100+int(t.Month()))
			}
			if n.DestroyBy != nil {
				s.DestroyBy = n.DestroyBy.UTC()
			}
			e, err := a.office.Exports.Propose(ctx, a.repeatable("export", c, in.Key), s, n.Customers, c.member.ID)
			return a.exportAnswer(ctx, e, err)
		})
	register(a, operation{right: staff.ReadRecords, scope: "exports", Operation: huma.Operation{OperationID: "list-exports", Method: http.MethodGet, Path: "/v1/exports", Tags: tag, Summary: "List files for partners", Description: "The newest 200, those first of which something is still to come."}},
		func(ctx context.Context, _ caller, in *struct {
			Partner string `query:"partner" maxLength:"40"`
		}) (*struct{ Body []Export }, error) {
			all, err := a.office.Exports.List(ctx, in.Partner, 200)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []Export }{[]Export{}}
			for _, e := range all {
				body, err := a.exportOf(ctx, e)
				if err != nil {
					return nil, err
				}
				out.Body = append(out.Body, body)
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadRecords, scope: "exports", Operation: huma.Operation{OperationID: "read-export", Method: http.MethodGet, Path: "/v1/exports/{id}", Tags: tag, Summary: "Read how far a file for a partner has come"}},
		func(ctx context.Context, _ caller, in *OneExport) (*exportBody, error) {
			e, err := a.office.Exports.One(ctx, in.ID)
			return a.exportAnswer(ctx, e, err)
		})
	register(a, operation{right: staff.ReadRecords, scope: "exports", Operation: huma.Operation{OperationID: "read-export-manifest", Method: http.MethodGet, Path: "/v1/exports/{id}/manifest", Tags: tag, Summary: "Read the manifest of a finished file"}},
		func(ctx context.Context, _ caller, in *OneExport) (*struct{ Body export.Manifest }, error) {
			m, err := a.office.Exports.Manifest(ctx, in.ID)
			return &struct{ Body export.Manifest }{m}, err
		})
	act := func(id, path, summary string, right rightOf, do func(ctx context.Context, c caller, id cpni.ID) (export.Export, error)) {
		register(a, operation{right: right, scope: "exports", Operation: huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/v1/exports/{id}/" + path, Tags: tag, Summary: summary, DefaultStatus: http.StatusOK}},
			func(ctx context.Context, c caller, in *OneExport) (*exportBody, error) {
				e, err := do(ctx, c, in.ID)
				return a.exportAnswer(ctx, e, err)
			})
	}
	act("agree-to-export", "agreement", "Agree to a proposed file: it is written", staff.KeepRegisters, func(ctx context.Context, c caller, id cpni.ID) (export.Export, error) {
		return a.office.Exports.Agree(ctx, id, c.member.ID)
	})
	act("stop-export", "stop", "End a file before it is finished", staff.KeepRegisters, func(ctx context.Context, c caller, id cpni.ID) (export.Export, error) {
		return a.office.Exports.Stop(ctx, id, c.member.ID)
	})
	act("withdraw-export", "withdrawal", "Take a file back that nobody has fetched", staff.KeepRegisters, func(ctx context.Context, c caller, id cpni.ID) (export.Export, error) {
		return a.office.Exports.Withdraw(ctx, id, c.member.ID)
	})
	register(a, operation{right: staff.KeepRegisters, scope: "exports", Operation: huma.Operation{OperationID: "let-fetch-again", Method: http.MethodPost, Path: "/v1/exports/{id}/again", Tags: tag, DefaultStatus: http.StatusOK, Summary: "Let a partner fetch a file once more"}},
		func(ctx context.Context, c caller, in *struct {
			OneExport
			Body struct {
				Reason string `json:"reason" minLength:"10" maxLength:"500"`
			}
		}) (*exportBody, error) {
			e, err := a.office.Exports.FetchAgain(ctx, in.ID, c.member.ID, in.Body.Reason)
			return a.exportAnswer(ctx, e, err)
		})
	register(a, operation{right: staff.KeepRegisters, scope: "exports", most: mostCertificate, Operation: huma.Operation{OperationID: "enter-certificate", Method: http.MethodPost, Path: "/v1/exports/{id}/certificate", Tags: tag, DefaultStatus: http.StatusCreated, Summary: "Enter a partner's certificate of destruction"}},
		func(ctx context.Context, c caller, in *struct {
			OneExport
			Body Certificate
		}) (*struct{ Body CertificateID }, error) {
			e, err := a.office.Exports.One(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return a.certify(ctx, e, in.Body, string(c.member.ID))
		})
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "make-partner-key", Method: http.MethodPost, Path: "/v1/partners/{id}/keys", Tags: []string{"registers"}, DefaultStatus: http.StatusCreated,
		Summary: "Make a key for a partner", Description: "With it the partner sees and fetches the files that wait for it, and hands in certificates; nothing else. It is shown once."}},
		func(ctx context.Context, c caller, in *struct {
			ID   string `path:"id" maxLength:"40"`
			Body struct {
				Name string `json:"name" minLength:"1" maxLength:"100"`
			}
		}) (*struct{ Body MadeKey }, error) {
			key, err := a.office.Partners.NewKey(ctx, in.ID, in.Body.Name, a.office.Exports.Numbers(a.office.Clock.Now()).KeyLife, string(c.member.ID))
			return &struct{ Body MadeKey }{MadeKey{key}}, err
		})
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "list-partner-keys", Method: http.MethodGet, Path: "/v1/partners/{id}/keys", Tags: []string{"registers"}, Summary: "List a partner's keys"}},
		func(ctx context.Context, _ caller, in *struct {
			ID string `path:"id" maxLength:"40"`
		}) (*struct{ Body []PartnerKey }, error) {
			all, err := a.office.Partners.Keys(ctx, in.ID)
			out := &struct{ Body []PartnerKey }{[]PartnerKey{}}
			for _, k := range all {
				out.Body = append(out.Body, PartnerKey{k.ID, k.Name, k.At, k.Expires, momentOf(k.Revoked)})
			}
			return out, err
		})
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "revoke-partner-key", Method: http.MethodDelete, Path: "/v1/partners/{id}/keys/{key}", Tags: []string{"registers"}, Summary: "Make a partner's key worth nothing"}},
		func(ctx context.Context, c caller, in *struct {
			ID  string `path:"id" maxLength:"40"`
			Key string `path:"key" maxLength:"64"`
		}) (*struct{}, error) {
			return nil, a.office.Partners.RevokeKey(ctx, in.ID, in.Key, string(c.member.ID))
		})
	register(a, operation{right: staff.KeepRegisters, scope: "registers", Operation: huma.Operation{OperationID: "make-partner-secret", Method: http.MethodPost, Path: "/v1/partners/{id}/secret", Tags: []string{"registers"}, DefaultStatus: http.StatusCreated,
		Summary: "Make the secret by which a partner knows our calls of its webhook", Description: "In the form of the Standard Webhooks specification. It is shown once, and takes the place of the one there was."}},
		func(ctx context.Context, c caller, in *struct {
			ID string `path:"id" maxLength:"40"`
		}) (*struct {
			Body struct {
				Secret string `json:"secret"`
			}
		}, error) {
			out := &struct {
				Body struct {
					Secret string `json:"secret"`
				}
			}{}
			var err error
			out.Body.Secret, err = a.office.Partners.NewSecret(ctx, in.ID, string(c.member.ID))
			return out, err
		})
	a.forPartners()
}

func (a *API) certify(ctx context.Context, e export.Export, c Certificate, by string) (*struct{ Body CertificateID }, error) {
	made, err := a.office.Exports.Certify(ctx, export.Certificate{Partner: e.Spec.Partner, Export: e.ID, By: by, Destroyed: c.Destroyed.UTC(),
		Paper: export.Paper{Signer: c.Signer, Method: c.Method, Name: c.Name, Type: c.Type, Bytes: c.Paper}})
	return &struct{ Body CertificateID }{CertificateID{made.ID, made.At}}, err
}

// Waiting is a file that waits for a partner, or that it has.
type Waiting struct {
	ID        cpni.ID      `json:"id"`
	State     export.State `json:"state" enum:"ready,fetched,withdrawn,destroyed"`
	Purpose   cpni.Purpose `json:"purpose"`
	Rows      int64        `json:"rows"`
	Until     time.Time    `json:"fetch_until" doc:"It is withdrawn then."`
	DestroyBy time.Time    `json:"destroy_by"`
}

// AsPartner names a partner and an export of it, with the partner's key.
type AsPartner struct {
	Partner string `path:"partner" maxLength:"40"`
}

type ItsExport struct {
	AsPartner
	ID cpni.ID `path:"id" maxLength:"26"`
}

type partnerKey struct{}

// forPartner adds an operation that is answered only to a key of the partner that the address names.
//
// cite: P-37, P-41, 47 CFR 64.2010(a)
func forPartner[I, O any](a *API, op operation, do func(ctx context.Context, k partner.KeyInfo, in *I) (*O, error)) {
	op.MaxBodyBytes, op.BodyReadTimeout = max(op.most, mostBody), bodyTime
	if op.most > mostBody {
		op.BodyReadTimeout = longBody
	}
	op.Tags = []string{"for partners"}
	op.Security = []map[string][]string{{"partner": {}}}
	op.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	op.Middlewares = huma.Middlewares{func(hc huma.Context, next func(huma.Context)) {
		k, err := a.keys.admitPartner(hc.Context(), hc.Header("Authorization"), hc.Param("partner"))
		if err != nil {
			a.tell(hc, problemOf(err, a.report))
			return
		}
		next(huma.WithValue(hc, partnerKey{}, k))
	}}
	huma.Register(a.huma, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		k, _ := ctx.Value(partnerKey{}).(partner.KeyInfo)
		out, err := do(ctx, k, in)
		if err == nil {
			return out, nil
		}
		p := problemOf(err, a.report)
		a.keys.answered(ofPartner(k), p)
		return nil, huma.ErrorWithHeaders(p, headersOf(p))
	})
}

// longBody is how long a body with a paper in it may take to arrive.
const longBody = time.Minute

// ofPartner is a partner as the keyring counts its misses.
func ofPartner(k partner.KeyInfo) caller {
	return caller{key: staff.Key{Staff: cpni.ID("partner " + k.Partner), Name: k.ID}}
}

// admitPartner finds the partner for whom a request is made. A key of another partner, or of the staff, is none here.
//
// cite: P-37, 47 CFR 64.2010(a)
func (k *keyring) admitPartner(ctx context.Context, authorization, id string) (partner.KeyInfo, error) {
	secret, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return partner.KeyInfo{}, partner.ErrNoKey
	}
	p, err := k.office.Partners.KeyOf(ctx, strings.TrimSpace(secret))
	if err != nil {
		return p, err
	}
	c := ofPartner(p)
	if k.exhausted(c) {
		return p, errMany
	}
	if p.Partner != id {
		k.miss(c)
		return p, errNotFound
	}
	return p, nil
}

// forPartners is what partners do by themselves.
//
// cite: P-41, 47 CFR 64.2009(c)
func (a *API) forPartners() {
	forPartner(a, operation{Operation: huma.Operation{OperationID: "list-waiting-files", Method: http.MethodGet, Path: "/v1/partners/{partner}/exports", Summary: "List the files that wait for you, and those that you have still to destroy"}},
		func(ctx context.Context, k partner.KeyInfo, _ *AsPartner) (*struct{ Body []Waiting }, error) {
			waiting, err := a.office.Exports.Waiting(ctx, k.Partner)
			if err != nil {
				return nil, err
			}
			held, err := a.office.Exports.Held(ctx, k.Partner)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []Waiting }{[]Waiting{}}
			for _, e := range slices.Concat(waiting, held) {
				w := Waiting{e.ID, e.State, e.Spec.Purpose, e.Rows, e.Expires, e.DestroyBy}
				if !slices.Contains(out.Body, w) {
					out.Body = append(out.Body, w)
				}
			}
			return out, nil
		})
	forPartner(a, operation{Operation: huma.Operation{OperationID: "read-file-manifest", Method: http.MethodGet, Path: "/v1/partners/{partner}/exports/{id}", Summary: "Read the manifest of a file of yours", Description: "As it stands: who has objected since is left out when the file is fetched, and the manifest that comes with it says so."}},
		func(ctx context.Context, k partner.KeyInfo, in *ItsExport) (*struct{ Body export.Manifest }, error) {
			e, err := a.office.Exports.OfPartner(ctx, k.Partner, in.ID)
			if err != nil {
				return nil, err
			}
			m, err := a.office.Exports.Manifest(ctx, e.ID)
			if errors.Is(err, export.ErrState) { // not finished: to a partner it is not there
				err = export.ErrNone
			}
			return &struct{ Body export.Manifest }{m}, err
		})
	forPartner(a, operation{Operation: huma.Operation{OperationID: "fetch-file", Method: http.MethodPost, Path: "/v1/partners/{partner}/exports/{id}/file", DefaultStatus: http.StatusOK,
		Summary: "Fetch a file, once", Description: "The answer is a ZIP archive with manifest.json and the parts of the file, each enciphered to your key (age). A second time is refused and noticed; when the first copy was lost on its way, the carrier decides.",
		Responses: map[string]*huma.Response{"200": {Description: "The file.", Content: map[string]*huma.MediaType{"application/zip": {}}}}}},
		func(ctx context.Context, k partner.KeyInfo, in *ItsExport) (*huma.StreamResponse, error) {
			f, err := a.office.Exports.Fetch(ctx, in.ID, k.Partner, k.Name)
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", "application/zip")
				hc.SetHeader("Content-Disposition", `attachment; filename="export-`+string(in.ID)+`.zip"`)
				hc.SetHeader("Cache-Control", "no-store")
				_, w := humago.Unwrap(hc)
				line := http.NewResponseController(w)
				// The line may be slow, but not silent: each part has its own time.
				silent := time.AfterFunc(partTime, func() { a.report(ignoreUnsupported(line.SetWriteDeadline(time.Unix(1, 0)))) })
				defer silent.Stop()
				step := func() error { silent.Reset(partTime); return nil }
				if err := f.Write(hc.Context(), hc.BodyWriter(), step); err != nil {
					a.report(err)
					panic(http.ErrAbortHandler) // so that what was cut off does not pass for a whole file
				}
			}}, nil
		})
	forPartner(a, operation{most: mostCertificate, Operation: huma.Operation{OperationID: "hand-in-certificate", Method: http.MethodPost, Path: "/v1/partners/{partner}/exports/{id}/certificate", DefaultStatus: http.StatusCreated, Summary: "Hand in your certificate that a file is destroyed"}},
		func(ctx context.Context, k partner.KeyInfo, in *struct {
			ItsExport
			Body Certificate
		}) (*struct{ Body CertificateID }, error) {
			e, err := a.office.Exports.OfPartner(ctx, k.Partner, in.ID)
			if err != nil {
				return nil, err
			}
			return a.certify(ctx, e, in.Body, "partner:"+k.Partner)
		})
}

// partTime is how long a part of a file may take on its way.
const partTime = 5 * time.Minute

func ignoreUnsupported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
