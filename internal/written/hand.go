package written

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// mostSendings bounds how many of the sendings, and of those who were turned away, are kept with a request; the ledger has all.
const mostSendings = 20

// Sending is something that went out.
type Sending struct {
	At      time.Time `json:"at"`
	Via     cpni.Via  `json:"via"`
	To      string    `json:"to"`
	Message cpni.ID   `json:"message"`
	Back    time.Time `json:"back,omitzero"`  // when it came back; zero: it has not
	Code    string    `json:"code,omitempty"` // the other side's word
}

// Way is another way that the customer has named.
type Way struct {
	At      time.Time `json:"at"`
	By      cpni.ID   `json:"by"` // of the staff, who took it
	Contact cpni.ID   `json:"contact"`
	Via     cpni.Via  `json:"via"`
	To      string    `json:"to"`
}

// Identity is what whoever comes for the records has shown of who they are. No number of a document is kept.
//
// cite: P-36, 47 CFR 64.2003(r), 47 USC 222(c)(2)
type Identity struct {
	Name       string    `json:"name"`       // as it stands on the document
	Government bool      `json:"government"` // it was issued by a government, with a photograph
	Expires    time.Time `json:"expires"`    // first moment at which it is no longer valid
	// Authority names the letter by which a company that is named lets this person fetch its records; "" the person is named.
	Authority string `json:"authority,omitempty"`
}

// Handing is a time at which somebody came for the records.
type Handing struct {
	At time.Time `json:"at"`
	By cpni.ID   `json:"by"` // of the staff, who looked
	Identity
	Why string `json:"why,omitempty"` // why they were not given; "" they were
}

// Unreachable takes up that what was sent came back or could not be sent: the request waits for another way, and the customer is
// told. It is heard in the transaction in which the message's state is written.
//
// cite: P-36, 47 USC 222(c)(2)
func (d *Desk) Unreachable(ctx context.Context, tx *store.Tx, of cpni.ID, m notify.Message, f notify.Fate) ([]ledger.Entry, error) {
	if f.State != notify.Bounced && f.State != notify.Failed || m.Kind != notify.DesigneeRecords {
		return nil, nil
	}
	r, err := d.moveTx(ctx, tx, of, cpni.ID(m.Tokens["request"]), []State{Sent}, func(r *Request) error {
		if r.Message != m.ID || len(r.Opened) > 0 {
			return errState // another has gone since, or somebody has had it after all
		}
		r.State = Unreached
		for i := range r.Sendings {
			if r.Sendings[i].Message == m.ID {
				r.Sendings[i].Back, r.Sendings[i].Code = f.At, f.Code
			}
		}
		return nil
	})
	if isState(err) || gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, _, err := d.Customers.ReadTx(ctx, tx, of)
	if err != nil {
		return nil, err
	}
	if tell, ok := d.Contacts.Tells(p, notify.NamedUnreached, nil); ok {
		tell.Language = r.Language
		if err := d.Outbox.Plan(ctx, tx, of, tell); err != nil {
			return nil, err
		}
	}
	return d.noted(ctx, tx, r, string(cpni.RoleSystem), "written request reached nobody")
}

// Resend sends once more to the address that the customer has signed for, or named since.
//
// cite: P-36, 47 USC 222(c)(2)
func (d *Desk) Resend(ctx context.Context, of, id, by cpni.ID) (*Request, error) {
	return d.move(ctx, of, id, []State{Unreached}, string(by), "written request sent once more", func(tx *store.Tx, r *Request) error {
		return d.send(ctx, tx, r)
	})
}

// Redirect takes another address from the customer, who names it in a contact in which they were proved. The door decides anew, the
// customer is told, and the wait begins again: whoever changes where records go is looked at as closely as who asks for them.
//
// cite: P-16, P-36, P-41, P-42, 47 USC 222(c)(2)
func (d *Desk) Redirect(ctx context.Context, of, id, in, by cpni.ID, via cpni.Via, to string) (*Signed, error) {
	r, err := d.One(ctx, of, id)
	if err != nil {
		return nil, err
	}
	if r.State != Unreached {
		return nil, errState
	}
	p, _, err := d.Customers.Get(ctx, of)
	if err != nil {
		return nil, err
	}
	r.Via, r.To, r.Phrase = via, to, ""
	if err := r.Draft.check(p); err != nil {
		return nil, err
	}
	way := Way{At: d.Clock.Now(), By: by, Contact: in, Via: r.Via, To: r.To}
	r.Contact, r.State = in, Waiting
	return d.decide(ctx, p, r, disclose.Caller{Staff: by}, "", func(ctx context.Context, tx *store.Tx) ([]ledger.Entry, error) {
		if _, err := d.moveTx(ctx, tx, of, id, []State{Unreached}, func(now *Request) error {
			now.Contact, now.State, now.Due, now.Entry, now.Phrase, now.Via, now.To = r.Contact, r.State, r.Due, r.Entry, r.Phrase, r.Via, r.To
			if now.Other = append(now.Other, way); len(now.Other) > mostSendings {
				now.Other = now.Other[len(now.Other)-mostSendings:]
			}
			return nil
		}); err != nil {
			return nil, err
		}
		return d.noted(ctx, tx, r, string(by), "written request goes another way")
	})
}

