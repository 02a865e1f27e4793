package file_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/file"
)

// pieces is one message of each way.
func pieces() []notify.Piece {
	piece := func(via cpni.Via, to string, w notify.Words) notify.Piece {
		return notify.Piece{ID: cpni.NewID(), Kind: notify.AccountChange, Via: via, To: to, Name: "Ána Archer", Language: "es", Words: w, Return: "abcdefghjkmnpqrs", Attempt: 1}
	}
	return []notify.Piece{
		piece(cpni.Text, "+12025550141", notify.Words{Text: "Cambió algo."}),
		piece(cpni.Voice, "+12025550141", notify.Words{Spoken: []notify.Spoken{{Text: "Good day."}, {Digits: "4711", NotOnMachine: true}, {Text: "Press 1.", Key: "1"}}}),
		piece(cpni.Email, "ann@example.com", notify.Words{Subject: "Cambió", Text: "Cambió algo.", HTML: "<p>Cambió algo.</p>"}),
		piece(cpni.Postal, "1 Main St, Springfield, VA 22150", notify.Words{Subject: "A change", Text: "Something changed."}),
	}
}

// send hands pieces over and gives what was told, in order.
func send(t *testing.T, c *file.Channel, all ...notify.Piece) []notify.Outcome {
	t.Helper()
	var out []notify.Outcome
	c.Send(t.Context(), all, func(_ notify.Piece, o notify.Outcome) { out = append(out, o) })
	if len(out) != len(all) {
		t.Fatalf("%d of %d pieces were told of", len(out), len(all))
	}
	return out
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each way is written as it would go out, whole, once, and for nobody else to read.
//
// cite: P-23, P-25
func TestEachWayIsWritten(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "messages")
	c := file.New(file.Options{Folder: folder, Answers: true, From: "Test Carrier <privacy@carrier.example>", Letter: func(p notify.Piece) ([]byte, error) { return []byte("%PDF of " + p.To), nil }})
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := pieces()
	all[2].Enclosed = []notify.Enclosure{{Name: "../calls.pdf", Type: "application/pdf", Bytes: bytes.Repeat([]byte("x"), 100)}}
	for _, o := range send(t, c, all...) {
		if o.State != notify.Delivered || o.Code != file.Code {
			t.Errorf("%+v", o)
		}
	}
	for i, want := range []struct {
		name string
		has  []string
	}{{"message.txt", []string{"Cambió algo."}}, {"call.txt", []string{"Good day.", "4 7 1 1 (not on a machine)", "Press 1. [waits for the key 1]"}}, {"message.html", []string{"<p>Cambió"}}, {"letter.txt", []string{"1 Main St", "Something changed."}}} {
		text := read(t, folder, string(all[i].ID), want.name)
		for _, s := range want.has {
			if !strings.Contains(text, s) {
				t.Errorf("%s lacks %q: %s", want.name, s, text)
			}
		}
		var head struct {
			ID  cpni.ID
			Via cpni.Via
			To  string
		}
		if err := json.Unmarshal([]byte(read(t, folder, string(all[i].ID), "message.json")), &head); err != nil || head.ID != all[i].ID || head.Via != all[i].Via || head.To != all[i].To {
			t.Errorf("message.json: %+v (%v)", head, err)
		}
	}
	if got := read(t, folder, string(all[3].ID), "letter.pdf"); got != "%PDF of 1 Main St, Springfield, VA 22150" {
		t.Errorf("the letter: %q", got)
	}
	if got := read(t, folder, string(all[2].ID), "enclosed-1-calls.pdf"); len(got) != 100 {
		t.Errorf("what is enclosed: %q", got)
	}
	names := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		names++
		i, err := d.Info()
		if err == nil && i.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is for others too: %s", d.Name(), i.Mode())
		}
		return err
	})
	if err != nil || names != 1+4+2+2+5+3 {
		t.Errorf("%d names (%v)", names, err)
	}

	// The same again, after the program died before it could note that it was done.
	before := read(t, folder, string(all[0].ID), "message.txt")
	all[0].Text = "Another."
	send(t, c, all...)
	if got := read(t, folder, string(all[0].ID), "message.txt"); got != before {
		t.Errorf("written twice: %q", got)
	}
}

// An e-mail is one that others' programs read: both forms and what is enclosed.
func TestEMLIsRead(t *testing.T) {
	folder := t.TempDir()
	p := pieces()[2]
	p.Enclosed = []notify.Enclosure{{Name: "calls.pdf", Type: "application/pdf", Bytes: bytes.Repeat([]byte("x"), 100)}}
	send(t, file.New(file.Options{Folder: folder}), p)
	m, err := mail.ReadMessage(strings.NewReader(read(t, folder, string(p.ID), "message.eml")))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Cambió" {
		t.Errorf("subject %q (%v)", subject, err)
	}
	var kinds []string
	var walk func(kind string, body io.Reader)
	walk = func(kind string, body io.Reader) {
		kind, parameters, err := mime.ParseMediaType(kind)
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, kind)
		if !strings.HasPrefix(kind, "multipart/") {
			return
		}
		for r := multipart.NewReader(body, parameters["boundary"]); ; {
			part, err := r.NextPart()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			walk(part.Header.Get("Content-Type"), part)
		}
	}
	walk(m.Header.Get("Content-Type"), m.Body)
	if want := []string{"multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf"}; !slices.Equal(kinds, want) {
		t.Errorf("parts %v, want %v", kinds, want)
	}
}

// Where nobody answers, a message is handed over and no more is said of it; what cannot be written is tried again, and
// leaves nothing behind.
func TestWhatCannotBeWritten(t *testing.T) {
	at := filepath.Join(t.TempDir(), "messages")
	if o := send(t, file.New(file.Options{Folder: at}), pieces()[1])[0]; o.State != notify.Sent || o.Call != nil {
		t.Errorf("%+v", o)
	}
	broken := file.New(file.Options{Folder: at, Letter: func(notify.Piece) ([]byte, error) { return nil, errors.New("no paper") }})
	letter := pieces()[3]
	if o := send(t, broken, letter)[0]; o.State != notify.Queued || !strings.Contains(o.Says, "no paper") {
		t.Errorf("%+v", o)
	}
	noID := pieces()[0]
	noID.ID = "../../etc"
	if o := send(t, broken, noID)[0]; o.State != notify.Queued {
		t.Errorf("%+v", o)
	}
	if left, err := os.ReadDir(at); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	blocked := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := file.New(file.Options{Folder: blocked})
	if err := none.Check(t.Context()); err == nil || strings.Contains(err.Error(), blocked) {
		t.Errorf("the check says %v", err)
	}
	if o := send(t, none, pieces()[0])[0]; o.State != notify.Queued || o.Code != "FILE_NOT_WRITTEN" || strings.Contains(o.Says, blocked) {
		t.Errorf("%+v", o)
	}
}

// A call-back in a demonstration is confirmed, and nothing else is pressed.
//
// cite: P-20
func TestCustomersOfADemonstrationPressTheKey(t *testing.T) {
	c := file.New(file.Options{Folder: t.TempDir(), Answers: true})
	call := pieces()[1]
	if o := send(t, c, call)[0]; o.Call == nil || o.Call.Ended != notify.Answered || o.Call.Pressed != "" {
		t.Errorf("%+v", o)
	}
	call.ID, call.Kind = cpni.NewID(), notify.CallBack
	if o := send(t, c, call)[0]; o.Call == nil || o.Call.Pressed != "1" {
		t.Errorf("%+v", o)
	}
}
