// Package office puts one carrier's services together: the database, the ledger, the vault, the policy, the registers of
// customers, staff and partners, the desk of contacts, and the one door. The server, the commands and the scenarios all
// work in an office.
package office

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"ringfence/internal/accounting"
	"ringfence/internal/aggregate"
	"ringfence/internal/answer"
	"ringfence/internal/approval"
	"ringfence/internal/audience"
	"ringfence/internal/breach"
	"ringfence/internal/campaign"
	"ringfence/internal/complaint"
	"ringfence/internal/contact"
	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/directory"
	"ringfence/internal/disclose"
	"ringfence/internal/evidence"
	"ringfence/internal/export"
	"ringfence/internal/filing"
	"ringfence/internal/filing/books"
	"ringfence/internal/filing/certificate"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/filing/retention"
	"ringfence/internal/filing/yearly"
	"ringfence/internal/ledger"
	"ringfence/internal/ledger/witness"
	"ringfence/internal/matter"
	"ringfence/internal/notice"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/internal/partner"
	"ringfence/internal/process"
	"ringfence/internal/publish"
	"ringfence/internal/register"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/training"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
	"ringfence/internal/workday"
	"ringfence/internal/written"
	"ringfence/policy"
)

// Config is what an office is opened with.
type Config struct {
	DB     *store.DB
	Policy *rules.Set    // made of the files of the policy
	Master *vault.Master // the key above all keys
	Origin string        // the ledger's name
	Signer note.Signer   // of the ledger's checkpoints
	// Outside is the path of the file that keeps the newest checkpoint outside the database; empty: none.
	Outside string
	// Journal is the path of the file in which this node alone records what emergency calls need while the ledger cannot be written;
	// empty: none, and they wait like everything else.
	Journal string
	// Witnesses are asked to cosign the checkpoints, and Quorum of them have to; 0: all.
	Witnesses []witness.Peer
	Quorum    int
	Clock     cpni.Clock     // the machine's, or one that a story moves
	Zone      *time.Location // the carrier's
	// UnaidedDetail and CMRS are as in disclose.Parts.
	UnaidedDetail, CMRS bool
	// SecondFactorOptional lets the staff in with a password alone, which only a demonstration does.
	SecondFactorOptional bool
	// HashCost replaces what the policy says of how dear a guess at a secret is; nil: the policy's.
	HashCost *contact.HashCost
	// Courses holds the folders courses/, notices/ and forms/ of the policy; nil, or without such a folder: what is built in.
	Courses fs.FS
	// Notices are the templates of messages, where they are read already; nil: they are read from Courses.
	Notices *wording.Book
	// Profiles is as in rulebook.Options.
	Profiles func(*rules.Profiles) (*rules.Profiles, error)
	// TakeFiles is as in rulebook.Options.
	TakeFiles bool
	// Channels carry messages to customers; a message whose way has none waits.
	Channels map[cpni.Via]notify.Channel
	// Calendars replace those of the policy's files; nil: they are read from Courses.
	Calendars *workday.Calendars
	// Carrier is what messages say of the carrier.
	Carrier Carrier
	// Public is what the public policy is filled with, and begun by.
	Public Public
	// Filer is what reports of breaches to the agencies say of the carrier.
	Filer Filer
	// Rehearse tells the carrier's stories under a policy before anybody is asked to agree to it; nil: there are none, and no
	// other policy can be proposed.
	Rehearse Rehearse
	// InlineProcess is as in disclose.Parts.
	InlineProcess bool
}

