package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ErrStatement: a text is no statement that was signed with the key that was given.
var ErrStatement = errors.New("the signature does not hold")

// Sign signs a statement of the carrier with the log's key, as a signed note (C2SP signed-note). Its first line says of what sort it is, such
// as "ringfence incident 1", and so keeps it from ever being taken for a checkpoint, whose first line is the log's name and whose
// second is a number. No line is empty.
//
// cite: P-41, P-51
func (l *Ledger) Sign(sort string, lines ...string) ([]byte, error) {
	for _, line := range append([]string{sort}, lines...) {
		if line == "" || strings.ContainsAny(line, "\r\n") {
			return nil, errors.New("ledger: a line of a statement is empty, or more than one")
		}
	}
	if !strings.HasPrefix(sort, "ringfence ") || sort == l.origin || len(lines) == 0 {
		return nil, errors.New("ledger: a statement does not say of what sort it is")
	}
	return note.Sign(&note.Note{Text: strings.Join(append([]string{sort}, lines...), "\n") + "\n"}, l.signer)
}

// OpenStatement checks a statement of a sort against the public key of its log, and gives its lines.
//
// cite: P-41
func OpenStatement(signed []byte, sort, key string) ([]string, error) {
	v, err := Trust{Key: key}.verifier()
	if err != nil {
		return nil, err
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	if len(n.UnverifiedSigs) > 0 || len(n.Sigs) != 1 {
		return nil, fmt.Errorf("%w: it bears another signature beside the log's", ErrStatement)
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64); err != nil { // each statement has one form, to the byte
		return nil, fmt.Errorf("%w: its signature is not written as it was: %w", ErrStatement, err)
	}
	lines := strings.Split(strings.TrimSuffix(n.Text, "\n"), "\n")
	if lines[0] != sort {
		return nil, fmt.Errorf("%w: it is a %.60q, not a %q", ErrStatement, lines[0], sort)
	}
	return lines[1:], nil
}

// Name is that of the log whose public key it is.
func (t Trust) Name() (string, error) {
	v, err := t.verifier()
	if err != nil {
		return "", err
	}
	return v.Name(), nil
}
