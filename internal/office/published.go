package office

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/partner"
	"ringfence/internal/publish"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// Public is what the public policy is filled with, and begun by.
type Public struct {
	Carrier publish.Carrier
	// First is the text that is published when nothing was yet; nil: that among the files of the policy. Where a fact of the
	// carrier is blank nothing is published by itself.
	First []byte
	// Text is the text among the files of the policy, which the next version is begun by.
	Text []byte
}

// Alerts about the public policy.
const (
	Unkept             cpni.Code = "PROMISE_UNKEPT"      // a sentence of the public policy is red
	FacilityUnverified cpni.Code = "FACILITY_UNVERIFIED" // nobody has looked lately whether the link to the facility works
)

// openPublished opens the register of public policies, and publishes the first.
//
// cite: P-55, P-58
func (o *Office) openPublished(ctx context.Context, c Config) (err error) {
	o.public = c.Public
	rulesNow := func() *rules.Set {
		set, _ := o.Policy.Current()
		return set
	}
	o.Published, err = publish.Open(ctx, publish.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Clock: o.Clock, Zone: o.Zone, Rules: rulesNow,
		Facts: func(at time.Time) publish.Facts { return publish.FactsOf(o.public.Carrier, o.Policy.Numbers(at)) }})
	if err != nil {
		return err
	}
	files := c.Courses
	if files == nil || !publish.There(files) {
		files = policy.Files
	}
	if o.public.Text, err = fs.ReadFile(files, publish.File); err != nil {
		return fmt.Errorf("reading the public policy: %w", err)
	}
	if o.public.First == nil {
		o.public.First = o.public.Text
	}
	if !o.public.Carrier.Whole() {
		return nil
	}
	return o.Published.Start(ctx, o.public.First)
}

// PublicText is the text with which the next version is begun: that which was published last, or, where the files of the
// policy have another that was not published yet, that.
func (o *Office) PublicText() []byte {
	newest := o.Published.Newest()
	if newest == nil {
		return o.public.Text
	}
	if t, err := publish.Read(o.public.Text, o.rulesInForce()); err == nil {
		if _, err := o.Published.Version(t.Version); err != nil {
			return o.public.Text
		}
	}
	return newest.Source
}

func (o *Office) rulesInForce() *rules.Set {
	set, _ := o.Policy.Current()
	return set
}

// Consequence is what follows when a version is published.
type Consequence struct {
	Draft   publish.Draft
	Edition *publish.Edition
	Before  *publish.Version // that it follows; nil: it is the first
	Diff    *publish.Difference
	// Adds is what it covers and the one before did not. No approval covers that until its customer has had a new notice.
	Adds publish.Covers
	// Customers is how many have service now: to them a new notice would go. Approved is how many have an approval that stands or
	// waits, and that will not cover the additions.
	Customers, Approved int64
	// Red are the sentences that nothing would keep, or not all that should.
	Red []publish.Kept
}

// Consider tells what would follow if a text were published, and publishes nothing.
//
// cite: P-55, P-56, P-57, 47 CFR 64.2008(c)(2)
func (o *Office) Consider(ctx context.Context, source []byte, effective string, by cpni.ID) (*Consequence, error) {
	d, e, err := o.draftPublic(ctx, source, effective, string(by))
	if err != nil {
		return nil, err
	}
	return o.consequence(ctx, d, e)
}

// Considered tells what would follow from a draft that was proposed.
func (o *Office) Considered(ctx context.Context, d publish.Draft) (*Consequence, error) {
	e, err := o.Published.Drafted(d)
	if err != nil {
		return nil, err
	}
	return o.consequence(ctx, d, e)
}

