package contact

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/argon2"

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
	return &Hasher{cost, pepper, make(chan struct{}, parallel)}
}

// Spoken brings a secret to the form in which it is compared: as said on a telephone, without regard to case, spaces,
// hyphens and other marks between the words.
func Spoken(secret string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		if unicode.IsSpace(r) || unicode.IsPunct(r) {
			return -1
		}
		return r
	}, secret)
}

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

// Matches reports whether secret is the one hashed, in constant time.
func (h *Hasher) Matches(hash, secret string) (bool, error) {
	f := strings.Split(hash, "$")
	if len(f) != 5 || f[0] != "argon2id" {
		return false, errHash
	}
	var cost HashCost
	if _, err := fmt.Sscanf(f[1]+" "+f[2], "%d %d", &cost.MemoryKiB, &cost.Passes); err != nil {
		return false, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(f[3])
	sum, err2 := base64.RawStdEncoding.DecodeString(f[4])
	if errors.Join(err1, err2) != nil {
		return false, errHash
	}
	return subtle.ConstantTimeCompare(h.sum(secret, salt, cost), sum) == 1, nil
}

// Secret hashes a customer's spoken or typed secret.
func (h *Hasher) Secret(plain string) customer.Secret {
	return customer.Secret{Hash: h.Hash(Spoken(plain))}
}

// Waste spends as much as one check of a secret, so that an answer about nobody takes as long as one about somebody.
func (h *Hasher) Waste() { h.sum("", make([]byte, 16), h.cost) }
