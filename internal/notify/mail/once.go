package mail

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"time"

	"ringfence/internal/cpni"
)

// NotTaken is that a server answered and did not take a mail.
type NotTaken struct {
	Code int    // of SMTP
	Says string // the server's own words, which may name addresses
}

// Error gives the code alone.
func (e *NotTaken) Error() string { return fmt.Sprintf("the mail server answered %d", e.Code) }

// Once hands one whole mail over as a mail program does, from the sender of cfg, and ends the connection. It is no message to a customer: it
// is on nobody's record, bears no signature of ours and asks for no word of its delivery. *NotTaken: the server did not want it.
//
// cite: P-12, 47 CFR 64.2008(c)(3)
func Once(ctx context.Context, cfg Config, to string, raw []byte) error {
	c, err := New(cfg, cpni.ClockFunc(func() time.Time { return time.Time{} })) // which dates nothing here
	if err != nil {
		return err
	}
	line, err := c.connect(ctx)
	if err != nil {
		return notTaken(err)
	}
	defer line.quit()
	defer context.AfterFunc(ctx, func() { line.raw.Close() })()
	if _, _, err := line.command(250, "MAIL FROM:<%s>", c.from.Address); err != nil {
		return notTaken(err)
	}
	if _, _, err := line.command(25, "RCPT TO:<%s>", to); err != nil {
		return notTaken(err)
	}
	if _, _, err := line.command(354, "DATA"); err != nil {
		return notTaken(err)
	}
	_, _, err = line.data(raw)
	return notTaken(err)
}

func notTaken(err error) error {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return &NotTaken{Code: reply.Code, Says: reply.Msg}
	}
	return err
}
