package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Witness cosigns the checkpoints of logs as long as each only grows (C2SP tlog-witness). What it has cosigned last stands in a file, and
// is durable before the cosignature leaves: a witness that forgot would cosign two logs under one name.
type Witness struct {
	signer *torchwood.CosignatureSigner
	logs   map[string]note.Verifier // by their names
	path   string

	mu    sync.Mutex
	heads map[string]head
}

// head is the newest tree of a log that was cosigned.
type head struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // in base64
}

// NewWitnessKey makes the private key of a witness: an Ed25519 seed in base64, one line.
func NewWitnessKey() (string, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(seed), nil
}

// OpenWitness opens a witness of that name with the private key that NewWitnessKey made. keys are the public keys of the logs that it
// cosigns, and path is the file of what it has cosigned, which is made when there is none.
func OpenWitness(name, private string, keys []string, path string) (*Witness, error) {
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(private))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("the witness' private key is not 32 bytes in base64")
	}
	w := &Witness{path: path, logs: map[string]note.Verifier{}, heads: map[string]head{}}
	if w.signer, err = torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(seed)); err != nil {
		return nil, fmt.Errorf("the witness' name %q: %w", name, err)
	}
	for _, key := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(key))
		if err != nil {
			return nil, fmt.Errorf("the log's public key %.200q: %w", key, err)
		}
		if w.logs[v.Name()] != nil {
			return nil, fmt.Errorf("the log %s is named twice", v.Name())
		}
		w.logs[v.Name()] = v
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &w.heads)
	}
	if err != nil {
		return nil, fmt.Errorf("what the witness has cosigned: %w", err)
	}
	return w, nil
}

// VerifierKey is the public key that logs and verifiers are given.
func (w *Witness) VerifierKey() string { return w.signer.Verifier().String() }

// mostQuestion bounds what a log may send, in bytes; a proof has at most 63 lines.
const (
	mostQuestion = 32 << 10
	mostProof    = 63
)

// Handler answers at add-checkpoint.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, mostQuestion))
		if err != nil {
			http.Error(out, "the question is too long or breaks off", http.StatusBadRequest)
			return
		}
		line, err := w.cosign(body)
		var no refusal
		switch {
		case errors.As(err, &no) && no.status == http.StatusConflict:
			out.Header().Set("Content-Type", "text/x.tlog.size")
			out.WriteHeader(no.status)
			out.Write([]byte(no.says + "\n"))
		case errors.As(err, &no):
			http.Error(out, no.says, no.status)
		case err != nil:
			http.Error(out, "the witness cannot keep what it would cosign", http.StatusInternalServerError)
		default:
			out.Header().Set("Content-Type", "text/plain; charset=utf-8")
			out.Write(line)
		}
	})
	return mux
}

// refusal is why a witness does not cosign.
type refusal struct {
	status int
	says   string
}

// Error is what the log is told.
func (r refusal) Error() string { return r.says }

// question is what a log asks.
type question struct {
	old   int64
	proof tlog.TreeProof
	note  []byte
}

func readQuestion(body []byte) (question, error) {
	unread := refusal{http.StatusBadRequest, "the question is not one of tlog-witness"}
	before, signed, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return question{}, unread
	}
	lines := strings.Split(string(before), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !ok || err != nil || old < 0 || strconv.FormatInt(old, 10) != size || len(lines)-1 > mostProof {
		return question{}, unread
	}
	q := question{old: old, note: signed}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return question{}, unread
		}
		q.proof = append(q.proof, h)
	}
	return q, nil
}

// cosign gives the line of a cosignature.
//
// cite: P-41
func (w *Witness) cosign(body []byte) ([]byte, error) {
	q, err := readQuestion(body)
	if err != nil {
		return nil, err
	}
	origin, _, _ := strings.Cut(string(q.note), "\n")
	v := w.logs[origin]
	if v == nil {
		return nil, refusal{http.StatusNotFound, "the witness does not know this log"}
	}
	n, err := note.Open(q.note, note.VerifierList(v))
	if err != nil {
		return nil, refusal{http.StatusForbidden, "no signature of the log's key holds"}
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil || c.Origin != origin || q.old > c.N {
		return nil, refusal{http.StatusBadRequest, "it is no checkpoint, or older than what it is said to go on from"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	known, ok := w.heads[origin]
	if q.old != known.Size {
		return nil, refusal{http.StatusConflict, strconv.FormatInt(known.Size, 10)}
	}
	if err := goesOn(known, ok, c.Tree, q.proof); err != nil {
		return nil, err
	}
	if next := (head{c.N, base64.StdEncoding.EncodeToString(c.Hash[:])}); next != known || !ok {
		if err := w.keep(origin, next); err != nil {
			return nil, err
		}
	}
	signed, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		return nil, err
	}
	return signed[bytes.LastIndex(signed, []byte("\n\n"))+2:], nil
}

// goesOn refuses a tree that does not go on from what is known.
func goesOn(known head, ok bool, now tlog.Tree, proof tlog.TreeProof) error {
	no := refusal{http.StatusUnprocessableEntity, "the log does not go on from the one that was cosigned"}
	if now.N == 0 {
		if empty, err := tlog.TreeHash(0, nil); err != nil || empty != now.Hash || len(proof) > 0 {
			return no
		}
		return nil
	}
	if !ok || known.Size == 0 {
		if len(proof) > 0 {
			return no
		}
		return nil
	}
	root, err := tlog.ParseHash(known.Root)
	if err != nil || known.Size == now.N && (root != now.Hash || len(proof) > 0) {
		return no
	}
	if known.Size < now.N && tlog.CheckTree(proof, now.N, now.Hash, known.Size, root) != nil {
		return no
	}
	return nil
}

// keep makes next what was cosigned last, durably.
func (w *Witness) keep(origin string, next head) error {
	heads := map[string]head{origin: next}
	for name, h := range w.heads {
		if name != origin {
			heads[name] = h
		}
	}
	text, err := json.MarshalIndent(heads, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(w.path), ".witness-*")
	if err != nil {
		return fmt.Errorf("keeping what was cosigned: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), w.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(w.path))
	} else {
		os.Remove(f.Name())
	}
	if err != nil {
		return fmt.Errorf("keeping what was cosigned: %w", err)
	}
	w.heads = heads
	return nil
}

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
