package intake

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Format names what wrote a file of calls.
type Format string

// The formats of call files.
const (
	Asterisk   Format = "asterisk"   // cdr_csv, or cdr_custom's own template; each row tells which by where its start stands
	FreeSWITCH Format = "freeswitch" // mod_cdr_csv, default template
	CSV        Format = "csv"        // anything with columns: our own names, or those of a map
)

// Map says how to read the calls of one source. Every part is optional; the zero Map reads the format as it is.
type Map struct {
	Format  Format  `yaml:"format"`
	Zone    string  `yaml:"zone"`    // zone of times without one, when the command gives none
	Header  *bool   `yaml:"header"`  // csv: whether the first line names the columns; default: yes
	Columns Columns `yaml:"columns"` // csv: where each thing stands
	Time    string  `yaml:"time"`    // a Go layout, "unix" or "unix-ms"; default: 2006-01-02 15:04:05 or RFC 3339
	Numbers Numbers `yaml:"numbers"`

	Answered   []string            `yaml:"answered"`   // values of the answered column that mean yes
	Directions map[string][]string `yaml:"directions"` // in, out, inside, both → values of the direction column
	Contexts   map[string]string   `yaml:"contexts"`   // dial plan context → in, out, inside or both; "default" for the others
}

// Columns gives the name (with a header) or the number from 1 of each column. Empty ones are not there.
type Columns struct {
	ID        string `yaml:"id"`       // what all legs of one call share
	Caller    string `yaml:"caller"`   // needed
	Called    string `yaml:"called"`   // needed
	Start     string `yaml:"start"`    // needed
	Answer    string `yaml:"answer"`   // when it was answered; empty if it was not
	End       string `yaml:"end"`      //
	Duration  string `yaml:"duration"` // seconds from start to end
	Seconds   string `yaml:"seconds"`  // seconds from answer to end
	Answered  string `yaml:"answered"` // yes or no
	Direction string `yaml:"direction"`
	Context   string `yaml:"context"`
}

// maxMapFile bounds a map; a long list of extensions fits.
const maxMapFile = 1 << 20

// errMap is wrapped by every error about the text of a map.
var errMap = errors.New("the map")

func mapError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMap, fmt.Sprintf(format, args...))
}

// ReadMap reads the YAML of a map. An unknown field is an error that names its line; anchors and aliases are refused.
func ReadMap(r io.Reader) (*Map, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMapFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the map: %w", err)
	}
	if len(text) > maxMapFile {
		return nil, mapError("is longer than 1 MiB")
	}
	for _, t := range lexer.Tokenize(string(text)) {
		if t.Type == token.AnchorType || t.Type == token.AliasType || t.Type == token.MergeKeyType {
			return nil, mapError("line %d: anchors and aliases are not allowed", t.Position.Line)
		}
	}
	m := new(Map)
	if err := yaml.UnmarshalWithOptions(text, m, yaml.Strict()); err != nil {
		return nil, mapError("%s", yaml.FormatError(err, false, true))
	}
	return m, m.check()
}

func (m *Map) check() error {
	switch m.Format {
	case "", Asterisk, FreeSWITCH, CSV:
	default:
		return mapError("format must be asterisk, freeswitch or csv, not %q", m.Format)
	}
	if m.Zone != "" {
		if _, err := LoadZone(m.Zone); err != nil {
			return mapError("zone: %v", err)
		}
	}
	if m.Format != CSV && m.Format != "" && (m.Columns != Columns{} || m.Time != "" || m.Header != nil) {
		return mapError("columns, time and header belong to format csv; %s has its own", m.Format)
	}
	if strings.Contains(m.Time, "MST") {
		return mapError("time: letters such as EST do not say which zone is meant; use an offset (-0700) or a zone")
	}
	for value := range m.Directions {
		if _, ok := directions[value]; !ok {
			return mapError("directions: %q is none of in, out, inside, both", value)
		}
	}
	for context, value := range m.Contexts {
		if _, ok := directions[value]; !ok {
			return mapError("contexts: %s: %q is none of in, out, inside, both", context, value)
		}
	}
	_, err := newNormaliser(m.Numbers)
	return err
}

// LoadZone loads a zone by its IANA name, for instance America/New_York. "Local" is refused: a file read on another
// machine must mean the same.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("name a zone such as America/New_York or UTC")
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no zone of the IANA list; name one such as America/New_York or UTC", name)
	}
	return z, nil
}

// direction says to which of our lines a row belongs.
type direction uint8

const (
	both   direction = iota // the caller's line if it is ours, and the called one if it is ours
	in                      // only the called line: whatever number the caller showed, the call came from outside
	out                     // only the caller's line
	inside                  // a leg between parts of the exchange: not a call of any line
)

var directions = map[string]direction{"both": both, "in": in, "out": out, "inside": inside}
