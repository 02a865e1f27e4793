package intake

import "bytes"

// dialled is a telephone number in one word: up to 16 characters of "0123456789*#+", four bits each, the first in the
// highest bits, 0 where it ends. The zero value is the number of a caller who withheld it.
type dialled uint64

const dialAlphabet = "0123456789*#+"

var dialCode = func() (codes [256]byte) {
	for i := range len(dialAlphabet) {
		codes[dialAlphabet[i]] = byte(i + 1)
	}
	return codes
}()

// pack gives b as dialled; ok is false when b is longer than 16 characters or has one that no telephone dials.
func pack(b []byte) (d dialled, ok bool) {
	if len(b) > 16 {
		return 0, false
	}
	for i, c := range b {
		code := dialCode[c]
		if code == 0 || c == '+' && i > 0 {
			return 0, false
		}
		d |= dialled(code) << (60 - 4*i)
	}
	return d, true
}

// appendTo appends the characters of d to b.
func (d dialled) appendTo(b []byte) []byte {
	for ; d != 0; d <<= 4 {
		b = append(b, dialAlphabet[d>>60-1])
	}
	return b
}

// String gives the characters of d.
func (d dialled) String() string { return string(d.appendTo(nil)) }

// e164 reports whether d is an international number: a plus and up to 15 digits.
func (d dialled) e164() bool { return d>>60 == dialled(dialCode['+']) }

// Numbers says how the numbers of a file become E.164.
type Numbers struct {
	Country   string            `yaml:"country"`   // country code of numbers without one; default 1 (ten digits, or 1 and ten)
	Rules     []NumberRule      `yaml:"rules"`     // the first that fits is used, before the country code
	Lines     map[string]string `yaml:"lines"`     // extensions, local numbers and names of the exchange → E.164
	Anonymous []string          `yaml:"anonymous"` // further texts that stand for a withheld number
}

// NumberRule changes a number that begins with Prefix and has Digits characters in all (0: any length): Strip
// characters go from its front (default: the prefix) and Put comes before the rest.
type NumberRule struct {
	Prefix string `yaml:"prefix"`
	Digits int    `yaml:"digits"`
	Strip  *int   `yaml:"strip"`
	Put    string `yaml:"put"`
}

// withheld are the texts that exchanges write when a caller's number is not shown.
var withheld = []string{"anonymous", "unknown", "restricted", "unavailable", "private", "withheld", "blocked", "asserted"}

// normaliser turns the text of a number column into dialled. It belongs to one goroutine.
type normaliser struct {
	country   []byte
	rules     []NumberRule
	lines     map[string]dialled
	anonymous map[string]bool
	buf, out  []byte
}

func newNormaliser(n Numbers) (*normaliser, error) {
	norm := &normaliser{country: []byte(n.Country), rules: n.Rules, lines: map[string]dialled{}, anonymous: map[string]bool{}}
	if len(norm.country) == 0 {
		norm.country = []byte("1")
	}
	if len(norm.country) > 3 || !allDigits(norm.country) {
		return nil, mapError("numbers.country must be one to three digits")
	}
	for _, r := range n.Rules {
		if r.Strip != nil && (*r.Strip < 0 || *r.Strip > len(r.Prefix)) {
			return nil, mapError("numbers.rules: strip must lie between 0 and the length of the prefix")
		}
		if _, ok := pack([]byte(r.Put)); !ok {
			return nil, mapError("numbers.rules: put must be digits, * or #, or begin with +")
		}
		if r.Prefix == "" && r.Digits == 0 {
			return nil, mapError("numbers.rules: a rule needs a prefix or a number of digits")
		}
	}
	for from, to := range n.Lines {
		d, ok := pack([]byte(to))
		if !ok || !d.e164() {
			return nil, mapError("numbers.lines: each value must be + and up to 15 digits")
		}
		norm.lines[from] = d
	}
	for _, a := range append(n.Anonymous, withheld...) {
		norm.anonymous[string(bytes.ToLower([]byte(a)))] = true
	}
	return norm, nil
}

