package letter

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Confirmations read what the print shop tells of letters: that they were mailed and when, and that they came back.
//
// A file has lines of comma-separated values. Its first names the columns: batch, piece and mailed_on, and for mail that
// came back returned_on and code. Dates are as 2026-11-25, in the carrier's zone. A file is read once it is named *.csv:
// the print shop writes it under another name and renames it.
type Confirmations struct {
	shop   printShop
	folder string
	inbox  notify.Inbox
	clock  cpni.Clock
	zone   *time.Location
}

// Confirmations reads those of the configured folder into an inbox; nil: none is configured.
func (c *Channel) Confirmations(inbox notify.Inbox) *Confirmations {
	if c.cfg.Confirmations == "" {
		return nil
	}
	return &Confirmations{shop: c.shop, folder: c.cfg.Confirmations, inbox: inbox, clock: c.s.clock, zone: c.s.zone}
}

// Read is what became of a file of confirmations. Its name is the print shop's own.
type Read struct {
	File     string
	Mailed   int
	Returned int
	NotOurs  int
	Faulty   int // lines; with one of these, nothing of the file was taken
}

// Where files go once they are read.
const (
	doneFolder   = "done"
	failedFolder = "failed"
)

// Bounds of a file.
const (
	mostBytes  = 32 << 20
	mostFaults = 100 // that are written down
)

// Run reads what is there, and looks again after each wait until the context ends. say is told of each file and of what went
// wrong, with nothing personal.
func (f *Confirmations) Run(ctx context.Context, wait time.Duration, say func([]Read, error)) {
	tick := time.NewTicker(wait)
	defer tick.Stop()
	for {
		read, err := f.Step(ctx)
		if ctx.Err() != nil {
			return
		}
		if len(read) > 0 || err != nil {
			say(read, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Step reads every file that is there. Each is taken whole or not at all: faulty lines are found before the first is told,
// and a file stays where it is until all of it is told, so that what was interrupted is told again. The inbox takes a
// repetition as one.
func (f *Confirmations) Step(ctx context.Context) ([]Read, error) {
	s, err := f.shop.files(ctx, f.folder)
	if err != nil {
		return nil, fmt.Errorf("reading the print shop's confirmations: %w", err)
	}
	all, err := f.step(ctx, s)
	if err := errors.Join(err, s.close()); err != nil {
		return all, fmt.Errorf("reading the print shop's confirmations: %w", err)
	}
	return all, nil
}

func (f *Confirmations) step(ctx context.Context, s shelf) ([]Read, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []Read
	for _, name := range names {
		if strings.HasPrefix(name, ".") || !strings.EqualFold(path.Ext(name), ".csv") {
			continue
		}
		for _, folder := range []string{doneFolder, failedFolder} {
			if err := s.folder(folder); err != nil {
				return all, err
			}
		}
		r, err := f.file(ctx, s, name)
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (f *Confirmations) file(ctx context.Context, s shelf, name string) (Read, error) {
	r := Read{File: name}
	b, err := s.read(name, mostBytes)
	if errors.Is(err, errTooLong) {
		r.Faulty = 1
		return r, f.fail(s, name, fmt.Sprintf("The file is longer than %d MiB. Nothing of it was taken. Divide it.\n", mostBytes>>20))
	}
	if err != nil {
		return r, err
	}
	told, faults := parse(b, f.clock.Now().In(f.zone))
	if len(faults) > 0 {
		r.Faulty = len(faults)
		return r, f.fail(s, name, "Nothing of this file was taken. Correct these lines and put the whole file back:\n\n"+listed(faults))
	}
	var strange []string
	for _, t := range told {
		err := f.inbox.Referred(ctx, cpni.Postal, t.reference, t.report)
		switch {
		case errors.Is(err, notify.ErrNotOurs):
			strange = append(strange, fmt.Sprintf("line %d: no letter is known as this piece of this batch", t.line))
		case err != nil:
			// The file stays, and all of it is told again.
			return r, err
		case t.report.Kind == notify.Mailed:
			r.Mailed++
		default:
			r.Returned++
		}
	}
	if r.NotOurs = len(strange); r.NotOurs > 0 {
		return r, f.fail(s, name, "The lines that are not named here were taken. These were not:\n\n"+listed(strange))
	}
	to, err := free(s, doneFolder, name)
	if err != nil {
		return r, err
	}
	return r, s.move(name, to)
}

func listed(lines []string) string {
	more := ""
	if len(lines) > mostFaults {
		more = fmt.Sprintf("and %d more\n", len(lines)-mostFaults)
		lines = lines[:mostFaults]
	}
	return strings.Join(lines, "\n") + "\n" + more
}

// fail puts a file aside, with the reason beside it. The reason comes first, so that no file lies there without one.
func (f *Confirmations) fail(s shelf, name, why string) error {
	to, err := free(s, failedFolder, name)
	if err != nil {
		return err
	}
	if err := s.write(to+".txt", []byte(why)); err != nil {
		return err
	}
	return s.move(name, to)
}

// free is a name in a folder that no file has: the print shop may send two of one name.
func free(s shelf, folder, name string) (string, error) {
	for n := 1; n <= 1000; n++ {
		to := path.Join(folder, name)
		if n > 1 {
			to = path.Join(folder, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, path.Ext(name)), n, path.Ext(name)))
		}
		there, err := s.exists(to)
		if err != nil || !there {
			return to, err
		}
	}
	return "", fmt.Errorf("there are a thousand files of one name in %s: remove old ones", folder)
}

// line is what a line of a file tells.
type line struct {
	line      int
	reference string
	report    notify.Report
}

// Forms of the cells.
var (
	batchForm = regexp.MustCompile(`^batch-[0-9]{8}T[0-9]{6}Z-[0-9a-z]{26}$`)
	codeForm  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)
)

// parse reads a file, and says what is wrong with each line that is.
func parse(b []byte, now time.Time) (told []line, faults []string) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	r.ReuseRecord = true
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, []string{"line 1: it has to name the columns: batch,piece,mailed_on,returned_on,code"}
	}
	columns := map[string]int{}
	for n, c := range head {
		columns[strings.ToLower(strings.TrimSpace(c))] = n
	}
	for _, c := range []string{"batch", "piece", "mailed_on"} {
		if _, ok := columns[c]; !ok {
			faults = append(faults, "line 1: the column "+c+" is not there")
		}
	}
	if faults != nil {
		return nil, faults
	}
	width := len(head)
	names := slices.Clone(head)
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
			// What follows cannot be told apart any more.
			return nil, append(faults, fmt.Sprintf("line %d: it is no line of comma-separated values", wrong.Line))
		}
		if err != nil {
			return nil, append(faults, "the file cannot be read to its end")
		}
		at, _ := r.FieldPos(0)
		if len(row) != width {
			faults = append(faults, fmt.Sprintf("line %d: it has %d columns and not %d", at, len(row), width))
			continue
		}
		cell := func(name string) string {
			if n, ok := columns[name]; ok {
				return strings.TrimSpace(row[n])
			}
			return ""
		}
		reports, fault := reportsOf(cell, now)
		if fault != "" {
			faults = append(faults, fmt.Sprintf("line %d: %s", at, fault))
			continue
		}
		var raw bytes.Buffer
		w := csv.NewWriter(&raw)
		if err := w.WriteAll([][]string{names, row}); err != nil {
			return nil, append(faults, fmt.Sprintf("line %d: %v", at, err))
		}
		ref := reference(cell("batch"), cpni.ID(cell("piece")))
		for _, rep := range reports {
			rep.Raw = raw.Bytes()
			told = append(told, line{at, ref, rep})
		}
	}
	return told, faults
}

