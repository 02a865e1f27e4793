package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"ringfence/internal/disclose"
	"ringfence/internal/server"
)

// measure runs each load that is wanted.
func (b *bench) measure(ctx context.Context) error {
	if b.wants("echo") {
		if err := b.echo(); err != nil {
			return err
		}
	}
	if b.wants("disclose") || b.wants("lookup") {
		if err := b.people(ctx); err != nil {
			return err
		}
		if err := b.serve(ctx); err != nil {
			return err
		}
	}
	if b.wants("approvals") {
		if err := b.approvals(ctx); err != nil {
			return err
		}
	}
	if b.Screened > 0 && b.wants("screen") {
		if err := b.screen(ctx); err != nil {
			return err
		}
	}
	if err := b.o.Ledger.Sequence(ctx); err != nil {
		return err
	}
	if b.wants("replay") {
		began := time.Now()
		r, err := disclose.Again{Records: b.o.DB.Reader(), Vault: b.o.Vault, Policies: b.o.Policy}.Run(ctx, io.Discard)
		if err != nil {
			return err
		}
		b.say("decisions replayed", float64(r.Decisions)/time.Since(began).Seconds(), fmt.Sprintf("a second (%d, %d differ)", r.Decisions, len(r.Differ)))
	}
	if b.wants("verify") {
		began := time.Now()
		v, err := b.o.Ledger.Verify(ctx, io.Discard)
		if err != nil {
			return err
		}
		b.say("entries verified", float64(v.Tree.N)/time.Since(began).Seconds(), fmt.Sprintf("a second (%d, %d faults)", v.Tree.N, len(v.Faults)))
	}
	return nil
}

// echo measures what the machine gives without us: net/http that answers what it is sent.
func (b *bench) echo() error {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }), ReadHeaderTimeout: time.Second}
	done := make(chan error, 1)
	go func() { done <- s.Serve(socket) }()
	l := b.ask(socket.Addr().String(), b.Connections, [][]byte{request("/", "", `{"data":["call-detail"]}`)})
	b.tell("bare net/http echo", l)
	return errors.Join(s.Close(), ignoreClosed(<-done), l.err)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// serve measures disclosures over HTTP: real decisions, durable records, the calls of one month in the answer.
func (b *bench) serve(ctx context.Context) (err error) {
	l, err := server.Listen(ctx, b.o.Office, b.config, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Stop()) }()
	var requests [][]byte
	for i, id := range b.proved {
		if b.Refused > 0 && i%100 < b.Refused && len(b.unknown) > 0 {
			id = b.unknown[i%len(b.unknown)]
		}
		requests = append(requests, request("/v1/disclosures", b.key, fmt.Sprintf(`{"contact":"%s","data":["call-detail"],"months":["2026-02"]}`, id)))
	}
	if len(requests) == 0 {
		return errors.New("there is no customer to ask about")
	}
	if b.wants("lookup") {
		b.tell("one line-month, 1 connection", b.ask(l.Address, 1, requests))
	}
	if b.wants("disclose") {
		if b.Profile != "" {
			f, err := os.Create(b.Profile)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := pprof.StartCPUProfile(f); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
		}
		load := b.ask(l.Address, b.Connections, requests)
		b.tell(fmt.Sprintf("disclosures, %d connections", b.Connections), load)
		return load.err
	}
	return nil
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// request writes a request as it goes over the wire.
func request(path, key, body string) []byte {
	var r strings.Builder
	fmt.Fprintf(&r, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", path, len(body))
	if key != "" {
		fmt.Fprintf(&r, "Authorization: Bearer %s\r\n", key)
	}
	r.WriteString("\r\n" + body)
	return []byte(r.String())
}

// load is what a load gave.
type load struct {
	answers int
	bytes   int64
	status  map[int]int
	took    time.Duration
	work    time.Duration   // of the processors, ours and that of those who ask, with the second of warming up
	all     int             // answers in that time
	sorted  []time.Duration // of every answer
	err     error
}

func (b *bench) tell(what string, l load) {
	if len(l.sorted) == 0 {
		fmt.Fprintf(b.out, "%-28s no answers: %v\n", what, l.err)
		return
	}
	at := func(q float64) float64 {
		return float64(l.sorted[int(q*float64(len(l.sorted)-1))].Microseconds()) / 1000
	}
	fmt.Fprintf(b.out, "%-28s %12.0f a second; p50 %.2f ms, p99 %.2f ms, most %.1f ms; %d bytes each; %.0f µs of processor each; status %v\n", what, float64(l.answers)/l.took.Seconds(), at(0.5), at(0.99), at(1),
		l.bytes/int64(l.answers), float64(l.work.Microseconds())/float64(l.all), l.status)
}

// ask sends requests over connections, each after the answer to the one before it, for as long as the run says.
func (b *bench) ask(address string, connections int, requests [][]byte) load {
	var mu sync.Mutex
	total := load{status: map[int]int{}}
	var all sync.WaitGroup
	warm := time.Now().Add(time.Second)
	end := warm.Add(time.Duration(b.Seconds) * time.Second)
	worked := processorTime()
	for n := range connections {
		all.Go(func() {
			one, err := b.connection(address, requests, uint64(n), warm, end)
			mu.Lock()
			defer mu.Unlock()
			total.answers += one.answers
			total.all += one.all
			total.bytes += one.bytes
			total.sorted = append(total.sorted, one.sorted...)
			for k, v := range one.status {
				total.status[k] += v
			}
			total.err = errors.Join(total.err, err)
		})
	}
	all.Wait()
	total.took, total.work = end.Sub(warm), processorTime()-worked
	slices.Sort(total.sorted)
	return total
}

func (b *bench) connection(address string, requests [][]byte, seed uint64, warm, end time.Time) (load, error) {
	l := load{status: map[int]int{}}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return l, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	r := rand.New(rand.NewPCG(seed, 1))
	for {
		began := time.Now()
		if began.After(end) {
			return l, nil
		}
		if _, err := conn.Write(requests[r.IntN(len(requests))]); err != nil {
			return l, err
		}
		status, size, err := readAnswer(in)
		if err != nil {
			return l, err
		}
		l.all++
		if began.Before(warm) {
			continue
		}
		l.answers++
		l.bytes += int64(size)
		l.status[status]++
		l.sorted = append(l.sorted, time.Since(began))
	}
}

// readAnswer reads one answer and forgets its body.
func readAnswer(in *bufio.Reader) (status, size int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("no answer of HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	chunked := false
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			break
		}
		if n, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			if size, err = strconv.Atoi(strings.TrimSpace(n)); err != nil {
				return 0, 0, err
			}
		}
		chunked = chunked || strings.HasPrefix(string(line), "Transfer-Encoding: chunked")
	}
	if !chunked {
		_, err = in.Discard(size)
		return status, size, err
	}
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return 0, 0, err
		}
		if _, err := in.Discard(int(n) + 2); err != nil {
			return 0, 0, err
		}
		if n == 0 {
			return status, size, nil
		}
		size += int(n)
	}
}
