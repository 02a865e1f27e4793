package rulebook_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
	"ringfence/policy"
)

// world is what a book needs.
type world struct {
	t      *testing.T
	db     *store.DB
	vault  *vault.Vault
	ledger *ledger.Ledger
}

var now = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db}
	var err error
	if w.vault, err = vault.Open(t.Context(), db, vault.NewMaster()); err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewKey("ledger.test.example")
	if err != nil {
		t.Fatal(err)
	}
	if w.ledger, err = ledger.Open(t.Context(), db, ledger.Options{Origin: "ledger.test.example", Signer: signer, Clock: cpni.ClockFunc(func() time.Time { return now })}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) open(set *rules.Set) *rulebook.Book {
	w.t.Helper()
	b, err := rulebook.Open(w.t.Context(), w.db, w.vault, w.ledger, rulebook.Options{Policy: set, Clock: cpni.ClockFunc(func() time.Time { return now }), Zone: time.UTC})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func load(t *testing.T, change func(fstest.MapFS)) *rules.Set {
	t.Helper()
	files := fstest.MapFS{}
	if err := fs.WalkDir(policy.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policy.Files, path)
		files[path] = &fstest.MapFile{Data: text}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(files)
	}
	set, err := rules.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

const stricter = `@id("closed")
@clause("P-33")
@cite("47 USC 222(c)(1)")
@code("FORBIDDEN")
@says("Closed.")
forbid (principal, action == Action::"provide-service", resource);`

func has(s *rules.Set, id string) bool {
	for _, r := range s.Rules() {
		if r.ID == id {
			return true
		}
	}
	return false
}

// What was published stays in force after a restart, and beside changed files of the policy; every policy that was ever
// in force can be had again, by the nodes that opened later as well.
//
// cite: P-01, P-58, I-04
func TestPublishedRulesStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		files := load(t, nil)
		first := w.open(files)
		other := w.open(files)
		before, guard := first.Current()
		if err := first.Publish(t.Context(), "stricter", []byte(stricter), "test"); err != nil {
			t.Fatal(err)
		}
		after, moved := first.Current()
		if !has(after, "closed") || after.Version() == before.Version() || moved.Version != guard.Version+1 {
			t.Fatalf("published, in force: %v, guard %+v after %+v", has(after, "closed"), moved, guard)
		}
		if s, _ := other.Current(); has(s, "closed") {
			t.Error("another node has it before it looked")
		}
		if err := other.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s, g := other.Current(); s.Version() != after.Version() || g != moved {
			t.Errorf("another node has %s %+v", s.Version(), g)
		}
		again := w.open(load(t, nil))
		if s, g := again.Current(); s.Version() != after.Version() || g != moved {
			t.Errorf("after a restart %s %+v", s.Version(), g)
		}
		changed := w.open(load(t, func(f fstest.MapFS) {
			f["closures.yaml"] = &fstest.MapFile{Data: append([]byte{}, append(f["closures.yaml"].Data, []byte("\n# one more look\n")...)...)}
		}))
		s, _ := changed.Current()
		if !has(s, "closed") || s.Version() == after.Version() {
			t.Error("with changed files what was published is gone, or nothing has changed")
		}
		read := rulebook.OpenToRead(db)
		for _, version := range []string{before.Version(), after.Version(), s.Version()} {
			if got, err := read.At(t.Context(), version); err != nil || got.Version() != version {
				t.Errorf("the policy %s: %v", version, err)
			}
		}
		if _, err := read.At(t.Context(), "nonsense"); err == nil {
			t.Error("a policy that never was")
		}
	})
}

