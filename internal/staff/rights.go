package staff

import (
	"fmt"
	"slices"

	"ringfence/internal/cpni"
	"ringfence/internal/rules"
)

// Right is something that a member's work allows beside asking for information, on which the rules decide.
type Right = cpni.Right

// The rights.
const (
	Serve           = cpni.RightServe
	See             = cpni.RightSee
	KeepCustomers   = cpni.RightKeepCustomers
	KeepRegisters   = cpni.RightKeepRegisters
	KeepStaff       = cpni.RightKeepStaff
	Train           = cpni.RightTrain
	ReadRecords     = cpni.RightReadRecords
	Forget          = cpni.RightForget
	Watch           = cpni.RightWatch
	Discipline      = cpni.RightDiscipline
	KeepCourses     = cpni.RightKeepCourses
	KeepPolicy      = cpni.RightKeepPolicy
	GiveNotices     = cpni.RightGiveNotices
	Market          = cpni.RightMarket
	ReviewCampaigns = cpni.RightReviewCampaigns
	AnswerProcess   = cpni.RightAnswerProcess
	Export          = cpni.RightExport
	KeepDirectories = cpni.RightKeepDirectories
	MakeReports     = cpni.RightMakeReports
	ReadRegisters   = cpni.RightReadRegisters
	ReadCampaigns   = cpni.RightReadCampaigns
	ReportIncidents = cpni.RightReportIncidents
	HandleIncidents = cpni.RightHandleIncidents
	ReadIncidents   = cpni.RightReadIncidents
	Operate         = cpni.RightOperate

	WorkTickets    = cpni.RightWorkTickets
	WorkProtection = cpni.RightWorkProtection
	WorkPorts      = cpni.RightWorkPorts
	WorkCollection = cpni.RightWorkCollection
)

// Rights lists the rights in the order in which screens show them.
var Rights = cpni.Rights

// work is by what a register's members are judged.
type work struct {
	policy func() *rules.Set
	clock  cpni.Clock
}

// Govern has the rules that policy gives, each time anew, decide what members may. Until it is called nobody may anything;
// it is called before the register is used.
func (r *Register) Govern(policy func() *rules.Set) { r.work.policy = policy }

// RightsOf gives what the rules in force say about every right of a role, for whoever gives somebody that role: of a member
// with current training who is not suspended.
//
// cite: P-37, 47 CFR 64.2010(a)
func (r *Register) RightsOf(role cpni.Role) []rules.Ruling {
	if r.work.policy == nil {
		return nil
	}
	return r.work.policy().Rights(rules.Standing{Role: role, Trained: true})
}

// standing is what the rules read of the member.
func (m *Member) standing() rules.Standing {
	return rules.Standing{Role: m.Role, Trained: m.Role == cpni.RoleSystem || m.work.clock.Now().Before(m.TrainedUntil()), Suspended: m.Disabled || m.Suspended != nil}
}

// May reports whether the rules in force give the member a right.
//
// cite: P-37, 47 CFR 64.2010(a)
func (m *Member) May(r Right) bool { return m.Ruling(r).Allowed }

// Rulings gives what the rules in force say about each of the member's rights, in the order of Rights.
//
// cite: P-37, 47 CFR 64.2010(a)
func (m *Member) Rulings() []rules.Ruling {
	if m.work == nil || m.work.policy == nil {
		return nil
	}
	return m.work.policy().Rights(m.standing())
}

// Ruling gives what the rules in force say about one right of the member.
//
// cite: P-37, 47 CFR 64.2010(a)
func (m *Member) Ruling(r Right) rules.Ruling {
	if m.work == nil || m.work.policy == nil {
		return rules.Ruling{Right: r, Says: "No rules on rights are in force here.", Clauses: []string{"P-37"}}
	}
	return m.work.policy().Right(m.standing(), r)
}

// Barred is the refusal of a member who has not a right: it says which rule gives it to whom. It is nil when they have it.
//
// cite: P-37, 47 CFR 64.2010(a)
func (m *Member) Barred(r Right) *cpni.Refusal {
	ruling := m.Ruling(r)
	if ruling.Allowed {
		return nil
	}
	rule := ""
	if len(ruling.Rules) > 0 {
		rule = fmt.Sprintf(" (rule %s)", ruling.Rules[0])
	}
	return cpni.Rejected("ROLE", fmt.Sprintf("your work does not include this: it needs the right %s%s. %s", r, rule, ruling.Says), slices.Concat(ruling.Clauses, ruling.Cites),
		"let a colleague whose work it is do it", "ask an administrator if it should be yours")
}
