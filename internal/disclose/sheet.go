package disclose

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/customer"
	"ringfence/internal/notify"
)

// Sheet is a table of what was released, in the words of the customer's language.
type Sheet struct {
	Title   string
	Columns []string
	Rows    [][]string
}

// sheetWords are the words of sheets. Fields of records are in the words of the data dictionary.
var sheetWords = map[string]map[string]string{
	"en": {"calls": "Calls of %s", "day": "Day", "time": "Time", "direction": "Direction", "number": "Number", "length": "Length", "to": "to", "from": "from", "withheld": "withheld", "unanswered": "not answered",
		"month": "Month", "line": "Line", "what": "What", "value": "Value", "account": "the account", "listing": "Directory listing", "name": "Name",
		string(cpni.Billing): "Bills", string(cpni.Usage): "Usage", string(cpni.Service): "Service", string(cpni.Location): "Location"},
	"es": {"calls": "Llamadas de %s", "day": "Día", "time": "Hora", "direction": "Sentido", "number": "Número", "length": "Duración", "to": "a", "from": "de", "withheld": "oculto", "unanswered": "no contestada",
		"month": "Mes", "line": "Línea", "what": "Dato", "value": "Valor", "account": "la cuenta", "listing": "Guía telefónica", "name": "Nombre",
		string(cpni.Billing): "Facturas", string(cpni.Usage): "Consumo", string(cpni.Service): "Servicio", string(cpni.Location): "Ubicación"},
}

// Sheets writes what was released as tables: one for the calls of each line, one for each other class. Times are by the
// clocks of zone.
//
// cite: P-17, P-21
func Sheets(r *Released, p *customer.Profile, zone *time.Location, language string) []Sheet {
	w := sheetWords["en"]
	if language == "es" {
		w = sheetWords["es"]
	}
	var all []Sheet
	if r == nil {
		return nil
	}
	for _, l := range r.Calls {
		s := Sheet{Title: fmt.Sprintf(w["calls"], l.Line), Columns: []string{w["day"], w["time"], w["direction"], w["number"], w["length"]}}
		for _, c := range l.Calls {
			at := c.At.In(zone)
			row := []string{at.Format(time.DateOnly), at.Format("15:04:05 MST"), w["from"], c.Number, (time.Duration(c.Seconds) * time.Second).String()}
			if c.Out {
				row[2] = w["to"]
			}
			if c.Number == "" {
				row[3] = w["withheld"]
			}
			if !c.Answered {
				row[4] = w["unanswered"]
			}
			s.Rows = append(s.Rows, row)
		}
		all = append(all, s)
	}
	for _, class := range []cpni.DataClass{cpni.Billing, cpni.Usage, cpni.Service, cpni.Location} {
		s := Sheet{Title: w[string(class)], Columns: []string{w["month"], w["line"], w["what"], w["value"]}}
		for _, i := range r.Items {
			if i.Class != class {
				continue
			}
			month, line := "", w["account"]
			if i.Period > 0 {
				month = fmt.Sprintf("%04d-%02d", i.Period/100, i.Period%100)
			}
			if n := slices.IndexFunc(p.Lines, func(l customer.Line) bool { return l.No == i.Line }); i.Line > 0 && n >= 0 {
				line = p.Lines[n].Number
			} else if i.Line > 0 {
				line = strconv.Itoa(i.Line)
			}
			for _, name := range slices.Sorted(maps.Keys(i.Values)) {
				s.Rows = append(s.Rows, []string{month, line, name, i.Values[name]})
			}
		}
		if len(s.Rows) > 0 {
			all = append(all, s)
		}
	}
	if len(r.Lines) > 0 {
		s := Sheet{Title: w["listing"], Columns: []string{w["number"], w["name"]}}
		for _, l := range r.Lines {
			s.Rows = append(s.Rows, []string{l.Number, l.Name})
		}
		all = append(all, s)
	}
	return all
}

// CSV writes a sheet as comma-separated values (RFC 4180), whose first row is the head. A cell that a spreadsheet would take
// for a formula begins with an apostrophe.
func (s Sheet) CSV() (notify.Enclosure, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	for _, row := range append([][]string{s.Columns}, s.Rows...) {
		safe := make([]string, len(row))
		for i, cell := range row {
			if _, number := customer.Number(cell); !number && strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				cell = "'" + cell
			}
			safe[i] = cell
		}
		if err := w.Write(safe); err != nil {
			return notify.Enclosure{}, fmt.Errorf("writing a sheet: %w", err)
		}
	}
	w.Flush()
	return notify.Enclosure{Name: s.Title, Type: "text/csv", Bytes: out.Bytes()}, w.Error()
}
