// Command trace lists, for every clause of the policy, the rules, code, tests, scenarios and screens that carry it, and
// fails when a clause is not kept and not known to be open.
//
//	go run ./tools/trace            all clauses in one table
//	go run ./tools/trace P-21 P-25  each place that carries these
//	go run ./tools/trace -q         only what is wrong
//	go run ./tools/trace -tests     tests and scenarios by the clause that they cite, for the program itself to show
package main

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

func main() {
	quiet := flag.Bool("q", false, "print only what is wrong")
	listed := flag.Bool("tests", false, "print tests and scenarios, one a line")
	root := flag.String("root", ".", "the project's folder")
	flag.Parse()
	if *listed {
		if err := tests(os.Stdout, os.DirFS(*root)); err != nil {
			fmt.Fprintln(os.Stderr, "trace:", err)
			os.Exit(1)
		}
		return
	}
	wrong, err := run(os.Stdout, os.DirFS(*root), *quiet, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "trace:", err)
		os.Exit(1)
	}
	for _, w := range wrong {
		fmt.Fprintln(os.Stderr, w)
	}
	if len(wrong) > 0 {
		fmt.Fprintf(os.Stderr, "trace: %d things are wrong\n", len(wrong))
		os.Exit(1)
	}
}

// run writes what was asked for to out and returns what is wrong.
func run(out io.Writer, root fs.FS, quiet bool, ids []string) ([]string, error) {
	clauses, open, err := load(root)
	if err != nil {
		return nil, err
	}
	cites, wrong, err := collect(root)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, judge(clauses, open, cites)...)
	if quiet {
		return wrong, nil
	}
	if len(ids) == 0 {
		table(out, clauses, open, cites)
		return wrong, nil
	}
	for _, id := range ids {
		i := slices.IndexFunc(clauses, func(c Clause) bool { return c.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("there is no clause %q: they are %s to %s", id, clauseID(1), clauseID(clauseCount))
		}
		detail(out, clauses[i], open, cites)
	}
	return wrong, nil
}

// table prints one line a clause: how many of each kind carry it, its state, and what it says.
func table(out io.Writer, clauses []Clause, open []Open, cites []Cite) {
	fmt.Fprint(out, "clause")
	for _, k := range kinds {
		fmt.Fprintf(out, " %9s", k+"s")
	}
	fmt.Fprintln(out, "  state")
	kept := 0
	for _, c := range clauses {
		fmt.Fprintf(out, "%-6s", c.ID)
		for _, k := range kinds {
			n := 0
			for _, x := range cites {
				if x.Clause == c.ID && x.Kind == k {
					n++
				}
			}
			fmt.Fprintf(out, " %9s", count(n))
		}
		state := "kept"
		if i := slices.IndexFunc(open, func(o Open) bool { return o.Clause == c.ID }); i >= 0 {
			state = "open: " + open[i].Brings
		} else if len(missing(c, citesOf(c.ID, cites))) > 0 {
			state = "NOT KEPT"
		} else {
			kept++
		}
		fmt.Fprintf(out, "  %s\n", state)
	}
	fmt.Fprintf(out, "%d of %d clauses are kept, %d are open\n", kept, len(clauses), len(open))
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func citesOf(id string, cites []Cite) []Cite {
	var own []Cite
	for _, x := range cites {
		if x.Clause == id {
			own = append(own, x)
		}
	}
	return own
}

// detail prints everything that carries c.
func detail(out io.Writer, c Clause, open []Open, cites []Cite) {
	fmt.Fprintf(out, "%s  %s\n", c.ID, c.Says)
	if len(c.Sections) > 0 {
		fmt.Fprintf(out, "  law       %s\n", strings.Join(c.Sections, ", "))
	}
	fmt.Fprintf(out, "  evidence  %s\n", strings.Join(c.Evidence, "; "))
	own := citesOf(c.ID, cites)
	for _, o := range open {
		if o.Clause == c.ID {
			fmt.Fprintf(out, "  open      %s brings it; it lacks %s\n", o.Brings, o.Lacks)
		}
	}
	for _, lack := range missing(c, own) {
		fmt.Fprintf(out, "  missing   %s\n", lack)
	}
	for _, k := range kinds {
		for _, x := range own {
			if x.Kind == k {
				fmt.Fprintf(out, "  %-9s %s:%d %s\n", k, x.Path, x.Line, x.Name)
			}
		}
	}
	fmt.Fprintln(out)
}
