package scenario

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options say where and by which rules stories run.
type Options struct {
	// DB is where instances are made: "" or memory:, sqlite:/path of a file that is not there yet, or postgres://… in
	// which each instance gets a schema of its own.
	DB string
	// Policy is the folder of the policy: clauses, rules, profiles.
	Policy fs.FS
	// Told, when set, hears of every story as it ends.
	Told func(Outcome)
	// heard, when set, hears of what came of every step before it is compared.
	heard func(*world, step, result)
}

// Outcome is how a story ended.
type Outcome struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Scenario string   `json:"scenario"`
	Cites    []string `json:"cites,omitempty"`
	OK       bool     `json:"ok"`
	Failure  *Failure `json:"failure,omitempty"`
}

// Failure is the step at which a story failed.
type Failure struct {
	Step     int    `json:"step"` // from 1; 0: before the first
	Line     int    `json:"line"`
	Verb     string `json:"verb,omitempty"`
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got"`
}

// Files finds the files of scenarios that paths name: a file itself, a folder with all its .yaml files and folders in
// the order of their names.
func Files(paths []string) ([]string, error) {
	var all []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("there is no scenario file or folder %s: %w", p, err)
		}
		if !info.IsDir() {
			all = append(all, p)
			continue
		}
		before := len(all)
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")) {
				all = append(all, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("looking for scenarios in %s: %w", p, err)
		}
		if len(all) == before {
			return nil, fmt.Errorf("the folder %s holds no scenario: files end in .yaml", p)
		}
	}
	return all, nil
}

// ReadFiles reads every file; the error tells all that is wrong with all of them.
func ReadFiles(paths []string) ([]*File, error) {
	var files []*File
	var wrong []error
	for _, p := range paths {
		f, err := ReadFile(p)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		files = append(files, f)
	}
	return files, errors.Join(wrong...)
}

// Run runs every story of files, each on a fresh instance, and tells how each ended.
func Run(ctx context.Context, files []*File, o Options) ([]Outcome, error) {
	g, err := newGround(o.DB)
	if err != nil {
		return nil, err
	}
	defer g.close()
	policy, err := readPolicy(o.Policy)
	if err != nil {
		return nil, err
	}
	var all []Outcome
	for _, f := range files {
		for _, s := range f.Scenarios {
			failure, err := s.run(ctx, g, policy, o.heard)
			if err != nil {
				return all, fmt.Errorf("%s:%d: %s: %w", s.File, s.Line, s.Name, err)
			}
			out := Outcome{File: s.File, Line: s.Line, Scenario: s.Name, Cites: s.Cites, OK: failure == nil, Failure: failure}
			all = append(all, out)
			if o.Told != nil {
				o.Told(out)
			}
		}
	}
	return all, nil
}

// run tells one story. The error is for what has nothing to do with the story: no database, no room.
func (s *Scenario) run(ctx context.Context, g *ground, policy *lawbook, heard func(*world, step, result)) (failure *Failure, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	db, leave, err := g.fresh(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	w, err := newWorld(ctx, s, db, policy)
	if err != nil {
		return &Failure{Line: s.Line, Got: "the instance cannot be made: " + err.Error()}, nil
	}
	defer w.close()
	w.heard = heard
	if err := w.build(ctx); err != nil {
		return &Failure{Line: s.Line, Got: "the setup cannot be made: " + err.Error()}, nil
	}
	for i, step := range s.steps {
		if f := w.take(ctx, step); f != nil {
			f.Step, f.Line, f.Verb = i+1, step.line, step.verb
			return f, nil
		}
	}
	return nil, nil
}

// stepMost bounds a step, so that a story cannot hang.
const stepMost = 2 * time.Minute

// take takes one step.
func (w *world) take(ctx context.Context, s step) *Failure {
	ctx, cancel := context.WithTimeout(ctx, stepMost)
	defer cancel()
	if err := w.reach(ctx, s); err != nil {
		return &Failure{Expected: s.expect.words(), Got: err.Error()}
	}
	if s.verb == "" {
		return nil
	}
	do, built := acts()[s.verb]
	if !built {
		return &Failure{Expected: s.expect.words(), Got: notBuilt("the verb `" + s.verb + "`").Error()}
	}
	got, err := do(ctx, w, args{w, s.args})
	if err != nil {
		return &Failure{Expected: s.expect.words(), Got: "an error: " + err.Error()}
	}
	if w.heard != nil {
		w.heard(w, s, got)
	}
	if expected, came := s.expect.met(w, got); expected != "" {
		return &Failure{Expected: expected, Got: came}
	}
	if err := w.carry(ctx); err != nil {
		return &Failure{Expected: s.expect.words(), Got: "carrying the messages: " + err.Error()}
	}
	return nil
}

// notBuilt says that the language has something that this program does not do yet.
func notBuilt(what string) error { return fmt.Errorf("%s is not built yet", what) }

// Passed counts the stories that ended as they should.
func Passed(all []Outcome) (passed, failed int) {
	failed = len(slices.DeleteFunc(slices.Clone(all), func(o Outcome) bool { return o.OK }))
	return len(all) - failed, failed
}
