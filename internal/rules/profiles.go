package rules

import "time"

// Profiles are the dated numbers of a policy.
type Profiles struct{}

// InForce are the numbers in force on one day.
type InForce struct{}

func (p *Profiles) At(day time.Time) InForce { return InForce{} }
func (n InForce) Int(profile, number string) int { return 0 }
func (n InForce) Ints(profile, number string) []int { return nil }
func (n InForce) Duration(profile, number string) time.Duration { return 0 }
func (n InForce) Has(profile string) bool { return false }
func (n InForce) Numbers(unaidedDetail bool) Numbers { return Numbers{} }

// Clause is one promise of the carrier's policy.
type Clause struct {
	ID       string   `yaml:"id"`
	Says     string   `yaml:"says"`
	Sections []string `yaml:"sections"`
	Rules    []string `yaml:"rules"`
	Where    []string `yaml:"where"`
	Evidence []string `yaml:"evidence"`
}
