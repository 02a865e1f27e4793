package console

import (
	"errors"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"ringfence/internal/cpni"
)

// policyChangeView is the form with which a changed policy is loaded.
type policyChangeView struct {
	page
	Policy  string
	Files   []string // that can be changed
	File    string   // that the text is of
	Text    string
	Key     cpni.ID
	Refused bool
}

// mostFiles bounds the files of one change.
const mostFiles = 20

// changePage shows the form for a changed policy, with the file that the address names.
//
// cite: P-01, P-28
func (v *visit) changePage() error {
	return v.showChange(http.StatusOK, v.r.URL.Query().Get("file"), "", nil)
}

func (v *visit) showChange(status int, file, text string, refusal *cpni.Refusal) error {
	set, _ := v.office.Policy.Current()
	files := set.Files()
	view := policyChangeView{page: v.page("Load changed rules", "/rules"), Policy: set.Version(), File: file, Text: text, Key: cpni.NewID(), Refused: refusal != nil}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if changeable(name) {
			view.Files = append(view.Files, name)
		}
	}
	if text == "" && changeable(file) {
		view.Text = string(files[file])
	}
	if refusal != nil {
		view.Problem = problemOf(refusal)
		if refusal.Code == "RULES" || refusal.Code == "RETALIATION" { // it begins with the name of a file
			view.Problem.Says = "This cannot take effect. " + strings.TrimSuffix(refusal.Says, ".") + "."
		}
		view.Problem.Retry = "text"
	}
	return v.show(status, changePage(view))
}

// changeable reports whether a file of the policy is changed here: rules, rights and dated numbers.
func changeable(name string) bool {
	switch folder, file := path.Split(name); folder {
	case "rules/", "rights/":
		return path.Ext(file) == ".cedar"
	case "profiles/":
		return path.Ext(file) == ".yaml"
	}
	return false
}

// changePolicy reads a changed policy. What is wrong with it is told with file and line, and what was written stays in the
// form. What is right is proposed, and its scenarios are told.
//
// cite: P-01, P-13, 47 CFR 64.2008(c)(3)
func (v *visit) changePolicy() error {
	id, err := v.key("proposal of a policy")
	if err != nil {
		return err
	}
	set, _ := v.office.Policy.Current()
	there := set.Files()
	files := map[string][]byte{}
	file, text := v.field("file"), v.form.Get("text")
	if strings.TrimSpace(text) != "" {
		if file == "" {
			return v.showChange(http.StatusUnprocessableEntity, file, text, cpni.Rejected("BAD_INPUT", "the text has no name: which file of the policy is it?", nil, "name a file such as rules/90-ours.cedar"))
		}
		files[file] = []byte(strings.TrimRight(text, "\n") + "\n")
	}
	for _, u := range v.uploads {
		if u.Text != "" || u.Name != "" {
			files[placed(u.Name, there)] = []byte(u.Text)
		}
	}
	if len(files) == 0 || len(files) > mostFiles {
		return v.showChange(http.StatusUnprocessableEntity, file, text, cpni.Rejected("BAD_INPUT", "there is nothing to load: write a text, or choose 1 to 20 files", nil, "write or choose something"))
	}
	p, err := v.office.ProposePolicy(v.r.Context(), id, files, v.member.ID)
	var refusal *cpni.Refusal
	if errors.As(err, &refusal) {
		return v.showChange(http.StatusUnprocessableEntity, file, text, refusal)
	}
	return v.proposed(p, err, "/rules/change")
}

// placed gives the path of a file that is loaded: that of the one with its name, or else where files of its kind lie.
func placed(name string, there map[string][]byte) string {
	name = name[strings.LastIndexAny(name, "/\\")+1:]
	for _, folder := range []string{"rules/", "rights/", "profiles/"} {
		if _, ok := there[folder+name]; ok {
			return folder + name
		}
	}
	if path.Ext(name) == ".yaml" {
		return "profiles/" + name
	}
	return "rules/" + name
}
