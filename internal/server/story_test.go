package server

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/export"
	"ringfence/internal/ledger"
	"ringfence/internal/notify"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
	"ringfence/internal/visitor/browsertest"
	"ringfence/internal/workday"
)

// campaignStory is a server with four customers and the people who work there.
type campaignStory struct {
	t         *testing.T
	office    *Opened
	at        string // of the server
	key       string // of whoever asks the interface
	messages  string // the folder into which messages are written
	customers string // where their links lead
}

const (
	staffWord    = "correct horse battery"
	customerWord = "blue heron 42"
)

// newCampaignStory opens an office on a file as `ringfence serve` does, and has it answer.
func newCampaignStory(t *testing.T) *campaignStory {
	t.Helper()
	folder := t.TempDir()
	s := &campaignStory{t: t, messages: filepath.Join(folder, "messages"), customers: "https://account.example.net"}
	c := testConfig()
	c.Carrier.Name, c.SignIn.SecondFactor, c.Metrics = "Example Tel", "optional", ""
	c.Database, c.Vault.Key, c.Ledger.Key = "sqlite:"+filepath.Join(folder, "ringfence.db"), "file:"+filepath.Join(folder, "master.key"), filepath.Join(folder, "ledger.key")
	c.Messages = Messages{Address: s.customers, Email: EmailWay{By: byFile, File: s.messages}, Letter: LetterWay{By: byFile, File: s.messages}}
	must(t, c.Check())
	must(t, vault.NewMasterFile(filepath.Join(folder, "master.key")))
	must(t, ledger.NewKeyFile(c.Ledger.Key, c.Ledger.Origin))
	var err error
	s.office, err = Open(t.Context(), c)
	must(t, err)
	l, err := Listen(t.Context(), s.office.Office, c, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), false)
	must(t, err)
	t.Cleanup(func() {
		if err := l.Stop(); err != nil {
			t.Error(err)
		}
		s.office.DB.Close()
	})
	s.at = "http://" + l.Address
	for login, role := range map[string]cpni.Role{"mia": cpni.RoleMarketing, "sam": cpni.RoleSupervisor, "cora": cpni.RoleCompliance, "otto": cpni.RoleOfficer} {
		_, err := s.office.Staff.Add(t.Context(), staff.Member{Login: login, Name: strings.ToUpper(login[:1]) + login[1:], Role: role, Trained: s.office.Clock.Now()}, staffWord, "test")
		must(t, err)
	}
	return s
}

// customer adds a customer with a plan, a month of use and a bill.
func (s *campaignStory) customer(name, number string, change ...func(*customer.Profile)) *customer.Profile {
	s.t.Helper()
	ctx, since, word := s.t.Context(), time.Date(2019, 5, 1, 4, 0, 0, 0, time.UTC), s.office.Secrets.Secret(customerWord)
	word.Set = since
	p := &customer.Profile{Name: name, Account: "L-" + number[len(number)-4:], Since: since, Lines: []customer.Line{{Number: number, Categories: []cpni.Category{cpni.Local}, Since: since}},
		Postal:      []customer.Address{{Value: "1 Main St, Springfield, VA 22150", Since: since}},
		Email:       []customer.Address{{Value: strings.ToLower(strings.Fields(name)[0]) + "@example.com", Since: since}},
		Credentials: customer.Credentials{Password: &word}}
	for _, c := range change {
		c(p)
	}
	id, err := s.office.Customers.Create(ctx, *p, "test")
	must(s.t, err)
	month := workday.DateIn(s.office.Clock.Now(), s.office.Zone)
	period := month.Year*100 + int(month.Month)
	must(s.t, s.office.DB.Tx(ctx, func(tx *store.Tx) error {
		for _, i := range []vault.Item{{Class: cpni.Service, Values: map[string]string{"plan": "evening"}}, {Class: cpni.Usage, Period: period, Values: map[string]string{"minutes": "117"}},
			{Class: cpni.Billing, Period: period, Values: map[string]string{"total": "42.30 USD"}}} {
			if err := s.office.Vault.PutItem(ctx, tx, id, i); err != nil {
				return err
			}
		}
		return nil
	}))
	p.ID = id
	return p
}

