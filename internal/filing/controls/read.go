package controls

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Folder is where the list of controls lies among the files of a policy. It is no part of the policy's version, for it decides nothing.
const Folder = "controls"

// Listed is a control as the list has it.
type Listed struct {
	ID       string   `yaml:"id"`
	Title    string   `yaml:"title"`
	Says     string   `yaml:"says"` // what is so while it is on, in a sentence
	Clauses  []string `yaml:"clauses"`
	Sections []string `yaml:"sections"`
	Probe    string   `yaml:"probe"` // the name of the probe that looks at it; "" a person confirms it
	// Attest says how often a person confirms it, as "every 31 days"; "" a probe looks.
	Attest string `yaml:"attest"`
	Every  int    `yaml:"-"` // the days of Attest; 0: a probe looks
	// Within is the age that is allowed, as 31d, 24h or 15m, where the control is about one.
	Within string        `yaml:"within"`
	Age    time.Duration `yaml:"-"` // the length of Within; 0: none
}

// Listing is the list of the controls, in its order.
type Listing struct {
	lookEvery time.Duration // between two looks at a control
	lookLife  time.Duration // how long a look is good: after it the state is not known
	all       []Listed
}

// listFile is the list as the file has it.
type listFile struct {
	LookEvery string   `yaml:"look_every"`
	LookLife  string   `yaml:"look_life"`
	Controls  []Listed `yaml:"controls"`
}

// All gives the controls of the list.
func (l *Listing) All() []Listed { return slices.Clone(l.all) }

// Bounds of the list.
const (
	mostFile      = 1 << 18 // bytes
	mostListed    = 200
	longestListed = 600 // bytes of a sentence
	mostDays      = 800
)

var (
	ids      = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
	clauses  = regexp.MustCompile(`^P-[0-9]{2}$`)
	sections = regexp.MustCompile(`^(47 CFR [0-9.]+(\([a-z0-9]+\))*|47 USC [0-9]+(\([a-z0-9]+\))*)$`)
	lengths  = regexp.MustCompile(`^([1-9][0-9]{0,3})([dhm])$`)
	every    = regexp.MustCompile(`^every ([1-9][0-9]{0,2}) days$`)
)

// There reports whether the files of a policy have a list of controls.
func There(files fs.FS) bool {
	_, err := fs.Stat(files, Folder)
	return err == nil
}

// Load reads the list of a policy: the file controls.yaml of its folder controls. All that is wrong is told at once.
//
// cite: P-37, 47 CFR 64.2010(a)
func Load(files fs.FS) (*Listing, error) {
	const name = Folder + "/controls.yaml"
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("reading the list of controls: %w", err)
	}
	if len(text) > mostFile {
		return nil, fmt.Errorf("%s has more than %d bytes", name, mostFile)
	}
	var file listFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, true))
	}
	l := &Listing{all: file.Controls}
	var wrong []error
	say := func(err error) { wrong = append(wrong, fmt.Errorf("%s: %w", name, err)) }
	if l.lookEvery, err = length(file.LookEvery); err != nil {
		say(fmt.Errorf("look_every: %w", err))
	}
	if l.lookLife, err = length(file.LookLife); err != nil {
		say(fmt.Errorf("look_life: %w", err))
	}
	if len(wrong) == 0 && l.lookLife <= l.lookEvery {
		say(errors.New("look_life is longer than look_every, or nothing is known in between"))
	}
	if len(l.all) == 0 || len(l.all) > mostListed {
		say(fmt.Errorf("the list has %d controls, want 1 to %d", len(l.all), mostListed))
	}
	seen := map[string]bool{}
	for i := range l.all {
		c := &l.all[i]
		if err := c.check(); err != nil {
			say(fmt.Errorf("control %d (%s): %w", i+1, c.ID, err))
		} else if seen[c.ID] {
			say(fmt.Errorf("control %d (%s): it is on the list twice", i+1, c.ID))
		}
		seen[c.ID] = true
	}
	return l, errors.Join(wrong...)
}

// length reads a length of time such as 31d, 24h or 15m.
func length(text string) (time.Duration, error) {
	m := lengths.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no length of time such as 31d, 24h or 15m", text)
	}
	n, err := strconv.Atoi(m[1])
	return time.Duration(n) * map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}[m[2]], err
}

// check brings an entry to its form, or says what is wrong with it.
func (c *Listed) check() error {
	c.Title, c.Says = strings.Join(strings.Fields(c.Title), " "), strings.Join(strings.Fields(c.Says), " ")
	switch {
	case !ids.MatchString(c.ID):
		return errors.New("its id is small letters, digits and hyphens")
	case c.Title == "" || len(c.Title) > 100 || c.Says == "" || len(c.Says) > longestListed:
		return fmt.Errorf("it needs a title and a sentence, of at most 100 and %d bytes", longestListed)
	case len(c.Clauses) == 0 || len(c.Sections) == 0:
		return errors.New("it names no clause, or no section of the law")
	case (c.Probe == "") == (c.Attest == ""):
		return errors.New("it is either looked at by a probe or confirmed by a person (attest: every 31 days)")
	case c.Probe != "" && !ids.MatchString(c.Probe):
		return errors.New("the name of its probe is small letters, digits and hyphens")
	}
	for _, id := range c.Clauses {
		if !clauses.MatchString(id) {
			return fmt.Errorf("%q is no clause such as P-37", id)
		}
	}
	for _, s := range c.Sections {
		if !sections.MatchString(s) {
			return fmt.Errorf("%q is no section such as 47 CFR 64.2010(a)", s)
		}
	}
	if c.Within != "" {
		var err error
		if c.Age, err = length(c.Within); err != nil || c.Probe == "" {
			return errors.Join(errors.New("within goes with a probe"), err)
		}
	}
	if c.Attest == "" {
		return nil
	}
	m := every.FindStringSubmatch(c.Attest)
	if m == nil {
		return fmt.Errorf("attest is such as every 31 days, not %q", c.Attest)
	}
	var err error
	if c.Every, err = strconv.Atoi(m[1]); err != nil || c.Every > mostDays {
		return fmt.Errorf("attest is of at most %d days", mostDays)
	}
	return nil
}