// Office is one carrier's services, open.
type Office struct {
	DB        *store.DB
	Clock     cpni.Clock // never goes back
	Zone      *time.Location
	Carrier   Carrier
	Ledger    *ledger.Ledger
	Witnesses *witness.Asker
	Vault     *vault.Vault
	Policy    *rulebook.Book
	Customers *customer.Book
	Outbox    *notify.Outbox
	Messages  *notify.Carrier
	Wording   *wording.Book  // what messages to customers say
	Editions  *wording.Shelf // the same, and notices by their editions
	Contacts  *contact.Desk
	Secrets   *contact.Hasher
	Staff     *staff.Register
	Partners  *partner.Register
	Matters   *matter.Register // cases, tickets, orders, ports and placements
	Door      *disclose.Door
	Approvals *approval.Book
	Notices   *notice.Notices
	Answers   *answer.Desk
	Campaigns *campaign.Register
	Proposals *countersign.Register
	Audience  *audience.Sets // who may be in an audience, and who not and why

	Training   *training.School
	Discipline *training.Discipline
	Watch      *watch.Watch
	Published  *publish.Book // the public policy
	reporting                // to the agencies

	// What customers are told of what is held about them, ask for in writing, and report.
	Accounting *accounting.Book
	Written    *written.Desk
	Complaints *complaint.Book

	Processes *process.Register // legal process
	Exports   *export.Exports   // files for partners
	Incidents *breach.Desk
	Filing    *filing.Desk // letters about ways to refuse that failed
	guards                 // what guards customers' information
	// The annual certificates.
	Certificates *certificate.Desk
	Books        *books.Desk       // complaints, actions, methods and reviews, by the year
	Monitors     *monitor.Monitors // try each way to refuse; what does is set up in server
	Yearly       *yearly.Book      // what a year came to
	// Listings for publishers of directories, and figures about many.
	Directory *directory.Desk
	Aggregate *aggregate.Desk
	Registers *register.Book  // of campaigns, disclosures and legal process
	Retention *retention.Desk // how long what is kept, legal holds, erasure
	forgotten *retention.Outside
	Evidence  *evidence.Maker // bundles for auditors

	public    Public
	calendars *workday.Calendars
	rehearse  Rehearse
	lookUps   *store.Batcher[lookUp]
	closing   sync.Once
}