// sent is a message as the folder has it.
type sent struct {
	ID       cpni.ID
	Kind, To string
	Via      cpni.Via
	Text     string
}

// messagesOf gives the messages of a kind that have gone, the oldest first.
func (s *campaignStory) messagesOf(kind string) (all []sent) {
	s.t.Helper()
	heads, err := filepath.Glob(filepath.Join(s.messages, "[^.]*", "message.json"))
	must(s.t, err)
	for _, path := range heads {
		head, err := os.ReadFile(path)
		must(s.t, err)
		var m sent
		must(s.t, json.Unmarshal(head, &m))
		if m.Kind != kind {
			continue
		}
		for _, name := range []string{"message.txt", "letter.txt"} {
			if text, err := os.ReadFile(filepath.Join(filepath.Dir(path), name)); err == nil {
				m.Text = string(text)
			}
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b sent) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}

// until waits until something is so.
func (s *campaignStory) until(what string, so func() bool) {
	s.t.Helper()
	if !browsertest.Until(so) {
		s.t.Fatalf("it does not come to this: %s", what)
	}
}

// atDesk signs a member of the staff in.
func (p *person) atDesk(login string) {
	p.t.Helper()
	p.goTo("/")
	p.sees("Sign in to the desk")
	p.fill("Name", login)
	p.fill("Password", staffWord)
	p.press("Sign in")
	p.sees("Sign out")
}

// inPortal signs a customer in, from the page that asks them to: with the password, and the code that is sent to them.
func (s *campaignStory) inPortal(p *person, of *customer.Profile) {
	s.t.Helper()
	p.sees("Sign in to your account")
	p.fill("Account number, telephone number or e-mail address", of.Account)
	p.fill("Password", customerWord)
	mine := func() (all []sent) {
		return slices.DeleteFunc(s.messagesOf(notify.VerificationCode), func(m sent) bool { return m.To != of.Email[0].Value })
	}
	before := len(mine())
	p.press("Sign in")
	p.sees("Type the code", "Where may it go?")
	p.press("by e-mail to " + of.Email[0].Value[:1] + "•••@e•••.com")
	p.sees("We sent you a code")
	s.until("a code is sent", func() bool { return len(mine()) > before })
	code := regexp.MustCompile(`\b\d{6,8}\b`).FindString(mine()[before].Text)
	p.fill("Code", code)
	p.press("Go on")
	p.sees("Sign out")
}

// ask asks the interface for programs with the partner's key.
func (s *campaignStory) ask(method, path string) (int, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.at+path, nil)
	must(s.t, err)
	r.Header.Set("Authorization", "Bearer "+s.key)
	answer, err := http.DefaultClient.Do(r)
	must(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(s.t, err)
	return answer.StatusCode, body
}

// A campaign for a partner from its first count to what customers see of it, by what people see and press: marketing builds it, and
// nobody may be in it; customers are asked for their approval, and two say yes; a supervisor approves it; the partner fetches its file
// once and finds exactly those two; and they, and nobody else, see in the portal who has received what.
//
// cite: P-09, P-15, P-36, P-40, P-41, I-19, I-20, 47 CFR 64.2007(b), 47 CFR 64.2008(c), 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func TestStoryOfACampaignForAPartner(t *testing.T) {
	s := newCampaignStory(t)
	agrees := func(p *customer.Profile) { p.Email[0].Notices = true }
	ann, ben, cy, dee := s.customer("Ann Archer", "+12025550141", agrees), s.customer("Ben Baker", "+12025550142"), s.customer("Cy Coleman", "+12025550143"), s.customer("Dee Dawson", "+12025550144", agrees)
	browser := chromium(t)
	secret, err := age.GenerateX25519Identity()
	must(t, err)

	// Dee refuses every use, before anybody asks.
	d := newPerson(t, browser, s.at)
	d.goTo("/account/choices")
	s.inPortal(d, dee)
	d.sees("Your choices", "Refuse every use")
	d.press("Refuse every use")
	d.sees("Your refusal of every use is on record")

	// Compliance puts the partner on the register, with the key to which files are enciphered; an officer agrees.
	cora, otto := newPerson(t, browser, s.at), newPerson(t, browser, s.at)
	cora.atDesk("cora")
	cora.section("Marketing", "Partners")
	cora.sees("There is none on the register.")
	cora.press("A new partner")
	cora.sees("What lets a partner have anything takes a second person")
	cora.fill("Id", "acme-alarm")
	cora.fill("Name", "Acme Alarm")
	cora.fill("Class", "joint venture partner")
	cora.fill("Reference", "JV-7")
	today := workday.DateIn(s.office.Clock.Now(), s.office.Zone)
	cora.fill("Last day", today.Add(300).String())
	cora.fill("Each file is destroyed within so many days", "30")
	cora.pick("For these purposes", "Marketing by the partner")
	cora.fill("Public key", secret.Recipient().String())
	cora.picture("01-partner")
	cora.press("Put it on the register")
	cora.sees("Let a partner have more", "Somebody else with the same right agrees or refuses", "there was no key, and now files can be enciphered to one")
	otto.atDesk("otto")
	otto.press("1 proposal waits for a second person")
	otto.sees("Waits for you")
	otto.pressIn("Waits for you", "Let a partner have more")
	otto.sees("Do you agree?", "Acme Alarm", "joint venture partner", secret.Recipient().String(), "Marketing by the partner")
	otto.picture("02-second-person")
	otto.press("Agree, and have it done")
	otto.sees("You have agreed, and it is on record.")
	cora.section("Marketing", "Partners")
	cora.sees("files can be made")
	cora.press("Acme Alarm")
	cora.sees("Keys of the partner")
	cora.fill("A new key, for", "their host")
	cora.press("Make it")
	cora.sees("The key is shown this once")
	s.key = regexp.MustCompile(`rfpartner_[A-Za-z0-9_-]+`).FindString(cora.reads())

	// Marketing builds the campaign, and sees that nobody may be in it, and why.
	mia, sam := newPerson(t, browser, s.at), newPerson(t, browser, s.at)
	mia.atDesk("mia")
	mia.press("Campaigns")
	mia.sees("None is on the register yet.")
	mia.press("A new campaign")
	mia.sees("What it is", "Whom it is for")
	mia.fill("Name", "Alarms by Acme")
	mia.fill("Description", "Acme offers its alarms to those who have a line with us.")
	mia.pick("Customer information that it uses", "Usage")
	mia.fill("For what", "Marketing by the partner")
	mia.fill("Who sees the information", "Acme Alarm")
	mia.fill("Product 1", "Acme Alarm")
	mia.fill("Category of product 1", "Anything else")
	mia.pick("They buy", "Local service")
	mia.pick("How it reaches them", "A file for the partner")
	mia.fill("Columns of the file for the partner", "name number service.plan usage.minutes")
	mia.press("Count")
	mia.sees("Whom it would reach now", "Left out, by the first reason")
	s.counted(mia, 4, 0, map[string]string{"OPTIN_REQUIRED": "3", "DENIED": "1"})
	mia.picture("03-nobody-included")
	mia.press("Keep as a draft")
	mia.sees("It is kept as a draft.", "Whom it would reach now", "Acme Alarm")
	s.counted(mia, 4, 0, map[string]string{"OPTIN_REQUIRED": "3", "DENIED": "1"})
	mia.picture("04-draft")

	// So customers are asked: a campaign of its own, which somebody else approves.
	mia.press("Campaigns")
	mia.sees("Alarms by Acme", "draft")
	mia.press("A new campaign")
	mia.sees("What it is", "Whom it is for")
	mia.fill("Name", "May Acme Alarm write to you?")
	mia.fill("Description", "Customers with a line are asked whether Acme Alarm may have their information for its offers.")
	mia.pick("What it is", "Request for approval")
	mia.pick("Customer information that it uses", "Usage")
	mia.fill("For what", "Marketing by the partner")
	mia.fill("Who sees the information", "Acme Alarm")
	mia.pick("They buy", "Local service")
	mia.pick("How it reaches them", "E-mail")
	mia.press("Count")
	mia.sees("Whom it would reach now", "Left out, by the first reason")
	s.counted(mia, 4, 3, map[string]string{"REFUSED": "1"})
	mia.picture("05-request")
	mia.press("Submit for review")
	mia.sees("It waits for somebody else to review it.", "waits for review")
	mia.lacks("Approve it as it is shown")
	sam.atDesk("sam")
	sam.press("1 campaign waits for your review")
	sam.sees("1 waits for your review")
	sam.press("May Acme Alarm write to you?")
	sam.sees("Your review", "Nobody has reviewed it yet", "Acme Alarm")
	s.counted(sam, 4, 3, map[string]string{"REFUSED": "1"})
	sam.picture("06-request-review")
	sam.press("Approve it as it is shown")
	sam.sees("You have approved it as it was shown.")
	mia.press("Campaigns")
	mia.sees("approved")
	mia.press("May Acme Alarm write to you?")
	mia.sees("Approved by Sam")
	mia.press("Launch")
	mia.sees("How far it has come")
	mia.again("4 of 4 looked at, and nobody is left")
	s.until("the requests go out", func() bool { return len(s.messagesOf(notify.OptInRequest)) == 3 })
	mia.again("given 1", "on its way 2")
	mia.picture("07-request-gone")

	// Ann follows the link of her e-mail, and says yes.
	a, b, c := newPerson(t, browser, s.at), newPerson(t, browser, s.at), newPerson(t, browser, s.at)
	var ways []string
	for _, m := range s.messagesOf(notify.OptInRequest) {
		ways = append(ways, string(m.Via))
		if !strings.Contains(m.Text, "Acme Alarm") {
			t.Errorf("a request does not name who would receive:\n%s", m.Text)
		}
		if m.Via != cpni.Email {
			continue
		}
		link := regexp.MustCompile(regexp.QuoteMeta(s.customers) + `(/[a-z/]+)`).FindStringSubmatch(m.Text)
		if m.To != ann.Email[0].Value || link == nil {
			t.Fatalf("to %s, without a link:\n%s", m.To, m.Text)
		}
		a.goTo(link[1])
	}
	if slices.Sort(ways); !slices.Equal(ways, []string{"email", "postal", "postal"}) {
		t.Errorf("customers were asked by %v", ways)
	}
	s.inPortal(a, ann)
	a.sees("Your choices", "Acme Alarm", "Not used: we asked you by e-mail on")
	a.picture("08-choices")
	a.pressIn("Acme Alarm", "Decide about this")
	a.sees("Your answer: Acme Alarm", "May we use your customer information?", "Yes, you may", "No, you may not")
	a.picture("09-yes-or-no")
	a.press("Yes, you may")
	a.sees("Your yes is on record", "Used: you said yes here in your account")
	a.picture("10-yes")

	// Ben, who has got a letter, finds the notice among those that he was given.
	b.goTo("/account/")
	s.inPortal(b, ben)
	b.press("Notices")
	b.sees("Given to you", "Acme Alarm")
	b.picture("11-notices")
	b.press("Read the words")
	b.sees("What it is about")
	b.picture("12-notice")
	b.press("Acme Alarm")
	b.sees("Your answer: Acme Alarm", "Yes, you may")
	b.press("Yes, you may")
	b.sees("Your yes is on record")

	// The campaign counts the two, is reviewed, and goes out.
	mia.press("Campaigns")
	mia.sees("Alarms by Acme")
	mia.press("Alarms by Acme")
	mia.sees("Whom it would reach now", "draft")
	s.counted(mia, 4, 2, map[string]string{"OPTIN_REQUIRED": "1", "DENIED": "1"})
	mia.press("Submit for review")
	mia.sees("It waits for somebody else to review it.")
	sam.section("Marketing", "Campaigns")
	sam.sees("1 waits for your review")
	sam.pressIn("1 waits for your review", "Alarms by Acme")
	sam.sees("Your review", "name, number, service.plan, usage.minutes")
	s.counted(sam, 4, 2, map[string]string{"OPTIN_REQUIRED": "1", "DENIED": "1"})
	sam.picture("13-review")
	sam.press("Approve it as it is shown")
	sam.sees("You have approved it as it was shown.")
	mia.press("Campaigns")
	mia.sees("Alarms by Acme")
	mia.press("Alarms by Acme")
	mia.sees("Approved by Sam")
	mia.press("Launch")
	mia.sees("How far it has come")
	mia.again("ended", "in the file 2")
	mia.picture("14-gone")
	mia.press("The file for the partner")
	mia.sees("waits to be fetched", "Manifest")
	if n := mia.number("in the file"); n != 2 {
		t.Errorf("%d are in the file", n)
	}
	mia.picture("15-file")

	// The partner fetches it once, and reads it with its own key.
	status, body := s.ask("GET", "/v1/partners/acme-alarm/exports")
	var waiting []struct{ ID cpni.ID }
	if err := json.Unmarshal(body, &waiting); err != nil || status != http.StatusOK || len(waiting) != 1 {
		t.Fatalf("%d %s", status, body)
	}
	file := "/v1/partners/acme-alarm/exports/" + string(waiting[0].ID) + "/file"
	status, archive := s.ask("POST", file)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, archive)
	}
	rows := deciphered(t, archive, secret)
	if want := []string{"reference", "name", "number", "service.plan", "usage.minutes"}; !slices.Equal(rows[0], want) {
		t.Errorf("the columns are %v", rows[0])
	}
	found := map[string][]string{}
	for _, r := range rows[1:] {
		found[r[1]] = r[2:]
	}
	if want := map[string][]string{ann.Name: {ann.Lines[0].Number, "evening", "117"}, ben.Name: {ben.Lines[0].Number, "evening", "117"}}; len(rows) != 3 || !maps.EqualFunc(found, want, slices.Equal) {
		t.Errorf("the partner finds %v", rows)
	}
	if status, body = s.ask("POST", file); status < 400 || status >= 500 || !strings.Contains(string(body), string(export.FetchedAgain)) {
		t.Errorf("a second time is answered with %d %.200s", status, body)
	}
	cora.press("Back to the partner")
	cora.sees("What it holds", "Alarms by Acme", "fetched, to be destroyed")
	cora.picture("16-partner-holds")
	cora.pressIn("Files", "Alarms by Acme")
	cora.sees("What has become of it", "fetched, to be destroyed")
	cora.picture("17-file-fetched")

	// The two see it in their accounting. Who has not said yes, and who has refused, see nothing of it.
	for name, p := range map[string]*person{"ann": a, "ben": b} {
		p.press("Who received it")
		p.sees("Acme Alarm, a company that we work with", "It rests on your approval.", "Alarms by Acme", "They must destroy it by")
		if n := evaluate[int](p, `[...document.querySelectorAll("ol.lines > li")].filter(e => e.innerText.includes("Acme Alarm")).length`); n != 1 {
			t.Errorf("%s sees %d lines of the partner", name, n)
		}
		p.picture("18-received-" + name)
	}
	c.goTo("/account/received")
	s.inPortal(c, cy)
	c.sees("Who received it")
	d.press("Who received it")
	for _, p := range []*person{c, d} {
		p.sees("Nothing is on record yet.")
		p.lacks("Acme Alarm")
	}
	c.picture("19-received-nothing")
}

