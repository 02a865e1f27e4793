// Package rules turns recorded facts into decisions. It reads the policy — clauses, Cedar rules with their schema, dated
// numbers — and does nothing else: no input, no output, no clock.
//
// cite: P-01, P-28, I-04
package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
	"golang.org/x/tools/txtar"

	"ringfence/internal/cpni"
)

// Set is a loaded policy: clauses, rules with their schema, and dated numbers. It never changes and is safe for
// concurrent use.
type Set struct {
	version  string
	source   []byte
	rules    []Rule
	policies map[cpni.Purpose]applicable // by action
	entities types.EntityMap             // the actions and their groups
	rights   rights
	clauses  []Clause
	profiles *Profiles
	filed    *Profiles // the profiles as their files have them, without the switches
	switches []Switch
	scripts  []Script
	memo     *memo
}

// Rule is one rule of the policy.
type Rule struct {
	ID      string
	Permits bool      // otherwise it forbids
	Code    cpni.Code // of a forbidding rule
	Clauses []string  // P-xx
	Cites   []string  // sections of the law
	Says    string    // one sentence for a person
	File    string
	Line    int
	Text    string // in Cedar, with its annotations

	policy *cedar.Policy
}

// Errors about a policy; each is a *cpni.Refusal.
const (
	codeRules       cpni.Code = "RULES"
	codeRetaliation cpni.Code = "RETALIATION"
)

// schemaFile is the file that says what rules may read.
const schemaFile = "rules/schema.cedarschema"

// Load reads and checks a policy. What is wrong with it is a *cpni.Refusal that names file and line and says what is
// expected: code RULES, RETALIATION when a rule that is not about marketing reads approval, or PROFILE_EVIDENCE when a profile is in force
// and no page of the Federal Register announced the day.
//
// cite: P-01, P-13, P-37, I-06, V35
func Load(policy fs.FS) (*Set, error) {
	s, err := read(policy, true)
	if err != nil {
		return nil, err
	}
	if err := s.profiles.complete(); err != nil {
		return nil, err
	}
	if err := s.profiles.proven(); err != nil {
		return nil, err
	}
	return s, s.keptApart()
}

// Recall reads a policy that was in force once, to decide again what was decided under it. It may lack a number that
// this program needs of the policy in force, may know nothing of what rules have come to be given since, and of rights that have
// come to be since nobody has one under it; it may say nothing about rights at all.
//
// cite: I-04, P-41
func Recall(policy fs.FS) (*Set, error) { return read(policy, false) }

// read reads a policy. One that is to come into force knows all that this program gives to rules and asks of them.
func read(policy fs.FS, whole bool) (*Set, error) {
	archive, err := pack(policy)
	if err != nil {
		return nil, wrong("the policy cannot be read: %v", err)
	}
	s := &Set{source: txtar.Format(archive), memo: newMemo()}
	sum := sha256.Sum256(append(fmt.Appendf(nil, "ringfence policy, derivation %d\n", derivation), s.source...))
	s.version = hex.EncodeToString(sum[:16])
	if s.clauses, err = readClauses(policy); err != nil {
		return nil, err
	}
	if s.filed, err = readProfiles(policy); err != nil {
		return nil, err
	}
	if s.profiles, s.switches, err = readSwitches(policy, s.filed); err != nil {
		return nil, err
	}
	if s.scripts, err = readScripts(policy); err != nil {
		return nil, err
	}
	seen := map[string]Rule{}
	if err := s.readRules(archive, seen, whole); err != nil {
		return nil, err
	}
	if err := s.readRights(archive, seen, whole); err != nil {
		return nil, err
	}
	return s, nil
}

func wrong(format string, a ...any) *cpni.Refusal {
	return cpni.Rejected(codeRules, fmt.Sprintf(format, a...), []string{"P-01"}, "mend the policy and load it again; the one in force stays until then")
}

// Version names the policy: another byte of it, or another reading of facts, gives another version.
func (s *Set) Version() string { return s.version }

// Source is the whole policy as one readable text, from which Unpack makes its files again.
func (s *Set) Source() []byte { return slices.Clone(s.source) }

// Unpack gives the files of a Source.
func Unpack(source []byte) (fs.FS, error) {
	files, err := txtar.FS(txtar.Parse(source))
	if err != nil {
		return nil, fmt.Errorf("a recorded policy cannot be read: %w", err)
	}
	return files, nil
}

