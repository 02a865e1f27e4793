package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"hash"
	"io"
	"strings"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
)

// Table writes a table as comma-separated values (RFC 4180, CRLF, UTF-8) that only the holder of one key can read: every row is
// enciphered on its way to the writer beneath (age, X25519), and nothing is ever held or written in the clear but the few kilobytes
// that the cipher gathers. What has been written cannot be read before Close, and cannot be gone on with afterwards: who has to be
// able to go on after a crash writes several tables, one behind the other, of which only the first has a head.
//
//	t, err := export.NewTable(file, partner.Key, []string{"number", "name"}, true)
//	…
//	err = t.Row(number, name)
//	…
//	err = t.Close() // then t.Rows(), t.Size() and t.Sum() tell what was written
//
// A cell that a spreadsheet would take for a formula begins with an apostrophe; a telephone number with its plus does not.
// A Table is used by one goroutine at a time.
//
// cite: P-15, P-35, P-41, 47 CFR 64.2009(c)
type Table struct {
	columns int
	out     *counted
	buffer  *bufio.Writer
	sealed  io.WriteCloser
	csv     *csv.Writer
	rows    int64
	cells   []string
}

// ParseKey reads a public key in the form of age: age1 and 58 letters and digits. What is wrong is a *cpni.Refusal.
func ParseKey(key string) (age.Recipient, error) {
	r, err := age.ParseX25519Recipient(strings.TrimSpace(key))
	if err != nil {
		return nil, cpni.Rejected("CONFIG", "that is no public key of age", []string{"P-41"}, "have the recipient make a pair of keys with `age-keygen`, and give the line that begins with age1, never the secret one")
	}
	return r, nil
}

// NewTable begins a table for the holder of key. With head the first row names the columns.
func NewTable(w io.Writer, key string, columns []string, head bool) (*Table, error) {
	to, err := ParseKey(key)
	if err != nil {
		return nil, err
	}
	t := &Table{columns: len(columns), out: &counted{w: w, sum: sha256.New()}}
	t.buffer = bufio.NewWriterSize(t.out, 64<<10)
	if t.sealed, err = age.Encrypt(t.buffer, to); err != nil {
		return nil, fmt.Errorf("beginning a file: %w", err)
	}
	t.csv = csv.NewWriter(t.sealed)
	t.csv.UseCRLF = true
	if head {
		if err := t.csv.Write(columns); err != nil {
			return nil, fmt.Errorf("beginning a file: %w", err)
		}
	}
	return t, nil
}

// Row writes one row, which has a cell for each column.
func (t *Table) Row(cells ...string) error {
	if len(cells) != t.columns {
		return fmt.Errorf("a row of %d cells in a table of %d columns", len(cells), t.columns)
	}
	t.cells = t.cells[:0]
	for _, cell := range cells {
		t.cells = append(t.cells, plainCell(cell))
	}
	if err := t.csv.Write(t.cells); err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	t.rows++
	return nil
}

// plainCell keeps a spreadsheet from taking a cell for a formula.
func plainCell(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if _, number := customer.Number(cell); number && cell[0] == '+' {
		return cell
	}
	return "'" + cell
}

// Close ends the table; without it nothing of its last part can be read. It does not close the writer beneath.
func (t *Table) Close() error {
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return fmt.Errorf("ending a file: %w", err)
	}
	if err := t.sealed.Close(); err != nil {
		return fmt.Errorf("ending a file: %w", err)
	}
	if err := t.buffer.Flush(); err != nil {
		return fmt.Errorf("ending a file: %w", err)
	}
	return nil
}

// Rows is how many rows were written, without the head.
func (t *Table) Rows() int64 { return t.rows }

// Size is how many bytes the enciphered table has; it holds after Close.
func (t *Table) Size() int64 { return t.out.n }

// Sum is the SHA-256 of the enciphered table; it holds after Close.
func (t *Table) Sum() [32]byte { return [32]byte(t.out.sum.Sum(nil)) }

// counted counts and hashes what passes.
type counted struct {
	w   io.Writer
	n   int64
	sum hash.Hash
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.sum.Write(p[:n])
	return n, err
}
