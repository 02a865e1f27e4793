package breach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

// Intake is an incident as somebody first tells of it.
type Intake struct {
	ID       cpni.ID // names it; sent twice it is taken in once. "" a fresh one
	By       cpni.ID
	Exercise bool
	Facts    Facts
}

// Bounds of what a file says, in bytes.
const (
	longestTitle = 120
	longestText  = 20_000
	longestLine  = 400
	longestWord  = 100
	mostPersonal = 20
	mostAffected = 1_000_000_000
)

func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Cf, r)
}

// check brings facts to their form, or says what is wrong with them.
//
// cite: P-43, P-50, P-52, 47 CFR 64.2011(d)
func (f *Facts) check(now time.Time) error {
	f.Title, f.DiscoveredBy, f.Source = line(f.Title), line(f.DiscoveredBy), line(f.Source)
	for _, text := range []*string{&f.What, &f.How, &f.Basis} {
		*text = strings.TrimSpace(*text)
		if len(*text) > longestText || strings.ContainsFunc(*text, unprintable) {
			return bad("a text of the file is longer than 20,000 bytes, or has signs that cannot be printed", "write it shorter")
		}
	}
	unset := func(text *string, to string) {
		if *text == "" {
			*text = to
		}
	}
	unset((*string)(&f.Outcome), string(clock.Accessed)) // the least that is no mere attempt
	unset((*string)(&f.Intentional), string(clock.Unknown))
	unset((*string)(&f.GoodFaith), string(clock.Unknown))
	unset((*string)(&f.Encryption), string(clock.KeyUnknown))
	unset((*string)(&f.Harm), string(clock.HarmUnknown))
	f.Data = slices.Compact(slices.Sorted(slices.Values(f.Data)))
	for i := range f.Personal {
		if f.Personal[i] = line(f.Personal[i]); f.Personal[i] == "" || len(f.Personal[i]) > longestWord {
			return bad("a kind of other personal data is empty, or longer than 100 bytes", "write each in a few words")
		}
	}
	truths := []clock.Truth{clock.Yes, clock.No, clock.Unknown}
	switch {
	case f.What == "":
		return lacks("it is not said what happened", []string{"P-52", "47 CFR 64.2011(d)"}, "describe it in a few sentences; it can be corrected later, by a new step")
	case len(f.Title) > longestTitle || len(f.DiscoveredBy) > longestLine || len(f.Source) > longestLine:
		return bad("the title is longer than 120 bytes, or a line longer than 400", "write it shorter")
	case f.Discovered.IsZero():
		return lacks("it is not said when it was discovered", []string{"P-50", "47 CFR 64.2011(d)"}, "give the moment, or the day, on which somebody first knew of it")
	case f.Discovered.After(now):
		return bad("it was discovered at a moment that is to come", "look at the day again")
	case !f.From.IsZero() && !f.Until.IsZero() && f.Until.Before(f.From):
		return bad("the last day on which it happened lies before the first", "look at the days again")
	case f.DiscoveredBy == "":
		return lacks("it is not said who discovered it", []string{"P-50", "P-52", "47 CFR 64.2011(d)"}, "name the person, or say in words who it was")
	case slices.ContainsFunc(f.Data, func(c cpni.DataClass) bool { return !slices.Contains(cpni.DataClasses, c) }):
		return bad("a class of data is none that is known", "choose out of "+list(cpni.DataClasses))
	case len(f.Personal) > mostPersonal:
		return bad("more than 20 kinds of other personal data are named", "put some together")
	case !slices.Contains([]clock.Outcome{clock.Attempted, clock.Accessed, clock.Used, clock.Disclosed}, f.Outcome):
		return bad("what came of it is none of attempted, accessed, used, disclosed", "choose the worst that is known")
	case !slices.Contains(truths, f.Intentional) || !slices.Contains(truths, f.GoodFaith):
		return bad("intent and good faith are yes, no or unknown", "say unknown until it is known")
	case !slices.Contains([]clock.Encryption{clock.Plain, clock.KeyUnknown, clock.KeySafe}, f.Encryption):
		return bad("encryption is none, key-unknown or key-safe", "say key-unknown until there is definitive evidence")
	case !slices.Contains([]clock.Harm{clock.Likely, clock.Unlikely, clock.HarmUnknown}, f.Harm):
		return bad("harm is likely, unlikely or unknown", "say unknown until there is a finding with its basis")
	case f.Customers < 0 || f.Customers > mostAffected:
		return bad("so many customers cannot be", "give how many customers it reached, as far as is known")
	case f.CarrierLoss != nil && *f.CarrierLoss < 0 || f.CustomerLoss != nil && *f.CustomerLoss < 0:
		return bad("a loss is less than nothing", "give it in whole cents, or leave it out")
	case (f.Harm == clock.Unlikely || f.Intentional == clock.No || f.GoodFaith == clock.Yes || f.Encryption == clock.KeySafe) && f.Basis == "":
		return lacks("a finding that makes the duties smaller stands without its basis", []string{"P-43", "47 CFR 64.2011(e)"}, "say on what the finding rests: whom was asked, what was looked at", "say unknown until there is a basis")
	}
	if f.Title == "" {
		f.Title = shortened(f.What)
	}
	f.Discovered = f.Discovered.UTC()
	return nil
}

