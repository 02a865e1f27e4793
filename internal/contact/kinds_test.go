package contact

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
	"ringfence/internal/store/storetest"
)

// Every kind of change of an account that stands anywhere in the program plans its notice, or stands in a table with the reason
// why it needs none. Where the code says what it changes in a way that this test cannot read, it says so.
//
// cite: P-23, P-24, 47 CFR 64.2010(f)(1)
func TestEveryKindOfChangeIsDecidedOn(t *testing.T) {
	known := map[string]KindOfChange{}
	for _, k := range KindsOfChange {
		if (k.Tells == "") == (k.Why == "") {
			t.Errorf("%q is told and has a reason for not being told, or neither (P-23)", k.Record)
		}
		if _, twice := known[k.Record]; twice {
			t.Errorf("%q is decided on twice", k.Record)
		}
		known[k.Record] = k
	}
	found := map[string]bool{}
	for name, says := range recordsOfChange(t) {
		for _, what := range says {
			found[what] = true
			if _, ok := known[what]; !ok {
				t.Errorf("%s makes a change %q of which nobody has decided whether the customer is told (P-23): add it to KindsOfChange", name, what)
			}
		}
	}
	for record, k := range known {
		if k.Tells == "" && !found[record] {
			t.Errorf("no code makes the change %q: take it out of KindsOfChange", record)
		}
	}
}

// recordsOfChange reads out of the whole program what its entries about changes of accounts say, by file.
func recordsOfChange(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join("..", path), nil, 0)
		if err != nil {
			return err
		}
		constants := map[string]string{}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, name := range v.Names {
					if i < len(v.Values) {
						if s, ok := text(v.Values[i], nil); ok {
							constants[name.Name] = s
						}
					}
				}
			}
			return true
		})
		say := func(e ast.Expr, at token.Pos) {
			s, ok := text(e, constants)
			switch {
			case ok:
				all[path] = append(all[path], s)
			case path == "contact/lineevent.go": // the kinds of disturbance, which Disturb checks
				all[path] = append(all[path], "line disturbed: port", "line disturbed: forward", "line disturbed: sim", "line disturbed: reassigned")
			case path == "contact/notices.go": // changed, which plans the notice of whatever it is given
			default:
				t.Errorf("%s: it cannot be read what change this records", set.Position(at))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CompositeLit:
				if named(x.Type, "customer", "Change") || path == "customer/book.go" && named(x.Type, "", "change") {
					for _, e := range x.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "What" {
							say(kv.Value, x.Pos())
						}
					}
				}
				if named(x.Type, "ledger", "Entry") {
					for _, e := range x.Elts {
						if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Kind" && named(kv.Value, "ledger", "Change") && EntriesOfChange[path] == "" {
							t.Errorf("%s: an entry about a change of an account, of which nobody has decided whether the customer is told (P-23): add it to EntriesOfChange", set.Position(x.Pos()))
						}
					}
				}
			case *ast.AssignStmt:
				for i, l := range x.Lhs {
					if s, ok := l.(*ast.SelectorExpr); ok && s.Sel.Name == "What" && i < len(x.Rhs) && (path == "contact/safety.go" || path == "approval/book.go") {
						say(x.Rhs[i], x.Pos())
					}
				}
			case *ast.CallExpr:
				// changed(p, made, record): what its last argument says is told.
				if s, ok := x.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "changed" && strings.HasPrefix(path, "contact/") {
					if r, ok := text(x.Args[2], constants); ok {
						all[path] = append(all[path], r)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 4 {
		t.Fatalf("only %d files that change accounts were found: the test looks in the wrong place", len(all))
	}
	return all
}

func named(e ast.Expr, pkg, name string) bool {
	switch x := e.(type) {
	case *ast.SelectorExpr:
		id, ok := x.X.(*ast.Ident)
		return ok && id.Name == pkg && x.Sel.Name == name
	case *ast.Ident:
		return pkg == "" && x.Name == name
	}
	return false
}

func text(e ast.Expr, constants map[string]string) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(x.Value)
		return s, err == nil && x.Kind == token.STRING
	case *ast.Ident:
		s, ok := constants[x.Name]
		return s, ok
	}
	return "", false
}

