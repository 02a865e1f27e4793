package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/ledger"
	"ringfence/internal/office"
	"ringfence/internal/publish"
	"ringfence/internal/staff"
)

// publishedPlaces are the public policy with what keeps each sentence, for whoever is signed in, and its next version, for
// those who keep the policy.
//
// cite: P-37, P-55, P-56
func publishedPlaces() []place {
	return []place{
		{pattern: "/policy", get: (*visit).publishedPage},
		{pattern: "/policy/versions", get: (*visit).publishedVersions},
		{pattern: "/policy/change", right: staff.KeepPolicy, files: true, get: (*visit).publishPage, post: (*visit).publish},
		{pattern: "/policy/sentences/{sentence}", get: (*visit).sentencePage},
	}
}

// publishedView is the public policy in force, by section.
type publishedView struct {
	page
	Version   string
	Standing  string
	Hash      string
	Public    string // where customers read it
	Red       int
	Count     int
	RedRows   []sentenceRow
	Sections  []sentenceSection
	Since     string // since when decisions are counted; "" none yet
	Days      int
	Next      string // a version that is still to come
	MayChange bool
}

type sentenceSection struct {
	ID, Title string
	Rows      []sentenceRow
}

// sentenceRow is a sentence with how it is kept.
type sentenceRow struct {
	ID, Address, Says string
	Clauses           string
	Red               bool
	Reasons           []string
	Decided           string // how often its rules decided; "" it has none
	Tested, Exercised string
}

func sentenceAddress(id string) string { return "/policy/sentences/" + id }

// onDay writes a day of the carrier's; nothing of one that there is not.
func (v *visit) onDay(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return v.day(at)
}

// publishedPage shows the public policy in force, sentence by sentence, those first that are red.
//
// cite: P-37, P-55, P-56
func (v *visit) publishedPage() error {
	k, err := v.office.Keeping(v.r.Context())
	if err != nil {
		return err
	}
	view := publishedView{page: v.page("Public policy", "/rules"), Days: office.CountedDays, MayChange: v.member.May(staff.KeepPolicy), Public: "/privacy"}
	if k.Version == nil {
		return v.show(http.StatusOK, publishedPage(view))
	}
	view.Version, view.Hash, view.Standing = k.Version.Version, k.Version.Hash, v.onDay(k.Version.Effective)
	view.Red, view.Count, view.Since = k.Red, len(k.All), v.onDay(k.Since)
	if newest := v.office.Published.Newest(); newest.N != k.Version.N {
		view.Next = fmt.Sprintf("The version %s was published and takes effect on %s.", newest.Version, v.onDay(newest.Effective))
	}
	for _, s := range k.All {
		row := v.sentenceRow(k, s)
		title := s.Section.In("en")
		if n := len(view.Sections); n == 0 || view.Sections[n-1].Title != title {
			view.Sections = append(view.Sections, sentenceSection{ID: fmt.Sprintf("section-%d", n+1), Title: title})
		}
		g := &view.Sections[len(view.Sections)-1]
		g.Rows = append(g.Rows, row)
		if row.Red {
			view.RedRows = append(view.RedRows, row)
		}
	}
	return v.show(http.StatusOK, publishedPage(view))
}

func (v *visit) sentenceRow(k *office.Keeping, s publish.Kept) sentenceRow {
	row := sentenceRow{ID: s.Sentence.ID, Address: sentenceAddress(s.Sentence.ID), Says: s.Sentence.EN, Clauses: strings.Join(s.Sentence.Clauses, ", "), Red: s.Red()}
	for _, r := range s.Reasons {
		row.Reasons = append(row.Reasons, sentence(r.Says))
	}
	var n int64
	for _, r := range s.Rules {
		n += k.Totals[r].N
	}
	if len(s.Rules) > 0 {
		row.Decided = strconv.FormatInt(n, 10)
	}
	row.Exercised = v.onDay(k.Exercised(s))
	if t, ok := k.Tested(s); ok {
		row.Tested = v.onDay(t.At)
	}
	return row
}

// sentenceView is one sentence with everything that keeps it.
type sentenceView struct {
	page
	Row       sentenceRow
	Section   string
	Words     []saidIn
	Version   string
	Anchor    string // in the public page
	RedSince  string
	Rules     []keptRule
	Since     string
	Days      int
	Clauses   []keptClause
	Controls  []control
	Told      []toldRow
	Tests     []publish.Cited
	Scenarios []publish.Cited
	Build     string
	Acts      []actRow
}

type saidIn struct{ Language, Words string }

type keptRule struct {
	ruleView
	Address, Last string
	InForce       bool
	Text          string
}

type keptClause struct {
	ID, Says, Sections string
	Where, Evidence    []string
}

// control is something that must be there for the sentence.
type control struct {
	What, Stands string
	Off          bool
}

type toldRow struct {
	Clause, At, Rules string
	Passed, Failed    int
}

type actRow struct{ Kind, At string }

