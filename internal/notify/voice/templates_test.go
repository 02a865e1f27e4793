package voice

import (
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
	"ringfence/internal/notify/wording"
	"ringfence/policy"
)

// TestTemplates says what every template says in a call, in every language: all of it can be spoken, and none of it lasts
// too long.
//
// cite: P-20, P-25, 47 CFR 64.2010(f)(2)
func TestTemplates(t *testing.T) {
	t.Parallel()
	book, err := wording.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	c := carrier(t, freePorts(t, 1), nil)
	calls := 0
	for _, template := range book.Templates() {
		if template.Via() != cpni.Voice {
			continue
		}
		calls++
		w, err := template.Write(template.Sample())
		if err != nil {
			t.Fatal(err)
		}
		parts, err := script(t.Context(), c.speech, notify.Piece{Language: template.Language(), Words: w})
		if err != nil {
			t.Errorf("%s in %s: %v", template.Kind(), template.Language(), err)
			continue
		}
		if long := lasts(parts); long > c.config.Longest/2 {
			t.Errorf("%s in %s lasts %v", template.Kind(), template.Language(), long)
		}
		// The key that is asked for opens the code.
		asked := false
		for i, s := range w.Spoken {
			asked = asked || s.Key != ""
			if s.Digits != "" && s.NotOnMachine && !asked {
				t.Errorf("%s in %s reads its part %d without having asked for a key", template.Kind(), template.Language(), i+1)
			}
		}
	}
	if calls < 4 {
		t.Errorf("there are only %d templates of calls", calls)
	}
}

// TestCodeByTemplate rings with a verification code as the outbox would, and hears it.
//
// cite: P-20, 47 CFR 64.2010(b)
func TestCodeByTemplate(t *testing.T) {
	t.Parallel()
	book, err := wording.Load(policy.Files)
	if err != nil {
		t.Fatal(err)
	}
	template, ok := book.Template(notify.VerificationCode, cpni.Voice, "en")
	if !ok {
		t.Fatal("there is no template of a call with a code")
	}
	w, err := template.Write(template.Sample())
	if err != nil {
		t.Fatal(err)
	}
	p := answering(t, hello(t))
	defer pressing(p, "1")()
	piece := message()
	piece.Words = w
	o := send(t, carrier(t, p.port, nil), piece)[0]
	if o.State != notify.Delivered || o.Call.Pressed != "1" {
		t.Errorf("outcome %+v %+v", o, o.Call)
	}
	const code, number = "48213957", "8005550147"
	if got := digitsIn(t, p.heard()[0]); got != code+code+number+number {
		t.Errorf("the phone heard %q", got)
	}
}
