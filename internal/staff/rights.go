package staff

import (
	"slices"

	"ringfence/internal/cpni"
)

// Right is something that a member's work allows beside asking for information, on which the rules decide.
type Right string

// The rights.
const (
	Serve         Right = "serve"          // open contacts, take proofs, change accounts at a customer's wish
	See           Right = "see"            // find customers and read their cards, which hold no CPNI
	KeepCustomers Right = "keep-customers" // add customers, end their service, import files
	KeepRegisters Right = "keep-registers" // put partners on the register
	KeepStaff     Right = "keep-staff"     // add members of the staff, make keys
	Train         Right = "train"          // record training
	ReadRecords   Right = "read-records"   // read what is on record
	Forget        Right = "forget"         // destroy a customer's key
	Watch         Right = "watch"          // see alerts, and work on their cases
	Discipline    Right = "discipline"     // record findings and sanctions
	KeepCourses   Right = "keep-courses"   // publish courses
	KeepPolicy    Right = "keep-policy"    // propose another rule set or profile, and agree to one that another proposes
	Operate       Right = "operate"        // see settings and health, and renew keys
)

// Rights lists the rights in the order in which screens show them.
var Rights = []Right{Serve, See, KeepCustomers, KeepRegisters, KeepStaff, Train, ReadRecords, Forget, Watch, Discipline, KeepCourses, KeepPolicy, Operate}

// rightsOf gives the rights of each role. Administrators and auditors have none that leads to a customer's information.
//
// cite: P-37, 47 CFR 64.2010(a)
var rightsOf = map[cpni.Role][]Right{
	cpni.RoleAgent:      {Serve, See},
	cpni.RoleSupervisor: {Serve, See, ReadRecords, Watch},
	cpni.RoleMarketing:  {},
	cpni.RoleCompliance: {Serve, See, KeepRegisters, Train, ReadRecords, Watch, Discipline, KeepCourses, KeepPolicy},
	cpni.RoleOfficer:    {See, KeepRegisters, ReadRecords, Forget, Watch, Discipline, KeepPolicy},
	cpni.RoleFraud:      {Serve, See, ReadRecords, Watch},
	cpni.RoleBilling:    {See, KeepCustomers},
	cpni.RoleAuditor:    {ReadRecords},
	cpni.RoleAdmin:      {KeepCustomers, KeepStaff, Train, Operate},
	cpni.RoleSystem:     {Serve, See, KeepCustomers},
}

// May reports whether the member's work gives them a right. Who is suspended does not serve.
//
// cite: P-37, P-39, 47 CFR 64.2009(b), 47 CFR 64.2010(a)
func (m *Member) May(r Right) bool {
	return !m.Disabled && (r != Serve || m.Suspended == nil) && slices.Contains(rightsOf[m.Role], r)
}
