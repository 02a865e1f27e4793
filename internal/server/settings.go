package server

import (
	"io/fs"
	"os"
	"strings"
	"sync"

	"ringfence/internal/console"
	"ringfence/internal/office"
	"ringfence/internal/scenario"
	"ringfence/scenarios"
)

// settings are the entries of the configuration as people may see them: where a secret lies is told by its kind alone.
func (c Config) settings(secure bool, o *office.Office) []console.Setting {
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	kind, _, ok := strings.Cut(c.Vault.Key, ":")
	if !ok {
		kind = "elsewhere"
	}
	stories := "built in"
	if c.Scenarios != "" {
		stories += " and " + c.Scenarios
	}
	return []console.Setting{{Name: "Carrier", Value: c.Carrier.Name}, {Name: "Time zone", Value: c.Carrier.Zone}, {Name: "Offers mobile service", Value: yes(c.Carrier.CMRS)},
		{Name: "Customers write to", Value: c.Carrier.Contact.Email}, {Name: "Customers call", Value: c.Carrier.Contact.Phone}, {Name: "Customers' page", Value: c.Carrier.Contact.Web}, {Name: "Customers send letters to", Value: c.Carrier.Contact.Post},
		{Name: "Breaches are reported at", Value: c.Carrier.Facility.Link}, {Name: "Looked at last", Value: c.Carrier.Facility.Verified}, {Name: "Changes of the policy are posted at", Value: c.Carrier.Posting},
		{Name: "Links in messages begin with", Value: c.customersAddress()},
		{Name: "Database", Value: o.DB.Where()}, {Name: "Answers at", Value: c.Listen}, {Name: "People come by HTTPS", Value: yes(secure)}, {Name: "Metrics at", Value: c.Metrics},
		{Name: "Master key", Value: "kept in: " + kind}, {Name: "Checkpoint kept outside the database", Value: yes(c.Ledger.Checkpoint != "")},
		{Name: "Witnesses of the ledger", Value: c.Ledger.told()},
		{Name: "Policy files", Value: or(c.Policy, "built in")}, {Name: "Scenarios", Value: stories},
		{Name: "Discusses a call that the caller describes unaided", Value: yes(c.Options.UnaidedDetail)}}
}

// stories names the scenarios, read once when somebody first asks.
func (c Config) stories() func() ([]console.Story, error) {
	return sync.OnceValues(func() ([]console.Story, error) {
		folders := []fs.FS{scenarios.Files}
		if c.Scenarios != "" {
			folders = append(folders, os.DirFS(c.Scenarios))
		}
		var all []console.Story
		for _, folder := range folders {
			files, err := scenario.ReadFS(folder)
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				for _, s := range f.Scenarios {
					all = append(all, console.Story{File: f.Path, Name: s.Name, Cites: s.Cites})
				}
			}
		}
		return all, nil
	})
}