// sentencePage opens the keepers of a sentence.
//
// cite: P-37, P-55
func (v *visit) sentencePage() error {
	k, err := v.office.Keeping(v.r.Context())
	if err != nil {
		return err
	}
	id := v.r.PathValue("sentence")
	i := slices.IndexFunc(k.All, func(s publish.Kept) bool { return s.Sentence.ID == id })
	if k.Version == nil || i < 0 {
		return errNowhere
	}
	s := k.All[i]
	view := sentenceView{page: v.page("Sentence "+id, "/rules"), Row: v.sentenceRow(k, s), Section: s.Section.In("en"), Version: k.Version.Version, Anchor: "/privacy/" + k.Version.Version + "#" + id,
		RedSince: v.onDay(k.Unkept[id]), Since: v.onDay(k.Since), Days: office.CountedDays, Build: built()}
	for _, l := range publish.Languages {
		view.Words = append(view.Words, saidIn{l, s.Sentence.In(l)})
	}
	set, _ := v.office.Policy.Current()
	all := set.Rules()
	for _, name := range s.Rules {
		kept := keptRule{ruleView: ruleView{ID: name}}
		for _, r := range all {
			if r.ID == name {
				kept = keptRule{ruleView: ruleViewOf(r), Address: string(ruleAddress(name)), InForce: true, Text: r.Text}
			}
		}
		t := k.Totals[name]
		kept.Times, kept.Last = strconv.FormatInt(t.N, 10), v.onDay(t.Last)
		view.Rules = append(view.Rules, kept)
	}
	for _, c := range s.Clauses {
		view.Clauses = append(view.Clauses, keptClause{c.ID, c.Says, strings.Join(c.Sections, ", "), c.Where, c.Evidence})
		if t, ok := k.Told[c.ID]; ok {
			view.Told = append(view.Told, toldRow{c.ID, v.clock(t.At), t.Rules, t.Passed, t.Failed})
		}
	}
	off := map[string]string{}
	for _, r := range s.Reasons {
		off[r.What] = sentence(r.Says)
	}
	add := func(what, name, good string) {
		c := control{What: what, Stands: good}
		if says, is := off[name]; is {
			c.Stands, c.Off = says, true
		}
		view.Controls = append(view.Controls, c)
	}
	keepers := s.Sentence.Keepers
	for _, via := range keepers.Channels {
		add("Channel: "+wordOf(viaNames, via), string(via), "carries messages")
	}
	for _, p := range keepers.Profiles {
		add("Dated numbers: "+p, p, "in force")
	}
	for _, name := range keepers.Settings {
		add("Setting: "+strings.ReplaceAll(name, "-", " "), name, "set")
	}
	for _, a := range keepers.Acts {
		row := actRow{Kind: a, At: v.clockOr(k.Acts[ledger.Kind(a)], "none among the newest 10,000 entries")}
		view.Acts = append(view.Acts, row)
	}
	for _, t := range s.Tests {
		if t.Kind == "scenario" {
			view.Scenarios = append(view.Scenarios, t)
		} else {
			view.Tests = append(view.Tests, t)
		}
	}
	return v.show(http.StatusOK, sentencePage(view))
}

var viaNames = map[cpni.Via]string{cpni.Email: "e-mail", cpni.Text: "text messages", cpni.Voice: "calls", cpni.Postal: "letters"}

func (v *visit) clockOr(at time.Time, otherwise string) string {
	if at.IsZero() {
		return otherwise
	}
	return v.clock(at)
}

// built names the build that ships the tests.
func built() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of an unknown build"
	}
	revision, at := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			at = s.Value
		}
	}
	if revision == "" {
		return "of a build without a revision"
	}
	return fmt.Sprintf("of the revision %s of %s", revision, at)
}

// publishedVersionsView lists what was published, the newest first.
type publishedVersionsView struct {
	page
	Rows []publishedVersion
}

type publishedVersion struct {
	Version, Effective, At, By, Second, Hash, Changes string
	Record                                            string
	Adds                                              []string
}

// publishedVersions lists the versions with who published them and where that is on record.
//
// cite: P-55, P-58
func (v *visit) publishedVersions() error {
	view := publishedVersionsView{page: v.page("Versions of the public policy", "/rules")}
	all := v.office.Published.Versions()
	name := func(id string) (string, error) {
		if !cpni.ID(id).Valid() {
			return map[string]string{"": "", "start": "the server's first start"}[id], nil
		}
		return v.colleague(cpni.ID(id))
	}
	for i, x := range slices.Backward(all) {
		row := publishedVersion{Version: x.Version, Effective: v.onDay(x.Effective), At: v.clock(x.At), Hash: x.Hash, Record: string(x.Record)}
		var err error
		if row.By, err = name(x.By); err != nil {
			return err
		}
		if row.Second, err = name(x.Second); err != nil {
			return err
		}
		if i > 0 {
			row.Changes = "/privacy/changes/" + all[i-1].Version + "/" + x.Version
			row.Adds = coversWords(x.Covers.Beyond(all[i-1].Covers))
		}
		view.Rows = append(view.Rows, row)
	}
	return v.show(http.StatusOK, publishedVersionsPage(view))
}

