package process

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/notify"
	"ringfence/internal/notify/letter"
	"ringfence/internal/store"
)

// Package is one answer to the agency. It is made of what was released, and opened only when it is handed out, once.
type Package struct {
	N      int
	At     time.Time
	Handed time.Time // zero: not yet
	Hash   string    // SHA-256 of the file that was handed out; "" not yet
}

// Packages lists the packages of a process, to who may know of it.
func (r *Register) Packages(ctx context.Context, id, by cpni.ID) ([]Package, error) {
	if _, err := r.One(ctx, id, by); err != nil {
		return nil, err
	}
	return r.packages(ctx, r.DB.Reader(), id)
}

func (r *Register) packages(ctx context.Context, q store.Querier, id cpni.ID) ([]Package, error) {
	rows, err := q.Query(ctx, "SELECT n, at, handed, hash FROM process_package WHERE process_id = $1 ORDER BY n", string(id))
	if err != nil {
		return nil, fmt.Errorf("reading packages: %w", err)
	}
	defer rows.Close()
	var all []Package
	for rows.Next() {
		var x Package
		var at, handed int64
		var hash []byte
		if err := rows.Scan(&x.N, &at, &handed, &hash); err != nil {
			return nil, err
		}
		x.At = time.UnixMicro(at).UTC()
		if handed != 0 {
			x.Handed, x.Hash = time.UnixMicro(handed).UTC(), fmt.Sprintf("%x", hash)
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// handed reports whether something was handed out under a process.
func (r *Register) handed(ctx context.Context, q store.Querier, id cpni.ID) (bool, error) {
	all, err := r.packages(ctx, q, id)
	for _, x := range all {
		if !x.Handed.IsZero() {
			return true, err
		}
	}
	return false, err
}

// Pack makes a package of what was released and stands in none yet. Where the paper asks for nothing that we hold, the package says
// that. Nothing is opened for it.
//
// cite: P-29, P-41
func (r *Register) Pack(ctx context.Context, id, by cpni.ID) (n int, err error) {
	_, err = r.change(ctx, id, by, func(m *moved) error {
		if err := m.p.errStands(m.now); err != nil {
			return err
		}
		there, err := r.packages(ctx, m.tx, id)
		if err != nil {
			return err
		}
		n = len(there) + 1
		done, err := m.tx.Exec(ctx, "UPDATE process_release SET package = $1 WHERE process_id = $2 AND package = 0", n, string(id))
		if err != nil {
			return fmt.Errorf("making a package: %w", err)
		}
		in, err := done.RowsAffected()
		if err != nil {
			return err
		}
		if in == 0 && (len(there) > 0 || m.p.ours()) {
			return refuse("nothing was released that stands in no package yet", "release first", "or hand out the package that is made")
		}
		if _, err := m.tx.Exec(ctx, "INSERT INTO process_package (process_id, n, at, handed, hash) VALUES ($1, $2, $3, 0, $4)", string(id), n, m.now.UnixMicro(), []byte{}); err != nil {
			return fmt.Errorf("making a package: %w", err)
		}
		return m.note(ctx, by, DidPack, Event{Package: n, Records: int(in)})
	})
	return n, err
}

// ours reports whether the scope has a customer of ours.
func (p *Process) ours() bool {
	for _, no := range p.Scope.Subjects {
		if s := p.Subject(no); s != nil && s.Customer != "" && !s.Forgotten {
			return true
		}
	}
	return false
}

// Handout is a package as it is handed out.
type Handout struct {
	Name  string // of the file
	Media string
	File  []byte
}

// Printing makes the pages of a letter, with the carrier's letterhead; nil: a plain letterhead of the carrier's name.
type Printing func(notify.Piece) ([]byte, error)

var errHanded = refuse("this package was handed out already, and goes out once", "make another under a new paper, or ask who took it")

// HandOut opens a package and hands it out, once: a letter, the records as tables and in print, what is not released and why, and a
// list of the files with their hashes; encrypted to the agency's key where there is one. That it goes out is on record, with the hash
// of the file, before the first byte leaves. A process that was ended meanwhile, or is no longer in force, is not answered any more.
//
// cite: P-29, P-41, I-01, I-02, 47 USC 222(c)(1)
func (r *Register) HandOut(ctx context.Context, id, by cpni.ID, n int, print Printing) (*Handout, error) {
	p, err := r.One(ctx, id, by)
	if err != nil {
		return nil, err
	}
	now := r.Clock.Now()
	if err := p.errStands(now); err != nil {
		return nil, err
	}
	x, err := r.onePackage(ctx, r.DB.Reader(), id, n)
	if err != nil {
		return nil, err
	}
	if !x.Handed.IsZero() {
		return nil, errHanded
	}
	file, records, err := r.file(ctx, p, n, print)
	if err != nil {
		return nil, err
	}
	out := &Handout{Name: "answer-" + strings.ToLower(string(id[len(id)-8:])) + fmt.Sprintf("-%d.zip", n), Media: "application/zip", File: file}
	if p.Key != "" {
		if out.File, err = encrypted(p.Key, file); err != nil {
			return nil, err
		}
		out.Name, out.Media = out.Name+".age", "application/octet-stream"
	}
	hash := sha256.Sum256(out.File)
	_, err = r.change(ctx, id, by, func(m *moved) error {
		if err := m.p.errStands(m.now); err != nil {
			return err
		}
		if m.p.Version != p.Version { // what stands in it was put together from that
			return cpni.Rejected("CONFLICT", "the file was changed while the package was put together", []string{"P-29"}, "try again")
		}
		done, err := m.tx.Exec(ctx, "UPDATE process_package SET handed = $1, hash = $2 WHERE process_id = $3 AND n = $4 AND handed = 0", m.now.UnixMicro(), hash[:], string(id), n)
		if err != nil {
			return fmt.Errorf("handing a package out: %w", err)
		}
		if k, err := done.RowsAffected(); err != nil || k == 0 {
			return errors.Join(err, errHanded)
		}
		return m.note(ctx, by, DidHand, Event{Package: n, Hash: fmt.Sprintf("%x", hash), Records: records})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (r *Register) onePackage(ctx context.Context, q store.Querier, id cpni.ID, n int) (Package, error) {
	all, err := r.packages(ctx, q, id)
	if err != nil {
		return Package{}, err
	}
	for _, x := range all {
		if x.N == n {
			return x, nil
		}
	}
	return Package{}, ErrNone
}

func encrypted(key string, file []byte) ([]byte, error) {
	to, err := age.ParseRecipients(strings.NewReader(key))
	if err != nil {
		return nil, fmt.Errorf("the agency's key: %w", err)
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err == nil {
		_, err = w.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypting to the agency's key: %w", err)
	}
	return b.Bytes(), nil
}

// packed is a file of a package.
type packed struct {
	name string
	body []byte
}

// mostPrinted bounds the rows that are printed; those beyond go as tables alone.
const mostPrinted = 5000

// file puts a package together and gives how many records stand in it.
func (r *Register) file(ctx context.Context, p *Process, n int, print Printing) ([]byte, int, error) {
	if print == nil {
		var err error
		if print, err = r.plainLetters(); err != nil {
			return nil, 0, err
		}
	}
	releases, err := r.releases(ctx, r.DB.Reader(), p.ID)
	if err != nil {
		return nil, 0, err
	}
	var files []packed
	var sheets []disclose.Sheet
	records, rows := 0, 0
	gaps := r.Withheld(p)
	for _, x := range releases {
		if x.Package != n {
			continue
		}
		released, profile, err := r.openedRelease(ctx, x)
		if err != nil {
			return nil, 0, err
		}
		says := fmt.Sprintf("entry-%d", x.Subject)
		if released == nil {
			gaps = append(gaps, Gap{fmt.Sprintf("Entry %d of the paper", x.Subject), "The records of this customer have been destroyed."})
			continue
		}
		all := disclose.Sheets(released, profile, r.Zone, "en")
		for i, s := range all {
			e, err := s.CSV()
			if err != nil {
				return nil, 0, err
			}
			files = append(files, packed{fmt.Sprintf("records/%s-round-%d-%d.csv", says, x.Round, i+1), e.Bytes})
			records += len(s.Rows)
			if s.Title = fmt.Sprintf("%d. %s", x.Subject, s.Title); rows+len(s.Rows) <= mostPrinted {
				sheets, rows = append(sheets, s), rows+len(s.Rows)
			}
		}
	}
	missing := disclose.Sheet{Title: "What is not released, and why", Columns: []string{"What", "Why"}}
	for _, g := range gaps {
		missing.Rows = append(missing.Rows, []string{g.What, g.Why})
	}
	enclosed, err := missing.CSV()
	if err != nil {
		return nil, 0, err
	}
	files = append(files, packed{"not-released.csv", enclosed.Bytes})
	cover, err := print(r.cover(p, n, records, missing))
	var unfit *letter.Unfit
	if errors.As(err, &unfit) {
		return nil, 0, refuse("the letter of the package cannot be printed: "+unfit.Says, "take the paper in again with an address that can")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("printing the letter of a package: %w", err)
	}
	files = append(files, packed{"letter.pdf", cover})
	if len(sheets) > 0 {
		piece := r.piece(p, "Records under "+p.Number, "The records stand on the pages that follow. Times are those of "+r.Zone.String()+".")
		for _, s := range sheets {
			e, err := s.CSV()
			if err != nil {
				return nil, 0, err
			}
			piece.Enclosed = append(piece.Enclosed, e)
		}
		printed, err := print(piece)
		if err != nil {
			return nil, 0, fmt.Errorf("printing the records of a package: %w", err)
		}
		files = append(files, packed{"records.pdf", printed})
	}
	whole, err := r.zip(files)
	return whole, records, err
}

// zip packs files, with a list of them and their hashes.
func (r *Register) zip(files []packed) ([]byte, error) {
	var list strings.Builder
	for _, f := range files {
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(f.body), f.name)
	}
	files = append(files, packed{"SHA256SUMS", []byte(list.String())})
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	at := r.Clock.Now().In(r.Zone)
	for _, f := range files {
		var to io.Writer
		to, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at})
		if err == nil {
			_, err = to.Write(f.body)
		}
		if err != nil {
			return nil, fmt.Errorf("packing: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return b.Bytes(), nil
}

func (r *Register) piece(p *Process, subject, text string) notify.Piece {
	return notify.Piece{Via: cpni.Postal, To: p.Address, Name: p.Officer, Language: "en", Words: notify.Words{Subject: subject, Text: text}}
}

// cover is the letter that goes with a package.
//
// cite: P-29, P-41
func (r *Register) cover(p *Process, n, records int, missing disclose.Sheet) notify.Piece {
	day := func(t time.Time) string { return t.In(r.Zone).Format("January 2, 2006") }
	last := func(t time.Time) string { return day(t.Add(-time.Microsecond)) }
	k, _ := r.Policy.Numbers(r.Clock.Now()).ProcessKind(p.Kind)
	var data []string
	for _, d := range p.Scope.Data {
		data = append(data, strings.ToLower(dataWords[d]))
	}
	what := k.Called + " number " + p.Number + " of " + p.Issuer
	if p.Court != "" {
		what += ", " + p.Court
	}
	text := fmt.Sprintf("%s, issued on %s and received on %s.\n\nThis is answer %d. It covers %s from %s to %s, as far as the paper commands it and we hold them.\n\n", what, day(p.Issued), day(p.Received), n, strings.Join(data, ", "), day(p.Scope.From), last(p.Scope.Until))
	if records == 0 {
		text += "We found no records that it covers.\n\n"
	} else {
		text += fmt.Sprintf("It has %d records. They are enclosed as tables (CSV) and in print. SHA256SUMS lists every file with its SHA-256, by which you can check that nothing was changed on the way.\n\n", records)
	}
	if len(missing.Rows) > 0 {
		text += "What the paper asks for and is not released stands on the page that follows, each with the reason.\n\n"
	}
	text += "Each release was decided and recorded by itself before it was made (47 CFR 64.2009(c)). Use the records only as the paper allows. For questions give the number of the paper."
	piece := r.piece(p, "Answer to "+k.Called+" "+p.Number, text)
	if len(missing.Rows) > 0 {
		if e, err := missing.CSV(); err == nil {
			piece.Enclosed = []notify.Enclosure{e}
		}
	}
	return piece
}

// plainLetters prints with a letterhead of the carrier's name alone.
func (r *Register) plainLetters() (Printing, error) {
	print, err := letter.Plain(r.Carrier, r.Head, r.Clock, r.Zone)
	if err != nil {
		return nil, fmt.Errorf("the letterhead: %w", err)
	}
	return print, nil
}
