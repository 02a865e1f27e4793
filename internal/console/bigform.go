package console

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a form that brings files of rules, in bytes, and how long it may take to arrive.
const (
	mostBigBody  = 2 << 20
	mostParts    = 40
	bigFieldSize = 256 << 10
	bigBodyTime  = 15 * time.Second
)

// upload is a file that a form brings.
type upload struct {
	Name string // as the browser calls it, without folders
	Text string
}

// readBigForm reads what is posted to a place that takes files of rules.
func (v *visit) readBigForm() error {
	kind, parameters, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return errNoForm
	}
	arrives := http.NewResponseController(v.w)
	late := time.AfterFunc(bigBodyTime, func() { arrives.SetReadDeadline(time.Unix(1, 0)) })
	defer late.Stop()
	parts := multipart.NewReader(http.MaxBytesReader(v.w, v.r.Body, mostBigBody), parameters["boundary"])
	v.form = url.Values{}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && n >= mostParts {
			return errTooLarge
		}
		var text []byte
		if err == nil {
			text, err = io.ReadAll(io.LimitReader(part, bigFieldSize+1))
		}
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large), len(text) > bigFieldSize:
			return errTooLarge
		case err != nil:
			return errUnreadable
		case !utf8.Valid(text) || strings.ContainsRune(string(text), 0):
			return errUnreadable
		}
		words := strings.ReplaceAll(string(text), "\r\n", "\n")
		if name := part.FileName(); name != "" {
			v.uploads = append(v.uploads, upload{name, words})
			continue
		}
		if part.FormName() != "text" && len(words) > longestField {
			return errLongField
		}
		v.form.Add(part.FormName(), words)
	}
}
