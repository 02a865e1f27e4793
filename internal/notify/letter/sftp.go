package letter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Times of the connection.
const (
	dialTime  = 20 * time.Second
	stallTime = 60 * time.Second // without a byte from the server
	pingTime  = 15 * time.Second // after which the server is asked whether it is still there
	waitTime  = time.Second      // before the second attempt; doubled before each after it
	attempts  = 4
)

// sftpShop is a folder on a server.
type sftpShop struct {
	cfg         SFTP
	state       string
	stall, ping time.Duration
}

func newSFTPShop(cfg SFTP, state string) *sftpShop {
	return &sftpShop{cfg: cfg, state: state, stall: stallTime, ping: pingTime}
}

func (s *sftpShop) spool(batch string) string { return filepath.Join(s.state, "spool", batch) }

func (s *sftpShop) temporary(batch string) string { return path.Join(s.cfg.Folder, "."+batch+".part") }

// HostKey is the refusal to speak to a server whose key is not the one that is known.
type HostKey struct{ err error }

// Error says what to do.
func (h *HostKey) Error() string {
	return "the print shop's server does not show the key that is in letters.sftp.known-hosts: nothing was sent to it; ask the print shop whether its key has changed, compare the fingerprint, and only then put the new key there (" + h.err.Error() + ")"
}

// Unwrap gives what was wrong with the key.
func (h *HostKey) Unwrap() error { return h.err }

// session is a connection with the server.
type session struct {
	*sftp.Client
	ssh   *ssh.Client
	stop  func() bool
	ended chan struct{}
	pings sync.WaitGroup
}

// watched is a connection that is closed when nothing comes from the server any more, or when the context ends.
type watched struct {
	net.Conn
	timer *time.Timer
	stall time.Duration
}

// Read reads, and is content for a while.
func (w watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.timer.Reset(w.stall)
	return n, err
}

// Close closes.
func (w watched) Close() error {
	w.timer.Stop()
	return w.Conn.Close()
}

func (s *sftpShop) connect(ctx context.Context) (*session, error) {
	auth, err := s.auth()
	if err != nil {
		return nil, err
	}
	known, err := knownhosts.New(s.cfg.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("messages.letter.batch.sftp.known-hosts cannot be read: %w", err)
	}
	var wrongKey atomic.Pointer[HostKey]
	config := &ssh.ClientConfig{User: s.cfg.User, Auth: auth, Timeout: dialTime,
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			if err := known(host, remote, key); err != nil {
				h := &HostKey{err}
				wrongKey.Store(h)
				return h
			}
			return nil
		},
		HostKeyAlgorithms: algorithms(known, s.cfg.Address),
	}
	plain, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", s.cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("the print shop's server cannot be reached: %w", err)
	}
	conn := watched{plain, time.AfterFunc(s.stall, func() { plain.Close() }), s.stall}
	stop := context.AfterFunc(ctx, func() { plain.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, s.cfg.Address, config)
	if err != nil {
		stop()
		conn.Close()
		if h := wrongKey.Load(); h != nil {
			return nil, h
		}
		return nil, fmt.Errorf("signing in at the print shop's server: %w", err)
	}
	client := ssh.NewClient(c, channels, requests)
	files, err := sftp.NewClient(client)
	if err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("the print shop's server speaks no SFTP: %w", err), client.Close())
	}
	now := &session{Client: files, ssh: client, stop: stop, ended: make(chan struct{})}
	now.pings.Go(func() { now.live(s.ping) })
	return now, nil
}

// live asks the server from time to time whether it is there, so that a session does not end while we are at work on what it
// gave, such as a long file of confirmations.
func (s *session) live(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, _, err := s.ssh.SendRequest("keepalive@openssh.com", true, nil); err != nil {
				return
			}
		case <-s.ended:
			return
		}
	}
}

func (s *session) end() error {
	s.stop()
	err := s.Client.Close()
	if e := s.ssh.Close(); err == nil && !errors.Is(e, net.ErrClosed) {
		err = e
	}
	close(s.ended)
	s.pings.Wait()
	return err
}

