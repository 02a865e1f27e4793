package notify

import "testing"

// Words that ask for no more texts, and words that only look so.
//
// cite: P-14
func TestStopWords(t *testing.T) {
	s := NewStops(StopWords())
	for _, text := range []string{"STOP", "stop", " Stop. ", "STOPALL", "stop all", "Stop texting me", "unsubscribe", "Cancel", "END", "quit!", "opt-out", "Revoke",
		"ALTO", "Pare", "baja", "Dar de baja", "NO MÁS", "no mas mensajes", "¡Alto!", "Alto ya", "Pare de enviarme mensajes", "“STOP”", "fin"} {
		if !s.In(text) {
			t.Errorf("%q asks for no more texts", text)
		}
	}
	for _, text := range []string{"", "?", "When does my plan end", "please do not cancel my line", "Baker St. stop 5", "nonstop", "end of month?", "yes", "si", "no", "bajada", "It was me"} {
		if s.In(text) {
			t.Errorf("%q does not ask for no more texts", text)
		}
	}
	own := NewStops([]string{"basta *", "nada más"})
	if !own.In("¡Basta ya!") || !own.In("NADA MAS") || own.In("nada mas que eso") || own.In("STOP") {
		t.Error("the carrier's own words do not hold")
	}
}
