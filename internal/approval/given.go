package approval

import (
	"context"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/store"
)

// Given is an individual notice that is proven given to a customer.
//
// cite: P-26, P-27, 47 CFR 64.2008(a)(2), 47 CFR 64.2008(b)
type Given struct {
	Notice cpni.ID // the message; one that is given twice counts once
	Run    cpni.ID // the run that it belongs to; "" none
	Kind   string  // OptOut or OptIn
	Via    string  // email, postal, bill-insert, portal, oral
	At     time.Time
	Scopes []string
	Names  []string         // companies that it names
	Data   []cpni.DataClass // classes of information that it names; none: what its scopes need, but for call location
	Wait   int              // days that it prints; 0: the law's
	By     string
	// Contact is that in which an oral notice was read.
	Contact cpni.ID
}

// Mailed reports whether a notice given this way counts from its mailing.
//
// cite: 47 CFR 64.2008(d)(1)(ii)
func Mailed(via string) bool { return via == "postal" || via == "bill-insert" }

// Give records in tx that a notice is proven given: the wait of an opt-out notice begins. What the customer has refused stays
// refused. matures is when silence counts; zero: never. ErrUnchanged of customer: it is on record.
//
// cite: P-26, I-15, 47 CFR 64.2003(l), 47 CFR 64.2008(d)(1)
func (b *Book) Give(ctx context.Context, tx *store.Tx, of cpni.ID, g Given) (matures time.Time, entries []ledger.Entry, err error) {
	if _, there, err := b.noticed(ctx, tx, of, g.Notice); err != nil || there {
		return time.Time{}, nil, err
	}
	now := b.Clock.Now()
	_, entries, err = b.Customers.UpdateTx(ctx, tx, of, func(p *customer.Profile) (customer.Change, error) {
		e := Event{ID: cpni.NewTimedID(now), What: Noticed, At: g.At.UTC(), Recorded: now.UTC(), Via: g.Via, By: g.By, Contact: g.Contact, Notice: g.Notice, Run: g.Run,
			Kind: g.Kind, Scopes: g.Scopes, Names: g.Names, Data: g.Data}
		if g.Kind == OptOut {
			e.Scopes = slices.DeleteFunc(slices.Clone(g.Scopes), func(s string) bool { return s != string(cpni.OwnMarketing) }) // silence allows nothing else
			e.Matures = b.Numbers(now).Usable(g.At, Mailed(g.Via), g.Wait, b.Zones(p, now)...).UTC()
		}
		matures = e.Matures
		detail := map[string]string{"notice": string(g.Notice), "run": string(g.Run), "kind": g.Kind, "via": g.Via, "scopes": strings.Join(e.Scopes, " ")}
		if !matures.IsZero() {
			detail["matures"] = matures.Format(time.RFC3339)
		}
		c := b.move(p, e, detail, nil)
		c.Kind = ledger.Notice
		return c, nil
	})
	return matures, entries, err
}

// Void records in tx that a notice has come back, as somebody told: it counts as not given. used tells whether silence counted already, so that what was
// done meanwhile rested on nothing.
//
// cite: P-26, V40, V41, I-15, 47 CFR 64.2008(d)(3)(iii)
func (b *Book) Void(ctx context.Context, tx *store.Tx, of, notice cpni.ID, code, by string) (used bool, entries []ledger.Entry, err error) {
	given, there, err := b.noticed(ctx, tx, of, notice)
	if err != nil || !there {
		return false, nil, err
	}
	now := b.Clock.Now()
	used = !given.Matures.IsZero() && !now.Before(given.Matures)
	_, entries, err = b.Customers.UpdateTx(ctx, tx, of, func(p *customer.Profile) (customer.Change, error) {
		e := Event{ID: cpni.NewTimedID(now), What: Voided, At: now.UTC(), Recorded: now.UTC(), By: by, Notice: notice, Run: given.Run, Code: code, Via: given.Via}
		c := b.move(p, e, map[string]string{"notice": string(notice), "run": string(given.Run), "via": given.Via, "code": code}, nil)
		c.Kind = ledger.Notice
		if used {
			c.Alerts = func(ctx context.Context, tx *store.Tx, p *customer.Profile) ([]ledger.Entry, error) {
				e, err := b.vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Alert, At: now, Actor: string(cpni.RoleSystem), Outcome: cpni.OK, Code: UsedOnVoid},
					map[string]string{"what": "a notice came back after its wait was over: what was used between rested on nothing", "notice": string(notice), "since": given.Matures.Format(time.RFC3339)})
				return []ledger.Entry{e}, err
			}
		}
		return c, nil
	})
	return used, entries, err
}

// UsedOnVoid is the code of the alert that an approval counted which rested on a notice that has come back.
//
// cite: V41, 47 CFR 64.2008(d)(3)(iii)
const UsedOnVoid cpni.Code = "NOTICE_CAME_BACK"

// Zones are those by whose dates a customer's waits are counted: the carrier's, and where the customer's numbers are at home.
//
// cite: P-26, V36
func (b *Book) Zones(p *customer.Profile, at time.Time) []*time.Location {
	all := []*time.Location{b.Zone}
	for _, l := range p.LiveLines(at) {
		for _, z := range notify.ZonesOf(l.Number, b.Zone) {
			if !slices.ContainsFunc(all, func(o *time.Location) bool { return o.String() == z.String() }) {
				all = append(all, z)
			}
		}
	}
	return all
}
