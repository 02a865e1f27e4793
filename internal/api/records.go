package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/mod/sumdb/tlog"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// Entry is an entry of the ledger, without its sealed record.
type Entry struct {
	ID        cpni.ID          `json:"id"`
	Kind      ledger.Kind      `json:"kind"`
	At        time.Time        `json:"at"`
	Actor     string           `json:"actor,omitempty"`
	Contact   string           `json:"contact,omitempty"`
	Purpose   string           `json:"purpose,omitempty"`
	Recipient string           `json:"recipient,omitempty"`
	Outcome   cpni.Outcome     `json:"outcome"`
	Code      cpni.Code        `json:"code,omitempty"`
	Permits   []cpni.DataClass `json:"permits,omitempty"`
	Policy    string           `json:"policy,omitempty"`
}

func entryOf(r ledger.Row) Entry {
	return Entry{r.ID, r.Kind, r.At, r.Actor, r.Contact, r.Purpose, r.Recipient, r.Outcome, r.Code, r.Permits, r.Rules}
}

// Entries is a page of entries, newest first.
type Entries struct {
	Entries []Entry `json:"entries"`
	Next    cpni.ID `json:"next,omitempty" doc:"The cursor of the next page: give it as before. None on the last."`
}

type entriesBody struct{ Body Entries }

// Decision is a recorded decision with what it rested on.
type Decision struct {
	Entry   Entry       `json:"entry"`
	Facts   rules.Facts `json:"facts" doc:"Everything that the decision rested on. It names nobody."`
	Reasons []cpni.Code `json:"reasons,omitempty"`
	Clauses []string    `json:"clauses"`
	Cites   []string    `json:"cites"`
	Rules   []string    `json:"rules"`
	Says    []string    `json:"says"`
	Ways    [][]Way     `json:"ways,omitempty"`
}

type decisionBody struct{ Body Decision }

// Proof proves that an entry is in the signed tree (C2SP tlog-tiles; RFC 6962 hashes).
type Proof struct {
	Index      int64    `json:"index" doc:"Place of the leaf in the tree."`
	Leaf       string   `json:"leaf" doc:"The leaf, as the bundles of entries hold it."`
	Size       int64    `json:"size" doc:"Of the tree."`
	Root       string   `json:"root" doc:"Of the tree, base64."`
	Hashes     []string `json:"hashes" doc:"The path from the leaf to the root, base64."`
	Checkpoint string   `json:"checkpoint" doc:"The signed checkpoint of the tree."`
}

type proofBody struct{ Body Proof }

// OneRecord names an entry about a customer.
type OneRecord struct {
	Customer cpni.ID `path:"id" maxLength:"26"`
	Entry    cpni.ID `path:"entry" maxLength:"26"`
}

// cite: P-41, 47 CFR 64.2009(c)
func (a *API) records() {
	tag := []string{"records"}
	register(a, operation{right: staff.ReadRecords, scope: "records", Operation: huma.Operation{OperationID: "list-entries", Method: http.MethodGet, Path: "/v1/customers/{id}/entries", Tags: tag, Summary: "List what is on record about a customer"}},
		func(ctx context.Context, c caller, in *struct {
			OneCustomer
			Kind   ledger.Kind `query:"kind" enum:"decision,attempt,contact,lookup,change,message,letter,alert"`
			Before cpni.ID     `query:"before" maxLength:"26" doc:"The cursor: entries older than this one."`
			Limit  int         `query:"limit" minimum:"1" maximum:"500" default:"100"`
		}) (*entriesBody, error) {
			if _, _, err := a.office.Customers.Get(ctx, in.ID); err != nil {
				return nil, err
			}
			if err := a.office.Viewed(ctx, c.member.ID, watch.Records, in.ID); err != nil {
				return nil, err
			}
			rows, err := a.office.Ledger.Records(ctx, in.ID, ledger.Filter{Kind: in.Kind, Before: in.Before, Limit: in.Limit + 1})
			if err != nil {
				return nil, err
			}
			out := &entriesBody{Entries{Entries: []Entry{}}}
			if len(rows) > in.Limit {
				rows = rows[:in.Limit]
				out.Body.Next = rows[in.Limit-1].ID
			}
			for _, r := range rows {
				if hidden, err := a.office.HiddenFrom(ctx, c.member.ID, r); err != nil || hidden {
					if err != nil {
						return nil, err
					}
					continue
				}
				out.Body.Entries = append(out.Body.Entries, entryOf(r))
			}
			return out, nil
		})
	register(a, operation{right: staff.ReadRecords, scope: "records", Operation: huma.Operation{OperationID: "read-decision", Method: http.MethodGet, Path: "/v1/customers/{id}/decisions/{entry}", Tags: tag,
		Summary: "Read a recorded decision", Description: "With the facts it rested on, and made again under the policy that decided."}},
		func(ctx context.Context, c caller, in *OneRecord) (*decisionBody, error) {
			row, err := a.office.Ledger.Record(ctx, in.Customer, in.Entry)
			if err != nil {
				return nil, err
			}
			if err := a.office.Viewed(ctx, c.member.ID, watch.Records, in.Customer); err != nil {
				return nil, err
			}
			if hidden, err := a.office.HiddenFrom(ctx, c.member.ID, row); err != nil {
				return nil, err
			} else if hidden || row.Kind != ledger.Decision {
				return nil, errNotFound
			}
			plain, err := a.office.Vault.OpenRecord(ctx, row)
			if err != nil {
				return nil, err
			}
			r, err := disclose.DecodeRecord(plain)
			if err != nil {
				return nil, err
			}
			d, err := a.office.Door.Explain(ctx, r)
			if err != nil {
				return nil, err
			}
			return &decisionBody{Decision{entryOf(row), r.Facts, d.Codes, d.Clauses, d.Cites, d.Rules, d.Says, waysOf(d.Ways)}}, nil
		})
	register(a, operation{scope: "records", Operation: huma.Operation{OperationID: "prove-entry", Method: http.MethodGet, Path: "/v1/customers/{id}/entries/{entry}/proof", Tags: tag,
		Summary: "Prove that an entry is in the ledger", Description: "Within a second of the entry. The tree itself is served at /ledger/ for everybody's tools."}},
		func(ctx context.Context, _ caller, in *OneRecord) (*proofBody, error) {
			p, err := a.office.Ledger.Prove(ctx, in.Customer, in.Entry)
			if err != nil {
				return nil, err
			}
			return &proofBody{proofOfEntry(p)}, nil
		})
}

func proofOfEntry(p ledger.Inclusion) Proof {
	out := Proof{Index: p.Index, Leaf: string(p.Leaf), Size: p.Size, Root: p.Root.String(), Checkpoint: string(p.Checkpoint), Hashes: []string{}}
	for _, h := range p.Proof {
		out.Hashes = append(out.Hashes, tlog.Hash(h).String())
	}
	return out
}
