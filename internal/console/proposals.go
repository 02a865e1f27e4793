package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"ringfence/internal/countersign"
	"ringfence/internal/cpni"
	"ringfence/internal/office"
	"ringfence/internal/rulebook"
	"ringfence/internal/rules"
	"ringfence/internal/staff"
)

// proposalRow is a proposal in a list.
type proposalRow struct {
	Address, Title, By, At string
	State                  chip
	Until                  string // by when it can be agreed to, while it waits
	Second                 string // who agreed or refused, and when it ended
	Mine                   bool
}

// story tells who proposed it, and by when or by whom it ends.
func (r proposalRow) story() string {
	s := "proposed by " + r.By + ", " + r.At
	if r.Until != "" {
		s += "; can be agreed to until " + r.Until
	}
	if r.Second != "" {
		s += "; ended: " + r.Second
	}
	return s
}

// proposalsView lists proposals: those that wait for this person, their own, and what became of the others.
type proposalsView struct {
	page
	Yours, Own, Past []proposalRow
	MayChange        bool
	MayOperate       bool
	MayGive          bool
}

// proposalView is what exactly will be done, and who may have it done.
type proposalView struct {
	page
	Row        proposalRow
	Address    string
	Hash       string
	Agrees     bool // this person may agree or refuse
	Withdraws  bool // it is their own
	Waits      bool
	Tried      bool // it is being tried at this moment
	Forget     *card
	ForgetID   cpni.ID
	Keys       string
	Change     *rules.Difference
	Switch     *rules.Switch
	Turn       *turnView // what the switch changes
	From, To   string    // policies
	Rehearsal  *office.Rehearsal
	Publish    *consequenceView
	Notice     *noticeActView
	Partner    *partnerActView
	Destroy    string    // what would be destroyed
	Erase      []planRow // what would be erased by a plan
	Evidence   []fact    // what would be handed over
	Unreadable string
}

var (
	proposalTitles = map[countersign.Kind]string{countersign.Policy: "Change the rules", countersign.Switch: "Switch a profile", countersign.Rotate: "Renew keys", countersign.Notice: "A notice to many customers", countersign.Forget: "Forget a customer",
		countersign.Publish: "Publish a version of the public policy", countersign.Partner: "Let a partner have more",
		countersign.Destroy: "Destroy records whose time is over", countersign.Erase: "Erase what a plan names", countersign.Evidence: "Make a bundle of evidence"}
	stateChips = map[countersign.State]chip{countersign.Trying: {"being tried", ""}, countersign.Waiting: {"waits for a second person", "warn"}, countersign.Working: {"agreed, being done", "warn"},
		countersign.Done: {"done", "good"}, countersign.Failed: {"failed when it was tried", "bad"}, countersign.Refused: {"refused", "bad"}, countersign.Withdrawn: {"withdrawn", ""},
		countersign.Moved: {"overtaken", "bad"}, countersign.Expired: {"expired", ""}}
	keysWords = map[string]string{office.KeysWrapping: "The wrapping key is renewed and every customer's key is wrapped anew. Nothing has to be sealed again, and requests go on meanwhile. The master key stays.",
		office.KeysCustomers: "Every customer gets a fresh key for what is sealed from now on; what was sealed before stays readable. Requests go on meanwhile."}
)

func proposalAddress(id cpni.ID) string { return "/proposals/" + string(id) }

// colleague gives the name of a member of the staff.
func (v *visit) colleague(id cpni.ID) (string, error) {
	if id == v.member.ID {
		return "you", nil
	}
	m, _, err := v.office.Staff.Recent(v.r.Context(), id)
	if errors.Is(err, staff.ErrNone) {
		return "somebody who is not on the register", nil
	}
	if err != nil {
		return "", err
	}
	return m.Name + ", " + wordOf(roleWords, m.Role), nil
}

