package training

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
	"ringfence/policy"
)

var start = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// clock is moved by the test alone.
type clock struct{ at atomic.Int64 }

func (c *clock) Now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// plain hashes for nothing.
type plain struct{}

func (plain) Hash(secret string) string                 { return "hash of " + secret }
func (plain) Matches(hash, secret string) (bool, error) { return hash == "hash of "+secret, nil }
func (plain) Waste()                                    {}

// world is a school with its disciplinary process, on a database.
type world struct {
	t      testing.TB
	db     *store.DB
	clock  *clock
	master *vault.Master
	*School
	*Discipline
}

var policySet = sync.OnceValues(func() (*rules.Set, error) { return rules.Load(policy.Files) })

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: &clock{}, master: vault.NewMaster()}
	w.clock.at.Store(start.UnixMicro())
	w.School, w.Discipline = w.node(nil)
	return w
}

// node opens both on the database as one more process would, with the built-in courses or others.
func (w *world) node(courses *Catalogue) (*School, *Discipline) {
	w.t.Helper()
	set, err := policySet()
	must(w.t, err)
	zone, err := time.LoadLocation("America/New_York")
	must(w.t, err)
	if courses == nil {
		courses, err = Read(policy.Files, set.Clauses())
		must(w.t, err)
	}
	v, err := vault.Open(w.t.Context(), w.db, w.master)
	must(w.t, err)
	signer, err := ledger.NewKey("training.test.example")
	must(w.t, err)
	l, err := ledger.Open(w.t.Context(), w.db, ledger.Options{Origin: "training.test.example", Signer: signer, Clock: w.clock})
	must(w.t, err)
	numbers := set.Profiles().At(workdayOf(w.clock.Now(), zone))
	r := staff.NewRegister(w.db, v, l, w.clock, plain{}, func(time.Time) staff.Rules { return staff.RulesOf(numbers) })
	r.Govern(func() *rules.Set { return set })
	p := Parts{DB: w.db, Vault: v, Ledger: l, Staff: r, Clock: w.clock, Zone: zone, Courses: courses, Rules: func(time.Time) Rules { return RulesOf(numbers) }}
	return NewSchool(p), NewDiscipline(p)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(err error) cpni.Code {
	var r *cpni.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func (w *world) add(role cpni.Role, trained time.Time) cpni.ID {
	w.t.Helper()
	id, err := w.School.Staff.Add(w.t.Context(), staff.Member{Name: "Rae Porter", Role: role, Trained: trained}, "", "test")
	must(w.t, err)
	return id
}

func (w *world) member(id cpni.ID) *staff.Member {
	w.t.Helper()
	m, _, err := w.School.Staff.Recent(w.t.Context(), id)
	must(w.t, err)
	return m
}

func (w *world) records(kind ledger.Kind) []ledger.Row {
	w.t.Helper()
	all, err := w.School.Ledger.Records(w.t.Context(), "", ledger.Filter{Kind: kind, Limit: 10_000})
	must(w.t, err)
	return all
}

// told gives the detail of a record.
func (w *world) told(id cpni.ID) map[string]any {
	w.t.Helper()
	row, err := w.School.Ledger.Record(w.t.Context(), "", id)
	must(w.t, err)
	plain, err := w.School.Vault.OpenRecord(w.t.Context(), row)
	must(w.t, err)
	var detail map[string]any
	must(w.t, vault.Detail(plain, &detail))
	return detail
}

// answers gives what to choose to have so many right.
func answers(c *Course, a *Attempt, right int) [][]int {
	all := make([][]int, len(a.Asked))
	for i, q := range a.Asked {
		question, _ := c.question(q.Question)
		for place, k := range q.Order {
			if question.Choices[k].Right == (i < right) {
				all[i] = append(all[i], place)
			}
		}
	}
	return all
}

// take takes the course with so many right answers.
func (w *world) take(id cpni.ID, right int) *Attempt {
	w.t.Helper()
	c := w.course()
	a, err := w.Begin(w.t.Context(), id, c.ID)
	must(w.t, err)
	a, err = w.Grade(w.t.Context(), id, a.ID, answers(c, a, right))
	must(w.t, err)
	return a
}

func (w *world) course() *Course { return w.School.Courses.All()[0] }

func workdayOf(t time.Time, zone *time.Location) workday.Date { return workday.DateIn(t, zone) }

// soundUntilChanged fails unless a pass is as the ledger has it, and each change of it is found out.
func (w *world) soundUntilChanged(p *Pass) {
	w.t.Helper()
	if ok, err := w.Sound(w.t.Context(), p); err != nil || !ok {
		w.t.Errorf("a pass that nobody changed: %t, %v", ok, err)
	}
	for name, change := range map[string]func(*Pass){
		"whose":    func(p *Pass) { p.Staff = cpni.NewID() },
		"when":     func(p *Pass) { p.Passed = p.Passed.Add(time.Hour) },
		"how long": func(p *Pass) { p.Until = p.Until.Add(time.Hour) },
		"which":    func(p *Pass) { p.Version += ".1" },
		"text":     func(p *Pass) { p.Digest += "0" },
		"by whom":  func(p *Pass) { p.By = "nobody" },
		"record":   func(p *Pass) { p.Record = cpni.NewID() },
	} {
		changed := *p
		change(&changed)
		if ok, err := w.Sound(w.t.Context(), &changed); err != nil || ok {
			w.t.Errorf("%s was changed, and it is not found out: %v", name, err)
		}
	}
}
