package answer

import (
	"slices"
	"strings"
)

// own leaves of a text what its writer has written: not what is quoted below or between, not what a device adds, not the signature
// behind its mark.
func (w *Words) own(text string) string {
	var kept []string
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "--" || strings.HasPrefix(line, ">") {
			if line == "--" {
				break
			}
			continue
		}
		if w.quotes(lines, i) {
			break
		}
		if p := plain(line); p != "" && w.added(p) {
			continue
		}
		kept = append(kept, lines[i])
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

// mostWroteLines is over how many lines a mail program breaks "On … somebody wrote:".
const mostWroteLines = 3

// quotes reports whether what is quoted begins at a line: by a ruled title, by "On … somebody wrote:", or by the header of the message
// that is answered.
func (w *Words) quotes(lines []string, at int) bool {
	line := strings.TrimSpace(lines[at])
	p := plain(line)
	if p == "" {
		return strings.Count(line, "_") >= 20 // a ruled line, as some programs set above what they quote
	}
	for _, l := range w.languages {
		for _, q := range l.Quoted {
			if p == q || strings.HasPrefix(line, "---") && contains(p, q) {
				return true
			}
		}
	}
	return w.wrote(lines, at) || w.heads(lines, at)
}

// wrote reports whether a line and those behind it are "On … somebody wrote:". The first of them bears the date, so that what the
// customer has written above it is not taken for a part of it.
func (w *Words) wrote(lines []string, at int) bool {
	if !strings.ContainsAny(lines[at], "0123456789") || !w.opens(plain(lines[at])) {
		return false
	}
	whole := ""
	for _, line := range lines[at:min(len(lines), at+mostWroteLines)] {
		if strings.TrimSpace(line) == "" {
			return false
		}
		whole = strings.TrimSpace(whole + " " + strings.TrimSpace(line))
		if strings.HasSuffix(whole, ":") {
			p := plain(whole)
			for _, l := range w.languages {
				for _, word := range l.Wrote {
					if strings.HasSuffix(p, " "+word) {
						return true
					}
				}
			}
			return false
		}
	}
	return false
}

func (w *Words) opens(p string) bool {
	word, _, _ := strings.Cut(p, " ")
	for _, l := range w.languages {
		if slices.Contains(l.On, word) {
			return true
		}
	}
	return false
}

// heads reports whether a line and the next that has words are both fields of a header.
func (w *Words) heads(lines []string, at int) bool {
	if !w.field(lines[at]) {
		return false
	}
	for _, line := range lines[at+1:] {
		if strings.TrimSpace(line) != "" {
			return w.field(line)
		}
	}
	return false
}

func (w *Words) field(line string) bool {
	name, _, ok := strings.Cut(line, ":")
	if !ok || len(name) > 40 {
		return false
	}
	p := plain(name)
	for _, l := range w.languages {
		for _, h := range l.Header {
			if p == h {
				return true
			}
		}
	}
	return false
}

// added reports whether a plain line is one that devices and companies add.
func (w *Words) added(p string) bool {
	for _, l := range w.languages {
		for _, f := range l.Footers {
			if p == f || strings.HasPrefix(p, f+" ") {
				return true
			}
		}
	}
	return false
}
