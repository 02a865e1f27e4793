package office

import (
	"context"
	"errors"
	"io/fs"

	"ringfence/internal/answer"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// answers opens the desk that takes what customers answer in words of their own.
//
// cite: P-12
func (o *Office) answers(c Config) (*answer.Desk, error) {
	words, err := readAnswers(c.Courses)
	if err != nil {
		return nil, err
	}
	calendars, err := workday.Load(policy.Files)
	if err != nil {
		return nil, err
	}
	return answer.New(answer.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Contacts: o.Contacts, Approvals: o.Approvals, Outbox: o.Outbox, Partners: o.partnerIDs,
		Clock: o.Clock, Zone: c.Zone, Calendars: calendars, Words: words, Numbers: numbersOf(o.Policy, answer.RulesOf)}), nil
}

// readAnswers reads what customers' words mean from a policy's files; of one that does not say, what is built in.
func readAnswers(files fs.FS) (*answer.Words, error) {
	if files == nil {
		files = policy.Files
	}
	if _, err := fs.Stat(files, "answers"); errors.Is(err, fs.ErrNotExist) {
		files = policy.Files
	}
	return answer.ReadWords(files)
}

// partnerCalled gives the name by which customers know a partner.
func (o *Office) partnerCalled(ctx context.Context, id string) string {
	if p, _, err := o.Partners.Recent(ctx, id); err == nil {
		return p.Called()
	}
	return id
}

// partnerIDs are the companies that customers may name.
func (o *Office) partnerIDs(ctx context.Context) ([]string, error) {
	all, err := o.Partners.All(ctx)
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.ID
	}
	return ids, err
}
