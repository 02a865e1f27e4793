package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ringfence/demo"
	"ringfence/internal/approval"
	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/intake"
	"ringfence/internal/ledger"
	"ringfence/internal/notice"
	"ringfence/internal/office"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

// DemoConfig is the configuration of a demonstration in folder.
func DemoConfig(folder, listen string) Config {
	messages := filepath.Join(folder, "messages")
	return Config{
		Messages: Messages{Address: "http://" + listen, Email: EmailWay{By: byFile, File: messages}, Text: TextWay{By: byFile, File: messages}, Voice: VoiceWay{By: byFile, File: messages}, Letter: LetterWay{By: byFile, File: messages}},
		Carrier: Carrier{Name: "Lucid Technologies (demonstration)", Zone: "America/New_York", Contact: Contact{Email: "privacy@lucid.example", Phone: "+18005550100", Post: "Lucid Technologies, Privacy Office, 200 Lantern Way, Arlington, VA 22201", Web: "https://account.lucid.example"},
			Facility: Facility{Link: "https://reporting.facility.example/cpni", Verified: Machine.Now().Format(time.DateOnly)}, Posting: "https://lucid.example/privacy",
			// Made up, so that a report can be drafted whole: the numbers of no carrier.
			Reports: Reports{LegalName: "Lucid Technologies, LLC (example)", FRN: "0099999991", FilerID: "899999", Address: "200 Lantern Way, Arlington, VA 22201", States: []string{"DC", "MD", "VA"},
				Contact: ReportContact{Name: "Cora Lane (example)", Title: "Compliance officer", Phone: "+18005550101", Email: "breach@lucid.example"}}},
		Database: "sqlite:" + filepath.Join(folder, "ringfence.db"), Listen: listen,
		Vault:  Vault{Key: "file:" + filepath.Join(folder, "master.key")},
		Ledger: Ledger{Origin: "ledger.lucid.example", Key: filepath.Join(folder, "ledger.key"), Checkpoint: filepath.Join(folder, "checkpoint")},
		SignIn: SignInWay{SecondFactor: "optional"}, demonstration: true, Monitors: demoMonitors(listen),
	}
}

// SignIns are the doors into a demonstration.
type SignIns struct {
	Staff    []SignIn `json:"staff"`
	Key      string   `json:"key"`      // of the API, for the agent
	Customer string   `json:"customer"` // who calls
	Number   string   `json:"number"`
	Password string   `json:"password"` // that the caller knows
	PIN      string   `json:"pin"`
	// Mobile is a customer who speaks Spanish and has a mobile line, with the number and the PIN.
	Mobile       string `json:"mobile"`
	MobileNumber string `json:"mobile_number"`
	MobilePIN    string `json:"mobile_pin"`
}

// SignIn is a name and password.
type SignIn struct {
	Name     string    `json:"name"`
	Role     cpni.Role `json:"role"`
	Password string    `json:"password"`
}

// demoMark is the small fact by which a database says that its demonstration is whole.
const demoMark = "demo.built"