// caller gives the number of a caller; a withheld one is 0.
func (n *normaliser) caller(b []byte) (dialled, bool) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || allZeros(b) {
		return 0, true
	}
	if d, ok := n.lines[string(b)]; ok {
		return d, true
	}
	if len(n.anonymous) > 0 && !isDigit(b[0]) && b[0] != '+' {
		n.buf = append(n.buf[:0], b...)
		if n.anonymous[string(lower(n.buf))] {
			return 0, true
		}
	} else if n.anonymous[string(b)] {
		return 0, true
	}
	return n.number(b)
}

// called gives the number that was called; there must be one.
func (n *normaliser) called(b []byte) (dialled, bool) {
	b = bytes.TrimSpace(b)
	if d, ok := n.lines[string(b)]; ok {
		return d, true
	}
	d, ok := n.number(b)
	return d, ok && d != 0
}

func (n *normaliser) number(b []byte) (dialled, bool) {
	if plain := len(b) > 0 && (b[0] == '+' || isDigit(b[0])) && allDigits(b[1:]); !plain {
		if b = n.clean(b); len(b) == 0 {
			return 0, false
		}
	}
	for i := range n.rules {
		r := &n.rules[i]
		if (r.Digits != 0 && r.Digits != len(b)) || len(b) < len(r.Prefix) || string(b[:len(r.Prefix)]) != r.Prefix {
			continue
		}
		strip := len(r.Prefix)
		if r.Strip != nil {
			strip = *r.Strip
		}
		n.out = append(append(n.out[:0], r.Put...), b[strip:]...)
		return pack(n.out)
	}
	switch {
	case b[0] == '+' && len(b) < 8:
		return 0, false
	case b[0] == '+':
		return pack(b)
	case string(n.country) == "1":
		return n.northAmerican(b)
	case len(b) > 2 && b[0] == '0' && b[1] == '0':
		n.out = append(append(n.out[:0], '+'), b[2:]...)
		return pack(n.out)
	case len(b) > 6 && b[0] == '0':
		n.out = append(append(append(n.out[:0], '+'), n.country...), b[1:]...)
		return pack(n.out)
	}
	return pack(b)
}

// northAmerican: ten digits, 1 and ten digits, or 011 and an international number; anything else stays as dialled.
func (n *normaliser) northAmerican(b []byte) (dialled, bool) {
	switch {
	case !allDigits(b):
	case len(b) == 10 && b[0] >= '2' && b[3] >= '2':
		n.out = append(append(n.out[:0], '+', '1'), b...)
		return pack(n.out)
	case len(b) == 11 && b[0] == '1' && b[1] >= '2' && b[4] >= '2':
		n.out = append(append(n.out[:0], '+'), b...)
		return pack(n.out)
	case len(b) > 9 && string(b[:3]) == "011":
		n.out = append(append(n.out[:0], '+'), b[3:]...)
		return pack(n.out)
	}
	return pack(b)
}

// clean takes what people and SIP put around a number away: tel: and sip: addresses, blanks, brackets, dots, hyphens.
func (n *normaliser) clean(b []byte) []byte {
	for _, scheme := range []string{"tel:", "sip:", "sips:"} {
		if len(b) > len(scheme) && bytes.EqualFold(b[:len(scheme)], []byte(scheme)) {
			b = b[len(scheme):]
			if i := bytes.IndexAny(b, "@;"); i >= 0 {
				b = b[:i]
			}
			break
		}
	}
	if len(b) > 64 {
		return nil
	}
	n.buf = n.buf[:0]
	for _, c := range b {
		switch c {
		case ' ', '(', ')', '.', '-':
		default:
			n.buf = append(n.buf, c)
		}
	}
	return n.buf
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func allZeros(b []byte) bool {
	if len(b) < 2 {
		return false // one 0 is the operator
	}
	for _, c := range b {
		if c != '0' {
			return false
		}
	}
	return true
}

func lower(b []byte) []byte {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}
