package customer

// Masked shows of a number or account only what tells it from others to somebody who knows it: of a telephone number the
// country, area and last two digits, of anything else the last three characters.
//
// cite: P-17
func Masked(value string) string {
	r := []rune(value)
	keepFront, keepBack := 0, 3
	if len(r) == 12 && r[0] == '+' && r[1] == '1' {
		keepFront, keepBack = 5, 2
	}
	for i := range r {
		if i >= keepFront && i < len(r)-keepBack && r[i] != '-' && r[i] != ' ' {
			r[i] = '•'
		}
	}
	return string(r)
}
