package webhook

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Whatever a signed receipt holds is understood or refused, and what is understood makes sense.
func FuzzReceipt(f *testing.F) {
	for _, body := range []string{
		`{"reference":"r","state":"delivered","code":"0","at":"2026-11-25T17:00:00Z"}`,
		`{"reference":"r","via":"voice","state":"failed","says":"x","call":{"ended":"busy","seconds":1e9}}`,
		`{"reference":"r","kind":"stop"}`, `{"kind":"reply","from":"+12025550186","says":"no"}`, `[]`, `{"reference":1}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		i, m := &inbox{}, &mobile{}
		status := (&Channel{}).take(httptest.NewRequest(http.MethodPost, "/", nil), i, m, body, noon)
		if status == http.StatusBadRequest && len(i.got) == 0 && len(m.texts) == 0 {
			return
		}
		if status == http.StatusNoContent && len(m.texts) == 1 && len(i.got) == 0 {
			if x := m.texts[0]; x.from == "" || len(x.from) > mostNumber || x.at.IsZero() || x.at.After(noon) {
				t.Fatalf("%+v of %s", x, body)
			}
			return
		}
		if status != http.StatusNoContent || len(i.got) != 1 {
			t.Fatalf("%d, %+v", status, i.got)
		}
		g := i.got[0]
		if g.reference == "" || g.via != cpni.Text && g.via != cpni.Voice || g.At.IsZero() || g.At.After(noon) || g.State == "" && g.Kind != notify.Stop && g.Kind != notify.Reply && g.Kind != notify.Complaint ||
			len(g.Says) > mostSays || !utf8.ValidString(g.Says) || g.Call != nil && (g.Call.Ended == "" || g.Call.Lasted < 0 || g.Call.Lasted > longest) {
			t.Fatalf("%+v of %s", g, body)
		}
	})
}

// Whatever an answer holds is one outcome, with a wait that can be waited.
func FuzzAnswer(f *testing.F) {
	f.Add(202, "", []byte(`{"reference":"r","state":"delivered"}`))
	f.Add(429, "120", []byte("later"))
	f.Add(503, "Wed, 25 Nov 2026 17:05:00 GMT", []byte{0xff})
	f.Fuzz(func(t *testing.T, status int, after string, said []byte) {
		o := outcome(status, http.Header{"Retry-After": {after}}, said, noon)
		if o.State == "" || o.After < 0 || o.After > 24*time.Hour || o.After > 0 && o.State != notify.Queued || len(o.Says) > mostSays || !utf8.ValidString(o.Says) || len(o.Reference) > mostReference {
			t.Fatalf("%d, %q, %q: %+v", status, after, said, o)
		}
	})
}
