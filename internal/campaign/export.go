package campaign

import (
	"context"
	"time"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Exporter makes the files that partners get. It looks at each customer again, asks the door for each with the campaign, and writes an
// entry for each, as Export.Question says.
//
// cite: P-15, P-40, P-41, 47 CFR 64.2009(c)
type Exporter interface {
	// Check says, before anybody reviews it, why no such file could be made as things stand: a *cpni.Refusal.
	Check(ctx context.Context, e Export) error
	// Begin puts an export to work, in the transaction that launches its campaign, and gives what else is to be recorded. What cannot
	// be exported is a *cpni.Refusal.
	Begin(ctx context.Context, tx *store.Tx, e Export) ([]ledger.Entry, error)
	// Halt ends the export of a campaign that is stopped, in the transaction that stops it: once that is committed nothing more is
	// written, and what was written is not handed out.
	Halt(ctx context.Context, tx *store.Tx, campaign cpni.ID, by string) ([]ledger.Entry, error)
	// Progress tells how far the export of a campaign has come.
	Progress(ctx context.Context, campaign cpni.ID) (Exported, error)
}

// Export is what is to be exported of a campaign.
type Export struct {
	Campaign cpni.ID
	Title    string
	Partner  string
	Question audience.Question
	Named    []cpni.ID // the customers, where they are named; none: all whom the question takes
	Columns  []string  // of the file, as they were reviewed; none: the usual ones
	By       cpni.ID   // who launched it, for whom the door is asked
	Second   cpni.ID   // who approved it
	Until    time.Time // the first moment after the campaign's last day
}

// Exported is how far an export has come.
type Exported struct {
	Looked   int64               // customers looked at
	Written  int64               // rows, each with an entry of its own
	Excluded map[cpni.Code]int64 // left out at the second look, by code
	Done     bool
	Export   cpni.ID // names the export; "" none has begun
}

func exportOf(c *Campaign, zone *time.Location) Export {
	e := Export{Campaign: c.ID, Title: c.Plan.Name, Partner: c.Plan.To, Columns: c.Plan.Columns, Question: c.Plan.Question(c.Launcher), Named: c.Plan.Named, By: c.Launcher, Until: c.Plan.Ends.End(zone)}
	if c.Review != nil {
		e.Second = c.Review.By
	}
	return e
}
