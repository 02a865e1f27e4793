package inbound

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"ringfence/internal/notify"
)

// sample is a message of the corpus. All are our own, written after what mail systems send.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "corpus", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// What comes in is told apart: what came back, what is late, what arrived, who is away, who complains, and who answers.
//
// cite: P-21, P-25, 47 CFR 64.2008(d)(3), RFC 3464, RFC 3834, RFC 5965
func TestJudges(t *testing.T) {
	type row struct {
		kind  string
		state notify.State
		code  string
		says  string
	}
	rows := map[string]row{
		"dsn-failed-unknown":               {notify.Bounce, notify.Bounced, "5.1.1", "User unknown in virtual mailbox table"},
		"dsn-failed-generic-status":        {notify.Bounce, notify.Bounced, "5.7.26", "not authenticated"},
		"dsn-failed-after-days":            {notify.Bounce, notify.Bounced, "4.4.7", "connection dropped"},
		"dsn-failed-full":                  {notify.Bounce, notify.Bounced, "5.2.2", "failed"},
		"dsn-delayed":                      {notify.Bounce, notify.Sent, "4.4.1", "timed out"},
		"dsn-delivered":                    {notify.Receipt, notify.Delivered, "2.0.0", "delivered"},
		"dsn-relayed":                      {notify.Receipt, notify.Sent, "2.0.0", "relayed"},
		"dsn-expanded":                     {notify.Receipt, notify.Sent, "2.0.0", "expanded"},
		"dsn-two-recipients":               {notify.Bounce, notify.Bounced, "5.1.1", "failed"},
		"dsn-no-message-block":             {notify.Bounce, notify.Bounced, "5.1.10", "failed"},
		"dsn-status-alone":                 {notify.Bounce, notify.Bounced, "5.1.2", "failed"},
		"dsn-odd-case":                     {notify.Bounce, notify.Bounced, "5.1.1", "failed"},
		"dsn-mixed":                        {notify.Bounce, notify.Bounced, "5.1.1", "failed"},
		"dsn-global":                       {notify.Bounce, notify.Bounced, "5.6.7", "failed"},
		"dsn-exchange":                     {notify.Bounce, notify.Bounced, "5.1.1", "RecipNotFound"},
		"dsn-spanish":                      {notify.Bounce, notify.Bounced, "5.1.1", "usuario desconocido"},
		"dsn-exact-status-in-words":        {notify.Bounce, notify.Bounced, "5.1.1", "not here"},
		"dsn-base64":                       {notify.Bounce, notify.Bounced, "5.1.1", "failed"},
		"dsn-empty-action-is-not-a-report": {notify.AutoReply, "", "auto-replied", ""},
		"odd-qmail":                        {notify.Bounce, notify.Bounced, "5.1.1", "no mailbox here"},
		"odd-qmail-too-long":               {notify.Bounce, notify.Bounced, "4.7.1", "not going to try again"},
		"odd-exim":                         {notify.Bounce, notify.Bounced, "550", "No such user here"},
		"odd-exim-warning":                 {notify.Bounce, notify.Sent, "4.2.0", "greylisted"},
		"odd-sendmail":                     {notify.Bounce, notify.Bounced, "550", "User unknown"},
		"odd-sendmail-warning":             {notify.Bounce, notify.Sent, "", "Deferred"},
		"odd-exchange":                     {notify.Bounce, notify.Bounced, "5.1.1", "not recognized"},
		"odd-domino":                       {notify.Bounce, notify.Bounced, "5.0.0", "not listed"},
		"odd-postfix-plain":                {notify.Bounce, notify.Bounced, "5.2.2", "over quota"},
		"odd-null-sender":                  {notify.Bounce, notify.Bounced, "5.0.0", "desconocido"},
		"odd-null-sender-spanish-delay":    {notify.Bounce, notify.Sent, "4.2.0", "intentando"},
		"odd-temporary-reply":              {notify.Bounce, notify.Sent, "4.2.2", "over its quota"},
		"odd-html":                         {notify.Bounce, notify.Bounced, "5.1.1", "unknown user"},
		"odd-latin1":                       {notify.Bounce, notify.Bounced, "5.1.1", "buzón"},
		"auto-rfc3834":                     {notify.AutoReply, "", "auto-replied", "back on Monday"},
		"auto-exchange":                    {notify.AutoReply, "", "auto-generated", "out"},
		"auto-precedence":                  {notify.AutoReply, "", "precedence-auto-reply", "Not here"},
		"auto-bulk":                        {notify.AutoReply, "", "precedence-bulk", "Not here"},
		"auto-x":                           {notify.AutoReply, "", "x-autoreply", "Not here"},
		"auto-x-respond":                   {notify.AutoReply, "", "x-autorespond", "Not here"},
		"auto-subject":                     {notify.AutoReply, "", "subject", "Not here"},
		"auto-subject-re":                  {notify.AutoReply, "", "subject", "Not here"},
		"auto-spanish":                     {notify.AutoReply, "", "subject", "fuera"},
		"auto-spanish-office":              {notify.AutoReply, "", "subject", "fuera"},
		"auto-spanish-holiday":             {notify.AutoReply, "", "subject", "Vuelvo"},
		"auto-null-sender":                 {notify.AutoReply, "", "subject", "away"},
		"auto-null-sender-no-longer":       {notify.AutoReply, "", "auto-replied", "left the company"},
		"odd-failed-after-delay":           {notify.Bounce, notify.Bounced, "4.4.1", "five days"},
		"auto-mdn":                         {notify.AutoReply, "", "disposition", "was read"},
		"reply-plain":                      {notify.Reply, "", "", "This was not me!"},
		"reply-spanish":                    {notify.Reply, "", "", "No quiero que usen mi información."},
		"reply-about-vacation":             {notify.Reply, "", "", "on vacation"},
		"reply-speaks-of-bounces":          {notify.Reply, "", "", "by the post"},
		"reply-no-header":                  {notify.Reply, "", "", ""},
		"arf-abuse":                        {notify.Complaint, "", "abuse", "Feedback-Type"},
		"arf-not-spam":                     {notify.AutoReply, "", "not-spam", ""},
		"broken-no-colon":                  {notify.Reply, "", "", "this is no header"},
		"broken-empty":                     {notify.Reply, "", "", ""},
		"broken-nul":                       {notify.Reply, "", "", ""},
		"broken-boundary":                  {notify.Bounce, notify.Bounced, "5.1.1", "No such user"},
		"broken-cut":                       {notify.Bounce, notify.Bounced, "5.1.1", "User unknown"},
	}
	for name, want := range rows {
		m := read(sample(t, name))
		kind, o := judge(m, strings.TrimSpace(m.header.Get("Return-Path")) == "<>")
		if kind != want.kind || o.State != want.state || o.Code != want.code || !strings.Contains(o.Says, want.says) {
			t.Errorf("%s: %s %q %q %q, want %+v", name, kind, o.State, o.Code, o.Says, want)
		}
	}
	all, err := filepath.Glob("testdata/corpus/*.eml")
	if err != nil || len(all) != len(rows) {
		t.Errorf("%d samples and %d expectations: %v", len(all), len(rows), err)
	}
}

