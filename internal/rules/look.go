package rules

import "time"

// Look gives a number in force as it is written: a whole one, or a length of time. ok is false when none of that name is in
// force on the day, which for what the program itself needs does not happen.
func (n InForce) Look(profile, name string) (count int, long time.Duration, ok bool) {
	v, ok := n.find(profile, name)
	return v.whole, v.long, ok && v.kind != listed
}