// check says why an identity is none of whom the request names; "" it is.
//
// cite: P-36, 47 CFR 64.2003(r)
func (x *Identity) check(r *Request, now time.Time) string {
	switch {
	case contact.Spoken(x.Name) == "":
		return "no name was read from a document"
	case !x.Government:
		return "the document is none of a government with a photograph"
	case !now.Before(x.Expires):
		return "the document has expired"
	case contact.Spoken(x.Name) != contact.Spoken(r.Name) && x.Authority == "":
		return "the name on the document is not the one in the request, and no letter of the company was shown"
	}
	return ""
}

var errTurned = errors.New("who came for it is not who was named")

func isTurned(err error) bool { return errors.Is(err, errTurned) }

// HandOver gives the records to somebody who comes for them and has shown who they are: the person whom the request names, or one
// whom the company that it names has sent. That they get them is on record before anything is opened. Whoever is not them is turned
// away, which is on record as well: a *cpni.Refusal with code PHOTO_ID.
//
// cite: P-36, P-41, V73, 47 CFR 64.2003(r), 47 USC 222(c)(2)
func (d *Desk) HandOver(ctx context.Context, of, id, by cpni.ID, x Identity) (*disclose.Released, *customer.Profile, error) {
	now := d.Clock.Now()
	line := func(s string) bool { return len(s) > longestName || strings.ContainsFunc(s, unicode.IsControl) }
	if x.Name, x.Authority = strings.Join(strings.Fields(x.Name), " "), strings.Join(strings.Fields(x.Authority), " "); line(x.Name) || line(x.Authority) {
		return nil, nil, bad("a name or a letter is a line of at most 200 bytes", "write it as it stands on the document")
	}
	m, _, err := d.Staff.Get(ctx, by)
	if err != nil {
		return nil, nil, err
	}
	if !now.Before(m.TrainedUntil()) {
		return nil, nil, cpni.Rejected("UNTRAINED", "the person has no current training on customer information", []string{"P-38", "47 CFR 64.2009(b)"}, "pass the course first, or let a colleague hand them over")
	}
	h := Handing{At: now, By: by, Identity: x}
	what := "written request handed over to who was named"
	r, err := d.move(ctx, of, id, []State{Sent, Unreached}, string(by), what, func(_ *store.Tx, r *Request) error {
		if h.Why = x.check(r, now); h.Why != "" {
			return errTurned
		}
		r.State, r.Handing = Handed, &h
		return nil
	})
	if isTurned(err) {
		if _, err := d.move(ctx, of, id, []State{Sent, Unreached}, string(by), "somebody who came for a written request was turned away", func(_ *store.Tx, r *Request) error {
			if r.Turned = append(r.Turned, h); len(r.Turned) > mostSendings {
				r.Turned = r.Turned[len(r.Turned)-mostSendings:]
			}
			return nil
		}); err != nil {
			return nil, nil, err
		}
		return nil, nil, cpni.Rejected("PHOTO_ID", "The records were not handed over: "+h.Why+".", []string{"P-36", "47 CFR 64.2003(r)"}, "ask for another document, or for the letter of the company that is named", "send the records to the address in the request")
	}
	if err != nil {
		return nil, nil, err
	}
	return d.Door.Sent(ctx, of, r.Entry)
}

// Late is the code of the reminder that a written request waits for somebody of the staff.
const Late cpni.Code = "WRITTEN_LATE"

// remind raises an alert for each request that has waited for long for its signer to be proved, or for another way, and again from
// time to time.
//
// cite: P-36, 47 USC 222(c)(2)
func (d *Desk) remind(ctx context.Context) error {
	now := d.Clock.Now()
	n := d.Policy.Numbers(now)
	const where = "((state = $1 AND changed <= $2) OR (state = $3 AND changed <= $4)) AND reminded <= $5 ORDER BY changed LIMIT $6"
	args := []any{string(Entered), now.Add(-n.Duration("written-request", "prove_within")).UnixMicro(), string(Unreached), now.Add(-n.Duration("written-request", "reach_within")).UnixMicro(),
		now.Add(-n.Duration("written-request", "remind_every")).UnixMicro(), mostListed}
	late, err := d.rows(ctx, d.DB.Reader(), where, args...)
	if err != nil || len(late) == 0 {
		return err
	}
	_, err = d.Ledger.Commit(ctx, func(tx *store.Tx) (all []ledger.Entry, err error) {
		for _, r := range late {
			res, err := tx.Exec(ctx, "UPDATE written_request SET reminded = $1 WHERE customer_id = $2 AND request_id = $3 AND version = $4 AND reminded <= $5", now.UnixMicro(), string(r.Customer), string(r.ID), r.version, args[4])
			if err != nil {
				return nil, fmt.Errorf("reminding of written requests: %w", err)
			}
			if n, err := res.RowsAffected(); n == 0 || err != nil { // another node was faster, or it has moved on
				if err != nil {
					return nil, err
				}
				continue
			}
			e, err := d.Vault.Entry(ctx, tx, ledger.Entry{Customer: r.Customer, Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: Late},
				map[string]string{"what": "a written request waits for somebody", "request": string(r.ID), "state": string(r.State)})
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
		return all, nil
	})
	return err
}
