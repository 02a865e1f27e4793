package audience

import (
	"slices"
	"testing"

	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

// A filter says in words of whom a use is meant and which protected information that takes; one that nobody can mean is refused.
//
// cite: P-40, 47 CFR 64.2009(c)
func TestFilter(t *testing.T) {
	for _, row := range []struct {
		f    Filter
		says string
		data []cpni.DataClass
	}{
		{Filter{}, "all customers in service", nil},
		{Filter{Has: []cpni.Category{cpni.Local, cpni.LongDistance}, Lacks: []cpni.Category{cpni.Wireless}}, "customers who buy local and long distance, who buy no wireless", []cpni.DataClass{cpni.Service}},
		{Filter{Least: 2, Most: 4, States: []string{"VA", "MD"}}, "customers with 2 to 4 lines, who live in VA or MD", []cpni.DataClass{cpni.Service}},
		{Filter{Zips: []string{"221"}, From: workday.On(2026, 1, 2)}, "customers who are customers since 2026-01-02 or later, whose ZIP code begins with 221", nil},
		{Filter{Usage: &Usage{Month: 202602, Minutes: 90}}, "customers who made at least 90 minutes in 2026-02", []cpni.DataClass{cpni.Usage}},
	} {
		if r := row.f.Check(); r != nil || row.f.String() != row.says || !slices.Equal(row.f.Data(), row.data) {
			t.Errorf("%+v: %v, %q, %v", row.f, r, row.f.String(), row.f.Data())
		}
	}
	for name, f := range map[string]Filter{
		"no service":        {Has: []cpni.Category{cpni.Broadband}},
		"buys and does not": {Has: []cpni.Category{cpni.Local}, Lacks: []cpni.Category{cpni.Local}},
		"most under least":  {Least: 3, Most: 2},
		"days turned round": {From: workday.On(2026, 2, 1), Before: workday.On(2026, 2, 1)},
		"state":             {States: []string{"Virginia"}},
		"ZIP code":          {Zips: []string{"22A"}},
		"month":             {Usage: &Usage{Month: 202613, Calls: 1}},
		"no bound":          {Usage: &Usage{Month: 202602}},
	} {
		if f.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
