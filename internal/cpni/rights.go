package cpni

// Right is something that a member's work allows beside asking for information, on which the rules decide. Which roles have
// which rights is written in the policy (policy/rights).
type Right string

// The rights.
const (
	RightServe           Right = "serve"            // open contacts, take proofs, change accounts at a customer's wish
	RightSee             Right = "see"              // find customers and read their cards, which hold no CPNI
	RightKeepCustomers   Right = "keep-customers"   // add customers, end their service, import files
	RightKeepRegisters   Right = "keep-registers"   // put partners on the register
	RightKeepStaff       Right = "keep-staff"       // add members of the staff, make keys
	RightTrain           Right = "train"            // record training
	RightReadRecords     Right = "read-records"     // read what is on record
	RightForget          Right = "forget"           // have a customer's key destroyed; two people are needed
	RightWatch           Right = "watch"            // see alerts, and work on their cases
	RightDiscipline      Right = "discipline"       // record findings and sanctions
	RightKeepCourses     Right = "keep-courses"     // publish courses
	RightKeepPolicy      Right = "keep-policy"      // propose another rule set or profile, and agree to one that another proposes
	RightGiveNotices     Right = "give-notices"     // have notices of rights given to many, and agree to what another proposes; two people are needed
	RightMarket          Right = "market"           // build campaigns, have them launched, and stop them
	RightReviewCampaigns Right = "review-campaigns" // agree to what others have drawn up as a campaign, send it back, and stop it
	RightAnswerProcess   Right = "answer-process"   // take in, review and answer legal process
	RightExport          Right = "export"           // have files made for partners; somebody who keeps the registers agrees
	RightKeepDirectories Right = "keep-directories" // keep publishers of directories and their terms, and give them extracts
	RightMakeReports     Right = "make-reports"     // ask for aggregate reports
	RightReadRegisters   Right = "read-registers"   // see the registers of disclosures and of legal process, and take them away
	RightReadCampaigns   Right = "read-campaigns"   // see the register of campaigns
	RightReportIncidents Right = "report-incidents" // say that customers' information may have been reached by somebody who should not have it
	RightHandleIncidents Right = "handle-incidents" // keep the files of incidents, report to the agencies, and have customers told
	RightReadIncidents   Right = "read-incidents"   // see the files of incidents
	RightOperate         Right = "operate"          // see settings and health, and have keys renewed; two people are needed
)

// The rights of the desks of others who ask.
const (
	RightWorkTickets    Right = "work-tickets"    // open trouble tickets and orders, ask under them, close them
	RightWorkProtection Right = "work-protection" // likewise cases of fraud and protection
	RightWorkPorts      Right = "work-ports"      // likewise ports of numbers from and to other carriers
	RightWorkCollection Right = "work-collection" // likewise accounts placed with a vendor for collection
)

// Rights lists the rights in the order in which screens show them.
var Rights = []Right{RightServe, RightSee, RightKeepCustomers, RightKeepRegisters, RightKeepStaff, RightTrain, RightReadRecords, RightForget, RightWatch,
	RightDiscipline, RightKeepCourses, RightKeepPolicy, RightGiveNotices, RightMarket, RightReviewCampaigns, RightAnswerProcess, RightExport, RightKeepDirectories, RightMakeReports, RightReadRegisters, RightReadCampaigns,
	RightReportIncidents, RightHandleIncidents, RightReadIncidents, RightOperate,
	RightWorkTickets, RightWorkProtection, RightWorkPorts, RightWorkCollection}

// RightsToCustomers are the rights that lead to customers' information.
var RightsToCustomers = []Right{RightServe, RightSee,
	RightWorkTickets, RightWorkProtection, RightWorkPorts, RightWorkCollection}

// RightsToRecords are the rights that lead to what is on record and to nothing else: auditors have no others.
var RightsToRecords = []Right{RightReadRecords, RightReadRegisters, RightReadCampaigns, RightReadIncidents}