func (o *Office) consequence(ctx context.Context, d publish.Draft, e *publish.Edition) (*Consequence, error) {
	c := &Consequence{Draft: d, Edition: e}
	if d.Base != "" {
		var err error
		if c.Before, err = o.Published.Version(d.Base); err != nil {
			return nil, err
		}
		diff := publish.Compare(&c.Before.Edition, e)
		c.Diff, c.Adds = &diff, diff.Covers
	}
	var err error
	if c.Customers, c.Approved, err = o.touched(ctx, c.Adds); err != nil {
		return nil, err
	}
	controls, err := o.controls(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range publish.Judge(&publish.Version{Edition: *e, Source: []byte(d.Source)}, controls) {
		if k.Red() {
			c.Red = append(c.Red, k)
		}
	}
	return c, nil
}

// draftPublic drafts a version. A partner that it covers is on the register.
//
// cite: P-15, P-56, 47 CFR 64.2008(c)(2)
func (o *Office) draftPublic(ctx context.Context, source []byte, effective, by string) (publish.Draft, *publish.Edition, error) {
	d, e, err := o.Published.Draft(ctx, source, effective, by)
	if err != nil {
		return d, nil, err
	}
	for _, r := range e.Covers.Recipients {
		if !publish.PartnerID(r) {
			continue
		}
		if _, _, err := o.Partners.Recent(ctx, r); errors.Is(err, partner.ErrNoPartner) {
			return d, nil, cpni.Rejected(publish.CodeConfig, fmt.Sprintf("the public policy covers the recipient %q, which is no class of recipients and no partner on the register", r), []string{"P-15", "P-56"}, "put the partner on the register first, or name a class")
		} else if err != nil {
			return d, nil, err
		}
	}
	return d, e, nil
}

// ProposePublish proposes to publish a text as a version from a day on.
//
// cite: P-55, P-56, P-58
func (o *Office) ProposePublish(ctx context.Context, id cpni.ID, source []byte, effective string, by cpni.ID) (*countersign.Proposal, error) {
	d, e, err := o.draftPublic(ctx, source, effective, string(by))
	if err == nil {
		err = o.hushPublic(ctx, e, by)
	}
	if err != nil {
		return nil, err
	}
	return o.Proposals.Propose(ctx, id, countersign.Publish, d, by)
}

// holdsPublish reports whether a version can still be published as it was proposed.
func (o *Office) holdsPublish(ctx context.Context, d publish.Draft) error {
	if err := o.Published.Holds(ctx, d); err != nil {
		return err
	}
	e, err := o.Published.Drafted(d)
	if err != nil {
		return err
	}
	return o.hushPublic(ctx, e, cpni.ID(d.By))
}

func (o *Office) doPublish(ctx context.Context, tx *store.Tx, d publish.Draft, by string) ([]ledger.Entry, func(context.Context) error, error) {
	entries, taken, err := o.Published.Take(ctx, tx, d, by)
	return entries, func(context.Context) error { taken(); return nil }, err
}

// PublishAdding publishes the newest text again under another name, covering more, without a second person: stories do. So
// that nobody takes the words for others', they stay as they are.
//
// cite: P-56, P-57
func (o *Office) PublishAdding(ctx context.Context, version string, effective time.Time, adds publish.Covers, by string) error {
	source, err := publish.Adding(o.PublicText(), version, adds)
	if err != nil {
		return err
	}
	d, e, err := o.draftPublic(ctx, source, workday.DateIn(effective, o.Zone).String(), by)
	if err == nil {
		err = o.hushPublic(ctx, e, cpni.ID(by))
	}
	if err != nil {
		return err
	}
	var taken func(context.Context) error
	if _, err := o.Ledger.Commit(ctx, func(tx *store.Tx) (entries []ledger.Entry, err error) {
		entries, taken, err = o.doPublish(ctx, tx, d, by)
		return entries, err
	}); err != nil {
		return err
	}
	return taken(ctx)
}

// FacilityVerified reports whether somebody has looked lately enough whether the link to the reporting facility leads there.
//
// cite: P-46, 47 CFR 64.2011(b)
func (o *Office) FacilityVerified(at time.Time) bool {
	day := o.public.Carrier.Verified
	if day.IsZero() {
		return false
	}
	return at.Before(day.Start(o.Zone).Add(o.Policy.Numbers(at).Duration("public-policy", "facility_verified_within")))
}

// controls are what keeps the sentences of the public policy now, on this node.
func (o *Office) controls(ctx context.Context) (publish.Controls, error) {
	now := o.Clock.Now()
	open, err := publish.Unkept(policy.Open)
	if err != nil {
		return publish.Controls{}, err
	}
	n := o.Policy.Numbers(now)
	c := publish.Controls{Rules: o.rulesInForce(), Channels: map[cpni.Via]bool{}, Profile: n.Has, Facts: publish.FactsOf(o.public.Carrier, n), Verified: o.FacilityVerified(now), Open: open}
	for via, channel := range o.Messages.Channels {
		c.Channels[via] = channel != nil
	}
	return c, nil
}

// Keeping is how the version of the public policy that is in force is kept.
type Keeping struct {
	Version *publish.Version // nil: none is in force
	All     []publish.Kept
	Red     int
	// Totals are how often each rule decided since Since, and when last, over the last CountedDays of the carrier's days.
	Totals map[string]watch.Total
	Since  time.Time
	// Acts are when an entry of each kind was last made, among the newest ten thousand.
	Acts map[ledger.Kind]time.Time
	// Told are the stories that cite a clause, when they were last told under a policy of this carrier.
	Told map[string]ToldAt
	// Unkept is since when a sentence has been red, as far as an alert has told of it.
	Unkept map[string]time.Time
}

// ToldAt is what became of the stories that cite a clause when they were last told.
type ToldAt struct {
	Told
	At    time.Time
	Rules string // version under which
}

// CountedDays is over how many of the carrier's days decisions are counted for the public policy: a bounded window of the
// counts of days that Watch keeps, so that the page costs the same however long the ledger is.
const CountedDays = 365

// Keeping tells of each sentence of the public policy in force what keeps it, what is off, and when it was last tested and
// exercised.
//
// cite: P-37, P-55, P-56
func (o *Office) Keeping(ctx context.Context) (*Keeping, error) {
	k := &Keeping{}
	if k.Version, _ = o.Published.Current(o.Clock.Now()); k.Version == nil {
		return k, nil
	}
	controls, err := o.controls(ctx)
	if err != nil {
		return nil, err
	}
	k.All = publish.Judge(k.Version, controls)
	for _, s := range k.All {
		if s.Red() {
			k.Red++
		}
	}
	if k.Totals, k.Since, err = o.Watch.RuleTotals(ctx, CountedDays); err != nil {
		return nil, err
	}
	if k.Acts, err = o.Watch.LastActs(ctx); err != nil {
		return nil, err
	}
	if k.Told, err = o.told(ctx); err != nil {
		return nil, err
	}
	k.Unkept, err = o.unkept(ctx)
	return k, err
}

// Exercised is when something on record last showed a sentence at work: a decision of one of its rules, or an act of one of
// its kinds. Zero: nothing within what is looked at.
//
// cite: P-37, P-55
func (k *Keeping) Exercised(s publish.Kept) time.Time {
	var last time.Time
	for _, r := range s.Rules {
		if at := k.Totals[r].Last; at.After(last) {
			last = at
		}
	}
	for _, a := range s.Sentence.Keepers.Acts {
		if at := k.Acts[ledger.Kind(a)]; at.After(last) {
			last = at
		}
	}
	return last
}

// Tested is the oldest of the last times at which the stories that cite its clauses were told; ok is false when those of one
// of them never were.
func (k *Keeping) Tested(s publish.Kept) (oldest ToldAt, ok bool) {
	for i, c := range s.Sentence.Clauses {
		t, told := k.Told[c]
		if !told {
			return ToldAt{}, false
		}
		if i == 0 || t.At.Before(oldest.At) {
			oldest = t
		}
	}
	return oldest, len(s.Sentence.Clauses) > 0
}

// keepTold keeps what became of the stories, by the clause that they cite.
func (o *Office) keepTold(ctx context.Context, r Rehearsal, under *rules.Set) error {
	now := o.Clock.Now().UnixMicro()
	return o.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, clause := range slices.Sorted(maps.Keys(r.Clauses)) {
			t := r.Clauses[clause]
			if _, err := tx.Exec(ctx, `INSERT INTO clause_told (clause, at, passed, failed, rules) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (clause) DO UPDATE SET at = excluded.at, passed = excluded.passed, failed = excluded.failed, rules = excluded.rules`, clause, now, t.Passed, t.Failed, under.Version()); err != nil {
				return fmt.Errorf("keeping what became of the stories: %w", err)
			}
		}
		return nil
	})
}

