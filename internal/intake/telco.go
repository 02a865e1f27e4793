package intake

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/intake/fiction"
	"ringfence/internal/vault"
)

// telcoColumns are those of the published sample of a telephone company's customers. It has no names, addresses or
// numbers; all of them are made of the customer's id.
var telcoColumns = []string{"customerID", "gender", "SeniorCitizen", "Partner", "Dependents", "tenure", "PhoneService", "MultipleLines",
	"InternetService", "OnlineSecurity", "OnlineBackup", "DeviceProtection", "TechSupport", "StreamingTV", "StreamingMovies", "Contract",
	"PaperlessBilling", "PaymentMethod", "MonthlyCharges", "TotalCharges", "Churn"}

// TelcoAsOf is the day for which the sample's tenures and charges are taken: it has no date of its own.
var TelcoAsOf = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)

var (
	telcoID = regexp.MustCompile(`^[0-9]{4}-[A-Z]{5}$`)
	amount  = regexp.MustCompile(`^[0-9]{1,7}(\.[0-9]{1,2})?$`)
)

// telcoRow makes a customer of a row of the sample. Whether they churned is a mark of the study that the sample was
// made for, not an end of service: it is not read.
func (p *peopleParser) telcoRow(get func(string) string, line int64) (*person, *rejection) {
	id := get("customerID")
	if !telcoID.MatchString(id) {
		return nil, rejectField(NoAccount, "customerID", "is not four digits, a hyphen and five letters", "")
	}
	for name, values := range map[string][]string{"gender": {"Female", "Male"}, "SeniorCitizen": {"0", "1"}, "PhoneService": {"Yes", "No"},
		"MultipleLines": {"Yes", "No", "No phone service"}, "InternetService": {"DSL", "Fiber optic", "No"},
		"Contract": {"Month-to-month", "One year", "Two year"}, "PaperlessBilling": {"Yes", "No"}} {
		if !contains(values, get(name)) {
			return nil, rejectField(BadField, name, "has a value that the sample does not know", "")
		}
	}
	tenure, err := strconv.Atoi(get("tenure"))
	if err != nil || tenure < 0 || tenure > 1200 {
		return nil, rejectField(BadField, "tenure", "is not a number of months", "")
	}
	monthly, total := get("MonthlyCharges"), get("TotalCharges")
	if !amount.MatchString(monthly) || total != "" && !amount.MatchString(total) {
		return nil, rejectField(BadField, "MonthlyCharges or TotalCharges", "is not an amount", "")
	}
	if total == "" {
		p.notes.see(oddCharges, line)
	}
	if (get("PhoneService") == "No") != (get("MultipleLines") == "No phone service") {
		return nil, rejectField(BadField, "MultipleLines", "contradicts PhoneService", "")
	}

	src := fiction.New(0, id)
	sex, least, most := fiction.Male, 18, 64
	if get("gender") == "Female" {
		sex = fiction.Female
	}
	if get("SeniorCitizen") == "1" {
		least, most = 65, 94
	}
	who := src.Person(sex, least, most, TelcoAsOf)
	pair := fiction.Pair(id)
	since := TelcoAsOf.AddDate(0, -tenure, 0)
	if least := TelcoAsOf.AddDate(0, 0, -1); since.After(least) {
		since = least
	}
	y, m, d := since.Date()
	since = time.Date(y, m, d, 0, 0, 0, 0, p.zone).UTC()
	c := customer.Profile{ID: cpni.NewID(), Account: id, Name: who.Name(), Since: since, Born: who.Born.Format(time.DateOnly), SSN4: who.SSN4,
		Postal: []customer.Address{{Value: src.Postal(fiction.AreaOf(2 * pair)), Since: since}},
		Email: []customer.Address{{Value: fmt.Sprintf("%s.%s.%s@example.%s", who.Given, who.Family, id[:4], [...]string{"com", "net", "org"}[src.N(3)]),
			Since: since, Notices: get("PaperlessBilling") == "Yes"}}}
	count := 0
	if get("PhoneService") == "Yes" {
		if count = 1; get("MultipleLines") == "Yes" {
			count = 2
		}
	}
	listed := src.N(3) > 0
	for i := range count {
		c.Lines = append(c.Lines, customer.Line{No: i + 1, Number: fiction.Number(2*pair + i), Listed: listed, Since: since,
			Categories: []cpni.Category{cpni.Local, cpni.LongDistance}})
	}
	bill := map[string]string{"total": monthly, "payment-method": get("PaymentMethod"), "paperless": get("PaperlessBilling")}
	if total != "" {
		bill["total-to-date"] = total
	}
	before := TelcoAsOf.AddDate(0, -1, 0)
	return &person{c, []vault.Item{
		{Class: cpni.Billing, Period: before.Year()*100 + int(before.Month()), Values: bill},
		{Class: cpni.Service, Values: map[string]string{"internet": get("InternetService"), "contract": get("Contract"), "lines": strconv.Itoa(count)}},
	}}, nil
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}
