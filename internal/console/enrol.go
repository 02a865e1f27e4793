package console

import (
	"errors"
	"image"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pquerna/otp"

	"ringfence/internal/cpni"
	"ringfence/internal/staff"
	"ringfence/internal/visitor"
)

// enrolView is the page on which a second factor is set up: at the end of a first sign-in, or by who is signed in.
type enrolView struct {
	page
	Back             string
	Action, OtherWay string // where the forms lead: that of the app, and that of the passkey
	First            bool   // nothing else is open until it is done
	Key              string // that is typed into the app, in groups of four
	Link             string // that an app on this device opens
	Picture          qrCode
	Make             string // what the browser is asked for to make a passkey; "": not here
}

// enrolPage leads who has no second factor to set one up.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) enrolPage() error {
	back := wanted(v.r.URL.Query().Get("back"))
	secret := v.cookie(stepCookie)
	v.door()
	err := v.showEnrol(secret, v.seal.mark("step", secret), enrolView{Back: back, Action: "/sign-in/enrol", OtherWay: "/sign-in/enrol/passkey", First: true})
	if refusal := (*cpni.Refusal)(nil); errors.As(err, &refusal) {
		return v.further(staff.Step{}, err, "/sign-in", back)
	}
	return err
}

// showEnrol shows the page for the holder of a session or of a sign-in.
func (v *visit) showEnrol(holder, token string, view enrolView) error {
	key, err := v.office.Staff.NewTOTP(v.r.Context(), holder, v.options.Carrier)
	if err != nil {
		return err
	}
	view.page = v.page("Second factor", "/me")
	view.Token, view.Key, view.Link = token, groups(key.Secret()), key.URL()
	if view.Picture, err = pictureOf(key); err != nil {
		return err
	}
	if site, ok := v.site(); ok {
		ask, err := v.office.Staff.NewPasskey(v.r.Context(), holder, site)
		if err != nil {
			return err
		}
		view.Make, view.Passkeys = string(ask), v.assets[visitor.PasskeyScript].address
	}
	return v.show(http.StatusOK, enrolPage(view))
}

func (v *visit) enrol() error {
	secret, err := v.step()
	if err != nil {
		return err
	}
	done, err := v.office.Staff.ConfirmTOTP(v.r.Context(), secret, v.field("called"), v.form.Get("code"), v.from())
	return v.enrolled(done, err, "/sign-in/enrol")
}

func (v *visit) enrolPasskey() error {
	secret, err := v.step()
	if err != nil {
		return err
	}
	site, ok := v.site()
	if !ok {
		return errNoSite
	}
	done, err := v.office.Staff.AddPasskey(v.r.Context(), secret, site, v.field("called"), []byte(v.form.Get(passkeyField)), v.from())
	return v.enrolled(done, err, "/sign-in/enrol")
}

// enrolled goes on after a second factor was set up: the recovery codes are shown this once, in the answer itself.
func (v *visit) enrolled(done staff.Enrolled, err error, from string) error {
	back := wanted(v.form.Get("back"))
	if err != nil {
		return v.further(staff.Step{}, err, from, back)
	}
	if done.Session == "" {
		return v.further(done.Step, nil, from, back)
	}
	if err := v.begin(done.Session); err != nil {
		return err
	}
	if len(done.Codes) == 0 {
		return v.goTo(back)
	}
	return v.showCodes(done.Codes, back)
}

// codesView shows recovery codes.
type codesView struct {
	page
	Codes []string
	Back  string
}

func (v *visit) showCodes(codes []string, back string) error {
	return v.show(http.StatusOK, codesPage(codesView{v.page("Recovery codes", "/me"), codes, back}))
}

// groups writes a key in groups of four, as it is read out.
func groups(key string) string {
	var b strings.Builder
	for i, c := range key {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// qrCode is a picture that a camera reads, as a path of squares in a field of so many squares.
type qrCode struct {
	Path string
	Box  string // the view box, with the quiet edge that readers need
}

// quietEdge is how many squares stay empty around a code.
const quietEdge = 4

// pictureOf draws a key. The picture is a part of the page, for a page of ours loads nothing but files.
func pictureOf(key *otp.Key) (qrCode, error) {
	const drawn = 512
	picture, err := key.Image(drawn, drawn)
	if err != nil {
		return qrCode{}, err
	}
	box := inked(picture)
	side := 0 // of one square in pixels: the corner of a code begins with seven dark ones
	for x := box.Min.X; dark(picture, x, box.Min.Y); x++ {
		side++
	}
	if side /= 7; side == 0 {
		return qrCode{}, errors.New("a code for a camera came out empty")
	}
	n := box.Dx() / side
	var path strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			run := 0
			for x+run < n && dark(picture, box.Min.X+(x+run)*side, box.Min.Y+y*side) {
				run++
			}
			if run > 0 {
				w := strconv.Itoa(run)
				path.WriteString("M" + strconv.Itoa(x+quietEdge) + " " + strconv.Itoa(y+quietEdge) + "h" + w + "v1h-" + w + "z")
				x += run
			}
		}
	}
	whole := strconv.Itoa(n + 2*quietEdge)
	return qrCode{path.String(), "0 0 " + whole + " " + whole}, nil
}

