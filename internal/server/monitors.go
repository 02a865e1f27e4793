package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"ringfence/internal/filing/monitor"
	"ringfence/internal/notify/mail"
	"ringfence/internal/notify/smpp"
	"ringfence/internal/notify/voice"
	"ringfence/internal/office"
	"ringfence/internal/store"
)

// Monitors says how each way to refuse is tried: nothing set, a way is not tried and shown as unknown.
//
// cite: P-12, P-27, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
type Monitors struct {
	Web   WebMonitor   `yaml:"web"`
	Mail  MailMonitor  `yaml:"mail"`
	Text  TextMonitor  `yaml:"text"`
	Phone PhoneMonitor `yaml:"phone"`
}

// Absent says why the carrier does not offer a way; "" it does.
type Absent struct {
	NotOffered string `yaml:"not-offered"`
}

// WebMonitor refuses on the page for refusals.
type WebMonitor struct {
	Absent `yaml:",inline"`
	Page   string `yaml:"page"` // its address as customers reach it; empty: not tried
}

// MailMonitor writes to the address for refusals.
type MailMonitor struct {
	Absent `yaml:",inline"`
	// SMTP is a mail server outside, from which customers could write too; its from is the address of the account that refuses alone. No
	// host: not tried.
	SMTP mail.Config `yaml:"smtp"`
	To   string      `yaml:"to"` // empty: carrier.contact.email
}

// TextMonitor texts to the number for refusals.
type TextMonitor struct {
	Absent `yaml:",inline"`
	// SMPP is the message centre under a name of its own; its source is the number of the account that refuses alone. No address: not tried.
	SMPP smpp.Config `yaml:"smpp"`
	To   string      `yaml:"to"` // number or short code
}

// PhoneMonitor calls the line for refusals.
type PhoneMonitor struct {
	Absent `yaml:",inline"`
	SIP    voice.Config `yaml:"sip"` // no switch: not tried
	To     string       `yaml:"to"`  // empty: carrier.contact.phone
	// Keys are what is pressed once the line speaks: digits, * and #, commas for pauses, {account} for the number from which is called.
	Keys string `yaml:"keys"`
	// Records says that the line records by REST a refusal of whoever presses these keys, so that it is looked for.
	Records bool `yaml:"records"`
}

// probes makes what tries each way that is set up, and says of the others why not.
func (c Config) probes(set func(monitor.Way, monitor.Probe), absent func(monitor.Way, string)) error {
	m := c.Monitors
	var wrong []error
	for _, w := range []struct {
		way   monitor.Way
		why   string
		setUp bool
		make  func() (monitor.Probe, error)
	}{
		{monitor.Web, m.Web.NotOffered, m.Web.Page != "", func() (monitor.Probe, error) { return monitor.NewWeb(m.Web.Page, nil) }},
		{monitor.Mail, m.Mail.NotOffered, m.Mail.SMTP.Host != "", func() (monitor.Probe, error) {
			return monitor.NewMail(m.Mail.SMTP, cmp.Or(m.Mail.To, c.Carrier.Contact.Email), Machine)
		}},
		{monitor.Text, m.Text.NotOffered, m.Text.SMPP.Address != "", func() (monitor.Probe, error) { return monitor.NewText(m.Text.SMPP, m.Text.To) }},
		{monitor.Phone, m.Phone.NotOffered, m.Phone.SIP.Switch != "", func() (monitor.Probe, error) {
			return monitor.NewPhone(m.Phone.SIP, cmp.Or(m.Phone.To, c.Carrier.Contact.Phone), m.Phone.Keys, m.Phone.Records, Machine)
		}},
	} {
		why := strings.TrimSpace(w.why)
		switch {
		case why != "" && w.setUp:
			wrong = append(wrong, fmt.Errorf("monitors.%s is not offered, and how it is tried is set as well: leave one of them out", w.way))
		case why != "":
			absent(w.way, why)
		case w.setUp:
			p, err := w.make()
			if err != nil {
				wrong = append(wrong, fmt.Errorf("monitors.%s: %w", w.way, err))
				continue
			}
			set(w.way, p)
		}
	}
	return errors.Join(wrong...)
}

// checkMonitors reports what is wrong with how the ways to refuse are tried.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func (c Config) checkMonitors() []error {
	if err := c.probes(func(monitor.Way, monitor.Probe) {}, func(monitor.Way, string) {}); err != nil {
		return []error{err}
	}
	return nil
}

// workedEvery is how far apart it is looked which way is to be tried.
const workedEvery = 2 * time.Second

// watchWays has the ways to refuse tried while everything else runs. Where nothing at all is said of them nothing is watched, and the page says
// that every way is unknown; once one is set up, or said not to be offered, the silence of the others is noticed.
func (c Config) watchWays(r *reach, o *office.Office, report func(error)) error {
	told := 0
	err := c.probes(func(w monitor.Way, p monitor.Probe) {
		told++
		o.Monitors.Use(w, p)
	}, func(w monitor.Way, why string) {
		told++
		o.Monitors.NotOffered(w, why)
	})
	if err != nil || told == 0 {
		return err
	}
	o.Monitors.Node, _ = os.Hostname()
	r.running = append(r.running, func(ctx context.Context) error {
		store.Every(ctx, workedEvery, o.Monitors.Work, report)
		return nil
	})
	return nil
}

// demoMonitors has the demonstration try the page for refusals on itself.
func demoMonitors(listen string) Monitors {
	page := "http://" + listen + office.RefusePage
	if strings.HasSuffix(listen, ":0") { // nobody knows yet where it will listen
		page = ""
	}
	return Monitors{Web: WebMonitor{Page: page},
		Mail: MailMonitor{Absent: Absent{"the demonstration takes no mail"}}, Text: TextMonitor{Absent: Absent{"the demonstration takes no texts"}}, Phone: PhoneMonitor{Absent: Absent{"the demonstration has no telephone line"}}}
}
