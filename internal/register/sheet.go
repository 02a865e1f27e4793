package register

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify/letter"
)

// The columns of the registers as files for programs.
var columns = map[Name][]string{
	Disclosures: {"place", "entry", "when", "received by", "kind", "partner", "class", "name", "customer", "data", "months", "purpose", "way", "basis", "number", "matter", "issuer", "reviewer", "rules", "law",
		"campaign", "description", "destroy by", "destruction", "certified", "secret", "asked by", "past its time"},
	Campaigns: {"campaign", "when", "whose", "description", "state", "information used", "products", "purpose", "recipients", "channel", "from", "until", "audience", "by", "reviews", "included", "excluded", "sent",
		"entries", "past its time"},
	Processes: {"process", "when", "kind", "number", "issuer", "received", "in force from", "in force until", "scope", "records from", "records until", "reviewer", "reviewed", "state", "secret", "secret until", "released", "entries", "past its time"},
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

// cells writes a line for programs.
func (b *Book) cells(line any) []string {
	switch l := line.(type) {
	case Disclosure:
		description, destruction, certified := "", "", ""
		if l.Campaigned != nil {
			description = l.Campaigned.Description
		}
		if l.File != nil {
			destruction, certified = string(l.File.State), b.moment(l.File.Certified)
			if !l.File.DestroyBy.IsZero() {
				l.DestroyBy = l.File.DestroyBy
			}
		}
		return []string{fmt.Sprint(l.Seq), string(l.Entry), b.moment(l.At), l.To.Words(), string(l.To.Kind), l.To.Partner, string(l.To.Class), l.To.Name, string(l.Customer), wordsOf(l.Data), monthWords(l.Months),
			string(l.Purpose), string(l.Via), l.Basis.Kind, cmp.Or(l.Basis.Number, l.Basis.ID), l.Basis.ID, l.Basis.Issuer, l.Basis.Reviewer, strings.Join(l.Rules, ", "), strings.Join(l.Cites, ", "), string(l.Campaign), description,
			b.moment(l.DestroyBy), destruction, certified, yes(l.Secret), l.Actor, yes(l.Over)}
	case Campaign:
		return []string{string(l.ID), b.moment(l.At), l.Whose, l.Description, l.State, wordsOf(l.Data), strings.Join(l.Products, ", "), string(l.Purpose), strings.Join(l.Recipients, ", "), l.Channel,
			b.moment(l.From), b.moment(l.Until), l.Audience, string(l.By), b.reviews(l.Reviews), fmt.Sprint(l.Included), fmt.Sprint(l.Excluded), fmt.Sprint(l.Sent), wordsOf(l.Entries), yes(l.Over)}
	case Process:
		released := make([]cpni.ID, len(l.Released))
		for i, r := range l.Released {
			released[i] = r.Entry
		}
		return []string{string(l.ID), b.moment(l.At), l.Kind, l.Number, l.Issuer, b.moment(l.Received), b.moment(l.From), b.moment(l.Until), wordsOf(l.Scope), b.moment(l.Since), b.moment(l.Before), string(l.Reviewer), b.moment(l.Reviewed), l.State,
			yes(l.Secret), b.moment(l.SecretBy), wordsOf(released), wordsOf(l.Entries), yes(l.Over)}
	}
	return nil
}

func wordsOf[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

func (b *Book) reviews(all []Review) string {
	words := make([]string, len(all))
	for i, r := range all {
		words[i] = fmt.Sprintf("%s by %s on %s", r.Verdict, r.By, b.moment(r.At))
	}
	return strings.Join(words, "; ")
}

// safe writes a cell that no spreadsheet takes for a formula.
func safe(cell string) string {
	if _, number := customer.Number(cell); !number && strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r\n") {
		return "'" + cell
	}
	return cell
}

// veil takes the names of people out of a line, for who has no way to customers' information.
func veil(line any) any {
	if d, ok := line.(Disclosure); ok && d.To.Partner == "" {
		d.To.Name = ""
		return d
	}
	return line
}

// Veil takes the names of people out of a line, for who has no way to customers' information.
//
// cite: P-37
func (d Disclosure) Veil() Disclosure { return veil(d).(Disclosure) }

// CSV writes a register as comma-separated values (RFC 4180), whose first row is the head. A cell that a spreadsheet would take for a
// formula begins with an apostrophe. veiled leaves out the names of people. It returns how many lines it has written.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (b *Book) CSV(ctx context.Context, w io.Writer, n Name, q Query, veiled bool) (int64, error) {
	t, err := b.begin(ctx, n, &q)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	to := csv.NewWriter(out)
	to.UseCRLF = true
	if err := to.Write(columns[n]); err != nil {
		return 0, err
	}
	written := int64(0)
	err = b.each(ctx, n, q, t, func(l taken) error {
		if veiled {
			l.line = veil(l.line)
		}
		cells := b.cells(l.line)
		for i := range cells {
			cells[i] = safe(cells[i])
		}
		written++
		return to.Write(cells)
	})
	if err != nil {
		return written, fmt.Errorf("writing a register: %w", err)
	}
	to.Flush()
	if err := to.Error(); err != nil {
		return written, err
	}
	return written, out.Flush()
}

