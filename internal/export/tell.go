package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Untold is the code of the alert that a partner could not be told of a file.
const Untold cpni.Code = "PARTNER_UNTOLD"

func sumOf(b []byte) [32]byte { return sha256.Sum256(b) }

// event is what a partner is told. It names no customer.
type event struct {
	Type string    `json:"type"` // export.waiting, export.destroy, export.overdue
	At   time.Time `json:"timestamp"`
	Data struct {
		Export    cpni.ID      `json:"export"`
		Partner   string       `json:"partner"`
		Purpose   cpni.Purpose `json:"purpose"`
		Rows      int64        `json:"rows"`
		DestroyBy time.Time    `json:"destroy_by"`
		Until     time.Time    `json:"fetch_until,omitzero"`
		Path      string       `json:"path"` // of the interface
	} `json:"data"`
}

// Tell calls the webhooks of partners for whom something is to be told: that a file waits, that a day of destruction comes, or that it
// has passed. A call bears a signature and its time (Standard Webhooks); what is not taken is called again, until it has been tried for
// so long, and then is an alert. A partner without an address or a secret looks by itself.
//
// cite: P-41, 47 CFR 64.2009(c)
func (x *Exports) Tell(ctx context.Context) error {
	now := x.Clock.Now()
	all, err := x.where(ctx, "tell_at > 0 AND tell_at <= $1 ORDER BY tell_at LIMIT 100", now.UnixMicro())
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range all {
		if err := x.tell(ctx, e); err != nil {
			failed = append(failed, fmt.Errorf("telling a partner: %w", err))
		}
	}
	return errors.Join(failed...)
}

func (x *Exports) tell(ctx context.Context, e Export) error {
	now := x.Clock.Now()
	n := x.Numbers(now)
	wait := n.TellFirst
	for range min(e.tellTries, 30) {
		wait = min(2*wait, n.TellLongest)
	}
	// The next call is written before this one is made: a crash in between loses none.
	mine := false
	if err := x.DB.Tx(ctx, func(tx *store.Tx) error {
		done, err := tx.Exec(ctx, "UPDATE export SET tell_at = $1, tell_tries = tell_tries + 1 WHERE export_id = $2 AND tell_tries = $3 AND tell_what = $4 AND tell_at > 0", now.Add(wait).UnixMicro(), string(e.ID), e.tellTries, e.tellWhat)
		if err != nil {
			return err
		}
		rows, err := done.RowsAffected()
		mine = rows == 1
		return err
	}); err != nil || !mine {
		return err
	}
	p, _, err := x.Partners.Get(ctx, e.Spec.Partner)
	if err != nil {
		return err
	}
	secret, err := x.Partners.Secret(ctx, p.ID)
	if err != nil {
		return err
	}
	if p.Webhook == "" || secret == "" {
		return x.told(ctx, e, "")
	}
	says := x.call(ctx, p.Webhook, secret, e)
	if says == "" {
		return x.told(ctx, e, "partner told")
	}
	began := e.Sealed
	if e.tellWhat != "waiting" {
		began = e.Changed
	}
	if e.tellTries > 0 && now.Sub(began) >= n.TellFor {
		return x.untold(ctx, e, says)
	}
	return nil
}

// told notes that there is nothing more to tell.
func (x *Exports) told(ctx context.Context, e Export, what string) error {
	_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := x.quiet(ctx, tx, e); err != nil || what == "" {
			return nil, err
		}
		return x.entry(ctx, tx, string(cpni.RoleSystem), map[string]any{"what": what, "of": e.tellWhat, "export": e.ID, "partner": e.Spec.Partner})
	})
	return err
}

func (x *Exports) quiet(ctx context.Context, tx *store.Tx, e Export) error {
	_, err := tx.Exec(ctx, "UPDATE export SET tell_at = 0 WHERE export_id = $1 AND tell_what = $2 AND tell_tries = $3", string(e.ID), e.tellWhat, e.tellTries+1)
	return err
}

func (x *Exports) untold(ctx context.Context, e Export, says string) error {
	_, err := x.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		if err := x.quiet(ctx, tx, e); err != nil {
			return nil, err
		}
		return x.alert(ctx, tx, string(cpni.RoleSystem), Untold, map[string]any{"what": "a partner could not be told", "of": e.tellWhat, "export": e.ID, "partner": e.Spec.Partner, "says": says})
	})
	return err
}

// call posts an event; "" when it was taken, and otherwise why not, without anything that the other side has said.
func (x *Exports) call(ctx context.Context, address, secret string, e Export) string {
	now := x.Clock.Now()
	v := event{Type: "export." + e.tellWhat, At: now.UTC()}
	v.Data.Export, v.Data.Partner, v.Data.Purpose, v.Data.Rows, v.Data.DestroyBy = e.ID, e.Spec.Partner, e.Spec.Purpose, e.Rows, e.DestroyBy
	v.Data.Path = "/v1/partners/" + e.Spec.Partner + "/exports/" + string(e.ID)
	if e.State == Ready {
		v.Data.Until = e.Expires
	}
	body, err := json.Marshal(v)
	if err != nil {
		return "it could not be written"
	}
	s, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return "the secret is none"
	}
	id := string(e.ID) + "-" + e.tellWhat // the same at every attempt
	signature, err := s.Sign(id, now, body)
	if err != nil {
		return "it could not be signed"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "the address is none"
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Ringfence")
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	a, err := x.Web.Do(r)
	if err != nil {
		return "nobody answers there"
	}
	defer a.Body.Close()
	_, _ = io.CopyN(io.Discard, a.Body, 64<<10) // so that the connection can be used again
	if a.StatusCode/100 != 2 {
		return "answered " + strconv.Itoa(a.StatusCode)
	}
	return ""
}
