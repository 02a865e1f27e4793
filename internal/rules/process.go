package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ringfence/internal/cpni"
)

// ProcessKind is what the policy says of one kind of legal process, such as a subpoena.
//
// cite: P-29, 47 USC 222(c)(1)
type ProcessKind struct {
	Name            string           // the word by which it is filed
	Called          string           // what the desk calls it
	Section, Source string           // what it rests on
	Demands         []cpni.DataClass // what a paper of this kind can command
	Notice          string           // NoticeBefore, NoticeAfter or NoticeNone
	NoticeWait      time.Duration    // from the notice before to the first release
	Silence         []string         // SilenceNever; or SilenceDated, SilenceOpen or both
	SilenceLook     time.Duration    // after so long an order of silence without an end is looked at again; 0: it has an end
	Reviewers       []cpni.Role      // of whom one reads it first
	AnswerWithin    time.Duration    // where the paper names no day
	KeepMonths      int              // it is kept for so many months after its last entry
}

// Whether a customer is told of legal process, and whether a paper can forbid it.
const (
	NoticeBefore = "before" // it is released once the customer has had time to go to court
	NoticeAfter  = "after"  // as soon as no order forbids it
	NoticeNone   = "none"

	SilenceNever = "never" // such a paper cannot forbid it
	SilenceDated = "dated" // until a day that it names
	SilenceOpen  = "open"  // until it is lifted
)

// processPrefix begins the names of the profiles that are kinds of legal process.
const processPrefix = "legal-process-"

// checkProcess refuses a kind of legal process that leaves something open, and words where nobody reads them.
func (r *profileRow) checkProcess() error {
	name, is := strings.CutPrefix(r.Profile, processPrefix)
	if !is {
		if len(r.Words) > 0 {
			return fmt.Errorf("only a kind of legal process has words")
		}
		return nil
	}
	if name == "" {
		return fmt.Errorf("the kind of legal process has no name")
	}
	allowed := map[string][]string{"called": nil, "demands": wordsOf(cpni.DataClasses), "notice": {NoticeBefore, NoticeAfter, NoticeNone}, "silence": {SilenceNever, SilenceDated, SilenceOpen},
		"reviewers": wordsOf(cpni.Roles)}
	for word, values := range allowed {
		given := r.Words[word]
		if len(given) == 0 {
			return fmt.Errorf("%s is not said", word)
		}
		for _, v := range given {
			if strings.TrimSpace(v) == "" || values != nil && !slices.Contains(values, v) {
				return fmt.Errorf("%s: %q is none of %s", word, v, strings.Join(values, ", "))
			}
		}
	}
	for word := range r.Words {
		if _, ok := allowed[word]; !ok {
			return fmt.Errorf("nothing is called %s", word)
		}
	}
	switch notice, silence := r.Words["notice"], r.Words["silence"]; {
	case len(notice) != 1 || len(r.Words["called"]) != 1:
		return fmt.Errorf("called and notice are one each")
	case slices.Contains(silence, SilenceNever) && len(silence) > 1:
		return fmt.Errorf("silence is never, or dated or open")
	case r.numbers["answer_within"].kind != duration || r.numbers["keep_months"].kind != whole || r.numbers["keep_floor_months"].kind != whole:
		return fmt.Errorf("answer_within, keep_months and keep_floor_months are needed")
	case r.numbers["answer_within"].long%(24*time.Hour) != 0:
		return fmt.Errorf("answer_within is in whole days")
	case r.numbers["keep_months"].whole < r.numbers["keep_floor_months"].whole:
		return fmt.Errorf("keep_months is less than keep_floor_months")
	case (notice[0] == NoticeBefore) != (r.numbers["notice_wait"].kind == duration):
		return fmt.Errorf("notice_wait goes with notice before, and with nothing else")
	case slices.Contains(silence, SilenceOpen) != (r.numbers["silence_look"].kind == duration):
		return fmt.Errorf("silence_look goes with silence that may be open, and with nothing else")
	}
	return nil
}

func wordsOf[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return out
}

// ProcessKinds lists the kinds of legal process that are in force, by name.
//
// cite: P-29, 47 USC 222(c)(1)
func (n InForce) ProcessKinds() []ProcessKind {
	var all []ProcessKind
	for _, r := range n.profiles.rows {
		name, is := strings.CutPrefix(r.Profile, processPrefix)
		if !is || r.State != "in-force" || n.day.Before(r.from) || !r.until.IsZero() && !n.day.Before(r.until) {
			continue
		}
		k := ProcessKind{Name: name, Called: r.Words["called"][0], Section: r.Section, Source: r.Source, Notice: r.Words["notice"][0], NoticeWait: r.numbers["notice_wait"].long, Silence: r.Words["silence"],
			SilenceLook: r.numbers["silence_look"].long, AnswerWithin: r.numbers["answer_within"].long, KeepMonths: r.numbers["keep_months"].whole}
		for _, d := range r.Words["demands"] {
			k.Demands = append(k.Demands, cpni.DataClass(d))
		}
		for _, role := range r.Words["reviewers"] {
			k.Reviewers = append(k.Reviewers, cpni.Role(role))
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b ProcessKind) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ProcessKind gives a kind of legal process that is in force; ok is false when there is none of that name.
func (n InForce) ProcessKind(name string) (k ProcessKind, ok bool) {
	for _, k := range n.ProcessKinds() {
		if k.Name == name {
			return k, true
		}
	}
	return k, false
}
