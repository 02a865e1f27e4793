package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/filing/controls"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
)

// surroundings are the probes of what only the program around an office can see: how people reach it, and where its keys lie.
//
// cite: P-37, 47 CFR 64.2010(a)
func (c Config) surroundings(o *office.Office, secure bool) map[string]controls.Probe {
	return map[string]controls.Probe{
		"https":          func(context.Context, time.Duration) (controls.Seen, error) { return c.reached(secure), nil },
		"key-files":      func(context.Context, time.Duration) (controls.Seen, error) { return c.keysApart(), nil },
		"ledger-outside": func(ctx context.Context, _ time.Duration) (controls.Seen, error) { return c.notBehind(ctx, o.Ledger) },
	}
}

func seen(s controls.State, says string, a ...any) controls.Seen {
	return controls.Seen{State: s, Says: fmt.Sprintf(says, a...)}
}

// reached tells how people reach the server.
func (c Config) reached(secure bool) controls.Seen {
	host, _, err := net.SplitHostPort(c.Listen)
	a, parsed := netip.ParseAddr(host)
	switch {
	case secure:
		return seen(controls.On, "People reach the server by HTTPS, and browsers are told to use nothing else.")
	case err == nil && (host == "localhost" || parsed == nil && a.IsLoopback()):
		return seen(controls.On, "The server listens on its own machine alone, and nobody comes to it from elsewhere.")
	}
	return seen(controls.Off, "The server listens beyond its own machine, and not by HTTPS.")
}

// othersRead are the bits of a file's mode by which others than its owner read or write it.
const othersRead = 0o077

// keysApart looks at the files of keys: where they lie and who can read them.
func (c Config) keysApart() controls.Seen {
	kind, _, _ := strings.Cut(c.Vault.Key, ":")
	files := map[string]string{"the key of the ledger": c.Ledger.Key}
	where := "in a key service"
	switch kind {
	case "file":
		files["the master key"], where = strings.TrimPrefix(c.Vault.Key, "file:"), "in a file of its own"
	case "env":
		where = "in the environment of the program"
	}
	for _, name := range []string{"the master key", "the key of the ledger"} {
		path, ok := files[name]
		if !ok {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return seen(controls.Unknown, "The file of %s was not found where the configuration names it.", name)
		case info.Mode().Perm()&othersRead != 0:
			return seen(controls.Off, "The file of %s can be read by others than its owner (mode %04o).", name, info.Mode().Perm())
		}
	}
	return seen(controls.On, "The master key lies %s, and the key of the ledger in a file of its own; nobody but their owner can read such a file.", where)
}

// A checkpoint is written outside the database a moment after it is signed there, so one that seems behind is looked at again.
const (
	lookAgain = 5
	apart     = 200 * time.Millisecond
)

// notBehind compares the newest checkpoint of the database with the one outside it.
func (c Config) notBehind(ctx context.Context, l *ledger.Ledger) (controls.Seen, error) {
	if c.Ledger.Checkpoint == "" {
		return seen(controls.Off, "No checkpoint is kept outside the database (ledger.checkpoint)."), nil
	}
	inside, err := l.Newest(ctx)
	if err != nil {
		return controls.Seen{}, err
	}
	size, err := sizeOf(inside, l.VerifierKey())
	if err != nil {
		return seen(controls.Off, "The newest checkpoint in the database is not signed by the key of this ledger."), nil
	}
	for range lookAgain {
		text, err := ledger.ReadOutside(c.Ledger.Checkpoint)
		if err != nil {
			return controls.Seen{}, err
		}
		if text != nil {
			n, err := sizeOf(text, l.VerifierKey())
			if err != nil {
				return seen(controls.Off, "The checkpoint outside the database is not signed by the key of this ledger."), nil
			}
			if n >= size {
				return seen(controls.On, "A checkpoint over %d entries lies outside the database, which is not behind it.", n), nil
			}
		}
		select {
		case <-ctx.Done():
			return controls.Seen{}, ctx.Err()
		case <-time.After(apart):
		}
	}
	return seen(controls.Off, "The checkpoint outside the database is behind it: newer ones are not written there."), nil
}

// sizeOf reads over how many entries a signed checkpoint is.
func sizeOf(signed []byte, key string) (int64, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return 0, err
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return 0, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 2 {
		return 0, fmt.Errorf("a checkpoint of %d lines", len(lines))
	}
	return strconv.ParseInt(lines[1], 10, 64)
}
