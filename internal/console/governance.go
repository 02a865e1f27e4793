package console

import (
	"ringfence/internal/countersign"
	"ringfence/internal/staff"
)

// twoPeople stands in the place of a right where any right to propose something is enough.
const twoPeople staff.Right = "two-people"

// governancePlaces are the rules, what two people do, settings and health.
func governancePlaces() []place {
	const proposals, proposal = "/proposals", "/proposals/{proposal}"
	return []place{
		{pattern: "/rules", get: (*visit).rulesPage},
		{pattern: "/rules/numbers", get: (*visit).numbersPage},
		{pattern: "/rules/try", get: (*visit).tryPage},
		{pattern: "/rules/roles", get: (*visit).rolesPage},
		{pattern: "/rules/change", right: staff.KeepPolicy, files: true, get: (*visit).changePage, post: (*visit).changePolicy},
		{pattern: "/rules/switch", right: staff.KeepPolicy, get: (*visit).switchPage, post: (*visit).switchProfile},
		{pattern: "/rules/{rule}", get: (*visit).rulePage},

		{pattern: proposals, right: twoPeople, get: (*visit).proposalsPage},
		{pattern: proposals + "/keys", right: staff.Operate, post: (*visit).proposeKeys, home: "/settings"},
		{pattern: "/forget/{customer}", right: staff.Forget, get: (*visit).forgetPage, post: (*visit).proposeForget},
		{pattern: proposal, right: twoPeople, get: (*visit).proposalPage},
		{pattern: proposal + "/agree", right: twoPeople, post: (*visit).agree, home: proposal},
		{pattern: proposal + "/refuse", right: twoPeople, post: (*visit).refuse, home: proposal},
		{pattern: proposal + "/withdraw", right: twoPeople, post: (*visit).withdraw, home: proposal},

		{pattern: "/settings", right: staff.Operate, get: (*visit).settingsPage},
		{pattern: "/health", right: staff.Operate, get: (*visit).healthPage},
		{pattern: "/health/verify", right: staff.Operate, post: (*visit).verifyLedger, home: "/health"},
		{pattern: "/health/replay", right: staff.Operate, post: (*visit).replayDecisions, home: "/health"},
	}
}

// mayCome reports whether somebody may come to a place that needs a right.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) mayCome(r staff.Right) bool {
	if r == anyDesk {
		return len(v.myDesks()) > 0 || v.member.May(staff.Serve)
	}
	if r == campaignPeople {
		return v.mayCampaigns()
	}
	if r == filePeople {
		return v.seesExports()
	}
	if r != twoPeople {
		return v.member.May(r)
	}
	for _, k := range countersign.Kinds {
		if right, ok := v.office.Proposals.Right(k); ok && v.member.May(right) {
			return true
		}
	}
	return false
}
