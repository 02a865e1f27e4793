package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/disclose"
	"ringfence/internal/matter"
	"ringfence/internal/vault"
)

// underForm makes the form that asks under a matter, with what was sent in it.
func (v *visit) underForm(m *matter.Matter, sent map[string][]string) (underForm, error) {
	get := func(name string) string {
		if len(sent[name]) == 0 {
			return ""
		}
		return sent[name][0]
	}
	f := underForm{Key: cpni.NewID(), Named: get("other")}
	for i, a := range m.Customers {
		p, _, err := v.office.Customers.Get(v.r.Context(), a.Customer)
		if errors.Is(err, vault.ErrForgotten) || errors.Is(err, customer.ErrNoCustomer) {
			continue
		}
		if err != nil {
			return f, err
		}
		n := strconv.Itoa(i)
		f.Customers = append(f.Customers, choice{option{n, p.Name}, n == get("customer")})
		if len(a.Lines) == 0 {
			f.Lines = append(f.Lines, choice{option{n + ".", "All lines of " + p.Name}, get("line") == n+"."})
		}
		for _, l := range p.Lines {
			if value := n + "." + strconv.Itoa(l.No); len(a.Lines) == 0 || slices.Contains(a.Lines, l.Number) {
				f.Lines = append(f.Lines, choice{option{value, customer.Masked(l.Number)}, get("line") == value})
			}
		}
	}
	for _, c := range m.Data {
		f.Data = append(f.Data, choice{option{string(c), classWords[c]}, sent == nil || slices.Contains(sent["data"], string(c))})
	}
	this := vault.Month(v.now, v.office.Zone)
	from, through := cmp.Or(get("from"), strconv.Itoa(this)), get("through")
	f.Through = []choice{{option{"", "that month alone"}, through == ""}}
	for _, x := range v.monthsBack() {
		value := strconv.Itoa(x)
		f.From = append(f.From, choice{option{value, month(x)}, value == from})
		f.Through = append(f.Through, choice{option{value, "to " + month(x)}, value == through && through != from})
	}
	for _, to := range v.receivers(m) {
		f.To = append(f.To, choice{to, to.Value == get("to")})
	}
	f.Other = m.Kind == matter.Protection
	return f, nil
}

// receivers are those to whom information goes under a matter. Nobody else is proposed, and the rules let nobody else have it.
//
// cite: P-31, P-33, P-35, 47 USC 222(b), 47 USC 222(d)
func (v *visit) receivers(m *matter.Matter) []option {
	own := option{string(cpni.ToCarrier), "The carrier itself, for its work"}
	switch m.Kind {
	case matter.PortIn, matter.PortOut:
		return []option{{"port", m.Carrier}, own}
	case matter.Collection:
		return []option{{m.Partner, "The vendor: " + m.Partner}}
	case matter.Protection:
		return []option{own, {string(cpni.ToLawEnforcement), "Law enforcement"}, {"other", "Another carrier, named beside this"}}
	}
	return []option{own}
}

