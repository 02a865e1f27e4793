package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"ringfence/internal/cpni"
	"ringfence/internal/publish"
)

// PublicVersion is a version of the carrier's public policy, without its text.
type PublicVersion struct {
	Version   string       `json:"version"`
	Published time.Time    `json:"published"`
	Effective time.Time    `json:"effective" doc:"Since when it is in force, or will be."`
	InForce   bool         `json:"in_force"`
	Hash      string       `json:"hash" doc:"Of its words in all languages; the ledger's entry has the same."`
	Record    cpni.ID      `json:"record" doc:"The ledger's entry."`
	Covers    PublicCovers `json:"covers"`
	Adds      PublicCovers `json:"adds" doc:"What it covers and the version before did not: no approval covers that until its customer has had a new individual notice."`
}

// PublicCovers is what a version speaks of.
type PublicCovers struct {
	Purposes   []cpni.Purpose   `json:"purposes"`
	Recipients []string         `json:"recipients" doc:"Kinds of recipients, classes of partners, or ids of partners."`
	Data       []cpni.DataClass `json:"data"`
}

// PublicPolicy is a version of the public policy, word for word.
type PublicPolicy struct {
	PublicVersion
	Title    PublicWords     `json:"title"`
	Sections []PublicSection `json:"sections"`
}

// PublicWords are the same words in each language.
type PublicWords struct {
	EN string `json:"en"`
	ES string `json:"es"`
}

// PublicSection is a group of sentences.
type PublicSection struct {
	ID        string           `json:"id"`
	Title     PublicWords      `json:"title"`
	Sentences []PublicSentence `json:"sentences"`
}

// PublicSentence is one promise.
type PublicSentence struct {
	ID      string   `json:"id" doc:"It stays the same between versions, and is the anchor on the public page."`
	Clauses []string `json:"clauses"`
	PublicWords
}

// PublicDifference is what changed between two versions.
type PublicDifference struct {
	From    string         `json:"from"`
	To      string         `json:"to"`
	Same    int            `json:"same" doc:"Sentences that are alike."`
	Changes []PublicChange `json:"changes"`
	Adds    PublicCovers   `json:"adds"`
	Drops   PublicCovers   `json:"drops"`
}

// PublicChange is a sentence that two versions do not have alike.
type PublicChange struct {
	ID    string      `json:"id"`
	Kind  string      `json:"kind" enum:"added,removed,changed,moved"`
	Moved bool        `json:"moved,omitempty" doc:"It stands in another place as well."`
	Was   PublicWords `json:"was"`
	Now   PublicWords `json:"now"`
}

// PublicKept is how a sentence of the version in force is kept.
type PublicKept struct {
	ID      string   `json:"id"`
	Clauses []string `json:"clauses"`
	Red     bool     `json:"red" doc:"Nothing keeps it, or something that keeps it is off."`
	Reasons []string `json:"reasons"`
	Rules   []string `json:"rules"`
	Decided int64    `json:"decided" doc:"How often its rules decided in the last 365 days, or since they are counted."`
	// Exercised is when something on record last showed it at work.
	Exercised *time.Time `json:"exercised,omitempty"`
	Tested    *time.Time `json:"tested,omitempty" doc:"When the scenarios that cite its clauses were last told under a policy of this carrier."`
}

