package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/workday"
)

// What people do with a campaign is refused for one of these reasons, or for want of the right.
var (
	errOther = cpni.Rejected("CONFLICT", "somebody has changed the campaign meanwhile: nothing was done", []string{"P-40"}, "open it again and look at it as it is now")
	errState = cpni.Rejected("CONFLICT", "the campaign is not in a state in which that can be done", []string{"P-40"}, "look at it again: it may have moved on")
	// ErrSelf: who has had a hand in a campaign does not review it.
	ErrSelf        = cpni.Rejected("SELF_REVIEW", "who has drawn up or changed a campaign does not review it", []string{"P-40", "47 CFR 64.2009(d)"}, "let somebody review it who has had no hand in it")
	errNotReviewed = cpni.Rejected("NOT_REVIEWED", "nobody else has approved the campaign as it is now", []string{"P-40", "47 CFR 64.2009(d)"}, "submit it, and have a supervisor review it")
	errNotNow      = cpni.Rejected("CAMPAIGN", "its days are not now", []string{"P-40"}, "launch it on its first day or later, up to its last")
	errRemark      = cpni.Rejected("REASON", "a campaign is sent back with a remark that says why", []string{"P-40", "47 CFR 64.2009(d)"}, "say what has to change")
	errNoExport    = cpni.Rejected("CONFIG", "this server writes no files for partners", []string{"P-41"}, "choose another channel")
	errBusy        = cpni.Rejected("BUSY", "somebody who takes part was changed at this moment", nil, "try again")
)

// longestRemark bounds a remark, in bytes.
const longestRemark = 1000

// act does something to a campaign that exists, by somebody with one of some rights. seen is the version that the person was shown; 0:
// whatever there is. What is refused for want of a right is put on record.
func (g *Register) act(ctx context.Context, id cpni.ID, seen int64, by cpni.ID, rights []staff.Right, what string, do func(tx *store.Tx, c *Campaign) (what, remark string, beside []ledger.Entry, err error)) (*Campaign, error) {
	guard, err := g.barred(ctx, by, rights, what, id)
	if err != nil {
		return nil, err
	}
	var done *Campaign
	_, err = g.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		stale, err := tx.CheckGuards(ctx, []store.Guard{guard})
		if err != nil {
			return nil, err
		}
		if stale[0] {
			return nil, errBusy
		}
		c, err := g.hold(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if seen != 0 && c.Version != seen {
			return nil, errOther
		}
		what, remark, beside, err := do(tx, c)
		if err != nil || what == "" {
			done = c
			return beside, err
		}
		e, err := g.write(ctx, tx, c, what, string(by), remark)
		done = c
		return append([]ledger.Entry{e}, beside...), err
	})
	if err != nil {
		err = plainly(err)
		if errors.Is(err, errBusy) {
			g.Staff.Drop(by)
		}
		var refusal *cpni.Refusal
		if errors.As(err, &refusal) && refusal.Code != "NOT_FOUND" && refusal.Code != "CONFLICT" && refusal.Code != "BUSY" {
			return nil, g.turnAway(ctx, by, refusal, what, id)
		}
		return nil, err
	}
	return done, nil
}

// barred refuses who has none of some rights, and gives the guard that finds out when they no longer have it.
func (g *Register) barred(ctx context.Context, by cpni.ID, rights []staff.Right, what string, id cpni.ID) (store.Guard, error) {
	m, version, err := g.Staff.Recent(ctx, by)
	if errors.Is(err, staff.ErrNone) {
		return store.Guard{}, cpni.Rejected("ROLE", "nobody of the staff asks for this", []string{"P-37"}, "sign in")
	}
	if err != nil {
		return store.Guard{}, err
	}
	if !slices.ContainsFunc(rights, m.May) {
		return store.Guard{}, g.turnAway(ctx, by, m.Barred(rights[0]), what, id)
	}
	return store.Guard{Table: "staff", Key: string(by), Version: version}, nil
}

// turnAway records that somebody was refused, and gives the refusal.
//
// cite: P-40, P-41
func (g *Register) turnAway(ctx context.Context, by cpni.ID, refusal *cpni.Refusal, what string, id cpni.ID) error {
	_, err := g.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := g.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Admin, At: g.Clock.Now(), Actor: string(by), Outcome: refusal.Outcome, Code: refusal.Code},
			map[string]string{"what": what + " turned away", "campaign": string(id), "says": refusal.Says})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return errors.Join(refusal, err)
	}
	return refusal
}

