package written

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Letter that came by post, as somebody enters it.
type Posting struct {
	Customer  cpni.ID
	By        cpni.ID
	Draft     Draft
	Signature string // as it stands on the letter
	Scan      []byte
}

// scanTypes are the kinds of file that a scan may be.
var scanTypes = []string{"application/pdf", "image/jpeg", "image/png"}

var errScan = cpni.Rejected("BAD_INPUT", "there is no scan of the letter, or it is no PDF, JPEG or PNG of at most 1 MB", []string{"P-36", "47 USC 222(c)(2)"}, "scan the letter, signature and all, and enter it with the scan")

// Post enters a request that came by post, with its scan. It is carried out only once whoever signed it has been proved to be
// the customer, in a contact: see Prove.
//
// cite: P-16, P-36, 47 USC 222(c)(2)
func (d *Desk) Post(ctx context.Context, x Posting) (*Request, error) {
	p, _, err := d.Customers.Get(ctx, x.Customer)
	if err != nil {
		return nil, err
	}
	if err := x.Draft.check(p); err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(http.DetectContentType(x.Scan), ";")
	if len(x.Scan) == 0 || len(x.Scan) > MostScan || !slices.Contains(scanTypes, kind) {
		return nil, errScan
	}
	if x.Signature = strings.Join(strings.Fields(x.Signature), " "); x.Signature == "" || len(x.Signature) > longestName {
		return nil, errSignature
	}
	now := d.Clock.Now()
	r := &Request{ID: cpni.NewTimedID(now), Customer: x.Customer, At: now, State: Entered, Draft: x.Draft, Signature: x.Signature, By: x.By, ScanType: kind}
	// What was signed is the letter: its scan is the evidence, and its hash is part of the text.
	r.Text = letterOf(p, x.Draft) + "\n\n" + fmt.Sprintf(letterWords["en"]["signed"], r.Signature, now.In(d.Zone).Format(time.RFC3339), r.ID) + fmt.Sprintf("Scan: SHA-256 %x\n", sha256.Sum256(x.Scan))
	r.Hash = sha256.Sum256([]byte(r.Text))
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) { return d.insert(ctx, tx, r, x.Scan) })
	return r, err
}

// Prove has a request that came by post decided, in a contact in which the customer was proved and says that it is theirs.
// From then on it waits like one of the portal.
//
// cite: P-16, P-36, P-41, P-42, 47 USC 222(c)(2)
func (d *Desk) Prove(ctx context.Context, of, id, in, by cpni.ID) (*Signed, error) {
	r, err := d.One(ctx, of, id)
	if err != nil {
		return nil, err
	}
	if r.State != Entered {
		return nil, errState
	}
	p, _, err := d.Customers.Get(ctx, of)
	if err != nil {
		return nil, err
	}
	r.Contact, r.State = in, Waiting
	return d.decide(ctx, p, r, disclose.Caller{Staff: by}, "", func(ctx context.Context, tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := d.moveTx(ctx, tx, of, id, []State{Entered}, func(now *Request) error {
			now.Contact, now.State, now.Due, now.Entry, now.Phrase = r.Contact, r.State, r.Due, r.Entry, r.Phrase
			return nil
		}); err != nil {
			return nil, err
		}
		return d.noted(ctx, tx, r, string(by), "written request waiting")
	})
}

// Decline closes a request that is not carried out, with the reason: the signature of a letter is somebody else's, or nobody could be
// reached and the customer names no other way.
//
// cite: P-36, 47 USC 222(c)(2)
func (d *Desk) Decline(ctx context.Context, of, id, by cpni.ID, reason string) (*Request, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > 1000 {
		return nil, bad("a reason is needed, in at most 1000 bytes", "write why it is not carried out: the law commands to obey a signed request of the customer")
	}
	return d.move(ctx, of, id, []State{Entered, Unreached}, string(by), "written request declined", func(_ *store.Tx, r *Request) error {
		r.State, r.Reason = Declined, reason
		return nil
	})
}

// gone reports whether an error says that there is nothing to be found.
func gone(err error) bool {
	return errors.Is(err, ErrNone) || errors.Is(err, customer.ErrNoCustomer)
}
