package voice

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
)

// logged is what any library writes to the log while the tests run.
var logged struct {
	mu sync.Mutex
	bytes.Buffer
}

type logWriter struct{}

func (logWriter) Write(p []byte) (int, error) {
	logged.mu.Lock()
	defer logged.mu.Unlock()
	return logged.Write(p)
}

// TestMain runs many tests side by side, for they wait more than they work, and looks at the end whether a number stands
// in the log.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "10"); err != nil {
		panic(err)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(logWriter{}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	code := m.Run()
	if log := logged.String(); code == 0 && strings.Contains(log, strings.TrimPrefix(customer, "+")) {
		fmt.Println("FAIL: a customer's number stands in the log:", log)
		code = 1
	}
	os.Exit(code)
}
