package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ringfence/internal/office"
)

// metrics count what is answered, by part and status: never by customer, contact or address.
type metrics struct {
	registry *prometheus.Registry
	answers  *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(o *office.Office) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ringfence_http_answers_total", Help: "Answers by part of the interface and status."}, []string{"part", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "ringfence_http_seconds", Help: "Time to answer, by part of the interface.",
			Buckets: []float64{.001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 5}}, []string{"part"}),
	}
	m.registry.MustRegister(m.answers, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "ringfence_decisions_permitted_total", Help: "Decisions recorded by this node that permitted."}, func() float64 { return float64(o.Door.Counts().Permitted) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "ringfence_decisions_refused_total", Help: "Decisions recorded by this node that refused."}, func() float64 { return float64(o.Door.Counts().Refused) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "ringfence_decisions_unrecorded_total", Help: "Requests that were refused because nothing could be recorded."}, func() float64 { return float64(o.Door.Counts().Unrecorded) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ringfence_ledger_entries", Help: "Entries in the newest signed tree that this node knows."}, func() float64 { return float64(o.Ledger.Known()) }))
	m.registry.MustRegister(messageMetrics{o})
	return m
}

// messageMetrics tell of messages by way and state, and of nobody.
type messageMetrics struct{ office *office.Office }

var (
	messagesWaiting = prometheus.NewDesc("ringfence_messages_waiting", "Messages that wait to go out, by way.", []string{"way"}, nil)
	messagesOldest  = prometheus.NewDesc("ringfence_messages_oldest_seconds", "How long the oldest message that waits has waited, by way; 0: none waits.", []string{"way"}, nil)
	messagesDead    = prometheus.NewDesc("ringfence_messages_dead", "Messages that did not arrive and that nobody has settled, by way.", []string{"way"}, nil)
	messagesBecame  = prometheus.NewDesc("ringfence_messages_total", "Messages that came to a state by this node's work, by way and state.", []string{"way", "state"}, nil)
)

// Describe names the metrics.
func (messageMetrics) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{messagesWaiting, messagesOldest, messagesDead, messagesBecame} {
		all <- d
	}
}

// messageTime bounds how long a collection waits for the database.
const messageTime = 2 * time.Second

// Collect looks at the outbox.
func (m messageMetrics) Collect(all chan<- prometheus.Metric) {
	for _, c := range m.office.Messages.Tally() {
		all <- prometheus.MustNewConstMetric(messagesBecame, prometheus.CounterValue, float64(c.N), string(c.Via), string(c.State))
	}
	ctx, cancel := context.WithTimeout(context.Background(), messageTime)
	defer cancel()
	queues, err := m.office.Outbox.Queues(ctx)
	if err != nil {
		all <- prometheus.NewInvalidMetric(messagesWaiting, err)
		return
	}
	for _, q := range queues {
		waited := 0.
		if !q.Oldest.IsZero() {
			waited = max(0, m.office.Clock.Now().Sub(q.Oldest).Seconds())
		}
		for desc, value := range map[*prometheus.Desc]float64{messagesWaiting: float64(q.N), messagesOldest: waited, messagesDead: float64(q.Dead)} {
			all <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, string(q.Via))
		}
	}
}

// measured counts the answers of a part.
func (m *metrics) measured(part string, next http.Handler) http.Handler {
	seconds := m.seconds.WithLabelValues(part)
	var byStatus [600]prometheus.Counter
	for _, status := range []int{200, 201, 204, 303, 304, 400, 401, 403, 404, 409, 413, 422, 429, 500, 503} {
		byStatus[status] = m.answers.WithLabelValues(part, strconv.Itoa(status))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(s, r)
		seconds.Observe(time.Since(began).Seconds())
		if s.status < len(byStatus) && byStatus[s.status] != nil {
			byStatus[s.status].Inc()
			return
		}
		m.answers.WithLabelValues(part, strconv.Itoa(s.status)).Inc()
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap gives the writer beneath, for http.ResponseController.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
