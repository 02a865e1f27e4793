package api

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// What is written by hand is what encoding/json writes.
func TestAppendIsMarshal(t *testing.T) {
	word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "P-16", "<&>\u2028\u2029\x7f\"\\\n\x01", "é\u00a0漢"}))
	words := rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOf(word))
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		seconds := rapid.OneOf(rapid.Int64Range(-1e9, 4e9), rapid.Int64Range(1_770_000_000, 1_770_200_000))
		return time.Unix(seconds.Draw(t, "s"), rapid.SampledFrom([]int64{0, 1000, 123_000_000, 999_999_000}).Draw(t, "ns")).UTC()
	})
	call := rapid.Custom(func(t *rapid.T) Call {
		return Call{moment.Draw(t, "at"), rapid.Int().Draw(t, "seconds"), rapid.Bool().Draw(t, "answered"), rapid.SampledFrom([]string{"in", "out"}).Draw(t, "direction"), word.Draw(t, "number")}
	})
	lines := rapid.Custom(func(t *rapid.T) LineCalls {
		return LineCalls{word.Draw(t, "line"), rapid.SliceOfN(call, 0, 3).Draw(t, "calls")}
	})
	item := rapid.Custom(func(t *rapid.T) Item {
		return Item{cpni.DataClass(word.Draw(t, "class")), rapid.IntRange(0, 3).Draw(t, "line"), word.Draw(t, "month"), rapid.MapOf(word, word).Draw(t, "values")}
	})
	listing := rapid.Custom(func(t *rapid.T) Listing { return Listing{word.Draw(t, "number"), word.Draw(t, "name")} })
	rapid.Check(t, func(t *rapid.T) {
		d := &Disclosure{Entry: cpni.ID(word.Draw(t, "entry")), Customer: cpni.ID(word.Draw(t, "customer")), At: moment.Draw(t, "at"), Outcome: cpni.Permit, Clauses: words.Draw(t, "clauses"),
			Cites: words.Draw(t, "cites"), Rules: words.Draw(t, "rules"), Policy: word.Draw(t, "policy"), Hash: word.Draw(t, "hash"), Replayed: rapid.Bool().Draw(t, "replayed"), SentTo: notify.Place(word.Draw(t, "to"))}
		if rapid.Bool().Draw(t, "released") {
			d.Released = &Released{rapid.SliceOfN(lines, 0, 3).Draw(t, "calls"), rapid.SliceOfN(item, 0, 3).Draw(t, "items"), rapid.SliceOfN(listing, 0, 3).Draw(t, "listings")}
		}
		var want, got bytes.Buffer
		if err := json.NewEncoder(&want).Encode(d); err != nil {
			t.Fatal(err)
		}
		if err := writeJSON(&got, d); err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(want.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got.Bytes(), &b); err != nil {
			t.Fatalf("%v in %s", err, got.Bytes())
		}
		wrote, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if same, _ := json.Marshal(a); !bytes.Equal(same, wrote) {
			t.Fatalf("wrote %s, want %s", got.Bytes(), want.Bytes())
		}
	})
}