// TellStories tells the carrier's stories under the policy in force, and keeps what became of them.
//
// cite: P-37, P-55
func (o *Office) TellStories(ctx context.Context, heard func()) (Rehearsal, error) {
	if o.rehearse == nil {
		return Rehearsal{}, errors.New("this office has no stories to tell")
	}
	set := o.rulesInForce()
	r, err := o.rehearse(ctx, set, heard)
	if err != nil {
		return r, err
	}
	return r, o.keepTold(ctx, r, set)
}

func (o *Office) told(ctx context.Context) (map[string]ToldAt, error) {
	rows, err := o.DB.Reader().Query(ctx, "SELECT clause, at, passed, failed, rules FROM clause_told")
	if err != nil {
		return nil, fmt.Errorf("reading what became of the stories: %w", err)
	}
	defer rows.Close()
	all := map[string]ToldAt{}
	for rows.Next() {
		var clause string
		var at int64
		var t ToldAt
		if err := rows.Scan(&clause, &at, &t.Passed, &t.Failed, &t.Rules); err != nil {
			return nil, fmt.Errorf("reading what became of the stories: %w", err)
		}
		t.At = time.UnixMicro(at).UTC()
		all[clause] = t
	}
	return all, rows.Err()
}

func (o *Office) unkept(ctx context.Context) (map[string]time.Time, error) {
	rows, err := o.DB.Reader().Query(ctx, "SELECT sentence, since FROM unkept_sentence")
	if err != nil {
		return nil, fmt.Errorf("reading which sentences are red: %w", err)
	}
	defer rows.Close()
	all := map[string]time.Time{}
	for rows.Next() {
		var sentence string
		var since int64
		if err := rows.Scan(&sentence, &since); err != nil {
			return nil, fmt.Errorf("reading which sentences are red: %w", err)
		}
		all[sentence] = time.UnixMicro(since).UTC()
	}
	return all, rows.Err()
}

