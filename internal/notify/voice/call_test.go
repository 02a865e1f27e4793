package voice

import (
	"testing"

	"ringfence/internal/notify"
)

// TestPerson rings a person, who hears the code twice.
//
// cite: P-20, 47 CFR 64.2010(b), 47 CFR 64.2003(q)
func TestPerson(t *testing.T) {
	p := answering(t, hello(t))
	c := carrier(t, p.port, nil)
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	o := send(t, c, message(notify.Spoken{Text: sentence}, notify.Spoken{Digits: "4071925683", NotOnMachine: true}))[0]
	if o.State != notify.Delivered || o.Call == nil || o.Call.Ended != notify.Answered || o.Call.Lasted == 0 {
		t.Errorf("outcome %+v, call %+v", o, o.Call)
	}
	heard := p.heard()
	if len(heard) != 1 {
		t.Fatalf("%d recordings", len(heard))
	}
	if got := digitsIn(t, heard[0]); got != "40719256834071925683" {
		t.Errorf("the phone heard the digits %q", got)
	}
	if !says(t, heard[0], sentence) || says(t, heard[0], warning) {
		t.Error("the sentence was not heard, or another")
	}
}
