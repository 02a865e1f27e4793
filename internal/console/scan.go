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

	"ringfence/internal/approval"
)

// mostScanBody bounds a form that brings a scan, in bytes: the scan, and what stands beside it.
const mostScanBody = approval.MostEvidence + mostBody

// readScanForm reads what is posted to a place that takes one scanned paper. The file is kept as it is; what it is, whoever takes it
// finds out.
func (v *visit) readScanForm() error {
	kind, parameters, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return errNoForm
	}
	arrives := http.NewResponseController(v.w)
	late := time.AfterFunc(bigBodyTime, func() { arrives.SetReadDeadline(time.Unix(1, 0)) })
	defer late.Stop()
	parts := multipart.NewReader(http.MaxBytesReader(v.w, v.r.Body, mostScanBody), parameters["boundary"])
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
			text, err = io.ReadAll(part)
		}
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large), len(text) > approval.MostEvidence:
			return errTooLarge
		case err != nil:
			return errUnreadable
		}
		if part.FileName() != "" || part.FormName() == "scan" {
			if len(text) > 0 && len(v.uploads) == 0 {
				v.uploads = append(v.uploads, upload{Text: string(text)})
			}
			continue
		}
		if !utf8.Valid(text) || strings.ContainsRune(string(text), 0) {
			return errUnreadable
		}
		if len(text) > longestField {
			return errLongField
		}
		v.form.Add(part.FormName(), string(text))
	}
}