// counted fails unless a page counts so many customers, of whom so many are included and the others left out for these reasons, each
// with a sentence.
func (s *campaignStory) counted(p *person, customers, included int, reasons map[string]string) {
	s.t.Helper()
	p.sees("customers in service", "What stands then decides.")
	if n, in := p.number("customers in service"), p.number("included"); n != customers || in != included {
		s.t.Errorf("of %d customers %d are included, want %d of %d", n, in, included, customers)
	}
	found := map[string]string{}
	for _, r := range p.table("Left out, by the first reason") {
		if found[r[2]] = r[0]; len(r[1]) < 20 {
			s.t.Errorf("%s is said to be %q", r[2], r[1])
		}
	}
	if !maps.Equal(found, reasons) {
		s.t.Errorf("left out are %v, want %v", found, reasons)
	}
}

// deciphered reads a file as its partner does: every part with the secret key, and the table in it.
func deciphered(t *testing.T, archive []byte, key age.Identity) (rows [][]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	must(t, err)
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".csv.age") {
			continue
		}
		sealed, err := f.Open()
		must(t, err)
		plain, err := age.Decrypt(sealed, key)
		must(t, err)
		part, err := csv.NewReader(plain).ReadAll()
		must(t, err)
		rows = append(rows, part...)
		must(t, sealed.Close())
	}
	if len(rows) == 0 {
		t.Fatal("no part of a file is in the archive")
	}
	return rows
}
