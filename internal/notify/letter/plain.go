package letter

import (
	"bytes"
	"time"

	"ringfence/internal/cpni"
	"ringfence/internal/notify"
)

// Plain makes letters with a letterhead of the carrier's name and some lines under it, where no print shop is configured: for those
// who print a letter themselves. The function that it gives makes the pages of a piece as a PDF; its error is an *Unfit when the piece
// can be no letter.
func Plain(carrier string, lines []string, clock cpni.Clock, zone *time.Location) (func(notify.Piece) ([]byte, error), error) {
	fonts, err := faces()
	if err != nil {
		return nil, err
	}
	s := &stationery{paper: Config{}.paper(), regular: fonts[0], bold: fonts[1], clock: clock, zone: zone}
	clean := func(line string) string {
		line, _ = printable(s.regular, line)
		return line
	}
	s.carrier = clean(carrier)
	s.letterhead = append(s.letterhead, s.carrier)
	for _, line := range lines {
		s.letterhead = append(s.letterhead, clean(line))
	}
	s.sender = []string{s.carrier}
	return func(piece notify.Piece) ([]byte, error) {
		f, err := s.letter(piece, mark{})
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := s.write(&b, f, language(piece.Language)); err != nil {
			return nil, err
		}
		return b.Bytes(), nil
	}, nil
}
