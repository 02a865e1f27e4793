package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// sealer marks what is given to browsers, so that it is known again as ours and as meant for this very use.
type sealer []byte

// mark is that of words; the first of them names the use.
func (s sealer) mark(words ...string) string {
	m := hmac.New(sha256.New, s)
	for _, w := range words {
		m.Write(binary.BigEndian.AppendUint64(nil, uint64(len(w))))
		m.Write([]byte(w))
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// holds reports whether mark is that of words.
func (s sealer) holds(mark string, words ...string) bool {
	return hmac.Equal([]byte(mark), []byte(s.mark(words...)))
}
