package approval

import (
	"testing"
	"time"
)

// Silence counts from the first moment of a day, by the dates of whichever zone is last, and never sooner than the law's letter.
//
// cite: P-26, V36, V37, V40, V47, I-15, 47 CFR 64.2008(d)(1)
func TestUsable(t *testing.T) {
	law := Rules{Wait: 30, MailAdds: 3, AfterEmail: 31, AfterMail: 34}
	letter := Rules{Wait: 30, MailAdds: 3, AfterEmail: 30, AfterMail: 33}
	east := eastern(t)
	west, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		cite    string
		rules   Rules
		given   string
		mailed  bool
		printed int
		zones   []*time.Location
		want    string
	}{
		{"V36", law, "2026-12-03 10:00", false, 0, []*time.Location{east}, "2027-01-03 00:00"},
		{"V36 by the letter", letter, "2026-12-03 10:00", false, 0, []*time.Location{east}, "2027-01-02 00:00"},
		{"V37", law, "2026-12-03 10:00", true, 0, []*time.Location{east}, "2027-01-06 00:00"},
		{"V37 by the letter", letter, "2026-12-03 10:00", true, 0, []*time.Location{east}, "2027-01-05 00:00"},
		{"V40", law, "2026-11-09 09:00", true, 0, []*time.Location{east}, "2026-12-13 00:00"},
		{"V47", law, "2026-12-03 10:00", false, 45, []*time.Location{east}, "2027-01-18 00:00"},
		{"a shorter wait than the law's is not kept", law, "2026-12-03 10:00", false, 10, []*time.Location{east}, "2027-01-03 00:00"},
		{"the customer's day begins later", law, "2026-12-03 10:00", false, 0, []*time.Location{east, west}, "2027-01-03 03:00"},
		{"it is a day earlier where the customer is", law, "2026-12-04 01:00", false, 0, []*time.Location{east, west}, "2027-01-04 03:00"},
		{"the last minute of a day", law, "2026-12-03 23:59", false, 0, []*time.Location{east}, "2027-01-03 00:00"},
		{"over the night in which the clocks are set back", law, "2026-10-05 12:00", false, 0, []*time.Location{east}, "2026-11-05 00:00"},
	} {
		if got := row.rules.Usable(local(t, row.given), row.mailed, row.printed, row.zones...); !got.Equal(local(t, row.want)) {
			t.Errorf("%s: %s, want %s", row.cite, got.In(east), row.want)
		}
	}
}
