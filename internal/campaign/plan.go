package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/audience"
	"ringfence/internal/cpni"
	"ringfence/internal/disclose"
	"ringfence/internal/rules"
	"ringfence/internal/workday"
)

// Kind is what sort of campaign it is.
type Kind string

// The kinds.
const (
	Marketing       Kind = "marketing"        // the carrier offers something, itself or through a partner
	ApprovalRequest Kind = "approval-request" // customers are asked for their approval (47 CFR 64.2009(d))
	Affiliate       Kind = "affiliate"        // an affiliate's own, which is recorded here and done there
)

// Kinds lists the kinds in the order in which screens show them.
var Kinds = []Kind{Marketing, ApprovalRequest, Affiliate}

// Channel is how a campaign reaches its audience.
type Channel string

// The channels.
const (
	ByEmail  Channel = "email"
	ByPost   Channel = "postal"
	ByText   Channel = "text"
	ByVoice  Channel = "voice"  // the carrier's people call
	ByList   Channel = "list"   // the carrier's own desks work through a list
	ByExport Channel = "export" // a partner gets a file
)

// Channels lists the channels in the order in which screens show them.
var Channels = []Channel{ByEmail, ByPost, ByText, ByVoice, ByList, ByExport}

// Writes reports whether the carrier's own messages go out by the channel.
func (c Channel) Writes() bool { return c == ByEmail || c == ByPost || c == ByText }

// Lists reports whether people of the carrier work through a list of customers.
func (c Channel) Lists() bool { return c == ByVoice || c == ByList }

// Purposes are those that a campaign can have. The rules decide on each use; that a purpose stands here does not permit it.
var Purposes = []cpni.Purpose{cpni.OwnMarketing, cpni.OtherMarketing, cpni.PartnerMarketing, cpni.WinBack, cpni.CompetitorTracking}

// Product is something that a campaign offers.
type Product struct {
	Name     string        `json:"name"`
	Category cpni.Category `json:"category"`
}

// Script is what a campaign says in one language.
type Script struct {
	Subject string `json:"subject,omitempty"` // of an e-mail or a letter
	Text    string `json:"text,omitempty"`    // of an e-mail or a letter, and what a caller says
	Short   string `json:"short,omitempty"`   // of a text message
}

// Languages are those in which a campaign that goes to customers is written.
var Languages = []string{"en", "es"}

// Plan is what a campaign is, as somebody else reviews it.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
type Plan struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Kind        Kind             `json:"kind"`
	Purpose     cpni.Purpose     `json:"purpose"`
	Uses        []cpni.DataClass `json:"uses,omitempty"`     // the customer information that it uses
	Products    []Product        `json:"products,omitempty"` // what it offers
	// To is who sees the information: carrier, or the id of a partner. Of a request for approval it is who would receive on a yes.
	To      string       `json:"to"`
	Channel Channel      `json:"channel"`
	Starts  workday.Date `json:"starts,omitzero"` // its first and last day, in the carrier's zone
	Ends    workday.Date `json:"ends,omitzero"`
	// Filter says whom it is for. Of a request for approval it can only say which services they buy: who is asked is not chosen by
	// what they use.
	Filter audience.Filter `json:"filter,omitzero"`
	// Named are the customers whom it is for, where they are named one by one, and then there is no filter.
	Named []cpni.ID `json:"named,omitempty"`
	// Columns are those of the file that a partner gets; none: how customers are reached, and what it uses.
	Columns []string `json:"columns,omitempty"`
	// Scripts are its words by language.
	Scripts map[string]Script `json:"scripts,omitempty"`
	// Silence is set of a request for approval that is a notice after which silence counts, where the law lets it count.
	Silence bool `json:"silence,omitempty"`
	// Edition is the version of the words of a request for approval; "" until it is submitted: those in use then.
	Edition string `json:"edition,omitempty"`
	// PortOut is set when its audience comes of what other carriers have asked to port.
	PortOut bool `json:"port_out,omitempty"`
}

// Bounds of what a plan says, in bytes but for words of a script, which are counted in letters.
const (
	longestName        = 100
	longestDescription = 2000
	longestProduct     = 100
	longestSubject     = 60
	longestText        = 800
	longestShort       = 120
	mostProducts       = 20
	mostColumns        = 40
	// MostNamed bounds the customers that a campaign can name.
	MostNamed = 5000
)

