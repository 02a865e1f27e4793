package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/inbound"
	"ringfence/internal/notify"
	"ringfence/internal/notify/file"
	"ringfence/internal/notify/letter"
	"ringfence/internal/notify/mail"
	"ringfence/internal/notify/smpp"
	"ringfence/internal/notify/voice"
	"ringfence/internal/notify/webhook"
	"ringfence/internal/office"
)

// Messages says how customers are reached: each way by what, and with which settings. The settings of what `by` names stand
// under the same name; `none`, the default, leaves messages of that way waiting.
//
// cite: P-23, 47 CFR 64.2010(f)
type Messages struct {
	// Address is where customers reach this server; links in messages begin with it. Empty: as url.
	Address string    `yaml:"address"`
	Email   EmailWay  `yaml:"email"`
	Text    TextWay   `yaml:"text"`
	Voice   VoiceWay  `yaml:"voice"`
	Letter  LetterWay `yaml:"letter"`
	// Inbound is where bounces and answers come in by mail; nothing of it set: they are not taken.
	Inbound *inbound.Config `yaml:"inbound"`
}

// EmailWay is what carries e-mail.
type EmailWay struct {
	By   string      `yaml:"by"`
	SMTP mail.Config `yaml:"smtp"`
	File string      `yaml:"file"` // the folder into which messages are written
}

// TextWay is what carries texts.
type TextWay struct {
	By      string         `yaml:"by"`
	SMPP    smpp.Config    `yaml:"smpp"`
	Webhook webhook.Config `yaml:"webhook"`
	File    string         `yaml:"file"`
}

// VoiceWay is what calls.
type VoiceWay struct {
	By      string         `yaml:"by"`
	SIP     voice.Config   `yaml:"sip"`
	Webhook webhook.Config `yaml:"webhook"`
	File    string         `yaml:"file"`
}

// LetterWay is what carries letters.
type LetterWay struct {
	By    string        `yaml:"by"`
	Batch letter.Config `yaml:"batch"` // of letters, to a folder or by SFTP
	File  string        `yaml:"file"`
}

// What carries messages.
const (
	byNone    = "none"
	byFile    = "file"
	bySMTP    = "smtp"
	bySMPP    = "smpp"
	bySIP     = "sip"
	byWebhook = "webhook"
	byBatch   = "batch"
)

// messageWay is one way, as the configuration calls it.
type messageWay struct {
	via  cpni.Via
	name string // of its entry
	by   string
	file string
	can  map[string]func() error // what by may name, with the check of its settings
}

// ways are the four ways, in the order in which pages show them.
func (m Messages) ways() []messageWay {
	nothing := func() error { return nil }
	with := func(can map[string]func() error) map[string]func() error {
		can[byFile], can[byNone], can[""] = nothing, nothing, nothing
		return can
	}
	return []messageWay{
		{via: cpni.Email, name: "email", by: m.Email.By, file: m.Email.File, can: with(map[string]func() error{bySMTP: m.Email.SMTP.Check})},
		{via: cpni.Text, name: "text", by: m.Text.By, file: m.Text.File, can: with(map[string]func() error{bySMPP: m.Text.SMPP.Check, byWebhook: m.Text.Webhook.Check})},
		{via: cpni.Voice, name: "voice", by: m.Voice.By, file: m.Voice.File, can: with(map[string]func() error{bySIP: m.Voice.SIP.Check, byWebhook: m.Voice.Webhook.Check})},
		{via: cpni.Postal, name: "letter", by: m.Letter.By, file: m.Letter.File, can: with(map[string]func() error{byBatch: m.Letter.Batch.Check})},
	}
}

// carriedBy names what carries each way, for people.
func (m Messages) carriedBy() map[cpni.Via]string {
	all := map[cpni.Via]string{}
	for _, w := range m.ways() {
		all[w.via] = cmp.Or(w.by, byNone)
	}
	return all
}

// checkMessages reports what is wrong with how customers are reached.
//
// cite: P-23
func (c Config) checkMessages() []error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	set := false
	for _, w := range c.Messages.ways() {
		entry := "messages." + w.name
		check, known := w.can[w.by]
		switch {
		case !known:
			say("%s.by is %s, not %q", entry, oneOf(w.can), w.by)
		case w.by == byFile && w.file == "":
			say("%s.file is empty: write the folder into which these messages are written; whoever may read it reads them", entry)
		case w.by != byFile && w.file != "":
			say("%s.file is set, and %s.by is not file: write by: file, or take the folder out", entry, entry)
		default:
			if err := check(); err != nil {
				say("%s.%s: %w", entry, w.by, err)
			}
		}
		set = set || w.by != "" && w.by != byNone
	}
	if in := c.Messages.Inbound; in != nil {
		if err := in.Check(); err != nil {
			wrong = append(wrong, err)
		}
	}
	if a := c.Messages.Address; a != "" {
		if u, err := url.Parse(a); err != nil || u.Scheme != "https" && !loopback(u) || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			say("messages.address %q is no address such as https://account.carrier.example, without a path", a)
		}
	}
	if set && c.customersAddress() == "" {
		say("messages.address is empty, and url is too: write where customers reach this server; every notice of change bears a link by which they say that it was not them (P-23)")
	}
	return wrong
}

