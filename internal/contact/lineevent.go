package contact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/store"
)

// Disturbance is something known about a line after which somebody else may hold it.
type Disturbance struct {
	Customer cpni.ID
	Number   string
	What     string    // one of Disturbances
	At       time.Time // when it happened; zero, or later than now: now
	By       string
}

// What may befall a line. After the first three somebody else may hold it for a while; after the last somebody else has it.
const (
	Ported     = "port"
	Forwarded  = "forward"
	NewSIM     = "sim"
	Reassigned = "reassigned"
)

// Disturbances lists them.
var Disturbances = []string{Ported, Forwarded, NewSIM, Reassigned}

// LineLost is the code of the alert that something had been proved by a line which, as was heard later, somebody else may
// have held by then.
const LineLost cpni.Code = "LINE_LOST"

// Disturb notes that a line was ported, forwarded or given a new SIM: until that is long enough ago it proves nothing and
// gets no notice. A line that was reassigned leaves the customer. What was on its way to it is taken back, a code that was
// sent there is worth nothing, and what was proved by it since is proved no longer, also when all this is heard late. To
// tell the same again changes nothing.
//
// cite: P-20, P-37, I-16, I-17, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func (d *Desk) Disturb(ctx context.Context, x Disturbance) error {
	number, ok := customer.Number(x.Number)
	switch {
	case !slices.Contains(Disturbances, x.What):
		return badInput("a line is disturbed by a port, a forward, a change of SIM, or because it was reassigned", "name port, forward, sim or reassigned", "P-20")
	case !ok:
		return badInput("that is not a telephone number", "write it in E.164, such as +12025550101", "P-20")
	}
	now := d.clock.Now()
	at := x.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	lost := func(ctx context.Context, tx *store.Tx, _ *customer.Profile) ([]ledger.Entry, error) {
		return d.withdraw(ctx, tx, x.Customer, number, at, x.By)
	}
	known := false
	_, err := d.customers.Update(ctx, x.Customer, func(p *customer.Profile) (customer.Change, error) {
		l := heldAt(p, number, at)
		switch {
		case l == nil:
			return customer.Change{}, badInput("the customer had no such line then", "give the number of a line of theirs", "P-20")
		case x.What == Reassigned && l.Removed.IsZero():
			l.Removed = later(at, l.Since)
		case x.What != Reassigned && at.After(l.Disturbed):
			l.Disturbed = at
		default:
			known = true
			return customer.Change{}, customer.ErrUnchanged
		}
		return d.leaves(customer.Change{Actor: x.By, What: "line disturbed: " + x.What, Alerts: lost}, number), nil
	})
	if err != nil || !known {
		return err
	}
	// A later event was heard first: what was proved between the two is worth nothing either.
	_, err = d.ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		p, _, err := d.customers.ReadTx(ctx, tx, x.Customer)
		if err != nil {
			return nil, err
		}
		return lost(ctx, tx, p)
	})
	return plainly(err)
}

// heldAt finds the line with a number that the customer has, or else had at a moment or since.
func heldAt(p *customer.Profile, number string, at time.Time) *customer.Line {
	var had *customer.Line
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Number != number {
			continue
		}
		if l.Removed.IsZero() {
			return l
		}
		if l.Removed.After(at) {
			had = l
		}
	}
	return had
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// LineEvent tells what befell a line of whoever has the number. ErrNoLine: nobody has, which whoever tells of all numbers
// need not look into.
//
// cite: P-20, 47 CFR 64.2003(q)
func (d *Desk) LineEvent(ctx context.Context, x Disturbance) error {
	if x.Customer != "" {
		return d.Disturb(ctx, x)
	}
	number, ok := customer.Number(x.Number)
	if !ok {
		return badInput("that is not a telephone number", "write it in E.164, such as +12025550101", "P-20")
	}
	holders, err := d.customers.Find(ctx, customer.ByNumber, number)
	if err != nil {
		return err
	}
	told := false
	for _, id := range holders {
		x.Customer = id
		err := d.Disturb(ctx, x)
		var refusal *cpni.Refusal
		switch {
		case err == nil:
			told = true
		case errors.As(err, &refusal) && refusal.Code == "BAD_INPUT" && slices.Contains(Disturbances, x.What): // they had it long ago
		default:
			return err
		}
	}
	if !told {
		return ErrNoLine
	}
	return nil
}

