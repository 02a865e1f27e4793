package main

import (
	"context"
	"fmt"

	"ringfence/internal/audience"
	"ringfence/internal/server"
)

type checkCommand struct {
	Audience checkAudienceCommand `cmd:"" help:"Read every customer, and compare what audiences are found by."`
}

type checkAudienceCommand struct {
	configured
	Rebuild bool `help:"Also keep what was read, in the place of what is kept; a difference is then an alert on record."`
}

// Run compares and ends with 1 when anything differs. With PostgreSQL servers may go on meanwhile.
//
// cite: I-19
func (c *checkAudienceCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		if err := o.Audience.Begin(ctx); err != nil && !c.Rebuild {
			return err
		}
		check := o.Audience.Check
		if c.Rebuild {
			check = o.Audience.Build
		}
		found, err := check(ctx, func(customers int) { fmt.Fprintf(s.err, "\r%d customers read", customers) })
		fmt.Fprintln(s.err)
		if err != nil {
			return err
		}
		return sayFound(s, found)
	})
}

func sayFound(s streams, found audience.Built) error {
	if found.Bytes > 0 {
		fmt.Fprintf(s.out, "Kept: %d customers in %d parts, %d MiB.\n", found.Customers, found.Parts, found.Bytes>>20)
	}
	switch {
	case !found.Compared:
		_, err := fmt.Fprintln(s.out, "There was nothing to compare with.")
		return err
	case found.Differ+found.Misfiled > 0:
		fmt.Fprintf(s.out, "%d customers were read. Of %d something else was kept than their records say, and %d were in wrong sets.\n", found.Customers, found.Differ, found.Misfiled)
		return errSilent
	}
	_, err := fmt.Fprintf(s.out, "%d customers were read, and what audiences are found by says the same of every one.\n", found.Customers)
	return err
}
