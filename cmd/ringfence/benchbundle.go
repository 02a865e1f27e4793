package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/evidence"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// patterns is how many decisions are really asked for; the others are made of them, each with its own id, time and salt.
const patterns = 1000

// bundled measures a bundle of many decisions: making it, verifying it, and making each decision of it again.
//
// cite: P-41, I-04, 47 CFR 64.2009(c)
func (b *bench) bundled(ctx context.Context) error {
	if err := b.crowd(ctx); err != nil {
		return err
	}
	if err := b.decide(ctx); err != nil {
		return err
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	path := filepath.Join(b.Folder, "evidence")
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	to, err := evidence.NewFolder(path)
	if err != nil {
		return err
	}
	measured := func(what string, n func() int64, do func() error) error {
		began, used := time.Now(), processorTime()
		if err := do(); err != nil {
			return err
		}
		took, work := time.Since(began), processorTime()-used
		b.say(what, took.Seconds(), fmt.Sprintf("seconds (%.0f decisions a second, %s of processor)", float64(n())/took.Seconds(), work.Round(time.Second)))
		return nil
	}
	var m *evidence.Manifest
	count := func() int64 { return m.Counts.Decisions }
	if err := measured("the bundle made", count, func() (err error) {
		m, err = b.o.Evidence.Make(ctx, evidence.Order{From: time.UnixMicro(0).UTC(), To: b.o.Clock.Now().Add(time.Hour), Scope: evidence.Scope{Kind: evidence.All}, Key: key.Recipient().String(), Why: "Bench"}, evidence.Authority{By: "bench"}, to)
		return err
	}); err != nil {
		return err
	}
	sizes, files := map[string]int64{}, int64(0)
	if err := fs.WalkDir(os.DirFS(path), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(name, "/")
		sizes[""], sizes[top] = sizes[""]+info.Size(), sizes[top]+info.Size()
		files++
		return nil
	}); err != nil {
		return err
	}
	b.say("the bundle", float64(sizes[""])/1e6, fmt.Sprintf("MB in %d files, %d bytes a decision (records %d, facts %d, tiles %d MB)", files, sizes[""]/max(1, m.Counts.Decisions), sizes["records"]/1e6, sizes["facts"]/1e6, sizes["tile"]/1e6))
	if err := measured("the bundle verified", count, func() error {
		r, err := evidence.Verify(ctx, os.DirFS(path), ledger.Trust{Key: m.Key}, b.out)
		if err == nil && !r.OK() {
			err = errSilent
		}
		return err
	}); err != nil {
		return err
	}
	if err := measured("the bundle replayed", count, func() error {
		r, err := evidence.Replay(ctx, os.DirFS(path), []age.Identity{key}, b.out)
		if err == nil && !r.OK() {
			err = errSilent
		}
		return err
	}); err != nil {
		return err
	}
	if text, err := os.ReadFile("/proc/self/status"); err == nil { // where there is none nothing is said
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			if kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64); err == nil {
				b.say("most memory at once", kib/1024, "MiB")
			}
		}
	}
	return nil
}

// decide records as many decisions as are wanted, each about one of the crowd and sealed for them.
func (b *bench) decide(ctx context.Context) error {
	there, err := b.o.DB.Meta(ctx, "bench.decided")
	if err != nil || there != "" {
		return err
	}
	o := b.o.Office
	by, err := o.Staff.Add(ctx, staff.Member{Login: "bench-" + string(cpni.NewID()), Name: "Bench", Role: cpni.RoleBilling, Trained: o.Clock.Now()}, "", "bench")
	if err != nil {
		return err
	}
	rows, err := o.DB.Reader().Query(ctx, "SELECT customer_id FROM customer ORDER BY customer_id LIMIT $1", patterns)
	if err != nil {
		return err
	}
	var of []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return errors.Join(err, rows.Close())
		}
		of = append(of, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	type pattern struct {
		row    ledger.Row
		record disclose.Record
	}
	all := make([]pattern, len(of))
	for i, id := range of {
		a, err := o.Door.Disclose(ctx, disclose.Request{Caller: disclose.Caller{Staff: by}, Customer: id, Purpose: cpni.BillingPurpose, Data: []cpni.DataClass{cpni.Billing}, To: string(cpni.ToCarrier)})
		if err != nil {
			return err
		}
		if all[i].row, err = o.Ledger.Record(ctx, a.Customer, a.Entry); err != nil {
			return err
		}
		if all[i].record, err = o.Door.Record(ctx, a.Customer, a.Entry); err != nil {
			return err
		}
	}
	began := time.Now()
	const atOnce = 2000
	for n := len(all); n < b.Decisions; {
		if _, err := o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			entries := make([]ledger.Entry, 0, atOnce)
			for range min(atOnce, b.Decisions-n) {
				p := all[(n+len(entries))%len(all)]
				e, r := p.row.Entry, p.record
				e.At = o.Clock.Now().Truncate(time.Microsecond)
				e.ID = cpni.NewTimedID(e.At)
				r.Entry, r.Facts.At = e.ID, e.At
				var salt [16]byte
				rand.Read(salt[:])
				r.Salt = base64.RawStdEncoding.EncodeToString(salt[:])
				plain, err := json.Marshal(r)
				if err != nil {
					return nil, err
				}
				e.Commitment = sha256.Sum256(plain)
				if e.Sealed, err = o.Vault.SealTx(ctx, tx, e.Customer, vault.RecordPlace(e.ID), plain); err != nil {
					return nil, err
				}
				entries = append(entries, e)
			}
			return entries, nil
		}); err != nil {
			return err
		}
		n += min(atOnce, b.Decisions-n)
	}
	b.say("decisions written", float64(b.Decisions)/time.Since(began).Seconds(), "a second, two thousand in a commit")
	began = time.Now()
	if err := o.Ledger.Sequence(ctx); err != nil {
		return err
	}
	b.say("entries put into the tree", float64(b.Decisions)/time.Since(began).Seconds(), "a second")
	return o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "bench.decided", "1") })
}