var (
	toMarket = []staff.Right{staff.Market}
	toReview = []staff.Right{staff.ReviewCampaigns}
	toStop   = []staff.Right{staff.Market, staff.ReviewCampaigns}
)

// Draft draws up a campaign. It may be unfinished; what no register takes is refused. id names it; "" a fresh one; one that is there
// already, drawn up by the same person with the same plan, is given again.
//
// cite: P-40, I-11, 47 CFR 64.2009(c)
func (g *Register) Draft(ctx context.Context, id cpni.ID, p Plan, by cpni.ID) (*Campaign, error) {
	now := g.Clock.Now()
	if id == "" {
		id = cpni.NewTimedID(now)
	}
	guard, err := g.barred(ctx, by, toMarket, "campaign", id)
	if err != nil {
		return nil, err
	}
	p.trim()
	if refusal := p.bounded(); refusal != nil {
		return nil, g.turnAway(ctx, by, refusal, "campaign", id)
	}
	hash, err := p.hash()
	if err != nil {
		return nil, err
	}
	if there, err := g.Get(ctx, id); err == nil {
		if there.By == by && there.Hash == hash {
			return there, nil
		}
		return nil, errOther
	}
	c := &Campaign{ID: id, State: Draft, Plan: p, At: now.UTC().Truncate(time.Microsecond), By: by, Authors: []cpni.ID{by}}
	_, err = g.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		c.Version = 0
		stale, err := tx.CheckGuards(ctx, []store.Guard{guard})
		if err != nil {
			return nil, err
		}
		if stale[0] {
			return nil, errBusy
		}
		e, err := g.write(ctx, tx, c, Drafted, string(by), "")
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, plainly(err)
	}
	return c, nil
}

// Change gives a campaign another plan. Whatever has been said of it before, it is a draft again, and needs a review.
//
// cite: P-40, 47 CFR 64.2009(d)
func (g *Register) Change(ctx context.Context, id cpni.ID, seen int64, p Plan, by cpni.ID) (*Campaign, error) {
	p.trim()
	return g.act(ctx, id, seen, by, toMarket, "change of a campaign", func(_ *store.Tx, c *Campaign) (string, string, []ledger.Entry, error) {
		if !c.Open() {
			return "", "", nil, errState
		}
		if refusal := p.bounded(); refusal != nil {
			return "", "", nil, refusal
		}
		hash, err := p.hash()
		if err != nil {
			return "", "", nil, err
		}
		if hash == c.Hash {
			return "", "", nil, nil // nothing has changed, so what was said of it stands
		}
		if c.State == Approved { // from here on it has new authors: of what was approved nobody asks any more who wrote it
			c.Authors = nil
		}
		if p.Edition == c.Plan.Edition {
			p.Edition = "" // its words are made when it is submitted again
		}
		c.Plan, c.State = p, Draft
		c.joins(by)
		return Changed, "", nil, nil
	})
}

// joins adds somebody to those who have had a hand in the campaign.
func (c *Campaign) joins(by cpni.ID) {
	if !slices.Contains(c.Authors, by) {
		c.Authors = append(c.Authors, by)
	}
}

// Submit puts a campaign before somebody else. What has to be on record must be there; a script is tried in every language, and a
// request for approval gets its words, so that exactly they are reviewed. An affiliate's campaign is recorded by it, and that is all.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (g *Register) Submit(ctx context.Context, id cpni.ID, seen int64, by cpni.ID) (*Campaign, error) {
	before, err := g.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := g.hush(ctx, before, by, false); err != nil {
		return nil, g.refused(ctx, by, err, "campaign submitted", id)
	}
	edition := ""
	if before.Plan.Kind == ApprovalRequest && before.Plan.whole(g.today()) == nil {
		s, _, err := g.ask(ctx, before)
		if err == nil {
			s, err = g.Notices.Worded(ctx, s)
		}
		if err != nil {
			return nil, g.refused(ctx, by, err, "campaign submitted", id)
		}
		edition = s.Edition
	}
	if before.Plan.Channel == ByExport && g.Exporter != nil && before.Plan.whole(g.today()) == nil && g.recipient(ctx, before.Plan.To) == nil {
		if err := g.Exporter.Check(ctx, exportOf(before, g.Zone)); err != nil {
			return nil, g.refused(ctx, by, err, "campaign submitted", id)
		}
	}
	return g.act(ctx, id, seen, by, toMarket, "campaign submitted", func(_ *store.Tx, c *Campaign) (string, string, []ledger.Entry, error) {
		if c.State != Draft && c.State != Returned {
			return "", "", nil, errState
		}
		if c.Hash != before.Hash {
			return "", "", nil, errOther
		}
		if refusal := c.Plan.whole(g.today()); refusal != nil {
			return "", "", nil, refusal
		}
		if err := g.recipient(ctx, c.Plan.To); err != nil {
			return "", "", nil, err
		}
		if c.Plan.Kind == Affiliate {
			c.State = Recorded
			c.joins(by)
			return string(Recorded), "", nil, nil
		}
		if err := g.written(c.Plan); err != nil {
			return "", "", nil, err
		}
		c.Plan.Edition, c.State = edition, Submitted
		c.joins(by)
		return string(Submitted), "", nil, nil
	})
}

