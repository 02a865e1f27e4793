package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// Telco is the format of a published sample of customers, without names and numbers.
const Telco Format = "telco"

// CustomerOptions say how to read a file of customers.
type CustomerOptions struct {
	Format   Format // CSV, with the columns that the error about an unknown one lists, or Telco
	Rejects  string // as in CallOptions
	Actor    string
	Progress func(Progress)
}

// customersAtOnce is how many customers one transaction writes.
const customersAtOnce = 500

// Customers imports a file of customers. Who is here already, by account, is left as they are: an address of record
// changes by its own procedure and with a notice, never by a file.
//
// cite: P-21, P-23, 47 CFR 64.2010(f)
func (im *Importer) Customers(ctx context.Context, path string, o CustomerOptions) (*Summary, error) {
	if o.Format != CSV && o.Format != Telco {
		return nil, errFormat
	}
	if o.Rejects == "" {
		o.Rejects = path + ".rejects.csv"
	}
	f, size, sum, err := openFile(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &run{kind: "customers", size: size, rejectsPath: o.Rejects}
	if r.id, err = identify(r.kind, sum, o.Format, im.Zone.String()); err != nil {
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
	c := &customerImport{Importer: im, run: r, rejects: rejects, options: o, sum: r.counts.Summary, committed: r.counts.Summary,
		parser: &peopleParser{zone: im.Zone, now: im.Clock.Now(), telco: o.Format == Telco, notes: r.counts.Notes.copy()}}
	if err := c.open(f); err != nil {
		return nil, err
	}
	for done := false; !done; {
		if done, err = c.batch(ctx); ctx.Err() != nil {
			return nil, stopped(ctx)
		} else if err != nil {
			return nil, err
		}
	}
	s := c.committed
	if s.Oddities = c.parser.notes.oddities(); rejects.size > 0 {
		s.RejectsFile = r.rejectsPath
	}
	return &s, nil
}

// customerImport is one run.
type customerImport struct {
	*Importer
	run            *run
	rejects        *rejectsFile
	options        CustomerOptions
	parser         *peopleParser
	in             *reader
	sum, committed Summary
}

func (c *customerImport) open(f *os.File) error {
	start, err := begin(f)
	if err != nil {
		return err
	}
	c.in = newReader(io.NewSectionReader(f, start, c.run.size-start), start, 1)
	header, err := c.in.next()
	if err == io.EOF {
		return errors.New("the file is empty: not even the line with the names of its columns is there")
	} else if err != nil {
		return fmt.Errorf("the line with the names of the columns: %w", err)
	}
	if err := c.parser.columns(header); err != nil {
		return err
	}
	if c.run.reached > c.in.offset {
		c.in = newReader(io.NewSectionReader(f, c.run.reached, c.run.size-c.run.reached), c.run.reached, c.run.line)
	}
	return nil
}

// candidate is a row that can be read, with what a rejection needs.
type candidate struct {
	*person
	line int64
	raw  string
}

// batch reads some rows and commits what becomes of them, with the place; done tells that the file has ended.
func (c *customerImport) batch(ctx context.Context) (done bool, err error) {
	people, done, err := c.read()
	if err != nil {
		return false, err
	}
	// Everything that the transaction decides is worked out on copies, for it may be run again.
	var next Summary
	var odd notes
	var refused []rejectedRow
	work := func(tx *store.Tx) error {
		next, odd, refused = c.sum, c.parser.notes.copy(), refused[:0]
		fresh := map[cpni.ID]*customer.Profile{}
		for _, p := range people {
			rej, err := c.insert(ctx, tx, p, fresh, &next, &odd)
			if err != nil {
				return err
			}
			if rej != nil {
				refused = append(refused, rejectedRow{p.line, rej, p.raw})
			}
		}
		next.Rejected = copyCounts(c.sum.Rejected)
		for _, r := range refused {
			next.Rejected[r.rejection.Reason]++
		}
		return nil
	}
	finish := func(tx *store.Tx) error {
		if err := work(tx); err != nil {
			return err
		}
		// The rejects are on the disk before the commit that counts them; written again, they are cut off first.
		if err := c.rejects.cut(c.rejects.mark); err != nil {
			return err
		}
		for _, r := range refused {
			if err := c.rejects.add(r.line, r.rejection, []byte(r.raw)); err != nil {
				return err
			}
		}
		if err := c.rejects.flush(); err != nil {
			return err
		}
		p := place{reached: c.in.offset, line: c.in.line, rejectsSize: c.rejects.size, finished: done, counts: counts{next, odd}}
		return c.run.move(ctx, tx, p, c.Clock.Now())
	}
	c.rejects.mark = c.rejects.size
	if done {
		_, err = c.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
			if err := finish(tx); err != nil {
				return nil, err
			}
			final := next
			final.Oddities = odd.oddities()
			e, err := c.entry(ctx, tx, c.run, string(c.options.Format), c.options.Actor, &final)
			return []ledger.Entry{e}, err
		})
	} else {
		err = c.DB.Tx(ctx, finish)
	}
	if err != nil {
		return false, fmt.Errorf("writing customers: %w", err)
	}
	c.sum, c.committed, c.parser.notes = next, next, odd
	if c.options.Progress != nil {
		c.options.Progress(Progress{Rows: next.Rows, Bytes: c.in.offset, Size: c.run.size})
	}
	return done, nil
}

