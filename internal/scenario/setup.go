package scenario

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/partner"
	"ringfence/internal/staff"
	"ringfence/internal/store"
	"ringfence/internal/vault"
)

// teller is who is named as the actor of what the story itself does: the setup, the passing of the world.
const teller = "story"

// defaultSince is when service began for a customer whose setup does not say.
const defaultSince = "2020-01-01"

// build makes the world of the story's setup: staff, customers with what they are to the carrier, partners.
func (w *world) build(ctx context.Context) error {
	s := args{w, w.story.setup}
	if members := s.n.get("staff"); members != nil {
		for _, e := range members.entries {
			if err := w.addStaff(ctx, e.key, args{w, e.value}); err != nil {
				return fmt.Errorf("line %d: the member of the staff %s: %w", e.at.line, e.key, err)
			}
		}
	}
	if customers := s.n.get("customers"); customers != nil {
		for _, e := range customers.entries {
			if err := w.addCustomer(ctx, e.key, args{w, e.value}); err != nil {
				return fmt.Errorf("line %d: the customer %s: %w", e.at.line, e.key, err)
			}
		}
	}
	if err := w.tellWatch(ctx, s); err != nil {
		return err
	}
	if partners := s.n.get("partners"); partners != nil {
		for _, e := range partners.entries {
			if err := w.partners.Put(ctx, teller, w.partner(e.key, args{w, e.value})); err != nil {
				return fmt.Errorf("line %d: the partner %s: %w", e.at.line, e.key, err)
			}
		}
	}
	return w.rememberSetup(ctx)
}

// marketerOf is a trained member of the staff who markets.
func marketerOf(trained time.Time) staff.Member {
	return staff.Member{Login: "who-asks-about-approval", Name: "who asks about approval", Role: cpni.RoleMarketing, Trained: trained}
}

func (w *world) addStaff(ctx context.Context, name string, a args) error {
	m := staff.Member{Login: name, Name: a.text("name"), Role: cpni.Role(a.text("role")), Trained: a.moment("trained")}
	if m.Name == "" {
		m.Name = name
	}
	id, err := w.staff.Add(ctx, m, "", teller)
	if err != nil {
		return err
	}
	w.staffIDs[name] = id
	return nil
}

// partner reads a partner of the setup or of the verb.
func (w *world) partner(id string, a args) partner.Partner {
	p := partner.Partner{ID: id, Class: cpni.PartnerClass(a.text("class"))}
	if a.has("agreement") {
		g := a.sub("agreement")
		p.Agreement = &partner.Agreement{Until: g.moment("until"), DestroyBy: g.moment("destroy-by"), DestroyProof: g.flag("certificate"),
			Reference: g.text("reference"), From: g.moment("from"), DestroyDays: g.count("destroy-days")}
		for _, word := range g.words("purposes") {
			p.Agreement.Purposes = append(p.Agreement.Purposes, cpni.Purpose(word))
		}
	}
	if a.flag("key") {
		p.Key = w.keyOf(id)
	}
	for _, name := range a.words("serves") {
		p.Serves = append(p.Serves, w.customers[name])
	}
	p.ServesAll = a.text("serves") == "all"
	p.Placed = a.flag("placed")
	return p
}

func (w *world) addCustomer(ctx context.Context, name string, a args) error {
	p, err := w.profile(name, a)
	if err != nil {
		return err
	}
	id, err := w.book.Create(ctx, p, teller)
	if err != nil {
		return err
	}
	w.customers[name], w.names[id] = id, name
	made, _, err := w.book.Get(ctx, id)
	if err != nil {
		return err
	}
	return w.addInformation(ctx, made, a)
}

// profile makes the profile that a setup describes. What it states is taken as properly evidenced.
func (w *world) profile(name string, a args) (customer.Profile, error) {
	p := customer.Profile{Name: a.text("name"), Account: a.text("account"), Since: a.moment("since"), Born: a.text("born"), SSN4: a.text("ssn4"), Online: a.flag("online"),
		NoticeBy: cpni.Via(a.text("notice-by")), Language: a.text("language")}
	if p.Name == "" {
		p.Name = "(no name is known) " + name // nobody's document bears it
	}
	if p.Since.IsZero() {
		since, err := readMoment(defaultSince, w.story.zone, time.Time{})
		if err != nil {
			return p, err
		}
		p.Since = since.UTC()
	}
	for _, l := range a.list("lines") {
		p.Lines = append(p.Lines, w.line(l, p.Since))
	}
	address := func(field string) []customer.Address {
		if !a.has(field) {
			return nil
		}
		x := a.sub(field)
		since := x.moment("since")
		if since.IsZero() {
			since = p.Since
		}
		return []customer.Address{{Value: x.text("address"), Since: since, Notices: x.flag("notices")}}
	}
	p.Postal, p.Email = address("postal"), address("email")
	if n := a.text("contact-number"); n != "" {
		p.ContactNumbers = []string{n}
	}
	p.Credentials = w.credentials(a)
	if b := a.pairs("backup"); len(b) > 0 {
		for q, answer := range b {
			p.Credentials.Backup = append(p.Credentials.Backup, customer.Backup{Question: q, Answer: w.hash.Secret(answer)})
		}
	}
	for _, x := range a.list("authorised") {
		p.Authorised = append(p.Authorised, customer.Authorised{Name: x.text("name"), Data: classes(x.words("data")), Credentials: w.credentials(x)})
	}
	if a.has("business") {
		b := a.sub("business")
		rep := b.text("dedicated-representative")
		if id, known := w.staffIDs[rep]; known {
			rep = string(id)
		}
		p.Business = &customer.Business{DedicatedRepresentative: rep, ContractCoversCPNI: b.flag("contract-covers-cpni")}
	}
	for _, x := range a.list("approvals") {
		p.Approvals = append(p.Approvals, w.approval(x, p.Since))
	}
	return p, nil
}

