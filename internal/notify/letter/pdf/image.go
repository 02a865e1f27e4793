package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// Image is a picture, packed once for all documents that show it.
type Image struct {
	name          string
	Width, Height int // in pixels
	colours       []byte
	alpha         []byte // nil: nothing shines through
}

// mostPixels bounds a picture: a letterhead needs no more, and one that is packed small may be huge.
const mostPixels = 4 << 20

// ParsePNG reads a picture and gives it a name of its own in the documents.
func ParsePNG(name string, file []byte) (*Image, error) {
	about, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("reading a picture: %w", err)
	}
	if about.Width <= 0 || about.Height <= 0 || about.Width > mostPixels/about.Height {
		return nil, fmt.Errorf("the picture has %d by %d pixels, and %d in all is the most", about.Width, about.Height, mostPixels)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("reading a picture: %w", err)
	}
	return pack(name, picture)
}

func pack(name string, picture image.Image) (*Image, error) {
	box := picture.Bounds()
	m := &Image{name: name, Width: box.Dx(), Height: box.Dy()}
	colours, alpha := make([]byte, 0, 3*m.Width*m.Height), make([]byte, 0, m.Width*m.Height)
	clear := false
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
			colours, alpha = append(colours, c.R, c.G, c.B), append(alpha, c.A)
			clear = clear || c.A != 255
		}
	}
	var err error
	if m.colours, err = deflated(colours, zlib.BestCompression); err != nil {
		return nil, err
	}
	if clear {
		m.alpha, err = deflated(alpha, zlib.BestCompression)
	}
	return m, err
}
