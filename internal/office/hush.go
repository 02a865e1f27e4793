package office

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"ringfence/internal/breach"
	"ringfence/internal/campaign"
	"ringfence/internal/cpni"
	"ringfence/internal/notify/wording"
	"ringfence/internal/publish"
	"ringfence/policy"
)

// ReadIncidentWords reads the words by which texts speak of incidents; of a policy without such a list, those that are built in.
//
// cite: P-47, 47 CFR 64.2011(a)
func ReadIncidentWords(files fs.FS) ([]string, error) {
	if files == nil {
		files = policy.Files
	}
	if _, err := fs.Stat(files, breach.WordsFile); errors.Is(err, fs.ErrNotExist) {
		files = policy.Files
	}
	return breach.ReadSpeaking(files)
}

// hush refuses what somebody has written for customers or the public while it speaks of an incident of which they must not be told. Every path by
// which such a text goes on asks here; docs/breach-telling.md lists them.
//
// cite: P-47, I-08, 47 CFR 64.2011(a)
func (o *Office) hush(ctx context.Context, path breach.Path, by cpni.ID, approved time.Time, texts ...string) error {
	return o.Incidents.Hush(ctx, breach.Saying{Path: path, By: by, Texts: texts, Approved: approved})
}

// hushCampaign asks for the script of a campaign. quietly is set as its messages are about to go.
func (o *Office) hushCampaign(ctx context.Context, p *campaign.Plan, by cpni.ID, approved time.Time, quietly bool) error {
	var texts []string
	for _, language := range campaign.Languages {
		s := p.Scripts[language]
		texts = append(texts, s.Subject, s.Text, s.Short)
	}
	return o.Incidents.Hush(ctx, breach.Saying{Path: breach.CampaignScript, By: by, Texts: texts, Approved: approved, Quietly: quietly})
}

// hushNotice asks for the words of a notice, by their edition.
func (o *Office) hushNotice(ctx context.Context, edition string, by cpni.ID) error {
	if edition == "" {
		return nil
	}
	e, err := o.Editions.Edition(edition)
	if err != nil {
		return err
	}
	return o.hushEdition(ctx, e, by)
}

// hushEdition asks for what an edition says that the carrier's templates do not: those stand for everybody, and are no news. What was given by
// an earlier run was agreed to then.
func (o *Office) hushEdition(ctx context.Context, e *wording.Edition, by cpni.ID) error {
	holding, err := o.Incidents.Holding(ctx)
	if err != nil || len(holding) == 0 {
		return err
	}
	approved, err := o.Notices.FirstWith(ctx, e.Version())
	if err != nil {
		return err
	}
	return o.hush(ctx, breach.NoticeWords, by, approved, o.ownTexts(e)...)
}

// ownTexts gives what an edition says that no template of the policy does.
func (o *Office) ownTexts(e *wording.Edition) []string {
	standing := map[string]bool{}
	for _, t := range o.Wording.Templates() {
		standing[t.Subject()] = true
		for _, p := range t.Parts() {
			standing[p.Says] = true
		}
	}
	var own []string
	for _, t := range e.Texts() {
		for _, says := range append([]string{t.Subject()}, partsOf(t)...) {
			if !standing[says] && !slices.Contains(own, says) {
				own = append(own, says)
			}
		}
	}
	for _, r := range e.Recipients() { // the names of companies stand in it too
		own = append(own, r.Name)
	}
	return own
}

func partsOf(t *wording.Template) []string {
	var all []string
	for _, p := range t.Parts() {
		all = append(all, p.Says)
	}
	return all
}

// hushPublic asks for those sentences of a public policy that no version before it has.
func (o *Office) hushPublic(ctx context.Context, e *publish.Edition, by cpni.ID) error {
	said := map[string]bool{}
	for _, v := range o.Published.Versions() {
		for _, says := range publicTexts(&v.Edition) {
			said[says] = true
		}
	}
	var fresh []string
	for _, says := range publicTexts(e) {
		if !said[says] {
			fresh = append(fresh, says)
		}
	}
	if len(said) == 0 { // the first one stands since the server was set up
		if t, err := publish.Read(o.public.Text, o.rulesInForce()); err == nil && t.Version == e.Version {
			return nil
		}
	}
	return o.hush(ctx, breach.PublicPolicy, by, time.Time{}, fresh...)
}

func publicTexts(e *publish.Edition) []string {
	all := []string{e.Title.EN, e.Title.ES}
	for _, s := range e.Sections {
		all = append(all, s.Title.EN, s.Title.ES)
	}
	for _, s := range e.Sentences() {
		all = append(all, s.EN, s.ES)
	}
	return all
}

// hushPolicy asks for those lines of a policy's rules that it does not have yet: customers read in the accounting why something was decided, in
// the words of its rule.
func (o *Office) hushPolicy(ctx context.Context, files map[string]string, by cpni.ID) error {
	now := o.rulesInForce().Files()
	var fresh []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(name, "rules/") {
			continue
		}
		before := map[string]bool{}
		for line := range strings.Lines(string(now[name])) {
			before[strings.TrimSpace(line)] = true
		}
		for line := range strings.Lines(files[name]) {
			if line = strings.TrimSpace(line); !before[line] && !strings.HasPrefix(line, "//") {
				fresh = append(fresh, line)
			}
		}
	}
	return o.hush(ctx, breach.RuleReasons, by, time.Time{}, fresh...)
}
