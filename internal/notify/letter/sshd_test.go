package letter

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// sshd is OpenSSH's own server on this machine, as an unprivileged user, with its own SFTP.
type sshd struct {
	t       testing.TB
	folder  string
	address string
	user    string
	as      *syscall.Credential
	process *exec.Cmd
}

// startSSHD makes a server with keys of its own and starts it.
func startSSHD(t testing.TB) *sshd {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		t.Fatal("OpenSSH's server is needed for this test and not there: install Debian's openssh-server (`make test` does)")
	}
	folder, err := os.MkdirTemp("", "rf-sshd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	s := &sshd{t: t, folder: folder}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s.user = me.Username
	if me.Uid == "0" {
		if me, err = user.Lookup("nobody"); err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.ParseUint(me.Uid, 10, 32)
		gid, _ := strconv.ParseUint(me.Gid, 10, 32)
		s.user, s.as = me.Username, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"batches", "told"} {
		if err := os.Mkdir(filepath.Join(folder, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	hostKey := s.key("host")
	own := s.key("client")
	s.write("known_hosts", "["+host+"]:"+port+" "+string(ssh.MarshalAuthorizedKey(hostKey)))
	s.write("wrong_hosts", "["+host+"]:"+port+" "+string(ssh.MarshalAuthorizedKey(own)))
	s.write("authorized_keys", string(ssh.MarshalAuthorizedKey(own)))
	s.write("sshd_config", fmt.Sprintf("ListenAddress %s\nPort %s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM yes\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n",
		host, port, s.path("host"), s.path("authorized_keys")))
	if s.as != nil {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = os.Chown(path, int(s.as.Uid), int(s.as.Gid))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *sshd) path(name string) string { return filepath.Join(s.folder, name) }

func (s *sshd) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sshd) key(name string) ssh.PublicKey {
	s.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(name, string(pem.EncodeToMemory(block)))
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// start starts the server in a group of processes of its own, so that kill takes its children too, and waits until it
// listens.
func (s *sshd) start() {
	s.t.Helper()
	// A file, because a pipe would stay open with the sessions that the server has begun.
	said, err := os.Create(s.path("said"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer said.Close()
	c := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", s.path("sshd_config"))
	c.Stderr = said
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process = c
	for range 500 {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.kill()
	text, err := os.ReadFile(s.path("said"))
	s.t.Fatalf("sshd does not listen: %s (%v)", text, err)
}

// kill ends the server and what it started.
func (s *sshd) kill() {
	if s.process == nil {
		return
	}
	syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL) // it may have ended
	// A session is in a group of its own; it ends with its connection.
	s.process.Wait() // it was killed
	s.process = nil
}

func (s *sshd) config(t testing.TB) Config {
	cfg := config(t)
	cfg.Folder = ""
	cfg.Confirmations = s.path("told")
	cfg.SFTP = &SFTP{Address: s.address, User: s.user, Folder: s.path("batches"), KnownHosts: s.path("known_hosts"), KeyFile: s.path("client")}
	return cfg
}

// through is a wire to the server that does something once so many bytes went to it.
func (s *sshd) through(t testing.TB, after int64, then func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var bytes atomic.Int64
	var once sync.Once
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer in.Close()
				out, err := net.Dial("tcp", s.address)
				if err != nil {
					return
				}
				defer out.Close()
				all.Go(func() {
					io.Copy(in, out) // the wire is cut
					in.Close()
				})
				buffer := make([]byte, 8<<10)
				for {
					n, err := in.Read(buffer)
					if bytes.Add(int64(n)) >= after {
						once.Do(func() { then(in) })
					}
					if _, e := out.Write(buffer[:n]); err != nil || e != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// knownAs writes the server's key under another address, for a wire that leads to it.
func (s *sshd) knownAs(t testing.TB, address string) string {
	t.Helper()
	b, err := os.ReadFile(s.path("known_hosts"))
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(b), " ")
	return keep(t, "known_hosts", []byte("["+host+"]:"+port+" "+key))
}

// TestSFTP hands a batch to OpenSSH's server.
//
// cite: P-25, I-10
func TestSFTP(t *testing.T) {
	s := startSSHD(t)
	cfg := s.config(t)
	c := open(t, cfg)
	if err := c.Check(context.Background()); err != nil {
		t.Fatalf("a server that is well: %v", err)
	}
	pieces := fixed(12)
	told := send(t, c, pieces)
	once(t, s.path("batches"), pieces, told)
	told = send(t, open(t, cfg), pieces)
	once(t, s.path("batches"), pieces, told)
	if left, err := os.ReadDir(filepath.Join(cfg.State, "spool")); err != nil || len(left) > 0 {
		t.Errorf("letters are left in our own folder: %v, %v", left, err)
	}

	cfg.SFTP.Folder = s.path("nowhere")
	if err := open(t, cfg).Check(context.Background()); err == nil || !strings.Contains(err.Error(), "messages.letter.batch.sftp.folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestWrongHostKey holds that nothing is sent to a server that is not the one that is known.
func TestWrongHostKey(t *testing.T) {
	s := startSSHD(t)
	for _, hosts := range []string{s.path("wrong_hosts"), keep(t, "known_hosts", nil)} {
		cfg := s.config(t)
		cfg.SFTP.KnownHosts = hosts
		c := open(t, cfg)
		if err := c.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "known-hosts") || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("Check: %v", err)
		}
		for id, o := range send(t, c, fixed(2)) {
			if o.State != notify.Queued || o.Code != "host-key" {
				t.Errorf("letter %s: %+v", id, o)
			}
		}
		if files, err := os.ReadDir(s.path("batches")); err != nil || len(files) > 0 {
			t.Errorf("the server got %v, %v", files, err)
		}
	}
}

// TestWrongKey holds that a server that does not let us in is said to be so.
func TestWrongKey(t *testing.T) {
	s := startSSHD(t)
	cfg := s.config(t)
	cfg.SFTP.KeyFile = s.path("host")
	if err := open(t, cfg).Check(context.Background()); err == nil || !strings.Contains(err.Error(), "signing in") {
		t.Errorf("a key that is not authorised: %v", err)
	}
	cfg.SFTP.KeyFile, cfg.SFTP.PasswordFile = "", keep(t, "password", []byte("secret\n"))
	if err := open(t, cfg).Check(context.Background()); err == nil || !strings.Contains(err.Error(), "signing in") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a password where none is taken: %v", err)
	}
}

// TestWireCut cuts the wire in the middle of a batch, and lets the same call go on where it stopped.
//
// cite: I-10
func TestWireCut(t *testing.T) {
	for _, joined := range []bool{false, true} {
		s := startSSHD(t)
		cfg := s.config(t)
		cfg.Joined = joined
		after := int64(400_000)
		if joined {
			after = 50_000
		}
		cut := false
		cfg.SFTP.Address = s.through(t, after, func(c net.Conn) { cut = true; c.Close() })
		cfg.SFTP.KnownHosts = s.knownAs(t, cfg.SFTP.Address)
		pieces := fixed(30)
		told := send(t, open(t, cfg), pieces)
		once(t, s.path("batches"), pieces, told)
		if !cut {
			t.Error("the wire was not cut")
		}
	}
}

// TestSSHDKilled kills the server in the middle of a batch. The letters wait; when the server is back, they go out once, and
// those that were taken back meanwhile do not.
//
// cite: I-10, P-25
func TestSSHDKilled(t *testing.T) {
	for _, taken := range []bool{false, true} {
		s := startSSHD(t)
		cfg := s.config(t)
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		cfg.SFTP.Address = s.through(t, 400_000, func(c net.Conn) {
			c.Close()
			s.kill()
			stop() // the server of letters ends as well, before its next attempt
		})
		cfg.SFTP.KnownHosts = s.knownAs(t, cfg.SFTP.Address)
		pieces := fixed(30)
		told := map[cpni.ID]notify.Outcome{}
		open(t, cfg).Send(ctx, pieces, func(p notify.Piece, o notify.Outcome) { told[p.ID] = o })
		for id, o := range told {
			if o.State != notify.Queued {
				t.Errorf("letter %s: %+v", id, o)
			}
		}
		if len(told) != len(pieces) || len(shopHas(t, s.path("batches"))) > 0 {
			t.Errorf("%d letters are told of; the print shop has %d", len(told), len(shopHas(t, s.path("batches"))))
		}
		s.start()
		next := pieces
		if taken {
			next = pieces[:20]
		}
		again := send(t, open(t, cfg), next)
		once(t, s.path("batches"), next, again)
		if left, err := filepath.Glob(filepath.Join(s.path("batches"), ".*")); err != nil || len(left) > 0 {
			t.Errorf("letters are left on the server: %v, %v", left, err)
		}
	}
}

// TestDroppedWhileAway drops a batch while the server is away: what is left of it is never taken for the whole.
//
// cite: I-10
func TestDroppedWhileAway(t *testing.T) {
	s := startSSHD(t)
	cfg := s.config(t)
	pieces := fixed(6)
	c := open(t, cfg)
	c.stops = func(at string) error {
		if at == "made" {
			return errors.New("the server stops")
		}
		return nil
	}
	send(t, c, pieces)
	s.kill()
	for id, o := range send(t, open(t, cfg), pieces[:4]) {
		if o.State != notify.Queued {
			t.Errorf("letter %s: %+v", id, o)
		}
	}
	s.start()
	once(t, s.path("batches"), pieces, send(t, open(t, cfg), pieces))
	if left, err := os.ReadDir(filepath.Join(cfg.State, "spool")); err != nil || len(left) > 0 {
		t.Errorf("letters are left in our own folder: %v, %v", left, err)
	}
}

// TestResumedFile holds that a file whose beginning on the server is not what it should be is brought anew.
func TestResumedFile(t *testing.T) {
	s := startSSHD(t)
	cfg := s.config(t)
	shop := newSFTPShop(*cfg.SFTP, cfg.State)
	c, err := shop.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.end()
	want := bytes.Repeat([]byte("letters "), 200_000)
	from := keep(t, "whole", want)
	for name, there := range map[string][]byte{"half": want[:800_000], "torn": append(bytes.Clone(want[:700_000]), make([]byte, 100_000)...), "longer": append(bytes.Clone(want), 'x'), "whole": want, "other": bytes.Repeat([]byte("x"), len(want))} {
		to := s.path(name)
		if err := os.WriteFile(to, there, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(to, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := bringFile(c, from, to); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(to)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the server has %d bytes that are not the file's: %v", name, len(got), err)
		}
	}
}

// slow is an inbox whose database takes its time.
type slow struct{ *inbox }

func (s slow) Referred(ctx context.Context, via cpni.Via, reference string, r notify.Report) error {
	time.Sleep(2500 * time.Millisecond)
	return s.inbox.Referred(ctx, via, reference, r)
}

// TestSlowInbox holds that a session outlives the work on what it gave.
func TestSlowInbox(t *testing.T) {
	s := startSSHD(t)
	cfg := s.config(t)
	c := open(t, cfg)
	shop := newSFTPShop(*cfg.SFTP, cfg.State)
	shop.stall, shop.ping = 2*time.Second, 100*time.Millisecond
	c.shop = shop
	in := newInbox()
	drop(t, cfg, "one.csv", header+aBatch+","+piece1+",2026-11-24,,\n"+aBatch+","+piece2+",2026-11-24,,\n")
	if read, err := c.Confirmations(slow{in}).Step(context.Background()); err != nil || len(read) != 1 || read[0].Mailed != 2 {
		t.Errorf("%v, %v", read, err)
	}
}

// TestPassword hands a batch to a server that asks for a password and knows nothing of OpenSSH's additions.
func TestPassword(t *testing.T) {
	const secret = "correct horse"
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	server := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if string(password) != secret {
			return nil, errors.New("wrong")
		}
		return nil, nil
	}}
	server.AddHostKey(key)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			wire, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serveSFTP(wire, server) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})

	cfg := config(t)
	shop := cfg.Folder
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Folder = ""
	cfg.SFTP = &SFTP{Address: l.Addr().String(), User: "carrier", Folder: shop, KnownHosts: keep(t, "known_hosts", []byte("["+host+"]:"+port+" "+string(ssh.MarshalAuthorizedKey(key.PublicKey())))),
		PasswordFile: keep(t, "password", []byte(secret+"\n"))}
	c := open(t, cfg)
	if err := c.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	pieces := fixed(4)
	told := send(t, c, pieces)
	once(t, shop, pieces, told)
}

// serveSFTP serves one connection with the library's own server; what it starts ends with the connection.
func serveSFTP(wire net.Conn, server *ssh.ServerConfig) {
	var all sync.WaitGroup
	defer all.Wait()
	conn, channels, requests, err := ssh.NewServerConn(wire, server)
	if err != nil {
		wire.Close()
		return
	}
	defer conn.Close()
	all.Go(func() { ssh.DiscardRequests(requests) })
	for n := range channels {
		channel, requests, err := n.Accept()
		if err != nil {
			return
		}
		all.Go(func() {
			for r := range requests {
				r.Reply(r.Type == "subsystem", nil)
			}
		})
		files, err := sftp.NewServer(channel)
		if err != nil {
			return
		}
		files.Serve()
		channel.Close()
	}
}