// public is the carrier's public policy, for programs.
//
// cite: P-55, P-56, P-58, 47 CFR 64.2008(b)
func (a *API) public() {
	const at = "/v1/policy/public"
	tag := []string{"policy"}
	register(a, operation{scope: "policy", Operation: huma.Operation{OperationID: "read-public-policy", Method: http.MethodGet, Path: at, Tags: tag, Summary: "Read the public policy in force", Description: "What customers read at /privacy, in every language. 404 when none is in force."}},
		func(context.Context, caller, *struct{}) (*struct{ Body PublicPolicy }, error) {
			v, _ := a.office.Published.Current(a.office.Clock.Now())
			if v == nil {
				return nil, publish.ErrNone
			}
			return &struct{ Body PublicPolicy }{a.publicPolicy(v)}, nil
		})
	register(a, operation{scope: "policy", Operation: huma.Operation{OperationID: "list-public-policies", Method: http.MethodGet, Path: at + "/versions", Tags: tag, Summary: "List the versions of the public policy, the newest first"}},
		func(context.Context, caller, *struct{}) (*struct{ Body []PublicVersion }, error) {
			out := &struct{ Body []PublicVersion }{[]PublicVersion{}}
			all := a.office.Published.Versions()
			for i := len(all) - 1; i >= 0; i-- {
				out.Body = append(out.Body, a.publicVersion(all[i]))
			}
			return out, nil
		})
	register(a, operation{scope: "policy", Operation: huma.Operation{OperationID: "read-public-policy-version", Method: http.MethodGet, Path: at + "/versions/{version}", Tags: tag, Summary: "Read a version of the public policy"}},
		func(_ context.Context, _ caller, in *struct {
			Version string `path:"version" maxLength:"40"`
		}) (*struct{ Body PublicPolicy }, error) {
			v, err := a.office.Published.Version(in.Version)
			if err != nil {
				return nil, err
			}
			return &struct{ Body PublicPolicy }{a.publicPolicy(v)}, nil
		})
	register(a, operation{scope: "policy", Operation: huma.Operation{OperationID: "compare-public-policies", Method: http.MethodGet, Path: at + "/changes", Tags: tag, Summary: "Tell what changed between two versions, sentence by sentence"}},
		func(_ context.Context, _ caller, in *struct {
			From string `query:"from" required:"true" maxLength:"40"`
			To   string `query:"to" required:"true" maxLength:"40"`
		}) (*struct{ Body PublicDifference }, error) {
			d, err := a.office.Published.Diff(in.From, in.To)
			if err != nil {
				return nil, err
			}
			out := PublicDifference{From: d.From, To: d.To, Same: d.Same, Changes: []PublicChange{}, Adds: publicCovers(d.Covers), Drops: publicCovers(d.NoLonger)}
			for _, c := range d.Changes {
				out.Changes = append(out.Changes, PublicChange{c.ID, string(c.Kind), c.Moved && c.Kind != publish.Moved, PublicWords(c.Was), PublicWords(c.Now)})
			}
			return &struct{ Body PublicDifference }{out}, nil
		})
	register(a, operation{scope: "policy", Operation: huma.Operation{OperationID: "read-public-policy-keepers", Method: http.MethodGet, Path: at + "/keepers", Tags: tag, Summary: "Tell how each sentence of the public policy in force is kept"}},
		func(ctx context.Context, _ caller, _ *struct{}) (*struct{ Body []PublicKept }, error) {
			k, err := a.office.Keeping(ctx)
			if err != nil {
				return nil, err
			}
			out := &struct{ Body []PublicKept }{[]PublicKept{}}
			for _, s := range k.All {
				row := PublicKept{ID: s.Sentence.ID, Clauses: s.Sentence.Clauses, Red: s.Red(), Reasons: []string{}, Rules: append([]string{}, s.Rules...)}
				for _, r := range s.Reasons {
					row.Reasons = append(row.Reasons, r.Says)
				}
				for _, r := range s.Rules {
					row.Decided += k.Totals[r].N
				}
				if x := k.Exercised(s); !x.IsZero() {
					row.Exercised = &x
				}
				if t, ok := k.Tested(s); ok {
					row.Tested = &t.At
				}
				out.Body = append(out.Body, row)
			}
			return out, nil
		})
}

func publicCovers(c publish.Covers) PublicCovers {
	return PublicCovers{append([]cpni.Purpose{}, c.Purposes...), append([]string{}, c.Recipients...), append([]cpni.DataClass{}, c.Data...)}
}

func (a *API) publicVersion(v *publish.Version) PublicVersion {
	current, _ := a.office.Published.Current(a.office.Clock.Now())
	out := PublicVersion{Version: v.Version, Published: v.At, Effective: v.Effective, InForce: v == current, Hash: v.Hash, Record: v.Record, Covers: publicCovers(v.Covers), Adds: publicCovers(publish.Covers{})}
	if all := a.office.Published.Versions(); v.N > 1 && int(v.N) <= len(all) {
		out.Adds = publicCovers(v.Covers.Beyond(all[v.N-2].Covers))
	}
	return out
}

func (a *API) publicPolicy(v *publish.Version) PublicPolicy {
	p := PublicPolicy{PublicVersion: a.publicVersion(v), Title: PublicWords(v.Title), Sections: []PublicSection{}}
	for _, s := range v.Sections {
		section := PublicSection{ID: s.ID, Title: PublicWords(s.Title), Sentences: []PublicSentence{}}
		for _, x := range s.Sentences {
			section.Sentences = append(section.Sentences, PublicSentence{x.ID, x.Clauses, PublicWords{x.EN, x.ES}})
		}
		p.Sections = append(p.Sections, section)
	}
	return p
}
