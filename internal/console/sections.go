package console

import "ringfence/internal/staff"

// filePeople stands in the place of a right where having files for partners made, agreeing to them or reading of them is enough.
const filePeople staff.Right = "file-people"

// section is a page to which the top of every page leads, for who may come.
type section struct {
	text, address string
	right         staff.Right // "": whoever is signed in
}

// sections are all of them, in the groups in which they stand; the title of a group is no title of a page. What is needed in the
// middle of a call or at once stands in no group.
var sections = []struct {
	title string
	pages []section
}{
	{"", []section{{"Home", "/home", staff.Watch}, {"Desk", "/desk", staff.See}, {"Alerts", "/alerts", staff.Watch}, {"Incidents", "/incidents", staff.ReadIncidents}}},
	{"Customers", []section{{"Messages", "/messages", staff.ReadRecords}, {"Notices", "/runs", staff.ReadRecords}, {"Reports", "/reports", staff.Discipline}, {failuresTitle, "/failures", staff.ReadIncidents}}},
	{"Marketing", []section{{"Campaigns", "/campaigns", campaignPeople}, {"Partners", "/partners", staff.ReadRecords}, {"Files", "/exports", filePeople}, {"Figures", "/figures", staff.MakeReports}}},
	{"Others who ask", []section{{"Desks", "/desks", anyDesk}, {"Requests", "/written", staff.Serve}, {"Legal process", "/process", staff.AnswerProcess}, {"Directories", "/directories", staff.KeepDirectories}}},
	{"On record", []section{{"Records", "/records", staff.ReadRecords}, {"Registers", "/registers", staff.ReadCampaigns}, {"Ledger", "/records/ledger", ""}, {"The year", "/year", staff.ReadRecords}, {retentionTitle, "/retention", staff.ReadRegisters}, {evidenceTitle, "/evidence", staff.ReadRegisters}, {"Books", "/books", staff.ReadRegisters}, {"Certificates", "/certificates", staff.ReadRegisters}}},
	{"Office", []section{{"Rules", "/rules", ""}, {"Controls", "/controls", staff.ReadRecords}, {"Proposals", "/proposals", twoPeople}, {"Training", "/training", ""}, {"Discipline", "/discipline", staff.Discipline}, {"Staff", "/staff", staff.KeepStaff}, {"Settings", "/settings", staff.Operate}, {"Report a suspicion", "/suspicion", staff.ReportIncidents}}},
}

// mostInARow is how many sections stand in a row by themselves; where there are more they are behind the titles of their groups.
const mostInARow = 10

// navGroup is sections that stand together. Title "": each by itself.
type navGroup struct {
	Title string
	Here  bool // the page belongs to one of them
	Items []navItem
}

// nav gives the sections to which the signed-in person may come; here is the address of the one that a page belongs to.
//
// cite: P-37, 47 CFR 64.2010(a)
func (v *visit) nav(here string) []navGroup {
	var all []navGroup
	n := 0
	for _, s := range sections {
		g := navGroup{Title: s.title}
		for _, x := range s.pages {
			if x.right != "" && !v.mayCome(x.right) {
				continue
			}
			item := navItem{Text: x.text, Address: x.address, Here: x.address == here}
			if x.address == "/alerts" {
				item.Text = v.alertsText()
			}
			g.Items, g.Here = append(g.Items, item), g.Here || item.Here
		}
		if n += len(g.Items); len(g.Items) > 0 {
			all = append(all, g)
		}
	}
	for i := range all {
		if n <= mostInARow || len(all[i].Items) == 1 {
			all[i].Title = ""
		}
	}
	return all
}
