package portal

import "testing"

// Each word of the pages has one meaning, and is there in both languages.
func TestWordsAreWholeAndMeanOneThing(t *testing.T) {
	seen := map[string]int{}
	for n, table := range all() {
		for key := range table["en"] {
			if before, is := seen[key]; is {
				t.Errorf("%q stands in tables %d and %d", key, before, n)
			}
			seen[key] = n
			if _, is := table["es"][key]; !is {
				t.Errorf("%q is not there in Spanish", key)
			}
		}
		for key := range table["es"] {
			if _, is := table["en"][key]; !is {
				t.Errorf("%q is not there in English", key)
			}
		}
	}
}
