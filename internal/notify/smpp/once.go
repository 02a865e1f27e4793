package smpp

import (
	"context"
	"fmt"
	"strings"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// Once has the message centre take one text as from a telephone: from the source of cfg, which is a number, to a number or a short code, over a
// session of its own. It is no message to a customer, and nothing is told of it later. What it gives says why the centre has not taken it.
//
// cite: P-12, 47 CFR 64.2008(d)(3)(v)
func Once(ctx context.Context, cfg Config, to, text string) error {
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return err
	}
	password, err := cfg.password()
	if err != nil {
		return err
	}
	m, err := cfg.oneText(to, text)
	if err != nil {
		return err
	}
	c := &Channel{cfg: cfg, password: password}
	s, err := c.open(ctx, transmitter)
	if err != nil {
		return err
	}
	session, end := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- s.serve(session, cfg.EnquireLink, cfg.AnswerWithin, func(context.Context, []byte) data.CommandStatusType { return data.ESME_RX_T_APPN })
	}()
	a, err := s.ask(ctx, m.pdu(), cfg.AnswerWithin)
	end()
	<-served
	switch {
	case err != nil:
		return err
	case a.status != data.ESME_ROK:
		return fmt.Errorf("the message centre did not take the text: %s", statusName(a.status))
	}
	return nil
}

// oneText is a text that one message can hold, to whatever a telephone can text.
func (c Config) oneText(to, text string) (submit, error) {
	a, parts := encode(text, "")
	digits, international := strings.CutPrefix(to, "+")
	if len(parts) != 1 || !numeric(digits) || len(digits) > 15 {
		return submit{}, fmt.Errorf("%q is no number that takes texts, or the text is longer than one message", to)
	}
	ton, npi, from := c.source()
	m := submit{service: c.ServiceType, coding: a.coding, octets: parts[0], source: pdu.NewAddressWithTonNpi(ton, npi), to: pdu.NewAddressWithTonNpi(3, 0)}
	if international {
		m.to = pdu.NewAddressWithTonNpi(1, 1)
	}
	if err := m.source.SetAddress(from); err != nil {
		return m, err
	}
	return m, m.to.SetAddress(digits)
}