// MostPrinted bounds how many lines are printed at once: what is more goes into a file for programs.
const MostPrinted = 5000

// Sender is whose the letterhead of a printed register is: its lines, the name first.
type Sender []string

// Print prints a register as a PDF file: with the letterhead, what was asked for in words, the signed checkpoint of which it is, and
// on each page its number and how many there are. veiled leaves out the names of people.
//
// cite: P-40, P-41, 47 CFR 64.2009(c)
func (b *Book) Print(ctx context.Context, w io.Writer, n Name, q Query, from Sender, veiled bool) (int64, error) {
	t, err := b.begin(ctx, n, &q)
	if err != nil {
		return 0, err
	}
	if t.lines > MostPrinted {
		return 0, ErrTooLong
	}
	r := letter.Report{Letterhead: from, Title: "Register: " + n.Title(), Made: b.Clock.Now(), Lines: []string{b.Words(n, q),
		fmt.Sprintf("%d lines, made on %s.", t.lines, b.moment(b.Clock.Now())),
		fmt.Sprintf("It is of the log %s as of the checkpoint of %d entries, whose root is %s.", b.Ledger.Origin(), t.prover.Tree.N, t.prover.Tree.Hash)},
		Columns: printed[n]}
	err = b.each(ctx, n, q, t, func(l taken) error {
		if veiled {
			l.line = veil(l.line)
		}
		r.Rows = append(r.Rows, b.print(l.line))
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("printing a register: %w", err)
	}
	file, err := r.PDF()
	if err != nil {
		return 0, err
	}
	_, err = w.Write(file)
	return int64(len(r.Rows)), err
}

// The columns of the registers on paper.
var printed = map[Name][]string{
	Disclosures: {"Entry", "When", "Received by", "What", "For", "On", "Customer", "Destruction"},
	Campaigns:   {"Campaign", "Whose", "Description", "Information used", "Offered", "To", "From and until", "Reviewed", "Size"},
	Processes:   {"Number", "Kind", "Issuer", "Received", "Records of", "Scope", "Reviewer", "Released", "Secret"},
}

// lastDay writes the last day of a time by the first moment behind it.
func (b *Book) lastDay(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return b.day(until.Add(-time.Microsecond))
}

func (b *Book) print(line any) []string {
	between := func(from, until string) string { return strings.Trim(from+" – "+until, " –") }
	switch l := line.(type) {
	case Disclosure:
		kept := ""
		if l.File != nil {
			kept = l.File.State.Words()
			if by := l.File.DestroyBy; !by.IsZero() {
				kept += " by " + b.day(by)
			}
		}
		what := DataWords(l.Data)
		if len(l.Months) > 0 {
			what += " of " + monthWords(l.Months)
		}
		on := l.Basis.Words() + "; " + strings.Join(l.Cites, ", ")
		if l.Campaign != "" {
			on += "; campaign " + string(l.Campaign)
		}
		return []string{string(l.Entry), b.moment(l.At), l.To.Words(), what, PurposeWord(l.Purpose), on, string(l.Customer), kept}
	case Campaign:
		return []string{string(l.ID), l.Whose, l.Description, DataWords(l.Data), strings.Join(l.Products, ", "), strings.Join(l.Recipients, ", "), between(b.day(l.From), b.lastDay(l.Until)), b.reviews(l.Reviews),
			fmt.Sprintf("%d in, %d out, %d sent", l.Included, l.Excluded, l.Sent)}
	case Process:
		secret := yes(l.Secret)
		if !l.SecretBy.IsZero() {
			secret = "until " + b.day(l.SecretBy)
		}
		return []string{l.Number, l.Kind, l.Issuer, b.day(l.Received), between(b.day(l.Since), b.lastDay(l.Before)), DataWords(l.Scope), string(l.Reviewer), fmt.Sprint(len(l.Released)), secret}
	}
	return nil
}