// OpenDemo opens the demonstration in folder, and builds it first when it is not there. out is told what is done. A
// demonstration that was interrupted while it was built is built anew.
func OpenDemo(ctx context.Context, c Config, folder string, out io.Writer) (*Opened, *SignIns, error) {
	doors := filepath.Join(folder, "sign-ins.json")
	if text, err := os.ReadFile(doors); err == nil {
		s := &SignIns{}
		if err := json.Unmarshal(text, s); err != nil {
			return nil, nil, fmt.Errorf("%s is damaged: %w; remove the folder %s and begin again", doors, err, folder)
		}
		o, err := Open(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		if built, err := o.DB.Meta(ctx, demoMark); err == nil && built != "" {
			fmt.Fprintf(out, "Going on with the demonstration in %s; remove that folder to begin anew.\n", folder)
			if err := demoOthers(ctx, o, folder); err != nil {
				return nil, nil, errors.Join(err, o.Close())
			}
			return o, s, nil
		}
		if err := o.Close(); err != nil {
			return nil, nil, err
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, nil, fmt.Errorf("making the folder of the demonstration: %w", err)
	}
	for _, name := range []string{"ringfence.db", "ringfence.db-wal", "ringfence.db-shm", "master.key", "ledger.key", "checkpoint", "sign-ins.json", "acme-alarm.key", "valley-pages.key"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("beginning the demonstration anew: %w", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(folder, "messages")); err != nil {
		return nil, nil, fmt.Errorf("beginning the demonstration anew: %w", err)
	}
	if err := errors.Join(vault.NewMasterFile(filepath.Join(folder, "master.key")), ledger.NewKeyFile(filepath.Join(folder, "ledger.key"), c.Ledger.Origin)); err != nil {
		return nil, nil, err
	}
	o, err := Open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	s, err := buildDemo(ctx, o, folder, out)
	if err != nil {
		return nil, nil, errors.Join(err, o.Close())
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, nil, errors.Join(err, o.Close())
	}
	if err := os.WriteFile(doors, text, 0o600); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("writing the sign-ins: %w", err), o.Close())
	}
	return o, s, nil
}

func buildDemo(ctx context.Context, o *Opened, folder string, out io.Writer) (*SignIns, error) {
	s := &SignIns{Customer: "Ann Archer", Number: "+12025550141", Password: "blue heron 42", PIN: "830271", Mobile: "Luz Marina Ortega", MobileNumber: "+12025550186", MobilePIN: "472916"}
	if err := demoStaff(ctx, o.Office, s); err != nil {
		return nil, err
	}
	if err := demoCustomers(ctx, o.Office, s); err != nil {
		return nil, err
	}
	if err := demoPartners(ctx, o.Office); err != nil {
		return nil, err
	}
	if err := demoNotices(ctx, o.Office, s); err != nil {
		return nil, err
	}
	if err := demoDecoy(ctx, o.Office); err != nil {
		return nil, err
	}
	if err := demoPublic(ctx, o.Office); err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	im := &intake.Importer{DB: o.DB, Vault: o.Vault, Ledger: o.Ledger, Book: o.Customers, Clock: o.Clock, Zone: o.Zone}
	for _, f := range []struct {
		file string
		take func(path string) (*intake.Summary, error)
	}{
		{"telco-customers.csv", func(path string) (*intake.Summary, error) {
			return im.Customers(ctx, path, intake.CustomerOptions{Format: intake.Telco, Actor: "demo"})
		}},
		{"asterisk-master.csv", func(path string) (*intake.Summary, error) { return demoCalls(ctx, im, path) }},
		{"asterisk-master-pjsip.csv", func(path string) (*intake.Summary, error) { return demoCalls(ctx, im, path) }},
		{"freeswitch-cdr.csv", func(path string) (*intake.Summary, error) { return demoCalls(ctx, im, path) }},
	} {
		text, err := demo.Files.ReadFile("data/" + f.file)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(data, f.file)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, fmt.Errorf("unpacking the demonstration's data: %w", err)
		}
		fmt.Fprintf(out, "Importing %s\n", f.file)
		sum, err := f.take(path)
		if err != nil {
			return nil, fmt.Errorf("importing %s: %w", f.file, err)
		}
		sum.WriteTo(indented{out})
	}
	if err := demoOthers(ctx, o, folder); err != nil {
		return nil, err
	}
	return s, o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, demoMark, "1") })
}

// demoCalls imports a file of calls by the map that goes with it.
func demoCalls(ctx context.Context, im *intake.Importer, path string) (*intake.Summary, error) {
	name := filepath.Base(path)
	f, err := demo.Files.Open("maps/" + name[:len(name)-len(".csv")] + ".yaml")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := intake.ReadMap(f)
	if err != nil {
		return nil, err
	}
	return im.Calls(ctx, path, intake.CallOptions{Map: m, Actor: "demo"})
}

