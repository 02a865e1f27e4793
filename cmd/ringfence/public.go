package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"ringfence/internal/publish"
	"ringfence/internal/server"
)

type publicCommand struct {
	Check    publicCheckCommand    `cmd:"" help:"Read a text of the public policy, and say what is wrong with it; without a file, the one that is built in."`
	Show     publicShowCommand     `cmd:"" help:"Print a version of the public policy: the one in force, or the one that is named."`
	Versions publicVersionsCommand `cmd:"" help:"List the versions that were published."`
	Changes  publicChangesCommand  `cmd:"" help:"Print what changed from one version to another, sentence by sentence."`
	Kept     publicKeptCommand     `cmd:"" help:"List the sentences of the version in force that nothing keeps, or not wholly; exits 1 when there are any that somebody here can mend."`
	Test     publicTestCommand     `cmd:"" help:"Tell the carrier's scenarios under the policy in force, and keep when those of each clause were last told and what came of it."`
}

type publicCheckCommand struct {
	File   string `arg:"" optional:"" type:"existingfile" help:"A text in the form of policy/public/policy.yaml."`
	Policy string `placeholder:"DIR" type:"existingdir" help:"The folder of the policy by whose clauses and rules it is judged (default: the built-in one)."`
}

// Run reads a text.
//
// cite: P-55, P-56
func (c *publicCheckCommand) Run(s streams) error {
	config := server.Config{Policy: c.Policy}
	set, err := config.ReadPolicy()
	if err != nil {
		return err
	}
	var t *publish.Text
	if c.File == "" {
		t, err = publish.ReadFS(config.PolicyFiles(), set)
	} else {
		var source []byte
		if source, err = os.ReadFile(c.File); err != nil {
			return err
		}
		t, err = publish.Read(source, set)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "The text is sound: version %s, %d sentences in %s. It covers %d purposes, %d recipients and %d kinds of information.\n", t.Version, len(t.Sentences()), strings.Join(publish.Languages, " and "),
		len(t.Covers.Purposes), len(t.Covers.Recipients), len(t.Covers.Data))
	return err
}

type publicShowCommand struct {
	configured
	Version  string `arg:"" optional:"" help:"The version."`
	Language string `enum:"en,es" default:"en" help:"en or es."`
}

// Run prints a version.
func (c *publicShowCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		v, _ := o.Published.Current(o.Clock.Now())
		if c.Version != "" {
			var err error
			if v, err = o.Published.Version(c.Version); err != nil {
				return err
			}
		}
		if v == nil {
			return publish.ErrNone
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n%s, %s\n", v.Title.In(c.Language), v.Version, v.Effective.In(o.Zone).Format(time.DateOnly))
		for _, section := range v.Sections {
			fmt.Fprintf(&b, "\n%s\n", section.Title.In(c.Language))
			for _, x := range section.Sentences {
				fmt.Fprintf(&b, "  %s\n    [%s %s]\n", x.In(c.Language), x.ID, strings.Join(x.Clauses, " "))
			}
		}
		_, err := fmt.Fprint(s.out, b.String())
		return err
	})
}

type publicVersionsCommand struct{ configured }

// Run lists the versions.
func (c *publicVersionsCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		current, _ := o.Published.Current(o.Clock.Now())
		for _, v := range o.Published.Versions() {
			mark := " "
			if v == current {
				mark = "*"
			}
			if _, err := fmt.Fprintf(s.out, "%s %-20s in force from %s, published %s, hash %s, record %s\n", mark, v.Version, v.Effective.In(o.Zone).Format(time.DateOnly), v.At.Format(time.RFC3339), v.Hash, v.Record); err != nil {
				return err
			}
		}
		return nil
	})
}

type publicChangesCommand struct {
	configured
	From     string `arg:"" help:"The version before."`
	To       string `arg:"" help:"The version after."`
	Language string `enum:"en,es" default:"en" help:"en or es."`
}

// Run prints what changed: words that went stand in [-…-], words that came in {+…+}.
func (c *publicChangesCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		d, err := o.Published.Diff(c.From, c.To)
		if err != nil {
			return err
		}
		var b strings.Builder
		for _, x := range d.Changes {
			fmt.Fprintf(&b, "%s %s:", x.Kind, x.ID)
			for _, p := range x.Pieces(c.Language) {
				switch p.Fate {
				case publish.Added:
					fmt.Fprintf(&b, " {+%s+}", p.Text)
				case publish.Removed:
					fmt.Fprintf(&b, " [-%s-]", p.Text)
				default:
					fmt.Fprintf(&b, " %s", p.Text)
				}
			}
			b.WriteString("\n")
		}
		if !d.Covers.None() {
			fmt.Fprintf(&b, "now covers also: %v %v %v\n", d.Covers.Purposes, d.Covers.Recipients, d.Covers.Data)
		}
		if !d.NoLonger.None() {
			fmt.Fprintf(&b, "no longer covers: %v %v %v\n", d.NoLonger.Purposes, d.NoLonger.Recipients, d.NoLonger.Data)
		}
		fmt.Fprintf(&b, "%d sentences are alike\n", d.Same)
		_, err = fmt.Fprint(s.out, b.String())
		return err
	})
}

type publicKeptCommand struct{ configured }

// Run lists what is red.
//
// cite: P-37, P-55
func (c *publicKeptCommand) Run(ctx context.Context, s streams) error {
	mend := 0
	config, err := c.read()
	if err != nil {
		return err
	}
	err = c.with(ctx, func(o *server.Opened) error {
		if err := config.Reaches(o.Office); err != nil {
			return err
		}
		k, err := o.Keeping(ctx)
		if err != nil {
			return err
		}
		for _, x := range k.All {
			for _, r := range x.Reasons {
				if _, err := fmt.Fprintf(s.out, "%s: %s\n", x.Sentence.ID, r.Says); err != nil {
					return err
				}
			}
			if len(x.Operable()) > 0 {
				mend++
			}
		}
		_, err = fmt.Fprintf(s.out, "%d of %d sentences are red, %d of them for a reason that can be mended here.\n", k.Red, len(k.All), mend)
		return err
	})
	if err == nil && mend > 0 {
		err = fmt.Errorf("%d sentences of the public policy are not kept", mend)
	}
	return err
}

type publicTestCommand struct{ configured }

// Run tells the scenarios.
//
// cite: P-37, P-55
func (c *publicTestCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(o *server.Opened) error {
		r, err := o.TellStories(ctx, func() {})
		if err != nil {
			return err
		}
		for _, f := range r.Failed {
			fmt.Fprintln(s.out, f)
		}
		fmt.Fprintf(s.out, "%d passed, %d failed, of %d clauses; kept on record.\n", r.Passed, len(r.Failed), len(r.Clauses))
		if len(r.Failed) > 0 {
			return fmt.Errorf("%d scenarios failed", len(r.Failed))
		}
		return nil
	})
}
