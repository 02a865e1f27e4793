// Package file is the channel of a demonstration, and of a machine without peers: it writes each message as it would go out
// into a folder of its own.
//
// What it writes is what a customer would get, codes and all. The folder stands for the world outside: who may read it is
// whoever could read the customers' letters.
package file

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Code is the word of this channel in what has become of a message.
const Code = "FILE"

// Options of New.
type Options struct {
	// Folder gets a folder for each message, named by its id.
	Folder string
	// Letter makes the pages of a letter, as a PDF; nil: a letter is written as text alone.
	Letter func(notify.Piece) ([]byte, error)
	// Answers has the folder stand for customers who are there: they get what is sent, take calls and press the key that
	// they are asked for. Without it a message has been handed over, and nobody says more.
	Answers bool
	// From is whom e-mail is from, as its header has it; empty: nobody is named.
	From string
}

// Channel writes messages into a folder. It carries any way.
type Channel struct{ options Options }

// New makes the channel. The folder is made when it is first needed.
func New(o Options) *Channel { return &Channel{o} }

// batch is how many messages are written at once.
const batch = 100

// Batch is how many pieces it takes at most at once.
func (c *Channel) Batch() int { return batch }

// Send writes the pieces. One that was written before is recognised by its id, and not written again.
func (c *Channel) Send(ctx context.Context, pieces []notify.Piece, told func(notify.Piece, notify.Outcome)) {
	for _, p := range pieces {
		if ctx.Err() != nil {
			return
		}
		if err := c.write(p); err != nil {
			told(p, notify.Outcome{State: notify.Queued, Code: "FILE_NOT_WRITTEN", Says: err.Error()})
			continue
		}
		told(p, c.outcome(p))
	}
}

func (c *Channel) outcome(p notify.Piece) notify.Outcome {
	if !c.options.Answers {
		return notify.Outcome{State: notify.Sent, Code: Code}
	}
	o := notify.Outcome{State: notify.Delivered, Code: Code}
	if p.Via == cpni.Voice {
		o.Call = &notify.Call{Ended: notify.Answered, Pressed: confirms(p)}
	}
	return o
}

// confirms is the first key that a call asks for: that by which the customer says that it is them.
func confirms(p notify.Piece) string {
	if p.Kind != notify.CallBack {
		return ""
	}
	for _, s := range p.Spoken {
		if s.Key != "" {
			return s.Key
		}
	}
	return ""
}