// Open opens an office on an open database.
func Open(ctx context.Context, c Config) (*Office, error) {
	if c.DB == nil || c.Policy == nil || c.Master == nil || c.Clock == nil || c.Zone == nil {
		return nil, errors.New("office: database, policy, master key, clock and zone are needed")
	}
	clock, err := store.Forward(ctx, c.Clock, c.DB)
	if err != nil {
		return nil, err
	}
	o := &Office{DB: c.DB, Clock: clock, Zone: c.Zone, Carrier: c.Carrier, rehearse: c.Rehearse}
	if o.Ledger, err = ledger.Open(ctx, c.DB, ledger.Options{Origin: c.Origin, Signer: c.Signer, Clock: clock, Outside: c.Outside}); err != nil {
		return nil, err
	}
	if o.Vault, err = vault.Open(ctx, c.DB, c.Master); err != nil {
		return nil, err
	}
	if o.Policy, err = rulebook.Open(ctx, c.DB, o.Vault, o.Ledger, rulebook.Options{Policy: c.Policy, Clock: clock, Zone: c.Zone, Profiles: c.Profiles, TakeFiles: c.TakeFiles}); err != nil {
		return nil, err
	}
	numbers := o.Policy.Numbers(clock.Now())
	cost := contact.HashCost{MemoryKiB: uint32(numbers.Int("security-defaults", "argon2_memory_kib")), Passes: uint32(numbers.Int("security-defaults", "argon2_passes"))}
	if c.HashCost != nil {
		cost = *c.HashCost
	}
	o.Secrets = contact.NewHasher(cost, o.Vault.Derive("secrets v1"), max(1, runtime.NumCPU()/2))
	if o.calendars = c.Calendars; o.calendars == nil {
		if o.calendars, err = ReadCalendars(c.Courses); err != nil {
			return nil, err
		}
	}
	o.Customers = customer.NewBook(c.DB, o.Vault, o.Ledger, clock)
	o.Outbox = notify.NewOutbox(c.DB, o.Vault, clock)
	if o.Wording = c.Notices; o.Wording == nil {
		if o.Wording, err = ReadNotices(c.Courses); err != nil {
			return nil, err
		}
	}
	if err := o.keepWording(ctx); err != nil {
		return nil, err
	}
	o.Editions = wording.NewShelf(o.Wording, o.sourceOf)
	o.Contacts = contact.NewDesk(c.DB, o.Vault, o.Ledger, o.Customers, o.Outbox, clock, o.Secrets, o.contactRules(c.Zone))
	if o.Forms, err = ReadForms(c.Courses); err != nil {
		return nil, err
	}
	o.filer = c.Filer
	o.Staff = staff.NewRegister(c.DB, o.Vault, o.Ledger, clock, o.Secrets, numbersOf(o.Policy, func(n rules.InForce) staff.Rules {
		r := staff.RulesOf(n)
		r.SecondFactor = r.SecondFactor && !c.SecondFactorOptional
		return r
	}))
	o.Staff.Govern(func() *rules.Set {
		set, _ := o.Policy.Current()
		return set
	})
	courses, err := ReadCourses(c.Courses, c.Policy)
	if err != nil {
		return nil, err
	}
	taught := training.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Clock: clock, Zone: c.Zone, Courses: courses, Rules: numbersOf(o.Policy, training.RulesOf)}
	o.Training, o.Discipline = training.NewSchool(taught), training.NewDiscipline(taught)
	o.Partners = partner.NewRegister(c.DB, o.Vault, o.Ledger, clock)
	o.Matters = matter.New(matter.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Partners: o.Partners, Clock: clock, Numbers: numbersOf(o.Policy, matter.NumbersOf)})
	if err := o.openPublished(ctx, c); err != nil {
		return nil, err
	}
	o.Door = disclose.New(disclose.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Policy: o.Policy, Customers: o.Customers, Contacts: o.Contacts,
		Staff: o.Staff, Partners: o.Partners, Outbox: o.Outbox, Clock: clock, Zone: c.Zone, UnaidedDetail: c.UnaidedDetail, CMRS: c.CMRS,
		Matters:   o.Matters,
		Additions: o.Published.Terms, Reread: o.Published.Refresh})
	if c.Journal != "" {
		o.Door.Journal = o.Ledger.Journal(c.Journal)
	}
	o.Approvals = approval.NewBook(approval.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Contacts: o.Contacts, Outbox: o.Outbox, Clock: clock, Zone: c.Zone,
		Numbers: numbersOf(o.Policy, approval.RulesOf), Called: o.partnerCalled})
	o.Audience = audience.NewSets(audience.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Customers: o.Customers, Door: o.Door, Clock: clock, Zone: c.Zone})
	o.Notices = o.notices()
	if o.Answers, err = o.answers(c); err != nil {
		return nil, err
	}
	o.Exports = o.exports()
	o.Exports.Ask(o.Audience)
	o.openCampaigns()
	o.Messages = o.messages(c)
	o.Reach(c.Channels)
	o.Proposals = o.proposals()
	o.Watch = watch.New(watch.Parts{DB: c.DB, Vault: o.Vault, Ledger: o.Ledger, Staff: o.Staff, Customers: o.Customers, Clock: clock, Zone: c.Zone, Numbers: numbersOf(o.Policy, watch.NumbersOf), Reserved: reservedAlerts()})
	o.lookUps = store.NewBatcher(mostLookUps, o.recordLookUps)
	o.openProcesses(c)
	if err := o.openIncidents(c); err != nil {
		return nil, err
	}
	o.openFiling()
	if err := o.openControls(c.Courses, c.SecondFactorOptional); err != nil {
		return nil, err
	}
	if err := o.openCertificates(c); err != nil {
		return nil, err
	}
	o.openMonitors()
	if err := o.openWitnesses(c); err != nil {
		return nil, err
	}
	o.openRegisters()
	o.openYearly()
	o.openEvidence()
	o.tellOfHoldings()
	o.openBooks()
	o.giveListings()
	o.Accounting.Registers = o.Registers
	if err := o.openRetention(ctx, c); err != nil {
		return nil, err
	}
	return o, nil
}

