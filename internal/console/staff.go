package console

import (
	"net/http"
	"slices"
	"strconv"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/store"
)

func staffPlaces() []place {
	const member = "/staff/{member}"
	return []place{
		{pattern: "/staff", right: staff.KeepStaff, get: (*visit).staffPage},
		{pattern: "/staff/add", right: staff.KeepStaff, proved: true, post: (*visit).addMember, home: "/staff"},
		{pattern: member, right: staff.KeepStaff, get: (*visit).memberPage},
		{pattern: member + "/role", right: staff.KeepStaff, proved: true, post: (*visit).changeRole, home: member},
		{pattern: member + "/state", right: staff.KeepStaff, proved: true, post: (*visit).changeState, home: member},
		{pattern: member + "/invitation", right: staff.KeepStaff, proved: true, post: (*visit).resetMember, home: member},
		{pattern: member + "/sessions", right: staff.KeepStaff, post: (*visit).endMemberSessions, home: member},
		{pattern: member + "/keys", right: staff.KeepStaff, proved: true, post: (*visit).makeKey, home: member},
		{pattern: member + "/keys/end", right: staff.KeepStaff, post: (*visit).revokeKey, home: member},
	}
}

// staffView is the register of the staff.
type staffView struct {
	page
	Members []memberLine
	Roles   []roleLine
	First   *firstSteps // nil: they are done
}

// firstSteps are what is still to be done before a caller can be served.
type firstSteps struct {
	Servers   bool // nobody can serve callers yet
	Customers bool // there are none yet
	OneOnly   bool // the database is a file, which one process writes at a time
}

type memberLine struct {
	Address, Login, Name, Work, Trained string
	Lapsed, Disabled, Person, Factor    bool
	Signs                               bool // they have a password or have set one up
}

// roleLine is a role with what it allows.
type roleLine struct {
	Role   cpni.Role
	Words  string
	Rights []string
}

func memberAddress(id cpni.ID) string { return "/staff/" + string(id) }

// roleLines are the roles that members may have.
func (v *visit) roleLines() []roleLine {
	var all []roleLine
	for _, r := range cpni.Roles {
		all = append(all, roleLine{r, capital(roleWords[r]), v.roleAllows(r)})
	}
	return all
}

func (v *visit) firstSteps(members []staff.Member) (*firstSteps, error) {
	none, err := v.office.Customers.None(v.r.Context())
	if err != nil {
		return nil, err
	}
	first := firstSteps{Servers: true, Customers: none, OneOnly: v.office.DB.Dialect() == store.SQLite}
	for i := range members {
		if m := &members[i]; m.Role != cpni.RoleSystem && m.May(staff.Serve) {
			first.Servers = false
		}
	}
	if !first.Servers && !first.Customers {
		return nil, nil
	}
	return &first, nil
}

// staffPage lists the staff.
//
// cite: P-37, P-38, 47 CFR 64.2009(b)
func (v *visit) staffPage() error {
	view := staffView{page: v.page("Staff", "/staff"), Roles: v.roleLines()}
	members, err := v.office.Staff.Members(v.r.Context())
	if err != nil {
		return err
	}
	have, err := v.office.Staff.HaveFactors(v.r.Context())
	if err != nil {
		return err
	}
	for _, m := range members {
		view.Members = append(view.Members, v.memberLine(m, have[m.ID]))
	}
	if view.First, err = v.firstSteps(members); err != nil {
		return err
	}
	return v.show(http.StatusOK, staffPage(view))
}

func (v *visit) memberLine(m staff.Member, factor bool) memberLine {
	line := memberLine{Address: memberAddress(m.ID), Login: m.Login, Name: m.Name, Work: roleWords[m.Role], Trained: "Never", Lapsed: !v.now.Before(m.Until), Disabled: m.Disabled,
		Person: m.Role != cpni.RoleSystem, Factor: factor}
	if !m.Until.IsZero() {
		line.Trained = v.day(m.Until)
	}
	return line
}

