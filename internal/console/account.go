package console

import (
	"errors"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
)

func accountPlaces() []place {
	return []place{
		{pattern: "/me/confirm", get: (*visit).confirmPage, post: (*visit).confirm},
		{pattern: "/me/confirm/passkey", post: (*visit).confirmByPasskey, home: "/me/confirm"},
		{pattern: "/me/second-factor", proved: true, get: (*visit).factorPage, post: (*visit).addApp},
		{pattern: "/me/second-factor/passkey", proved: true, post: (*visit).addPasskey, home: "/me/second-factor"},
		{pattern: "/me/factors", proved: true, post: (*visit).removeFactor, home: "/me"},
		{pattern: "/me/recovery", proved: true, post: (*visit).renewRecovery, home: "/me"},
		{pattern: "/me/sessions", post: (*visit).endSession, home: "/me"},
		{pattern: "/me/password", post: (*visit).changePassword, home: "/me"},
	}
}

// accountView is how the signed-in person signs in, and where they are signed in.
type accountView struct {
	Factors  []factorLine
	Required bool
	Recovery int
	Sessions []sessionLine
	Others   bool // there are sessions beside this one
	Password bool // they have one of their own
	Shortest int
}

type factorLine struct {
	ID, Kind, Name, Made, Used string
}

type sessionLine struct {
	ID, Browser, Network, Began, Active string
	This                                bool
}

// account gathers it.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) account() (accountView, error) {
	ctx := v.r.Context()
	a := accountView{Required: v.office.Staff.SecondFactorRequired(), Password: v.member.Password != "", Shortest: v.shortestPassword()}
	factors, err := v.office.Staff.Factors(ctx, v.member.ID)
	if err != nil {
		return a, err
	}
	for _, f := range factors {
		a.Factors = append(a.Factors, factorLine{string(f.ID), factorWords[f.Kind], f.Name, v.clock(f.Made), v.clock(f.Used)})
	}
	if a.Recovery, err = v.office.Staff.RecoveryLeft(ctx, v.member.ID); err != nil {
		return a, err
	}
	a.Sessions, err = v.sessions(v.member.ID)
	a.Others = len(a.Sessions) > 1
	return a, err
}

func hasPasskey(all []staff.Factor) bool {
	return slices.ContainsFunc(all, func(f staff.Factor) bool { return f.Kind == staff.KindPasskey })
}

var factorWords = map[staff.FactorKind]string{staff.KindTOTP: "App", staff.KindPasskey: "Passkey"}

func (v *visit) sessions(of cpni.ID) ([]sessionLine, error) {
	all, err := v.office.Staff.Sessions(v.r.Context(), of, v.session)
	var lines []sessionLine
	for _, s := range all {
		line := sessionLine{s.ID, s.Browser, s.Network, v.clock(s.Began), v.clock(s.Active), s.This}
		if line.Browser == "" {
			line.Browser = "Not known"
		}
		if line.Network == "" {
			line.Network = "Not known"
		}
		lines = append(lines, line)
	}
	return lines, err
}

// factorPage is where somebody who is signed in sets up one more second factor.
func (v *visit) factorPage() error {
	return v.showEnrol(v.session, v.token(), enrolView{Back: "/me", Action: "/me/second-factor", OtherWay: "/me/second-factor/passkey"})
}

func (v *visit) addApp() error {
	done, err := v.office.Staff.ConfirmTOTP(v.r.Context(), v.session, v.field("called"), v.form.Get("code"), v.from())
	return v.added(done, err)
}

func (v *visit) addPasskey() error {
	site, ok := v.site()
	if !ok {
		return errNoSite
	}
	done, err := v.office.Staff.AddPasskey(v.r.Context(), v.session, site, v.field("called"), []byte(v.form.Get(passkeyField)), v.from())
	return v.added(done, err)
}

func (v *visit) added(done staff.Enrolled, err error) error {
	if err != nil {
		return v.told(err, "/me/second-factor", "")
	}
	if len(done.Codes) > 0 {
		return v.showCodes(done.Codes, "/me")
	}
	return v.told(nil, "/me", "The second factor is set up.")
}

// told shows a page with what came of an act: a note, or the refusal. Where err is one of none there is no such page.
func (v *visit) told(err error, at, note string, none ...error) error {
	if slices.ContainsFunc(none, func(n error) bool { return errors.Is(err, n) }) {
		return errNowhere
	}
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.leave(flash{For: at, Refusal: refusal}, at)
	}
	if err != nil {
		return err
	}
	return v.leave(flash{For: at, Note: note}, at)
}

func (v *visit) removeFactor() error {
	return v.told(v.office.Staff.RemoveFactor(v.r.Context(), v.session, cpni.ID(v.field("factor"))), "/me", "The second factor is removed.")
}

func (v *visit) renewRecovery() error {
	codes, err := v.office.Staff.NewRecoveryCodes(v.r.Context(), v.session)
	if err != nil {
		return v.told(err, "/me", "")
	}
	return v.showCodes(codes, "/me")
}

// endSession ends one session, or all but this one.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) endSession() error {
	if id := v.field("session"); id != "" {
		return v.told(v.office.Staff.EndSession(v.r.Context(), v.member.ID, id, string(v.member.ID)), "/me", "The session is ended.")
	}
	return v.told(v.office.Staff.EndSessions(v.r.Context(), v.member.ID, v.session, string(v.member.ID)), "/me", "All other sessions are ended.")
}

func (v *visit) changePassword() error {
	password, refusal := v.chosen()
	if refusal != nil {
		return v.told(refusal, "/me", "")
	}
	return v.told(v.office.Staff.ChangePassword(v.r.Context(), v.session, v.form.Get("current"), password, v.from()), "/me", "The password is changed, and other sessions are ended.")
}