// customersAddress is where customers reach this server.
func (c Config) customersAddress() string {
	return strings.TrimSuffix(cmp.Or(c.Messages.Address, c.Address), "/")
}

func oneOf(can map[string]func() error) string {
	var names []string
	for _, name := range []string{bySMTP, bySMPP, bySIP, byBatch, byWebhook, byFile, byNone} {
		if can[name] != nil {
			names = append(names, name)
		}
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// reach is what carries messages, with what has to run for it.
type reach struct {
	channels map[cpni.Via]notify.Channel
	hooks    map[string]http.Handler // by path: where a gateway tells what became of messages
	letters  *letter.Channel         // makes documents
	records  []mail.Record           // of the domain, by which receivers check signatures of e-mail
	running  []func(context.Context) error
}

// run keeps everything going until ctx ends. What cannot go on is reported; the rest does.
func (r *reach) run(ctx context.Context, report func(error)) {
	var all sync.WaitGroup
	for _, f := range r.running {
		all.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				report(err)
			}
		})
	}
	all.Wait()
}

// confirmedEvery is how far apart the print shop's confirmations are looked for.
const confirmedEvery = time.Minute

// reach makes what carries messages for an office. A way without anything is not among its channels: its messages wait.
func (c Config) reach(o *office.Office, report func(error)) (*reach, error) {
	r := &reach{channels: map[cpni.Via]notify.Channel{}, hooks: map[string]http.Handler{}}
	var err error
	if r.letters, err = c.letter(o.Clock, o.Zone); err != nil {
		return nil, fmt.Errorf("messages.letter: %w", err)
	}
	for _, w := range c.Messages.ways() {
		if err := c.way(r, w, o, report); err != nil {
			return nil, fmt.Errorf("messages.%s: %w", w.name, err)
		}
	}
	if in := c.Messages.Inbound; in != nil {
		receiver, err := inbound.New(c.takingAnswers(*in), o.Messages, o.Clock, report)
		if err != nil {
			return nil, err
		}
		receiver.TakeAnswers(o.Answers)
		r.running = append(r.running, receiver.Run)
	}
	return r, c.watchWays(r, o, report)
}

// takingAnswers has mail to the address that notices name taken as answers.
//
// cite: P-12, P-27, 47 CFR 64.2008(c)(3)
func (c Config) takingAnswers(in inbound.Config) inbound.Config {
	if own := c.Carrier.Contact.Email; own != "" {
		in.Answers = append(slices.Clone(in.Answers), own)
	}
	return in
}

// way adds what carries one way.
func (c Config) way(r *reach, w messageWay, o *office.Office, report func(error)) error {
	hook := func(settings webhook.Config) error {
		channel, err := webhook.New(settings, o.Clock)
		if err != nil {
			return err
		}
		r.channels[w.via], r.hooks["/hooks/messages/"+w.name] = channel, channel.Receipts(o.Messages, o.Answers)
		return nil
	}
	switch w.by {
	case byFile:
		r.channels[w.via] = file.New(file.Options{Folder: w.file, Letter: pages(r.letters), Answers: c.demonstration, From: fmt.Sprintf("%s <%s>", c.Carrier.Name, c.Carrier.Contact.Email)})
	case bySMTP:
		channel, err := mail.New(c.Messages.Email.SMTP, o.Clock)
		if err != nil {
			return err
		}
		if r.records, err = channel.Records(); err != nil {
			return err
		}
		r.channels[w.via] = channel
	case bySMPP:
		channel, err := smpp.New(c.Messages.Text.SMPP, o.Messages, o.Answers, o.Clock, report)
		if err != nil {
			return err
		}
		channel.KeepParts(smpp.NewTable(o.DB, o.Clock))
		r.channels[w.via], r.running = channel, append(r.running, channel.Run)
	case bySIP:
		channel, err := voice.New(c.Messages.Voice.SIP, o.Clock, report)
		if err != nil {
			return err
		}
		r.channels[w.via], r.running = channel, append(r.running, channel.Run)
	case byBatch:
		r.channels[w.via] = r.letters
		if told := r.letters.Confirmations(o.Messages); told != nil {
			r.running = append(r.running, func(ctx context.Context) error {
				told.Run(ctx, confirmedEvery, func(_ []letter.Read, err error) {
					if err != nil {
						report(err)
					}
				})
				return nil
			})
		}
	case byWebhook:
		if w.via == cpni.Text {
			return hook(c.Messages.Text.Webhook)
		}
		return hook(c.Messages.Voice.Webhook)
	}
	return nil
}

// letter makes the pages of letters, for those who look at them here, and documents for customers.
func (c Config) letter(clock cpni.Clock, zone *time.Location) (*letter.Channel, error) {
	settings := c.Messages.Letter.Batch
	if c.Messages.Letter.By != byBatch {
		// Nothing is handed over: the folders are named because a print shop's settings have to be whole.
		settings = letter.Config{Folder: filepath.Join(c.Messages.Letter.File, "out"), State: filepath.Join(c.Messages.Letter.File, "state"), Return: []string{c.Carrier.Name}}
	}
	return letter.New(settings, c.Carrier.Name, clock, zone)
}

// pages makes a letter's pages alone.
func pages(channel *letter.Channel) func(notify.Piece) ([]byte, error) {
	return func(p notify.Piece) ([]byte, error) {
		pdf, _, err := channel.Render(p)
		return pdf, err
	}
}
