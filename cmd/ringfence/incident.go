package main

import (
	"fmt"
	"os"
	"time"

	"ringfence/internal/breach/bundle"
)

type verifyIncidentCommand struct {
	File string `arg:"" type:"existingfile" help:"The bundle of an incident, as the carrier has handed it over."`
	Key  string `placeholder:"KEY" help:"The ledger's public key, which its carrier publishes."`
}

// Run verifies the bundle of an incident without asking anybody, names whatever does not fit, and ends with 1 when anything does not.
//
// cite: P-41, P-51, 47 CFR 64.2011(d)
func (c *verifyIncidentCommand) Run(s streams) error {
	if c.Key == "" {
		return errNoKey
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, err := bundle.Verify(f, info.Size(), c.Key)
	if err != nil {
		return err
	}
	i := r.Incident
	if !r.OK() {
		fmt.Fprintln(s.out, "The bundle does NOT hold.")
		for _, x := range r.Faults {
			fmt.Fprintf(s.out, "  %s\n", x)
		}
		return errSilent
	}
	what := "incident"
	if i.Exercise {
		what = "rehearsal"
	}
	_, err = fmt.Fprintf(s.out, "The bundle holds. It is the file of %s %s (%s), made at %s and signed with the key of %s.\nEach of its %d steps stands in the log, of which %d entries were signed, as it stands here. Its %d papers are those that the steps name.\n",
		what, i.Number, i.ID, i.Made.Format(time.RFC3339), i.Log, r.Proved, r.Tree, r.Papers)
	return err
}
