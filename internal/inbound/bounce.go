package inbound

import (
	"regexp"
	"strings"

	"ringfence/internal/notify"
)

// group is a block of fields in a report of a mail system.
type group map[string]string

func (g group) get(name string) string { return g[name] }

// mostGroups bounds how many blocks of a report are read.
const mostGroups = 200

// groups reads blocks of fields with empty lines between them. What is no field is passed over: many systems write these
// reports by hand.
func groups(text string) []group {
	var all []group
	g, last := group{}, ""
	end := func() {
		if len(g) > 0 && len(all) < mostGroups {
			all = append(all, g)
		}
		g, last = group{}, ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			end()
			continue
		}
		if (line[0] == ' ' || line[0] == '\t') && last != "" {
			if len(g[last]) < mostSays {
				g[last] += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		last = strings.ToLower(strings.TrimSpace(name))
		if _, twice := g[last]; !twice {
			g[last] = decode(strings.TrimSpace(value))
		}
	}
	end()
	return all
}

// actions are what a report can tell of an address, from the worst to the best.
//
// cite: RFC 3464
var actions = []string{"failed", "delayed", "relayed", "expanded", "delivered"}

// statusReport reads what a mail system says of each address. There was one; where the mail was passed on to several, the
// worst counts. What came back for good has not arrived, whichever the reason: a full mailbox, a server that nobody
// reached for days. What is only late may yet arrive.
//
// cite: RFC 3464, RFC 3463, 47 CFR 64.2008(d)(3)
func statusReport(text string) (kind string, o notify.Outcome, ok bool) {
	worst := len(actions)
	for _, g := range groups(text) {
		action := strings.ToLower(plainWord.FindString(g.get("action")))
		status := code(g.get("status"))
		if action == "" && status == "" {
			continue // the block that is about the message
		}
		rank := len(actions)
		for i, a := range actions {
			if a == action {
				rank = i
			}
		}
		if rank == len(actions) {
			switch status[:min(1, len(status))] {
			case "5":
				rank = 0
			case "4":
				rank = 1
			case "2":
				rank = len(actions) - 1
			default:
				continue
			}
		}
		if rank >= worst {
			continue
		}
		worst = rank
		diagnostic := g.get("diagnostic-code")
		// Many write the general status beside a reply that has the exact one.
		if exact := code(diagnostic); exact != "" && (status == "" || strings.HasSuffix(status, ".0.0") && exact[0] == status[0]) {
			status = exact
		}
		o = notify.Outcome{Code: status, Says: cut(diagnostic)}
		if o.Says == "" {
			o.Says = cut(actions[rank] + " " + g.get("status"))
		}
	}
	if worst == len(actions) {
		return "", notify.Outcome{}, false
	}
	switch actions[worst] {
	case "failed":
		if o.Code == "" {
			o.Code = "5.0.0"
		}
		o.State = notify.Bounced
		return notify.Bounce, o, true
	case "delayed":
		o.State = notify.Sent
		return notify.Bounce, o, true
	case "delivered":
		o.State = notify.Delivered
	default: // passed on to where no report comes from
		o.State = notify.Sent
	}
	return notify.Receipt, o, true
}

// exactly is an enhanced status; the numbers beside it keep it from being part of an address or a version.
//
// cite: RFC 3463
var exactly = regexp.MustCompile(`(?:^|[^0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9.]|\.[^0-9]|\.?$)`)

// code finds an enhanced status in a text; "" when there is none.
func code(s string) string {
	if m := exactly.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// tags are of HTML.
var tags = regexp.MustCompile(`<[^<>]{0,1000}>`)

// Words with which mail systems say, each its own way, that a message came back, or that it is only late.
var (
	failing = regexp.MustCompile(`(?i)undeliver|un-?deliver(?:able|ed)|non-?deliver|not (?:be |been )?delivered|delivery (?:has |status notification \()?fail|failure notice|returned mail|mail delivery (?:failed|subsystem)|` +
		`returned to sender|returning (?:message|your)|unable to deliver|could ?n[o']t (?:be )?deliver|couldn't be delivered|message rejected|mail system error|permanent(?: fatal)? error|` +
		`no longer (?:exists|accept)|user unknown|unknown user|no such user|mailbox (?:not found|unavailable|is full)|did not reach|not listed in|` +
		`no (?:se )?(?:ha |han |pudo |pudieron |puede |ha podido |han podido )*(?:ser )?entrega|no entregado|devuelto|devoluci[oó]n|error (?:de|en la) entrega|fall[oó] (?:en|de) la entrega|buz[oó]n (?:lleno|inexistente)|usuario (?:desconocido|no existe)`)
	late = regexp.MustCompile(`(?i)delayed|\(delay\)|delivery delay|being delayed|still being retried|has not yet been delivered|not been delivered yet|(?:will|continue|keep) (?:be )?(?:keep |continue )?(?:to )?(?:retry|try)(?:ing)?|do not need to resend|no need to resend|warning: (?:could not send|message)|` +
		`retrasad|retraso|demora|a[uú]n no se ha|todav[ií]a no se ha|seguir[aá] intent|se seguir[aá]|no es necesario (?:que )?(?:lo )?(?:reenv|volver)`)
	// gaveUp outweighs late: some tell the story of their tries.
	gaveUp = regexp.MustCompile(`(?i)permanent(?: fatal)? error|giving up|given up|gave up|not going to try again|no further (?:delivery )?attempts|retry time(?:out)? exceeded|too long|will not be retried|no se (?:har[aá]n|intentar[aá]) m[aá]s`)
	// reply is an SMTP reply as it is quoted.
	reply = regexp.MustCompile(`(?:^|[\s#(:])([45][0-5][0-9])[ -]`)
	// copied is where the message begins that came back.
	copied = regexp.MustCompile(`(?im)^[-=_* ]*(?:below this line is a copy|this is a copy of|original message|returned message|message header|the header of the original|unsent message|mensaje original|encabezados? (?:del mensaje )?original|received:|return-path:)`)
)

// mostRead is how much of a text is looked through for such words, in bytes.
const mostRead = 8 << 10

// oddBounce recognises what a mail system sends back in words of its own, without the form of a report. That something
// came back for good is believed to be so; where only the reply is known, one that begins with 4 is taken to be late.
//
// cite: 47 CFR 64.2008(d)(3)
func oddBounce(m message, null bool) (notify.Outcome, bool) {
	named := m.header.Has("X-Failed-Recipients")
	from := fromSystem(m)
	if !named && !from && !null {
		return notify.Outcome{}, false
	}
	subject, text := m.field("Subject"), m.words()
	if !named && !from && !failing.MatchString(subject) && !late.MatchString(subject) && automatic(m) != "" {
		return notify.Outcome{}, false // what answers for a person may do so without a return path, too
	}
	if at := copied.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	text = text[:min(len(text), mostRead)]
	all := subject + "\n" + text
	failed, delayed, ended := failing.MatchString(all), late.MatchString(all), gaveUp.MatchString(all)
	if !failed && !delayed && !ended && !named {
		return notify.Outcome{}, false
	}
	o := notify.Outcome{State: notify.Bounced, Code: code(text), Says: cut(text)}
	said := reply.FindStringSubmatch(text)
	if o.Code == "" && said != nil {
		o.Code = said[1]
	}
	switch {
	case ended, failing.MatchString(subject) && !late.MatchString(subject):
	case delayed:
		o.State = notify.Sent
	case strings.HasPrefix(o.Code, "4") && !named:
		o.State = notify.Sent
	}
	if o.Code == "" && o.State == notify.Bounced {
		o.Code = "5.0.0"
	}
	return o, true
}
