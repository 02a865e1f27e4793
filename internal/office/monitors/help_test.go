package monitors_test

import (
	"errors"

	"ringfence/internal/notify/mail"
)

func asNotTaken(err error, no **mail.NotTaken) bool { return errors.As(err, no) }
