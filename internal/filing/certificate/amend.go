package certificate

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"ringfence/internal/staff"
)

// Bounds of what a file says, in bytes.
const (
	longestText    = 20_000
	longestLine    = 400
	mostComplaints = 1_000_000
	mostExplained  = 500
)

func line(text string) string { return strings.Join(strings.Fields(text), " ") }

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Cf, r)
}

// check brings fields to their form, or says what is wrong with them. What is blank stays blank: that is told when the file is taken.
func (f *Fields) check() error {
	for _, text := range []*string{&f.Company, &f.FilerID, &f.Signatory, &f.Title} {
		if *text = line(*text); len(*text) > longestLine || strings.ContainsFunc(*text, unprintable) {
			return bad("a line of the file is longer than 400 bytes, or has signs that cannot be printed", "write it shorter")
		}
	}
	texts := []*string{&f.Complaints.Summary, &f.Brokers.Text, &f.Pretexting.Text, &f.Steps, &f.Own}
	explained := map[string]string{}
	if len(f.Explained) > mostExplained {
		return bad("so many gaps are explained as there cannot be", "look at the file again")
	}
	for _, id := range sorted(f.Explained) {
		text := strings.TrimSpace(f.Explained[id])
		if len(id) > longestLine || len(text) > longestText || strings.ContainsFunc(id+text, unprintable) {
			return bad("an explanation is longer than 20,000 bytes, or has signs that cannot be printed", "write it shorter")
		}
		if text != "" {
			explained[id] = text
		}
	}
	f.Explained = explained
	for _, text := range texts {
		if *text = strings.TrimSpace(*text); len(*text) > longestText || strings.ContainsFunc(*text, unprintable) {
			return bad("a text of the file is longer than 20,000 bytes, or has signs that cannot be printed", "write it shorter")
		}
	}
	c := f.Complaints
	for _, n := range []int{c.Employee, c.Disclosure, c.Online} {
		if n < 0 || n > mostComplaints {
			return bad("so many complaints cannot be", "give how many there were")
		}
	}
	switch {
	case c.None && c.total() > 0:
		return bad("there were no complaints, and there were some", "say one of the two")
	case f.Brokers.None && f.Brokers.Text != "" || f.Pretexting.None && f.Pretexting.Text != "":
		return bad("there was none, and it is told what there was", "say one of the two")
	}
	return nil
}

// texts are what people wrote.
func (f Fields) texts() []string {
	all := []string{f.Own, f.Steps, f.Pretexting.Text, f.Brokers.Text, f.Complaints.Summary}
	for _, id := range sorted(f.Explained) {
		all = append(all, f.Explained[id])
	}
	return all
}

// Amend puts other fields in the place of those that the file holds. Whoever was led through the file has to be led through it again.
//
// cite: 47 CFR 64.2009(e)
func (d *Desk) Amend(ctx context.Context, year int, a Act, fields Fields) (*File, error) {
	if err := d.admits(ctx, a.By, staff.KeepRegisters); err != nil {
		return nil, err
	}
	if err := fields.check(); err != nil {
		return nil, err
	}
	if d.Hush != nil { // the docket is public
		if err := d.Hush(ctx, a.By, fields.texts()...); err != nil {
			return nil, err
		}
	}
	return d.change(ctx, year, a, func(m *moved) error {
		if err := m.unsigned(); err != nil {
			return err
		}
		return m.note(Amended, Event{Fields: &fields})
	})
}

// Reopen takes a signature back, with the reason: the certificate has to say something else. One that is filed already is followed by another,
// which says that it takes its place.
//
// cite: 47 CFR 64.2009(e), 47 CFR 1.17
func (d *Desk) Reopen(ctx context.Context, year int, a Act, reason string) (*File, error) {
	if _, err := d.officer(ctx, a.By); err != nil {
		return nil, err
	}
	reason = strings.TrimSpace(reason)
	return d.change(ctx, year, a, func(m *moved) error {
		switch {
		case m.f.Sign == nil:
			return wrongState("the certificate is not signed", "correct the file")
		case reason == "" || len(reason) > longestText || strings.ContainsFunc(reason, unprintable):
			return lacks("it is not said why the signature is taken back", "write in a sentence what the certificate has to say instead")
		}
		return m.note(Reopened, Event{Reason: reason})
	})
}
