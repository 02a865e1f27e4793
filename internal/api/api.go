// Package api is the REST interface under /v1, with its OpenAPI 3.1 description made from the code that answers.
//
// Everything goes through the same services as the console: a request is authenticated by its key, its right and scope
// are checked, and whatever is about customer information is decided and recorded by the one door.
//
// cite: P-37, 47 CFR 64.2010(a)
package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"ringfence/internal/audience"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/directory"
	"ringfence/internal/office"
	"ringfence/internal/rules"
)

// API answers requests under /v1.
type API struct {
	office *office.Office
	report func(error)
	mux    *http.ServeMux
	huma   huma.API
	keys   *keyring
}

// Version is that of the interface.
const Version = "1.0.0"

// mostBody bounds the body of a request, in bytes.
const mostBody = 64 << 10

// bodyTime is how long the body of a request may take to arrive.
const bodyTime = 5 * time.Second

// shape sets, once, how huma words what is wrong with the form of a request; huma keeps that for the whole program.
var shape = sync.OnceFunc(func() {
	huma.NewError = humaProblem
	huma.NewErrorWithContext = func(_ huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return humaProblem(status, msg, errs...)
	}
})

// New makes the interface of an office. report gets what goes wrong on our side; it holds no personal data.
func New(o *office.Office, report func(error)) *API {
	shape()
	a := &API{office: o, report: report, mux: http.NewServeMux(), keys: newKeyring(o)}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Ringfence", Version: Version, Description: about,
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key: it acts for a member of the staff or an integration, within its scopes, until it expires."},
					"partner": {Type: "http", Scheme: "bearer", Description: "A partner's key: it fetches what waits for the partner, and nothing else."}},
			},
			Security: []map[string][]string{{"key": {}}},
			Tags:     tags,
		},
		OpenAPIPath:                  "/v1/openapi",
		Formats:                      map[string]huma.Format{"application/json": {Marshal: writeJSON, Unmarshal: readJSON}, "json": {Marshal: writeJSON, Unmarshal: readJSON}},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
	a.huma = humago.New(a.mux, config)
	a.contacts()
	a.calls()
	a.lines()
	a.disclosures()
	a.customers()
	a.answers()
	a.approvalChecks()
	a.changes()
	a.records()
	a.accounting()
	a.registers()
	a.messages()
	a.watching()
	a.threeRegisters()
	a.training()
	a.policy()
	a.public()
	a.proposals()
	a.notices()
	a.matters()
	a.campaigns()
	a.processes()
	a.incidents()
	a.failures()
	a.certificates()
	a.controls()
	a.monitors()
	a.years()
	a.retention()
	a.evidence()
	a.books()
	a.exports()
	a.directories()
	a.emergencies()
	a.witnesses()
	a.sims()
	a.writtenRequests()
	return a
}

// schemaName names the types of the description; those of facts are told from ours of the same name.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch t.PkgPath() {
	case reflect.TypeFor[rules.Facts]().PkgPath():
		if name != "Facts" {
			return "Fact" + name
		}
	case reflect.TypeFor[campaign.Plan]().PkgPath():
		return "Campaign" + name
	case reflect.TypeFor[audience.Usage]().PkgPath():
		return "Audience" + name
	case reflect.TypeFor[directory.Publisher]().PkgPath():
		return "Directory" + name
	}
	return name
}

const about = `Releases customer proprietary network information (CPNI) by written rule and only with record.

Every request needs an API key (` + "`Authorization: Bearer …`" + `). Whatever is refused is answered as a problem (RFC 9457) with a
code, the clauses and sections it rests on, and what to do; for a refused disclosure also the ways to a permit. Times are
RFC 3339 in UTC, months are written 2026-02 and are those of the carrier's zone, telephone numbers are E.164. A POST that
names an Idempotency-Key may be repeated: it has one effect and gives the same answer, as long as the operation says that it
takes one.`

var tags = []*huma.Tag{
	{Name: "contacts", Description: "Contacts with customers, and what is proved in them."},
	{Name: "disclosures", Description: "The one door."},
	{Name: "customers", Description: "Customers, without CPNI."},
	{Name: "records", Description: "What is on record, with proofs."},
	{Name: "messages", Description: "Messages to customers, and what has become of them."},
	{Name: "notices", Description: "Notices of customers' rights: runs to many, bills, and the proof for each customer."},
	{Name: "campaigns", Description: "Campaigns that use customers' information: their plan, their review by somebody else, and how they go out."},
	{Name: "alerts", Description: "What was out of the ordinary, and the cases that come of it."},
	{Name: "matters", Description: "Cases of fraud, trouble tickets, orders, ports and placements with vendors: what requests without approval rest on."},
	{Name: "emergencies", Description: "Emergencies: recorded before anything is given, and justified within a day by who recorded them."},
	{Name: "requests", Description: "Customers' requests in writing to give records to somebody whom they name."},
	{Name: "exports", Description: "Files for partners."},
	{Name: "for partners", Description: "What a partner does by itself, with a key of its own."},
	{Name: "registers", Description: "Partners, staff and API keys."},
	{Name: "processes", Description: "Legal process: subpoenas, orders and warrants, and how they are answered."},
	{Name: "incidents", Description: "Incidents: reported by whoever notices one, and worked on to the last customer told, with their clocks."},
	{Name: "retention", Description: "How long records are kept, legal holds, and erasure by a plan that two people agree to."},
	{Name: "books", Description: "Complaints, actions against data brokers, pretexting methods and reviews of suppliers, and what they count of a year."},
	{Name: "directory", Description: "Published listings for publishers of directories, on the same terms for all."},
	{Name: "reports", Description: "Figures about many customers, which tell of nobody."},
	{Name: "proposals", Description: "What takes two people: changed rules, switched profiles, a published policy, renewed keys, forgotten customers."},
	{Name: "policy", Description: "Clauses, rules and dated numbers in force, and the public policy."},
}

