package fiction

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// No two customers of the sample have one number, and each number is one that is kept for fiction.
func TestPairsOfTheSampleAreDistinct(t *testing.T) {
	f, err := os.Open("../../../demo/data/telco-customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kept := regexp.MustCompile(`^\+1[2-9]\d\d55501\d\d$`)
	seen := map[string]string{}
	customers := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		id, _, ok := strings.Cut(lines.Text(), ",")
		if !ok || id == "customerID" {
			continue
		}
		customers++
		for i := range 2 {
			n := Number(2*Pair(id) + i)
			if !kept.MatchString(n) {
				t.Fatalf("%s is not a number of fiction", n)
			}
			if seen[n] != "" {
				t.Fatalf("%s and %s share %s", seen[n], id, n)
			}
			seen[n] = id
		}
	}
	if customers != 7043 {
		t.Fatalf("%d customers", customers)
	}
}

func TestAreas(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Areas {
		if !regexp.MustCompile(`^[2-9][0-8]\d$`).MatchString(a.Code) || len(a.State) != 2 || len(a.ZIP) != 3 || seen[a.Code] ||
			a.Code == "202" || a.Code == "703" {
			t.Errorf("area %+v", a)
		}
		seen[a.Code] = true
	}
}

// Reserved numbers lie in no real area code, and no two are the same.
func TestReserved(t *testing.T) {
	form := regexp.MustCompile(`^\+1[2-9]9\d[2-9]\d{6}$`)
	seen := map[string]bool{}
	for _, span := range [][2]int{{0, 200000}, {799000, 802000}, {80 * 10000 * 356, 80*10000*356 + 90000}, {MaxReserved - 1000, MaxReserved}} {
		for i := span[0]; i < span[1]; i++ {
			n := Reserved(i)
			if !form.MatchString(n) || seen[n] {
				t.Fatalf("%d: %s", i, n)
			}
			seen[n] = true
		}
	}
}

// Files of a seed stay what they were: these values must never change.
func TestSourcesStay(t *testing.T) {
	asOf := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	s := New(1, "7590-VHVEG")
	p := s.Person(Female, 18, 64, asOf)
	got := p.Name() + "|" + p.Born.Format("2006-01-02") + "|" + p.SSN4 + "|" + s.Postal(Areas[0]) + "|" + Number(2*Pair("7590-VHVEG"))
	if want := "Joan Singh|2005-12-22|7080|4916 Pearl Avenue, Silver Creek, NJ 07677|+16055550118"; got != want {
		t.Errorf("got %s", got)
	}
	for range 1000 {
		if p := s.Person(Either, 18, 64, asOf); p.Born.After(asOf.AddDate(-18, 0, 0)) || p.Born.Before(asOf.AddDate(-65, 0, 0)) {
			t.Fatalf("born %v", p.Born)
		}
	}
}
