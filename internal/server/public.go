package server

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"ringfence/internal/office"
	"ringfence/internal/publish"
	"ringfence/internal/workday"
)

// Facility is where breaches are reported, and when somebody last looked whether the link leads there.
//
// cite: P-46, 47 CFR 64.2011(b)
type Facility struct {
	Link     string `yaml:"link"`
	Verified string `yaml:"verified"` // a day, such as 2026-11-25
}

// Today is the date in a zone, as configurations have it; in one that is none, that of UTC.
func Today(zone string) string {
	z, err := time.LoadLocation(zone)
	if err != nil {
		z = time.UTC
	}
	return workday.DateIn(Machine.Now(), z).String()
}

// checkPublic reports what is blank of the facts that the public policy states: without them it promises what nobody can use.
// A link that was not looked at for long is no error here; it raises an alert.
//
// cite: P-12, P-27, P-46, P-55, 47 CFR 64.2008(c)(3), 47 CFR 64.2011(b)
func (c Config) checkPublic() []error {
	var wrong []error
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	x := c.Carrier.Contact
	if _, err := mail.ParseAddress(x.Email); err != nil {
		say("CONFIG_CONTACT: carrier.contact.email is empty or no address; customers deny the use of their information by writing to it (P-12, P-27, 47 CFR 64.2008(c)(3)): write an address that is read")
	}
	if strings.TrimSpace(x.Phone) == "" {
		say("CONFIG_CONTACT: carrier.contact.phone is empty; customers deny the use of their information by calling it (P-12, P-27, 47 CFR 64.2008(c)(3)): write a number that is answered, such as \"+18005550100\"")
	}
	if strings.TrimSpace(x.Post) == "" {
		say("CONFIG_CONTACT: carrier.contact.post is empty; customers deny the use of their information by writing there (P-12, P-27, 47 CFR 64.2008(c)(3)): write a postal address in one line, such as Privacy Office, 1 Main St, Springfield, VA 22150")
	}
	if u, err := url.Parse(x.Web); err != nil || u.Host == "" {
		say("CONFIG_CONTACT: carrier.contact.web is empty or no address; customers deny the use of their information there (P-12, P-27, 47 CFR 64.2008(c)(3)): write one such as https://account.carrier.example")
	}
	if u, err := url.Parse(c.Carrier.Facility.Link); err != nil || u.Scheme != "https" || u.Host == "" {
		say("CONFIG: carrier.facility.link is empty or no https address; breaches are reported there (P-46, 47 CFR 64.2011(b)): write the address of the central reporting facility, as the Commission gives it, after you have looked that it leads there")
	}
	if _, err := workday.ParseDate(c.Carrier.Facility.Verified); err != nil {
		say("CONFIG: carrier.facility.verified %q is no day; somebody looks from time to time whether the link leads to the facility (P-46): write the day on which that was last done, such as 2026-11-25", c.Carrier.Facility.Verified)
	}
	if strings.TrimSpace(c.Carrier.Posting) == "" {
		say("CONFIG: carrier.posting is empty; customers find changes of the policy there (P-55, 47 CFR 64.2008(b)): write the address or the place at which they are posted, such as https://carrier.example/privacy")
	}
	return wrong
}

// public are the facts that the public policy states.
func (c Config) public() publish.Carrier {
	verified, _ := workday.ParseDate(c.Carrier.Facility.Verified) // checked before
	return publish.Carrier{Name: c.Carrier.Name, Email: c.Carrier.Contact.Email, Phone: c.Carrier.Contact.Phone, Post: c.Carrier.Contact.Post, Web: c.Carrier.Contact.Web,
		Facility: c.Carrier.Facility.Link, Posting: c.Carrier.Posting, Verified: verified}
}

// Reaches gives an office the channels of the configuration without running them, for commands that tell what is there.
func (c Config) Reaches(o *office.Office) error {
	ways, err := c.reach(o, func(error) {})
	if err != nil {
		return err
	}
	o.Reach(ways.channels)
	return nil
}
