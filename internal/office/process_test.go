package office_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"pgregory.net/rapid"

	"ringfence/internal/accounting"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/office/officetest"
	"ringfence/internal/process"
	"ringfence/internal/register"
	"ringfence/internal/rules"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
	"ringfence/internal/vault"
)

// paper is a scan.
var paper = []byte("%PDF-1.7\n\x00\xff In the matter of")

// at is a moment on the carrier's clocks.
func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, officetest.Zone)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// law is who works on legal process in a test.
type law struct {
	*officetest.Office
	t               testing.TB
	taker, reviewer cpni.ID // compliance and an officer
}

func lawOf(t testing.TB, o *officetest.Office) law {
	return law{o, t, o.Member(t, cpni.RoleCompliance), o.Member(t, cpni.RoleOfficer)}
}

// order is a court order that was received on the day before the test begins, for the calls of October and November.
func (l law) order(about ...string) process.Filing {
	return process.Filing{By: l.taker, Kind: "court-order", Number: "26-cr-114", Issuer: "Judge Jane Roe", Court: "District Court, D.C.", Officer: "Special Agent Doe", Address: "Federal Bureau, 9 Pine Road, Springfield, VA 22150",
		Issued: at("2026-11-20 00:00"), Received: at("2026-11-23 10:00"), Until: at("2027-01-01 00:00"), About: about, Data: []cpni.DataClass{cpni.CallDetail}, AskedFrom: at("2026-10-01 00:00"), AskedUntil: at("2026-12-01 00:00"), Scan: paper}
}

func (l law) file(f process.Filing) *process.Process {
	l.t.Helper()
	return must[*process.Process](l.t)(l.Processes.File(l.t.Context(), f))
}

// approve has the reviewer approve all that a kind can command.
func (l law) approve(p *process.Process) *process.Process {
	l.t.Helper()
	k, _ := l.Policy.Numbers(l.Clock.Now()).ProcessKind(p.Kind)
	v := process.Verdict{By: l.reviewer, Version: p.Version, Approve: true, Scope: process.Widest(p, k), Reason: "it cannot command the rest"}
	return must[*process.Process](l.t)(l.Processes.Review(l.t.Context(), p.ID, v))
}

func (l law) release(p *process.Process) process.Tried {
	l.t.Helper()
	l.Time.Add(time.Second)
	return must[process.Tried](l.t)(l.Processes.Release(l.t.Context(), p.ID, l.taker))
}

// steps are what the history of a process tells.
func (l law) steps(p *process.Process) []string {
	l.t.Helper()
	var all []string
	for _, e := range must[[]process.Event](l.t)(l.Processes.History(l.t.Context(), p.ID, l.reviewer)) {
		all = append(all, e.What)
	}
	return all
}

func (l law) due() {
	l.t.Helper()
	for range 2 { // once more does nothing twice
		if err := l.Processes.Due(l.t.Context()); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l law) alerts(code cpni.Code) int {
	l.t.Helper()
	n := 0
	for _, r := range must[[]ledger.Row](l.t)(l.Ledger.Records(l.t.Context(), "", ledger.Filter{Kind: ledger.Alert, Limit: 500})) {
		if r.Code == code {
			n++
		}
	}
	return n
}

// unpacked reads a package.
func unpacked(t testing.TB, file []byte) map[string]string {
	t.Helper()
	z := must[*zip.Reader](t)(zip.NewReader(bytes.NewReader(file), int64(len(file))))
	all := map[string]string{}
	for _, f := range z.File {
		r := must[io.ReadCloser](t)(f.Open())
		all[f.Name] = string(must[[]byte](t)(io.ReadAll(r)))
	}
	for line := range strings.Lines(all["SHA256SUMS"]) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if fmt.Sprintf("%x", sha256.Sum256([]byte(all[name]))) != sum {
			t.Errorf("the list of hashes does not fit %s", name)
		}
	}
	return all
}