// publishedDue raises an alert when a sentence of the public policy turns red, and when nobody has looked for long whether
// the link to the facility works. What this program does not keep yet is shown and raises none: nobody here can mend it. Of
// several nodes one raises it.
//
// cite: P-37, P-46, P-55, 47 CFR 64.2011(b)
func (o *Office) publishedDue(ctx context.Context) error {
	now := o.Clock.Now()
	v, _ := o.Published.Current(now)
	if v == nil {
		return nil
	}
	controls, err := o.controls(ctx)
	if err != nil {
		return err
	}
	red := map[string]string{}
	for _, k := range publish.Judge(v, controls) {
		if why := k.Operable(); len(why) > 0 {
			red[k.Sentence.ID] = why[0].Says
		}
	}
	known, err := o.unkept(ctx)
	if err != nil {
		return err
	}
	var fresh, mended []string
	for id := range red {
		if _, ok := known[id]; !ok {
			fresh = append(fresh, id)
		}
	}
	for id := range known {
		if _, ok := red[id]; !ok && id != facilityRow {
			mended = append(mended, id)
		}
	}
	_, told := known[facilityRow]
	late := !controls.Verified
	if len(fresh) == 0 && len(mended) == 0 && late == told {
		return nil
	}
	slices.Sort(fresh)
	slices.Sort(mended)
	_, err = o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		var entries []ledger.Entry
		first := func(id, why string) (bool, error) {
			var there string
			err := tx.QueryRow(ctx, "INSERT INTO unkept_sentence (sentence, since, reason) VALUES ($1, $2, $3) ON CONFLICT (sentence) DO NOTHING RETURNING sentence", id, now.UnixMicro(), why).Scan(&there)
			if store.IsNoRow(err) {
				return false, nil // another node was first
			}
			return err == nil, err
		}
		alert := func(code cpni.Code, detail map[string]any) error {
			e, err := o.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Alert, At: now, Actor: watch.Itself, Outcome: cpni.OK, Code: code}, detail)
			entries = append(entries, e)
			return err
		}
		why := map[string]string{}
		for _, id := range fresh {
			turned, err := first(id, red[id])
			if err != nil {
				return nil, fmt.Errorf("keeping which sentences are red: %w", err)
			}
			if turned {
				why[id] = red[id]
			}
		}
		if len(why) > 0 {
			if err := alert(Unkept, map[string]any{"what": "sentences of the public policy are no longer kept: " + strings.Join(slices.Sorted(maps.Keys(why)), ", "), "version": v.Edition.Version, "sentences": why}); err != nil {
				return nil, err
			}
		}
		for _, id := range mended {
			if _, err := tx.Exec(ctx, "DELETE FROM unkept_sentence WHERE sentence = $1", id); err != nil {
				return nil, fmt.Errorf("keeping which sentences are red: %w", err)
			}
		}
		switch {
		case late && !told:
			turned, err := first(facilityRow, "")
			if err != nil {
				return nil, fmt.Errorf("keeping whether the facility's link was looked at: %w", err)
			}
			if turned {
				if err := alert(FacilityUnverified, map[string]any{"what": "nobody has looked lately whether the link to the reporting facility leads there", "verified": o.public.Carrier.Verified.String()}); err != nil {
					return nil, err
				}
			}
		case !late && told:
			if _, err := tx.Exec(ctx, "DELETE FROM unkept_sentence WHERE sentence = $1", facilityRow); err != nil {
				return nil, err
			}
		}
		return entries, nil
	})
	return err
}