func (w *world) line(l args, since time.Time) customer.Line {
	made := customer.Line{Number: l.text("number"), Categories: categories(l.words("categories")), Listed: l.flag("listed"), Since: since, Disturbed: l.moment("disturbed")}
	if l.n.form == formText {
		made.Number = l.n.text
	}
	return made
}

// shortPIN is the length of PINs taken over from old systems, which are marked as weak.
const shortPIN = 4

func (w *world) credentials(a args) customer.Credentials {
	var c customer.Credentials
	if s := a.text("password"); s != "" {
		secret := w.hash.Secret(s)
		c.Password = &secret
	}
	if s := a.text("pin"); s != "" {
		secret := w.hash.Secret(s)
		secret.Weak = len(s) <= shortPIN
		c.PIN = &secret
	}
	return c
}

// approval reads an approval of the setup: in force since a day, by a notice of that day or of the day that is given.
func (w *world) approval(a args, since time.Time) customer.Approval {
	x := customer.Approval{Scope: a.text("scope"), State: cpni.ApprovalState(a.text("state")), Since: a.moment("since"), Matures: a.moment("matures"), NoticeAt: a.moment("noticed"), Names: a.words("names")}
	if x.Since.IsZero() {
		x.Since = since
	}
	if x.NoticeAt.IsZero() && x.State != cpni.Denied && x.State != cpni.Unnotified {
		x.NoticeAt = x.Since
	}
	return x
}

// addInformation seals what the carrier holds because of the service: calls, bills, use, service, locations.
func (w *world) addInformation(ctx context.Context, p *customer.Profile, a args) error {
	lineNo := func(number string) (int, error) {
		if number == "" {
			return 0, nil
		}
		n, ok := customer.Number(number)
		for _, l := range p.Lines {
			if ok && l.Number == n {
				return l.No, nil
			}
		}
		return 0, fmt.Errorf("there is no line %q", number)
	}
	var portions []vault.Portion
	for i, c := range a.list("calls") {
		line, err := lineNo(c.text("line"))
		if err != nil {
			return err
		}
		portions = append(portions, w.call(p.ID, line, i, c))
	}
	var items []vault.Item
	add := func(list string, class cpni.DataClass, values func(args) map[string]string) error {
		for _, x := range a.list(list) {
			line, err := lineNo(x.text("line"))
			if err != nil {
				return err
			}
			items = append(items, vault.Item{Class: class, Line: line, Period: x.month("month"), Values: values(x)})
		}
		return nil
	}
	for _, err := range []error{
		add("bills", cpni.Billing, func(x args) map[string]string {
			v := map[string]string{}
			for _, f := range []string{"total", "directory-assistance"} {
				if x.has(f) {
					v[f] = x.text(f)
				}
			}
			return v
		}),
		add("usage", cpni.Usage, func(x args) map[string]string { return map[string]string{"minutes": strconv.Itoa(x.count("minutes"))} }),
		add("service", cpni.Service, func(x args) map[string]string { return map[string]string{"plan": x.text("plan")} }),
		add("location", cpni.Location, func(x args) map[string]string { return map[string]string{"place": x.text("place")} }),
	} {
		if err != nil {
			return err
		}
	}
	if len(portions)+len(items) == 0 {
		return nil
	}
	return w.db.Tx(ctx, func(tx *store.Tx) error {
		if _, err := w.vault.MergeCalls(ctx, tx, portions); err != nil {
			return err
		}
		for _, item := range items {
			if err := w.vault.PutItem(ctx, tx, p.ID, item); err != nil {
				return err
			}
		}
		return nil
	})
}

// call reads a call; number i among the customer's calls gives it its id.
func (w *world) call(of cpni.ID, line, i int, c args) vault.Portion {
	at := c.moment("at")
	local := at.In(w.story.zone)
	answered := c.count("seconds") > 0
	if c.has("answered") {
		answered = c.flag("answered")
	}
	number := c.text("number")
	if n, ok := customer.Number(number); ok {
		number = n
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", of, i)
	return vault.Portion{Customer: of, Line: line, Month: local.Year()*100 + int(local.Month()),
		Calls: []vault.Call{{At: at, Seconds: c.count("seconds"), Answered: answered, Out: c.text("direction") == "out", Number: number, ID: h.Sum64()}}}
}
