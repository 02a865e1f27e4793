package ledger

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a signed statement of how large the tree is and what its root is, in the format of C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string
	Tree   tlog.Tree
}

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Tree.N, base64.StdEncoding.EncodeToString(c.Tree.Hash[:]))
}

func signCheckpoint(c Checkpoint, s note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, s)
}

// parseCheckpoint checks the signature and reads the checkpoint.
func parseCheckpoint(signed []byte, v note.Verifiers) (Checkpoint, error) {
	n, err := note.Open(signed, v)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint's signature does not hold: %w", err)
	}
	return parseText(n.Text)
}

func parseText(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return Checkpoint{}, errors.New("the checkpoint has too few lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, fmt.Errorf("the checkpoint's size %q is no number", lines[1])
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint's root: %w", err)
	}
	return Checkpoint{lines[0], tlog.Tree{N: size, Hash: hash}}, nil
}

func (l *Ledger) verifiers() note.Verifiers {
	v, err := note.NewVerifier(l.VerifierKey())
	if err != nil {
		return note.VerifierList()
	}
	return note.VerifierList(v)
}

// VerifierKey is the public key in the form that note.NewVerifier reads: what a stranger needs to check the log.
func (l *Ledger) VerifierKey() string { return PublicKey(l.signer) }

// PublicKey gives the public half of a key that ReadKeyFile, ParseKey or NewKey gave.
func PublicKey(s note.Signer) string {
	if k, ok := s.(interface{ VerifierKey() string }); ok {
		return k.VerifierKey()
	}
	return ""
}

// Origin is the log's name.
func (l *Ledger) Origin() string { return l.origin }

// signer signs checkpoints and knows its public half.
type signer struct {
	note.Signer
	public string
}

func (s signer) VerifierKey() string { return s.public }

// NewKeyFile makes a signing key for the log of this origin in a new file that its owner alone can read.
func NewKeyFile(path, origin string) error {
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return fmt.Errorf("making the ledger's key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making the ledger's key file: %w", err)
	}
	_, err = f.WriteString(private + "\n" + public + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// ReadKeyFile reads a file made by NewKeyFile.
func ReadKeyFile(path string) (note.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the ledger's key file cannot be read: %w; make one with `ringfence key ledger`, or restore it from the backup", err)
	}
	return ParseKey(string(text))
}

// ParseKey reads the two lines of a key file: the private and the public key.
func ParseKey(text string) (note.Signer, error) {
	lines := strings.Fields(text)
	if len(lines) != 2 {
		return nil, errors.New("the ledger's key file does not hold a private and a public key, one a line")
	}
	s, err := note.NewSigner(lines[0])
	if err != nil {
		return nil, fmt.Errorf("the ledger's private key: %w", err)
	}
	v, err := note.NewVerifier(lines[1])
	if err != nil {
		return nil, fmt.Errorf("the ledger's public key: %w", err)
	}
	if v.Name() != s.Name() || v.KeyHash() != s.KeyHash() {
		return nil, errors.New("the ledger's private and public keys are not a pair")
	}
	return signer{s, lines[1]}, nil
}

// NewKey makes a key that lives in memory alone, for instances that do.
func NewKey(origin string) (note.Signer, error) {
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	return ParseKey(private + "\n" + public)
}