// facilityRow stands among the red sentences for the link itself; no sentence can have that id.
const facilityRow = "(facility)"

// needApproval are the purposes for which customers' information is used only with their approval.
var needApproval = []cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing, cpni.InboundMarketing, cpni.WinBack}

// touched counts the customers who have service, and all customers with an approval that stands or waits: none of those
// covers an addition. Purposes that need no approval touch none.
//
// cite: P-56, P-57
func (o *Office) touched(ctx context.Context, adds publish.Covers) (customers, approved int64, err error) {
	q := o.DB.Reader()
	if err := q.QueryRow(ctx, "SELECT count(*) FROM customer WHERE ended = 0").Scan(&customers); err != nil {
		return 0, 0, fmt.Errorf("counting customers: %w", err)
	}
	if len(adds.Recipients)+len(adds.Data) == 0 && !slices.ContainsFunc(adds.Purposes, func(p cpni.Purpose) bool { return slices.Contains(needApproval, p) }) {
		return customers, 0, nil
	}
	err = q.QueryRow(ctx, "SELECT count(DISTINCT customer_id) FROM approval WHERE state IN ($1, $2, $3)", string(cpni.Waiting), string(cpni.OptOutOK), string(cpni.OptInOK)).Scan(&approved)
	if err != nil {
		return 0, 0, fmt.Errorf("counting approvals: %w", err)
	}
	return customers, approved, nil
}
