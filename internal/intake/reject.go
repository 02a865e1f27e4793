package intake

import "slices"

// Reason is why a row was not imported.
type Reason string

// The reasons of call files.
const (
	BadLine      Reason = "LINE"          // too long, a NUL byte, a broken quote
	BadColumns   Reason = "COLUMNS"       // not the number of columns of the format
	Conflict     Reason = "CONFLICT"      // a marker that version control left behind, not a record
	BadTime      Reason = "TIME"          // not a time
	NoSuchTime   Reason = "NO_SUCH_TIME"  // skipped when the clocks went forward
	BadNumber    Reason = "NUMBER"        // not a telephone number
	BadDuration  Reason = "DURATION"      // negative, not a number, or no way to know it
	NoLine       Reason = "NO_LINE"       // neither number is a line of a customer
	LineNotThen  Reason = "LINE_NOT_THEN" // the line was not this customer's at the time of the call
	BadDirection Reason = "DIRECTION"     // a direction that the map does not know
)

// The reasons of customer files.
const (
	BadText     Reason = "TEXT"     // not UTF-8
	BadField    Reason = "FIELD"    // a value that the field cannot have
	NoAccount   Reason = "ACCOUNT"  // no account number
	TwiceInFile Reason = "TWICE"    // an account that the file has already, with other data
	NumberTaken Reason = "TAKEN"    // a number that is another customer's line
	BadCategory Reason = "CATEGORY" // not a category of service
	Refused     Reason = "REFUSED"  // the customer book refused it
)

// rejection is one row that was not imported, and why. It holds nothing of the row.
type rejection struct {
	Reason Reason
	Says   string
	Clause string // the clause that the reason rests on, or ""
}

func (r *rejection) Error() string { return string(r.Reason) + ": " + r.Says }

// The rejections that a row of calls can meet. They are shared values: a row costs no allocation.
var (
	rejectTooLong   = &rejection{BadLine, errLineTooLong.Error(), ""}
	rejectQuote     = &rejection{BadLine, errQuote.Error(), ""}
	rejectNUL       = &rejection{BadLine, errNUL.Error(), ""}
	rejectMany      = &rejection{BadColumns, errColumns.Error(), ""}
	rejectColumns   = &rejection{BadColumns, "not the number of columns of this format", ""}
	rejectConflict  = &rejection{Conflict, "a conflict marker of version control, not a record", ""}
	rejectTime      = &rejection{BadTime, "the start is not a time", ""}
	rejectEndTime   = &rejection{BadTime, "the answer or the end is not a time", ""}
	rejectNoZone    = &rejection{BadTime, "the start is " + errNoZone.Error(), ""}
	rejectNoTime    = &rejection{NoSuchTime, "the start is a " + errNonexistent.Error(), ""}
	rejectCaller    = &rejection{BadNumber, "the caller's number is not a telephone number; give names and extensions under numbers.lines of the map", ""}
	rejectCalled    = &rejection{BadNumber, "the called number is not a telephone number; give names and extensions under numbers.lines of the map", ""}
	rejectDuration  = &rejection{BadDuration, "the duration is not a whole number of seconds between 0 and 31 days", ""}
	rejectNoSeconds = &rejection{BadDuration, "there is neither a duration nor an answer and an end to count it from", ""}
	rejectAnswered  = &rejection{BadField, "the answered column has a value that is neither yes nor no; list those that mean yes under answered of the map", ""}
	rejectDirection = &rejection{BadDirection, "the direction is none that the map gives under directions", ""}
	rejectNoLine    = &rejection{NoLine, "no line: neither number is a line of a customer, so the call is nobody's call detail here", "P-03"}
	rejectNotThen   = &rejection{LineNotThen, "no line: the number was not this customer's line at the time of the call", "P-03"}
)

// rejectionOf gives the rejection of an error of the reader, or nil when the error is not about one record.
func rejectionOf(err error) *rejection {
	switch err {
	case errLineTooLong:
		return rejectTooLong
	case errQuote:
		return rejectQuote
	case errNUL:
		return rejectNUL
	case errColumns:
		return rejectMany
	}
	return nil
}

// conflictMarker reports whether a raw line is one that a merge in version control leaves in a file.
func conflictMarker(raw []byte) bool {
	if len(raw) < 7 || !slices.Contains([]byte("<=>|"), raw[0]) {
		return false
	}
	for _, c := range raw[:7] {
		if c != raw[0] {
			return false
		}
	}
	return len(raw) == 7 || raw[7] == ' '
}
