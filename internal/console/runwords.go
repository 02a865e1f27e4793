package console

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/notice"
	"ringfence/internal/office"
)

// countView is how many customers a notice goes to, and who is left out.
type countView struct {
	Customers, Goes string
	Rows            []tallyRow
}

type tallyRow struct {
	State    chip
	Way, Why string
	N        string
	Address  templ.SafeURL // of the customers; "" they are only counted
}

func countOf(c notice.Count) countView {
	view := countView{Customers: many(c.Customers), Goes: many(c.Goes())}
	for _, t := range c.Tallies {
		row := tallyOf(t)
		if t.State == notice.WithPlanned {
			row.State = chip{"would go", "good"}
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

func tallyOf(t notice.Tally) tallyRow {
	return tallyRow{State: givenStates[t.State], Way: runWays[t.Via], Why: wordOf(runCodes, t.Code), N: many(t.N)}
}

// noticeView is a proposed notice as who agrees reads it.
type noticeActView struct {
	Title, For, Kind, Starts string
	Facts                    []fact
	Count                    *countView
	Words                    []wordsView
}

type wordsView struct{ Way, Language, Subject, Text string }

// factsOf are what a notice says, for people.
func (v *visit) factsOf(s notice.Spec) []fact {
	words := func(list []string) string { return strings.Join(list, ", ") }
	var purposes, data, names, ways []string
	for _, p := range s.Purposes {
		purposes = append(purposes, wordOf(purposeWords, p))
	}
	for _, d := range s.Data {
		data = append(data, string(d))
	}
	for _, r := range s.Recipients {
		names = append(names, r.Name)
	}
	for _, w := range s.Ways {
		ways = append(ways, runWays[w])
	}
	all := []fact{{"Kind", runKinds[s.Kind]}, {"For", words(purposes)}}
	if len(data) > 0 {
		all = append(all, fact{"Information", words(data)})
	}
	if len(names) > 0 {
		all = append(all, fact{"Companies named", words(names)})
	}
	all = append(all, fact{"Ways, in this order", words(ways)})
	if s.Wait > 0 {
		all = append(all, fact{"Days that it gives", strconv.Itoa(s.Wait)})
	}
	return all
}

// showNotice fills the page of a proposed notice: what it says word by word, and how it would go.
//
// cite: P-02, P-27, 47 CFR 64.2009(d)
func (v *visit) showNotice(p *countersign.Proposal) (*noticeActView, error) {
	var a office.NoticeAct
	if err := json.Unmarshal(p.Act, &a); err != nil {
		return nil, err
	}
	view := &noticeActView{Title: a.Launch.Title, For: a.Launch.Audience.String(), Kind: runKinds[a.Says.Kind], Facts: v.factsOf(a.Says)}
	if !a.Launch.Starts.IsZero() {
		view.Starts = v.clock(a.Launch.Starts)
	}
	if p.Report != nil {
		var c notice.Count
		if err := json.Unmarshal(p.Report, &c); err != nil {
			return nil, err
		}
		shown := countOf(c)
		view.Count = &shown
	}
	return view, v.showWords(view, a.Says)
}

// showWords adds the words of a notice in every way and language.
func (v *visit) showWords(view *noticeActView, s notice.Spec) error {
	if s.Edition == "" {
		return nil
	}
	e, err := v.office.Editions.Edition(s.Edition)
	if err != nil {
		return err
	}
	for _, t := range e.Texts() {
		if !slices.Contains(s.Ways, string(t.Via())) && !(t.Via() == cpni.Postal && (slices.Contains(s.Ways, notice.ByInsert) || slices.Contains(s.Ways, notice.ByPortal))) {
			continue
		}
		tokens := t.Sample()
		tokens["carrier"] = v.options.Carrier
		words, err := t.Write(tokens)
		if err != nil {
			return err
		}
		view.Words = append(view.Words, wordsView{runWays[string(t.Via())], t.Language(), words.Subject, words.Text})
	}
	return nil
}
