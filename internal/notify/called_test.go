package notify

import (
	"context"
	"slices"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// asking writes calls that ask for a key.
type asking struct{ plainWriter }

func (a asking) Write(kind string, via cpni.Via, language string, tokens map[string]string) (Words, error) {
	w, err := a.plainWriter.Write(kind, via, language, tokens)
	w.Spoken = []Spoken{{Text: "Did you ask us to call?", Key: "1"}}
	return w, err
}

// How a call went is heard in the transaction that writes it down: once, with the key only where it was asked for, and not of
// a call that was taken back while it rang. What comes of it is on record with it, or neither is.
//
// cite: P-20, I-10, I-16
func TestHowACallWentIsHeard(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Writer = asking{}
		var heard []string
		w.Called = func(ctx context.Context, tx *store.Tx, of cpni.ID, m Message, call Call) ([]ledger.Entry, error) {
			heard = append(heard, string(m.State)+" "+call.Ended+" "+call.Pressed)
			e, err := w.Vault.Entry(ctx, tx, ledger.Entry{Customer: of, Kind: ledger.Attempt, At: w.Clock.Now(), Actor: "test", Outcome: cpni.OK, Code: "HEARD"}, nil)
			return []ledger.Entry{e}, err
		}
		ring := Message{Kind: CallBack, Via: cpni.Voice, Place: TNOR, To: "+12025550143", Until: start.AddDate(0, 0, 1)}
		for _, row := range []struct {
			name string
			says Outcome
			stop bool
			want []string
		}{
			{"the key", Outcome{State: Delivered, Call: &Call{Ended: Answered, Pressed: "1"}}, false, []string{"delivered answered 1"}},
			{"another key", Outcome{State: Delivered, Call: &Call{Ended: Answered, Pressed: "7"}}, false, []string{"delivered answered "}},
			{"busy", Outcome{State: Queued, Code: "486", Call: &Call{Ended: Busy}}, false, []string{"queued busy "}},
			{"taken back while it rang", Outcome{State: Delivered, Call: &Call{Ended: Answered, Pressed: "1"}}, true, nil},
			{"no call", Outcome{State: Failed, Code: "404"}, false, nil},
		} {
			heard = nil
			before := len(w.recorded(ledger.Attempt))
			w.peer.says = func(p Piece) (Outcome, bool) {
				if row.stop {
					if err := db.Tx(w.ctx, func(tx *store.Tx) error { return w.Outbox.Cancel(w.ctx, tx, w.of, p.ID) }); err != nil {
						t.Error(err)
					}
				}
				return row.says, true
			}
			id := w.plan(ring)[0]
			w.step()
			if !slices.Equal(slices.Compact(heard), row.want) { // PostgreSQL may have the transaction made again
				t.Errorf("%s: heard %q, want %q (P-20)", row.name, heard, row.want)
			}
			if n := len(w.recorded(ledger.Attempt)) - before; n != len(row.want) {
				t.Errorf("%s: %d entries, want %d", row.name, n, len(row.want))
			}
			if err := db.Tx(w.ctx, func(tx *store.Tx) error { return w.Outbox.Cancel(w.ctx, tx, w.of, id) }); err != nil {
				t.Fatal(err)
			}
		}
	})
}
