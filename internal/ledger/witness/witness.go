// Package witness has others look at the log: after a new checkpoint each witness is shown that the log has only grown, and cosigns it
// (C2SP tlog-witness and tlog-cosignature). A log that was cut, changed or told in two ways is then found by people whom the
// carrier does not pay, for no witness cosigns two logs under one name. It also has a small witness that a partner can run.
package witness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Peer is a witness that is asked, as the configuration names it.
type Peer struct {
	Key string // its public key: name+hash+key, of an Ed25519 cosignature
	URL string // below which it answers at add-checkpoint
}

// Numbers say how often witnesses are asked and when somebody has to look.
type Numbers struct {
	Apart        time.Duration // between two questions to a witness that answers
	Again        time.Duration // after which a tree that has not grown is cosigned again
	RetryFirst   time.Duration // after the first failure; doubled each time
	RetryLongest time.Duration
	AlertAfter   time.Duration // without enough cosignatures
}

// Alerts.
const (
	Fork  cpni.Code = "LEDGER_FORK"   // a witness says that this log is not the one that it has cosigned
	Stale cpni.Code = "WITNESSES_OLD" // it is too long ago that enough witnesses have cosigned
)

// Parts are what an Asker works with.
type Parts struct {
	DB      *store.DB
	Ledger  *ledger.Ledger
	Clock   cpni.Clock
	Numbers func(time.Time) Numbers
	Peers   []Peer
	Quorum  int // how many have to cosign; 0: all
	Client  *http.Client
	// Alert makes the entry of an alert; what it says names witnesses and sizes and nobody.
	Alert func(ctx context.Context, tx *store.Tx, code cpni.Code, says string) (ledger.Entry, error)
}

// Asker asks the witnesses of a log.
type Asker struct {
	Parts
	log   note.Verifier
	peers []*peer
}

type peer struct {
	url string
	*torchwood.CosignatureVerifier
}

// hash is how a key is told from others of one name.
func (p *peer) hash() string { return fmt.Sprintf("%08x", p.KeyHash()) }

// askTime bounds one question.
const askTime = 10 * time.Second

// Client asks witnesses over HTTP. It follows no redirection: who cosigns has an address of their own.
func Client() *http.Client {
	return &http.Client{Timeout: askTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// New makes an Asker, and the log publish what is cosigned. Without witnesses nothing is asked.
func New(p Parts) (*Asker, error) {
	a := &Asker{Parts: p}
	if len(p.Peers) == 0 {
		return a, nil
	}
	var err error
	if a.log, err = note.NewVerifier(p.Ledger.VerifierKey()); err != nil {
		return nil, fmt.Errorf("the ledger's key: %w", err)
	}
	if err := Check(p.Peers, p.Quorum); err != nil {
		return nil, err
	}
	for _, peer := range p.Peers {
		a.peers = append(a.peers, peer.read())
	}
	if a.Quorum == 0 {
		a.Quorum = len(a.peers)
	}
	p.Ledger.AskWitnesses()
	return a, nil
}

// read takes a peer that Check has passed.
func (p Peer) read() *peer {
	v, err := torchwood.NewCosignatureVerifier(strings.TrimSpace(p.Key))
	if err != nil {
		panic("witness: a peer was not checked: " + err.Error())
	}
	return &peer{strings.TrimSuffix(p.URL, "/") + "/add-checkpoint", v}
}

// Check tells everything that is wrong with what is configured.
func Check(peers []Peer, quorum int) error {
	var wrong []error
	seen := map[string]bool{}
	for _, p := range peers {
		v, err := torchwood.NewCosignatureVerifier(strings.TrimSpace(p.Key))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("the witness key %.200q is not one of an Ed25519 cosignature (C2SP tlog-cosignature): %w", p.Key, err))
			continue
		}
		if seen[v.Name()] {
			wrong = append(wrong, fmt.Errorf("the witness %s stands there twice; one has one voice", v.Name()))
		}
		seen[v.Name()] = true
		u, err := url.Parse(p.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			wrong = append(wrong, fmt.Errorf("the address of the witness %s has to be one such as https://witness.example/", v.Name()))
		}
	}
	if quorum < 0 || quorum > len(peers) {
		wrong = append(wrong, fmt.Errorf("the quorum of %d can never be had from %d witnesses", quorum, len(peers)))
	}
	return errors.Join(wrong...)
}
