package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ringfence/internal/api"
	"ringfence/internal/console"
	"ringfence/internal/office"
	"ringfence/internal/portal"
)

// Timeouts of connections. The first byte of an answer must not wait longer than writeTime.
const (
	headerTime = 5 * time.Second
	readTime   = 20 * time.Second // for a whole request
	writeTime  = 30 * time.Second
	idleTime   = 2 * time.Minute
	stopTime   = 20 * time.Second // for requests in flight when the server is told to stop
	mostHeader = 16 << 10
)

// Listening is a server that answers.
type Listening struct {
	Address string // host:port
	Metrics string // host:port for Prometheus; empty: none
	stop    context.CancelFunc
	done    chan error
}

// Stop lets requests in flight end, records what was decided, and stops.
func (l *Listening) Stop() error {
	l.stop()
	return <-l.done
}

// Wait waits until the server has stopped by itself or by Stop.
func (l *Listening) Wait() error { return <-l.done }

// Listen begins to answer for an office at address. It ends when ctx does. secure says that people reach it by HTTPS.
func Listen(ctx context.Context, o *office.Office, c Config, log *slog.Logger, secure bool) (*Listening, error) {
	socket, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening at %s: %w; is another program there?", c.Listen, err)
	}
	var metrics net.Listener
	m := newMetrics(o)
	if c.Metrics != "" {
		if metrics, err = net.Listen("tcp", c.Metrics); err != nil {
			return nil, errors.Join(fmt.Errorf("listening for metrics at %s: %w", c.Metrics, err), socket.Close())
		}
	}
	ctx, stop := context.WithCancel(ctx)
	l := &Listening{Address: socket.Addr().String(), stop: stop, done: make(chan error, 1)}
	report := func(err error) { log.Error("work failed", "error", err) }
	options, err := c.consoleOptions(o.Clock, o.Zone, secure, report)
	var ways *reach
	if err == nil {
		ways, err = c.reach(o, report)
	}
	if err != nil {
		stop()
		return nil, errors.Join(err, socket.Close(), closeIf(metrics))
	}
	o.Reach(ways.channels)
	o.Surround(c.surroundings(o, secure))
	options.Settings, options.Stories = c.settings(secure, o), c.stories()
	for _, r := range ways.records {
		options.Settings = append(options.Settings, console.Setting{Name: "To publish: TXT " + r.Name, Value: r.Value})
	}
	server := &http.Server{Handler: Handler(o, options, ways, m, report, secure), ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: mostHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	servers := []*http.Server{server}
	var all sync.WaitGroup
	all.Go(func() { o.Run(ctx, report) })
	all.Go(func() { ways.run(ctx, report) })
	failed := make(chan error, 2)
	all.Go(func() { failed <- server.Serve(socket) })
	if metrics != nil {
		l.Metrics = metrics.Addr().String()
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
		own := &http.Server{Handler: mux, ReadHeaderTimeout: headerTime, WriteTimeout: writeTime}
		servers = append(servers, own)
		all.Go(func() { failed <- own.Serve(metrics) })
	}
	go func() {
		var err error
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
		last, cancel := context.WithTimeout(context.Background(), stopTime)
		for _, s := range servers {
			err = errors.Join(err, s.Shutdown(last))
		}
		cancel()
		o.Close() // after the last request, before the sequencer stops
		if err := o.Ledger.Sequence(context.WithoutCancel(ctx)); err != nil {
			report(err)
		}
		stop()
		all.Wait()
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		l.done <- err
	}()
	return l, nil
}

// closeIf closes a listener that is there.
func closeIf(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

// Handler answers everything that an office answers over HTTP.
func Handler(o *office.Office, options console.Options, ways *reach, m *metrics, report func(error), secure bool) http.Handler {
	mux := http.NewServeMux()
	rest := api.New(o, report)
	mux.Handle("/v1/", m.measured("api", rest.Handler()))
	mux.Handle("GET /ledger/", m.measured("ledger", http.StripPrefix("/ledger", o.Ledger.Handler())))
	for path, hook := range ways.hooks {
		mux.Handle("POST "+path, m.measured("hooks", hook))
	}
	customers := m.measured("portal", portal.New(o, portal.Options{Carrier: o.Carrier, Secure: secure, Proxies: options.Proxies, PDF: ways.letters.Document, Pages: ways.letters.Pages, Report: report}).Handler())
	mux.Handle("/account/", customers)
	mux.Handle(office.RecordsLink, customers)
	mux.Handle(office.NotMeLink, customers)
	mux.Handle(office.GivenLink, customers)
	mux.Handle("GET /privacy", customers)
	mux.Handle("GET /privacy/", customers)
	mux.Handle(office.ChoicesLink, customers)
	mux.Handle("GET "+portal.SignalPlace, customers)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { ready(w, r, o) })
	mux.Handle("/", m.measured("console", console.New(o, options).Handler()))
	return headers(mux, secure)
}

// ready tells whether this node can decide and record now, and what is in the way.
func ready(w http.ResponseWriter, r *http.Request, o *office.Office) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	faults := map[string]string{}
	for _, c := range o.Checks(ctx) {
		if c.Says != "" {
			faults[c.Name] = c.Says
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if len(faults) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	answer := map[string]any{"ready": len(faults) == 0, "faults": faults}
	// A witness is a stranger, whose word stops nothing; but not all is well then.
	if s, err := o.Witnesses.Standing(ctx); err == nil && s.Says() != "" {
		answer["worries"] = map[string]string{"witnesses": s.Says()}
	}
	json.NewEncoder(w).Encode(answer)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text))
}

// headers sets what every answer bears. Nothing here is for other pages to frame, for proxies to keep or for browsers to
// guess at.
func headers(next http.Handler, secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		h["Referrer-Policy"] = noReferrer
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if h.Get("Cache-Control") == "" {
			h["Cache-Control"] = noStore
		}
		next.ServeHTTP(w, r)
	})
}

// Values that every answer shares.
var (
	noSniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	noStore    = []string{"no-store"}
)
