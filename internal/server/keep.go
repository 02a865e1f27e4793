package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/scenario"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/policy"
	"ringfence/scenarios"
)

// Machine is the clock of the machine.
var Machine = cpni.ClockFunc(time.Now)

// PolicyFiles gives the policy that a configuration names, or the one that is built in.
func (c Config) PolicyFiles() fs.FS {
	if c.Policy == "" {
		return policy.Files
	}
	return os.DirFS(c.Policy)
}

// ReadPolicy reads and checks the policy of a configuration.
func (c Config) ReadPolicy() (*rules.Set, error) {
	set, err := rules.Load(c.PolicyFiles())
	if err != nil {
		where := "built in"
		if c.Policy != "" {
			where = c.Policy
		}
		return nil, fmt.Errorf("the policy (%s): %w", where, err)
	}
	return set, nil
}

// rehearsal tells the stories that are built in, and the carrier's own.
func (c Config) rehearsal() office.Rehearse {
	folders := []fs.FS{scenarios.Files}
	if c.Scenarios != "" {
		folders = append(folders, os.DirFS(c.Scenarios))
	}
	return scenario.Rehearse(folders...)
}

// Opened is an office with the database under it.
type Opened struct {
	*office.Office
	DB *store.DB
}

// Close closes the office, then its database.
func (o *Opened) Close() error {
	if o.Office != nil {
		o.Office.Close()
	}
	return o.DB.Close()
}

// Open opens the office of a configuration.
func Open(ctx context.Context, c Config) (*Opened, error) {
	zone, err := time.LoadLocation(c.Carrier.Zone)
	if err != nil {
		return nil, err
	}
	set, err := c.ReadPolicy()
	if err != nil {
		return nil, err
	}
	master, err := vault.ReadMaster(c.Vault.Key)
	if err != nil {
		return nil, err
	}
	signer, err := ledger.ReadKeyFile(c.Ledger.Key)
	if err != nil {
		return nil, err
	}
	if signer.Name() != c.Ledger.Origin {
		return nil, fmt.Errorf("the ledger's key in %s is that of %q, and ledger.origin is %q; give the key of this ledger", c.Ledger.Key, signer.Name(), c.Ledger.Origin)
	}
	db, err := store.Open(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	o, err := openOffice(ctx, c, db, set, master, signer, zone)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Opened{o, db}, nil
}

func openOffice(ctx context.Context, c Config, db *store.DB, set *rules.Set, master *vault.Master, signer note.Signer, zone *time.Location) (*office.Office, error) {
	first, err := c.firstPublic()
	if err != nil {
		return nil, err
	}
	return office.Open(ctx, office.Config{DB: db, Policy: set, Courses: c.PolicyFiles(), Master: master, Origin: c.Ledger.Origin, Signer: signer, Outside: c.Ledger.Checkpoint,
		Clock: Machine, Zone: zone, UnaidedDetail: c.Options.UnaidedDetail, CMRS: c.Carrier.CMRS, SecondFactorOptional: c.SignIn.SecondFactor == "optional",
		TakeFiles: c.TakePolicy, Rehearse: c.rehearsal(), Public: office.Public{Carrier: c.public(), First: first},
		Witnesses: c.Ledger.peers(), Quorum: c.Ledger.Quorum, Journal: c.Ledger.journal(),
		Filer:   c.Carrier.Reports.filer(),
		Carrier: office.Carrier{Name: c.Carrier.Name, Phone: c.Carrier.Contact.Phone, Email: c.Carrier.Contact.Email, Web: c.Carrier.Contact.Web, Address: c.customersAddress()}})
}

// Replay decides every recorded decision of a configuration's database again; the database may be in use.
func Replay(ctx context.Context, c Config, w io.Writer) (_ *disclose.Replayed, err error) {
	master, err := vault.ReadMaster(c.Vault.Key)
	if err != nil {
		return nil, err
	}
	db, err := store.OpenToRead(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	v, err := vault.Open(ctx, db, master)
	if err != nil {
		return nil, err
	}
	var out *disclose.Replayed
	err = db.Snapshot(ctx, func(q store.Querier) error {
		out, err = disclose.Again{Records: q, Vault: v, Policies: rulebook.OpenToRead(db)}.Run(ctx, w)
		return err
	})
	return out, err
}
