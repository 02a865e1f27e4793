package yearly

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
)

// CSV writes a year as a table (RFC 4180): a line a series, with its months and its total; where nothing is known the field is empty.
//
// cite: P-41
func (y *Year) CSV() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	head := []string{"section", "series", "title", "unit"}
	for m := range Months {
		head = append(head, fmt.Sprintf("%d-%02d", y.Year, m+1))
	}
	lines := [][]string{append(head, "year")}
	text := func(c Cell) string {
		if !c.Known {
			return ""
		}
		return strconv.FormatInt(c.N, 10)
	}
	for _, s := range y.Sections {
		for _, x := range s.Series {
			line := []string{s.Key, x.Key, x.Title, string(x.Unit)}
			for _, c := range x.Cells {
				line = append(line, text(c))
			}
			lines = append(lines, append(line, text(x.Total)))
		}
	}
	if err := w.WriteAll(lines); err != nil {
		return nil, fmt.Errorf("writing a year as a table: %w", err)
	}
	return out.Bytes(), nil
}