// coversWords names what a version covers.
func coversWords(c publish.Covers) []string {
	var all []string
	for _, p := range c.Purposes {
		all = append(all, "purpose: "+strings.ReplaceAll(string(p), "-", " "))
	}
	for _, r := range c.Recipients {
		all = append(all, "recipient: "+strings.ReplaceAll(r, "-", " "))
	}
	for _, d := range c.Data {
		all = append(all, "information: "+strings.ReplaceAll(string(d), "-", " "))
	}
	return all
}

// publishView is the form for the next version, with what would follow when somebody has asked.
type publishView struct {
	page
	Text, Effective, Today string
	Key                    cpni.ID
	Base                   string
	Follows                *consequenceView
}

// consequenceView is what follows from a version.
type consequenceView struct {
	Version, Effective, Base string
	Adds, NoLonger           []string
	Customers, Approved      int64
	Red                      []sentenceRow
	Languages                []consequenceChanges
	Same                     int
	First, Open              bool
}

type consequenceChanges struct {
	Language, Name string
	Changes        []publish.Change
}

// publishPage shows the form.
//
// cite: P-55, P-56
func (v *visit) publishPage() error {
	return v.showPublish(http.StatusOK, string(v.office.PublicText()), v.now.In(v.office.Zone).Format(time.DateOnly), nil, nil)
}

func (v *visit) showPublish(status int, text, effective string, follows *consequenceView, refusal *cpni.Refusal) error {
	view := publishView{page: v.page("Next version of the public policy", "/rules"), Text: text, Effective: effective, Today: v.now.In(v.office.Zone).Format(time.DateOnly), Key: cpni.NewID(), Follows: follows}
	if n := v.office.Published.Newest(); n != nil {
		view.Base = n.Version
	}
	if refusal != nil {
		view.Problem = problemOf(refusal)
		view.Problem.Retry = "text"
	}
	return v.show(status, publishPage(view))
}

// publish shows what follows from a text, or proposes it. Nothing is published before a second person agrees.
//
// cite: P-55, P-56, P-57
func (v *visit) publish() error {
	id, err := v.key("proposal of a public policy")
	if err != nil {
		return err
	}
	text, effective := strings.TrimLeft(v.form.Get("text"), "\n"), v.field("effective")
	var refusal *cpni.Refusal
	if v.form.Get("do") != "propose" {
		c, err := v.office.Consider(v.r.Context(), []byte(text), effective, v.member.ID)
		if errors.As(err, &refusal) {
			return v.showPublish(http.StatusUnprocessableEntity, text, effective, nil, refusal)
		}
		if err != nil {
			return err
		}
		return v.showPublish(http.StatusOK, text, effective, v.consequence(c, true), nil)
	}
	p, err := v.office.ProposePublish(v.r.Context(), id, []byte(text), effective, v.member.ID)
	if errors.As(err, &refusal) {
		return v.showPublish(http.StatusUnprocessableEntity, text, effective, nil, refusal)
	}
	return v.proposed(p, err, "/policy/change")
}

func (v *visit) consequence(c *office.Consequence, open bool) *consequenceView {
	view := &consequenceView{Version: c.Draft.Version, Effective: c.Draft.Effective, Base: c.Draft.Base, Adds: coversWords(c.Adds), Customers: c.Customers, Approved: c.Approved, First: c.Before == nil, Open: open}
	for _, s := range c.Red {
		row := sentenceRow{ID: s.Sentence.ID, Says: s.Sentence.EN}
		for _, r := range s.Reasons {
			row.Reasons = append(row.Reasons, sentence(r.Says))
		}
		view.Red = append(view.Red, row)
	}
	if c.Diff == nil {
		return view
	}
	view.NoLonger, view.Same = coversWords(c.Diff.NoLonger), c.Diff.Same
	for _, l := range publish.Languages {
		x := consequenceChanges{Language: l, Name: map[string]string{"en": "English", "es": "Español"}[l]}
		for _, change := range c.Diff.Changes {
			if change.Kind != publish.Changed || change.Was.In(l) != change.Now.In(l) {
				x.Changes = append(x.Changes, change)
			}
		}
		view.Languages = append(view.Languages, x)
	}
	return view
}

// showPublished shows what a proposed version does, to whoever agrees to it.
//
// cite: P-55, P-56, P-57
func (v *visit) showPublished(view *proposalView, p *countersign.Proposal) error {
	var d publish.Draft
	if err := json.Unmarshal(p.Act, &d); err != nil {
		return err
	}
	c, err := v.office.Considered(v.r.Context(), d)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view.Unreadable = sentence(refusal.Says)
		return nil
	}
	if err != nil {
		return err
	}
	view.Publish = v.consequence(c, p.State.Open())
	return nil
}

// changeTone is the tone of the mark of a change.
func changeTone(k publish.Kind) string {
	return map[publish.Kind]string{publish.Added: "good", publish.Removed: "bad", publish.Changed: "warn", publish.Moved: ""}[k]
}
