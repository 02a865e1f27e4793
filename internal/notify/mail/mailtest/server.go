// Package mailtest has a mail server for tests that this project did not write: aiosmtpd, run by Debian's Python.
package mailtest

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed peer.py
var peer string

// Python is Debian's, whose packages have the peers.
const Python = "/usr/bin/python3"

// Options of a server.
type Options struct {
	Security  string   `json:"security"` // tls, starttls or none
	User      string   `json:"user,omitempty"`
	Password  string   `json:"password,omitempty"`
	Without   []string `json:"without,omitempty"` // ways to sign in that it does not offer
	DSN       bool     `json:"dsn,omitempty"`
	UTF8      bool     `json:"utf8,omitempty"`
	Size      int      `json:"size,omitempty"`
	Mail      string   `json:"mail,omitempty"`                  // what it answers to MAIL
	Says      string   `json:"says,omitempty"`                  // what it says when it refuses
	PerLine   int      `json:"messages_a_connection,omitempty"` // how many messages a connection may carry; 0: any number
	Enough    string   `json:"enough,omitempty"`                // what it says to one more
	Discard   bool     `json:"discard,omitempty"`               // keep nothing
	NoTLS     bool     `json:"-"`                               // does not offer STARTTLS
	WrongName bool     `json:"-"`                               // its certificate is another's
}

// Server is a server that runs.
type Server struct {
	Host   string
	Port   int
	CAFile string // who vouches for its certificate

	folder  string
	options Options
	cert    [2]string
	run     int
	process *exec.Cmd
	input   io.WriteCloser
}

// Letter is a message that the server has taken.
type Letter struct {
	Mail       string   `json:"mail"` // what stood behind MAIL
	Rcpt       string   `json:"rcpt"`
	Hello      string   `json:"hello"`
	From       string   `json:"from"`
	To         []string `json:"to"`
	TLS        bool     `json:"tls"`
	User       string   `json:"user"`
	Mechanism  string   `json:"mechanism"`
	Connection int      `json:"connection"` // which of those that were made to the server
	Content    []byte   `json:"content"`
}

// Start starts a server, which ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{Host: "127.0.0.1", folder: t.TempDir(), options: o}
	name := "127.0.0.1"
	if o.WrongName {
		name = "other.example"
	}
	s.CAFile, s.cert[0], s.cert[1] = Certificate(t, name)
	t.Cleanup(s.Kill)
	s.Restart(t)
	return s
}

// Restart starts a server again that has ended, at the same port and with what it had kept.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill()
	s.run++
	asked := struct {
		Options
		Cert   string `json:"cert,omitempty"`
		Key    string `json:"key,omitempty"`
		Folder string `json:"folder"`
		Port   int    `json:"port"`
		Run    int    `json:"run"`
	}{Options: s.options, Folder: s.folder, Port: s.Port, Run: s.run}
	if !s.options.NoTLS && s.options.Security != "none" {
		asked.Cert, asked.Key = s.cert[0], s.cert[1]
	}
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	s.process = exec.Command(Python, "-c", peer, string(text))
	var said strings.Builder
	s.process.Stderr = &said
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.input, err = s.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.process = nil
		t.Fatalf("a mail server is needed for this test: %v (the packages are python3 and python3-aiosmtpd; `make test` installs them)", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	port, bad := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || bad != nil {
		s.Kill()
		t.Fatalf("the mail server does not come up: %s (the packages are python3 and python3-aiosmtpd; `make test` installs them)", said.String())
	}
	s.Port = port
}

// Kill ends the server at once, whatever it is doing.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	s.process.Process.Kill()
	s.process.Wait()
	s.input.Close()
	s.process = nil
}

// Died waits until the server has ended by itself.
func (s *Server) Died() {
	if s.process != nil {
		s.process.Wait()
		s.input.Close()
		s.process = nil
	}
}

// Received lists what the server has taken, in its order.
func (s *Server) Received(t testing.TB) []Letter {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	all := make([]Letter, len(names))
	for i, n := range names {
		text, err := os.ReadFile(n)
		if err == nil {
			err = json.Unmarshal(text, &all[i])
		}
		if err != nil {
			t.Fatal(fmt.Errorf("reading what the mail server has kept: %w", err))
		}
	}
	return all
}

// Wait waits until the server has taken n messages, and lists them.
func (s *Server) Wait(t testing.TB, n int) []Letter {
	t.Helper()
	for range 600 {
		if all := s.Received(t); len(all) >= n {
			return all
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the mail server has taken %d messages of %d", len(s.Received(t)), n)
	return nil
}
