package voice

import (
	"errors"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

var errNumber = errors.New("the message is not addressed to a telephone number in E.164 form")

// number writes a number in E.164 as the switch wants it.
func (d Dial) number(to string) (string, error) {
	n, err := phonenumbers.Parse(to, "")
	if err != nil || !strings.HasPrefix(to, "+") {
		return "", errNumber
	}
	national := phonenumbers.GetNationalSignificantNumber(n)
	switch d.Format {
	case "national":
		return d.Prefix + national, nil
	case "digits":
		return d.Prefix + strconv.Itoa(int(n.GetCountryCode())) + national, nil
	default:
		return d.Prefix + "+" + strconv.Itoa(int(n.GetCountryCode())) + national, nil
	}
}
