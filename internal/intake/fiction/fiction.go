// Package fiction makes names, addresses and telephone numbers that belong to nobody, each from a seed alone, for
// demonstrations, generated loads and sample data that came without them.
package fiction

import (
	"fmt"
	"time"
)

// Source is a small deterministic generator of numbers (splitmix64). The same seed gives the same numbers on any
// machine and in any later version: files of a seed stay what they were.
type Source struct{ state uint64 }

// New returns the source of a seed and a name, for instance a customer's number or id.
func New(seed uint64, name string) *Source {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return &Source{Mix(seed ^ Mix(h))}
}

// At returns the n-th source of a seed, as a value: it costs nothing.
func At(seed, n uint64) Source { return Source{Mix(seed ^ Mix(n+0x632be59bd9b4e019))} }

// Mix spreads the bits of x over all of the result; it is one-to-one.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Uint64 gives the next number.
func (s *Source) Uint64() uint64 {
	s.state += 0x9e3779b97f4a7c15
	return Mix(s.state)
}

// N gives the next number from 0 to n-1.
func (s *Source) N(n int) int { return int(s.Uint64() >> 11 % uint64(n)) }

// Float gives the next number from 0 up to 1.
func (s *Source) Float() float64 { return float64(s.Uint64()>>11) / (1 << 53) }

// Person is somebody who does not exist.
type Person struct {
	Given, Family string
	Born          time.Time // a date, UTC
	SSN4          string
}

// Name is the whole name.
func (p Person) Name() string { return p.Given + " " + p.Family }

// Sex chooses the list of given names.
type Sex int

// The lists.
const (
	Either Sex = iota
	Female
	Male
)

// Person makes somebody who is at least least and at most most years old at the day asOf.
func (s *Source) Person(sex Sex, least, most int, asOf time.Time) Person {
	if sex == Either {
		sex = Female + Sex(s.N(2))
	}
	given := femaleNames
	if sex == Male {
		given = maleNames
	}
	days := least*365 + s.N((most-least)*365+1) + least/4
	y, m, d := asOf.Date()
	return Person{given[s.N(len(given))], familyNames[s.N(len(familyNames))],
		time.Date(y, m, d-days, 0, 0, 0, 0, time.UTC), fmt.Sprintf("%04d", 1+s.N(9999))}
}

// Street makes the first line of an address.
func (s *Source) Street() string {
	street := fmt.Sprintf("%d %s %s", 1+s.N(9899), streetNames[s.N(len(streetNames))], streetKinds[s.N(len(streetKinds))])
	if s.N(4) == 0 {
		street += fmt.Sprintf(", Apt %d%c", 1+s.N(19), 'A'+rune(s.N(6)))
	}
	return street
}

// Postal makes a whole address in an area code's state.
func (s *Source) Postal(a Area) string {
	return fmt.Sprintf("%s, %s, %s %s%02d", s.Street(), towns[s.N(len(towns))], a.State, a.ZIP, s.N(100))
}

// Exchanges lie in 555-0100 … 555-0199, which are kept for fiction in every area code.
const perArea = 100

// Slots is how many numbers Number can make.
func Slots() int { return len(Areas) * perArea }

// Number is the i-th number of fiction in real area codes, 0 ≤ i < Slots(): +1, the code, 555-0100 to 555-0199.
func Number(i int) string {
	return fmt.Sprintf("+1%s55501%02d", Areas[i/perArea].Code, i%perArea)
}

// MaxReserved is how many numbers Reserved can make.
const MaxReserved = 80 * 799 * 10000

// Reserved is the i-th number in area codes that no place has (290 … 299, 390 … and so on to 999 are kept for a
// longer numbering plan), for populations larger than Slots. The first 800,000 are in exchange 555.
func Reserved(i int) string {
	area, rest := i%80, i/80
	exchange, last := rest/10000, rest%10000
	switch { // 555 first, then 200, 201, … without it
	case exchange == 0:
		exchange = 555
	case 199+exchange < 555:
		exchange += 199
	default:
		exchange += 200
	}
	return fmt.Sprintf("+1%d9%d%03d%04d", 2+area/10, area%10, exchange, last)
}

// AreaOf is the area of the i-th number.
func AreaOf(i int) Area { return Areas[i/perArea] }
