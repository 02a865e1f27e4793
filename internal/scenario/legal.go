package scenario

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
	"ringfence/internal/process"
)

// scannedPaper is what a story scans.
var scannedPaper = []byte("%PDF-1.7 a paper")

// subjectOf gives what a story's word for a customer is to the register: all of the customer, or the number as it stands.
func (w *world) subjectOf(name string) string {
	if id, ok := w.customers[name]; ok {
		return string(id)
	}
	return name
}

// lawful tells what came of a step. To who may not know of a process there is none.
func lawful(err error, got result) (result, error) {
	if errors.Is(err, process.ErrNone) {
		return result{outcome: cpni.Reject, code: "ROLE", says: err.Error()}, nil
	}
	return of(err, got)
}

// takeProcess takes legal process in.
//
// cite: P-29
func takeProcess(ctx context.Context, w *world, a args) (result, error) {
	f := process.Filing{By: w.staffIDs[a.text("by")], Kind: a.text("kind"), Number: "26-114", Issuer: "Judge Roe", To: a.text("to"), Officer: "Special Agent Doe", Address: "Federal Bureau, 9 Pine Road, Springfield, VA 22150",
		Issued: a.moment("issued"), Received: a.moment("received"), Until: a.moment("until"), Due: a.moment("due"), Data: classes(a.words("data")), AskedFrom: a.moment("records-from"), AskedUntil: a.moment("records-until"), Scan: scannedPaper}
	if a.has("number") {
		f.Number = a.text("number")
	}
	if a.has("issuer") {
		f.Issuer = a.text("issuer")
	}
	if f.Received.IsZero() {
		f.Received = w.now()
	}
	if f.Issued.IsZero() {
		f.Issued = f.Received
	}
	for _, name := range a.words("about") {
		f.About = append(f.About, w.subjectOf(name))
	}
	if a.has("silence") {
		f.Silence.Ordered = true
		if a.text("silence") != "open" {
			f.Silence.Until = a.moment("silence")
		}
	}
	for _, name := range a.words("named") {
		f.Named = append(f.Named, w.staffIDs[name])
	}
	p, err := w.office.Processes.File(ctx, f)
	if err != nil {
		return lawful(err, result{})
	}
	w.processes[a.text("id")] = p.ID
	got, ours := succeeded(), 0
	for _, s := range p.Subjects {
		if s.Customer != "" {
			ours++
		}
	}
	got.fields = map[string]any{"ours": ours, "due": p.Due}
	return got, nil
}

// readProcess has somebody read a paper: approve what the story says of it, and otherwise all that its kind can command.
//
// cite: P-29
func readProcess(ctx context.Context, w *world, a args) (result, error) {
	by, id := w.staffIDs[a.text("by")], w.processes[a.text("process")]
	p, err := w.office.Processes.One(ctx, id, by)
	if err != nil {
		return lawful(err, result{})
	}
	k, _ := w.office.Policy.Numbers(w.now()).ProcessKind(p.Kind)
	v := process.Verdict{By: by, Version: p.Version, Approve: a.text("verdict") == "approve", Scope: process.Widest(p, k), Reason: a.text("reason")}
	if a.has("data") {
		v.Scope.Data = classes(a.words("data"))
	}
	if a.has("records-from") {
		v.Scope.From = a.moment("records-from")
	}
	if a.has("records-until") {
		v.Scope.Until = a.moment("records-until")
	}
	if a.has("about") {
		v.Scope.Subjects = nil
		for _, name := range a.words("about") {
			for _, s := range p.Subjects {
				if s.Says == w.subjectOf(name) {
					v.Scope.Subjects = append(v.Scope.Subjects, s.No)
				}
			}
		}
	}
	p, err = w.office.Processes.Review(ctx, id, v)
	if err != nil {
		return lawful(err, result{})
	}
	got := succeeded()
	if got.fields = map[string]any{}; !p.First.IsZero() {
		got.fields["first"] = p.First
	}
	return got, nil
}

// cite: P-29
func releaseProcess(ctx context.Context, w *world, a args) (result, error) {
	tried, err := w.office.Processes.Release(ctx, w.processes[a.text("process")], w.staffIDs[a.text("by")])
	got := succeeded()
	got.fields = map[string]any{"released": tried.Released, "refused": len(tried.Refused)}
	return lawful(err, got)
}

// handOut makes a package of what was released, hands it out, and counts what stands in it.
//
// cite: P-29, P-41
func handOut(ctx context.Context, w *world, a args) (result, error) {
	id, by := w.processes[a.text("process")], w.staffIDs[a.text("by")]
	n, err := w.office.Processes.Pack(ctx, id, by)
	if err != nil {
		return lawful(err, result{})
	}
	out, err := w.office.Processes.HandOut(ctx, id, by, n, nil)
	if err != nil {
		return lawful(err, result{})
	}
	z, err := zip.NewReader(bytes.NewReader(out.File), int64(len(out.File)))
	if err != nil {
		return result{}, fmt.Errorf("reading a package: %w", err)
	}
	rows := map[string]int{}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".csv") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return result{}, err
		}
		all, err := csv.NewReader(r).ReadAll()
		if err := errors.Join(err, r.Close()); err != nil {
			return result{}, err
		}
		kind, _, _ := strings.Cut(f.Name, "/")
		rows[kind] += len(all) - 1
	}
	got := succeeded()
	got.fields = map[string]any{"records": rows["records"], "withheld": rows["not-released.csv"]}
	return got, nil
}

// cite: P-29
func endProcess(ctx context.Context, w *world, a args) (result, error) {
	id, by := w.processes[a.text("process")], w.staffIDs[a.text("by")]
	if a.text("is") == "answered" {
		_, err := w.office.Processes.Close(ctx, id, by, a.text("reason"))
		return lawful(err, succeeded())
	}
	_, err := w.office.Processes.End(ctx, id, process.Ending{By: by, State: process.State(a.text("is")), Reason: a.text("reason"), Scan: scannedPaper})
	return lawful(err, succeeded())
}

// changeSilence changes for how long the customer must not be told.
//
// cite: P-29
func changeSilence(ctx context.Context, w *world, a args) (result, error) {
	q := process.Quiet{By: w.staffIDs[a.text("by")], Lift: a.flag("lifted"), Until: a.moment("until"), Reason: a.text("reason")}
	if !a.has("paper") || a.flag("paper") {
		q.Scan = scannedPaper
	}
	_, err := w.office.Processes.Quiet(ctx, w.processes[a.text("process")], q)
	return lawful(err, succeeded())
}

// whoReceived counts what the customer's accounting shows them.
//
// cite: P-29, P-41
func whoReceived(ctx context.Context, w *world, a args) (result, error) {
	all, before := []accounting.Line{}, cpni.ID("")
	for {
		lines, next, err := w.office.Accounting.List(ctx, w.customers[a.text("customer")], accounting.Query{Before: before, Each: true, Limit: 500})
		if err != nil {
			return result{}, err
		}
		all = append(all, lines...)
		if before = next; next == "" {
			break
		}
	}
	legal := 0
	for _, l := range all {
		if l.Purpose == cpni.Legal {
			legal++
		}
	}
	got := succeeded()
	got.fields = map[string]any{"lines": len(all), "legal": legal}
	return got, nil
}

// processCalled gives the id of what a story calls a process, or the name itself where it means one that is written in the request.
func (w *world) processCalled(name string) string {
	if id, ok := w.processes[name]; ok {
		return string(id)
	}
	return name
}