type rejectedRow struct {
	line      int64
	rejection *rejection
	raw       string
}

func copyCounts(m map[Reason]int64) map[Reason]int64 {
	c := make(map[Reason]int64, len(m))
	for k, n := range m {
		c[k] = n
	}
	return c
}

// read parses up to customersAtOnce rows.
func (c *customerImport) read() (people []candidate, done bool, err error) {
	if c.sum.Rejected == nil {
		c.sum.Rejected = map[Reason]int64{}
	}
	for len(people) < customersAtOnce {
		fields, err := c.in.next()
		if err == io.EOF {
			return people, true, nil
		}
		var p *person
		rej := rejectionOf(err)
		if err != nil && rej == nil {
			return nil, false, fmt.Errorf("reading the file: %w", err)
		}
		c.sum.Rows++
		if err == nil {
			p, rej = c.parser.parse(fields, c.in.number)
		}
		if rej == nil {
			people = append(people, candidate{p, c.in.number, string(c.in.raw)})
			continue
		}
		if conflictMarker(c.in.raw) {
			rej = rejectConflict
			c.parser.notes.see(oddConflict, c.in.number)
		}
		c.sum.Rejected[rej.Reason]++
		if err := c.rejects.add(c.in.number, rej, c.in.raw); err != nil {
			return nil, false, err
		}
	}
	return people, false, nil
}

// insert writes one customer, unless the account is here already or a number is another customer's. fresh are the
// customers whom tx has written, which nobody else can see yet.
func (c *customerImport) insert(ctx context.Context, tx *store.Tx, p candidate, fresh map[cpni.ID]*customer.Profile, sum *Summary, odd *notes) (*rejection, error) {
	held, err := c.holder(ctx, tx, customer.ByAccount, fold(p.profile.Account))
	if err != nil {
		return nil, err
	}
	if held != "" {
		there := fresh[held]
		if there == nil {
			if there, _, err = c.Book.Get(ctx, held); err != nil {
				return nil, err
			}
		}
		if !same(there, &p.profile) {
			odd.see(oddDiffers, p.line)
		}
		sum.Accepted++
		sum.Unchanged++
		return nil, nil
	}
	for _, l := range p.profile.Lines {
		held, err := c.holder(ctx, tx, customer.ByNumber, l.Number)
		if err != nil {
			return nil, err
		}
		if held != "" {
			return &rejection{NumberTaken, "numbers: one of them is another customer's line; end that one first, or check the number", "64.2003(q)"}, nil
		}
	}
	profile := p.profile
	if err := c.Book.Insert(ctx, tx, &profile); err != nil {
		return nil, err
	}
	for _, item := range p.items {
		if err := c.Vault.PutItem(ctx, tx, profile.ID, item); err != nil {
			return nil, err
		}
	}
	fresh[profile.ID] = &profile
	sum.Accepted++
	sum.Created++
	sum.Lines += int64(len(profile.Lines))
	return nil, nil
}

// holder gives the customer who is found by a value, as tx sees them.
func (c *customerImport) holder(ctx context.Context, tx *store.Tx, kind, value string) (id cpni.ID, err error) {
	err = tx.QueryRow(ctx, "SELECT customer_id FROM lookup WHERE token = $1 ORDER BY customer_id LIMIT 1", c.Vault.BlindIndex(kind, value)).Scan(&id)
	if store.IsNoRow(err) {
		return "", nil
	}
	return id, err
}

// fold brings an account to the form in which the book looks it up.
func fold(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// same reports whether a file tells of a customer what the book knows: name, numbers, how directories print them, current addresses.
func same(there, told *customer.Profile) bool {
	if there.Name != told.Name || len(there.Lines) != len(told.Lines) {
		return false
	}
	for i := range told.Lines {
		if l, file := there.Lines[i], told.Lines[i]; l.Number != file.Number || file.Heading != "" && l.Heading != file.Heading || file.NoAddress && !l.NoAddress {
			return false
		}
	}
	for _, a := range []struct{ there, told []customer.Address }{{there.Postal, told.Postal}, {there.Email, told.Email}} {
		now, _ := last(a.there)
		file, given := last(a.told)
		if given && now.Value != file.Value {
			return false
		}
	}
	return true
}

func last(all []customer.Address) (customer.Address, bool) {
	if len(all) == 0 {
		return customer.Address{}, false
	}
	return all[len(all)-1], true
}