// Check says why the folder cannot be written to; nil: it can.
func (c *Channel) Check(context.Context) error {
	if err := os.MkdirAll(c.options.Folder, 0o700); err != nil {
		return fmt.Errorf("the folder of messages cannot be made: %w", reason(err))
	}
	f, err := os.CreateTemp(c.options.Folder, ".check-*")
	if err != nil {
		return fmt.Errorf("the folder of messages cannot be written to: %w", reason(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// reason is an error without the path of the file.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// write makes the folder of a message whole under another name, and gives it its own when it lies on the disk.
func (c *Channel) write(p notify.Piece) error {
	if !p.ID.Valid() {
		return errors.New("the message has no id")
	}
	whole := filepath.Join(c.options.Folder, string(p.ID))
	if _, err := os.Stat(whole); err == nil {
		return nil
	}
	files, err := c.files(p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.options.Folder, 0o700); err != nil {
		return reason(err)
	}
	part := filepath.Join(c.options.Folder, ".part-"+string(p.ID))
	if err := errors.Join(os.RemoveAll(part), os.Mkdir(part, 0o700)); err != nil { // a program that was killed may have left one
		return reason(err)
	}
	defer os.RemoveAll(part) // what was renamed is there no more
	for name, text := range files {
		if err := writeSynced(filepath.Join(part, name), text); err != nil {
			return reason(err)
		}
	}
	if err := errors.Join(sync(part), os.Rename(part, whole), sync(c.options.Folder)); err != nil {
		if _, there := os.Stat(whole); there == nil {
			return nil // another node wrote the same at the same moment
		}
		return reason(err)
	}
	return nil
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// sync has a folder's names lie on the disk.
func sync(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// head is message.json: what a machine wants to know of the message. What it says stands in the other files alone.
type head struct {
	ID       cpni.ID  `json:"id"`
	Kind     string   `json:"kind"`
	Via      cpni.Via `json:"via"`
	To       string   `json:"to"`
	Name     string   `json:"name,omitempty"`
	Language string   `json:"language"`
	Subject  string   `json:"subject,omitempty"`
	Wording  string   `json:"wording"`
	Attempt  int      `json:"attempt"`
	Enclosed []string `json:"enclosed,omitempty"`
}

// files are what is written for a piece, by name.
func (c *Channel) files(p notify.Piece) (map[string][]byte, error) {
	h := head{p.ID, p.Kind, p.Via, p.To, p.Name, p.Language, p.Subject, p.Version, p.Attempt, nil}
	all := map[string][]byte{}
	for i, e := range p.Enclosed {
		name := fmt.Sprintf("enclosed-%d-%s", i+1, plain(e.Name))
		h.Enclosed = append(h.Enclosed, name)
		all[name] = e.Bytes
	}
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, err
	}
	all["message.json"] = append(text, '\n')
	switch p.Via {
	case cpni.Email:
		if all["message.eml"], err = c.eml(p); err != nil {
			return nil, err
		}
		all["message.txt"] = []byte(p.Text)
		if p.HTML != "" {
			all["message.html"] = []byte(p.HTML)
		}
	case cpni.Voice:
		all["call.txt"] = []byte(call(p))
	case cpni.Postal:
		all["letter.txt"] = []byte(p.To + "\n\n" + p.Text)
		if c.options.Letter != nil {
			if all["letter.pdf"], err = c.options.Letter(p); err != nil {
				return nil, fmt.Errorf("making the letter: %w", err)
			}
		}
	default:
		all["message.txt"] = []byte(p.Text)
	}
	return all, nil
}

// plain is a file's name without what leads out of a folder.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, filepath.Base(name))
}

// call writes down what is said, in order, and which keys are asked for.
func call(p notify.Piece) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Call to %s\n\n", p.To)
	for _, s := range p.Spoken {
		switch {
		case s.Digits != "":
			fmt.Fprintf(&b, "%s", strings.Join(strings.Split(s.Digits, ""), " "))
		default:
			b.WriteString(s.Text)
		}
		if s.NotOnMachine {
			b.WriteString(" (not on a machine)")
		}
		if s.Key != "" {
			fmt.Fprintf(&b, " [waits for the key %s]", s.Key)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// eml writes the message in the form of RFC 5322, with its text and its page as two forms of the same, and what is enclosed.
func (c *Channel) eml(p notify.Piece) ([]byte, error) {
	var b bytes.Buffer
	mixed := multipart.NewWriter(&b)
	to := mail.Address{Name: p.Name, Address: p.To}
	if c.options.From != "" {
		fmt.Fprintf(&b, "From: %s\r\n", c.options.From)
	}
	fmt.Fprintf(&b, "To: %s\r\nSubject: %s\r\nMessage-ID: <%s@ringfence.invalid>\r\nContent-Language: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n",
		to.String(), mime.QEncoding.Encode("utf-8", p.Subject), p.ID, p.Language, mixed.Boundary())
	forms := multipart.NewWriter(&bytes.Buffer{})
	inner, err := mixed.CreatePart(textproto.MIMEHeader{"Content-Type": {"multipart/alternative; boundary=" + forms.Boundary()}})
	if err != nil {
		return nil, err
	}
	two := multipart.NewWriter(inner)
	if err := two.SetBoundary(forms.Boundary()); err != nil {
		return nil, err
	}
	for _, form := range []struct{ kind, text string }{{"text/plain", p.Text}, {"text/html", p.HTML}} {
		if form.text == "" {
			continue
		}
		w, err := two.CreatePart(textproto.MIMEHeader{"Content-Type": {form.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(form.text)); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	if err := two.Close(); err != nil {
		return nil, err
	}
	for _, e := range p.Enclosed {
		w, err := mixed.CreatePart(textproto.MIMEHeader{"Content-Type": {e.Type}, "Content-Transfer-Encoding": {"base64"},
			"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": e.Name})}})
		if err != nil {
			return nil, err
		}
		lines := base64.StdEncoding.EncodeToString(e.Bytes)
		for len(lines) > 0 {
			n := min(lineLength, len(lines))
			if _, err := fmt.Fprintf(w, "%s\r\n", lines[:n]); err != nil {
				return nil, err
			}
			lines = lines[n:]
		}
	}
	err = mixed.Close()
	return b.Bytes(), err
}

// lineLength is how long a line of base64 is.
const lineLength = 76