// pack gathers the files of a policy, in the order of their names.
func pack(policy fs.FS) (*txtar.Archive, error) {
	archive := &txtar.Archive{}
	err := fs.WalkDir(policy, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (name == "courses" || name == "notices" || name == "public" || name == "forms" || name == "controls" || name == "certificate") {
			return fs.SkipDir // what the staff is taught, what customers are written and promised, what agencies are reported and what is answered for decides nothing, so it is no part of what decisions name
		}
		if err != nil || d.IsDir() {
			return err
		}
		switch path.Ext(name) {
		case ".cedar", ".cedarschema", ".yaml":
		default:
			return nil
		}
		if name == "open-clauses.yaml" {
			return nil // a list of the project's work, no part of the policy
		}
		text, err := fs.ReadFile(policy, name)
		if err != nil {
			return err
		}
		if len(text) > mostPolicyFile {
			return fmt.Errorf("%s has more than %d bytes", name, mostPolicyFile)
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n')
		}
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: text})
		return nil
	})
	slices.SortFunc(archive.Files, func(a, b txtar.File) int { return strings.Compare(a.Name, b.Name) })
	return archive, err
}

// mostPolicyFile bounds a file of the policy, in bytes.
const mostPolicyFile = 1 << 20

// With gives the policy with a further file of rules, or another in the place of one that bears the name.
func (s *Set) With(name string, text []byte) (*Set, error) {
	archive := txtar.Parse(s.source)
	name = "rules/" + strings.TrimSuffix(name, ".cedar") + ".cedar"
	if !fs.ValidPath(name) {
		return nil, wrong("%q is no name for a file of rules", name)
	}
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
	archive.Files = append(archive.Files, txtar.File{Name: name, Data: text})
	files, err := txtar.FS(archive)
	if err != nil {
		return nil, wrong("%v", err)
	}
	return Load(files)
}

// PublishedPrefix begins the names of files of rules that were published beside those of the policy.
const PublishedPrefix = "published-"

// Published gives the files of rules that were published beside those of the policy, by the names to give to With.
func (s *Set) Published() map[string][]byte {
	all := map[string][]byte{}
	for _, f := range txtar.Parse(s.source).Files {
		if name, ok := strings.CutPrefix(f.Name, "rules/"+PublishedPrefix); ok {
			all[PublishedPrefix+strings.TrimSuffix(name, ".cedar")] = f.Data
		}
	}
	return all
}

// Rules lists the rules in the order of the files: those that decide on requests, then those on rights.
func (s *Set) Rules() []Rule { return slices.Concat(s.rules, s.rights.rules) }

// Clauses lists the promises of the policy.
func (s *Set) Clauses() []Clause { return slices.Clone(s.clauses) }

// Profiles gives the dated numbers.
func (s *Set) Profiles() *Profiles { return s.profiles }

// readRules reads, checks and sorts the rules by the actions that they are about.
func (s *Set) readRules(archive *txtar.Archive, seen map[string]Rule, whole bool) error {
	text, ok := fileOf(archive, schemaFile)
	if !ok {
		return wrong("%s is missing: it says what rules may read", schemaFile)
	}
	types, err := readSchema(text, whole)
	if err != nil {
		return err
	}
	s.entities = actionsOf(types)
	check := checker{validator: validate.New(types), actions: s.entities, clauses: s.clauses}
	if s.rules, err = check.files(archive, func(name string) bool { return !strings.HasPrefix(name, rightsFolder) }, seen); err != nil {
		return err
	}
	s.sort()
	return nil
}

func fileOf(archive *txtar.Archive, name string) ([]byte, bool) {
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		return nil, false
	}
	return archive.Files[i].Data, true
}

// files reads and checks the rules of those files that are of, and adds them to seen.
func (c checker) files(archive *txtar.Archive, of func(name string) bool, seen map[string]Rule) (all []Rule, err error) {
	var faults []error
	for _, file := range archive.Files {
		if path.Ext(file.Name) != ".cedar" || !of(file.Name) {
			continue
		}
		list, err := cedar.NewPolicyListFromBytes(file.Name, file.Data)
		if err != nil {
			says := strings.TrimPrefix(err.Error(), "parser error: ")
			faults = append(faults, wrong("%s", strings.ReplaceAll(says, "<input>", file.Name)))
			continue
		}
		for i, p := range list {
			r, err := c.rule(file.Name, p)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			end := len(file.Data)
			if i+1 < len(list) {
				end = list[i+1].Position().Offset
			}
			r.Text = textOf(file.Data[p.Position().Offset:end])
			if other, twice := seen[r.ID]; twice {
				faults = append(faults, wrong("%s:%d: the rule %q stands at %s:%d already; an @id names one rule", r.File, r.Line, r.ID, other.File, other.Line))
			}
			seen[r.ID] = r
			all = append(all, r)
		}
	}
	if len(faults) > 0 {
		return nil, faults1(faults)
	}
	return all, nil
}