// Rules that are refused are on record, and change nothing.
//
// cite: P-13, 47 CFR 64.2008(c)(3)
func TestRefusedRules(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	b := w.open(load(t, nil))
	before, guard := b.Current()
	for name, c := range map[string]struct {
		text string
		code cpni.Code
	}{
		"service that depends on approval": {strings.Replace(stricter, "resource);", `resource) when { context.approval.state == "denied" };`, 1), "RETALIATION"},
		"no rule":                          {"forbid (", "RULES"},
		"a rule without a clause":          {strings.Replace(stricter, `@clause("P-33")`, "", 1), "RULES"},
	} {
		err := b.Publish(t.Context(), "bad", []byte(c.text), "test")
		var r *cpni.Refusal
		if !errors.As(err, &r) || r.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if after, g := b.Current(); after != before || g != guard {
		t.Error("refused rules have changed what is in force")
	}
	rows, err := w.ledger.Records(t.Context(), "", ledger.Filter{Kind: ledger.Admin, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, r := range rows {
		if r.Code == "RETALIATION" || r.Code == "RULES" {
			refused++
		}
	}
	if refused != 3 {
		t.Errorf("%d refusals on record, want 3", refused)
	}
}

// A policy on record that was changed there is not taken for the one it was.
//
// cite: I-04, I-12
func TestAChangedPolicyOnRecord(t *testing.T) {
	w := newWorld(t, storetest.Open(t, "memory:"))
	b := w.open(load(t, nil))
	set, _ := b.Current()
	other := load(t, func(f fstest.MapFS) { f["closures.yaml"].Data = append(f["closures.yaml"].Data, '\n') })
	if err := w.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE rule_set SET source = $1", other.Source())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := rulebook.OpenToRead(w.db).At(t.Context(), set.Version()); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("a changed policy was taken: %v", err)
	}
}

// A file that was changed stays changed beside new files of the policy, unless they have it otherwise too: then the policy
// does not start, and says how to go on.
//
// cite: P-01, P-58, I-04
func TestChangedFilesStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		files := load(t, nil)
		b := w.open(files)
		const marketing = "rules/05-marketing.cedar"
		text := string(files.Files()[marketing]) + "\n" + strings.Replace(strings.ReplaceAll(stricter, "provide-service", "win-back"), "P-33", "P-07", 1)
		d, _, err := b.Draft(t.Context(), map[string][]byte{marketing: []byte(text)}, "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Holds(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		var taken func()
		if _, err := w.ledger.Commit(t.Context(), func(tx *store.Tx) (entries []ledger.Entry, err error) {
			entries, taken, err = b.Take(t.Context(), tx, d, "test", "drafted")
			return entries, err
		}); err != nil {
			t.Fatal(err)
		}
		taken()
		if s, _ := b.Current(); s.Version() != d.Version || !has(s, "closed") {
			t.Error("the draft is not in force")
		}
		if err := b.Holds(t.Context(), d); !errors.Is(err, rulebook.ErrMoved) {
			t.Errorf("the draft holds still: %v", err)
		}
		elsewhere := load(t, func(all fstest.MapFS) {
			all["closures.yaml"].Data = append(all["closures.yaml"].Data, "# another year\n"...)
		})
		if s, _ := w.open(elsewhere).Current(); !has(s, "closed") || s.Version() == d.Version {
			t.Error("what was changed went with new files")
		}
		same := load(t, func(all fstest.MapFS) { all[marketing].Data = append(all[marketing].Data, "// another word\n"...) })
		options := rulebook.Options{Policy: same, Clock: cpni.ClockFunc(func() time.Time { return now }), Zone: time.UTC}
		if _, err := rulebook.Open(t.Context(), db, w.vault, w.ledger, options); err == nil || !strings.Contains(err.Error(), marketing) || !strings.Contains(err.Error(), "--take-policy") {
			t.Errorf("two changes of one file: %v", err)
		}
		options.TakeFiles = true
		for range 2 {
			b, err := rulebook.Open(t.Context(), db, w.vault, w.ledger, options)
			if err != nil {
				t.Fatal(err)
			}
			if s, _ := b.Current(); s.Version() != same.Version() {
				t.Error("the files are not taken as they are")
			}
		}
	})
}
