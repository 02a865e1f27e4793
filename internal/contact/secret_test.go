package contact

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
)

// Secrets are compared as they are said: the same words, whatever the marks, the capitals and the keyboard.
//
// cite: P-19
func TestSpoken(t *testing.T) {
	for a, b := range map[string]string{
		"Blue Heron-42":   "blueheron42",
		"blue,heron.42!":  "blueheron42",
		"é":               "e\u0301", // one letter, or a letter and its accent
		"ﬁve":             "five",
		"ＡＢＣ１２３":          "abc123",
		"a\u00a0b\u200bc": "abc", // spaces that nobody sees
		"a\x00b":          "ab",
		"":                "--",
	} {
		if Spoken(a) != Spoken(b) {
			t.Errorf("%q is %q and %q is %q", a, Spoken(a), b, Spoken(b))
		}
	}
	for a, b := range map[string]string{"blue": "blew", "e": "é", "1": "l", "a$b": "ab"} {
		if Spoken(a) == Spoken(b) {
			t.Errorf("%q and %q are the same", a, b)
		}
	}
}

// cite: P-19, RFC 9106
func TestHasher(t *testing.T) {
	h := NewHasher(cheap, []byte("pepper"), 2)
	one, two := h.Hash("blueheron42"), h.Hash("blueheron42")
	if one == two {
		t.Error("two hashes of one secret are the same")
	}
	match := func(h *Hasher, hash, secret string) bool {
		ok, err := h.Matches(hash, secret)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !match(h, one, "blueheron42") || !match(h, two, "blueheron42") || match(h, one, "blueheron43") || match(h, one, "") {
		t.Error("a hash does not match its secret, or matches another")
	}
	if match(NewHasher(cheap, []byte("other"), 2), one, "blueheron42") {
		t.Error("a hash is of use without the key")
	}
	// A hash keeps the cost that it was made at.
	dear := NewHasher(HashCost{MemoryKiB: 64, Passes: 2}, []byte("pepper"), 2)
	if !match(dear, one, "blueheron42") || !match(h, dear.Hash("x"), "x") {
		t.Error("a hash made at another cost does not match")
	}
	if s := h.Secret("Blue Heron 42"); !match(h, s.Hash, "blueheron42") || s.Weak {
		t.Errorf("%+v", s)
	}
}

// A hash that is damaged is an error; it neither matches, nor stops the program, nor takes its memory.
//
// cite: I-26
func TestDamagedHashes(t *testing.T) {
	h := NewHasher(cheap, nil, 0)
	good := h.Hash("x")
	parts := strings.Split(good, "$")
	with := func(i int, value string) string {
		p := append([]string(nil), parts...)
		p[i] = value
		return strings.Join(p, "$")
	}
	for _, bad := range []string{"", "$", "$$$$", "x", good + "$", good[:len(good)-1], strings.ToUpper(good),
		with(0, "argon2i"), with(1, "-1"), with(1, "x"), with(1, "4294967295"), with(1, "99999999999"), with(1, "8 8"), with(2, "0"), with(2, ""), with(2, "4294967295"),
		with(3, ""), with(3, "!!!!"), with(3, base64.RawStdEncoding.EncodeToString([]byte("short"))), with(4, ""), with(4, base64.RawStdEncoding.EncodeToString(make([]byte, 31)))} {
		if ok, err := h.Matches(bad, "x"); ok || err != errHash {
			t.Errorf("%.60q: %v, %v", bad, ok, err)
		}
	}
}

// However many secrets are hashed at once, so many run as the hasher allows, and all end.
//
// cite: I-26
func TestHasherIsBounded(t *testing.T) {
	h := NewHasher(cheap, nil, 2)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			h.Waste()
			if n := len(h.slots); n > 2 {
				t.Errorf("%d hashes run", n)
			}
		})
	}
	all.Wait()
	if len(h.slots) != 0 {
		t.Error("a place was not given back")
	}
}

func FuzzHash(f *testing.F) {
	h := NewHasher(cheap, nil, 1)
	f.Add(h.Hash("x"))
	f.Add("argon2id$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAA")
	f.Fuzz(func(t *testing.T, hash string) {
		cost, salt, sum, err := parse(hash)
		if err == nil && (cost.MemoryKiB > dearest.MemoryKiB || cost.Passes == 0 || len(salt) < 16 || len(sum) != 32) {
			t.Errorf("%q is read as %+v", hash, cost)
		}
	})
}
