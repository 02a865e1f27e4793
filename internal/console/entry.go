package console

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/ledger"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
	"ringfence/internal/vault"
	"ringfence/internal/watch"
)

// entryView is one entry of the ledger: what it says, what it rests on, and the proof that it is there.
type entryView struct {
	page
	Customer cpni.ID
	ID       cpni.ID
	Row      entryRow
	Kind     string
	List     string // address of the list that it stands in
	Decision *decisionView
	Proof    *proofView
	Waits    string // why there is no proof yet
	Finding  string // address at which a finding is recorded from it, for whose work that is
}

// decisionView is a recorded decision with what it rested on, and how it comes out today.
type decisionView struct {
	Answer *answerView
	Facts  []fact
	Rules  []ruleView
	Policy string
	Same   bool // made again, it comes out as recorded
	Again  string
	At     string // when it was made again
}

type fact struct{ Name, Value string }

// proofView proves that an entry is in the signed tree.
type proofView struct {
	Index, Size int64
	Leaf, Root  string
	Path        []string
	Checkpoint  string
}

// cite: P-41, I-04, 47 CFR 64.2009(c)
func (v *visit) entryPage() error {
	ctx := v.r.Context()
	row, err := v.office.Ledger.Record(ctx, v.id("customer"), v.id("entry"))
	if err != nil {
		return err
	}
	if _, ok := kindWords[row.Kind]; !ok || row.Customer == "" {
		return errNowhere
	}
	if hidden, err := v.office.HiddenFrom(ctx, v.member.ID, row); err != nil {
		return err
	} else if hidden {
		return errNowhere
	}
	view := entryView{page: v.page("Record", "/records"), Customer: row.Customer, ID: row.ID, Kind: strings.TrimSuffix(kindWords[row.Kind], "s"),
		List: recordsAddress(row.Customer) + "?kind=" + string(row.Kind)}
	if view.Row, err = v.entryRow(row); err != nil {
		return err
	}
	if err := v.office.Viewed(ctx, v.member.ID, watch.Records, row.Customer); err != nil {
		return err
	}
	if v.member.May(staff.Discipline) {
		view.Finding = "/discipline?entry=" + string(row.ID) + "&customer=" + string(row.Customer)
	}
	if row.Kind == ledger.Decision {
		view.Decision, err = v.decisionView(row)
		if errors.Is(err, vault.ErrForgotten) {
			view.Note, err = "The key of this customer has been destroyed: the facts of this decision can be read by nobody.", nil
		}
		if err != nil {
			return err
		}
	}
	in, err := v.office.Ledger.Prove(ctx, row.Customer, row.ID)
	switch {
	case errors.Is(err, ledger.ErrNotYet):
		view.Waits = sentence(err.Error())
	case err != nil:
		return err
	default:
		view.Proof = proofViewOf(in)
	}
	return v.show(http.StatusOK, entryPage(view))
}

// decisionView reads a decision and makes it again under the policy of its day.
//
// cite: P-41, I-04
func (v *visit) decisionView(row ledger.Row) (*decisionView, error) {
	ctx := v.r.Context()
	r, err := v.office.Door.Record(ctx, row.Customer, row.ID)
	if err != nil {
		return nil, err
	}
	set, err := v.office.Policy.At(ctx, r.Rules)
	if err != nil {
		return nil, err
	}
	d := set.Explain(r.Facts)
	view := &decisionView{Answer: v.answerView(r, d), Policy: r.Rules, Same: same(r, d), Again: outcomeWords[d.Outcome], At: v.moment(v.now)}
	if d.Code != "" {
		view.Again += " " + string(d.Code)
	}
	view.Answer.Record = ""
	view.Answer.Sent = ""
	if d.Permit() {
		view.Answer.Title = "Permitted"
	}
	view.Answer.Asked[3] = "to " + wordOf(recipientWords, r.Facts.Recipient.Kind) // names stay with the customer
	view.Answer.Ways = v.ways(r, d, contactView{}, nil)
	for _, rule := range set.Rules() {
		if slices.Contains(d.Rules, rule.ID) {
			view.Rules = append(view.Rules, ruleViewOf(rule))
		}
	}
	view.Facts, err = factsOf(r.Facts)
	return view, err
}

// same reports whether a decision made again comes out as it was recorded.
func same(r disclose.Record, d rules.Decision) bool {
	return r.Decision.Outcome == d.Outcome && r.Decision.Code == d.Code && slices.Equal(r.Decision.Codes, d.Codes) && slices.Equal(r.Decision.Rules, d.Rules) &&
		slices.Equal(r.Decision.Clauses, d.Clauses) && slices.Equal(r.Decision.Cites, d.Cites)
}

// inSeconds are facts that are lengths of time.
var inSeconds = []string{"numbers.address_of_record_age", "numbers.disturbed_line", "destination.shift"}

// factsOf writes facts one a line, in the order of their record.
func factsOf(f rules.Facts) ([]fact, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all []fact
	var walk func(name string) error
	walk = func(name string) error {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'):
			for d.More() {
				key, err := d.Token()
				if err != nil {
					return err
				}
				if err := walk(strings.TrimPrefix(name+"."+fmt.Sprint(key), ".")); err != nil {
					return err
				}
			}
		case json.Delim('['):
			for i := 1; d.More(); i++ {
				if err := walk(name + " " + strconv.Itoa(i)); err != nil {
					return err
				}
			}
		default:
			value := fmt.Sprint(t)
			if t == nil {
				value = "none"
			}
			if slices.Contains(inSeconds, name) {
				value += " seconds"
			}
			all = append(all, fact{strings.ReplaceAll(name, "_", " "), value})
			return nil
		}
		_, err = d.Token() // the end of the object or list
		return err
	}
	return all, walk("")
}

func proofViewOf(in ledger.Inclusion) *proofView {
	p := &proofView{Index: in.Index, Size: in.Size, Leaf: string(in.Leaf), Root: in.Root.String(), Checkpoint: string(in.Checkpoint)}
	for _, h := range in.Proof {
		p.Path = append(p.Path, hex.EncodeToString(h[:]))
	}
	return p
}