// permitted checks what must hold of anything that comes in, whatever it is: it may say that a message arrived or not, and
// its code may stand where nothing personal may.
//
// cite: 47 CFR 64.2008(d)(3), I-23
func permitted(t interface{ Fatalf(string, ...any) }, kind string, o notify.Outcome) {
	switch {
	case kind == notify.Bounce && (o.State == notify.Bounced || o.State == notify.Sent):
	case kind == notify.Receipt && (o.State == notify.Delivered || o.State == notify.Sent):
	case (kind == notify.Reply || kind == notify.AutoReply || kind == notify.Complaint) && o.State == "":
	default:
		t.Fatalf("%s says %q", kind, o.State)
	}
	if len(o.Code) > 40 || strings.ContainsFunc(o.Code, func(r rune) bool { return r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		t.Fatalf("the code is %q", o.Code)
	}
	if !utf8.ValidString(o.Says) || len(o.Says) > mostSays+len("…") {
		t.Fatalf("it says %d bytes", len(o.Says))
	}
	if o.Call != nil || o.Reference != "" || o.After != 0 {
		t.Fatalf("it says more than it may: %+v", o)
	}
}

// FuzzRead reads anything.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/corpus/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		raw, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	own := &Receiver{own: newAddresses(Config{Domain: "mail.carrier.example"})}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := read(raw)
		if len(m.leaves) > mostParts {
			t.Fatalf("%d parts", len(m.leaves))
		}
		for _, l := range m.leaves {
			if len(l.text) > mostText {
				t.Fatalf("a part of %d bytes", len(l.text))
			}
		}
		for _, null := range []bool{true, false} {
			kind, o := judge(m, null)
			permitted(t, kind, o)
		}
		tokens, names := own.references(m)
		if len(tokens) > mostReferences || len(names) > mostReferences {
			t.Fatalf("%d tokens and %d names", len(tokens), len(names))
		}
		fromDomain(m)
		Aligned(raw)
	})
}