// onceView shows what is shown once: an invitation or an API key.
type onceView struct {
	page
	Says, Secret, Then string
	Back, BackText     string
}

// addMember adds a member, and shows their invitation.
//
// cite: P-37, P-38, 47 CFR 64.2010(a)
func (v *visit) addMember() error {
	ctx, by := v.r.Context(), string(v.member.ID)
	m := staff.Member{Login: v.field("login"), Name: v.field("whole"), Role: cpni.Role(v.field("role"))}
	if m.Login == "" {
		return v.told(staff.ErrLogin, "/staff", "")
	}
	id, err := v.office.Staff.Add(ctx, m, "", by)
	if err != nil {
		return v.told(err, "/staff", "")
	}
	if m.Role == cpni.RoleSystem {
		return v.told(nil, memberAddress(id), "The integration is added. Make an API key for it.")
	}
	secret, err := v.office.Staff.Invite(ctx, id, by)
	if err != nil {
		return v.told(err, memberAddress(id), "")
	}
	return v.showInvitation(id, secret)
}

func (v *visit) showInvitation(id cpni.ID, secret string) error {
	life := v.office.Policy.Numbers(v.now).Duration("security-defaults", "invite_life")
	return v.show(http.StatusOK, oncePage(onceView{page: v.page("Invitation", "/staff"), Says: "Give this address to the person whom it is for, and to nobody else. It is shown this once, works once, and for " + length(life) + ".",
		Secret: v.joinAddress(secret), Then: "There they choose a password and set up a second factor.", Back: memberAddress(id), BackText: "Go to the member"}))
}

// memberView is one member.
type memberView struct {
	page
	memberLine
	ID       cpni.ID
	Version  string // that the forms are about
	RoleNow  cpni.Role
	Roles    []roleLine
	Rights   []rightView
	Factors  []factorLine
	Recovery int
	Sessions []sessionLine
	Keys     []keyLine
	Scopes   []string
	Self     bool
}

type keyLine struct {
	ID, Name, Scopes, State string
	Live                    bool
}

// memberPage shows one member, as somebody who keeps the register changes them.
//
// cite: P-37, P-38, 47 CFR 64.2010(a)
func (v *visit) memberPage() error {
	ctx, id := v.r.Context(), v.id("member")
	m, version, err := v.office.Staff.Get(ctx, id)
	if err != nil {
		return err
	}
	factors, err := v.office.Staff.Factors(ctx, id)
	if err != nil {
		return err
	}
	view := memberView{page: v.page("Member of the staff", "/staff"), memberLine: v.memberLine(*m, len(factors) > 0), ID: id, Version: strconv.FormatInt(version, 10), RoleNow: m.Role,
		Rights: rightsOf(v.office.Staff.RightsOf(m.Role)), Scopes: keyScopes, Self: id == v.member.ID}
	view.Signs = m.Password != ""
	for _, r := range v.roleLines() {
		if (r.Role == cpni.RoleSystem) == (m.Role == cpni.RoleSystem) {
			view.Roles = append(view.Roles, r)
		}
	}
	for _, f := range factors {
		view.Factors = append(view.Factors, factorLine{string(f.ID), factorWords[f.Kind], f.Name, v.clock(f.Made), v.clock(f.Used)})
	}
	if view.Recovery, err = v.office.Staff.RecoveryLeft(ctx, id); err != nil {
		return err
	}
	if view.Sessions, err = v.sessions(id); err != nil {
		return err
	}
	keys, err := v.office.Staff.Keys(ctx, id)
	if err != nil {
		return err
	}
	for _, k := range keys {
		line := keyLine{ID: k.ID, Name: k.Name, Scopes: "everything that the role allows", State: "until " + v.day(k.Expires), Live: k.Revoked.IsZero() && v.now.Before(k.Expires)}
		if len(k.Scopes) > 0 {
			line.Scopes = joined(k.Scopes)
		}
		switch {
		case !k.Revoked.IsZero():
			line.State = "revoked on " + v.day(k.Revoked)
		case !line.Live:
			line.State = "lapsed on " + v.day(k.Expires)
		}
		view.Keys = append(view.Keys, line)
	}
	return v.show(http.StatusOK, memberPage(view))
}