// ErrNoLine: no customer has the number.
var ErrNoLine = badInput("no customer of ours has that number", "check the number; nothing is to be done for a number of nobody's", "P-20")

// withdraw takes back what was proved by a line since a moment, and gives what is to be recorded: an alert for each contact.
//
// cite: P-20, P-37, I-16, 47 CFR 64.2003(q), 47 CFR 64.2010(a)
func (d *Desk) withdraw(ctx context.Context, tx *store.Tx, of cpni.ID, number string, since time.Time, by string) ([]ledger.Entry, error) {
	now := d.clock.Now()
	ids, err := openedSince(ctx, tx, of, since.Add(-d.numbers(now).Longest))
	if err != nil {
		return nil, err
	}
	var all []ledger.Entry
	for _, id := range ids {
		s, version, err := d.hold(ctx, tx, of, id)
		if err != nil {
			return nil, err
		}
		lost := s.loseLine(number, since)
		if len(lost) == 0 {
			continue // a code or a call that is out is judged by the line as it stands when it comes back
		}
		if err := d.rewrite(ctx, tx, s, version); err != nil {
			return nil, err
		}
		d.Drop(id)
		alert, err := d.lineLost(ctx, tx, s, lost, now, by)
		if err != nil {
			return nil, err
		}
		all = append(all, alert)
	}
	return all, nil
}

// openedSince names the contacts of a customer that were opened since a moment, in the order in which they are held.
func openedSince(ctx context.Context, q store.Querier, of cpni.ID, since time.Time) ([]cpni.ID, error) {
	rows, err := q.Query(ctx, "SELECT contact_id FROM contact WHERE customer_id = $1 AND opened >= $2 ORDER BY contact_id", string(of), since.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("listing contacts: %w", err)
	}
	defer rows.Close()
	var all []cpni.ID
	for rows.Next() {
		var id cpni.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("listing contacts: %w", err)
		}
		all = append(all, id)
	}
	return all, rows.Err()
}

// loseLine takes evidence away that was obtained by a line since a moment. Who spoke on nothing but that is nobody any more,
// and what they agreed to on this call is not agreed to.
func (s *State) loseLine(number string, since time.Time) (lost []rules.Evidence) {
	s.Evidence = slices.DeleteFunc(s.Evidence, func(e rules.Evidence) bool {
		if s.Reached[e.Method] != number || e.At.Before(since) {
			return false
		}
		lost = append(lost, e)
		delete(s.Reached, e.Method)
		return true
	})
	if len(s.Evidence) == 0 && len(lost) > 0 {
		s.Speaker, s.OneTime = "", nil
	}
	return lost
}

// lineLost is the alert about a contact in which something was proved by a line that somebody else may have held. It says
// how many answers were given and changes made since, for somebody to look at, and nothing of them.
func (d *Desk) lineLost(ctx context.Context, tx *store.Tx, s *State, lost []rules.Evidence, now time.Time, by string) (ledger.Entry, error) {
	since := lost[0].At
	for _, e := range lost {
		if e.At.Before(since) {
			since = e.At
		}
	}
	detail := map[string]string{"what": "somebody was proved by a line that may have been another's by then; the proof is withdrawn", "agent": string(s.Agent)}
	for name, kind := range map[string]ledger.Kind{"permits": ledger.Decision, "changes": ledger.Change} {
		n, err := ledger.Succeeded(ctx, tx, s.Customer, string(s.ID), kind, since)
		if err != nil {
			return ledger.Entry{}, err
		}
		detail[name] = strconv.Itoa(n)
	}
	return d.vault.Entry(ctx, tx, ledger.Entry{Customer: s.Customer, Kind: ledger.Alert, At: now, Actor: by, Contact: string(s.ID), Outcome: cpni.OK, Code: LineLost}, detail)
}