func (v *visit) proposalRow(p *countersign.Proposal) (proposalRow, error) {
	r := proposalRow{Address: proposalAddress(p.ID), Title: proposalTitles[p.Kind], At: v.clock(p.At), State: stateChips[p.State], Mine: p.By == v.member.ID}
	var err error
	if r.By, err = v.colleague(p.By); err != nil {
		return r, err
	}
	switch {
	case p.State == countersign.Waiting, p.State == countersign.Trying:
		r.Until = v.clock(p.Expires)
	case p.Second != "":
		if r.Second, err = v.colleague(p.Second); err != nil {
			return r, err
		}
	}
	if !p.Ended.IsZero() {
		if r.Second != "" {
			r.Second += ", "
		}
		r.Second += v.clock(p.Ended)
	}
	return r, nil
}

// proposalsPage shows what waits for a second person.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) proposalsPage() error {
	open, past, err := v.office.Proposals.List(v.r.Context(), v.member)
	if err != nil {
		return err
	}
	view := proposalsView{page: v.page("Proposals", "/proposals"), MayChange: v.member.May(staff.KeepPolicy), MayOperate: v.member.May(staff.Operate), MayGive: v.member.May(staff.GiveNotices)}
	for _, p := range slices.Concat(open, past) {
		r, err := v.proposalRow(p)
		if err != nil {
			return err
		}
		switch {
		case !p.State.Open():
			view.Past = append(view.Past, r)
		case r.Mine:
			view.Own = append(view.Own, r)
		default:
			view.Yours = append(view.Yours, r)
		}
	}
	return v.show(http.StatusOK, proposalsPage(view))
}

// proposalPage shows exactly what will be done.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) proposalPage() error {
	ctx := v.r.Context()
	p, err := v.office.Proposals.For(ctx, v.id("proposal"), v.member)
	if err != nil {
		return err
	}
	right, _ := v.office.Proposals.Right(p.Kind)
	view := proposalView{page: v.page(proposalTitles[p.Kind], "/proposals"), Address: proposalAddress(p.ID), Hash: p.Hash, Waits: p.State == countersign.Waiting, Tried: p.State == countersign.Trying,
		Agrees: p.State == countersign.Waiting && p.By != v.member.ID && v.member.May(right), Withdraws: p.By == v.member.ID && (p.State == countersign.Waiting || p.State == countersign.Trying)}
	if view.Row, err = v.proposalRow(p); err != nil {
		return err
	}
	switch p.Kind {
	case countersign.Forget:
		err = v.showForget(&view, p)
	case countersign.Rotate:
		var a office.RotateAct
		err = json.Unmarshal(p.Act, &a)
		view.Keys = keysWords[a.Keys]
	case countersign.Notice:
		view.Notice, err = v.showNotice(p)
	case countersign.Partner:
		view.Partner, err = v.showPartnerAct(p.Act)
	case countersign.Policy:
		err = v.showDraft(&view, p.Act)
	case countersign.Destroy:
		view.Destroy, err = v.showDestroy(p)
	case countersign.Erase:
		view.Erase, err = v.showErase(p)
	case countersign.Evidence:
		view.Evidence, err = v.showEvidence(p)
	case countersign.Publish:
		err = v.showPublished(&view, p)
	case countersign.Switch:
		var a office.SwitchAct
		if err = json.Unmarshal(p.Act, &a); err == nil {
			view.Switch = &a.Switch
			err = v.showDraft(&view, p.Act)
		}
	}
	if err != nil {
		return err
	}
	if p.Report != nil && p.Kind != countersign.Notice {
		if err := json.Unmarshal(p.Report, &view.Rehearsal); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, proposalPage(view))
}

// showForget shows who would be forgotten, to whom may see customers.
func (v *visit) showForget(view *proposalView, p *countersign.Proposal) error {
	var a office.ForgetAct
	if err := json.Unmarshal(p.Act, &a); err != nil {
		return err
	}
	view.ForgetID = a.Customer
	if !v.member.May(staff.See) || !p.State.Open() {
		return nil
	}
	c, _, err := v.office.Customers.Get(v.r.Context(), a.Customer)
	if err != nil {
		view.Unreadable = "The card of this customer cannot be read any more."
		return nil
	}
	card := v.cardOf(c)
	view.Forget = &card
	return nil
}