// demoStaff makes one member of each role, all of them trained today, and an API key for the agent.
// untrained is the agent who has the course still before her.
const untrained = "uma"

func demoStaff(ctx context.Context, o *office.Office, s *SignIns) error {
	for _, m := range []struct {
		login, name string
		role        cpni.Role
	}{{"alma", "Alma Reyes", cpni.RoleAgent}, {untrained, "Uma Castellanos", cpni.RoleAgent}, {"sam", "Sam Okafor", cpni.RoleSupervisor}, {"cora", "Cora Lindqvist", cpni.RoleCompliance}, {"fay", "Fay Nakamura", cpni.RoleFraud},
		{"bill", "Bill Hartmann", cpni.RoleBilling}, {"mia", "Mia Rossi", cpni.RoleMarketing}, {"otto", "Otto Brandt", cpni.RoleOfficer}, {"ada", "Ada Mensah", cpni.RoleAuditor}, {"amos", "Amos Ivanov", cpni.RoleAdmin}} {
		password := office.NewSecret()
		who := staff.Member{Login: m.login, Name: m.name, Role: m.role, Trained: o.Clock.Now()}
		if m.login == untrained {
			who.Trained = time.Time{}
		}
		id, err := o.Staff.Add(ctx, who, password, "demo")
		if err != nil {
			return fmt.Errorf("adding %s: %w", m.login, err)
		}
		s.Staff = append(s.Staff, SignIn{m.login, m.role, password})
		if m.login == "alma" {
			if s.Key, err = o.Staff.NewKey(ctx, id, "demonstration", nil, "demo"); err != nil {
				return err
			}
		}
	}
	return nil
}

// demoCustomers makes the customers whose calls the exchanges recorded.
func demoCustomers(ctx context.Context, o *office.Office, s *SignIns) error {
	since := time.Date(2019, 5, 1, 4, 0, 0, 0, time.UTC)
	secret := func(text string) *customer.Secret {
		x := o.Secrets.Secret(text)
		x.Set = since
		return &x
	}
	line := func(number string, listed bool, categories ...cpni.Category) customer.Line {
		return customer.Line{Number: number, Categories: categories, Listed: listed, Since: since}
	}
	at := func(value string) []customer.Address { return []customer.Address{{Value: value, Since: since}} }
	for _, p := range []customer.Profile{
		{Name: s.Customer, Account: "L-1001", Since: since, Born: "1980-04-02", SSN4: "6789", Lines: []customer.Line{line(s.Number, true, cpni.Local, cpni.LongDistance)},
			Postal: at("1 Main St, Springfield, VA 22150"), Email: []customer.Address{{Value: "ann.archer@example.com", Since: since, Notices: true}}, ContactNumbers: []string{"+17035550199"},
			Credentials: customer.Credentials{Password: secret(s.Password), PIN: secret(s.PIN), Backup: []customer.Backup{{Question: "What was the first concert you went to?", Answer: *secret("the comets")}}},
			Authorised:  []customer.Authorised{{Name: "Bo Archer", Data: []cpni.DataClass{cpni.Billing}, Credentials: customer.Credentials{Password: secret("red fox 77")}}}},
		{Name: "Northside Ice Arena", Account: "L-1002", Since: since, Lines: []customer.Line{line("+12025550174", true, cpni.Local, cpni.LongDistance), line("+12025550153", false, cpni.Local, cpni.LongDistance)},
			Postal: at("40 Rink Rd, Arlington, VA 22201"), Email: at("office@northside.example"), Credentials: customer.Credentials{Password: secret("copper kettle 19")}},
		{Name: s.Mobile, Account: "L-1004", Language: "es", Since: since, Lines: []customer.Line{line(s.MobileNumber, false, cpni.Wireless)},
			Postal: at("215 Calle Olmo, Hyattsville, MD 20781"), Email: at("luz.ortega@example.com"), Credentials: customer.Credentials{PIN: secret(s.MobilePIN)}},
		{Name: "The Old Mill", Account: "L-1003", Since: since, Lines: []customer.Line{line("+12025550161", false, cpni.VoIP), line("+12025550162", false, cpni.VoIP)},
			Postal: at("7 Mill Ln, Vienna, VA 22180"), Email: at("desk@oldmill.example"), Credentials: customer.Credentials{PIN: secret("604918")}},
	} {
		if _, err := o.Customers.Create(ctx, p, "demo"); err != nil {
			return fmt.Errorf("adding %s: %w", p.Account, err)
		}
	}
	return nil
}

