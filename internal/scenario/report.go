package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
)

// Command is what `ringfence scenario` is asked to do.
type Command struct {
	Paths  []string // files and folders
	DB     string   // see Options
	JSON   bool     // print for machines
	Check  bool     // only read the files
	Policy fs.FS
}

// Run tells the stories and prints how they ended. ok is false when one failed; err is for files that are wrong and for
// what stands in the way of telling them at all.
func (c Command) Run(ctx context.Context, out io.Writer) (ok bool, err error) {
	paths, err := Files(c.Paths)
	if err != nil {
		return false, err
	}
	files, err := ReadFiles(paths)
	if err != nil {
		return false, err
	}
	if c.Check {
		n := 0
		for _, f := range files {
			n += len(f.Scenarios)
		}
		_, err := fmt.Fprintf(out, "%d files with %d scenarios are well formed\n", len(files), n)
		return true, err
	}
	o := Options{DB: c.DB, Policy: c.Policy}
	if !c.JSON {
		o.Told = func(s Outcome) { fmt.Fprintln(out, s.Text()) }
	}
	all, err := Run(ctx, files, o)
	if err != nil {
		return false, err
	}
	_, failed := Passed(all)
	if c.JSON {
		return failed == 0, WriteJSON(out, all)
	}
	_, err = fmt.Fprintln(out, Closing(all))
	return failed == 0, err
}

// Text gives one line about a story: ok, or FAIL with the step, what was expected and what came.
func (o Outcome) Text() string {
	if o.OK {
		return "ok    " + o.Scenario
	}
	f := o.Failure
	at := fmt.Sprintf("%s:%d", o.File, f.Line)
	if f.Step == 0 {
		return fmt.Sprintf("FAIL  %s: %s: %s", o.Scenario, at, f.Got)
	}
	return fmt.Sprintf("FAIL  %s: %s: step %d, %s: expected %s; got %s", o.Scenario, at, f.Step, f.Verb, f.Expected, f.Got)
}

// Closing gives the closing line of a run.
func Closing(all []Outcome) string {
	passed, failed := Passed(all)
	return fmt.Sprintf("%d passed, %d failed", passed, failed)
}

// WriteJSON writes the outcomes of a run for machines.
func WriteJSON(to io.Writer, all []Outcome) error {
	passed, failed := Passed(all)
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	if all == nil {
		all = []Outcome{}
	}
	return e.Encode(struct {
		Scenarios []Outcome `json:"scenarios"`
		Passed    int       `json:"passed"`
		Failed    int       `json:"failed"`
	}{all, passed, failed})
}
