package smpp

import (
	"strings"
	"testing"
)

// One text goes as from a telephone, to a short code, over a session that ends with it; a centre that is down or does not want it is told of.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func TestOnce(t *testing.T) {
	c := startCentre(t)
	cfg := config(t, c.port, func(c *Config) { c.Source, c.SystemID = "+12025550100", "monitor" })
	if err := Once(t.Context(), cfg, "12345", "I refuse. ABC"); err != nil {
		t.Fatal(err)
	}
	if e := c.next("bind"); e.Role != "transmitter" || e.ID != "monitor" {
		t.Errorf("bound as %s under %q", e.Role, e.ID)
	}
	if e := c.next("submit"); e.From != "12025550100" || e.FromTON != 1 || e.To != "12345" || e.ToTON != 3 || string(e.bytes()) != "I refuse. ABC" {
		t.Errorf("the centre has %+v, %q", e, e.bytes())
	}
	c.next("unbind")
	c.set(map[string]any{"answer": 0x0b, "times": 1})
	if err := Once(t.Context(), cfg, "12345", "I refuse."); err == nil || !strings.Contains(err.Error(), "did not take the text") {
		t.Errorf("a text that the centre does not want: %v", err)
	}
	for _, to := range []string{"", "STOP", "12345678901234567"} {
		if err := Once(t.Context(), cfg, to, "I refuse."); err == nil {
			t.Errorf("to %q it goes", to)
		}
	}
	if err := Once(t.Context(), cfg, "12345", strings.Repeat("long ", 100)); err == nil {
		t.Error("a text goes that one message cannot hold")
	}
	c.kill()
	if err := Once(t.Context(), cfg, "12345", "I refuse."); err == nil {
		t.Error("a centre that is down takes it")
	}
}
