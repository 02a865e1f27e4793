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

// parted is what a form may bring that is posted in parts: fields, and files beside them.
type parted struct {
	body  int64 // of all of it, in bytes
	file  int   // of one file
	files int   // how many
	text  bool  // files are text, and so may be the field of that name
	field int   // of one field
}

var ruleFiles = parted{body: mostBigBody, file: bigFieldSize, files: mostParts, text: true, field: longestField}

// scanOf is a form with one scanned paper of at most so many bytes. The file is kept as it is; what it is, whoever takes it finds out.
func scanOf(most int, long bool) parted {
	if long {
		return parted{body: int64(most) + mostLongBody, file: most, files: 1, field: longestText}
	}
	return parted{body: int64(most) + mostBody, file: most, files: 1, field: longestField}
}

// readBigForm reads what is posted to a place that takes files of rules.
func (v *visit) readBigForm() error { return v.readParts(ruleFiles) }

func (v *visit) readParts(may parted) error {
	kind, parameters, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return errNoForm
	}
	arrives := http.NewResponseController(v.w)
	late := time.AfterFunc(bigBodyTime, func() { arrives.SetReadDeadline(time.Unix(1, 0)) })
	defer late.Stop()
	parts := multipart.NewReader(http.MaxBytesReader(v.w, v.r.Body, may.body), parameters["boundary"])
	v.form = url.Values{}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && n >= mostParts {
			return errTooLarge
		}
		var bytes []byte
		if err == nil {
			bytes, err = io.ReadAll(io.LimitReader(part, int64(may.file)+1))
		}
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large), len(bytes) > may.file:
			return errTooLarge
		case err != nil:
			return errUnreadable
		}
		is := part.FileName() != "" || !may.text && part.FormName() == "scan"
		if is && len(bytes) == 0 && !may.text {
			continue // nothing was picked
		}
		if is && len(v.uploads) >= may.files {
			return errTooLarge
		}
		if is && !may.text {
			v.uploads = append(v.uploads, upload{part.FileName(), string(bytes)})
			continue
		}
		if !utf8.Valid(bytes) || strings.ContainsRune(string(bytes), 0) {
			return errUnreadable
		}
		words := strings.ReplaceAll(string(bytes), "\r\n", "\n")
		if is {
			v.uploads = append(v.uploads, upload{part.FileName(), words})
			continue
		}
		if !(may.text && part.FormName() == "text") && len(words) > may.field {
			return tooLong(may.field)
		}
		v.form.Add(part.FormName(), words)
	}
}
