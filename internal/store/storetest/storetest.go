// Package storetest runs a test on SQLite and on a real PostgreSQL server that it starts and stops itself.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Each runs test once on a SQLite file and once on a fresh PostgreSQL database.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, Open(t, SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, Open(t, Postgres(t))) })
}

// Open opens url and closes it when the test ends.
func Open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), url)
	if err != nil {
		t.Fatalf("opening %s: %v", url, err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// SQLite is the address of a fresh file.
func SQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "ringfence.db") }

// Postgres is the address of a fresh database on this test binary's own server.
func Postgres(t testing.TB) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatalf("a PostgreSQL server is needed for this test and none could be started: %v (the package is postgresql-15; `make test` installs it)", err)
	}
	name := "t_" + string(cpni.NewID())
	if out, err := s.command("createdb", "-h", s.socket, "-U", "postgres", name).CombinedOutput(); err != nil {
		t.Fatalf("createdb: %v: %s", err, out)
	}
	t.Cleanup(func() {
		s.command("dropdb", "--force", "-h", s.socket, "-U", "postgres", name).Run()
	})
	return fmt.Sprintf("postgres:///%s?host=%s&user=postgres", name, s.socket)
}

// Server is a PostgreSQL server of this test binary.
type Server struct {
	bin, socket, data string
	credential        *syscall.Credential
	process           *exec.Cmd
	input             io.WriteCloser // open as long as the server is wanted
}

var server = sync.OnceValues(start)

func start() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "rf-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, socket: folder, data: filepath.Join(folder, "data")}
	if os.Geteuid() == 0 {
		if s.credential, err = unprivileged(); err != nil {
			return nil, err
		}
		if err := os.Chown(folder, int(s.credential.Uid), int(s.credential.Gid)); err != nil {
			return nil, err
		}
	}
	if out, err := s.command("initdb", "-D", s.data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	// A shell waits beside the server; when this process ends, however it ends, the shell's input closes, and it stops
	// the server and removes its folder.
	s.process = exec.Command("/bin/sh", "-c", `"$0/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c shared_buffers=64MB `+
		`-c max_connections=200 -c fsync=off -c full_page_writes=off -c log_min_messages=fatal >"$1/log" 2>&1 & `+
		`p=$!; read gone; kill -INT $p; wait $p; rm -rf "$1"`, bin, folder)
	s.process.Dir = "/"
	s.process.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential, Setpgid: true}
	if s.input, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	for wait := 0; ; wait++ {
		if err := s.command("pg_isready", "-q", "-h", s.socket).Run(); err == nil {
			return s, nil
		}
		if wait == 600 {
			return nil, errors.New("the server does not come up; its log is " + filepath.Join(folder, "log"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential}
	return c
}

// binaries finds the folder of initdb and postgres.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	slices.Sort(found)
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errors.New("no postgres binary is installed")
}

// unprivileged finds whom the server runs as: PostgreSQL refuses to run as root.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("there is no user postgres or nobody to run the server as")
}