// Mail that is made to kill its reader is read as far as it goes, and in bounds.
func TestMailOfDeath(t *testing.T) {
	deep := "From: a@b.example\r\nMIME-Version: 1.0\r\n"
	for range 5000 {
		deep += "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	}
	for name, raw := range map[string]string{
		"parts within parts":      deep,
		"very many parts":         "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 200_000),
		"empty parts":             "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n", 500_000),
		"a header without an end": "Subject: " + strings.Repeat("x", 5<<20),
		"very many fields":        strings.Repeat("X: y\r\n", 500_000),
		"a field of many lines":   "Subject: x" + strings.Repeat("\r\n x", 500_000),
		"one long line":           "Subject: x\r\n\r\n" + strings.Repeat("x", 5<<20),
		"many encoded words":      "Subject: " + strings.Repeat("=?utf-8?q?=41?= ", 100_000) + "\r\n\r\n",
		"a boundary of nothing":   "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n----\r\n----\r\n",
		"a report of many blocks": "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" + strings.Repeat("Action: delayed\r\n\r\n", 500_000),
		"base64 that is none":     "Content-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("====", 1<<20),
		"an unknown encoding":     "Content-Transfer-Encoding: x-zip\r\nContent-Type: text/plain; charset=x-none\r\n\r\nx",
		"tags":                    "From: postmaster@x.example\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat("<", 5<<20),
	} {
		m := read([]byte(raw))
		if len(m.leaves) > mostParts {
			t.Errorf("%s: %d parts", name, len(m.leaves))
		}
		kind, o := judge(m, true)
		permitted(t, kind, o)
	}
}

// An enhanced status is found where it stands, and no address or version is taken for one.
//
// cite: RFC 3463
func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"5.1.1": "5.1.1", "5.1.1.": "5.1.1", "(#5.1.1)": "5.1.1", "550 5.1.1 unknown": "5.1.1", "550-5.7.26 x": "5.7.26", "smtp;550 4.4.7": "4.4.7",
		"": "", "192.5.1.1": "", "5.1.1.9": "", "v15.1.1": "", "3.1.1": "", "550": "", "5.1": "", "at 10.5.2.1 port": "", "5.1.1111": "",
	} {
		if got := code(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if got := code(rapid.String().Draw(t, "text")); got != "" && !strings.Contains("245", got[:1]) {
			t.Fatalf("%q", got)
		}
	})
}

// Only addresses that we give out are ours.
//
// cite: P-21
func TestAddresses(t *testing.T) {
	a := newAddresses(Config{Domain: "mail.carrier.example", General: []string{"Privacy@carrier.example"}})
	for address, want := range map[string]target{
		"bounces+a1B2@mail.carrier.example": {token: "a1B2"}, "BOUNCES+a1@MAIL.carrier.example": {token: "a1"}, "replies+x@mail.carrier.example": {token: "x"},
		"privacy@carrier.example": {general: true}, "PRIVACY@CARRIER.EXAMPLE": {general: true},
	} {
		if got, ok := a.parse(address); !ok || got != want {
			t.Errorf("%s: %v %v", address, got, ok)
		}
	}
	for _, address := range []string{
		"", "bounces@mail.carrier.example", "bounces+@mail.carrier.example", "bounces+a1@carrier.example", "bounces+a1@mail.carrier.example.evil.example",
		"bounces+a1@mailxcarrier.example", "x+a1@mail.carrier.example", "bounces+a1+b2@mail.carrier.example", "bounces+a1@mail.carrier.example\n", "xbounces+a1@mail.carrier.example",
		"bounces+" + strings.Repeat("a", 49) + "@mail.carrier.example", "bounces+a_1@mail.carrier.example", "postmaster@mail.carrier.example", "privacy@mail.carrier.example",
	} {
		if got, ok := a.parse(address); ok {
			t.Errorf("%q is taken as %v", address, got)
		}
	}
}
