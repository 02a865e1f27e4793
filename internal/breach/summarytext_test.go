package breach

import (
	"bytes"
	goflag "flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringfence/internal/breach/clock"
	"ringfence/internal/cpni"
	"ringfence/internal/workday"
)

var update = goflag.Bool("update", false, "write the golden files anew")

// The summary has of each breach its number, days, count, kinds of data and basis, before it is filed a place for the officer, and afterwards
// who signed it, when it was filed and its receipt.
//
// cite: V27, 47 CFR 64.2011(a)(4)
func TestSummaryText(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	on := func(day string) workday.Date {
		d, err := workday.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	late := time.Date(2027, 3, 2, 3, 0, 0, 0, time.UTC) // the first of March for the carrier
	s := Summary{Carrier: "Example Telecom", Year: 2027, Due: on("2028-02-01"), Below: 500, Zone: zone, Breaches: []SmallBreach{
		{Number: "I-2027-1", Discovered: late, Determined: late.AddDate(0, 0, 2), Earlier: on("2027-03-02"), From: on("2027-02-01"), Until: on("2027-02-03"), Customers: 499, Data: []cpni.DataClass{cpni.Billing, cpni.CallDetail},
			Personal: []string{"names with account numbers"}, Outcome: clock.Accessed, Basis: "A colleague alone opened the files.\nThe log shows it."},
		{Number: "I-2027-4", Discovered: late, Determined: late, Customers: 1, Outcome: clock.Disclosed, Basis: "The letter came back unopened."},
	}}
	filed := s
	filed.Signed, filed.Receipt, filed.Filed = "Otto Brandt", "S-4711", time.Date(2028, 1, 30, 15, 0, 0, 0, time.UTC)
	for name, got := range map[string][]byte{"summary.txt": s.Text(), "summary-filed.txt": filed.Text()} {
		name = filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another: %v\n%s", name, err, got)
		}
	}
}