// Handler answers requests under /v1.
func (a *API) Handler() http.Handler {
	a.mux.HandleFunc("/", a.elsewhere)
	return a.mux
}

// elsewhere answers requests for which there is no operation.
func (a *API) elsewhere(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if _, pattern := a.mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	p := refused(errNotFound)
	if len(allowed) > 0 {
		p = refused(cpni.Rejected("HTTP_METHOD", "This address is not asked in this way.", nil, "use "+strings.Join(allowed, " or ")))
		w.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if err := writeJSON(w, p); err != nil {
		a.report(err)
	}
}

// OpenAPI is the description of the interface, in YAML.
func (a *API) OpenAPI() ([]byte, error) { return a.huma.OpenAPI().YAML() }

// Describe gives the description of the interface without an office behind it.
func Describe() ([]byte, error) { return New(&office.Office{}, func(error) {}).OpenAPI() }

// readJSON reads a body strictly: twice the same name, bytes that are not UTF-8, or anything behind the value is an
// error.
func readJSON(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var form *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.As(err, &form):
		return fmt.Errorf("%s, at byte %d", strings.TrimPrefix(form.Err.Error(), "jsontext: "), form.ByteOffset)
	case errors.As(err, &meaning): // its own text would repeat what was sent
		return fmt.Errorf("%s is no value for this field", meaning.JSONPointer)
	}
	return err
}

// buffers are those in which answers are written, used again; mostKept bounds what one of them holds on to.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const mostKept = 256 << 10

// writeJSON writes as encoding/json does, so that what huma describes is what is sent.
func writeJSON(to io.Writer, v any) error {
	if d, ok := v.(*Disclosure); ok {
		b := buffers.Get().(*[]byte)
		*b = append(d.append((*b)[:0]), '\n')
		_, err := to.Write(*b)
		clear(*b) // what was released does not stay where the next answer is written
		if cap(*b) <= mostKept {
			buffers.Put(b)
		}
		return err
	}
	return json.MarshalWrite(to, v, jsonv1.DefaultOptionsV1(), jsontext.EscapeForHTML(false))
}

// operation is what huma does not know of an operation: who may ask for it.
type operation struct {
	huma.Operation
	right rightOf
	scope string
	most  int64 // of a body, in bytes; 0: mostBody
}

// register adds an operation. It is answered only to a key whose member has the right, and whose scopes have the scope.
func register[I, O any](a *API, op operation, do func(ctx context.Context, c caller, in *I) (*O, error)) {
	op.MaxBodyBytes, op.BodyReadTimeout = cmp.Or(op.most, mostBody), bodyTime
	if len(op.Errors) == 0 {
		op.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	}
	op.Middlewares = huma.Middlewares{func(hc huma.Context, next func(huma.Context)) {
		c, err := a.keys.admit(hc.Context(), hc.Header("Authorization"), op.right, op.scope)
		if err != nil {
			a.tell(hc, problemOf(err, a.report))
			return
		}
		next(huma.WithValue(hc, callerKey{}, c))
	}}
	huma.Register(a.huma, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		c, _ := ctx.Value(callerKey{}).(caller)
		out, err := do(ctx, c, in)
		if err == nil {
			return out, nil
		}
		p := problemOf(err, a.report)
		a.keys.answered(c, p)
		return nil, huma.ErrorWithHeaders(p, headersOf(p))
	})
}

// repeatable gives the id of what a caller makes under an idempotency key.
func (a *API) repeatable(kind string, c caller, key string) cpni.ID {
	return a.office.RepeatableID(kind, string(c.member.ID)+" "+c.key.Name, key)
}

type callerKey struct{}

// tell writes a problem where huma has not come to the operation yet.
func (a *API) tell(hc huma.Context, p *Problem) {
	for name, values := range headersOf(p) {
		hc.SetHeader(name, values[0])
	}
	hc.SetHeader("Content-Type", p.ContentType(""))
	hc.SetStatus(p.Status)
	var b bytes.Buffer
	if err := writeJSON(&b, p); err != nil {
		a.report(err)
	}
	hc.BodyWriter().Write(b.Bytes())
}

// headersOf gives the headers of a problem: when to come back.
func headersOf(p *Problem) http.Header {
	h := http.Header{}
	switch p.Status {
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "60")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}
