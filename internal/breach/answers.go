package breach

// Answers are what the call centre says when customers ask about an incident, by language.
//
// cite: P-47, 47 CFR 64.2011(c)
type Answers map[string][]Answer

// Answer is a question that customers ask, and what is said.
type Answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}
