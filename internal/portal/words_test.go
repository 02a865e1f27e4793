package portal

import "testing"

// Each word of the pages stands in one table: another page's word of the same name would be shown in its place.
func TestWordsMeanOneThing(t *testing.T) {
	seen := map[string]int{}
	for n, table := range all() {
		for key := range table["en"] {
			if before, is := seen[key]; is {
				t.Errorf("%q stands in tables %d and %d", key, before, n)
			}
			seen[key] = n
		}
	}
}
