package retention

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/vault"
)

// Outside is the list of customers who were forgotten that is kept outside the database, beside the newest checkpoint. A database that
// was restored from an older copy has their keys again; by this list they are destroyed once more before anything is served.
//
// Each line bears a mark that only the carrier's own keys make, so that nobody has a customer forgotten by writing into the file.
//
// cite: I-21
type Outside struct {
	path string
	key  []byte
	mu   sync.Mutex
	seen string // the forgetting up to which the list is whole
}

// NewOutside keeps the list in a file; path "" keeps none.
func NewOutside(path string, v *vault.Vault) *Outside {
	return &Outside{path: path, key: v.Derive("list of forgotten customers v1")}
}

// forgotten is a line of the list.
type forgotten struct {
	entry, customer cpni.ID
	at              time.Time
}

const listTitle = "ringfence forgotten v1"

// ErrList: the list outside the database holds something that was not written by this carrier's keys.
var ErrList = errors.New("the list of forgotten customers beside the checkpoint was changed, or belongs to another database; put back the one that was there")

func (o *Outside) mark(f forgotten) string {
	m := hmac.New(sha256.New, o.key)
	fmt.Fprintf(m, "%s %s %s", f.entry, f.customer, f.at.UTC().Format(time.RFC3339Nano))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (o *Outside) read() ([]forgotten, error) {
	text, err := os.ReadFile(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of forgotten customers: %w", err)
	}
	var all []forgotten
	lines := bufio.NewScanner(bytes.NewReader(text))
	if !lines.Scan() || lines.Text() != listTitle {
		return nil, ErrList
	}
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 4 {
			return nil, ErrList
		}
		at, err := time.Parse(time.RFC3339Nano, words[2])
		f := forgotten{cpni.ID(words[0]), cpni.ID(words[1]), at}
		if err != nil || !hmac.Equal([]byte(o.mark(f)), []byte(words[3])) {
			return nil, ErrList
		}
		all = append(all, f)
	}
	return all, lines.Err()
}

// write replaces the list as a whole: a crash leaves the old one or the new one.
func (o *Outside) write(all []forgotten) error {
	f, err := os.CreateTemp(filepath.Dir(o.path), ".forgotten-*")
	if err != nil {
		return fmt.Errorf("keeping the list of forgotten customers: %w", err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, listTitle)
	for _, x := range all {
		fmt.Fprintln(w, x.entry, x.customer, x.at.UTC().Format(time.RFC3339Nano), o.mark(x))
	}
	if err = errors.Join(w.Flush(), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), o.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("keeping the list of forgotten customers: %w", err)
	}
	return nil
}

// Recall destroys again the keys of customers who were forgotten and are in the database all the same, for it was restored from an
// older copy, and says how many. It is called before anything is served.
//
// cite: I-21
func (d *Desk) Recall(ctx context.Context, o *Outside) (int, error) {
	if o.path == "" {
		return 0, nil
	}
	o.mu.Lock()
	all, err := o.read()
	o.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, f := range all {
		there, err := count(ctx, d.DB.Reader(), "SELECT count(*) FROM customer_key WHERE customer_id = $1", string(f.customer))
		if err != nil || there == 0 {
			if err != nil {
				return n, err
			}
			continue
		}
		if err := d.Customers.ForgetAgain(ctx, f.customer, string(cpni.RoleSystem),
			"again: they were forgotten on "+f.at.In(d.Zone).Format(time.DateOnly)+", and this database was restored from an older copy"); err != nil {
			return n, fmt.Errorf("forgetting again who was forgotten before: %w", err)
		}
		n++
	}
	return n, d.KeepForgotten(ctx, o)
}

// KeepForgotten brings into the list outside the database who was forgotten by whatever node.
//
// cite: I-21
func (d *Desk) KeepForgotten(ctx context.Context, o *Outside) error {
	if o.path == "" {
		return nil
	}
	latest, err := d.Customers.LatestForgotten(ctx)
	if err != nil {
		return fmt.Errorf("looking for forgotten customers: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if latest == o.seen {
		return nil
	}
	all, err := o.read()
	if err != nil {
		return err
	}
	known := map[cpni.ID]bool{}
	for _, f := range all {
		known[f.entry] = true
	}
	fresh, err := d.forgottenSince(ctx, known)
	if err == nil && len(fresh) > 0 {
		err = o.write(append(all, fresh...))
	}
	if err == nil {
		o.seen = latest
	}
	return err
}

// forgottenSince reads from the ledger who was forgotten by entries that are not known yet.
func (d *Desk) forgottenSince(ctx context.Context, known map[cpni.ID]bool) ([]forgotten, error) {
	const page = 200
	var all []forgotten
	before := cpni.ID("")
	for {
		rows, err := d.Ledger.Records(ctx, "", ledger.Filter{Kind: ledger.Forget, Before: before, Limit: page})
		if err != nil {
			return nil, fmt.Errorf("reading who was forgotten: %w", err)
		}
		for _, r := range rows {
			if before = r.ID; known[r.ID] {
				continue
			}
			plain, err := d.Vault.OpenRecord(ctx, r)
			var is struct {
				Customer cpni.ID `json:"customer"`
			}
			if err == nil {
				err = vault.Detail(plain, &is)
			}
			if err != nil {
				return nil, fmt.Errorf("reading who was forgotten: %w", err)
			}
			all = append(all, forgotten{r.ID, is.Customer, r.At})
		}
		if len(rows) < page {
			return all, nil
		}
	}
}