func (g *Register) today() workday.Date { return workday.DateIn(g.Clock.Now(), g.Zone) }

// refused puts a refusal on record and gives it back.
func (g *Register) refused(ctx context.Context, by cpni.ID, err error, what string, id cpni.ID) error {
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return g.turnAway(ctx, by, refusal, what, id)
	}
	return err
}

// recipient refuses who is on no register.
//
// cite: P-15, P-40
func (g *Register) recipient(ctx context.Context, to string) error {
	if to == string(cpni.ToCarrier) {
		return nil
	}
	_, _, err := g.Partners.Get(ctx, to)
	if errors.Is(err, partner.ErrNoPartner) {
		return lacks("who is to see the information is not on the register of partners", "have compliance put the company on the register first")
	}
	return err
}

// written tries the script in every language.
//
// cite: P-27, P-40
func (g *Register) written(p Plan) error {
	if p.Kind != Marketing || !p.Channel.Writes() || g.Try == nil {
		return nil
	}
	for _, language := range Languages {
		if err := g.Try(cpni.Via(p.Channel), language, p.Scripts[language]); err != nil {
			return err
		}
	}
	return nil
}

// Approve agrees to a campaign exactly as the person was shown it, or Return sends it back with a remark.
//
// cite: P-40, 47 CFR 64.2009(d)
func (g *Register) Approve(ctx context.Context, id cpni.ID, seen int64, by cpni.ID, remark string) (*Campaign, error) {
	return g.review(ctx, id, seen, by, remark, true)
}

// Return sends a campaign back to who has drawn it up.
//
// cite: P-40, 47 CFR 64.2009(d)
func (g *Register) Return(ctx context.Context, id cpni.ID, seen int64, by cpni.ID, remark string) (*Campaign, error) {
	return g.review(ctx, id, seen, by, remark, false)
}

func (g *Register) review(ctx context.Context, id cpni.ID, seen int64, by cpni.ID, remark string, agrees bool) (*Campaign, error) {
	remark = strings.TrimSpace(remark)
	c, err := g.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if slices.Contains(c.Authors, by) { // whatever they may otherwise
		return nil, g.turnAway(ctx, by, ErrSelf, "review of a campaign", id)
	}
	if agrees {
		if err := g.hush(ctx, c, by, false); err != nil {
			return nil, g.refused(ctx, by, err, "review of a campaign", id)
		}
	}
	return g.act(ctx, id, seen, by, toReview, "review of a campaign", func(_ *store.Tx, c *Campaign) (string, string, []ledger.Entry, error) {
		switch {
		case slices.Contains(c.Authors, by):
			return "", "", nil, ErrSelf
		case c.State != Submitted:
			return "", "", nil, errState
		case !agrees && remark == "":
			return "", "", nil, errRemark
		case len(remark) > longestRemark || !utf8.ValidString(remark):
			return "", "", nil, cpni.Rejected("BAD_INPUT", "the remark is too long", []string{"P-40"}, fmt.Sprintf("say it in %d letters", longestRemark))
		}
		if agrees { // between submitting and this the days may have passed, or a partner have left the register
			if refusal := c.Plan.whole(g.today()); refusal != nil {
				return "", "", nil, refusal
			}
			if err := g.recipient(ctx, c.Plan.To); err != nil {
				return "", "", nil, err
			}
		}
		c.Review = &Review{By: by, At: g.Clock.Now().UTC().Truncate(time.Microsecond), Approved: agrees, Remark: remark, Plan: c.Plan, Hash: c.Hash}
		if c.State = Returned; agrees {
			c.State = Approved
		}
		return string(c.State), remark, nil, nil
	})
}