// ReadCourses reads the courses of a policy's files; of one without courses, those that are built in.
func ReadCourses(files fs.FS, set *rules.Set) (*training.Catalogue, error) {
	if files == nil {
		files = policy.Files
	}
	if _, err := fs.Stat(files, "courses"); errors.Is(err, fs.ErrNotExist) {
		files = policy.Files
	}
	return training.Read(files, set.Clauses())
}

// ReadCalendars reads the calendars of a policy's files; of one without a list of closures, those that are built in.
//
// cite: P-44, P-47, 47 CFR 1.4(e)
func ReadCalendars(files fs.FS) (*workday.Calendars, error) {
	if files == nil {
		files = policy.Files
	}
	if _, err := fs.Stat(files, "closures.yaml"); errors.Is(err, fs.ErrNotExist) {
		files = policy.Files
	}
	return workday.Load(files)
}

// ReadNotices reads the templates of a policy's files; of one without templates, those that are built in.
//
// cite: P-23, P-27
func ReadNotices(files fs.FS) (*wording.Book, error) {
	if files == nil {
		files = policy.Files
	}
	if _, err := fs.Stat(files, "notices"); errors.Is(err, fs.ErrNotExist) {
		files = policy.Files
	}
	return wording.Load(files)
}

// numbersOf takes what a service needs from the numbers in force, anew only when others are.
func numbersOf[T any](book *rulebook.Book, of func(rules.InForce) T) func(at time.Time) T {
	type taken struct {
		from  rules.InForce
		value T
	}
	var last atomic.Pointer[taken]
	return func(at time.Time) T {
		n := book.Numbers(at)
		t := last.Load()
		if t == nil || t.from != n {
			t = &taken{n, of(n)}
			last.Store(t)
		}
		return t.value
	}
}

// Alerted gives when it was last noticed that somebody tries again and again to pass for a customer; zero: not within the
// time in which such attempts count together.
//
// cite: P-37, 47 CFR 64.2010(a)
func (o *Office) Alerted(ctx context.Context, customer cpni.ID) (time.Time, error) {
	rows, err := o.Ledger.Records(ctx, customer, ledger.Filter{Kind: ledger.Alert, Limit: 20})
	rows = slices.DeleteFunc(rows, func(r ledger.Row) bool { return r.Code != contact.Pretext })
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	now := o.Clock.Now()
	if rows[0].At.Before(now.Add(-o.Policy.Numbers(now).Duration("security-defaults", "alert_within"))) {
		return time.Time{}, nil
	}
	return rows[0].At, nil
}

// Run does what an open office does beside answering, until ctx ends: it brings what is recorded into the tree, and takes
// up what other nodes have changed. report gets errors; work goes on.
func (o *Office) Run(ctx context.Context, report func(error)) {
	var all sync.WaitGroup
	all.Go(func() { o.Ledger.Run(ctx, report) })
	all.Go(func() { o.Vault.Follow(ctx, report) })
	all.Go(func() { o.Customers.Follow(ctx, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Policy.Refresh, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Published.Refresh, report) })
	all.Go(func() { o.Watch.Run(ctx, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Customers.StandAll, report) })
	all.Go(func() { o.Messages.Run(ctx, report) })
	all.Go(func() { store.Every(ctx, sweepEvery, o.sweep, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Proposals.Work, report) })
	all.Go(func() { store.Every(ctx, dueEvery, o.Due, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Notices.Work, report) })
	all.Go(func() { store.Every(ctx, dueEvery, o.Notices.Reconcile, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Campaigns.Work, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Exports.Work, report) })
	all.Go(func() { store.Every(ctx, dueEvery, o.Audience.Nightly, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Directory.Due, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Aggregate.Work, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Registers.CatchUp, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Incidents.Work, report) })
	all.Go(func() { store.Every(ctx, dueEvery, o.Controls.Look, report) })
	all.Go(func() { store.Every(ctx, dueEvery, o.Yearly.Count, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Witnesses.Work, report) })
	all.Go(func() { store.Every(ctx, refreshEvery, o.Door.Bring, report) })
	all.Wait()
}

