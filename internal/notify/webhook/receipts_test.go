package webhook

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

type reported struct {
	via       cpni.Via
	reference string
	notify.Report
}

// inbox keeps what it is told.
type inbox struct {
	got  []reported
	fail error
}

func (i *inbox) Returned(context.Context, string, notify.Report) error { return notify.ErrNotOurs }

func (i *inbox) Referred(_ context.Context, via cpni.Via, reference string, r notify.Report) error {
	if i.fail != nil {
		return i.fail
	}
	i.got = append(i.got, reported{via, reference, r})
	return nil
}

// receiver is the handler with a secret that the gateway signs with.
type receiver struct {
	t    *testing.T
	hook *standardwebhooks.Webhook
	http http.Handler
	*inbox
	*mobile
}

// mobile keeps the texts that it is given.
type mobile struct {
	texts []texted
	lost  error
}

type texted struct {
	from, to, words string
	stop            bool
	at              time.Time
}

func (m *mobile) Texted(_ context.Context, from, to, words string, stop bool, at time.Time) error {
	if m.lost != nil {
		return m.lost
	}
	m.texts = append(m.texts, texted{from, to, words, stop, at})
	return nil
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	secret := newSecret()
	c, err := New(Config{URL: "https://texts.carrier.example/", SecretFile: file(t, newSecret()), ReceiptSecretFile: file(t, "whsec_"+newSecret()+"\nwhsec_"+secret)}, clock)
	if err != nil {
		t.Fatal(err)
	}
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	i, m := &inbox{}, &mobile{}
	return &receiver{t, hook, c.Receipts(i, m), i, m}
}

// post posts a receipt signed at a time, and gives the status of the answer.
func (r *receiver) post(id string, at time.Time, body string, change func(*http.Request)) int {
	r.t.Helper()
	q := httptest.NewRequest(http.MethodPost, "/hooks/messages", strings.NewReader(body))
	signature, err := r.hook.Sign(id, at, []byte(body))
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json; charset=utf-8")
	q.Header.Set(standardwebhooks.HeaderWebhookID, id)
	q.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	q.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	if change != nil {
		change(q)
	}
	w := httptest.NewRecorder()
	r.http.ServeHTTP(w, q)
	return w.Code
}

// What the gateway tells, signed, is on record when it is answered, and once only.
//
// cite: P-23
func TestReceipt(t *testing.T) {
	r := newReceiver(t)
	body := `{"reference":"r-1","state":"delivered","code":"000","at":"2026-11-25T16:59:00Z","unknown":1}`
	if status := r.post("m1", noon, body, nil); status != http.StatusNoContent || len(r.got) != 1 {
		t.Fatalf("%d, %+v", status, r.got)
	}
	if g := r.got[0]; g.via != cpni.Text || g.reference != "r-1" || g.State != notify.Delivered || g.Code != "000" || g.Kind != notify.Receipt || !g.At.Equal(noon.Add(-time.Minute)) || string(g.Raw) != body || g.Call != nil {
		t.Errorf("%+v", g)
	}
	if status := r.post("m1", noon, body, nil); status != http.StatusNoContent || len(r.got) != 1 {
		t.Errorf("the same again: %d, %+v", status, r.got)
	}
	call := `{"reference":"c","via":"voice","state":"delivered","call":{"ended":"answered","pressed":"1","seconds":12.5},"at":"2026-11-25T18:00:00Z"}`
	if status := r.post("m2", noon, call, nil); status != http.StatusNoContent || len(r.got) != 2 {
		t.Fatalf("%d, %+v", status, r.got)
	}
	if g := r.got[1]; g.via != cpni.Voice || g.Call == nil || *g.Call != (notify.Call{Ended: notify.Answered, Pressed: "1", Lasted: 12500 * time.Millisecond}) || !g.At.Equal(noon) {
		t.Errorf("%+v", g)
	}
	if status := r.post("m3", noon, `{"reference":"r-1","kind":"stop"}`, nil); status != http.StatusNoContent || r.got[2].Kind != notify.Stop || r.got[2].State != "" {
		t.Errorf("%d, %+v", status, r.got)
	}
}

// What could not be put on record comes again, and holds then.
func TestReceiptAgain(t *testing.T) {
	r := newReceiver(t)
	body := `{"reference":"r-1","state":"bounced"}`
	r.fail = errors.New("the database is away")
	if status := r.post("m1", noon, body, nil); status != http.StatusServiceUnavailable {
		t.Errorf("%d", status)
	}
	r.fail = notify.ErrNotOurs
	if status := r.post("m1", noon, body, nil); status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
	r.fail = nil
	if status := r.post("m1", noon, body, nil); status != http.StatusNoContent || len(r.got) != 1 || r.got[0].State != notify.Bounced {
		t.Errorf("%d, %+v", status, r.got)
	}
}

