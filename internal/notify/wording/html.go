package wording

import (
	"html"
	"html/template"
	"regexp"
	"slices"
	"strings"

	nethtml "golang.org/x/net/html"
)

// makeHTML compiles the HTML of a message: its parts in the layout that all share.
func (t *Template) makeHTML(say sayer) {
	made, err := template.New(t.doc.Kind).Parse(tokenised(strings.ReplaceAll(t.doc.Layout, "{body}", t.body())))
	if err != nil {
		say(".html", "P-25", "it cannot be made: %v", err)
		return
	}
	t.html = made
}

// tokenised puts what a template of HTML fills in where tokens stand.
func tokenised(source string) string {
	return layoutToken.ReplaceAllStringFunc(strings.ReplaceAll(source, "{subject}", `{{index . "subject"}}`), func(place string) string {
		return `{{index . "` + place[1:len(place)-1] + `"}}`
	})
}

// body is the HTML of the parts, with tokens.
func (t *Template) body() string {
	var body strings.Builder
	for _, p := range t.doc.Parts {
		class := ""
		switch p.Says {
		case "{link}":
			class = ` class="link"`
		case "{code}":
			class = ` class="code"`
		}
		if name, is := aloneList(p.Says); is {
			body.WriteString("<ul>{{range index . \"" + name + " items\"}}<li>{{.}}</li>{{end }}</ul>\n")
			continue
		}
		text := p.HTML
		if text == "" {
			text = anchored(p.Says)
		}
		body.WriteString("<p" + class + ">" + text + "</p>\n")
	}
	return body.String()
}

// layoutToken is a token between the braces of style sheets.
var layoutToken = regexp.MustCompile(`\{([a-z]+(?:-[a-z]+)*)\}`)

// anchored makes HTML of a part's words: addresses and numbers can be pressed, codes stand out.
func anchored(says string) string {
	says = html.EscapeString(says)
	return tokenPlace.ReplaceAllStringFunc(says, func(place string) string {
		name := place[1 : len(place)-1]
		switch tokens[name].form {
		case link:
			return `<a href="` + place + `">` + place + `</a>`
		case telephone:
			return `<a class="number" href="tel:{{index . "` + name + ` dialled"}}">` + place + `</a>`
		case mailbox:
			return `<a href="mailto:` + place + `">` + place + `</a>`
		case secret, digits:
			return `<strong>` + place + `</strong>`
		}
		return place
	})
}

// links are the addresses to which the HTML of a message may point, when it is filled with these values.
func (t *Template) links(values map[string]string) []string {
	var all []string
	for _, name := range t.doc.Tokens {
		switch tokens[name].form {
		case link:
			all = append(all, values[name])
		case mailbox:
			all = append(all, "mailto:"+values[name])
		case telephone:
			all = append(all, "tel:"+values[name], "tel:"+dialled(values[name]))
		}
	}
	return all
}

// Elements and attributes that the HTML of a message may have. Nothing here runs, loads or sends anything.
var (
	elementsAllowed   = strings.Fields("html head meta title style body div table tbody tr td p h1 h2 a strong b em i br span ul ol li hr")
	attributesAllowed = strings.Fields("lang dir class id role charset name content align width cellpadding cellspacing border aria-label")
	metaAllowed       = strings.Fields("viewport color-scheme supported-color-schemes")
	// loads is a style sheet that fetches something, or hides what it does behind escapes.
	loads = regexp.MustCompile(`(?i)url\s*\(|@import|@font-face|expression\s*\(|image-set|src\s*:|\\|</`)
)

// allowed tells what the HTML of a message has that it may not: scripts, forms, pictures, anything that is fetched, and
// links other than those of its tokens.
//
// cite: P-25, I-09
func allowed(text string, links []string, say func(format string, a ...any)) {
	z := nethtml.NewTokenizer(strings.NewReader(text))
	for inStyle := false; ; {
		switch z.Next() {
		case nethtml.ErrorToken:
			return
		case nethtml.CommentToken:
			say("the HTML has a comment, in which some mail programs find commands")
		case nethtml.TextToken:
			if inStyle && loads.Match(z.Raw()) {
				say("the style sheet fetches something or has escapes; a message is whole by itself")
			}
		case nethtml.EndTagToken:
			if name, _ := z.TagName(); string(name) == "style" {
				inStyle = false
			}
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			tag := z.Token()
			if !slices.Contains(elementsAllowed, tag.Data) {
				say("the HTML has the element <%s>; a message has no scripts, pictures, forms or frames", tag.Data)
			}
			inStyle = tag.Data == "style"
			for _, a := range tag.Attr {
				switch {
				case a.Key == "href" && tag.Data == "a":
					if !slices.Contains(links, a.Val) {
						say("the HTML has a link that is none of its tokens: a link is {link}, or tel: and {telephone}")
					}
				case a.Key == "name" && tag.Data == "meta" && !slices.Contains(metaAllowed, a.Val):
					say("the HTML has a meta element %q", a.Val)
				case a.Key == "style":
					if loads.MatchString(a.Val) {
						say("a style fetches something or has escapes; a message is whole by itself")
					}
				case !slices.Contains(attributesAllowed, a.Key):
					say("the HTML has the attribute %q at <%s>", a.Key, tag.Data)
				}
			}
		}
	}
}

// strippedOf gives what a person reads of a piece of HTML.
func strippedOf(text string) string {
	var b strings.Builder
	z := nethtml.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return folded(b.String())
		case nethtml.TextToken:
			b.WriteString(html.UnescapeString(string(z.Raw())))
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			if name, _ := z.TagName(); string(name) == "br" || string(name) == "li" {
				b.WriteByte(' ')
			}
		}
	}
}

// folded brings white space to single spaces.
func folded(text string) string { return strings.Join(strings.Fields(text), " ") }
