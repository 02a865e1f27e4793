package notice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// Proof is a notice and what has become of it with one customer.
//
// cite: P-26, P-27, 47 CFR 64.2008(a)(2)
type Proof struct {
	Run    cpni.ID
	Title  string
	Kind   string // approval.OptOut or approval.OptIn
	Scopes []string
	State  string
	Via    string // the way by which it went last
	Code   string
	At     time.Time // since when it is in this state
	// Given is when it is proven given: sent, mailed, or shown; zero: it is not.
	Given time.Time
	// Silence is from when on silence counts; zero: never.
	Silence time.Time
	Void    bool // it came back after it had counted as given
	Forms   []Form
}

// Form is a message by which a notice went, or was to go.
type Form struct {
	Message  cpni.ID
	Via      cpni.Via
	State    notify.State
	Code     string
	Wording  string // the version of its words; "" it has not gone
	Planned  time.Time
	Sent     time.Time // handed to the other side
	Mailed   time.Time // of a letter: the print shop has posted it
	CameBack time.Time
}

// Of gives every notice of a customer with its proof, the newest first.
//
// cite: P-26, P-27, P-41, 47 CFR 64.2008(a)(2)
func (n *Notices) Of(ctx context.Context, of cpni.ID) ([]Proof, error) {
	all, err := n.proofs(ctx, n.DB.Reader(), of)
	if err != nil || len(all) == 0 {
		return all, err
	}
	at := map[cpni.ID]int{}
	for i, p := range all {
		at[p.Run] = i
	}
	events, err := n.Approvals.Events(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		i, ok := at[e.Run]
		if !ok || e.Run == "" {
			continue
		}
		switch e.What {
		case approval.Noticed:
			all[i].Given, all[i].Silence, all[i].Void = e.At, e.Matures, false
		case approval.Voided:
			all[i].Silence, all[i].Void = time.Time{}, true
		}
	}
	messages, err := n.Outbox.Messages(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		i, ok := at[m.Run]
		if !ok || m.Run == "" {
			continue
		}
		f := Form{Message: m.ID, Via: m.Via, State: m.State, Code: m.Code, Wording: m.Wording, Planned: m.At}
		told, err := n.Outbox.Events(ctx, of, m.ID)
		if err != nil {
			return nil, err
		}
		for _, e := range told {
			switch e.What {
			case string(notify.Sent):
				f.Sent = e.At
			case notify.Mailed:
				f.Mailed = e.At
			case notify.Bounce, string(notify.Bounced), string(notify.Failed):
				f.CameBack = e.At
			}
		}
		all[i].Forms = append(all[i].Forms, f)
	}
	return all, nil
}

func (n *Notices) proofs(ctx context.Context, q store.Querier, of cpni.ID) ([]Proof, error) {
	rows, err := q.Query(ctx, "SELECT run_id, state, via, code, at FROM notice_given WHERE customer_id = $1", string(of))
	if err != nil {
		return nil, fmt.Errorf("reading the notices of a customer: %w", err)
	}
	defer rows.Close()
	var all []Proof
	for rows.Next() {
		var p Proof
		var at int64
		if err := rows.Scan(&p.Run, &p.State, &p.Via, &p.Code, &at); err != nil {
			return nil, fmt.Errorf("reading the notices of a customer: %w", err)
		}
		p.At = moment(at)
		all = append(all, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the notices of a customer: %w", err)
	}
	for i := range all {
		r, err := n.says(ctx, q, all[i].Run)
		if err != nil {
			return nil, err
		}
		all[i].Title, all[i].Kind, all[i].Scopes = r.Title, r.Spec.Kind, r.Spec.Scopes()
	}
	slices.SortFunc(all, func(a, b Proof) int { return -cmpIDs(a.Run, b.Run) })
	return all, nil
}

// cmpIDs orders ids that begin with their time.
func cmpIDs(a, b cpni.ID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