// What is not signed, not of now, or not to be understood leaves no trace.
//
// cite: P-23
func TestReceiptRefused(t *testing.T) {
	r := newReceiver(t)
	good := `{"reference":"r-1","state":"delivered"}`
	other, err := standardwebhooks.NewWebhook(newSecret())
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		id     string
		at     time.Time
		body   string
		change func(*http.Request)
		want   int
	}{
		"no signature":      {"m", noon, good, func(q *http.Request) { q.Header.Del(standardwebhooks.HeaderWebhookSignature) }, 401},
		"no time":           {"m", noon, good, func(q *http.Request) { q.Header.Del(standardwebhooks.HeaderWebhookTimestamp) }, 401},
		"no id":             {"m", noon, good, func(q *http.Request) { q.Header.Del(standardwebhooks.HeaderWebhookID) }, 401},
		"an id with a stop": {"m.1", noon, good, nil, 401},
		"too old":           {"m", noon.Add(-tolerance - time.Second), good, nil, 401},
		"too new":           {"m", noon.Add(tolerance + time.Second), good, nil, 401},
		"signed by another": {"m", noon, good, func(q *http.Request) {
			s, err := other.Sign("m", noon, []byte(good))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set(standardwebhooks.HeaderWebhookSignature, s)
		}, 401},
		"another id": {"m", noon, good, func(q *http.Request) { q.Header.Set(standardwebhooks.HeaderWebhookID, "n") }, 401},
		"another time": {"m", noon, good, func(q *http.Request) {
			q.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(noon.Unix()+1, 10))
		}, 401},
		"not posted":      {"m", noon, good, func(q *http.Request) { q.Method = http.MethodGet }, 405},
		"no JSON":         {"m", noon, good, func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }, 415},
		"too long":        {"m", noon, good + strings.Repeat(" ", mostReceipt), nil, 413},
		"broken":          {"m", noon, `{"reference":`, nil, 400},
		"a name twice":    {"m", noon, `{"reference":"a","reference":"b","state":"delivered"}`, nil, 400},
		"no reference":    {"m", noon, `{"state":"delivered"}`, nil, 400},
		"no state":        {"m", noon, `{"reference":"a"}`, nil, 400},
		"no such state":   {"m", noon, `{"reference":"a","state":"queued"}`, nil, 400},
		"no such kind":    {"m", noon, `{"reference":"a","state":"sent","kind":"grant"}`, nil, 400},
		"another channel": {"m", noon, `{"reference":"a","state":"sent","via":"postal"}`, nil, 400},
		"no such end":     {"m", noon, `{"reference":"a","state":"sent","call":{"ended":"well"}}`, nil, 400},
		"too long a key":  {"m", noon, `{"reference":"a","state":"sent","call":{"ended":"answered","pressed":"1234"}}`, nil, 400},
	} {
		if status := r.post(row.id, row.at, row.body, row.change); status != row.want || len(r.got) != 0 {
			t.Errorf("%s: %d, not %d; %+v", name, status, row.want, r.got)
		}
	}
	if status := r.post("m", noon, good, nil); status != http.StatusNoContent || len(r.got) != 1 {
		t.Errorf("the good one after them: %d", status)
	}
}

// A text that a customer has written reaches whoever takes texts, signed and once, with what asks for no more of them; when it could not be
// taken it is given again.
//
// cite: P-12, P-14, 47 CFR 64.1200(a)(10)
func TestATextThatCameIn(t *testing.T) {
	r := newReceiver(t)
	at := noon.Add(-time.Minute)
	for i, row := range []struct {
		body   string
		status int
		want   *texted
	}{
		{`{"kind":"reply","from":"+12025550186","to":"78225","says":"No","at":"` + at.Format(time.RFC3339) + `"}`, http.StatusNoContent, &texted{"+12025550186", "78225", "No", false, at}},
		{`{"kind":"reply","from":"+12025550186","says":"stop please"}`, http.StatusNoContent, &texted{"+12025550186", "", "stop please", true, noon}},
		{`{"kind":"stop","from":"+12025550186"}`, http.StatusNoContent, &texted{"+12025550186", "", "", true, noon}},
		{`{"kind":"receipt","from":"+12025550186","says":"No"}`, http.StatusBadRequest, nil},
		{`{"kind":"reply","via":"voice","from":"+12025550186","says":"No"}`, http.StatusBadRequest, nil},
		{`{"kind":"reply","from":"` + strings.Repeat("1", 40) + `","says":"No"}`, http.StatusBadRequest, nil},
	} {
		r.texts = nil
		if status := r.post("t"+strconv.Itoa(i), noon, row.body, nil); status != row.status || (row.want == nil) != (len(r.texts) == 0) || row.want != nil && r.texts[0] != *row.want {
			t.Errorf("%s: %d, %+v", row.body, status, r.texts)
		}
	}
	r.texts, r.lost = nil, errors.New("the database is away")
	body := `{"kind":"reply","from":"+12025550186","says":"No"}`
	if status := r.post("late", noon, body, nil); status != http.StatusServiceUnavailable {
		t.Errorf("what was lost is answered with %d", status)
	}
	r.lost = nil
	for range 2 {
		if status := r.post("late", noon, body, nil); status != http.StatusNoContent || len(r.texts) != 1 {
			t.Errorf("given again: %d, %+v", status, r.texts)
		}
	}
}