// askUnder puts a request to the door on the ground of a matter, and shows the answer in its place. The form bears a key, so
// that one that is sent twice asks once and is answered alike.
//
// cite: P-30, P-31, P-33, P-34, P-35, P-41, I-11, 47 USC 222(c)(1), 47 USC 222(d)
func (v *visit) askUnder() error {
	m, err := v.matterNamed()
	if err != nil {
		return err
	}
	key := v.form.Get("key")
	if !cpni.ID(key).Valid() {
		return errUnreadable
	}
	r, p, refusal, err := v.under(m)
	if err != nil {
		return err
	}
	var answer *disclose.Answer
	if refusal == nil {
		r.IdempotencyKey = key
		answer, err = v.office.Door.Disclose(v.r.Context(), r)
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	if m, err = v.office.Matters.Get(v.r.Context(), m.ID); err != nil {
		return err
	}
	view, err := v.matterView(m)
	if err != nil {
		return err
	}
	if view.Open {
		if view.Ask, err = v.underForm(m, v.form); err != nil {
			return err
		}
	}
	if refusal != nil {
		view.Problem, view.Ask.Key = problemOf(refusal), cpni.ID(key)
		return v.show(v.faultOf(refusal).status, matterPage(view))
	}
	record, err := v.office.Door.Record(v.r.Context(), r.Customer, answer.Entry)
	if err != nil {
		return err
	}
	view.Answer = v.answerView(record, answer.Decision)
	view.Answer.Asked = slices.DeleteFunc(view.Answer.Asked, func(s string) bool { return strings.Contains(s, string(m.ID)) || s == uncapital(viaWords[cpni.Screen]) })
	view.Title = view.Answer.Title
	if view.Answer.Permit {
		if r.To != string(cpni.ToCarrier) {
			view.Answer.Title = "Permitted: you may give this to " + v.receiver(m, record)
		}
		view.Answer.Released = v.releasedView(answer.Released, p)
	} else {
		view.Unfit = unfitWords[record.Facts.Basis.Unfit]
		view.Answer.Ways = v.ways(record, answer.Decision, contactView{}, nil)
	}
	return v.show(http.StatusOK, matterPage(view))
}

func (v *visit) receiver(m *matter.Matter, r disclose.Record) string {
	switch to := disclose.ParseRecipient(r.To); to.Kind {
	case cpni.ToOtherCarrier, cpni.ToPartner:
		return to.Name
	}
	return recipient(r)
}

// under reads the form that asks under a matter.
func (v *visit) under(m *matter.Matter) (r disclose.Request, p *customer.Profile, refusal *cpni.Refusal, err error) {
	bad := func(says, next string) (disclose.Request, *customer.Profile, *cpni.Refusal, error) {
		return r, nil, cpni.Rejected("BAD_INPUT", says, nil, next), nil
	}
	who, no, _ := strings.Cut(v.field("line"), ".")
	i, err := strconv.Atoi(who)
	if err != nil || i < 0 || i >= len(m.Customers) {
		return bad("no line of the matter is chosen", "choose a line of the list")
	}
	of := m.Customers[i].Customer
	if p, _, err = v.office.Customers.Get(v.r.Context(), of); err != nil {
		return r, nil, nil, err
	}
	r = disclose.Request{Caller: disclose.Caller{Staff: v.member.ID}, Customer: of, Purpose: m.Purpose(), Matter: m.ID, Via: cpni.Screen}
	if no != "" {
		n, _ := strconv.Atoi(no)
		l, ok := lineNo(p, n)
		if !ok {
			return bad("the customer has no such line", "choose a line of the list")
		}
		r.Line = l.Number
	}
	for _, c := range m.Kind.Most() {
		if slices.Contains(v.form["data"], string(c)) {
			r.Data = append(r.Data, c)
		}
	}
	if len(r.Data) == 0 {
		return bad("nothing is chosen of what is needed", "choose at least one kind of information")
	}
	a := asked{}
	if err := v.readMonths(&a); err != nil {
		errors.As(err, &refusal)
		return r, nil, refusal, nil
	}
	for x := a.from; x <= a.through; x = monthAfter(x) {
		r.Months = append(r.Months, x)
	}
	if !slices.ContainsFunc(v.receivers(m), func(o option) bool { return o.Value == v.field("to") }) {
		return bad("that is nobody who receives under this matter", "choose who gets it")
	}
	switch r.To = v.field("to"); r.To {
	case string(cpni.ToCarrier):
	case "port":
		r.To, r.Via = string(cpni.ToCarrier)+":"+m.Carrier, cpni.File
	case "other":
		if v.field("other") == "" {
			return bad("the other carrier is not named", "write its name")
		}
		r.To, r.Via = string(cpni.ToCarrier)+":"+v.field("other"), cpni.File
	default:
		r.Via = cpni.File
	}
	return r, p, nil, nil
}
