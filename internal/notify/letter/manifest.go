package letter

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"time"

	"ringfence/internal/cpni"
)

// Manifest tells the print shop what a batch holds. It has neither names nor addresses: both stand on the letters, and
// what a printer needs beside them is how many sheets go into each envelope, what that weighs, and the ZIP code by which
// mail is sorted. So the manifest may lie in a queue, a log or an e-mail without telling who has written to whom.
type Manifest struct {
	Format    string    `json:"format"` // ringfence-letters/1
	Batch     string    `json:"batch"`
	Made      time.Time `json:"made"` // UTC
	Paper     string    `json:"paper"`
	Duplex    bool      `json:"duplex"`
	Postage   string    `json:"postage"`
	Joined    bool      `json:"joined"`
	Encrypted bool      `json:"encrypted"` // the PDF files are encrypted with age
	Letters   int       `json:"letters"`
	Sheets    int       `json:"sheets"`
	Files     []FileOf  `json:"files"`
	Pieces    []InBatch `json:"pieces"`
}

// FileOf is a file of a batch, as it lies in the folder.
type FileOf struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// InBatch is a letter of a batch.
type InBatch struct {
	Number int     `json:"number"` // within the batch, from 1
	Piece  cpni.ID `json:"piece"`
	File   string  `json:"file"`
	First  int     `json:"first_page"` // in the file, from 1
	Pages  int     `json:"pages"`
	Sheets int     `json:"sheets"`
	Grams  float64 `json:"grams"` // with the envelope, as paper weighs
	Weight string  `json:"weight_class"`
	Class  string  `json:"postage"`
	ZIP    string  `json:"zip"`    // five digits; "": none was found
	SHA256 string  `json:"sha256"` // of the file
	// Replaced counts characters that could not be printed, so that a person may look at the letter before it goes.
	Replaced int `json:"replaced"`
}

const manifestFormat = "ringfence-letters/1"

// json is the manifest for programs.
func (m Manifest) json() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// csv is the manifest for those who have a spreadsheet; it has the letters alone.
func (m Manifest) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"batch", "number", "piece", "file", "first_page", "pages", "sheets", "grams", "weight_class", "postage", "zip", "sha256", "replaced"}}
	for _, p := range m.Pieces {
		rows = append(rows, []string{m.Batch, strconv.Itoa(p.Number), string(p.Piece), p.File, strconv.Itoa(p.First), strconv.Itoa(p.Pages), strconv.Itoa(p.Sheets),
			strconv.FormatFloat(p.Grams, 'f', 2, 64), p.Weight, p.Class, p.ZIP, p.SHA256, strconv.Itoa(p.Replaced)})
	}
	err := w.WriteAll(rows)
	return b.Bytes(), err
}
