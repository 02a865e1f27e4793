package mailtest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Mailbox is a mailbox on a Dovecot that a test has started.
type Mailbox struct {
	Host           string
	Port           int // of STARTTLS
	TLSPort        int
	CAFile         string
	User, Password string

	folder     string
	credential *syscall.Credential
	process    *exec.Cmd
	input      io.WriteCloser
	delivered  int
}

// settings of a Dovecot that needs no rights: folder, user, group, ports, certificate, password.
const settings = `
base_dir = %[1]s/run
state_dir = %[1]s/run
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
default_internal_user = %[2]s
default_internal_group = %[3]s
default_login_user = %[2]s
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:%[1]s/mail
auth_failure_delay = 0
auth_mechanisms = plain login scram-sha-256 scram-sha-1
ssl = required
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
ssl_dh =
passdb {
  driver = static
  args = password=%[6]s
}
userdb {
  driver = static
  args = uid=%[2]s gid=%[3]s home=%[1]s/home
}
namespace inbox {
  inbox = yes
  mailbox Taken {
    auto = create
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[4]d
  }
  inet_listener imaps {
    port = %[5]d
    ssl = yes
  }
}
`

// StartMailbox starts a Dovecot, which ends with the test.
func StartMailbox(t testing.TB) *Mailbox {
	t.Helper()
	fail := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatalf("an IMAP server is needed for this test: %v (the package is dovecot-imapd; `make test` installs it)", err)
		}
	}
	program, err := exec.LookPath("dovecot")
	if err != nil {
		program = "/usr/sbin/dovecot"
	}
	folder, err := os.MkdirTemp("", "rf-imap-")
	fail(err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	m := &Mailbox{Host: "127.0.0.1", User: "returns", Password: "mailbox-password", folder: folder}
	who, err := user.Current()
	fail(err)
	if os.Geteuid() == 0 {
		who, err = user.Lookup("nobody")
		fail(err)
		uid, err := strconv.ParseUint(who.Uid, 10, 32)
		fail(err)
		gid, err := strconv.ParseUint(who.Gid, 10, 32)
		fail(err)
		m.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	group, err := user.LookupGroupId(who.Gid)
	fail(err)
	ca, cert, key := Certificate(t, m.Host)
	m.CAFile = ca
	m.Port, m.TLSPort = freePort(t), freePort(t)
	for name, path := range map[string]string{"cert.pem": cert, "key.pem": key} {
		text, err := os.ReadFile(path)
		fail(err)
		fail(os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
	for _, name := range []string{"run", "home", "mail", "mail/new", "mail/cur", "mail/tmp"} {
		fail(os.Mkdir(filepath.Join(folder, name), 0o700))
	}
	conf := fmt.Sprintf(settings, folder, who.Username, group.Name, m.Port, m.TLSPort, m.Password)
	fail(os.WriteFile(filepath.Join(folder, "dovecot.conf"), []byte(conf), 0o600))
	fail(m.own(folder))
	// A shell waits beside the server; when this process ends, however it ends, the shell's input closes, and it stops the
	// server.
	m.process = exec.Command("/bin/sh", "-c", `"$0" -F -c "$1/dovecot.conf" >"$1/said" 2>&1 & p=$!; read gone; kill -TERM $p; wait $p`, program, folder)
	m.process.Dir = "/"
	m.process.SysProcAttr = &syscall.SysProcAttr{Credential: m.credential, Setpgid: true}
	m.input, err = m.process.StdinPipe()
	fail(err)
	fail(m.process.Start())
	t.Cleanup(m.stop)
	for range 600 {
		if c, err := net.Dial("tcp", net.JoinHostPort(m.Host, strconv.Itoa(m.Port))); err == nil {
			c.Close()
			return m
		}
		time.Sleep(50 * time.Millisecond)
	}
	said, _ := os.ReadFile(filepath.Join(folder, "said"))
	log, _ := os.ReadFile(filepath.Join(folder, "log"))
	fail(fmt.Errorf("it does not come up: %s%s", said, log))
	return nil
}

func (m *Mailbox) stop() {
	m.input.Close()
	m.process.Wait()
}

// own gives everything in the folder to whom the server runs as.
func (m *Mailbox) own(folder string) error {
	if m.credential == nil {
		return nil
	}
	return filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, int(m.credential.Uid), int(m.credential.Gid))
	})
}

// Deliver puts a message into the mailbox, as a mail server on the same machine does.
func (m *Mailbox) Deliver(t testing.TB, content []byte) {
	t.Helper()
	m.delivered++
	name := fmt.Sprintf("%d.M%dP1.test", 1_700_000_000+m.delivered, m.delivered)
	being := filepath.Join(m.folder, "mail", "tmp", name)
	err := os.WriteFile(being, content, 0o600)
	if err == nil {
		err = m.own(being)
	}
	if err == nil {
		err = os.Rename(being, filepath.Join(m.folder, "mail", "new", name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Counts tells how many messages of a folder nobody has read, and how many somebody has. INBOX is "".
func (m *Mailbox) Counts(t testing.TB, folder string) (unread, read int) {
	t.Helper()
	in := filepath.Join(m.folder, "mail")
	if folder != "" {
		in = filepath.Join(in, "."+folder)
	}
	for _, part := range []string{"new", "cur"} {
		all, err := os.ReadDir(filepath.Join(in, part))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range all {
			if _, flags, _ := strings.Cut(e.Name(), ":2,"); strings.Contains(flags, "S") {
				read++
			} else {
				unread++
			}
		}
	}
	return unread, read
}

// freePort finds a port that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
