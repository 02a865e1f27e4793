package scenario

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"ringfence/internal/contact"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/ledger"
	"ringfence/internal/notify/wording"
	"ringfence/internal/office"
	"ringfence/internal/partner"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/workday"
)

// world is one fresh instance with the names that its story uses.
type world struct {
	story  *Scenario
	heard  func(*world, step, result) // of what came of each step; nil: nobody
	clock  *clock
	office *office.Office

	folder   string // of files of its own
	db       *store.DB
	ledger   *ledger.Ledger
	vault    *vault.Vault
	book     *customer.Book
	desk     *contact.Desk
	hash     *contact.Hasher
	staff    *staff.Register
	partners *partner.Register
	written  int // mails that customers wrote

	customers  map[string]cpni.ID
	names      map[cpni.ID]string // of customers
	staffIDs   map[string]cpni.ID
	contacts   map[string]cpni.ID
	findings   map[string]cpni.ID
	matters    map[string]cpni.ID
	notices    map[string]cpni.ID // the runs of written notices
	campaigns  map[string]cpni.ID
	processes  map[string]cpni.ID // files of legal process
	incidents  map[string]cpni.ID
	failures   map[string]cpni.ID
	holds      map[string]cpni.ID  // legal holds
	sims       map[string]simAsked // changes of a SIM that were asked for
	urgent     map[string]bool     // incidents of which the first report is to say that customers must be told at once
	named      map[string][]string // partners whom a one-time notice named
	read       map[string]cpni.ID  // one-time notices, by the contact in which they were read
	code       string              // that was last sent
	before     map[cpni.ID]bool    // records of the setup
	down       map[string]bool     // parts that a fault has taken down
	outside    *farSide
	exports    map[string]cpni.ID
	keys       map[string]*age.X25519Identity // of partners
	publishers map[string]*age.X25519Identity // with whose keys they read
	switches   []rules.Switch                 // that the story has told
	factors    map[cpni.ID]string             // secrets of second factors, by who has them
}

// simAsked is a change of a SIM that a customer has asked for.
type simAsked struct{ customer, change cpni.ID }

// origin names the log of an instance.
const origin = "scenario.ringfence"

// cheap is the cost of hashing the secrets of a story: they stand in the file for everyone to read.
var cheap = contact.HashCost{MemoryKiB: 64, Passes: 1}

// lawbook is the policy by which stories are told, with the texts of messages beside it: read once, however many stories there are.
type lawbook struct {
	rules   *rules.Set
	files   fs.FS
	notices *wording.Book
}

// readPolicy reads the policy by which stories are told.
func readPolicy(files fs.FS) (*lawbook, error) {
	set, err := rules.Load(files)
	if err != nil {
		return nil, err
	}
	notices, err := office.ReadNotices(files)
	if err != nil {
		return nil, err
	}
	return &lawbook{set, files, notices}, nil
}

// newWorld opens a fresh office on db for a story. Its clock stands where the story begins.
func newWorld(ctx context.Context, s *Scenario, db *store.DB, policy *lawbook) (*world, error) {
	w := &world{story: s, db: db, clock: &clock{}, customers: map[string]cpni.ID{}, names: map[cpni.ID]string{}, staffIDs: map[string]cpni.ID{},
		contacts: map[string]cpni.ID{}, findings: map[string]cpni.ID{}, matters: map[string]cpni.ID{}, processes: map[string]cpni.ID{}, incidents: map[string]cpni.ID{}, failures: map[string]cpni.ID{}, holds: map[string]cpni.ID{}, sims: map[string]simAsked{}, urgent: map[string]bool{}, read: map[string]cpni.ID{}, named: map[string][]string{}, notices: map[string]cpni.ID{}, campaigns: map[string]cpni.ID{}, before: map[cpni.ID]bool{}, down: map[string]bool{}, outside: newFarSide(), exports: map[string]cpni.ID{}, keys: map[string]*age.X25519Identity{}, factors: map[cpni.ID]string{}}
	w.clock.set(s.start)
	signer, err := ledger.NewKey(origin)
	if err != nil {
		return nil, err
	}
	carrier := args{w, s.setup}.sub("carrier")
	public, err := publicOf(s)
	if err != nil {
		return nil, err
	}
	calendars, err := calendarsOf(policy, args{w, s.setup})
	if err != nil {
		return nil, err
	}
	if w.folder, err = os.MkdirTemp("", "story-"); err != nil {
		return nil, err
	}
	w.office, err = office.Open(ctx, office.Config{DB: db, Policy: policy.rules, Master: vault.NewMaster(), Origin: origin, Signer: signer, Clock: w.clock, Zone: s.zone, HashCost: &cheap, Courses: policy.files, Notices: policy.notices, Calendars: calendars,
		Channels: w.outside.channels(), Carrier: office.Carrier{Name: "Lucid Telephone", Phone: "+18005550147", Email: "care@lucid.example", Web: "https://lucid.example", Address: "https://account.lucid.example"},
		Public: public, InlineProcess: true, Filer: filer,
		CMRS: carrier.n != nil && carrier.flag("cmrs"), UnaidedDetail: carrier.n != nil && carrier.flag("unaided-detail"),
		Journal:  filepath.Join(w.folder, "emergencies"),
		Profiles: w.inForce})
	if err != nil {
		os.RemoveAll(w.folder)
		return nil, fmt.Errorf("opening the instance: %w", err)
	}
	o := w.office
	w.ledger, w.vault, w.book, w.desk, w.hash, w.staff, w.partners = o.Ledger, o.Vault, o.Customers, o.Contacts, o.Secrets, o.Staff, o.Partners
	return w, nil
}

// calendarsOf gives the calendars of the policy with the closures that a story adds.
//
// cite: V05, 47 CFR 1.4(e)
func calendarsOf(policy *lawbook, setup args) (*workday.Calendars, error) {
	calendars, err := office.ReadCalendars(policy.files)
	if err != nil || setup.n == nil {
		return calendars, err
	}
	var more []workday.Closure
	for _, c := range setup.list("closures") {
		day, err := workday.ParseDate(c.text("date"))
		if err != nil {
			return nil, err
		}
		closure := workday.Closure{Date: day, Why: c.text("why"), Source: c.text("source")}
		if c.has("until") {
			if closure.Until, err = workday.ParseDate(c.text("until")); err != nil {
				return nil, err
			}
		}
		more = append(more, closure)
	}
	return calendars.With(more...)
}

func (w *world) close() {
	w.office.Close()
	os.RemoveAll(w.folder)
}

// now gives the moment at which the story stands.
func (w *world) now() time.Time { return w.clock.Now() }

// inForce gives the profiles of a policy as a story has them: those that it names are in force when it begins, and what it switches
// comes after them.
func (w *world) inForce(p *rules.Profiles) (*rules.Profiles, error) {
	if len(w.story.profiles) == 0 {
		return p, nil
	}
	p, err := p.Switched(w.story.profiles, workday.DateIn(w.story.start, w.story.zone))
	if err != nil {
		return nil, err
	}
	return p.After(w.switches)
}
