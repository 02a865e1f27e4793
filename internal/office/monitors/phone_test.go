package monitors_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringfence/internal/filing"
	"ringfence/internal/filing/monitor"
	"ringfence/internal/notify/voice"
	"ringfence/internal/store"
	"ringfence/internal/store/storetest"
)

// refusing starts sipp as a switch that connects no call, and gives its port.
func refusing(t testing.TB) int {
	t.Helper()
	path, err := exec.LookPath("sipp")
	if err != nil {
		t.Fatalf("sipp is not installed: apt-get install sip-tester, or run tools/setup.sh")
	}
	response := func(retransmitted, status string) string {
		return "<send" + retransmitted + "><![CDATA[\nSIP/2.0 " + status + "\n[last_Via:]\n[last_From:]\n[last_To:];tag=switch[call_number]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send>\n"
	}
	dir := t.TempDir()
	story := filepath.Join(dir, "switch.xml")
	text := `<?xml version="1.0" encoding="ISO-8859-1" ?><!DOCTYPE scenario SYSTEM "sipp.dtd"><scenario name="switch">` + "\n" + `<recv request="INVITE" crlf="true"></recv>` + response("", "100 Trying") + response(` retrans="500"`, "503 Service Unavailable") + `<recv request="ACK"></recv></scenario>` + "\n"
	if err := os.WriteFile(story, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := socket.LocalAddr().(*net.UDPAddr).Port
	if err := socket.Close(); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(path, "-sf", story, "-i", "127.0.0.1", "-p", fmt.Sprint(port), "-nostdin")
	run.Dir, run.SysProcAttr = dir, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	})
	// To try the port would be to take it; the system knows who has it.
	for range 3000 {
		open, err := os.ReadFile("/proc/net/udp")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(open), fmt.Sprintf(" 0100007F:%04X ", port)) {
			return port
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("sipp did not begin to listen")
	return 0
}

// A telephone line that the switch does not connect opens a file.
//
// cite: P-12, V55, 47 CFR 64.2008(d)(3)(v), 47 CFR 64.2009(f)
func TestALineThatIsNotConnected(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		line := voice.Config{Switch: fmt.Sprintf("127.0.0.1:%d", refusing(t)), From: "+12025550171"}
		for keys, records := range map[string]bool{"1,{account}#": false, "1 2": true} {
			if _, err := monitor.NewPhone(line, "+18005550100", keys, records, w.Clock); err == nil {
				t.Errorf("the keys %q are taken", keys)
			}
		}
		p, err := monitor.NewPhone(line, "+18005550100", "1,{account}#", true, w.Clock)
		if err != nil {
			t.Fatal(err)
		}
		w.Monitors.Use(monitor.Phone, p)
		n := w.Monitors.Numbers(w.Clock.Now())
		for range n.InARow {
			w.work(n.Every)
			if got := w.last(monitor.Phone); got.Outcome != monitor.Failing || got.Step != "ring" || !strings.Contains(got.Says, "503") {
				t.Errorf("it %s at %q: %s", got.Outcome, got.Step, got.Says)
			}
		}
		s := w.way(monitor.Phone)
		if s.State != monitor.Down || w.alerts(filing.Failed) != 1 {
			t.Fatalf("it is %s with %d alerts", s.State, w.alerts(filing.Failed))
		}
		if f := w.file(s.Failure); !strings.Contains(f.Facts.Mechanism, "telephone") {
			t.Errorf("the file says %+v", f.Facts)
		}
	})
}