func (s *sftpShop) auth() ([]ssh.AuthMethod, error) {
	if s.cfg.KeyFile != "" {
		b, err := os.ReadFile(s.cfg.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("messages.letter.batch.sftp.key-file cannot be read: %w", err)
		}
		key, err := ssh.ParsePrivateKey(b)
		if err != nil {
			return nil, errors.New("messages.letter.batch.sftp.key-file is no private key without a passphrase: make one with ssh-keygen -t ed25519 -N ''")
		}
		return []ssh.AuthMethod{ssh.PublicKeys(key)}, nil
	}
	b, err := os.ReadFile(s.cfg.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("messages.letter.batch.sftp.password-file cannot be read: %w", err)
	}
	password := strings.TrimRight(string(b), "\r\n")
	return []ssh.AuthMethod{ssh.Password(password)}, nil
}

// algorithms are those of the keys that are known of a server: it has several keys, and would else show one that is not
// in the file.
func algorithms(known ssh.HostKeyCallback, address string) []string {
	var all []string
	var unknown *knownhosts.KeyError
	if errors.As(known(address, &net.TCPAddr{}, nobody{}), &unknown) {
		for _, k := range unknown.Want {
			kind := k.Key.Type()
			if kind == ssh.KeyAlgoRSA {
				all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
				continue
			}
			all = append(all, kind)
		}
	}
	return all
}

// nobody is a key that is in no file, by which the file tells those that are.
type nobody struct{}

// Type names a kind of key.
func (nobody) Type() string { return "nobody" }

// Marshal gives its bytes.
func (nobody) Marshal() []byte { return []byte("nobody") }

// Verify never succeeds.
func (nobody) Verify([]byte, *ssh.Signature) error { return errors.New("nobody signs") }

// again tries something until it succeeds, fails for good or has failed often enough.
func (s *sftpShop) again(ctx context.Context, try func(*session) error) error {
	wait := waitTime
	for n := 1; ; n++ {
		c, err := s.connect(ctx)
		if err == nil {
			err = try(c)
			if e := c.end(); err != nil && e != nil {
				err = fmt.Errorf("%w (%w)", err, e)
			}
		}
		var key *HostKey
		if err == nil || n == attempts || errors.As(err, &key) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
		wait *= 2
	}
}

func (s *sftpShop) bring(ctx context.Context, batch string) error {
	files, err := os.ReadDir(s.spool(batch))
	if err != nil {
		return err
	}
	// What this call has brought; what an earlier one did is read back before it counts.
	brought := map[string]bool{}
	return s.again(ctx, func(c *session) error {
		to := s.temporary(batch)
		if err := c.Mkdir(to); err != nil {
			if _, e := c.Stat(to); e != nil {
				return fmt.Errorf("making the batch's folder on the print shop's server: %w", err)
			}
		}
		for _, f := range files {
			if brought[f.Name()] {
				continue
			}
			if err := bringFile(c, filepath.Join(s.spool(batch), f.Name()), path.Join(to, f.Name())); err != nil {
				return fmt.Errorf("bringing a file to the print shop's server: %w", err)
			}
			brought[f.Name()] = true
		}
		return nil
	})
}

// bringFile brings one file, and goes on where an interrupted attempt stopped. Such a file is read back and compared, and
// brought anew when it is not what it should be.
func bringFile(c *session, from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	about, err := src.Stat()
	if err != nil {
		return err
	}
	start := int64(0)
	if there, err := c.Stat(to); err == nil && there.Size() <= about.Size() {
		start = there.Size()
	}
	for {
		flags := os.O_CREATE | os.O_WRONLY
		if start == 0 {
			flags |= os.O_TRUNC
		}
		dst, err := c.OpenFile(to, flags)
		if err != nil {
			return err
		}
		err = copyFrom(dst, src, start)
		if err == nil {
			if _, ok := c.HasExtension("fsync@openssh.com"); ok {
				err = dst.Sync()
			}
		}
		if err := errors.Join(err, dst.Close()); err != nil {
			return err
		}
		there, err := c.Stat(to)
		if err != nil {
			return err
		}
		if there.Size() != about.Size() {
			return fmt.Errorf("%d bytes arrived of %d", there.Size(), about.Size())
		}
		if start == 0 {
			return nil
		}
		same, err := sameBytes(c, src, to)
		if err != nil || same {
			return err
		}
		start = 0
	}
}

