package server

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/file"
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
}

// EmailWay is what carries e-mail.
type EmailWay struct {
	By   string `yaml:"by"`
	File string `yaml:"file"` // the folder into which messages are written
}

// TextWay is what carries texts.
type TextWay struct {
	By   string `yaml:"by"`
	File string `yaml:"file"`
}

// VoiceWay is what calls.
type VoiceWay struct {
	By   string `yaml:"by"`
	File string `yaml:"file"`
}

// LetterWay is what carries letters.
type LetterWay struct {
	By   string `yaml:"by"`
	File string `yaml:"file"`
}

// What carries messages.
const (
	byNone = "none"
	byFile = "file"
)

// messageWay is one way, as the configuration calls it.
type messageWay struct {
	via  cpni.Via
	name string // of its entry
	by   string
	file string
	can  []string // what by may name
	// faults of the settings of what by names
	check func() error
}

// ways are the four ways, in the order in which pages show them. Another channel is one more name in can, its settings in the
// way's type, and a case in channel.
func (m Messages) ways() []messageWay {
	return []messageWay{
		{via: cpni.Email, name: "email", by: m.Email.By, file: m.Email.File, can: []string{byFile, byNone}},
		{via: cpni.Text, name: "text", by: m.Text.By, file: m.Text.File, can: []string{byFile, byNone}},
		{via: cpni.Voice, name: "voice", by: m.Voice.By, file: m.Voice.File, can: []string{byFile, byNone}},
		{via: cpni.Postal, name: "letter", by: m.Letter.By, file: m.Letter.File, can: []string{byFile, byNone}},
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
		known := w.by == ""
		for _, name := range w.can {
			known = known || w.by == name
		}
		switch {
		case !known:
			say("%s.by is %s, not %q", entry, oneOf(w.can), w.by)
		case w.by == byFile && w.file == "":
			say("%s.file is empty: write the folder into which these messages are written; whoever may read it reads them", entry)
		case w.by != byFile && w.file != "":
			say("%s.file is set, and %s.by is not file: write by: file, or take the folder out", entry, entry)
		case w.check != nil:
			if err := w.check(); err != nil {
				say("%s.%s: %w", entry, w.by, err)
			}
		}
		set = set || w.by != "" && w.by != byNone
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

func oneOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// channels makes what carries messages. A way without any is not among them: its messages wait.
func (c Config) channels() (map[cpni.Via]notify.Channel, error) {
	all := map[cpni.Via]notify.Channel{}
	for _, w := range c.Messages.ways() {
		channel, err := c.channel(w)
		if err != nil {
			return nil, fmt.Errorf("messages.%s: %w", w.name, err)
		}
		if channel != nil {
			all[w.via] = channel
		}
	}
	return all, nil
}

// channel makes what carries one way; nil: nothing does.
func (c Config) channel(w messageWay) (notify.Channel, error) {
	switch w.by {
	case "", byNone:
		return nil, nil
	case byFile:
		return file.New(file.Options{Folder: w.file, Letter: c.letter(), Answers: c.demonstration, From: fmt.Sprintf("%s <%s>", c.Carrier.Name, c.Carrier.Contact.Email)}), nil
	}
	return nil, fmt.Errorf("by %q carries nothing", w.by)
}

// letter makes the pages of a letter; nil: letters are shown as text.
func (c Config) letter() func(notify.Piece) ([]byte, error) { return nil }
