package letter

import (
	"regexp"
	"strings"

	"ringfence/internal/notify/letter/pdf"
)

// postcode finds the ZIP code at the end of a line; the second group is the rest of ZIP+4.
var postcode = regexp.MustCompile(`(?:^|[ ,])([0-9]{5})(-?[0-9]{4})?$`)

// stateAndZIP is the last part of an address whose city stands in the part before it.
var stateAndZIP = regexp.MustCompile(`^[A-Za-z]{2}\.? +[0-9]{5}(-?[0-9]{4})?$`)

// home are names of this country, which no domestic address bears.
var home = map[string]bool{"usa": true, "us": true, "u.s.a.": true, "u.s.": true, "united states": true, "united states of america": true}

// addressLines breaks a postal address in one line where a person would: at commas, but with city, state and ZIP code in
// one line, as the Postal Service reads them (Publication 28).
func addressLines(one string) []string {
	var parts []string
	for _, p := range strings.FieldsFunc(one, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '\r' }) {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			parts = append(parts, p)
		}
	}
	if n := len(parts); n > 1 && home[strings.ToLower(parts[n-1])] {
		parts = parts[:n-1]
	}
	if n := len(parts); n > 1 && stateAndZIP.MatchString(parts[n-1]) {
		parts[n-2] += " " + parts[n-1]
		parts = parts[:n-1]
	} else if n > 2 && len(parts[n-2]) == 2 && postcode.MatchString(parts[n-1]) {
		// "Springfield, VA, 22150"
		parts[n-3] += " " + parts[n-2] + " " + parts[n-1]
		parts = parts[:n-2]
	}
	return parts
}

// zip is the five digits of the ZIP code by which a printer sorts, or "".
func zip(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	m := postcode.FindStringSubmatch(lines[len(lines)-1])
	if m == nil {
		return ""
	}
	return m[1]
}

// Sizes of the address, from the one that is wanted to the smallest that machines read well.
var addressSizes = []float64{10.5, 10, 9.5, 9, 8.5, 8}

// fitAddress breaks name and address so that all of it stands in a box, as large as it can. A name that is too long ends
// visibly; an address is never cut, because a letter would go elsewhere: false says that it does not fit.
func fitAddress(f *pdf.Font, name string, address []string, width, height float64) (lines []string, size float64, fits bool) {
	for _, size := range addressSizes {
		most := int(height / lead(size))
		var place []string
		for _, part := range address {
			place = append(place, breakLines(f, size, width, part)...)
		}
		own := 0
		if name != "" {
			own = 1
		}
		if len(place)+own > most {
			continue
		}
		if name == "" {
			return place, size, true
		}
		names := breakLines(f, size, width, name)
		last := size == addressSizes[len(addressSizes)-1]
		if room := min(most-len(place), 2); len(names) > room {
			if !last {
				continue
			}
			names = names[:room]
			names[room-1] = shortened(f, size, width, names[room-1])
		}
		return append(names, place...), size, true
	}
	return nil, 0, false
}

// shortened ends s with an ellipsis within a width.
func shortened(f *pdf.Font, size, width float64, s string) string {
	n := f.Within(s, size, width-f.Width("…", size))
	return strings.TrimRight(s[:n], " ") + "…"
}

// lead is the distance of lines of a size in an address.
func lead(size float64) float64 { return size * 1.1 }
