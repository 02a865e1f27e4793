package certificate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"ringfence/internal/cpni"
)

// Folder of the policy's files that holds the list of obligations and the words of claims.
const Folder = "certificate"

// List is what a certificate has to answer for, and in which words, as the policy has it.
type List struct {
	obligations []obligation
	words       words
}

// obligation is one row of the list.
type obligation struct {
	ID       string    `yaml:"id"`
	Title    string    `yaml:"title"`
	Clauses  []string  `yaml:"clauses"`
	Cites    []string  `yaml:"cites"`
	Source   string    `yaml:"source"`
	Says     []said    `yaml:"says"` // what the records show, whether or not it was kept
	Kept     string    `yaml:"kept"` // what is claimed; it gives way to what the gaps say
	Gaps     []gap     `yaml:"gaps"`
	Evidence []address `yaml:"evidence"`
	Topics   []string  `yaml:"topics"` // words by which sentences speak of it
}

// said is a sentence that stands where its condition holds.
type said struct {
	When condition `yaml:"when"`
	Text sentence  `yaml:"text"`
}

// gap is a condition under which something was not kept.
type gap struct {
	ID       string      `yaml:"id"`
	When     condition   `yaml:"when"`
	Alerts   []cpni.Code `yaml:"alerts"` // unanswered ones of these codes are a gap: {alerts} of them
	Says     sentence    `yaml:"says"`
	Evidence []address   `yaml:"evidence"`
}

type address struct {
	Says string `yaml:"says"`
	At   string `yaml:"at"`
}

var goodID = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// There reports whether files hold a list of their own.
func There(files fs.FS) bool {
	_, err := fs.Stat(files, Folder)
	return !errors.Is(err, fs.ErrNotExist)
}

// Load reads the list of a policy's files. clauses are those of the policy: an obligation stands under one of them.
func Load(files fs.FS, clauses []string) (*List, error) {
	l := &List{}
	if err := read(files, "obligations.yaml", &l.obligations); err != nil {
		return nil, err
	}
	if err := read(files, "words.yaml", &l.words); err != nil {
		return nil, err
	}
	if len(l.obligations) == 0 {
		return nil, fmt.Errorf("%s/obligations.yaml: there is no obligation", Folder)
	}
	seen := map[string]bool{}
	for _, o := range l.obligations {
		if err := o.check(clauses); err != nil {
			return nil, fmt.Errorf("%s/obligations.yaml: %q: %w", Folder, o.ID, err)
		}
		if seen[o.ID] {
			return nil, fmt.Errorf("%s/obligations.yaml: %q stands there twice", Folder, o.ID)
		}
		seen[o.ID] = true
	}
	return l, l.words.check()
}

