package customer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
)

// Listing is what a directory prints of a line: subscriber list information, and nothing else.
//
// cite: P-04, P-32, 47 USC 222(h)(3)
type Listing struct {
	Line    int    // its place within the customer
	Number  string // E.164
	Name    string
	Address string // "" the customer wants none printed, or others read their letters
	Heading string // the primary advertising classification, as it was assigned when service began; "" none
}

// Listings gives what may be published of a customer at the moment at: the lines that are in service and listed. A line that is
// not published is never among them.
//
// cite: P-32, V106, 47 USC 222(h)(3)
func (p *Profile) Listings(at time.Time) []Listing {
	var all []Listing
	address := ""
	if !p.Quiet(Shared.Postal) {
		on := slices.DeleteFunc(slices.Clone(p.Postal), func(a Address) bool { return a.Frozen || a.Undone })
		if a, ok := Current(on, at); ok {
			address = a.Value
		}
	}
	for _, l := range p.LiveLines(at) {
		if !l.Listed || l.Frozen {
			continue
		}
		x := Listing{Line: l.No, Number: l.Number, Name: p.Name, Address: address, Heading: l.Heading}
		if l.NoAddress {
			x.Address = ""
		}
		all = append(all, x)
	}
	return all
}

// Prints says how a directory prints a line.
type Prints struct {
	Number  string
	Heading *string // the primary advertising classification that was assigned; "" none, nil as it is
	// Hides takes the address out of what is printed. That it is printed again only the customer says, in a contact in which they are proved.
	Hides bool
}

// longestHeading is that of the longest heading, in bytes.
const longestHeading = 100

// heading brings a heading to one form.
func heading(text string) (string, bool) {
	if strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }) {
		return "", false
	}
	text = strings.Join(strings.Fields(text), " ")
	return text, len(text) <= longestHeading
}

// Print sets how directories print lines in service of a customer. Publishers who have the listing are told of it.
//
// cite: P-32, 47 USC 222(e), 47 USC 222(h)(3)
func (b *Book) Print(ctx context.Context, id cpni.ID, all []Prints, by string) error {
	if len(all) == 0 || len(all) > mostLines {
		return badInput("no line was given", "give the lines, each with its number", "47 USC 222(h)(3)")
	}
	_, err := b.Update(ctx, id, func(p *Profile) (Change, error) {
		changed := []int{}
		p.Lines = slices.Clone(p.Lines)
		for _, x := range all {
			number, ok := Number(x.Number)
			i := slices.IndexFunc(p.Lines, func(l Line) bool { return ok && l.Number == number && l.Removed.IsZero() })
			if i < 0 || !p.Ended.IsZero() {
				return Change{}, badInput("the customer has no such line", "give the number of a line in service", "47 USC 222(h)(3)")
			}
			l, was := &p.Lines[i], p.Lines[i]
			if x.Heading != nil {
				if l.Heading, ok = heading(*x.Heading); !ok {
					return Change{}, badInput("that is no heading of a directory", "write it in one line, with at most 100 bytes", "47 USC 222(h)(3)")
				}
			}
			l.NoAddress = l.NoAddress || x.Hides
			if l.Heading != was.Heading || l.NoAddress != was.NoAddress {
				changed = append(changed, l.No)
			}
		}
		if len(changed) == 0 {
			return Change{}, ErrUnchanged
		}
		const what = "directory listing set"
		return Change{Actor: by, What: what, Detail: map[string]any{"what": what, "lines": changed}}, nil
	})
	return err
}

// listTx notes in tx that what may be published of a customer is no longer what it was, so that publishers who have it are told at
// once.
//
// cite: P-32, 47 USC 222(e)
func listTx(ctx context.Context, tx *store.Tx, old, p *Profile, now time.Time) error {
	if old == nil || slices.Equal(old.Listings(now), p.Listings(now)) {
		return nil
	}
	return unlistTx(ctx, tx, p.ID, now)
}

func unlistTx(ctx context.Context, tx *store.Tx, id cpni.ID, now time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO listing_changed (customer_id, at) VALUES ($1, $2) ON CONFLICT (customer_id) DO UPDATE SET at = excluded.at", string(id), now.UnixMicro())
	if err != nil {
		return fmt.Errorf("noting that a listing has changed: %w", err)
	}
	return nil
}
