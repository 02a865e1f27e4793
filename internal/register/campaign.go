package register

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// Campaign is a line of the register of campaigns: what the carrier, an affiliate or a partner has offered with customers'
// information, and to what it was used.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
type Campaign struct {
	ID          cpni.ID          `json:"id"`
	At          time.Time        `json:"at"`                // when it was written down
	Entries     []cpni.ID        `json:"entries,omitempty"` // of the ledger, about it, the oldest first: made, reviewed, launched, stopped
	Title       string           `json:"title,omitempty"`   // by which people know it
	Description string           `json:"description"`
	Whose       string           `json:"whose"` // carrier, or the id of the affiliate or partner whose campaign it is
	State       string           `json:"state"`
	Purpose     cpni.Purpose     `json:"purpose,omitempty"`
	Data        []cpni.DataClass `json:"data"`
	Products    []string         `json:"products"` // with the kind of each
	Recipients  []string         `json:"recipients,omitempty"`
	Channel     string           `json:"channel,omitempty"`
	From        time.Time        `json:"from,omitzero"`
	Until       time.Time        `json:"until,omitzero"`     // zero: it has no end yet
	Audience    string           `json:"audience,omitempty"` // in words
	By          cpni.ID          `json:"by,omitempty"`
	Reviews     []Review         `json:"reviews,omitempty"` // the oldest first
	Included    int              `json:"included"`
	Excluded    int              `json:"excluded"`
	Sent        int              `json:"sent"`
	Over        bool             `json:"over,omitempty"` // the carrier need not keep it any longer
}

// Review is what somebody else has said of a campaign before it began.
//
// cite: P-40, 47 CFR 64.2009(d)
type Review struct {
	By      cpni.ID   `json:"by"`
	At      time.Time `json:"at"`
	Verdict string    `json:"verdict"`
}

// says reports whether the description, or what is offered, holds a text.
func (c Campaign) says(text string) bool {
	return has(text, c.Title, c.Description, strings.Join(c.Products, "\n"))
}

// Called is the title of the campaign, or what it says where it has none.
func (c Campaign) Called() string {
	if c.Title != "" {
		return c.Title
	}
	return c.Description
}

// ends is the moment from which the time is counted for which it is kept: its end, or its last review or making.
func (c Campaign) ends() time.Time {
	at := c.At
	for _, r := range c.Reviews {
		if r.At.After(at) {
			at = r.At
		}
	}
	if c.Until.After(at) {
		at = c.Until
	}
	return at
}

// campaigns gives all campaigns, the newest first.
func (b *Book) campaigns(ctx context.Context) ([]Campaign, error) {
	if b.Parts.Campaigns == nil {
		return nil, nil
	}
	all, err := b.Parts.Campaigns.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading campaigns: %w", err)
	}
	for i := range all {
		all[i].Over = b.over(Campaigns, all[i].ends())
	}
	slices.SortStableFunc(all, func(a, b Campaign) int {
		return cmp.Or(b.At.Truncate(time.Microsecond).Compare(a.At.Truncate(time.Microsecond)), cmp.Compare(b.ID, a.ID))
	})
	return all, nil
}

// Campaigned gives the lines of the register of campaigns, the newest first: those that run, ran or will run in the time that is
// asked for.
//
// cite: P-40, 47 CFR 64.2009(c)
func (b *Book) Campaigned(ctx context.Context, q Query) (Page[Campaign], error) {
	var page Page[Campaign]
	if err := q.tidy(); err != nil {
		return page, err
	}
	var err error
	if page.Size, err = b.asOf(ctx, q.Before.Size); err != nil {
		return page, err
	}
	all, err := b.campaigns(ctx)
	if err != nil {
		return page, err
	}
	for _, c := range all {
		began := c.From
		if began.IsZero() {
			began = c.At
		}
		if !q.behind(c.At, c.ID) || !c.says(q.Text) || !q.spans(began, c.Until) || q.Campaign != "" && q.Campaign != c.ID || q.Purpose != "" && q.Purpose != c.Purpose ||
			q.Recipient != "" && q.Recipient != c.Whose && !slices.Contains(c.Recipients, q.Recipient) {
			continue
		}
		if len(page.Lines) == q.Limit {
			last := page.Lines[q.Limit-1]
			page.Next = Cursor{Size: page.Size, At: last.At.Truncate(time.Microsecond), ID: last.ID}
			break
		}
		if c.Entries == nil {
			if c.Entries, err = b.entriesOf(ctx, c.ID, page.Size); err != nil {
				return page, err
			}
		}
		page.Lines = append(page.Lines, c)
	}
	return page, nil
}

// OneCampaign gives one line of the register of campaigns; ok is false when there is none.
func (b *Book) OneCampaign(ctx context.Context, id cpni.ID) (c Campaign, ok bool, err error) {
	all, err := b.campaigns(ctx)
	if err != nil {
		return c, false, err
	}
	size, err := b.asOf(ctx, 0)
	for _, c := range all {
		if c.ID == id && err == nil {
			if c.Entries == nil {
				c.Entries, err = b.entriesOf(ctx, id, size)
			}
			return c, true, err
		}
	}
	return Campaign{}, false, err
}

// behind reports whether a line that another part keeps stands behind the cursor.
func (q Query) behind(at time.Time, id cpni.ID) bool {
	if at = at.Truncate(time.Microsecond); q.Before.At.IsZero() || at.Before(q.Before.At) {
		return true
	}
	return at.Equal(q.Before.At) && id < q.Before.ID
}
