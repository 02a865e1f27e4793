package witness

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// errFork: the witness has cosigned a log under our name that ours does not go on from.
var errFork = errors.New("it has cosigned another log under this name")

// mostAnswer bounds an answer of a witness, in bytes.
const mostAnswer = 64 << 10

// mostTurns bounds how often a witness is asked again because it names another size than before.
const mostTurns = 4

// mostAhead is by how much a witness' clock may be ahead: what it signs for tomorrow would still look new then.
const mostAhead = 10 * time.Minute

// cosigned is what a witness has said.
type cosigned struct {
	line string // of the note, without its end
	at   time.Time
}

// ask shows a witness the checkpoint and that the log has grown from old, the size that we think it knows.
//
// cite: P-41
func (a *Asker) ask(ctx context.Context, p *peer, signed []byte, tree tlog.Tree, old int64) (cosigned, error) {
	if old > tree.N {
		old = 0 // what we have noted is not of this log; the witness says what it knows
	}
	for range mostTurns {
		answer, known, err := a.show(ctx, p, signed, tree, old)
		if err != nil {
			return cosigned{}, err
		}
		if answer != nil {
			return a.take(p, signed, answer)
		}
		if known > tree.N {
			return cosigned{}, fmt.Errorf("%w: it has %d entries, this log has %d", errFork, known, tree.N)
		}
		old = known
	}
	return cosigned{}, errors.New("it names another size each time")
}

// show asks once. The witness either cosigns, or says which size it knows.
func (a *Asker) show(ctx context.Context, p *peer, signed []byte, tree tlog.Tree, old int64) (answer []byte, known int64, err error) {
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", old)
	if old > 0 && old < tree.N {
		proof, err := a.Ledger.Consistency(ctx, old, tree.N)
		if err != nil {
			return nil, 0, fmt.Errorf("proving that the log has grown from %d to %d: %w", old, tree.N, err)
		}
		for _, h := range proof {
			fmt.Fprintln(&body, h)
		}
	}
	body.WriteByte('\n')
	body.Write(signed)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, &body)
	if err != nil {
		return nil, 0, err
	}
	resp, err := a.Client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("it does not answer: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if err != nil || len(text) > mostAnswer {
		return nil, 0, errors.Join(errors.New("its answer breaks off, or is larger than any"), err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return text, 0, nil
	case http.StatusConflict:
		if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "text/x.tlog.size" {
			return nil, 0, fmt.Errorf("%w: of %d entries it has another root", errFork, tree.N)
		}
		known, err := strconv.ParseInt(strings.TrimSuffix(string(text), "\n"), 10, 64)
		if err != nil || known < 0 || known == old {
			return nil, 0, fmt.Errorf("it answers with a size that is none, %.40q", text)
		}
		return nil, known, nil
	case http.StatusUnprocessableEntity:
		return nil, 0, fmt.Errorf("%w: what it knows of its first %d entries does not lead to the root of %d", errFork, old, tree.N)
	case http.StatusNotFound:
		return nil, 0, errors.New("it does not know this log, or this is not its address")
	case http.StatusForbidden:
		return nil, 0, errors.New("it does not know this log's key")
	case http.StatusBadRequest:
		return nil, 0, errors.New("it cannot read what it is asked")
	}
	return nil, 0, fmt.Errorf("it answers %d", resp.StatusCode)
}

// take checks what a witness has signed, and takes its line and no other.
func (a *Asker) take(p *peer, signed, answer []byte) (cosigned, error) {
	n, err := note.Open(append(bytes.Clone(signed), answer...), note.VerifierList(a.log, p))
	if err != nil {
		return cosigned{}, fmt.Errorf("what it has signed does not hold: %w", err)
	}
	for _, s := range n.Sigs {
		if s.Name != p.Name() || s.Hash != p.KeyHash() {
			continue
		}
		at, err := torchwood.CosignatureTimestamp(s)
		if err != nil {
			return cosigned{}, fmt.Errorf("what it has signed does not say when: %w", err)
		}
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return cosigned{}, fmt.Errorf("its signature is not written as it is to be: %w", err)
		}
		moment := time.Unix(at, 0).UTC()
		if moment.After(a.Clock.Now().Add(mostAhead)) {
			return cosigned{}, errors.New("its clock is ahead of ours")
		}
		return cosigned{fmt.Sprintf("— %s %s", s.Name, s.Base64), moment}, nil
	}
	return cosigned{}, errors.New("it answers without its cosignature")
}
