package breach

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"ringfence/internal/breach/bundle"
	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/notify/letter"
	"ringfence/internal/staff"
)

// dossier is all that a dossier says of an incident.
type dossier struct {
	i      *Incident
	clocks clock.Clocks
	tally  map[string]int
	papers []Paper
	names  map[string]string // of members of the staff, by their ids
	plains [][]byte          // the steps to the byte
	hashes []string          // of the steps, as the ledger has them
	kept   time.Time         // the first moment at which the file may be removed; zero: it is kept
	zone   *time.Location
	log    string // the ledger's name
	key    string // and its public key
}

// Dossier prints the whole file: the facts as they are held and as they were, every step, what both rules make of it, the clocks with every day
// that was counted or skipped, reports, directions, customers by number alone, answers, closing, and the hashes of the papers. Of a closed file it is always the same.
//
// cite: P-49, P-51, P-52, P-53, 47 CFR 64.2011(d)
func (d *Desk) Dossier(ctx context.Context, id, by cpni.ID) ([]byte, error) {
	x, err := d.dossier(ctx, id, by)
	if err != nil {
		return nil, err
	}
	return x.pdf(d.Letterhead)
}

// SignedDossier prints a file that is closed and signs what was printed with the ledger's key: the note names the incident and the SHA-256 of the PDF.
//
// cite: P-41, P-51, 47 CFR 64.2011(d)
func (d *Desk) SignedDossier(ctx context.Context, id, by cpni.ID) (file, signed []byte, err error) {
	x, err := d.dossier(ctx, id, by)
	if err != nil {
		return nil, nil, err
	}
	if x.i.Closed.IsZero() {
		return nil, nil, wrongState("the file is open, and its pages change from one moment to the next", "close it, or take the bundle, which is signed as it is")
	}
	if file, err = x.pdf(d.Letterhead); err != nil {
		return nil, nil, err
	}
	signed, err = d.Ledger.Sign(bundle.DossierSort, "incident "+x.i.Number+" "+string(x.i.ID), fmt.Sprintf("steps %d", len(x.i.History)), fmt.Sprintf("sha256 %x", sha256.Sum256(file)))
	return file, signed, err
}

// DossierParts are what a dossier says, before it is printed.
//
// cite: P-49, P-51, P-52, 47 CFR 64.2011(d)
func (d *Desk) DossierParts(ctx context.Context, id, by cpni.ID) ([]letter.Part, error) {
	x, err := d.dossier(ctx, id, by)
	if err != nil {
		return nil, err
	}
	return x.parts(), nil
}

func (x *dossier) pdf(letterhead []string) ([]byte, error) {
	doc := letter.Document{Letterhead: letterhead, Language: "en", Title: "File of incident " + x.i.Number, Made: x.i.Changed, Foot: "Incident " + x.i.Number + " · " + x.log, Parts: x.parts()}
	switch {
	case x.i.Exercise:
		doc.Mark = "REHEARSAL"
	case x.i.Closed.IsZero():
		doc.Mark = "NOT CLOSED"
	}
	return doc.PDF()
}

// dossier gathers what a dossier says. The clocks of a closed file are those at its last step.
func (d *Desk) dossier(ctx context.Context, id, by cpni.ID) (*dossier, error) {
	i, err := d.One(ctx, id, by)
	if err != nil {
		return nil, err
	}
	x := &dossier{i: i, names: map[string]string{}, kept: d.KeptUntil(i), zone: d.Zone, log: d.Ledger.Origin(), key: d.Ledger.VerifierKey()}
	at := d.Clock.Now()
	if !i.Closed.IsZero() {
		at = i.Changed.Add(-i.Ahead)
	}
	x.clocks = clock.Reckon(i.Case(), i.Now(at), d.Numbers(at), d.Calendars, d.Zone)
	if x.tally, err = d.Tally(ctx, id, by); err != nil {
		return nil, err
	}
	if x.papers, err = d.Papers(ctx, id, by); err != nil {
		return nil, err
	}
	if x.plains, err = d.plains(ctx, id); err != nil {
		return nil, err
	}
	if len(x.plains) != len(i.History) {
		return nil, cpni.Rejected("CONFLICT", "somebody has written to this file meanwhile", []string{"P-49"}, "do it once more")
	}
	for _, plain := range x.plains {
		x.hashes = append(x.hashes, fmt.Sprintf("%x", sha256.Sum256(plain)))
	}
	for _, who := range append(actors(i), i.Facts.DiscoveredBy) {
		if x.names[who], err = d.called(ctx, who); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// actors are who did something about an incident, each once, in the order in which they first did.
func actors(i *Incident) []string {
	var all []string
	for _, e := range i.History {
		if !slices.Contains(all, e.By) {
			all = append(all, e.By)
		}
	}
	return all
}

// called gives the name of a member of the staff; of whoever is none the words that stand there.
func (d *Desk) called(ctx context.Context, who string) (string, error) {
	if !cpni.ID(who).Valid() {
		return who, nil
	}
	m, _, err := d.Staff.Get(ctx, cpni.ID(who))
	if errors.Is(err, staff.ErrNone) {
		return who, nil
	}
	if err != nil {
		return "", err
	}
	return m.Name, nil
}

// plains reads the steps of an incident to the byte, as their hashes stand in the ledger.
func (d *Desk) plains(ctx context.Context, id cpni.ID) ([][]byte, error) {
	rows, err := d.DB.Reader().Query(ctx, "SELECT sealed FROM incident_event WHERE incident_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the history of an incident: %w", err)
	}
	defer rows.Close()
	var all [][]byte
	for rows.Next() {
		var sealed []byte
		if err := rows.Scan(&sealed); err != nil {
			return nil, fmt.Errorf("reading the history of an incident: %w", err)
		}
		all = append(all, sealed)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("reading the history of an incident: %w", err)
	}
	for n := range all {
		if all[n], err = d.Vault.OpenState(ctx, "", eventPlace(id, n+1), all[n]); err != nil {
			return nil, fmt.Errorf("reading the history of an incident: %w", err)
		}
	}
	return all, nil
}