func read(files fs.FS, name string, to any) error {
	text, err := fs.ReadFile(files, Folder+"/"+name)
	if err != nil {
		return fmt.Errorf("reading what certificates say: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(text, to, yaml.Strict()); err != nil {
		return fmt.Errorf("%s/%s: %s", Folder, name, yaml.FormatError(err, false, true))
	}
	return nil
}

func (o *obligation) check(clauses []string) error {
	switch {
	case !goodID.MatchString(o.ID):
		return errors.New("its id is a word of small letters, digits and hyphens")
	case o.Title == "" || o.Source == "" || len(o.Cites) == 0 || len(o.Evidence) == 0 || len(o.Says) == 0 || len(o.Clauses) == 0:
		return errors.New("title, clauses, cites, source, says and evidence are needed")
	}
	for _, c := range o.Clauses {
		if !slices.Contains(clauses, c) {
			return fmt.Errorf("there is no clause %s", c)
		}
	}
	for _, g := range o.Gaps {
		if !goodID.MatchString(g.ID) || g.Says == "" || g.When == "" == (len(g.Alerts) == 0) {
			return fmt.Errorf("the gap %q has an id, words, and either a condition or alerts", g.ID)
		}
	}
	for _, a := range o.addresses() {
		if a.Says == "" || !strings.HasPrefix(a.At, "/") {
			return fmt.Errorf("evidence %q stands at an address of the console", a.Says)
		}
	}
	return nil
}

func (o *obligation) addresses() []address {
	all := slices.Clone(o.Evidence)
	for _, g := range o.Gaps {
		all = append(all, g.Evidence...)
	}
	return all
}

// Fits reports what the list asks of sources that they do not give. An office does not open with such a list.
func (l *List) Fits(sources []Source) error {
	by := map[string]Source{}
	for _, s := range sources {
		by[s.Name] = s
	}
	for _, o := range l.obligations {
		s, ok := by[o.Source]
		if !ok {
			return fmt.Errorf("%s: there is no source %q", o.ID, o.Source)
		}
		uses := sentence(o.Kept).names()
		for _, x := range o.Says {
			uses = append(append(uses, x.When.names()...), x.Text.names()...)
		}
		for _, g := range o.Gaps {
			for _, name := range g.Says.names() {
				if name != Alerts || len(g.Alerts) == 0 {
					uses = append(uses, name)
				}
			}
			uses = append(uses, g.When.names()...)
		}
		for _, name := range uses {
			if !slices.Contains(s.Values, name) && name != "year" {
				return fmt.Errorf("%s: the source %s gives no %q", o.ID, o.Source, name)
			}
		}
		if err := o.parses(); err != nil {
			return fmt.Errorf("%s: %w", o.ID, err)
		}
	}
	return nil
}

// parses reports a condition that cannot be read.
func (o *obligation) parses() error {
	all := []condition{}
	for _, x := range o.Says {
		all = append(all, x.When)
	}
	for _, g := range o.Gaps {
		all = append(all, g.When)
	}
	for _, c := range all {
		if _, err := c.holds(Values{}); err != nil {
			return err
		}
	}
	return nil
}

// Codes are the codes of alerts that are gaps while nobody has answered them.
func (l *List) Codes() (all []cpni.Code) {
	for _, o := range l.obligations {
		for _, g := range o.Gaps {
			all = append(all, g.Alerts...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// answer asks the sources and writes what they show.
func (l *List) answer(ctx context.Context, p Period, sources []Source, unanswered Unanswered) ([]Obligation, error) {
	open, err := unanswered(ctx, p)
	if err != nil {
		return nil, err
	}
	told := map[string]Values{}
	var all []Obligation
	for _, o := range l.obligations {
		v, ok := told[o.Source]
		if !ok {
			i := slices.IndexFunc(sources, func(s Source) bool { return s.Name == o.Source })
			if i < 0 {
				return nil, fmt.Errorf("there is no source %q", o.Source)
			}
			if v, err = sources[i].Ask(ctx, p); err != nil {
				return nil, fmt.Errorf("asking what the records show (%s): %w", o.Source, err)
			}
			v.Set("year", int64(p.Year))
			told[o.Source] = v
		}
		x, err := o.answer(v, open)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.ID, err)
		}
		all = append(all, x)
	}
	return all, nil
}

func (o *obligation) answer(v Values, open map[cpni.Code]int64) (Obligation, error) {
	out := Obligation{ID: o.ID, Title: o.Title, Clauses: o.Clauses, Cites: o.Cites, Evidence: links(o.Evidence, v)}
	var text []string
	for _, x := range o.Says {
		holds, err := x.When.holds(v)
		if err != nil {
			return out, err
		}
		if holds {
			text = append(text, capital(x.Text.fill(v)))
		}
	}
	for _, g := range o.Gaps {
		values, holds := v, false
		if len(g.Alerts) > 0 {
			values = Values{}
			for name, x := range v {
				values[name] = x
			}
			var n int64
			for _, code := range g.Alerts {
				n += open[code]
			}
			values.Set(Alerts, n)
			holds = n > 0
		} else {
			var err error
			if holds, err = g.When.holds(v); err != nil {
				return out, err
			}
		}
		if holds {
			evidence := links(g.Evidence, v)
			if len(evidence) == 0 {
				evidence = out.Evidence
			}
			out.Gaps = append(out.Gaps, Gap{ID: o.ID + "/" + g.ID, Obligation: o.ID, Says: capital(g.Says.fill(values)), Evidence: evidence, Topics: o.Topics})
		}
	}
	out.says, out.kept = text, capital(sentence(o.Kept).fill(v))
	out.write()
	return out, nil
}

// write puts the sentence together: what is claimed gives way to what was not kept.
func (x *Obligation) write() {
	text := slices.Clone(x.says)
	if len(x.Gaps) == 0 && x.kept != "" {
		text = append(text, x.kept)
	}
	for _, g := range x.Gaps {
		text = append(text, g.Says)
	}
	x.Sentence = strings.Join(text, " ")
}

// keeping adds what the program knows of the clauses of an obligation: when they were last tested, and which of the rules that keep them are
// not in force.
//
// cite: P-37, 47 CFR 64.2009(e)
func (l *List) keeping(x *Obligation, k Keeping, zone *time.Location) {
	var topics []string
	for _, o := range l.obligations {
		if o.ID == x.ID {
			topics = o.Topics
		}
	}
	add := func(id, says, at string) {
		x.Gaps = append(x.Gaps, Gap{ID: x.ID + "/" + id, Obligation: x.ID, Says: says, Evidence: []Link{{"What keeps each sentence", at}}, Topics: topics})
	}
	if len(k.Off) > 0 {
		add("rules-off", "Rules that should keep it are not in force: "+strings.Join(k.Off, ", ")+".", "/rules")
	}
	if len(k.Failed) > 0 {
		add("tests", "Its tests failed when they were last run, those of "+strings.Join(k.Failed, ", ")+".", "/policy")
	}
	if !k.Tested.IsZero() {
		x.says = append(x.says, "The tests of what keeps it were last run on "+k.Tested.In(zone).Format("January 2, 2006")+".")
	}
	x.write()
}

func links(all []address, v Values) (out []Link) {
	for _, a := range all {
		out = append(out, Link{a.Says, sentence(a.At).fill(v)})
	}
	return out
}
