package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

// visit is one request of a browser, and who made it.
type visit struct {
	*Console
	w   http.ResponseWriter
	r   *http.Request
	now time.Time

	session string        // the secret of the session; "" before sign-in
	member  *staff.Member // nil before sign-in
	form    url.Values    // of what is posted
	uploads []upload      // files that are posted, where a place takes them
	flash   flash         // what the request before this one left to be shown
}

func (v *visit) posts() bool { return v.r.Method == http.MethodPost }

// id gives an id that is part of the address.
func (v *visit) id(name string) cpni.ID { return cpni.ID(v.r.PathValue(name)) }

// Bounds of what a form may bring, in bytes, and how long it may take to arrive.
const (
	mostBody     = 64 << 10
	longestField = 1000
	// Where texts of several pages are written, a form has room for a few of them.
	mostLongBody = 512 << 10
	longestText  = 20_000
	// What a browser says of a passkey is longer than what people type.
	passkeyField   = "passkey"
	longestPasskey = 16 << 10
	bodyTime       = 5 * time.Second
)

// readForm reads what is posted.
func (v *visit) readForm() error { return v.readFields(mostBody, longestField) }

// readLongForm reads what is posted to a place where texts of several pages are written.
func (v *visit) readLongForm() error { return v.readFields(mostLongBody, longestText) }

func (v *visit) readFields(body int64, longest int) error {
	kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return errNoForm
	}
	arrives := http.NewResponseController(v.w)
	late := time.AfterFunc(bodyTime, func() { arrives.SetReadDeadline(time.Unix(1, 0)) })
	defer late.Stop()
	text, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, body))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return errTooLarge
	}
	if err != nil {
		return errUnreadable
	}
	if v.form, err = url.ParseQuery(string(text)); err != nil {
		return errUnreadable
	}
	for name, values := range v.form {
		for _, text := range append(values, name) {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return errUnreadable
			}
			if len(text) > longest && !(name == passkeyField && len(text) <= longestPasskey) {
				return tooLong(longest)
			}
		}
	}
	return nil
}

// field gives a field of the form without blanks around it.
func (v *visit) field(name string) string { return strings.TrimSpace(v.form.Get(name)) }

// show sends a page. It is made whole first, so that what goes wrong in making it is told as such.
func (v *visit) show(status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(context.WithoutCancel(v.r.Context()), &b); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		v.w.Write(b.Bytes())
	}
	return nil
}

// goTo sends the browser to another address of ours, to be read there: a reload repeats nothing.
func (v *visit) goTo(address string) error {
	v.w.Header().Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}