var columnForm = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,59}$`)

// cites are what a campaign is on the register for.
var cites = []string{"P-40", "47 CFR 64.2009(c)", "47 CFR 64.2009(d)"}

func lacks(says, do string) *cpni.Refusal { return cpni.Rejected("CAMPAIGN", says, cites, do) }

// trim takes blanks away that nobody typed on purpose, and puts what a form gives line by line on one line.
func (p *Plan) trim() {
	p.Name, p.Description, p.To = strings.TrimSpace(p.Name), strings.TrimSpace(strings.ReplaceAll(p.Description, "\r\n", "\n")), strings.TrimSpace(p.To)
	for language, s := range p.Scripts {
		line := func(s string) string { return strings.Join(strings.Fields(s), " ") }
		if s = (Script{line(s.Subject), line(s.Text), line(s.Short)}); s == (Script{}) {
			delete(p.Scripts, language)
			continue
		}
		p.Scripts[language] = s
	}
	if p.Kind != ApprovalRequest {
		p.Silence, p.Edition = false, ""
	}
	p.Products = slices.DeleteFunc(p.Products, func(x Product) bool { return x == Product{} })
	for i := range p.Products {
		p.Products[i].Name = strings.TrimSpace(p.Products[i].Name)
	}
}

// bounded refuses a plan that no register takes, however unfinished.
func (p *Plan) bounded() *cpni.Refusal {
	bad := func(says, do string) *cpni.Refusal { return cpni.Rejected("BAD_INPUT", says, cites, do) }
	texts := []string{p.Name, p.To, string(p.Purpose), p.Edition}
	for _, x := range p.Products {
		texts = append(texts, x.Name)
	}
	for _, s := range p.Scripts {
		texts = append(texts, s.Subject, s.Text, s.Short)
	}
	unreadable := func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
	switch {
	case slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) || strings.ContainsFunc(s, unreadable) }) || !utf8.ValidString(p.Description) || strings.ContainsRune(p.Description, 0):
		return bad("something in it cannot be read", "write it again without characters that do not show")
	case p.Name == "" || len(p.Name) > longestName:
		return bad("a campaign has a name by which people know it", fmt.Sprintf("give one of at most %d letters", longestName))
	case len(p.Description) > longestDescription:
		return bad("the description is too long", fmt.Sprintf("say it in %d letters", longestDescription))
	case !slices.Contains(Kinds, p.Kind):
		return bad("that is no kind of campaign", "name marketing, approval-request or affiliate")
	case p.Channel != "" && !slices.Contains(Channels, p.Channel):
		return bad("that is no channel of a campaign", "name email, postal, text, voice, list or export")
	case p.Purpose != "" && !slices.Contains(Purposes, p.Purpose):
		return bad("that is no purpose of a campaign", "name own-marketing, other-marketing, partner-marketing or win-back")
	case slices.ContainsFunc(p.Uses, func(c cpni.DataClass) bool { return !slices.Contains(cpni.DataClasses, c) }):
		return bad("that is no class of customer information", "name call-detail, usage, service, location or billing")
	case len(p.Products) > mostProducts || slices.ContainsFunc(p.Products, func(x Product) bool { return len(x.Name) > longestProduct }):
		return bad("it offers too much, or a product has too long a name", fmt.Sprintf("name at most %d products, each in %d letters", mostProducts, longestProduct))
	case len(p.Columns) > mostColumns || slices.ContainsFunc(p.Columns, func(c string) bool { return !columnForm.MatchString(c) }):
		return bad("that is no column of a file", "name columns such as name, number or usage.minutes")
	case p.Filter.Check() != nil:
		return p.Filter.Check()
	case len(p.Named) > MostNamed || slices.ContainsFunc(p.Named, func(id cpni.ID) bool { return !id.Valid() }):
		return bad("it names too many customers, or none by their ids", fmt.Sprintf("name at most %d, or choose them by a filter", MostNamed))
	}
	for language, s := range p.Scripts {
		switch {
		case !slices.Contains(Languages, language):
			return bad("a campaign is not written in that language", "write it in en and es")
		case utf8.RuneCountInString(s.Subject) > longestSubject || utf8.RuneCountInString(s.Text) > longestText || utf8.RuneCountInString(s.Short) > longestShort:
			return bad("the script is too long", fmt.Sprintf("at most %d letters for the subject, %d for the text and %d for a text message", longestSubject, longestText, longestShort))
		}
	}
	return nil
}

// whole refuses a plan that nobody could review: something that has to be on record is missing, or does not go together.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (p *Plan) whole(today workday.Date) *cpni.Refusal {
	switch {
	case p.Description == "":
		return lacks("nothing says what the campaign is", "describe it: what is offered to whom, and why")
	case len(p.Named) > 0 && !isZero(p.Filter):
		return lacks("it names its customers and chooses them by a filter as well", "do one of the two")
	case len(p.Uses) == 0:
		return lacks("nothing says which customer information it uses", "name the classes, service among them where the audience is chosen by what customers buy")
	case slices.ContainsFunc(p.Filter.Data(), func(c cpni.DataClass) bool { return !slices.Contains(p.Uses, c) }):
		return lacks("its audience is chosen by information that it does not say it uses", "name that class as well, or choose otherwise: "+joined(p.Filter.Data()))
	case p.Purpose == "":
		return lacks("nothing says for what the information is used", "name the purpose")
	case p.To == "":
		return lacks("nothing says who will see the information", "name the carrier, or the partner by its id")
	case p.Kind != ApprovalRequest && len(p.Products) == 0:
		return lacks("nothing says what it offers", "name each product with its category")
	case slices.ContainsFunc(p.Products, func(x Product) bool { return x.Name == "" || !slices.Contains(categories, x.Category) }):
		return lacks("a product lacks its name or its category", "give both: the category decides whether the customer's approval is needed")
	case p.Channel == "":
		return lacks("nothing says how it reaches its audience", "choose a channel")
	case p.Starts.IsZero() || p.Ends.IsZero():
		return lacks("it has no first and last day", "give both")
	case p.Ends.Before(p.Starts):
		return lacks("its last day lies before its first", "turn them round")
	case p.Kind == Affiliate && p.To == string(cpni.ToCarrier):
		return lacks("an affiliate's campaign names the affiliate", "name it by its id on the register of partners")
	case p.Kind != Affiliate && p.Ends.Before(today):
		return lacks("its last day is past", "give a day that is to come")
	case p.Kind == Affiliate:
		return nil
	case p.Channel == ByExport && (p.To == string(cpni.ToCarrier) || p.Kind != Marketing):
		return lacks("a file goes to a partner, and only of a marketing campaign", "name the partner who gets it, or another channel")
	case p.Kind == ApprovalRequest && p.Channel != ByEmail && p.Channel != ByPost:
		return lacks("customers are asked for approval in writing, by e-mail or by post", "choose one of the two")
	case p.Kind == ApprovalRequest && !onlyHas(p.Filter):
		return lacks("who is asked for approval is chosen by the services that they buy and by nothing else: more would be a use that they have not allowed yet", "choose by services, or ask everybody")
	}
	if p.Kind == Marketing && p.Channel != ByExport && p.Channel != ByList {
		for _, language := range Languages {
			s := p.Scripts[language]
			switch {
			case p.Channel == ByText && s.Short == "":
				return lacks("the text message is not written in every language", "write it in English and Spanish")
			case p.Channel != ByText && s.Text == "" || (p.Channel == ByEmail || p.Channel == ByPost) && s.Subject == "":
				return lacks("the script is not written in every language", "write its subject and text in English and Spanish")
			}
		}
	}
	return nil
}

func isZero(f audience.Filter) bool { return f.String() == audience.Filter{}.String() }

// onlyHas reports whether a filter says nothing but which services customers buy.
func onlyHas(f audience.Filter) bool {
	f.Has = nil
	return isZero(f)
}

// categories are those of products.
var categories = []cpni.Category{cpni.Local, cpni.LongDistance, cpni.Wireless, cpni.VoIP, cpni.Broadband, cpni.VoiceMail, cpni.CPE, cpni.CallFeatures, cpni.OtherProduct}

// Categories lists the categories of products in the order in which screens show them.
func Categories() []cpni.Category { return slices.Clone(categories) }

// Offer is what the rules read of what it offers; nil: it offers nothing.
//
// cite: P-07, 47 CFR 64.2005(a)
func (p *Plan) Offer() *rules.Offer {
	if len(p.Products) == 0 {
		return nil
	}
	o := &rules.Offer{}
	for _, x := range p.Products {
		if !slices.Contains(o.Categories, x.Category) {
			o.Categories = append(o.Categories, x.Category)
		}
	}
	return o
}

// Question is the question of whom the campaign may reach, asked by a member of the staff.
func (p *Plan) Question(by cpni.ID) audience.Question {
	return audience.Question{Caller: disclose.Caller{Staff: by}, Via: cpni.File, Purpose: p.Purpose, Data: p.Uses, To: p.To, Offer: p.Offer(), Filter: p.Filter}
}

// covers reports whether what was reviewed names a use.
//
// cite: P-40, 47 CFR 64.2009(c), 47 CFR 64.2009(d)
func (p *Plan) covers(f rules.Facts) bool {
	to := string(f.Recipient.Kind)
	if f.Recipient.Kind == cpni.ToPartner {
		to = f.Recipient.Partner
	}
	if f.Purpose != p.Purpose || to != p.To || f.Basis.PortOut != p.PortOut {
		return false
	}
	if slices.ContainsFunc(f.Data, func(c cpni.DataClass) bool { return !slices.Contains(p.Uses, c) }) {
		return false
	}
	return f.Offer == nil || !slices.ContainsFunc(f.Offer.Categories, func(c cpni.Category) bool {
		return !slices.ContainsFunc(p.Products, func(x Product) bool { return x.Category == c })
	})
}

// hash names exactly what the plan says.
func (p *Plan) hash() (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("writing a campaign: %w", err)
	}
	sum := sha256.Sum256(append([]byte("ringfence campaign v1\n"), text...))
	return hex.EncodeToString(sum[:]), nil
}
