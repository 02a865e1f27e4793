package console

import (
	"strconv"

	"ringfence/internal/cpni"
)

// page is what every page shows around its own content.
type page struct {
	Title   string
	Carrier string
	Who     string // the signed-in person's name; empty before sign-in
	Role    cpni.Role
	Here    string // the section that is current: desk, ledger, rules
	Token   string // against forged forms
	Note    string // one line at the top, for instance what has just been done
}

// card is a customer without CPNI: enough to know whom one has before one, nothing that needs verification.
type card struct {
	ID      cpni.ID
	Name    string
	Lines   []string // masked numbers
	Since   string
	Ended   string
	Chips   []chip
	Account string // masked
}

type chip struct{ Text, Tone string }

// methodView is one way of verification that this customer and channel allow.
type methodView struct {
	ID    string
	Title string
	Help  string
	Field string // label of the field to fill in; empty: none
	Kind  string // input type
	Extra []option
}

type option struct{ Value, Text string }

// deskView is the agent's desk.
type deskView struct {
	page
	Query   string
	Found   []card
	Problem *problemView
	Contact *contactView
	Methods []methodView
	Ask     askView
	Result  *resultView
}

// contactView is the contact in progress.
type contactView struct {
	ID      cpni.ID
	Channel cpni.Channel
	Opened  string
	Live    bool
	Caller  string
	Proved  []string
	Card    card
}

// askView is the request form with what was last asked.
type askView struct {
	Data     []option
	Chosen   map[string]bool
	Month    string
	Purposes []option
	Purpose  string
	Vias     []option
	Via      string
}

// problemView is a refusal as a person reads it: what happened, the clause, what to do.
type problemView struct {
	Code    string
	Says    string
	Clauses []string
	Next    []string
}

// resultView is the answer to a request.
type resultView struct {
	Permit    bool
	Code      string
	Says      []string
	Clauses   []string
	Cites     []string
	Rules     []string
	Ways      [][]string
	Entry     cpni.ID
	Customer  cpni.ID
	At        string
	ToAddress string
	Lines     []lineCallsView
	Items     []itemView
	Count     int
}

type lineCallsView struct {
	Line  string
	Calls []callView
}

type callView struct{ Date, Time, Direction, Number, Length string }

type itemView struct{ Class, Period, Name, Value string }

// decisionView is one recorded decision, with its proof.
type decisionView struct {
	page
	Result   resultView
	Facts    string // as recorded, indented
	RuleSet  string
	Index    string
	Hash     string
	Root     string
	TreeSize string
	Rules    []ruleView
}

type ruleView struct{ ID, Clause, Cite, Says string }

// listView is a customer's decisions, newest first.
type listView struct {
	page
	Card card
	Rows []decisionRow
	Next string
}

type decisionRow struct {
	Entry                               cpni.ID
	At, Who, Purpose, To, Outcome, Code string
}

func countCalls(n int) string {
	if n == 1 {
		return "1 call"
	}
	return strconv.Itoa(n) + " calls"
}