// How often this node looks for a policy that another has published, and removes what has lapsed.
const (
	refreshEvery = time.Second
	sweepEvery   = 10 * time.Minute
	dueEvery     = time.Minute
)

// sweep removes what has lapsed.
func (o *Office) sweep(ctx context.Context) error {
	return errors.Join(o.Door.Sweep(ctx), o.Staff.Sweep(ctx), o.Contacts.Sweep(ctx))
}

// Close records what has been decided and stops. The database stays open.
func (o *Office) Close() {
	o.closing.Do(func() {
		o.Door.Close()
		o.lookUps.Close()
	})
}

// OpenContact begins a contact for a member of the staff who may have one: one whose work it is and who has current
// training. A customer who is signed in opens their own, with no staff.
//
// cite: P-38, P-42, 47 CFR 64.2009(b)
func (o *Office) OpenContact(ctx context.Context, c contact.Opening) (*contact.State, error) {
	if c.Agent == "" {
		return o.Contacts.Open(ctx, c)
	}
	m, _, err := o.Staff.Recent(ctx, c.Agent)
	if err != nil {
		return nil, err
	}
	var refusal *cpni.Refusal
	switch {
	case m.Suspended != nil:
		refusal = cpni.Rejected("UNTRAINED", "the person is suspended, so they serve nobody", []string{"P-39", "47 CFR 64.2009(b)"}, "pass the course again, or wait for the end of the suspension", "let an agent take the contact")
	case !m.May(staff.Serve):
		refusal = m.Barred(staff.Serve)
	case m.Role != cpni.RoleSystem && (!o.Clock.Now().Before(m.TrainedUntil()) || o.Training.Standing(m, o.Clock.Now()).State == training.Lapsed):
		refusal = cpni.Rejected("UNTRAINED", "the person has no current training on customer information", []string{"P-38", "47 CFR 64.2009(b)"}, "pass the course first")
	default:
		return o.Contacts.Open(ctx, c)
	}
	_, err = o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := o.Vault.Entry(ctx, tx, ledger.Entry{Kind: ledger.Contact, At: o.Clock.Now(), Actor: string(c.Agent), Outcome: refusal.Outcome, Code: refusal.Code},
			map[string]string{"what": "contact refused", "channel": string(c.Channel), "customer": string(c.Customer), "says": refusal.Says})
		return []ledger.Entry{e}, err
	})
	if err != nil {
		return nil, fmt.Errorf("recording a refused contact: %w", err)
	}
	return nil, refusal
}

// Note records an administrative act that no other record tells of.
func (o *Office) Note(ctx context.Context, kind ledger.Kind, by, what string) error {
	_, err := o.Ledger.Commit(ctx, func(tx *store.Tx) ([]ledger.Entry, error) {
		e, err := o.Vault.Entry(ctx, tx, ledger.Entry{Kind: kind, At: o.Clock.Now(), Actor: by, Outcome: cpni.OK}, map[string]string{"what": what})
		return []ledger.Entry{e}, err
	})
	return err
}

// RepeatableID gives the id of what somebody makes under an idempotency key: the same key of the same maker gives the
// same id, which nobody can guess; without a key it is "".
//
// cite: I-11
func (o *Office) RepeatableID(kind, maker, key string) cpni.ID {
	if key == "" {
		return ""
	}
	m := hmac.New(sha256.New, o.Vault.Derive("repeatable ids v1"))
	for _, part := range []string{kind, maker, key} {
		fmt.Fprintf(m, "%d %s ", len(part), part)
	}
	return cpni.IDOf(m.Sum(nil))
}

// NewSecret makes a password that nobody chose: for a first sign-in, or for a demonstration.
func NewSecret() string {
	const letters = "abcdefghjkmnpqrstvwxyz23456789"
	b := make([]byte, 20)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:5]) + "-" + string(b[5:10]) + "-" + string(b[10:15]) + "-" + string(b[15:])
}