// textOf gives the text of a rule without what stands between it and the next.
func textOf(text []byte) string {
	lines := strings.Split(strings.TrimRight(string(text), " \t\r\n"), "\n")
	for len(lines) > 1 {
		last := strings.TrimSpace(lines[len(lines)-1])
		if last != "" && !strings.HasPrefix(last, "//") {
			break
		}
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// faults1 makes one refusal of several: of a RETALIATION among them, for that weighs more than a slip of the pen.
func faults1(faults []error) error {
	first := faults[0]
	for _, err := range faults {
		var r *cpni.Refusal
		if errors.As(err, &r) && r.Code == codeRetaliation {
			first = err
			break
		}
	}
	var r *cpni.Refusal
	if len(faults) == 1 || !errors.As(first, &r) {
		return first
	}
	says := make([]string, 0, len(faults))
	for _, err := range faults {
		var r *cpni.Refusal
		if errors.As(err, &r) {
			says = append(says, r.Says)
		}
	}
	all := *r
	all.Says = strings.Join(says, "; ")
	return &all
}

func readSchema(text []byte, whole bool) (*resolved.Schema, error) {
	var sc schema.Schema
	sc.SetFilename(schemaFile)
	if err := sc.UnmarshalCedar(text); err != nil {
		return nil, wrong("%s: %v", schemaFile, err)
	}
	types, err := sc.Resolve()
	if err != nil {
		return nil, wrong("%s: %v", schemaFile, err)
	}
	request := cedar.Request{Principal: asker, Action: actionID(cpni.CustomerRequest), Resource: anyCustomer, Context: view{}.context()}
	if a, ok := types.Actions[request.Action]; ok && a.AppliesTo != nil && !whole {
		request.Context = known(request.Context, a.AppliesTo.Context)
	}
	if err := validate.New(types).Request(request); err != nil {
		return nil, wrong("%s does not describe what rules are given: %v", schemaFile, err)
	}
	for _, p := range append(slices.Clone(cpni.Purposes), actionUnknown, actionApprovalFree) {
		if _, ok := types.Actions[actionID(p)]; !ok && whole {
			return nil, wrong("%s has no action %q", schemaFile, p)
		}
	}
	return types, nil
}

// known leaves of what rules are given what a schema of before has: rules of then read nothing else.
func known(given types.Record, has resolved.RecordType) types.Record {
	left := types.RecordMap{}
	for name, v := range given.All() {
		a, ok := has[name]
		if !ok {
			continue
		}
		if inner, ok := v.(types.Record); ok {
			if of, ok := a.Type.(resolved.RecordType); ok {
				v = known(inner, of)
			}
		}
		left[name] = v
	}
	return types.NewRecord(left)
}

// actionsOf gives the actions of the schema with the groups that they are in.
func actionsOf(s *resolved.Schema) types.EntityMap {
	all := types.EntityMap{}
	for id, a := range s.Actions {
		all[id] = a.Entity
	}
	return all
}

// In Cedar every request has somebody who asks and something that is asked about; whom and about whom is no matter.
var (
	asker       = cedar.NewEntityUID("Asker", "asker")
	anyCustomer = cedar.NewEntityUID("Customer", "customer")
)

func actionID(p cpni.Purpose) cedar.EntityUID { return cedar.NewEntityUID("Action", cedar.String(p)) }

// applicable are the rules of one action, in the order of the files.
type applicable []*Rule

// All yields the rules to Cedar, which knows them by their place.
func (a applicable) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for i, r := range a {
			if !yield(placeID(i), r.policy) {
				return
			}
		}
	}
}

// sort files each rule under the actions that its scope covers.
func (s *Set) sort() {
	s.policies = map[cpni.Purpose]applicable{}
	for id := range s.entities {
		action := cpni.Purpose(id.ID)
		for i := range s.rules {
			if covers(s.entities, (*ast.Policy)(s.rules[i].policy.AST()).Action, id) {
				s.policies[action] = append(s.policies[action], &s.rules[i])
			}
		}
	}
}

// covers reports whether the scope of a rule covers an action.
func covers(actions types.EntityMap, scope ast.IsActionScopeNode, id cedar.EntityUID) bool {
	within := func(group cedar.EntityUID) bool {
		if id == group {
			return true
		}
		for parent := range actions[id].Parents.All() {
			if covers(actions, ast.ScopeTypeIn{Entity: group}, parent) {
				return true
			}
		}
		return false
	}
	switch n := scope.(type) {
	case ast.ScopeTypeAll:
		return true
	case ast.ScopeTypeEq:
		return n.Entity == id
	case ast.ScopeTypeIn:
		return within(n.Entity)
	case ast.ScopeTypeInSet:
		return slices.ContainsFunc(n.Entities, within)
	}
	return true // a form that we do not know may cover anything
}