// Launch has an approved campaign go out, for the person who launches it. A request for approval becomes a notice run to its audience;
// of a campaign that goes to a partner the exporter makes the file.
//
// cite: P-40, 47 CFR 64.2009(d)
func (g *Register) Launch(ctx context.Context, id cpni.ID, seen int64, by cpni.ID) (*Campaign, error) {
	before, err := g.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := g.hush(ctx, before, by, false); err != nil {
		return nil, g.refused(ctx, by, err, "campaign launched", id)
	}
	now := g.Clock.Now()
	expected, s, l := int64(0), notice.Spec{}, notice.Launch{}
	if before.Approved() && before.State == Approved {
		if before.Plan.Kind == ApprovalRequest {
			if s, l, err = g.ask(ctx, before); err != nil {
				return nil, g.refused(ctx, by, err, "campaign launched", id)
			}
			l.By = by
			if expected, err = g.inService(ctx, before.Plan.Named); err != nil {
				return nil, err
			}
		} else {
			counts, err := g.Count(ctx, &before.Plan, by)
			if err != nil {
				return nil, err
			}
			expected = int64(counts.Included)
		}
	}
	return g.act(ctx, id, seen, by, toMarket, "campaign launched", func(tx *store.Tx, c *Campaign) (string, string, []ledger.Entry, error) {
		switch {
		case c.Plan.Kind == Affiliate || c.State.Over() || c.State == Launched || c.State == Paused:
			return "", "", nil, errState
		case c.State != Approved || !c.Approved():
			return "", "", nil, errNotReviewed
		case c.Hash != before.Hash:
			return "", "", nil, errOther
		case now.Before(c.Plan.Starts.Start(g.Zone)) || !now.Before(c.Plan.Ends.End(g.Zone)):
			return "", "", nil, errNotNow
		case c.Plan.Channel == ByExport && g.Exporter == nil:
			return "", "", nil, errNoExport
		}
		c.State, c.Launcher, c.Launch = Launched, by, now.UTC().Truncate(time.Microsecond)
		var beside []ledger.Entry
		done := 0
		switch {
		case c.Plan.Kind == ApprovalRequest:
			run, entries, err := g.Notices.LaunchTx(ctx, tx, s, l, string(c.Review.By), expected)
			if err != nil {
				return "", "", nil, err
			}
			c.Run, beside, done = run.ID, entries, 1 // the run does the rest
		case c.Plan.Channel == ByExport:
			entries, err := g.Exporter.Begin(ctx, tx, exportOf(c, g.Zone))
			if err != nil {
				return "", "", nil, err
			}
			beside, done = entries, 1
		}
		_, err := tx.Exec(ctx, "INSERT INTO campaign_work (campaign_id, place, looked, expected, done, held, claim, claimed) VALUES ($1, '', 0, $2, $3, '', '', 0)", string(c.ID), expected, done)
		if err != nil {
			return "", "", nil, fmt.Errorf("launching a campaign: %w", err)
		}
		return string(Launched), "", beside, nil
	})
}

// inService counts the customers whom a request for approval looks at: those who are named, or all who are in service.
func (g *Register) inService(ctx context.Context, named []cpni.ID) (n int64, err error) {
	if len(named) > 0 {
		return int64(len(named)), nil
	}
	if err = g.DB.Reader().QueryRow(ctx, "SELECT count(*) FROM customer WHERE ended = 0 OR ended > $1", g.Clock.Now().UnixMicro()).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting customers: %w", err)
	}
	return n, nil
}

// Pause holds a campaign: what has not gone waits.
//
// cite: P-40, P-41
func (g *Register) Pause(ctx context.Context, id cpni.ID, by cpni.ID) (*Campaign, error) {
	return g.act(ctx, id, 0, by, toStop, "campaign paused", func(tx *store.Tx, c *Campaign) (string, string, []ledger.Entry, error) {
		if c.State != Launched || c.Plan.Channel == ByExport {
			return "", "", nil, errState
		}
		c.State = Paused
		beside, err := g.run(ctx, tx, c, notice.Paused, string(by))
		return string(Paused), "", beside, err
	})
}

