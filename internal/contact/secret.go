package contact

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"ringfence/internal/customer"
)

// HashCost is how dear a guess at a secret is.
type HashCost struct {
	MemoryKiB uint32
	Passes    uint32
}

// Hasher hashes the secrets of customers and staff. PINs are short, so they are keyed as well: a thief of the database
// cannot try them without the key.
type Hasher struct {
	cost   HashCost
	pepper []byte
	slots  chan struct{} // bounds how many hashes are computed, and so how much memory they take, at once
}

// NewHasher makes a hasher; at most parallel hashes are computed at once.
func NewHasher(cost HashCost, pepper []byte, parallel int) *Hasher {
	return &Hasher{cost, pepper, make(chan struct{}, max(1, parallel))}
}

// Spoken brings a secret to the form in which it is compared: as said on a telephone, without regard to case, spaces,
// hyphens and other marks between the words, and however a keyboard puts letters and their accents together.
func Spoken(secret string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		if unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.In(r, unicode.Cc, unicode.Cf) {
			return -1
		}
		return r
	}, norm.NFKC.String(secret))
}

// longestSecret is the most bytes of a password, PIN, code, question or answer that is looked at.
const longestSecret = 200

// Hash hashes a secret with a fresh salt.
func (h *Hasher) Hash(secret string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	sum := h.sum(secret, salt, h.cost)
	return fmt.Sprintf("argon2id$%d$%d$%s$%s", h.cost.MemoryKiB, h.cost.Passes, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

func (h *Hasher) sum(secret string, salt []byte, cost HashCost) []byte {
	m := hmac.New(sha256.New, h.pepper)
	m.Write([]byte(secret))
	h.slots <- struct{}{}
	defer func() { <-h.slots }()
	return argon2.IDKey(m.Sum(nil), salt, cost.Passes, cost.MemoryKiB, 1, 32)
}

var errHash = errors.New("a stored hash of a secret is damaged")

// dearest bounds the cost that a stored hash may ask for: a damaged one must not take the machine's memory.
var dearest = HashCost{MemoryKiB: 1 << 20, Passes: 64}

// parse reads a stored hash.
func parse(hash string) (cost HashCost, salt, sum []byte, err error) {
	f := strings.Split(hash, "$")
	if len(f) != 5 || f[0] != "argon2id" {
		return cost, nil, nil, errHash
	}
	memory, err1 := strconv.ParseUint(f[1], 10, 32)
	passes, err2 := strconv.ParseUint(f[2], 10, 32)
	salt, err3 := base64.RawStdEncoding.DecodeString(f[3])
	sum, err4 := base64.RawStdEncoding.DecodeString(f[4])
	cost = HashCost{uint32(memory), uint32(passes)}
	if errors.Join(err1, err2, err3, err4) != nil || cost.MemoryKiB > dearest.MemoryKiB || cost.Passes == 0 || cost.Passes > dearest.Passes ||
		len(salt) < 16 || len(sum) != 32 {
		return cost, nil, nil, errHash
	}
	return cost, salt, sum, nil
}

// Matches reports whether secret is the one hashed, in constant time.
func (h *Hasher) Matches(hash, secret string) (bool, error) {
	cost, salt, sum, err := parse(hash)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(h.sum(secret, salt, cost), sum) == 1, nil
}

// Secret hashes a customer's spoken or typed secret.
func (h *Hasher) Secret(plain string) customer.Secret {
	return customer.Secret{Hash: h.Hash(Spoken(plain))}
}

// Waste spends as much as one check of a secret, so that an answer about nobody takes as long as one about somebody.
func (h *Hasher) Waste() { h.sum("", make([]byte, 16), h.cost) }
