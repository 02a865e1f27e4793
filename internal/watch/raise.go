package watch

import (
	"fmt"
	"slices"
	"time"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Itself is the actor of alerts that are about no member of the staff.
const Itself = "watch"

// mostNamed bounds the entries that the record of an alert names; the case has them all.
const mostNamed = 50

// raise raises an alert, or adds evidence to the open one about the same. The alert, its record in the ledger, and how far
// Watch has come are written together or not at all.
//
// cite: P-37, I-23, 47 CFR 64.2010(a)
func (s *sight) raise(d Detector, f *finding) error {
	now := s.w.parts.Clock.Now()
	id, fresh, err := s.alert(d.Name, d.Code, f, now)
	if err != nil || !fresh {
		return err
	}
	entries, from, to, err := s.evidence(id)
	if err != nil {
		return err
	}
	actor := string(f.Member)
	if actor == "" {
		actor = Itself
	}
	detail := map[string]any{"what": d.Says, "case": id, "detector": d.Name, "entries": entries, "from": from, "to": to}
	if f.Customer != "" {
		detail["customer"] = f.Customer
	}
	e, err := s.w.parts.Vault.Entry(s.ctx, s.tx, ledger.Entry{Kind: ledger.Alert, At: now, Actor: actor, Outcome: cpni.OK, Code: d.Code}, detail)
	if err != nil {
		return err
	}
	s.entries = append(s.entries, e)
	return nil
}

// alert finds the open alert about a finding, or makes one, and gives it the evidence.
func (s *sight) alert(detector string, code cpni.Code, f *finding, now time.Time) (id cpni.ID, fresh bool, err error) {
	query := "SELECT alert_id FROM watch_alert WHERE detector = $1 AND subject = $2 AND state <> 'closed'"
	if s.tx.Dialect() == store.Postgres {
		query += " FOR UPDATE" // it may be closed at this moment
	}
	err = s.tx.QueryRow(s.ctx, query, detector, f.Subject).Scan(&id)
	if store.IsNoRow(err) {
		id, fresh = cpni.NewTimedID(now), true
		_, err = s.tx.Exec(s.ctx, `INSERT INTO watch_alert (alert_id, version, detector, code, subject, member, customer_id, state, raised, newest, evidence, worker, outcome, closed)
			VALUES ($1, 1, $2, $3, $4, $5, $6, 'open', $7, $7, 0, '', '', 0)`, string(id), detector, string(code), f.Subject, string(f.Member), string(f.Customer), now.UnixMicro())
		if err == nil {
			_, err = s.tx.Exec(s.ctx, "INSERT INTO watch_history (alert_id, n, at, by_staff, what, sealed) VALUES ($1, 0, $2, $3, $4, $5)", string(id), now.UnixMicro(), Itself, "raised", []byte{})
		}
	}
	if err != nil {
		return "", false, fmt.Errorf("raising an alert: %w", err)
	}
	added, err := s.keep(id, f.Evidence, fresh)
	if err != nil {
		return "", false, fmt.Errorf("keeping the evidence of an alert: %w", err)
	}
	newest := now
	if len(f.Evidence) > 0 {
		var at int64
		err := s.tx.QueryRow(s.ctx, "SELECT at FROM watch_entry WHERE seq = $1", slices.Max(f.Evidence)).Scan(&at)
		if err == nil {
			newest = time.UnixMicro(at)
		} else if !store.IsNoRow(err) {
			return "", false, err
		}
	}
	_, err = s.tx.Exec(s.ctx, "UPDATE watch_alert SET newest = $1, evidence = evidence + $2 WHERE alert_id = $3", newest.UnixMicro(), added, string(id))
	return id, fresh, err
}

// mostEvidence bounds the entries that a case keeps.
const mostEvidence = 1000

// keep adds evidence to an alert. To one that is there already only what is newer than its newest is added, and no more than
// a case keeps.
func (s *sight) keep(id cpni.ID, evidence []int64, fresh bool) (added int, err error) {
	newest, there := int64(-1), 0
	if !fresh {
		err := s.tx.QueryRow(s.ctx, "SELECT coalesce((SELECT max(seq) FROM watch_evidence WHERE alert_id = $1), -1), evidence FROM watch_alert WHERE alert_id = $1", string(id)).Scan(&newest, &there)
		if err != nil {
			return 0, err
		}
	}
	for _, seq := range evidence {
		if seq <= newest || there+added >= mostEvidence {
			continue
		}
		if _, err := s.tx.Exec(s.ctx, "INSERT INTO watch_evidence (alert_id, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING", string(id), seq); err != nil {
			return added, err
		}
		added++
	}
	return added, nil
}

// evidence gives ids and times of what an alert rests on.
func (s *sight) evidence(id cpni.ID) (entries []string, from, to time.Time, err error) {
	rows, err := s.tx.Query(s.ctx, "SELECT w.entry_id, w.at FROM watch_evidence e JOIN watch_entry w ON w.seq = e.seq WHERE e.alert_id = $1 ORDER BY e.seq", string(id))
	if err != nil {
		return nil, from, to, fmt.Errorf("reading the evidence of an alert: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var entry string
		var us int64
		if err := rows.Scan(&entry, &us); err != nil {
			return nil, from, to, err
		}
		at := time.UnixMicro(us).UTC()
		if from.IsZero() || at.Before(from) {
			from = at
		}
		if at.After(to) {
			to = at
		}
		if len(entries) < mostNamed {
			entries = append(entries, entry)
		}
	}
	return entries, from, to, rows.Err()
}

// Alerts that no detector raises.
var (
	others  = Detector{Name: "other", Says: "Another part of the program has raised this alert."}
	notMine = Detector{Name: "not-me", Code: contact.NotMe, Says: "A customer says that a change of their account was not theirs. It is frozen, and waits for somebody to decide about it: at once."}
	lost    = Detector{Name: "lost-record", Code: "LOST_RECORD", Says: "The tree has an entry whose record is gone. Have the ledger verified."}
)

// adopt makes the case of an alert that was raised elsewhere.
func (s *sight) adopt(t ledger.Told) error {
	for _, d := range append(Detectors[:len(Detectors):len(Detectors)], lost) {
		if d.Code == t.Code && t.Code != contact.Pretext {
			return nil // it is ours, and has its case
		}
	}
	f := &finding{Subject: string(t.Customer), Customer: t.Customer, Evidence: []int64{t.Seq}}
	name := pretexts.Name
	switch t.Code {
	case contact.Pretext:
	case contact.NotMe:
		name = notMine.Name
		if err := s.blame(t, f); err != nil {
			return err
		}
	default:
		name, f.Subject = others.Name, fmt.Sprintf("%s %s %s", t.Code, t.Actor, t.Customer)
	}
	_, _, err := s.alert(name, t.Code, f, t.At)
	return err
}

// blame makes the case of a change that was not the customer's about the member who made it, who does not work on it; its
// evidence are the customer's changes of late beside the alert.
//
// cite: P-23, P-37, 47 CFR 64.2010(a)
func (s *sight) blame(t ledger.Told, f *finding) error {
	person, err := s.person(t.Actor)
	if err != nil {
		return err
	}
	if person != nil {
		f.Member = person.ID
	}
	f.Subject = fmt.Sprintf("%s %s", t.Customer, f.Member)
	changes, err := s.places("SELECT seq FROM watch_entry WHERE customer_id = $1 AND kind = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4", string(t.Customer), string(ledger.Change), t.Seq, mostNamed)
	if err != nil {
		return fmt.Errorf("looking for the changes of an account: %w", err)
	}
	f.Evidence = append(f.Evidence, changes...)
	slices.Sort(f.Evidence)
	return nil
}

// lost raises the alert that a record is gone that the tree has.
//
// cite: P-41, 47 CFR 64.2010(a)
func (s *sight) lost(t ledger.Told) error {
	return s.raise(lost, &finding{Subject: lost.Name, Evidence: []int64{t.Seq}})
}