// shortened is the beginning of a text, for a title.
func shortened(text string) string {
	text = line(text)
	if len(text) <= 60 {
		return text
	}
	cut := strings.LastIndexByte(text[:60], ' ')
	if cut <= 0 {
		return "Untitled"
	}
	return text[:cut] + " …"
}

func list[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// Open takes an incident in: from anybody who works for the carrier and from its systems, for whoever suspects something must be able to say so.
// What they do not know counts as the worst that it may be. What becomes of it only those see whose work it is.
//
// cite: P-43, P-49, P-50, P-52, 47 CFR 64.2011(d)
func (d *Desk) Open(ctx context.Context, in Intake) (*Incident, error) {
	now := d.Clock.Now()
	if err := d.admits(ctx, in.By, staff.ReportIncidents); err != nil {
		return nil, err
	}
	if in.Exercise {
		if err := d.admits(ctx, in.By, staff.HandleIncidents); err != nil {
			return nil, err
		}
	}
	if in.ID == "" {
		in.ID = cpni.NewTimedID(now)
	}
	if !in.ID.Valid() {
		return nil, bad("the file has no id", "begin again")
	}
	if err := in.Facts.check(now); err != nil {
		return nil, err
	}
	var i *Incident
	for range mostTries {
		_, err := d.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			var entries []ledger.Entry
			var err error
			i, entries, err = d.insert(ctx, tx, in, now)
			return entries, err
		})
		switch {
		case errors.Is(err, errTaken): // another was given the same number at the same moment
			continue
		case errors.Is(err, errDone):
			return d.read(ctx, d.DB.Reader(), d.Vault.OpenState, in.ID, "")
		}
		return i, plainly(err)
	}
	return nil, cpni.Rejected("BUSY", "too many incidents are taken in at this moment", []string{"P-49"}, "send it again; it is taken in once")
}

// mostTries is how often a number is looked for that no other node gives at the same moment.
const mostTries = 20

var errTaken = fmt.Errorf("another incident has this number")

func (d *Desk) insert(ctx context.Context, tx *store.Tx, in Intake, now time.Time) (*Incident, []ledger.Entry, error) {
	var there int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM incident WHERE incident_id = $1", string(in.ID)).Scan(&there); err != nil || there > 0 {
		if err == nil {
			err = errDone
		}
		return nil, nil, err
	}
	r := row{year: now.In(d.Zone).Year(), exercise: in.Exercise}
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(seq), 0) + 1 FROM incident WHERE year = $1 AND exercise = $2", r.year, flag(r.exercise)).Scan(&r.seq); err != nil {
		return nil, nil, fmt.Errorf("numbering an incident: %w", err)
	}
	done, err := tx.Exec(ctx, "INSERT INTO incident (incident_id, version, year, exercise, seq, state, at, changed) VALUES ($1, 0, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
		string(in.ID), r.year, flag(r.exercise), r.seq, stateOpen, now.UnixMicro())
	if err != nil {
		return nil, nil, fmt.Errorf("taking an incident in: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = errTaken
		}
		return nil, nil, err
	}
	m := &moved{d: d, ctx: ctx, tx: tx, by: string(in.By), now: now, i: &Incident{ID: in.ID, Number: r.number(), Exercise: in.Exercise}}
	if _, err := m.note(Opened, Event{Facts: &in.Facts}); err != nil {
		return nil, nil, err
	}
	if err := m.alert(Suspected, "an incident was taken in; somebody has to determine what it is"); err != nil {
		return nil, nil, err
	}
	return m.i, m.all, m.write()
}
