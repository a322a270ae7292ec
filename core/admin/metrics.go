package admin

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the metrics for Prometheus. They are computed from the state when it reads them, so
// that requests are not slowed down. Labels are names of the configuration, and models, whose
// number is limited.
type metrics struct{ source Source }

// newMetrics returns a registry of the program's own.
func newMetrics(s Source) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

var metricsOptions = promhttp.HandlerOpts{MaxRequestsInFlight: 4}

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("aitunnel_"+name, help, labels, nil)
}

var (
	infoMetric       = metric("info", "Always 1, with the version.", "version")
	uptimeMetric     = metric("uptime_seconds", "Time since the start.")
	generationMetric = metric("config_generation", "Number of the configuration in use, counted since the start.")
	reloadMetric     = metric("config_last_reload_ok", "Whether the last reload was applied; 1 before the first one.")
	activeMetric     = metric("active_requests", "Requests in flight.")
	requestsMetric   = metric("requests_total", "Requests of callers by result, including those that were refused. An error counts as fail, and a caller that disconnected as canceled.", "result")
	retriesMetric    = metric("retries_total", "Attempts beyond the first.")

	channelUp       = metric("channel_available", "Whether the channel would be sent a request now.", "channel")
	channelInFlight = metric("channel_in_flight", "Attempts in flight.", "channel")
	channelAttempts = metric("channel_attempts_total", "Attempts by result.", "channel", "result")
	channelTokens   = metric("channel_tokens_total", "Tokens that the site reported.", "channel", "direction")
	channelTTFB     = metric("channel_ttfb_seconds", "Time to the first byte of good answers.", "channel")

	keyUp       = metric("key_available", "Whether the key is available now.", "channel", "key")
	keyAttempts = metric("key_attempts_total", "Attempts by result.", "channel", "key", "result")
	keyTokens   = metric("key_tokens_total", "Tokens that the site reported.", "channel", "key", "direction")

	modelRequests = metric("model_requests_total", "Requests of callers by result.", "model", "result")
	modelTokens   = metric("model_tokens_total", "Tokens that sites reported.", "model", "direction")
	modelTTFB     = metric("model_ttfb_seconds", "Time until the caller had the first byte.", "model")

	tunnelUp       = metric("tunnel_up", "Whether the tunnel is up.", "tunnel")
	pluginUp       = metric("plugin_running", "Whether the plugin's process runs.", "plugin")
	pluginRestarts = metric("plugin_restarts_total", "How often the plugin's process was restarted.", "plugin")
	pluginCalls    = metric("plugin_calls_total", "Calls made to plugins.")
)

// Describe sends nothing, since the metrics change with the configuration.
func (metrics) Describe(chan<- *prometheus.Desc) {}

// Collect is for [prometheus.Collector].
func (m metrics) Collect(out chan<- prometheus.Metric) {
	c := collection(out)
	status, sums := m.source.Status(), m.source.Stats()
	c.gauge(infoMetric, 1, status.Version)
	c.gauge(uptimeMetric, status.Uptime)
	c.gauge(generationMetric, float64(status.Generation))
	c.gauge(reloadMetric, oneIf(status.LastReload == nil || status.LastReload.OK))
	c.gauge(activeMetric, float64(status.Active))
	c.count(retriesMetric, sums.TotalRetries)
	c.results(requestsMetric, Sums{Requests: sums.TotalRequests, Success: sums.TotalSuccess, Fail: sums.TotalFail})
	for _, ch := range m.source.Channels() {
		c.channel(ch, sums.Channels[ch.Name])
	}
	for name, s := range sums.Models {
		c.results(modelRequests, s, name)
		c.tokens(modelTokens, s, name)
		c.latency(modelTTFB, s, name)
	}
	for _, t := range status.Tunnels {
		c.gauge(tunnelUp, oneIf(t.State == "up"), t.Name)
	}
	counted := map[string]bool{}
	for _, p := range status.Plugins.Processes {
		if p.State == "leaving" || counted[p.Plugin] {
			continue // another process of the plugin has replaced it
		}
		counted[p.Plugin] = true
		c.gauge(pluginUp, oneIf(p.State == "running"), p.Plugin)
		c.count(pluginRestarts, uint64(max(p.Restarts, 0)), p.Plugin)
	}
	c.count(pluginCalls, status.Plugins.Calls)
}

type collection chan<- prometheus.Metric

func (c collection) channel(ch Channel, s ChannelSums) {
	c.gauge(channelUp, oneIf(ch.Available()), ch.Name)
	c.gauge(channelInFlight, float64(ch.InFlight), ch.Name)
	c.results(channelAttempts, s.Sums, ch.Name)
	c.tokens(channelTokens, s.Sums, ch.Name)
	c.latency(channelTTFB, s.Sums, ch.Name)
	for _, k := range ch.Keys.List {
		c.gauge(keyUp, oneIf(k.State == keyReady || k.State == keySuspect), ch.Name, k.ID)
		c.results(keyAttempts, s.Keys[k.ID], ch.Name, k.ID)
		c.tokens(keyTokens, s.Keys[k.ID], ch.Name, k.ID)
	}
}

func (c collection) gauge(d *prometheus.Desc, v float64, labels ...string) {
	c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (c collection) count(d *prometheus.Desc, n uint64, labels ...string) {
	c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func (c collection) results(d *prometheus.Desc, s Sums, labels ...string) {
	gone := s.Requests - min(s.Success+s.Fail, s.Requests)
	for _, r := range []struct {
		name string
		n    uint64
	}{{"success", s.Success}, {"fail", s.Fail}, {"canceled", gone}} {
		c.count(d, r.n, append(labels[:len(labels):len(labels)], r.name)...)
	}
}

func (c collection) tokens(d *prometheus.Desc, s Sums, labels ...string) {
	labels = labels[:len(labels):len(labels)]
	c.count(d, s.Tokens.Input, append(labels, "input")...)
	c.count(d, s.Tokens.Output, append(labels, "output")...)
}

func (c collection) latency(d *prometheus.Desc, s Sums, labels ...string) {
	l := s.Latency
	c <- prometheus.MustNewConstSummary(d, l.Samples, l.Sum/1000, map[float64]float64{0.5: l.P50 / 1000, 0.9: l.P90 / 1000, 0.99: l.P99 / 1000}, labels...)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