// keyScopes are what an API key can be limited to: operations, and purposes of asking.
var keyScopes = []string{"contacts", "customers", "incidents", "lines", "matters", "notices", "records", "registers", "requests", "policy", string(cpni.CustomerRequest), string(cpni.ProvideService), string(cpni.BillingPurpose), string(cpni.Protect), string(cpni.Emergency)}

func joined(words []string) string {
	text := ""
	for i, w := range words {
		if i > 0 {
			text += ", "
		}
		text += w
	}
	return text
}

// version is that of the member on the page from which a form comes.
func (v *visit) version() int64 {
	n, err := strconv.ParseInt(v.form.Get("version"), 10, 64)
	if err != nil || n < 1 {
		return -1 // no member is at it
	}
	return n
}

func (v *visit) changeRole() error {
	id := v.id("member")
	return v.told(v.office.Staff.SetRole(v.r.Context(), id, v.version(), cpni.Role(v.field("role")), string(v.member.ID)), memberAddress(id), "The role is changed, and the member's sessions are ended.")
}

func (v *visit) changeState() error {
	id, ctx, by := v.id("member"), v.r.Context(), string(v.member.ID)
	if v.field("state") == "enabled" {
		return v.told(v.office.Staff.EnableAt(ctx, id, v.version(), by), memberAddress(id), "The member may sign in again. API keys stay revoked.")
	}
	return v.told(v.office.Staff.DisableAt(ctx, id, v.version(), by), memberAddress(id), "The member is shut out: sessions are ended, API keys and invitations are void.")
}

// resetMember takes away everything with which a member signs in, and invites them anew.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) resetMember() error {
	id := v.id("member")
	secret, err := v.office.Staff.Reset(v.r.Context(), id, v.version(), string(v.member.ID))
	if err != nil {
		return v.told(err, memberAddress(id), "")
	}
	return v.showInvitation(id, secret)
}

func (v *visit) endMemberSessions() error {
	id := v.id("member")
	return v.told(v.office.Staff.EndSessions(v.r.Context(), id, "", string(v.member.ID)), memberAddress(id), "The member's sessions are ended.")
}

// makeKey makes an API key, and shows it.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) makeKey() error {
	id := v.id("member")
	var scopes []string
	for _, s := range keyScopes {
		if slices.Contains(v.form["scope"], s) {
			scopes = append(scopes, s)
		}
	}
	if v.form.Get("all") == "" && len(scopes) == 0 {
		return v.told(cpni.Rejected("CONFIG", "the API key would be good for nothing", nil, "choose what it is good for"), memberAddress(id), "")
	}
	if v.form.Get("all") != "" {
		scopes = nil
	}
	key, err := v.office.Staff.NewKey(v.r.Context(), id, v.field("called"), scopes, string(v.member.ID))
	if err != nil {
		return v.told(err, memberAddress(id), "")
	}
	return v.show(http.StatusOK, oncePage(onceView{page: v.page("API key", "/staff"), Says: "This key is shown this once. Keep it where only the program that it is for can read it.", Secret: key,
		Then: "A program sends it as Authorization: Bearer.", Back: memberAddress(id), BackText: "Go to the member"}))
}

func (v *visit) revokeKey() error {
	id := v.id("member")
	return v.told(v.office.Staff.RevokeKey(v.r.Context(), v.field("key"), string(v.member.ID)), memberAddress(id), "The API key is revoked.")
}

// called is a member's name, or what stands in for one.
func (m memberLine) called() string {
	if m.Name == "" {
		return m.Login
	}
	return m.Name
}