// callsOf counts the rows of the tables of calls in a package.
func callsOf(t testing.TB, files map[string]string) int {
	t.Helper()
	n := 0
	for name, text := range files {
		if strings.HasPrefix(name, "records/") {
			n += len(must[[][]string](t)(csv.NewReader(strings.NewReader(text)).ReadAll())) - 1
		}
	}
	return n
}

// A paper is taken in, read by somebody else who narrows it with a reason, released through the one door, and handed out once,
// encrypted to the agency's key; each step stands in a history that only grows and in the ledger. What it asked for and is not given
// stands in the package with the reason. The customer sees it in their accounting and is told.
//
// cite: P-29, P-41, I-01, 47 USC 222(c)(1)
func TestLegalProcessIsReadAndAnswered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann, other := o.Customer(t), o.Customer(t)
		key := must[*age.X25519Identity](t)(age.GenerateX25519Identity())
		f := l.order(ann.Lines[0].Number, "+12125550000", other.Account)
		f.ID, f.Key = cpni.NewID(), key.Recipient().String()
		f.Data = []cpni.DataClass{cpni.CallDetail, cpni.Location}
		p := l.file(f)
		if again := l.file(f); again.ID != p.ID || len(l.steps(p)) != 1 {
			t.Errorf("taken in twice: %v (I-11)", l.steps(p))
		}
		if p.State != process.Entered || len(p.Subjects) != 3 || p.Subjects[0].Customer != ann.ID || p.Subjects[1].Customer != "" || p.Subjects[2].Customer != other.ID || p.Subjects[2].Number != "" {
			t.Fatalf("%+v", p)
		}
		scan, media, err := o.Processes.Scan(ctx, p.ID, l.reviewer, 1)
		if err != nil || !bytes.Equal(scan, paper) || media != "application/pdf" {
			t.Errorf("the paper: %q %s %v", scan, media, err)
		}
		if _, err := o.Processes.Release(ctx, p.ID, l.taker); code(err) != "PROCESS" {
			t.Errorf("released before anybody read it: %v (P-29)", err)
		}
		registered := func(from, until time.Time, releases int) {
			t.Helper()
			must[int](t)(0, o.Ledger.Sequence(ctx))
			page := must[register.Page[register.Process]](t)(o.Registers.Processed(ctx, register.Query{Viewer: l.taker}))
			if len(page.Lines) != 1 || !page.Lines[0].Since.Equal(from) || !page.Lines[0].Before.Equal(until) || !page.Lines[0].Until.Equal(p.Until) || len(page.Lines[0].Released) != releases {
				t.Errorf("on the register: %+v, want records from %s to %s and %d releases (P-29)", page.Lines, from, until, releases)
			}
		}
		registered(p.Asked.From, p.Asked.Until, 0)
		all := process.Scope{Subjects: p.Asked.Subjects, Data: p.Asked.Data, From: p.Asked.From, Until: p.Asked.Until}
		narrow := all
		narrow.Data, narrow.Subjects, narrow.Until = []cpni.DataClass{cpni.CallDetail}, []int{1, 2}, at("2026-11-05 00:00")
		wider := narrow
		wider.Until = p.Asked.Until.Add(time.Hour)
		for what, c := range map[string]struct {
			v    process.Verdict
			code cpni.Code
		}{
			"by who took it in":        {process.Verdict{By: l.taker, Version: p.Version, Approve: true, Scope: narrow, Reason: "x"}, "SELF_REVIEW"},
			"by a supervisor":          {process.Verdict{By: o.Member(t, cpni.RoleSupervisor), Version: p.Version, Approve: true, Scope: narrow, Reason: "x"}, "ROLE"},
			"what it cannot command":   {process.Verdict{By: l.reviewer, Version: p.Version, Approve: true, Scope: all}, "PROCESS"},
			"wider than the paper":     {process.Verdict{By: l.reviewer, Version: p.Version, Approve: true, Scope: wider, Reason: "x"}, "PROCESS"},
			"narrower, without reason": {process.Verdict{By: l.reviewer, Version: p.Version, Approve: true, Scope: narrow}, "REASON"},
			"rejected, without reason": {process.Verdict{By: l.reviewer, Version: p.Version}, "REASON"},
			"not what was read":        {process.Verdict{By: l.reviewer, Version: p.Version + 1, Approve: true, Scope: narrow, Reason: "x"}, "CONFLICT"},
			"nothing at all":           {process.Verdict{By: l.reviewer, Version: p.Version, Approve: true, Reason: "x"}, "PROCESS"},
		} {
			if _, err := o.Processes.Review(ctx, p.ID, c.v); code(err) != c.code {
				t.Errorf("a review, %s: %v, want %s (P-29)", what, err, c.code)
			}
		}
		p = must[*process.Process](t)(o.Processes.Review(ctx, p.ID, process.Verdict{By: l.reviewer, Version: p.Version, Approve: true, Scope: narrow, Reason: "The judge let the rest fall."}))
		if p.State != process.Approved || p.ReviewedBy != l.reviewer {
			t.Fatalf("%+v", p)
		}
		tried := l.release(p)
		if tried.Released != 1 || len(tried.Refused) != 0 {
			t.Fatalf("%+v", tried)
		}
		registered(narrow.From, narrow.Until, 1)
		named := must[register.Page[register.Disclosure]](t)(o.Registers.Disclosed(ctx, register.Query{Matter: p.Number, Viewer: l.taker}))
		if len(named.Lines) != 1 || named.Lines[0].Basis.Number != p.Number {
			t.Errorf("by the number of the paper: %+v (P-29, P-41)", named.Lines)
		}
		if again := l.release(p); again.Released != 0 || len(must[[]process.Release](t)(o.Processes.Releases(ctx, p.ID, l.taker))) != 1 {
			t.Errorf("released again: %+v", again)
		}
		n := must[int](t)(o.Processes.Pack(ctx, p.ID, l.taker))
		out := must[*process.Handout](t)(o.Processes.HandOut(ctx, p.ID, l.taker, n, nil))
		if !strings.HasSuffix(out.Name, ".zip.age") || bytes.Contains(out.File, []byte("555")) && bytes.Contains(out.File, []byte("PK\x03\x04")) {
			t.Errorf("the package %s is not encrypted", out.Name)
		}
		plain := must[io.Reader](t)(age.Decrypt(bytes.NewReader(out.File), key))
		files := unpacked(t, must[[]byte](t)(io.ReadAll(plain)))
		if got := callsOf(t, files); got != 2 { // of three, the one of 9 November lies behind the narrowed end
			t.Errorf("%d calls, want 2: %v (P-29)", got, files)
		}
		missing := files["not-released.csv"]
		for _, want := range []string{other.Account, "Locations of calls", "18 USC 2703(d)", "The judge let the rest fall.", "+12125550000", "No customer of ours"} {
			if !strings.Contains(missing, want) {
				t.Errorf("what is not released does not say %q: %s", want, missing)
			}
		}
		if !strings.HasPrefix(files["letter.pdf"], "%PDF-") || !strings.HasPrefix(files["records.pdf"], "%PDF-") {
			t.Error("there is no letter or no print")
		}
		if _, err := o.Processes.HandOut(ctx, p.ID, l.taker, n, nil); code(err) != "PROCESS" {
			t.Errorf("handed out twice: %v", err)
		}
		packages := must[[]process.Package](t)(o.Processes.Packages(ctx, p.ID, l.taker))
		if len(packages) != 1 || packages[0].Hash != fmt.Sprintf("%x", sha256.Sum256(out.File)) {
			t.Errorf("%+v", packages)
		}
		releases := must[[]process.Release](t)(o.Processes.Releases(ctx, p.ID, l.taker))
		line := must[accounting.Line](t)(o.Accounting.One(ctx, ann.ID, releases[0].Entry))
		if line.Purpose != cpni.Legal || !line.Permit || line.For.Kind != cpni.ToLawEnforcement {
			t.Errorf("in the customer's accounting: %+v (P-41)", line)
		}
		l.due()
		if sent := messages(t, o, ann.ID, notify.ProcessAnswered); len(sent) != 1 || sent[0].To != ann.Email[0].Value {
			t.Errorf("the customer is told: %+v", sent)
		}
		if sent := messages(t, o, other.ID, notify.ProcessAnswered); len(sent) != 0 {
			t.Errorf("somebody is told of whom nothing was released: %+v", sent)
		}
		p = must[*process.Process](t)(o.Processes.Close(ctx, p.ID, l.taker, ""))
		if _, err := o.Processes.Release(ctx, p.ID, l.taker); code(err) != "PROCESS" {
			t.Errorf("released after it was closed: %v", err)
		}
		history := must[[]process.Event](t)(o.Processes.History(ctx, p.ID, l.taker))
		for i, e := range history {
			row, err := o.Ledger.Record(ctx, "", e.Entry)
			if e.N != i+1 || err != nil || row.Kind != ledger.Process || row.Actor != e.By {
				t.Errorf("step %d %q is not in the ledger: %v (P-41)", e.N, e.What, err)
			}
		}
		if got := l.steps(p); got[0] != process.TookIn || got[1] != process.Read || got[2] != process.DidRelease || got[len(got)-1] != process.DidClose {
			t.Errorf("%v", got)
		}
		if kept := o.Processes.KeptUntil(p); kept.Before(o.Clock.Now().AddDate(6, 0, 0)) {
			t.Errorf("kept until %s", kept)
		}
		mustVerify(t, o)
		again := must[*disclose.Replayed](t)(o.Door.Replay(ctx, io.Discard))
		if !again.OK() {
			t.Errorf("the decisions do not replay: %+v (I-04)", again)
		}
	})
}

