package notify

import (
	"context"
	"errors"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// mobile keeps the texts that it is given.
type mobile struct {
	from, words []string
	lost        error
}

func (m *mobile) Texted(_ context.Context, from, _, words string, stop bool, _ time.Time) error {
	if m.lost != nil || !stop {
		return m.lost
	}
	m.from, m.words = append(m.from, from), append(m.words, words)
	return nil
}

// That who got a text wants no more of them reaches whoever takes texts, with the line that the text went to; what could not be passed on
// is reported again. Of an e-mail it is no matter of lines.
//
// cite: P-14, 47 CFR 64.1200(a)(10)
func TestStopIsPassedOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		m := &mobile{lost: errors.New("the database is away")}
		w.Mobile = m
		text := notice
		text.Via, text.Place, text.To = cpni.Text, TNOR, "+12025550101"
		ids := w.plan(text, notice)
		w.step()
		report := Report{Kind: Stop, Outcome: Outcome{Says: "STOP"}}
		if err := w.Referred(w.ctx, cpni.Text, "ref "+string(ids[0]), report); !errors.Is(err, m.lost) {
			t.Fatalf("what was not passed on: %v", err)
		}
		m.lost = nil
		if err := w.Referred(w.ctx, cpni.Text, "ref "+string(ids[0]), report); err != nil || len(m.from) != 1 || m.from[0] != text.To || m.words[0] != "STOP" {
			t.Fatalf("%v, %+v", err, m)
		}
		if err := w.Referred(w.ctx, cpni.Email, "ref "+string(ids[1]), report); err != nil || len(m.from) != 1 {
			t.Fatalf("of an e-mail: %v, %+v", err, m)
		}
		if got := w.one(ids[0]).State; got != Sent {
			t.Errorf("the text is %s", got)
		}
	})
}