// showDraft shows what another policy has otherwise, rule by rule and number by number.
func (v *visit) showDraft(view *proposalView, act []byte) error {
	var d rulebook.Draft
	if err := json.Unmarshal(act, &d); err != nil {
		return err
	}
	view.From, view.To = d.Base, d.Version
	base, set, err := v.office.Policy.Drafted(v.r.Context(), d)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		view.Unreadable = sentence(refusal.Says)
		return nil
	}
	if err != nil {
		return err
	}
	change := rules.Compare(base, set)
	view.Change = &change
	if view.Switch != nil {
		view.Turn, err = v.turnOf(base, *view.Switch)
	}
	return err
}

// decide does something with a proposal, and shows what came of it.
func (v *visit) decide(note string, do func(cpni.ID) (*countersign.Proposal, error)) error {
	id := v.id("proposal")
	if _, err := v.office.Proposals.For(v.r.Context(), id, v.member); err != nil {
		return err
	}
	_, err := do(id)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: proposalAddress(id), Refusal: refusal}, proposalAddress(id))
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: proposalAddress(id), Note: note}, proposalAddress(id))
}

// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) agree() error {
	return v.decide("You have agreed, and it is on record.", func(id cpni.ID) (*countersign.Proposal, error) {
		return v.office.Proposals.Agree(v.r.Context(), id, v.form.Get("hash"), v.member.ID)
	})
}

// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) refuse() error {
	return v.decide("You have refused. Nothing was done, and it is on record.", func(id cpni.ID) (*countersign.Proposal, error) {
		return v.office.Proposals.Refuse(v.r.Context(), id, v.member.ID)
	})
}

func (v *visit) withdraw() error {
	return v.decide("Your proposal is withdrawn. Nothing was done.", func(id cpni.ID) (*countersign.Proposal, error) {
		return v.office.Proposals.Withdraw(v.r.Context(), id, v.member.ID)
	})
}

// proposed shows a proposal that was just made, or says on the page back why it was not.
func (v *visit) proposed(p *countersign.Proposal, err error, back string) error {
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: back, Refusal: refusal}, back)
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: proposalAddress(p.ID), Note: "Proposed, and on record. Nothing happens before a second person agrees."}, proposalAddress(p.ID))
}

// key is the id of what a form makes, so that a form that is sent twice makes one.
func (v *visit) key(kind string) (cpni.ID, error) {
	key := v.form.Get("key")
	if !cpni.ID(key).Valid() {
		return "", errUnreadable
	}
	return v.office.RepeatableID(kind, string(v.member.ID), key), nil
}

// cite: P-37
func (v *visit) proposeKeys() error {
	id, err := v.key("proposal of keys")
	if err != nil {
		return err
	}
	p, err := v.office.ProposeRotate(v.r.Context(), id, v.form.Get("keys"), v.member.ID)
	return v.proposed(p, err, "/settings")
}

// forgetView asks whether somebody is really to be forgotten.
type forgetView struct {
	page
	Card card
	Key  cpni.ID
}

// cite: P-37, I-21
func (v *visit) forgetPage() error {
	p, _, err := v.office.Customers.Get(v.r.Context(), v.id("customer"))
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, forgetPage(forgetView{v.page("Forget a customer", "/proposals"), v.cardOf(p), cpni.NewID()}))
}

// cite: P-37, I-21
func (v *visit) proposeForget() error {
	id, err := v.key("proposal to forget")
	if err != nil {
		return err
	}
	p, err := v.office.ProposeForget(v.r.Context(), id, v.id("customer"), v.member.ID)
	return v.proposed(p, err, v.r.URL.Path)
}
