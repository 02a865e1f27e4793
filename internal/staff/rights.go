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
)

// Rights lists the rights in the order in which screens show them.
var Rights = []Right{Serve, See, KeepCustomers, KeepRegisters, KeepStaff, Train, ReadRecords, Forget}

// rightsOf gives the rights of each role. Administrators and auditors have none that leads to a customer's information.
//
// cite: P-37, 47 CFR 64.2010(a)
var rightsOf = map[cpni.Role][]Right{
	cpni.RoleAgent:      {Serve, See},
	cpni.RoleSupervisor: {Serve, See, ReadRecords},
	cpni.RoleMarketing:  {},
	cpni.RoleCompliance: {Serve, See, KeepRegisters, Train, ReadRecords},
	cpni.RoleOfficer:    {See, KeepRegisters, ReadRecords, Forget},
	cpni.RoleFraud:      {Serve, See, ReadRecords},
	cpni.RoleBilling:    {See, KeepCustomers},
	cpni.RoleAuditor:    {ReadRecords},
	cpni.RoleAdmin:      {KeepCustomers, KeepStaff, Train},
	cpni.RoleSystem:     {Serve, See, KeepCustomers},
}

// May reports whether the member's work gives them a right.
//
// cite: P-37, 47 CFR 64.2010(a)
func (m *Member) May(r Right) bool { return !m.Disabled && slices.Contains(rightsOf[m.Role], r) }