func demoPartners(ctx context.Context, o *office.Office) error {
	now := o.Clock.Now()
	agreement := &partner.Agreement{Until: now.AddDate(1, 0, 0), DestroyBy: now.AddDate(1, 1, 0)}
	for _, p := range []partner.Partner{
		{ID: "acme-alarm", Name: "Acme Alarm", Class: cpni.JointVenture, Agreement: agreement},
		{ID: "bill-printers", Name: "Bill Printers", Class: cpni.IndependentContractor, Agreement: agreement},
		{ID: "late-collectors", Name: "Late Collectors", Class: cpni.IndependentContractor, Agreement: &partner.Agreement{Until: now.AddDate(1, 0, 0), DestroyBy: now.AddDate(0, -1, 0)}},
	} {
		if err := o.Partners.Put(ctx, "demo", p); err != nil {
			return fmt.Errorf("adding the partner %s: %w", p.ID, err)
		}
	}
	return nil
}

// demoNotices gives the customers whom the demonstration tells of the notice after which silence counts, and one the request of a
// partner.
//
// cite: P-26, P-27, 47 CFR 64.2008(d)
func demoNotices(ctx context.Context, o *office.Office, s *SignIns) error {
	of := func(number string) (cpni.ID, error) {
		ids, err := o.Customers.Find(ctx, customer.ByNumber, number)
		if err == nil && len(ids) != 1 {
			err = errors.New("the demonstration has no customer with a number of its own")
		}
		if err != nil {
			return "", fmt.Errorf("giving notices: %w", err)
		}
		return ids[0], nil
	}
	ann, err := of(s.Number)
	if err != nil {
		return err
	}
	mobile, err := of(s.MobileNumber)
	if err != nil {
		return err
	}
	if _, err := o.Notices.GiveTo(ctx, notice.Spec{Kind: approval.OptOut}, "demo", ann, mobile); err != nil {
		return fmt.Errorf("giving a notice: %w", err)
	}
	acme, _, err := o.Partners.Get(ctx, "acme-alarm")
	if err != nil {
		return err
	}
	asks := notice.Spec{Kind: approval.OptIn, Recipients: []notice.Recipient{{ID: acme.ID, Name: acme.Called(), Class: acme.Class}}}
	if _, err := o.Notices.GiveTo(ctx, asks, "demo", ann); err != nil {
		return fmt.Errorf("asking for an approval: %w", err)
	}
	return nil
}

// demoPublic publishes the policy of today, after the older one with which the demonstration began: two people do.
//
// cite: P-55, P-56
func demoPublic(ctx context.Context, o *office.Office) error {
	by := map[string]cpni.ID{}
	all, err := o.Staff.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		by[m.Login] = m.ID
	}
	p, err := o.ProposePublish(ctx, "", o.PublicText(), o.Clock.Now().In(o.Zone).Format(time.DateOnly), by["cora"])
	if err != nil {
		return fmt.Errorf("proposing the public policy: %w", err)
	}
	if _, err := o.Proposals.Agree(ctx, p.ID, p.Hash, by["otto"]); err != nil {
		return fmt.Errorf("publishing the public policy: %w", err)
	}
	return nil
}