// Of every kind that is told the notice is planned in the same transaction, and where there is no place left for it somebody
// has to look.
//
// cite: P-23, P-24, P-25, 47 CFR 64.2010(f)
func TestEveryKindThatIsToldIsTold(t *testing.T) {
	do := map[string]func(w *world, c cpni.ID) ([]Planned, error){
		"password set":                enrolled(Enrolment{Password: "violet-tandem-88"}),
		"PIN set":                     enrolled(Enrolment{PIN: "604913"}),
		"backup answer set":           enrolled(Enrolment{Backup: map[string]string{"First concert?": "the comets"}}),
		"online account set":          enrolled(Enrolment{Online: true}),
		"postal address set":          altered(Alteration{Postal: "9 Elm St"}),
		"e-mail address set":          altered(Alteration{Email: "new@example.org"}),
		"person authorised":           altered(Alteration{Authorise: &Authorisation{Name: "Cy Archer", Data: []cpni.DataClass{cpni.Billing}}}),
		"authorised person changed":   altered(Alteration{Authorise: &Authorisation{Name: "bo archer", Data: []cpni.DataClass{cpni.Billing}}}),
		"authorised person removed":   altered(Alteration{Dismiss: "Bo Archer"}),
		"line added":                  altered(Alteration{LineAdd: &customer.Line{Number: "+12025550150"}}),
		"line removed":                altered(Alteration{LineRemove: mobile}),
		"contact number set":          altered(Alteration{ContactNumber: "+17035550111"}),
		"directory listing changed":   altered(Alteration{Listed: map[string]bool{mobile: true}}),
		"way of notices set":          altered(Alteration{Ways: &Ways{NoticeBy: cpni.Postal, Language: "es"}}),
		"contact number removed":      altered(Alteration{ContactNumberGone: "+17035550119"}),
		"notices by e-mail agreed to": altered(Alteration{EmailNotices: new(true)}),
		"notices by e-mail ended":     altered(Alteration{EmailNotices: new(false)}),
		"SIM lock set":                func(w *world, c cpni.ID) ([]Planned, error) { return w.LockSIM(w.ctx, c, true) },
		"SIM lock lifted":             func(w *world, c cpni.ID) ([]Planned, error) { return w.LockSIM(w.ctx, c, false) },
		"change undone": func(w *world, c cpni.ID) ([]Planned, error) {
			s, _, err := w.Get(w.ctx, c)
			if err != nil {
				return nil, err
			}
			if _, err := w.Enrol(w.ctx, Enrolment{Contact: c, PIN: "604913"}); err != nil {
				return nil, err
			}
			id := w.profile(s.Customer).Changes[0].ID
			if err := w.Dispute(w.ctx, Dispute{Customer: s.Customer, Change: id, How: ByLink}); err != nil {
				return nil, err
			}
			return w.Settle(w.ctx, Settlement{Customer: s.Customer, Change: id, By: "vera", Outcome: customer.Undone})
		},
	}
	w := newWorld(t, storetest.Open(t, "memory:"))
	w.rules.CMRS, w.rules.SIMAskLife = true, time.Hour
	for i, k := range KindsOfChange {
		if k.Tells == "" {
			continue
		}
		change := do[k.Record]
		if change == nil && k.Record != "SIM change asked for" {
			t.Errorf("nothing here makes the change %q: add it", k.Record)
			continue
		}
		for _, reachable := range []bool{true, false} {
			if k.Record == "SIM change asked for" && !reachable {
				continue // it is refused: the customer is told before it is done
			}
			p := w.ann()
			p.Account = string(cpni.NewID())
			p.Lines[0].Number, p.Lines[1].Number = "+1617555"+strconv.Itoa(1000+i*4), "+1617555"+strconv.Itoa(1001+i*4)
			if !reachable {
				p.Postal, p.Email = nil, nil
				p.Lines[0].Number, p.Lines[1].Number = "+1617555"+strconv.Itoa(1002+i*4), "+1617555"+strconv.Itoa(1003+i*4)
				p.Lines[0].Disturbed, p.Lines[1].Disturbed = w.clock.Now(), w.clock.Now()
			}
			p.ContactNumbers = []string{"+17035550119"}
			if strings.HasPrefix(k.Record, "notices by e-mail") {
				since := w.clock.Now() // too young to be told anything
				if reachable {
					since = p.Since
				}
				p.Email = []customer.Address{{Value: "ann@example.com", Since: since, Notices: k.Record == "notices by e-mail ended"}}
			}
			// The table's own line is this customer's second.
			second := p.Lines[1].Number
			if k.Record == "SIM lock lifted" {
				p.SIMLocked = p.Since
			}
			id := w.create(p)
			c := w.verified(id)
			if k.Record == "SIM change asked for" {
				change = func(w *world, c cpni.ID) ([]Planned, error) {
					_, planned, err := w.AskSIM(w.ctx, SIMRequest{Contact: c, Number: second})
					return planned, err
				}
			}
			act := change
			switch k.Record {
			case "line removed":
				act = altered(Alteration{LineRemove: second})
			case "directory listing changed":
				act = altered(Alteration{Listed: map[string]bool{second: true}})
			case "line added":
				act = altered(Alteration{LineAdd: &customer.Line{Number: "+1617556" + strconv.Itoa(1000+len(w.profile(id).Lines)*10+i*2+map[bool]int{true: 1}[reachable])}})
			}
			w.clock.advance(time.Millisecond)
			notices, err := act(w, c)
			if err != nil {
				t.Fatalf("%s: %v", k.Record, err)
			}
			all, err := w.outbox.Messages(w.ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			last := w.profile(id).Changes[len(w.profile(id).Changes)-1]
			n := 0
			for _, m := range all {
				if m.Kind == notify.AccountChange && m.About == last.ID {
					n++
				}
			}
			missing := w.alerts(id, NoticeMissing)
			switch {
			case !slices.Contains(customer.Whats, last.What):
				t.Errorf("%s is told as %q, for which there is no word", k.Record, last.What)
			case n != len(notices):
				t.Errorf("%s: %d messages for %d notices (P-23)", k.Record, n, len(notices))
			case reachable && (n == 0 || len(missing) != 0):
				t.Errorf("%s: %d messages, %d alerts (P-23)", k.Record, n, len(missing))
			case !reachable && (n != 0 || !slices.ContainsFunc(missing, func(d map[string]string) bool { return d["change"] == string(last.ID) })):
				t.Errorf("%s, with no place left: %d messages, alerts %v (P-23)", k.Record, n, missing)
			}
		}
	}
}