func copyFrom(dst *sftp.File, src *os.File, start int64) error {
	if _, err := src.Seek(start, io.SeekStart); err != nil {
		return err
	}
	if _, err := dst.Seek(start, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(dst, src)
	return err
}

func sameBytes(c *session, src *os.File, to string) (bool, error) {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	there, err := c.Open(to)
	if err != nil {
		return false, err
	}
	defer there.Close()
	var sums [2]string
	for n, r := range []io.Reader{src, there} {
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			return false, err
		}
		sums[n] = hex.EncodeToString(h.Sum(nil))
	}
	return sums[0] == sums[1], nil
}

func (s *sftpShop) name(ctx context.Context, batch string, again bool) error {
	return s.again(ctx, func(c *session) error {
		err := c.Rename(s.temporary(batch), path.Join(s.cfg.Folder, batch))
		if err == nil {
			return nil
		}
		if _, e := c.Stat(s.temporary(batch)); again && errors.Is(e, fs.ErrNotExist) {
			return nil
		}
		again = true // the answer to this attempt may have been lost
		return fmt.Errorf("naming the batch on the print shop's server: %w", err)
	})
}

func (s *sftpShop) clear(ctx context.Context, batch string) error {
	if err := os.RemoveAll(s.spool(batch)); err != nil {
		return err
	}
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	err = c.RemoveAll(s.temporary(batch))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, c.end())
}

func (s *sftpShop) check(ctx context.Context) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	about, err := c.Stat(s.cfg.Folder)
	if err == nil && !about.IsDir() {
		err = errors.New("it is no folder")
	}
	if err != nil {
		err = fmt.Errorf("messages.letter.batch.sftp.folder on the print shop's server: %w", err)
	} else if _, ok := c.HasExtension("statvfs@openssh.com"); ok {
		if space, e := c.StatVFS(s.cfg.Folder); e == nil && space.FreeSpace() < leastSpace {
			err = fmt.Errorf("the print shop's server has %d MiB left, and a batch may need %d: ask the print shop to make room", space.FreeSpace()>>20, leastSpace>>20)
		}
	}
	return errors.Join(err, c.end())
}

func (s *sftpShop) files(ctx context.Context, folder string) (shelf, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	return sftpShelf{c, folder}, nil
}

type sftpShelf struct {
	c    *session
	path string
}

func (s sftpShelf) at(name string) string { return path.Join(s.path, name) }

func (s sftpShelf) names() ([]string, error) {
	files, err := s.c.ReadDir(s.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if f.Mode().IsRegular() {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

func (s sftpShelf) read(name string, most int64) ([]byte, error) {
	f, err := s.c.Open(s.at(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readMost(f, most)
}

func (s sftpShelf) write(name string, b []byte) error {
	temporary := s.at(path.Join(path.Dir(name), ".new-"+path.Base(name)))
	f, err := s.c.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if _, ok := s.c.HasExtension("posix-rename@openssh.com"); ok {
		return s.c.PosixRename(temporary, s.at(name))
	}
	return s.c.Rename(temporary, s.at(name))
}

func (s sftpShelf) move(from, to string) error { return s.c.Rename(s.at(from), s.at(to)) }

func (s sftpShelf) folder(name string) error { return s.c.MkdirAll(s.at(name)) }

func (s sftpShelf) exists(name string) (bool, error) {
	_, err := s.c.Stat(s.at(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (s sftpShelf) close() error { return s.c.end() }
