package contact

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
)

// LongestNote is the most bytes of a note.
const LongestNote = 600

// noted names the record of a note.
const noted = "note"

// Note writes a note on a contact, also after it has ended: sealed with the customer, never changed, and gone when the
// customer is forgotten. A note in which a secret or a card stands is refused, and what stood there is kept nowhere.
//
// cite: P-19, P-41, I-23
func (d *Desk) Note(ctx context.Context, id cpni.ID, text string) error {
	text = strings.Join(strings.Fields(text), " ")
	s, _, err := d.Get(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case text == "":
		return badInput("the note is empty", "write what the next colleague should know", "P-41")
	case len(text) > LongestNote || !printable(text):
		return badInput("the note is longer than 600 bytes, or no text", "shorten it", "P-41")
	case hasCard(text):
		return reject("NOTE_CARD", "the note holds a number like that of a payment card", []string{"P-17", "47 CFR 64.2010(a)"}, "write the note without the number; cards belong to the billing system alone")
	}
	p, _, err := d.customers.Get(ctx, s.Customer)
	if err != nil {
		return err
	}
	told, err := d.tells(s.ID, text, p)
	if err != nil {
		return err
	}
	if told {
		return reject("NOTE_SECRET", "the note holds a password, a PIN or an answer", []string{"P-19", "47 CFR 64.2010(b)"}, "write the note without it; nobody needs to read a secret to verify the customer")
	}
	_, err = d.changeAny(ctx, s.Customer, s.ID, func(_ context.Context, _ *store.Tx, _ time.Time, _ *State, _ *customer.Profile) (ledger.Entry, any, error) {
		return ledger.Entry{Kind: ledger.Contact, Outcome: cpni.OK}, map[string]string{"what": noted, "text": text}, nil
	})
	return err
}

// The lengths that numbers of payment cards have, in digits.
const (
	shortestCard = 13
	longestCard  = 19
)

// hasCard reports whether a run of digits, however they are grouped, is as long as the number of a payment card and has
// its check digit.
func hasCard(text string) bool {
	for _, run := range digitRuns(text) {
		for from := 0; from+shortestCard <= len(run); from++ {
			for to := from + shortestCard; to <= min(len(run), from+longestCard); to++ {
				if luhn(run[from:to]) && (to-from == len(run) || to-from >= 15) {
					return true
				}
			}
		}
	}
	return false
}

// digitRuns gives the runs of digits in a text; what people put between digits does not end one.
func digitRuns(text string) []string {
	var all []string
	run := ""
	end := func() {
		if run != "" {
			all = append(all, run)
		}
		run = ""
	}
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			run += string(r)
		case strings.ContainsRune(" -./()", r) || unicode.In(r, unicode.Pd, unicode.Zs):
		default:
			end()
		}
	}
	end()
	return all
}

// luhn reports whether digits end with the check digit of payment cards.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		n := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// mostCompared bounds how many words of a note are compared with what is on file: each comparison is dear.
const mostCompared = 8

// tells reports whether a note tells a secret: one that was said or set in this contact, wherever in the note it stands, or
// a word of the note that is the password or the PIN on file.
//
// cite: P-19
func (d *Desk) tells(id cpni.ID, text string, p *customer.Profile) (bool, error) {
	if d.heard.in(id, Spoken(text)) {
		return true, nil
	}
	pins, passwords := holders(p, cpni.ByPIN), holders(p, cpni.ByPassword)
	compared := 0
	matches := func(people []holder, word string) (bool, error) {
		if len(people) == 0 || compared >= mostCompared {
			return false, nil
		}
		compared++
		who, err := d.match(people, Spoken(word))
		return who != nil, err
	}
	for _, run := range digitRuns(text) {
		if len(run) >= 4 && len(run) <= 8 {
			if is, err := matches(pins, run); is || err != nil {
				return is, err
			}
		}
	}
	for _, word := range suspects(text) {
		if is, err := matches(passwords, word); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// suspects are the parts of a text that are most like a password: what stands in quotation marks or after a word for it,
// words with digits or hyphens within, and the two or three words that end with a number.
func suspects(text string) []string {
	var all []string
	add := func(s string) {
		if utf8.RuneCountInString(Spoken(s)) >= 6 {
			all = append(all, s)
		}
	}
	quoted := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("\"“”„«»", r) })
	for i, part := range quoted {
		if i%2 == 1 {
			add(part)
		}
	}
	words := strings.Fields(text)
	for i, w := range words {
		if s := Spoken(w); slices.Contains([]string{"password", "passphrase", "passcode", "pass", "word", "pw"}, s) && i+1 < len(words) {
			next := words[i+1:]
			if s := Spoken(next[0]); (s == "is" || s == "was") && len(next) > 1 {
				next = next[1:]
			}
			for n := 1; n <= min(4, len(next)); n++ {
				add(strings.Join(next[:n], " "))
			}
		}
	}
	for i, w := range words {
		letters, digits := strings.ContainsFunc(w, unicode.IsLetter), strings.ContainsFunc(w, unicode.IsDigit)
		if letters && (digits || strings.Contains(strings.Trim(w, "-"), "-")) {
			add(w)
		}
		if digits {
			for n := 2; n <= 3 && n <= i+1; n++ {
				add(strings.Join(words[i+1-n:i+1], " "))
			}
		}
	}
	return all
}
