package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// AnswerOptions say how to read a file of what customers have said before they came here.
type AnswerOptions struct {
	Rejects  string // as in CallOptions
	Actor    string
	Progress func(Progress)
}

// answerColumns are those of a file of answers; account and received are needed.
var answerColumns = []string{"account", "says", "scope", "received", "via", "basis"}

// Reasons of files of answers.
const (
	NoConsent Reason = "NOT_CONSENT" // what the row calls consent is none
	Nobody    Reason = "CUSTOMER"    // no customer has that account
)

const answersAtOnce = 200

// Answers takes over the refusals that a carrier has on file. A refusal outlives the system that it was said to, and the same file
// again changes nothing; a yes is not taken over, whatever it rests on: it would have to be asked for by a notice.
//
// cite: P-10, P-14, P-57, V77, 47 CFR 64.2003(k), 47 CFR 64.2007(a)(2)
func (im *Importer) Answers(ctx context.Context, said *approval.Book, path string, o AnswerOptions) (*Summary, error) {
	if o.Rejects == "" {
		o.Rejects = path + ".rejects.csv"
	}
	f, size, sum, err := openFile(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &run{kind: "answers", size: size, rejectsPath: o.Rejects}
	if r.id, err = identify(r.kind, sum, im.Zone.String()); err != nil {
		return nil, err
	}
	if _, err := startRun(ctx, im.DB, r, im.Clock.Now()); err != nil {
		return nil, err
	}
	rejects, err := openRejects(r.rejectsPath, r.rejectsSize)
	if err != nil {
		return nil, err
	}
	defer rejects.close()
	a := &answerImport{Importer: im, said: said, run: r, rejects: rejects, options: o, sum: r.counts.Summary}
	if err := a.open(f); err != nil {
		return nil, err
	}
	for done := false; !done; {
		if done, err = a.batch(ctx); ctx.Err() != nil {
			return nil, stopped(ctx)
		} else if err != nil {
			return nil, err
		}
	}
	s := a.sum
	if rejects.size > 0 {
		s.RejectsFile = r.rejectsPath
	}
	return &s, nil
}

// answerImport is one run.
type answerImport struct {
	*Importer
	said    *approval.Book
	run     *run
	rejects *rejectsFile
	options AnswerOptions
	in      *reader
	at      map[string]int
	width   int
	sum     Summary
}

func (a *answerImport) open(f *os.File) error {
	start, err := begin(f)
	if err != nil {
		return err
	}
	a.in = newReader(io.NewSectionReader(f, start, a.run.size-start), start, 1)
	header, err := a.in.next()
	if err == io.EOF {
		return errors.New("the file is empty: not even the line with the names of its columns is there")
	} else if err != nil {
		return fmt.Errorf("the line with the names of the columns: %w", err)
	}
	a.at, a.width = map[string]int{}, len(header)
	for i, h := range header {
		name := strings.ToLower(strings.TrimSpace(string(h)))
		if _, twice := a.at[name]; twice || !slices.Contains(answerColumns, name) {
			return fmt.Errorf("the column %.40q in the file's first line is unknown or there twice; the known are %s", name, strings.Join(answerColumns, ", "))
		}
		a.at[name] = i
	}
	for _, k := range []string{"account", "received"} {
		if _, ok := a.at[k]; !ok {
			return fmt.Errorf("the file's first line has no column %s; the known are %s", k, strings.Join(answerColumns, ", "))
		}
	}
	if a.run.reached > a.in.offset {
		a.in = newReader(io.NewSectionReader(f, a.run.reached, a.run.size-a.run.reached), a.run.reached, a.run.line)
	}
	return nil
}

// saidRow is a row that can be read.
type saidRow struct {
	answer  approval.Answer
	account string
	line    int64
	raw     string
}

// batch takes some rows over in one transaction with the place; done tells that the file has ended.
func (a *answerImport) batch(ctx context.Context) (done bool, err error) {
	rows, refused, read, done, err := a.read()
	if err != nil {
		return false, err
	}
	var next Summary
	a.rejects.mark = a.rejects.size
	_, err = a.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		next = a.sum
		next.Rows += read
		next.Rejected = copyCounts(a.sum.Rejected)
		turned := slices.Clone(refused)
		var entries []ledger.Entry
		for _, r := range rows {
			rej, more, fresh, err := a.take(ctx, tx, r)
			if err != nil {
				return nil, err
			}
			switch {
			case rej != nil:
				turned = append(turned, rejectedRow{r.line, rej, r.raw})
			case fresh:
				next.Accepted++
				next.Refusals++
			default:
				next.Accepted++
				next.Known++
			}
			entries = append(entries, more...)
		}
		if err := a.rejects.cut(a.rejects.mark); err != nil {
			return nil, err
		}
		slices.SortFunc(turned, func(x, y rejectedRow) int { return int(x.line - y.line) })
		for _, r := range turned {
			next.Rejected[r.rejection.Reason]++
			if err := a.rejects.add(r.line, r.rejection, []byte(r.raw)); err != nil {
				return nil, err
			}
		}
		if err := a.rejects.flush(); err != nil {
			return nil, err
		}
		if done {
			e, err := a.entry(ctx, tx, a.run, string(CSV), a.options.Actor, &next)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		}
		return entries, a.run.move(ctx, tx, place{reached: a.in.offset, line: a.in.line, rejectsSize: a.rejects.size, finished: done, counts: counts{Summary: next}}, a.Clock.Now())
	})
	if err != nil {
		return false, fmt.Errorf("taking answers over: %w", err)
	}
	for _, r := range rows {
		a.Book.Drop(r.answer.Customer)
	}
	a.sum = next
	if a.options.Progress != nil {
		a.options.Progress(Progress{Rows: next.Rows, Bytes: a.in.offset, Size: a.run.size})
	}
	return done, nil
}

