package scenario

import (
	"context"
	"io/fs"

	reports "ringfence/internal/breach/form"
	"ringfence/internal/cpni"
	"ringfence/internal/office"
	"ringfence/internal/publish"
	"ringfence/internal/workday"
	"ringfence/policy"
)

// storyPublic are the facts of the carrier in stories. The first version of its public policy is published when a story begins.
var storyPublic = office.Public{Carrier: publish.Carrier{Name: "Lucid Telephone", Email: "privacy@lucid.example", Phone: "+18005550147", Post: "Privacy Office, 200 Lantern Way, Arlington, VA 22201",
	Web: "https://account.lucid.example", Facility: "https://reporting.facility.example/cpni", Posting: "https://lucid.example/privacy"}}

// filer is what reports to the agencies say of the carrier in stories.
var filer = reports.Carrier{LegalName: "Lucid Telephone, LLC", FRN: "0099999991", FilerID: "899999", Address: "200 Lantern Way, Arlington, VA 22201", States: []string{"DC", "MD", "VA"},
	Contact: reports.Contact{Name: "Cora Lane", Title: "Compliance officer", Phone: "+18005550101", Email: "breach@lucid.example"}}

// publicOf gives those facts for a story: somebody has just looked whether the facility is there, and what the story adds to the
// policy its first version does not cover yet.
func publicOf(s *Scenario) (office.Public, error) {
	p := storyPublic
	p.Carrier.Verified = workday.DateIn(s.start, s.zone)
	var later publish.Covers
	for _, step := range s.steps {
		if step.verb == publishVerb {
			later = later.With(added(args{n: step.args}))
		}
	}
	if later.None() {
		return p, nil
	}
	text, err := fs.ReadFile(policy.Files, publish.File)
	if err != nil {
		return p, err
	}
	p.First, err = publish.Without(text, later)
	return p, err
}

const publishVerb = "publish-policy"

// added is what a step adds to what the public policy covers.
func added(a args) (c publish.Covers) {
	if !a.has("adds") {
		return c
	}
	x := a.sub("adds")
	for _, p := range x.words("purposes") {
		c.Purposes = append(c.Purposes, cpni.Purpose(p))
	}
	c.Recipients, c.Data = x.words("recipients"), classes(x.words("data"))
	return c
}

// publishPolicy publishes a version that covers more than the one before.
//
// cite: P-55, P-56, P-57, P-58
func publishPolicy(ctx context.Context, w *world, a args) (result, error) {
	return of(w.office.PublishAdding(ctx, a.text("version"), a.moment("effective"), added(a), teller), succeeded())
}
