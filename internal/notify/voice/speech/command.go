package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// What a command that synthesises may take: time, and bytes of its answer.
const (
	commandTime  = 15 * time.Second
	commandBytes = 16 << 20
)

var errTooMuch = errors.New("it wrote more than fits a sentence")

// synthesise has a program say a sentence. It is started as it stands, without a shell, and is told nothing but the
// sentence; what it complains of is not passed on, for it may repeat the sentence.
func synthesise(ctx context.Context, command []string, text string) (Audio, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	out := &atMost{left: commandBytes}
	run := exec.CommandContext(ctx, command[0], command[1:]...)
	run.Stdin, run.Stdout = strings.NewReader(text+"\n"), out
	run.WaitDelay = time.Second
	err := run.Run()
	switch {
	case out.left < 0:
		return nil, fmt.Errorf("%s: %w", command[0], errTooMuch)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s did not end within %v", command[0], commandTime)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", command[0], err)
	}
	a, err := ReadWAV(out.buffer.Bytes())
	if err != nil {
		return nil, fmt.Errorf("what %s writes: %w", command[0], err)
	}
	return a, nil
}

// atMost is a buffer that takes so much and no more. It does not embed one: what reads by itself would pass the bound.
type atMost struct {
	buffer bytes.Buffer
	left   int
}

func (b *atMost) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrShortWrite
	}
	return b.buffer.Write(p)
}
