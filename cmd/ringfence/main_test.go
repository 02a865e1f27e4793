package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ringfence/internal/store"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ringfence": main})
}

// The command, told as a person would use it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sql": func(ts *testscript.TestScript, neg bool, args []string) { // sql FILE STATEMENT
				db, err := store.Open(context.Background(), "sqlite:"+ts.MkAbs(args[0]))
				ts.Check(err)
				err = db.Tx(context.Background(), func(tx *store.Tx) error { _, err := tx.Exec(context.Background(), args[1]); return err })
				ts.Check(err)
				ts.Check(db.Close())
			},
			"replace": func(ts *testscript.TestScript, neg bool, args []string) { // replace FILE PATTERN BY
				text := ts.ReadFile(args[0])
				changed := regexp.MustCompile(args[1]).ReplaceAllString(text, args[2])
				if changed == text {
					ts.Fatalf("%s does not stand in %s", args[1], args[0])
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(changed), 0o600))
			},
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("REPO", repository())
			return nil
		},
	})
}

func repository() string {
	folder, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return folder
}

// started is a server in a process of its own.
type started struct {
	url     string
	process *exec.Cmd
	err     *bytes.Buffer
	ended   chan error
}

// start starts the program and waits until it prints where it answers.
func start(t *testing.T, folder string, args ...string) *started {
	t.Helper()
	path, err := exec.LookPath("ringfence")
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, path, folder, args...)
}

// startProgram is start with another program, such as one in which a fault was planted.
func startProgram(t *testing.T, path, folder string, args ...string) *started {
	t.Helper()
	s := &started{process: exec.Command(path, args...), err: &bytes.Buffer{}, ended: make(chan error, 1)}
	s.process.Dir, s.process.Stderr = folder, s.err
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.process.Process.Kill() })
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(lines.Text()); m != "" {
				select {
				case address <- m:
				default:
				}
			}
		}
		s.ended <- s.process.Wait()
	}()
	select {
	case a := <-address:
		s.url = "http://" + a
	case err := <-s.ended:
		t.Fatalf("the server ended: %v: %s", err, s.err)
	case <-time.After(time.Minute):
		t.Fatal("the server does not come up")
	}
	return s
}

// kill ends the process as a power cut would.
func (s *started) kill() { s.process.Process.Kill(); <-s.ended }

// stop ends it as an operator does.
func (s *started) stop(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil {
		t.Fatalf("stopped with %v: %s", err, s.err)
	}
}

// post asks the interface; status 0 when nobody answered.
func (s *started) post(key, path string, body any, idempotency string) (status int, answer map[string]any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	if idempotency != "" {
		r.Header.Set("Idempotency-Key", idempotency)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(text, &answer) != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

// command runs a command in this process and gives its exit code and what it printed.
func command(args ...string) (code int, out string) {
	var b bytes.Buffer
	code = run(args, streams{strings.NewReader(""), &b, &b})
	return code, b.String()
}

func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out := command(args...)
	if code != 0 {
		t.Fatalf("ringfence %s ended with %d: %s", strings.Join(args, " "), code, out)
	}
	return out
}

type object = map[string]any

// verifiedContact opens a telephone contact and verifies the caller in it.
func (s *started) verifiedContact(t *testing.T, key, number, password string) string {
	t.Helper()
	_, opened := s.post(key, "/v1/contacts", object{"number": number, "channel": "phone"}, "")
	id := fmt.Sprint(opened["id"])
	if status, proved := s.post(key, "/v1/contacts/"+id+"/proofs", object{"password": password}, ""); status != http.StatusOK {
		t.Fatalf("not verified: %d %v", status, proved)
	}
	return id
}