// demoDecoy marks a customer whom nobody has reason to look up, and has the agent look there all the same: what a supervisor
// finds under Alerts.
//
// cite: P-37, 47 CFR 64.2010(a)
func demoDecoy(ctx context.Context, o *office.Office) error {
	since := o.Clock.Now().AddDate(-3, 0, 0)
	decoy, err := o.Customers.Create(ctx, customer.Profile{Name: "Vera Lindgren", Account: "L-1099", Since: since,
		Lines:  []customer.Line{{Number: "+12025550199", Categories: []cpni.Category{cpni.Local}, Since: since}},
		Postal: []customer.Address{{Value: "12 Harbor Ct, Annapolis, MD 21401", Since: since}}}, "demo")
	if err != nil {
		return fmt.Errorf("adding the decoy: %w", err)
	}
	if err := o.Watch.SetDecoy(ctx, decoy, true, "demo"); err != nil {
		return err
	}
	all, err := o.Staff.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Login == "alma" {
			return o.Viewed(ctx, m.ID, watch.Card, decoy)
		}
	}
	return errors.New("the demonstration has no agent")
}

// WriteTo prints how to come in.
func (s *SignIns) WriteTo(out io.Writer, address string) {
	fmt.Fprintf(out, "\nThe desk is at http://%s/. For this demonstration a name and password are enough; elsewhere a second factor is asked for.\n\n", address)
	fmt.Fprintf(out, "  %-8s %-12s %s\n", "name", "role", "password")
	for _, d := range s.Staff {
		fmt.Fprintf(out, "  %-8s %-12s %s\n", d.Name, d.Role, d.Password)
	}
	fmt.Fprintf(out, `
A call comes in from %s. The caller says that she is %s and asks for her calls of February 2026. Her password is
"%s", her PIN %s. Sign in as %s, find the number, open the contact, verify, ask. As uma the same is refused until the course
is passed; as sam or cora an alert waits.

Change her postal address in the contact, and sign in as sam: under Messages stand the letter to the old address and the call to
the line, as she would get them, and no word of the new one. %s at %s, PIN %s, gets a text instead of the
call, and in Spanish. What goes out is also written into the folder messages of the demonstration.

Her own pages are at http://%s/account/: she signs in with her number and password and the code that is sent to her, which stands in
that folder. There she chooses what her information may be used for, and sees who has received it, line by line with a proof. The
public policy is at http://%s/privacy, with what changed from its version before.

Others who ask, each at whose work it is: mia has drawn up a campaign for a joint venture partner, which sam reviews and which reaches
nobody, for nobody has said yes; the request that asks them is reviewed, and mia can launch it (Campaigns). cora took a subpoena in, and
otto is to read it (Legal process). alma has a trouble ticket and fay a case of fraud (Desks), bill a publisher of directories
(Directories), mia a report (Figures). Under Partners cora sees the contracts, one of them overdue, and under Registers all that went to
third parties. Under Incidents a suspicion of alma's waits for its report to the agencies, one is closed, and one is a rehearsal whose clock
can be moved on. The certificate of the year is begun (Certificates), with what its sentences stand on and what is still lacking; otto signs
it when the year is over. Under Controls stands what guards the demonstration, and what is off. What Acme Alarm gets is opened with acme-alarm.key, which stands in the demonstration's folder.

The same by the API, as the agent:

  curl -s http://%s/v1/contacts -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \
    -d '{"number": "%s", "channel": "phone"}'

Its description is at http://%s/v1/openapi.yaml; the ledger at http://%s/ledger/checkpoint.
`, s.Number, s.Customer, s.Password, s.PIN, s.Staff[0].Name, s.Mobile, s.MobileNumber, s.MobilePIN, address, address, address, s.Key, s.Number, address, address)
}

// indented writes lines two blanks to the right.
type indented struct{ to io.Writer }

// Write writes whole lines.
func (i indented) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if _, err := i.to.Write(append([]byte("  "), line...)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
