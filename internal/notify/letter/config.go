package letter

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
)

// Config is how letters are printed and by whom. Either Folder or SFTP says where batches go.
type Config struct {
	// Folder takes batches on this machine, such as one that the print shop fetches from.
	Folder string `yaml:"folder"`
	// SFTP takes batches on the print shop's server.
	SFTP *SFTP `yaml:"sftp"`
	// State is a folder of our own, for batches under way and for the list of what was handed over. It must last: without it a
	// letter could be printed twice. One process at a time uses it.
	State      string     `yaml:"state"`
	Paper      string     `yaml:"paper"` // us-letter, the default, or a4
	Letterhead Letterhead `yaml:"letterhead"`
	// Return is where undeliverable letters come back to, in lines; the first is who sends.
	Return  []string `yaml:"return-address"`
	Postage string   `yaml:"postage"` // class of mail for the print shop, such as first-class
	Joined  bool     `yaml:"joined"`  // one PDF for the whole batch in place of one for each letter
	Duplex  bool     `yaml:"duplex"`  // the print shop prints both sides of a sheet
	// Age is the print shop's public key (age1…), to which the letters are encrypted; empty: they are not.
	Age       string `yaml:"age-recipient"`
	BatchSize int    `yaml:"batch-size"` // letters at most; 0: 500
	// Gathers is how long a letter waits for others at most, so that they go in one batch; 0: an hour. A full batch does not wait.
	Gathers time.Duration `yaml:"gathers"`
	// Confirmations is where the print shop puts its files of what was mailed and what came back: a folder of this machine,
	// or of its server when batches go by SFTP. Empty: it tells nothing.
	Confirmations string `yaml:"confirmations"`
}

// Letterhead is what stands at the top of each letter.
type Letterhead struct {
	Name  string   `yaml:"name"`  // empty: the carrier's
	Lines []string `yaml:"lines"` // street, place, telephone, web
	Logo  string   `yaml:"logo"`  // a PNG file; empty: none
}

// SFTP is a print shop's server.
type SFTP struct {
	Address string `yaml:"address"` // host:port
	User    string `yaml:"user"`
	Folder  string `yaml:"folder"`
	// KnownHosts is a file in the form of OpenSSH that has the server's key. A server with another key is not spoken to.
	KnownHosts string `yaml:"known-hosts"`
	// One of these proves who we are.
	KeyFile      string `yaml:"key-file"` // without a passphrase, readable by its owner alone
	PasswordFile string `yaml:"password-file"`
}

// defaultBatch is the size of a batch when none is configured: an hour's work of a small inserter.
const defaultBatch = 500

// defaultGathers is how long a letter waits when nothing is configured.
const defaultGathers = time.Hour

// Bounds of what the letterhead and the window have room for.
const (
	mostBatch      = 20_000
	mostReturn     = 4
	mostLetterhead = 8
)

// Check reports everything that is wrong with c.
func (c Config) Check() error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	switch {
	case c.Folder == "" && c.SFTP == nil:
		say("messages.letter.batch: write folder or sftp: where does the print shop take its batches from?")
	case c.Folder != "" && c.SFTP != nil:
		say("messages.letter.batch: folder and sftp are both there: batches go to one place")
	}
	if c.State == "" {
		say("messages.letter.batch.state is empty: write a folder that lasts, in which Ringfence notes which letters were handed over")
	} else if c.Folder != "" && filepath.Clean(c.State) == filepath.Clean(c.Folder) {
		say("messages.letter.batch.state and letters.folder are the same: the print shop must not touch our notes")
	}
	if c.Paper != "" && c.Paper != USLetter && c.Paper != A4 {
		say("messages.letter.batch.paper %q: write %s or %s", c.Paper, USLetter, A4)
	}
	if n := len(c.Return); n == 0 || n > mostReturn {
		say("messages.letter.batch.return-address has %d lines: write 1 to %d, so that a letter that cannot be delivered comes back and is known (47 CFR 64.2010(f))", n, mostReturn)
	}
	if len(c.Letterhead.Lines) > mostLetterhead {
		say("messages.letter.batch.letterhead.lines has %d lines: there is room for %d", len(c.Letterhead.Lines), mostLetterhead)
	}
	for _, line := range append(append([]string{c.Letterhead.Name, c.Postage}, c.Letterhead.Lines...), c.Return...) {
		if strings.ContainsAny(line, "\n\r") || len(line) > 200 {
			say("messages.letter.batch: an entry of the letterhead, the return address or the postage has several lines or more than 200 bytes: write each line as an entry of its own")
			break
		}
	}
	if c.BatchSize < 0 || c.BatchSize > mostBatch {
		say("messages.letter.batch.batch-size %d: write 1 to %d, or nothing for %d", c.BatchSize, mostBatch, defaultBatch)
	}
	if c.Gathers < 0 || c.Gathers >= 24*time.Hour {
		say("messages.letter.batch.gathers %s: write a time of less than a day, such as 1h, because a notice of a change goes out on the day of the change (P-23, 47 CFR 64.2010(f))", c.Gathers)
	}
	if c.Age != "" {
		if _, err := age.ParseRecipients(strings.NewReader(c.Age)); err != nil {
			say("messages.letter.batch.age-recipient is no public key of age: write the line age1… that the print shop gave")
		}
	}
	if c.Confirmations != "" && c.SFTP == nil && (c.Confirmations == c.Folder || c.Confirmations == c.State) {
		say("messages.letter.batch.confirmations is the folder of the batches or of our notes: write another")
	}
	if s := c.SFTP; s != nil {
		if host, port, err := net.SplitHostPort(s.Address); err != nil || host == "" || port == "" {
			say("messages.letter.batch.sftp.address %q is not host:port, such as sftp.printer.example:22", s.Address)
		}
		if s.User == "" {
			say("messages.letter.batch.sftp.user is empty")
		}
		if s.Folder == "" {
			say("messages.letter.batch.sftp.folder is empty: write the folder on the server that takes batches")
		}
		if s.KnownHosts == "" {
			say("messages.letter.batch.sftp.known-hosts is empty: customers' letters go only to a server whose key is known; write the file that `ssh-keyscan` made, once its fingerprint was compared with the print shop's")
		}
		if (s.KeyFile == "") == (s.PasswordFile == "") {
			say("messages.letter.batch.sftp: write one of key-file and password-file")
		}
	}
	return errors.Join(wrong...)
}

func (c Config) paper() paper {
	if c.Paper == A4 {
		return a4()
	}
	return usLetter()
}