// reportsOf is what one line tells, or what is wrong with it.
func reportsOf(cell func(string) string, now time.Time) (reports []notify.Report, fault string) {
	if !batchForm.MatchString(cell("batch")) {
		return nil, "batch is not the name of a batch, as it stands in the manifest"
	}
	if !cpni.ID(cell("piece")).Valid() {
		return nil, "piece is not the name of a letter, as it stands in the manifest"
	}
	mailed, returned, code := cell("mailed_on"), cell("returned_on"), cell("code")
	if mailed == "" && returned == "" && code == "" {
		return nil, "it says neither that the letter was mailed nor that it came back"
	}
	if code != "" && !codeForm.MatchString(code) {
		return nil, "code may have letters, digits, dots and dashes, 32 at most"
	}
	if returned != "" && code == "" {
		code = "returned"
	}
	var out time.Time
	if mailed != "" {
		at, fault := dateOf("mailed_on", mailed, now)
		if fault != "" {
			return nil, fault
		}
		out = at
		reports = append(reports, notify.Report{Kind: notify.Mailed, At: at, Outcome: notify.Outcome{State: notify.Sent, Code: "mailed"}})
	}
	if code != "" {
		at := now
		if returned != "" {
			var fault string
			if at, fault = dateOf("returned_on", returned, now); fault != "" {
				return nil, fault
			}
			if at.Before(out) {
				return nil, "returned_on is before mailed_on"
			}
		}
		reports = append(reports, notify.Report{Kind: notify.Bounce, At: at, Outcome: notify.Outcome{State: notify.Bounced, Code: code}})
	}
	return reports, ""
}

// dateOf reads a date as the last moment of that day in the carrier's zone, because a wait that begins with the mailing
// must not begin too early; and as now when the day is not over.
func dateOf(column, s string, now time.Time) (time.Time, string) {
	day, err := time.ParseInLocation(time.DateOnly, s, now.Location())
	if err != nil {
		return time.Time{}, column + " is no date such as 2026-11-25"
	}
	if day.After(now) {
		return time.Time{}, column + " is in the future"
	}
	if day.Year() < 2000 {
		return time.Time{}, column + " is before 2000"
	}
	end := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, -1, 0, now.Location())
	if end.After(now) {
		end = now
	}
	return end, ""
}