// What a caller says of a process is not read: the register's word counts, by the id, for the customer, the line, the classes, the
// months, the recipient and who asks. A process is a basis of nothing but legal requests, and hides nothing else.
//
// cite: P-29, I-02, 47 USC 222(c)(1)
func TestTheDoorTakesTheRegistersWord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t, func(p *customer.Profile) {
			p.Lines = append(p.Lines, customer.Line{Number: "+12025559901", Categories: []cpni.Category{cpni.Local}, Since: p.Since})
		})
		other := o.Customer(t)
		f := l.order(ann.Lines[0].Number)
		f.Silence, f.Named = process.Silence{Ordered: true, Until: at("2027-06-01 00:00")}, []cpni.ID{l.reviewer}
		p := l.approve(l.file(f))
		wide := rules.Process{ID: string(p.ID), Issuer: "me", Scope: cpni.DataClasses, From: at("2020-01-01 00:00"), Until: at("2030-01-01 00:00"), ReviewedBy: "me", Filed: &rules.Filed{Stands: true, Subject: true, Dates: true, Recipient: true}}
		invented := wide
		invented.ID = "SUB-7"
		unnamed := o.Member(t, cpni.RoleOfficer)
		right := disclose.Request{Caller: disclose.Caller{Staff: l.taker}, Customer: ann.ID, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File, Line: ann.Lines[0].Number,
			Months: []int{202610, 202611}, Process: &wide}
		if a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, right)); !a.Decision.Permit() || a.Released.CallCount() != officetest.Calls {
			t.Fatalf("within its scope: %+v", a.Decision)
		}
		for what, change := range map[string]func(*disclose.Request){
			"an invented process":    func(r *disclose.Request) { r.Process = &invented },
			"another customer":       func(r *disclose.Request) { r.Customer, r.Line = other.ID, other.Lines[0].Number },
			"another line":           func(r *disclose.Request) { r.Line = "+12025559901" },
			"all lines":              func(r *disclose.Request) { r.Line = "" },
			"another class":          func(r *disclose.Request) { r.Data = []cpni.DataClass{cpni.CallDetail, cpni.Billing} },
			"another month":          func(r *disclose.Request) { r.Months = []int{202609, 202610} },
			"another recipient":      func(r *disclose.Request) { r.To = "designee:Somebody" },
			"who is not named in it": func(r *disclose.Request) { r.Caller.Staff = unnamed },
		} {
			r := right
			change(&r)
			if a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, r)); a.Decision.Permit() || a.Decision.Code != "PROCESS" {
				t.Errorf("%s: %s %s (P-29)", what, a.Decision.Outcome, a.Decision.Code)
			}
		}
		// A secret process as a cloak for another request: it is shown to the customer all the same.
		in := o.Verified(t, o.Member(t, cpni.RoleAgent), ann.ID)
		cloaked := disclose.Request{Caller: disclose.Caller{Staff: l.taker}, Customer: ann.ID, Contact: in, Data: []cpni.DataClass{cpni.CallDetail}, Purpose: cpni.CustomerRequest, Process: &wide}
		a := must[*disclose.Answer](t)(o.Door.Disclose(ctx, cloaked))
		if _, err := o.Accounting.One(ctx, ann.ID, a.Entry); err != nil {
			t.Errorf("a process hides a request of another purpose: %v (P-41)", err)
		}
		stranger := right
		stranger.Customer, stranger.Line = other.ID, other.Lines[0].Number
		a = must[*disclose.Answer](t)(o.Door.Disclose(ctx, stranger))
		if _, err := o.Accounting.One(ctx, other.ID, a.Entry); err != nil {
			t.Errorf("a process hides a request about somebody whom it does not name: %v (P-41)", err)
		}
	})
}

