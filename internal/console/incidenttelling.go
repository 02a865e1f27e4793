package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"ringfence/internal/breach"
	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/watch"
)

// incidentTellingPlaces are where what customers are told is written and agreed to, and where they are told.
//
// cite: P-47, P-48, I-08, 47 CFR 64.2011(b)(1), 47 CFR 64.2011(c)
func incidentTellingPlaces() []place {
	const telling = "/incidents/{incident}/telling"
	const handle = staff.HandleIncidents
	return []place{
		{pattern: telling, right: staff.ReadIncidents, get: (*visit).tellingPage},
		{pattern: telling + "/words", right: handle, post: (*visit).wordTelling, home: telling, long: true},
		{pattern: telling + "/answers", right: handle, post: (*visit).prepareAnswers, home: telling, long: true},
		{pattern: telling + "/agree", right: handle, post: (*visit).agreeToTelling, home: telling},
		{pattern: telling + "/begin", right: handle, post: (*visit).beginTelling, home: telling},
		{pattern: telling + "/pause", right: handle, post: (*visit).pauseTelling, home: telling},
		{pattern: telling + "/resume", right: handle, post: (*visit).resumeTelling, home: telling},
		{pattern: telling + "/told", right: handle, post: (*visit).markTold, home: telling, long: true},
	}
}

// languageNames are those in which customers are told.
var languageNames = map[string]string{"en": "English", "es": "Spanish"}

// howsTold are how customers can have been told when no message of ours did it.
var howsTold = []option{{breach.ByWord, "Somebody spoke with them"}, {breach.InPerson, "In person, in a shop or at home"}, {breach.ByLetter, "Somebody else wrote to them"}, {breach.Unreachable, "Everything was tried, and nobody can reach them"}}

// tellingView is how customers are told, and how far it has come.
type tellingView struct {
	incidentFile
	Held     *problemView // why they must not be told now
	Texts    []tellingText
	Credit   bool
	Written  string // by whom, and when
	Agreed   chip
	MayAgree bool
	WhyNot   string // why the person cannot agree
	Step     string
	Running  bool
	Paused   bool
	Began    bool
	Done     string
	Counts   []fact
	Total    int
	Ready    int // those who are told
	Left     []affectedRow
	More     bool
	Hows     []option
	Preview  *previewView
	Answers  []answerRow // for the call centre
	MayShow  bool
}

// tellingText is what is told in one language.
type tellingText struct {
	ID, Name string
	Text     breach.Text
}

// previewView is the notice as one of the customers would get it.
type previewView struct{ Of, Via, Subject, Text string }

// tellingPage shows what customers are told, whether they may be, and how far it has come.
//
// cite: P-47, P-48, P-49, 47 CFR 64.2011(c)
func (v *visit) tellingPage() error {
	i, err := v.incidentOf()
	if err != nil {
		return err
	}
	return v.showTelling(http.StatusOK, i, i.Words, nil)
}

func (v *visit) showTelling(status int, i *breach.Incident, words *breach.Words, refusal *cpni.Refusal) error {
	ctx := v.r.Context()
	view := tellingView{incidentFile: v.incidentFile(i, "/telling"), Hows: howsTold, Paused: i.Paused, Began: i.TellingBy != "", MayShow: v.member.May(staff.See)}
	if refusal != nil {
		view.Problem = problemOf(refusal)
	}
	if held := v.office.Incidents.Hold(i); held != nil {
		view.Held = problemOf(held)
	}
	for _, l := range breach.Languages {
		x := tellingText{ID: l, Name: languageNames[l]}
		if words != nil {
			x.Text = words.Texts[l]
		}
		view.Texts = append(view.Texts, x)
	}
	if words != nil {
		view.Credit = words.Credit
	}
	view.Answers = answerRows(i.Answers)
	if i.Words != nil {
		by, err := v.actor(i.WordsBy)
		if err != nil {
			return err
		}
		view.Written, view.Step = fmt.Sprintf("Written by %s, %s.", by, v.moment(i.History[i.WordsStep-1].At)), strconv.Itoa(i.WordsStep)
		view.Agreed = chip{"Somebody else has to agree to them", "warn"}
		switch {
		case i.WordsOK:
			view.Agreed = chip{"Agreed to by a second person", "good"}
		case i.WordsBy == string(v.member.ID):
			view.WhyNot = "You wrote them, so somebody else reads them."
		default:
			view.MayAgree = true
		}
	}
	tally, err := v.office.Incidents.Tally(ctx, i.ID, v.member.ID)
	if err != nil {
		return err
	}
	for _, s := range setStates {
		if n := tally[s.state]; n > 0 && s.state != breach.IsOut {
			view.Counts = append(view.Counts, fact{s.is.Text, strconv.Itoa(n)})
			view.Total += n
		}
	}
	view.Ready = tally[breach.IsSent] + tally[breach.IsTold]
	if !i.ToldAll.IsZero() {
		view.Done = v.moment(i.ToldAll)
	}
	view.Running = view.Began && !view.Paused && view.Done == "" && tally[breach.IsIn]+tally[breach.IsPlanned] > 0
	for _, state := range []string{breach.NoWay, breach.CameBack} {
		all, err := v.office.Incidents.Set(ctx, i.ID, v.member.ID, state, "", rowsOnPage+1)
		if err != nil {
			return err
		}
		for _, c := range all {
			if len(view.Left) == rowsOnPage {
				view.More = true
				break
			}
			r := v.affectedRow(c)
			if c.Code != "" {
				r.Entry = string(c.Code)
			}
			view.Left = append(view.Left, r)
		}
	}
	if view.MayShow && i.Words != nil && v.r.URL.Query().Has("preview") {
		if view.Preview, err = v.previewTelling(i); err != nil {
			return err
		}
	}
	return v.show(status, tellingPage(view))
}

