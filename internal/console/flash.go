package console

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// flash is what one page is to say about what was done just before. Neither a refusal nor a note holds personal data.
type flash struct {
	For     string        `json:"for"` // the path of the page
	Note    string        `json:"note,omitempty"`
	Refusal *cpni.Refusal `json:"refusal,omitempty"`
	Form    string        `json:"form,omitempty"` // that was refused
}

const (
	flashLife    = 2 * time.Minute
	longestFlash = 3500 // a browser keeps 4096 bytes of a cookie
)

// owner is to what flashes and forms are bound: the session, or before sign-in what stands in its place.
func (v *visit) owner() string {
	if v.session != "" {
		return v.session
	}
	return v.cookie(doorCookie)
}

// leave has the page at f.For say f, and sends the browser to address, which is that page.
func (v *visit) leave(f flash, address string) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if len(text) > longestFlash/4*3 && f.Refusal != nil { // a refusal that long has many words about what to do
		f.Refusal = &cpni.Refusal{Outcome: f.Refusal.Outcome, Code: f.Refusal.Code, Says: shortened(f.Refusal.Says)}
		if text, err = json.Marshal(f); err != nil {
			return err
		}
	}
	body := base64.RawURLEncoding.EncodeToString(text)
	v.setCookie(flashCookie, body+"."+v.seal.mark("flash", v.owner(), body), flashLife)
	return v.goTo(address)
}

func shortened(s string) string {
	const most = 600
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// pickUp takes what was left for this page. It is said once.
func (v *visit) pickUp() {
	body, mark, ok := strings.Cut(v.cookie(flashCookie), ".")
	if !ok {
		return
	}
	var f flash
	text, err := base64.RawURLEncoding.DecodeString(body)
	if !v.seal.holds(mark, "flash", v.owner(), body) || err != nil || json.Unmarshal(text, &f) != nil {
		v.setCookie(flashCookie, "", 0)
		return
	}
	if f.For == v.r.URL.Path {
		v.flash = f
		v.setCookie(flashCookie, "", 0)
	}
}
