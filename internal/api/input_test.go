package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/office/officetest"
	"ringfence/internal/store/storetest"
)

// fieldNames are the names of what was sent, which may be repeated.
var fieldNames = regexp.MustCompile(`"field":"[^"]*"`)

// canary stands in what is sent and must not come back.
const canary = "kanarienvogel"

// Whatever is sent, the answer is a problem that says what is wrong where, and does not say back what was sent.
//
// cite: I-23, I-28
func TestBadInput(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	_, agent := s.key(t, cpni.RoleAgent)
	_, system := s.key(t, cpni.RoleSystem)
	_, admin := s.key(t, cpni.RoleAdmin)
	_, compliance := s.key(t, cpni.RoleCompliance)
	ann := s.Customer(t)
	contact := string(s.Contact(t, s.Member(t, cpni.RoleAgent), ann.ID))
	const disclosures = "/v1/disclosures"
	waits := func(days string) string {
		return `{"title":"A","for":{"who":"everyone"},"says":{"kind":"opt-out","wait":` + days + `}}`
	}
	deep := strings.Repeat(`{"process":`, 20_000)
	for name, c := range map[string]struct {
		key, method, path, body string
		status                  int
		code                    cpni.Code
	}{
		"an unknown field":           {agent, "POST", disclosures, `{"data":["usage"],"kanarienvogel":1}`, 422, "BAD_INPUT"},
		"a field twice":              {agent, "POST", disclosures, `{"data":["usage"],"data":["kanarienvogel"]}`, 400, "BAD_INPUT"},
		"a text for a list":          {agent, "POST", disclosures, `{"data":"kanarienvogel"}`, 422, "BAD_INPUT"},
		"a text for a number":        {compliance, "POST", "/v1/notices", waits(`"kanarienvogel"`), 422, "BAD_INPUT"},
		"a number too large":         {compliance, "POST", "/v1/notices", waits(`1e400`), 400, "BAD_INPUT"},
		"a number below nothing":     {compliance, "POST", "/v1/notices", waits(`-1`), 422, "BAD_INPUT"},
		"no body":                    {agent, "POST", disclosures, ``, 400, "BAD_INPUT"},
		"nothing":                    {agent, "POST", disclosures, `null`, 422, "BAD_INPUT"},
		"no JSON":                    {agent, "POST", disclosures, `kanarienvogel`, 400, "BAD_INPUT"},
		"half a JSON":                {agent, "POST", disclosures, `{"data":["usage"`, 400, "BAD_INPUT"},
		"something behind it":        {agent, "POST", disclosures, `{"data":["usage"]} kanarienvogel`, 400, "BAD_INPUT"},
		"bytes that are no text":     {agent, "POST", disclosures, "{\"data\":[\"usage\"],\"to\":\"kanarienvogel\xff\"}", 400, "BAD_INPUT"},
		"half a surrogate":           {agent, "POST", disclosures, `{"data":["usage"],"to":"kanarienvogel\ud800"}`, 400, "BAD_INPUT"},
		"very deep":                  {agent, "POST", disclosures, deep, 413, "TOO_LARGE"},
		"a huge body":                {agent, "POST", disclosures, `{"to":"` + strings.Repeat(canary, 10_000) + `"}`, 413, "TOO_LARGE"},
		"no data":                    {agent, "POST", disclosures, `{"data":[]}`, 422, "BAD_INPUT"},
		"data twice":                 {agent, "POST", disclosures, `{"data":["usage","usage"]}`, 422, "BAD_INPUT"},
		"a month that is none":       {agent, "POST", disclosures, `{"data":["usage"],"months":["2026-13"]}`, 422, "BAD_INPUT"},
		"a month in another way":     {agent, "POST", disclosures, `{"data":["usage"],"months":["kanarienvogel"]}`, 422, "BAD_INPUT"},
		"a line that is none":        {agent, "POST", disclosures, `{"data":["usage"],"line":"kanarienvogel"}`, 422, "BAD_INPUT"},
		"a time that does not exist": {agent, "POST", disclosures, `{"data":["usage"],"unaided":{"number":"+12025550123","at":"2026-02-30T12:00:00Z"}}`, 422, "BAD_INPUT"},
		"a time that is none":        {agent, "POST", disclosures, `{"data":["usage"],"unaided":{"number":"+12025550123","at":"kanarienvogel"}}`, 422, "BAD_INPUT"},
		"a search by two":            {agent, "POST", "/v1/customers/search", `{"number":"+12025550123","name":"kanarienvogel"}`, 422, "BAD_INPUT"},
		"a search by no number":      {agent, "POST", "/v1/customers/search", `{"number":"kanarienvogel"}`, 422, "BAD_INPUT"},
		"a query that is unknown":    {agent, "GET", "/v1/contacts/" + contact + "?kanarienvogel=1", "", 422, "BAD_INPUT"},
		"no part of a line":          {agent, "POST", disclosures, `{"data":["usage"],"line":1.5}`, 422, "BAD_INPUT"},
		"a report of no measure":     {system, "POST", "/v1/reports", `{"measure":"kanarienvogel","from":"2026-01","purpose":"own-marketing"}`, 422, "BAD_INPUT"},
		"a report of its own cells":  {system, "POST", "/v1/reports", `{"measure":"customers","from":"2026-01","purpose":"own-marketing","cells":40}`, 422, "BAD_INPUT"},
		"no channel":                 {agent, "POST", "/v1/contacts", `{"customer":"` + string(ann.ID) + `","channel":"kanarienvogel"}`, 422, "BAD_INPUT"},
		"with nobody":                {agent, "POST", "/v1/contacts", `{"channel":"phone"}`, 422, "BAD_INPUT"},
		"with a stranger":            {agent, "POST", "/v1/contacts", `{"number":"+12025559999","channel":"phone"}`, 404, "NOT_FOUND"},
		"no such address":            {agent, "GET", "/v1/kanarienvogel", "", 404, "NOT_FOUND"},
		"another method":             {agent, "PATCH", disclosures, `{}`, 405, "HTTP_METHOD"},
		"a born that does not exist": {system, "POST", "/v1/customers", `{"name":"A","lines":[],"born":"2025-02-29"}`, 422, "BAD_INPUT"},
		"a number that is none":      {system, "POST", "/v1/customers", `{"name":"A","lines":[{"number":"kanarienvogel","categories":["local"]}]}`, 422, "BAD_INPUT"},
		"a number held by another":   {system, "POST", "/v1/customers", `{"name":"A","lines":[{"number":"` + ann.Lines[0].Number + `","categories":["local"]}]}`, 409, "NUMBER_HELD"},
		"a category that is none":    {system, "POST", "/v1/customers", `{"name":"A","lines":[{"number":"+12025551717","categories":["kanarienvogel"]}]}`, 422, "BAD_INPUT"},
		"a role that is none":        {admin, "POST", "/v1/staff", `{"login":"x1","name":"X","role":"kanarienvogel"}`, 422, "BAD_INPUT"},
		"training in the future":     {compliance, "POST", "/v1/staff/" + string(ann.ID) + "/training", `{"passed":"2036-01-01T00:00:00Z"}`, 422, "BAD_INPUT"},
		"training of nobody":         {compliance, "POST", "/v1/staff/" + string(ann.ID) + "/training", `{"passed":"2026-01-01T00:00:00Z"}`, 404, "NOT_FOUND"},
		"a key for nobody":           {admin, "POST", "/v1/keys", `{"staff":"` + string(ann.ID) + `","name":"x"}`, 404, "NOT_FOUND"},
	} {
		t.Run(name, func(t *testing.T) {
			var body any = c.body
			if c.body == "" && c.method == "GET" {
				body = nil
			}
			a := s.do(t, c.key, c.method, c.path, body)
			p := a.problem(t, c.status, c.code)
			if strings.Contains(fieldNames.ReplaceAllString(string(a.raw), ""), canary) {
				t.Errorf("what was sent came back: %s", a.raw)
			}
			if strings.Contains(p.Detail, "form that is described") && len(p.Fields) == 0 {
				t.Errorf("not said what is wrong: %s", a.raw)
			}
		})
	}
	if len(s.reports) > 0 {
		t.Errorf("bad input was reported as our failure: %v", s.reports)
	}
	if rows := fmt.Sprint(s.Ledger.Records(t.Context(), ann.ID, everything)); strings.Contains(rows, canary) {
		t.Error("what was sent is in the readable part of the ledger")
	}
}

// The type of a body is JSON, or nothing is read of it.
func TestOtherTypesOfBodies(t *testing.T) {
	s := serve(t, officetest.Open(t, storetest.Open(t, "memory:")))
	_, agent := s.key(t, cpni.RoleAgent)
	for _, kind := range []string{"application/x-www-form-urlencoded", "text/plain", "application/xml", "multipart/form-data; boundary=x"} {
		a := s.do(t, agent, "POST", "/v1/disclosures", `{"data":["usage"]}`, "Content-Type", kind)
		a.problem(t, http.StatusUnsupportedMediaType, "BAD_INPUT")
	}
}