// take records one refusal.
func (a *answerImport) take(ctx context.Context, tx *store.Tx, r saidRow) (rej *rejection, entries []ledger.Entry, fresh bool, err error) {
	var id cpni.ID
	err = tx.QueryRow(ctx, "SELECT customer_id FROM lookup WHERE token = $1 ORDER BY customer_id LIMIT 1", a.Vault.BlindIndex(customer.ByAccount, fold(r.account))).Scan(&id)
	if store.IsNoRow(err) {
		return &rejection{Nobody, "account: no customer here has it", "P-12"}, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	r.answer.Customer = id
	fresh, entries, err = a.said.ObjectTx(ctx, tx, r.answer)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return &rejection{Refused, refusal.Says, "P-12"}, nil, false, nil
	}
	return nil, entries, fresh, err
}

// read parses up to answersAtOnce rows.
func (a *answerImport) read() (rows []saidRow, refused []rejectedRow, read int64, done bool, err error) {
	if a.sum.Rejected == nil {
		a.sum.Rejected = map[Reason]int64{}
	}
	for len(rows) < answersAtOnce {
		fields, err := a.in.next()
		if err == io.EOF {
			return rows, refused, read, true, nil
		}
		rej := rejectionOf(err)
		if err != nil && rej == nil {
			return nil, nil, 0, false, fmt.Errorf("reading the file: %w", err)
		}
		read++
		var row saidRow
		if err == nil {
			row, rej = a.parse(fields)
		}
		if rej != nil {
			refused = append(refused, rejectedRow{a.in.number, rej, string(a.in.raw)})
			continue
		}
		row.line, row.raw = a.in.number, string(a.in.raw)
		rows = append(rows, row)
	}
	return rows, refused, read, false, nil
}

// parse reads one row: what can never be consent is refused by the clause.
//
// cite: P-10, P-57
func (a *answerImport) parse(fields [][]byte) (saidRow, *rejection) {
	if len(fields) != a.width {
		return saidRow{}, rejectColumns
	}
	for name, i := range a.at {
		if r := checkText(name, fields[i]); r != nil {
			return saidRow{}, r
		}
	}
	get := func(name string) string {
		if i, ok := a.at[name]; ok {
			return string(bytes.TrimSpace(fields[i]))
		}
		return ""
	}
	if says := strings.ToLower(get("says")); says != "" && says != "no" && says != string(approval.Object) {
		basis := get("basis")
		if basis == "" {
			basis = "legacy-contract"
		}
		var refusal *cpni.Refusal
		errors.As(approval.Import(basis), &refusal)
		return saidRow{}, &rejection{NoConsent, "says: " + refusal.Says + "; only a refusal, no, is taken over", "P-10"}
	}
	at, err := time.ParseInLocation(time.DateOnly, get("received"), a.Zone)
	if err != nil {
		return saidRow{}, rejectField(BadField, "received", "it is not a date such as 2025-03-14", "P-12")
	}
	via := get("via")
	if via == "" {
		via = "taken-over"
	}
	row := saidRow{account: get("account"), answer: approval.Answer{Says: approval.Object, Scope: get("scope"), Via: via, At: at, By: a.options.Actor, Old: true}}
	if row.account == "" {
		return row, rejectField(NoAccount, "account", "it is empty", "P-12")
	}
	if row.answer.Scope == "" {
		row.answer.Scope = customer.Everything
	}
	if !approval.ValidScope(row.answer.Scope) {
		return row, rejectField(BadField, "scope", "it is no scope of approval: own-marketing, other-marketing, partner:ID, location:PURPOSE, data:CLASS or everything", "P-11")
	}
	// The same said again, in whatever file, is the same: it has the same id.
	h := sha256.Sum256([]byte(strings.Join([]string{"answer taken over", fold(row.account), row.answer.Scope, get("received"), via}, "\x00")))
	row.answer.As = cpni.IDOf(h[:])
	return row, nil
}