// Whatever a process covers and whatever is asked under it, nothing leaves that is not the named customer's and line's, of a named
// class and of a moment within its dates; and a request that goes beyond it is refused.
//
// cite: P-29, 47 USC 222(c)(1)
func TestTheScopeOfLegalProcessIsNeverExceeded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), context.Background()
		var people []*customer.Profile
		for n := range 2 {
			p := o.Customer(t, func(p *customer.Profile) {
				p.Lines = append(p.Lines, customer.Line{Number: fmt.Sprintf("+1202555980%d", n), Categories: []cpni.Category{cpni.Local}, Since: p.Since, Listed: true})
			})
			people = append(people, p)
			var calls []vault.Call
			for i := range 60 {
				calls = append(calls, vault.Call{At: at("2026-09-20 00:00").Add(time.Duration(i) * 36 * time.Hour), Seconds: 5, Answered: true, Out: true, Number: "+17035550123", ID: uint64(100 + i)})
			}
			if err := o.DB.Tx(ctx, func(tx *store.Tx) error {
				for _, line := range p.Lines {
					if _, err := o.Vault.MergeCalls(ctx, tx, vault.Portions(p.ID, line.No, calls, officetest.Zone)); err != nil {
						return err
					}
				}
				for _, class := range []cpni.DataClass{cpni.Billing, cpni.Usage, cpni.Service} {
					for line := range 3 {
						for _, month := range []int{0, 202609, 202610, 202611} {
							if err := o.Vault.PutItem(ctx, tx, p.ID, vault.Item{Class: class, Line: line, Period: month, Values: map[string]string{"x": "y"}}); err != nil {
								return err
							}
						}
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		classes := []cpni.DataClass{cpni.CallDetail, cpni.Usage, cpni.Service, cpni.Billing, cpni.Listing}
		permitted, refused := 0, 0
		rapid.Check(t, func(t *rapid.T) {
			who := rapid.SampledFrom(people).Draw(t, "whose")
			about := rapid.SampledFrom([]string{who.Account, who.Lines[0].Number, who.Lines[1].Number}).Draw(t, "about")
			f := l.order(about)
			f.Data = rapid.SliceOfNDistinct(rapid.SampledFrom(classes), 1, 4, rapid.ID).Draw(t, "commanded")
			from := at("2026-09-15 00:00").Add(time.Duration(rapid.IntRange(0, 70*24).Draw(t, "from")) * time.Hour)
			f.AskedFrom, f.AskedUntil = from, from.Add(time.Duration(rapid.IntRange(1, 60*24).Draw(t, "long"))*time.Hour)
			p, err := o.Processes.File(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			s := process.Scope{Subjects: p.Asked.Subjects, Data: p.Asked.Data[:rapid.IntRange(1, len(p.Asked.Data)).Draw(t, "kept")], From: p.Asked.From, Until: p.Asked.Until}
			if half := s.From.Add(s.Until.Sub(s.From) / 2); rapid.Bool().Draw(t, "narrowed") {
				s.Until = half
			}
			if p, err = o.Processes.Review(ctx, p.ID, process.Verdict{By: l.reviewer, Version: p.Version, Approve: true, Scope: s, Reason: "as far as it goes"}); err != nil {
				t.Fatal(err)
			}
			// What the desk releases, and what somebody asks for beside it.
			if _, err := o.Processes.Release(ctx, p.ID, l.taker); err != nil {
				t.Fatal(err)
			}
			releases, err := o.Processes.Releases(ctx, p.ID, l.taker)
			if err != nil || len(releases) != 1 || releases[0].Customer != who.ID {
				t.Fatalf("%+v, %v", releases, err)
			}
			released, _, err := o.Door.Sent(ctx, who.ID, releases[0].Entry)
			if err != nil {
				t.Fatal(err)
			}
			within(t, released, who, about, s)
			asks := rapid.SampledFrom(people).Draw(t, "asked of")
			r := disclose.Request{Caller: disclose.Caller{Staff: l.taker}, Customer: asks.ID, Purpose: cpni.Legal, To: "law-enforcement", Via: cpni.File, Process: &rules.Process{ID: string(p.ID)},
				Data:   rapid.SliceOfNDistinct(rapid.SampledFrom(classes), 1, 3, rapid.ID).Draw(t, "data"),
				Line:   rapid.SampledFrom([]string{"", asks.Lines[0].Number, asks.Lines[1].Number}).Draw(t, "line"),
				Months: rapid.SliceOfNDistinct(rapid.SampledFrom([]int{202608, 202609, 202610, 202611, 202612}), 1, 3, rapid.ID).Draw(t, "months")}
			if rapid.Bool().Draw(t, "within its classes and lines") {
				asks, r.Customer, r.Data = who, who.ID, s.Data[:1]
				if r.Line = ""; about != who.Account {
					r.Line = about
				}
				y, m, _ := s.From.In(officetest.Zone).Date()
				r.Months = []int{y*100 + int(m)}
			}
			a, err := o.Door.Disclose(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			if !a.Decision.Permit() {
				refused++
				return
			}
			permitted++
			if asks != who || slices.ContainsFunc(r.Data, func(c cpni.DataClass) bool { return !slices.Contains(s.Data, c) }) || about != who.Account && r.Line != about {
				t.Fatalf("permitted beyond the scope: %+v of %+v about %s", r, s, about)
			}
			within(t, a.Released, who, about, s)
		})
		if permitted == 0 || refused == 0 {
			t.Errorf("%d permitted, %d refused: the property says nothing", permitted, refused)
		}
	})
}

// within fails unless all that was released lies within a scope.
func within(t *rapid.T, r *disclose.Released, who *customer.Profile, about string, s process.Scope) {
	numbers := []string{who.Lines[0].Number, who.Lines[1].Number}
	if about != who.Account {
		numbers = []string{about}
	}
	for _, c := range r.Calls {
		if len(c.Calls) > 0 && (!slices.Contains(numbers, c.Line) || !slices.Contains(s.Data, cpni.CallDetail)) {
			t.Fatalf("calls of %s, about %s", c.Line, about)
		}
		for _, x := range c.Calls {
			if x.At.Before(s.From) || !x.At.Before(s.Until) {
				t.Fatalf("a call of %s, within %s to %s (P-29)", x.At, s.From, s.Until)
			}
		}
	}
	for _, i := range r.Items {
		if !slices.Contains(s.Data, i.Class) || i.Line == 0 && about != who.Account || i.Line > 0 && !slices.Contains(numbers, who.Lines[i.Line-1].Number) {
			t.Fatalf("an item %+v, about %s of %v (P-29)", i, about, s.Data)
		}
		if i.Period > 0 {
			first := time.Date(i.Period/100, time.Month(i.Period%100), 1, 0, 0, 0, 0, officetest.Zone)
			if first.Before(s.From) || first.AddDate(0, 1, 0).After(s.Until) {
				t.Fatalf("an item of %d, within %s to %s (P-29)", i.Period, s.From, s.Until)
			}
		}
	}
	for _, x := range r.Lines {
		if !slices.Contains(s.Data, cpni.Listing) || !slices.Contains(numbers, x.Number) {
			t.Fatalf("a listing of %s", x.Number)
		}
	}
}

// quashing is a register in which a process is quashed as soon as the door has looked at it.
type quashing struct {
	*process.Register
	once sync.Once
	do   func()
}

func (q *quashing) Process(ctx context.Context, ask disclose.AskProcess) (rules.Process, disclose.Limits, store.Guard, bool, error) {
	f, l, g, ok, err := q.Register.Process(ctx, ask)
	q.once.Do(q.do)
	return f, l, g, ok, err
}

// What a filing must say is asked for, and nothing is taken in that lacks it.
//
// cite: P-29
func TestIncompleteLegalProcess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := officetest.Open(t, db)
		l, ctx := lawOf(t, o), t.Context()
		ann := o.Customer(t)
		for what, c := range map[string]struct {
			change func(*process.Filing)
			code   cpni.Code
		}{
			"no number":            {func(f *process.Filing) { f.Number = " " }, "INCOMPLETE"},
			"no issuer":            {func(f *process.Filing) { f.Issuer = "" }, "INCOMPLETE"},
			"nobody to answer to":  {func(f *process.Filing) { f.Officer = "" }, "INCOMPLETE"},
			"no end":               {func(f *process.Filing) { f.Until = time.Time{} }, "INCOMPLETE"},
			"no days of records":   {func(f *process.Filing) { f.AskedFrom = time.Time{} }, "INCOMPLETE"},
			"eleven years":         {func(f *process.Filing) { f.AskedFrom = f.AskedUntil.AddDate(-11, 0, 0) }, "INCOMPLETE"},
			"no classes":           {func(f *process.Filing) { f.Data = nil }, "INCOMPLETE"},
			"no such class":        {func(f *process.Filing) { f.Data = []cpni.DataClass{"dreams"} }, "INCOMPLETE"},
			"about nobody":         {func(f *process.Filing) { f.About = []string{" "} }, "BAD_INPUT"},
			"no scan":              {func(f *process.Filing) { f.Scan = nil }, "BAD_INPUT"},
			"a page":               {func(f *process.Filing) { f.Scan = []byte("<html>") }, "BAD_INPUT"},
			"a scan that is large": {func(f *process.Filing) { f.Scan = append(bytes.Clone(paper), make([]byte, process.MostScan)...) }, "BAD_INPUT"},
			"no such kind":         {func(f *process.Filing) { f.Kind = "royal-decree" }, "BAD_INPUT"},
			"tomorrow":             {func(f *process.Filing) { f.Received = o.Clock.Now().Add(time.Hour) }, "BAD_INPUT"},
			"a key that is none":   {func(f *process.Filing) { f.Key = "age1nothing" }, "BAD_INPUT"},
			"a line break":         {func(f *process.Filing) { f.Issuer = "a\x00b" }, "BAD_INPUT"},
			"by an agent":          {func(f *process.Filing) { f.By = o.Member(t, cpni.RoleAgent) }, "ROLE"},
		} {
			f := l.order(ann.Account)
			c.change(&f)
			if _, err := o.Processes.File(ctx, f); code(err) != c.code {
				t.Errorf("%s: %v, want %s (P-29)", what, err, c.code)
			}
		}
		if all, _, err := o.Processes.List(ctx, l.taker, process.Query{}); err != nil || len(all) != 0 {
			t.Errorf("%d files, %v", len(all), err)
		}
	})
}
