package accounting

import (
	"context"
	"errors"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
)

// Receipt makes the file by which anybody can check one line: that the entry stands in the signed log, and, where it can be
// told, what was recorded, opened with its salt. ledger.ErrNoRecord: there is no such line for this customer;
// ledger.ErrNotYet: the entry enters the tree within a second.
//
// Not opened are the records of cases and of legal process, which may name people, and those of a customer who must fear
// somebody near them, which may hold an address.
//
// cite: P-16, P-41, 47 CFR 64.2009(c)
func (b *Book) Receipt(ctx context.Context, of, entry cpni.ID) (ledger.ReceiptFile, error) {
	row, err := b.row(ctx, of, entry)
	if err != nil {
		return ledger.ReceiptFile{}, err
	}
	plain, err := b.Vault.OpenRecord(ctx, row)
	if err != nil {
		return ledger.ReceiptFile{}, err
	}
	if row.Kind == ledger.Decision {
		rec, err := b.record(ctx, row)
		if err != nil {
			return ledger.ReceiptFile{}, err
		}
		if keep, err := b.withheld(ctx, rec); err != nil || keep {
			return ledger.ReceiptFile{}, errors.Join(err, ledger.ErrNoRecord)
		}
		p, _, err := b.Customers.Get(ctx, of)
		if err != nil {
			return ledger.ReceiptFile{}, err
		}
		if basis := rec.Facts.Basis; basis.Process != nil || basis.Case != nil || p.Safety != nil && rec.Address != "" {
			plain = nil
		}
	}
	return b.Ledger.ReceiptFile(ctx, of, entry, plain)
}

// Closed makes the same file without the record: for an auditor, who has no way to what it says of the customer.
//
// cite: P-37, P-41
func (b *Book) Closed(ctx context.Context, of, entry cpni.ID) (ledger.ReceiptFile, error) {
	if _, err := b.row(ctx, of, entry); err != nil {
		return ledger.ReceiptFile{}, err
	}
	return b.Ledger.ReceiptFile(ctx, of, entry, nil)
}
