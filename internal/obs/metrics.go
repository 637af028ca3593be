package obs

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Prefix of all metrics of ivrd.
const Prefix = "ivrd_"

// Metrics is the registry of one server. Names are given without the prefix;
// no label may hold a caller, a number or a call ID. A name that is registered
// twice panics: it is a fault of the program.
type Metrics struct {
	registry *prometheus.Registry
}

// NewMetrics returns a registry that holds the Go runtime's and the process's
// own metrics.
func NewMetrics() *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{r}
}

// Handler serves the metrics in the formats of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// CounterFunc exposes a count that its owner keeps.
func (m *Metrics) CounterFunc(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: Prefix + name, Help: help}, read))
}

// NamedFunc is CounterFunc under a full name, see Named.
func (m *Metrics) NamedFunc(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// GaugeFunc exposes a level that its owner keeps.
func (m *Metrics) GaugeFunc(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: Prefix + name, Help: help}, read))
}

// GaugeOf is GaugeFunc for one of several things of a kind, told apart by a
// label.
func (m *Metrics) GaugeOf(name, help, label, value string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: Prefix + name, Help: help, ConstLabels: prometheus.Labels{label: value},
	}, read))
}

// CounterOf is CounterFunc for one of several things of a kind, told apart by a label.
func (m *Metrics) CounterOf(name, help, label, value string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: Prefix + name, Help: help, ConstLabels: prometheus.Labels{label: value},
	}, read))
}

// Counter counts by labels.
type Counter struct{ vec *prometheus.CounterVec }

// Counter registers a counter with these label names.
func (m *Metrics) Counter(name, help string, labels ...string) Counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: Prefix + name, Help: help}, labels)
	m.registry.MustRegister(vec)
	return Counter{vec}
}

// Inc counts one, with the values of the labels in their order.
func (c Counter) Inc(labels ...string) { c.vec.WithLabelValues(labels...).Inc() }

// Histogram sorts observations into buckets by labels.
type Histogram struct{ vec *prometheus.HistogramVec }

// Histogram registers a histogram; bounds are the upper limits of its buckets
// in the unit that the name ends with (seconds, bytes).
func (m *Metrics) Histogram(name, help string, bounds []float64, labels ...string) Histogram {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: Prefix + name, Help: help, Buckets: bounds}, labels)
	m.registry.MustRegister(vec)
	return Histogram{vec}
}

// Observe counts one value.
func (h Histogram) Observe(value float64, labels ...string) {
	h.vec.WithLabelValues(labels...).Observe(value)
}

// Named registers a counter under its full name, for the few whose names are
// not ours to choose.
func (m *Metrics) Named(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}