// Resume lets a paused campaign, or one that waits for somebody who may use the information, go on where it was, for the person who
// resumes it.
//
// cite: P-40, P-41
func (g *Register) Resume(ctx context.Context, id cpni.ID, by cpni.ID) (*Campaign, error) {
	return g.act(ctx, id, 0, by, toMarket, "campaign resumed", func(tx *store.Tx, c *Campaign) (string, string, []ledger.Entry, error) {
		if c.State != Paused && c.State != Launched {
			return "", "", nil, errState
		}
		if _, err := tx.Exec(ctx, "UPDATE campaign_work SET held = '' WHERE campaign_id = $1", string(c.ID)); err != nil {
			return "", "", nil, fmt.Errorf("resuming a campaign: %w", err)
		}
		was := c.State
		c.State, c.Launcher = Launched, by
		if was == Launched {
			return Resumed, "", nil, nil
		}
		beside, err := g.run(ctx, tx, c, notice.Running, string(by))
		return Resumed, "", beside, err
	})
}

// Stop ends a campaign for good, at once: once it has answered, nothing goes out that had not gone.
//
// cite: P-40, P-41
func (g *Register) Stop(ctx context.Context, id cpni.ID, by cpni.ID) (*Campaign, error) {
	return g.act(ctx, id, 0, by, toStop, "campaign stopped", func(tx *store.Tx, c *Campaign) (string, string, []ledger.Entry, error) {
		if c.State != Launched && c.State != Paused {
			return "", "", nil, errState
		}
		c.State = Stopped
		if err := g.hasten(ctx, tx, c.ID); err != nil {
			return "", "", nil, err
		}
		beside, err := g.halt(ctx, tx, c, string(by))
		return string(Stopped), "", beside, err
	})
}

// hasten has what waits of a campaign looked at now: nothing of one that is over goes, and it need not wait for a morning to be known.
func (g *Register) hasten(ctx context.Context, tx *store.Tx, id cpni.ID) error {
	_, err := tx.Exec(ctx, `UPDATE message SET due = $1 WHERE state = 'queued' AND due > $1 AND kind = $2 AND EXISTS
		(SELECT 1 FROM campaign_member b WHERE b.campaign_id = $3 AND b.state = $4 AND b.customer_id = message.customer_id AND b.message_id = message.message_id)`,
		g.Clock.Now().UnixMicro(), notify.Campaign, string(id), WithPlanned)
	if err != nil {
		return fmt.Errorf("looking at the messages of a campaign: %w", err)
	}
	return nil
}

// halt ends what goes out elsewhere for the campaign.
func (g *Register) halt(ctx context.Context, tx *store.Tx, c *Campaign, by string) ([]ledger.Entry, error) {
	if c.Plan.Channel == ByExport && g.Exporter != nil {
		return g.Exporter.Halt(ctx, tx, c.ID, by)
	}
	return g.run(ctx, tx, c, notice.Stopped, by)
}

// run has the notice run of a request for approval follow the campaign.
func (g *Register) run(ctx context.Context, tx *store.Tx, c *Campaign, to notice.RunState, by string) ([]ledger.Entry, error) {
	if c.Run == "" {
		return nil, nil
	}
	return g.Notices.MoveTx(ctx, tx, c.Run, by, to)
}

// ask is the notice run of a request for approval.
//
// cite: P-15, P-26, P-40, 47 CFR 64.2008(c)(2), 47 CFR 64.2009(d)
func (g *Register) ask(ctx context.Context, c *Campaign) (notice.Spec, notice.Launch, error) {
	p := &c.Plan
	s := notice.Spec{Kind: approval.OptIn, Purposes: []cpni.Purpose{p.Purpose}, Data: p.Uses, Ways: []string{string(p.Channel)}, Edition: p.Edition}
	if p.Channel == ByEmail {
		s.Ways = append(s.Ways, notice.ByPostal) // whoever has not agreed to e-mail gets a letter
	}
	if p.Silence {
		s.Kind = approval.OptOut
	}
	if p.To != string(cpni.ToCarrier) {
		to, _, err := g.Partners.Get(ctx, p.To)
		if errors.Is(err, partner.ErrNoPartner) {
			err = lacks("who is to receive on a yes is not on the register of partners", "have compliance put the company on the register first")
		}
		if err != nil {
			return s, notice.Launch{}, err
		}
		s.Recipients = []notice.Recipient{{ID: to.ID, Name: to.Called(), Class: to.Class}}
	}
	l := notice.Launch{Title: p.Name, Audience: notice.Audience{Who: notice.Everyone, Having: p.Filter.Has, Campaign: c.ID}, By: c.Launcher}
	if len(p.Named) > 0 {
		l.Audience.Who, l.Audience.Customers = notice.ThoseOf, p.Named
	}
	_, err := g.Notices.Check(s, l)
	return s, l, err
}