func dark(p image.Image, x, y int) bool {
	r, _, _, _ := p.At(x, y).RGBA()
	return r < 0x8000
}

// inked is the smallest box around what is dark.
func inked(p image.Image) image.Rectangle {
	var box image.Rectangle
	b := p.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if dark(p, x, y) {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}

// joinView is the page on which somebody who was invited sets their password.
type joinView struct {
	page
	Login, Name, Role string
	Rights            []string
	Shortest          int
	SetUp             bool // it is the first administrator who is made
}

// invited takes the secret of an invitation out of the address, where it would be seen, into a cookie. It is used up only by
// the form, for a mail reader may open the address before its reader does.
//
// cite: P-37, I-23
func (v *visit) invited() error {
	clean := strings.TrimSuffix(v.r.URL.Path, "/"+v.r.PathValue("secret"))
	if clean == "/set-up" {
		if err := v.settingUp(v.r.PathValue("secret")); err != nil {
			return err
		}
	}
	v.setCookie(inviteCookie, v.r.PathValue("secret"), 0)
	v.door()
	return v.goTo(clean)
}

func (v *visit) joinPage() error {
	secret := v.cookie(inviteCookie)
	m, err := v.office.Staff.Invited(v.r.Context(), secret)
	if err != nil {
		return err
	}
	v.door()
	p := v.page("Welcome", "")
	p.Token = v.seal.mark("join", secret)
	return v.show(http.StatusOK, joinPage(joinView{page: p, Login: m.Login, Name: m.Name, Role: roleWords[m.Role], Rights: v.roleAllows(m.Role), Shortest: v.shortestPassword()}))
}

func (v *visit) shortestPassword() int {
	return v.office.Policy.Numbers(v.now).Int("security-defaults", "shortest_password")
}

// roleAllows says what a role allows.
func (v *visit) roleAllows(role cpni.Role) []string {
	var all []string
	for _, r := range v.office.Staff.RightsOf(role) {
		if r.Allowed {
			all = append(all, capital(wordOf(rightWords, r.Right)))
		}
	}
	return all
}

// chosen gives the password that a form brings twice.
func (v *visit) chosen() (string, *cpni.Refusal) {
	if v.form.Get("password") != v.form.Get("again") {
		return "", cpni.Rejected("BAD_INPUT", "the two passwords are not the same", nil, "type the new password twice")
	}
	return v.form.Get("password"), nil
}

// join sets the password of who was invited.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) join() error {
	secret := v.cookie(inviteCookie)
	if secret == "" || !v.seal.holds(v.form.Get("token"), "join", secret) {
		return errForged
	}
	password, refusal := v.chosen()
	if refusal != nil {
		return v.leave(flash{For: "/join", Refusal: refusal}, "/join")
	}
	step, err := v.office.Staff.Join(v.r.Context(), secret, password, v.from())
	if errors.Is(err, staff.ErrInvitation) {
		return err
	}
	return v.further(step, err, "/join", "/")
}

// settingUp is an error unless this is the secret that the server printed, and nobody works here yet.
func (v *visit) settingUp(secret string) error {
	good, err := v.office.Staff.SettingUp(v.r.Context(), secret)
	if err == nil && !good {
		err = errNowhere
	}
	return err
}

// setUpPage is there while nobody works here, for who has what the server printed.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) setUpPage() error {
	secret := v.cookie(inviteCookie)
	if err := v.settingUp(secret); err != nil {
		return err
	}
	v.door()
	p := v.page("First administrator", "")
	p.Token = v.seal.mark("set-up", secret)
	return v.show(http.StatusOK, joinPage(joinView{page: p, Role: roleWords[cpni.RoleAdmin], Rights: v.roleAllows(cpni.RoleAdmin), Shortest: v.shortestPassword(), SetUp: true}))
}

func (v *visit) setUp() error {
	secret := v.cookie(inviteCookie)
	if secret == "" || !v.seal.holds(v.form.Get("token"), "set-up", secret) {
		return errForged
	}
	password, refusal := v.chosen()
	if refusal != nil {
		return v.leave(flash{For: "/set-up", Refusal: refusal}, "/set-up")
	}
	step, err := v.office.Staff.FirstAdministrator(v.r.Context(), secret, v.field("login"), v.field("whole"), password, v.from())
	if errors.Is(err, staff.ErrInvitation) {
		return errNowhere
	}
	return v.further(step, err, "/set-up", "/")
}

// joinAddress is where an invitation leads, as it is given to people.
func (v *visit) joinAddress(secret string) string {
	return v.base() + "/join/" + url.PathEscape(secret)
}

// base is where people and programs reach this server.
func (v *visit) base() string {
	base := v.options.Address
	if base == "" {
		base = "http://" + v.r.Host
		if v.options.Secure {
			base = "https://" + v.r.Host
		}
	}
	return base
}

func (v joinView) action() string {
	if v.SetUp {
		return "/set-up"
	}
	return "/join"
}