// previewTelling writes the notice as the first of the customers would get it. That it was looked at is on record.
//
// cite: P-47, 47 CFR 64.2011(c)
func (v *visit) previewTelling(i *breach.Incident) (*previewView, error) {
	ctx := v.r.Context()
	first, err := v.office.Incidents.Set(ctx, i.ID, v.member.ID, "", "", 1)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	p, err := v.office.Incidents.Preview(ctx, i.ID, v.member.ID, first[0].Customer)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return &previewView{Of: short(first[0].Customer), Text: sentence(refusal.Says)}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Records, first[0].Customer); err != nil {
		return nil, err
	}
	return &previewView{short(first[0].Customer), viaWords[p.Via], p.Subject, p.Text}, nil
}

// wordTelling keeps what customers are to be told. What was typed stays in the form where it is refused.
//
// cite: P-47, 47 CFR 64.2011(c)
func (v *visit) wordTelling() error {
	a, err := v.actOn("words")
	if err != nil {
		return err
	}
	w := breach.Words{Texts: map[string]breach.Text{}, Credit: v.field("credit") != ""}
	for _, l := range breach.Languages {
		w.Texts[l] = breach.Text{What: v.text("what-" + l), Done: v.text("done-" + l), Advice: v.text("advice-" + l), Short: v.text("short-" + l)}
	}
	_, err = v.office.Incidents.Word(v.r.Context(), v.id("incident"), a, w)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		i, err := v.incidentOf()
		if err != nil {
			return err
		}
		return v.showTelling(refusedAs(refusal).status, i, &w, refusal)
	}
	return v.wentOn("/telling", "The words are kept. Somebody else reads them before anybody is told.", err)
}

// cite: P-47, 47 CFR 64.2011(c)
func (v *visit) agreeToTelling() error {
	step, err := strconv.Atoi(v.field("step"))
	if err != nil {
		return errUnreadable
	}
	return v.doing("agreement", "/telling", "You have agreed to the words.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Agree(v.r.Context(), id, a, step)
	})
}

// beginTelling has the customers told. Before the hold ends it is refused, and that somebody tried is on record.
//
// cite: P-47, P-48, I-08, 47 CFR 64.2011(b)(1)
func (v *visit) beginTelling() error {
	return v.doing("telling", "/telling", "The customers are being told.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Tell(v.r.Context(), id, a)
	})
}

// cite: P-47, P-49
func (v *visit) pauseTelling() error {
	return v.doing("pause", "/telling", "The telling is paused: nobody else is told until it goes on.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Pause(v.r.Context(), id, a, v.field("reason"))
	})
}

// cite: P-47, P-49
func (v *visit) resumeTelling() error {
	return v.doing("resume", "/telling", "The telling goes on where it was.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.Resume(v.r.Context(), id, a)
	})
}

// markTold records how customers were told whom no message reached.
//
// cite: P-47, P-49, 47 CFR 64.2011(d)
func (v *visit) markTold() error {
	named, err := v.customersNamed("customer")
	if err != nil {
		return v.wentOn("/telling", "", err)
	}
	return v.doing("told", "/telling", "It is on record how they were told.", func(id cpni.ID, a breach.Act) (*breach.Incident, error) {
		return v.office.Incidents.MarkTold(v.r.Context(), id, a, named, v.field("how"), v.text("reason"))
	})
}
