package admin

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

var ifMatch = []parameter{{"If-Match", "the generation, or the ETag of the text, to replace"}}

// editFails are the answers of an edit that is refused.
var editFails = []int{400, 404, 409, 412, 413, 415, 422}

// endpoints returns the endpoints of the port, which the socket has too.
func (h *Handler) endpoints() []endpoint {
	return slices.Concat(h.statusEndpoints(), h.channelEndpoints(), h.clientEndpoints(), h.notifyEndpoints(), h.eventEndpoints(), h.historyEndpoints(), h.configEndpoints(), h.unknownEndpoints(), h.sessionEndpoints(), h.serviceEndpoints())
}

// statusEndpoints are the endpoints for the state of the program, and for plugins.
func (h *Handler) statusEndpoints() []endpoint {
	s := h.options.Source
	return []endpoint{
		{method: "GET", path: "/api/status", access: observes, summary: "State of the program", handle: show(s.Status), out: Status{}},
		{method: "GET", path: "/api/routes", access: observes, summary: "Routes with their plans", handle: show(s.Routes), out: []Route{}},
		{method: "GET", path: "/api/tunnels", access: observes, summary: "Tunnels and their forwards", handle: show(s.Tunnels), out: []Tunnel{}},
		{method: "POST", path: "/api/tunnels/{name}/retry", summary: "Make a waiting or failed tunnel try again now", handle: h.retryTunnel, out: Tunnel{}, fails: []int{404, 415}},
		{method: "POST", path: "/api/tunnels/{name}/test", summary: "Test a tunnel step by step, without affecting open forwards", handle: h.testTunnel, out: TestTunnelResult{}, fails: []int{404, 415}},
		{method: "POST", path: "/api/tunnels/{name}/trust", summary: "Trust the host key with this fingerprint, if the tunnel's host still presents it, and try again", handle: h.trustTunnel, in: HostKeyTrust{}, out: Tunnel{}, fails: []int{400, 404, 409, 413, 415}},
		{method: "GET", path: "/api/plugins", access: observes, summary: "Plugin processes", handle: show(s.Plugins), out: Plugins{}},
		{method: "POST", path: "/api/plugins/{name}/restart", summary: "Restart a plugin's process with the installed executable", handle: h.restartPlugin, out: Reload{}, refused: FailedReload{}, fails: []int{404, 415, 422}},
		{method: "POST", path: "/api/explain", access: observes, summary: "What would happen to a request; nothing is sent", handle: h.explain, in: ExplainRequest{}, out: Explanation{}, fails: []int{400, 404, 413, 415}},
		{method: "GET", path: "/api/apps", access: observes, summary: "The settings that apps need to use the proxy", handle: h.apps, out: []AppSettings{}},
		{method: "GET", path: "/api/stats", access: observes, summary: "Counters, tokens and latencies", handle: show(s.Stats), out: Summary{}},
		{method: "POST", path: "/api/stats/reset", summary: "Reset the counters of attempts and tokens; the history and the last 24 hours stay", handle: h.resetStats, out: Summary{}, fails: []int{415}},
	}
}

// channelEndpoints are the endpoints for channels and their keys.
func (h *Handler) channelEndpoints() []endpoint {
	s := h.options.Source
	return []endpoint{
		{method: "GET", path: "/api/channels", access: observes, summary: "All channels with their state", handle: show(s.Channels), out: []Channel{}},
		{method: "POST", path: "/api/channels", summary: "Add a channel to the configuration", handle: h.addChannel, in: ChannelSpec{}, out: EditResult{}, status: 201, fails: editFails, header: ifMatch},
		{method: "PUT", path: "/api/channels/{name}", summary: "Change a channel in the configuration", handle: h.changeChannel, in: ChannelSpec{}, out: EditResult{}, fails: editFails, header: ifMatch},
		{method: "DELETE", path: "/api/channels/{name}", summary: "Remove a channel from the configuration", handle: h.removeChannel, out: EditResult{}, fails: editFails, header: ifMatch},
		{method: "POST", path: "/api/channels/{name}/toggle", access: observes, summary: "Pause or resume a channel", handle: h.toggle, in: toggling{}, out: Channel{}, fails: []int{400, 404, 413, 415}},
		{method: "POST", path: "/api/channels/{name}/switch", access: observes, summary: "Prefer a channel on its routes, or stop preferring it", handle: h.prefer, in: switching{}, out: PreferResult{}, fails: []int{400, 404, 413, 415}},
		{method: "POST", path: "/api/channels/{name}/check", access: observes, summary: "Run a channel's health check now", handle: h.check, out: CheckResult{}, fails: []int{404, 409, 415}},
		{method: "GET", path: "/api/channels/{name}/models", summary: "The models that the site of a channel offers", handle: h.models, out: Models{}, fails: []int{404, 409}},
		{method: "POST", path: "/api/channels/{name}/try", summary: "Send one real request to a channel", handle: h.try, in: TryRequest{}, out: TryResult{}, fails: []int{400, 404, 413, 415}},
		{method: "POST", path: "/api/channels/{name}/keys", summary: "Add a key to a channel", handle: h.addKey, in: KeySpec{}, out: AddKeyResult{}, status: 201, fails: editFails, header: ifMatch},
		{method: "DELETE", path: "/api/channels/{name}/keys/{key}", summary: "Remove a key, by its ID or its index, from 0", handle: h.removeKey, out: EditResult{}, fails: editFails, header: ifMatch},
	}
}

// eventEndpoints are the endpoints for events.
func (h *Handler) eventEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/api/logs", access: observes, summary: "The event stream (server-sent events)", handle: h.stream, kind: "text/event-stream", fails: []int{400, 503},
			query:  []parameter{{"since", "the id of the last event seen"}, {"types", "only these types, separated by commas"}, {"channel", "only events of this channel"}},
			header: []parameter{{"Last-Event-ID", "the id of the last event seen"}}},
		{method: "GET", path: "/api/logs/recent", access: observes, summary: "The last events", handle: h.recent, out: []event.Event{}, fails: []int{400},
			query: []parameter{{"n", "how many; default 50, at most 1000"}, {"types", "only these types, separated by commas"}, {"channel", "only events of this channel"}}},
	}
}

// unknownEndpoints are the endpoints for answers that no rule recognizes.
func (h *Handler) unknownEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/api/unknown", summary: "Answers of sites that no rule recognizes, one of each kind", handle: h.unknownAnswers, out: []unknown.Entry{}},
		{method: "GET", path: "/api/unknown/{key}", summary: "One of them, with a draft of a rule", handle: h.unknownAnswer, out: UnknownAnswer{}, fails: []int{404}},
		{method: "DELETE", path: "/api/unknown/{key}", summary: "Remove an answer from the list", handle: h.forgetUnknown, out: EditResult{}, fails: []int{404, 415}},
	}
}

// configEndpoints are the endpoints for the configuration.
func (h *Handler) configEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/api/config", access: observes, summary: "The text of the configuration, its secrets replaced by placeholders", handle: h.text, out: ConfigText{}},
		{method: "PUT", path: "/api/config", summary: "Replace the text of a file of the configuration", handle: h.replace, in: Draft{}, out: EditResult{}, fails: append([]int{428}, editFails...), header: ifMatch},
		{method: "POST", path: "/api/config/import", summary: "Add the channels of a YAML file of the earlier program", handle: h.importChannels, in: ImportRequest{}, out: ImportResult{}, fails: editFails, header: ifMatch},
		{method: "GET", path: "/api/config/edits", access: observes, summary: "The last edits through this API, which can be undone", handle: show(h.options.Source.Edits), out: []PastEdit{}},
		{method: "POST", path: "/api/config/undo", summary: "Undo the newest edit", handle: h.undo, out: EditResult{}, fails: []int{409, 415, 422}},
		{method: "POST", path: "/api/config/reload", summary: "Apply the configuration in its files", handle: h.reload, out: Reload{}, refused: FailedReload{}, fails: []int{400, 412, 415, 422}, header: ifMatch},
		{method: "POST", path: "/api/config/plan", summary: "Dry run: what a reload, or a new text of a file, would change", handle: h.plan, in: Draft{}, out: Reload{}, refused: FailedReload{}, fails: []int{400, 404, 413, 415, 422}},
	}
}

// sessionEndpoints are the endpoints for logins of browsers.
func (h *Handler) sessionEndpoints() []endpoint {
	return []endpoint{
		{method: "GET", path: "/api/session", summary: "Whether the caller has to sign in", handle: h.session, access: public, out: Session{}},
		{method: "POST", path: "/api/session", summary: "Exchange the token, or a link's code, for a session cookie", handle: h.login, access: public, in: Login{}, out: Session{}, fails: []int{400, 401, 413, 415, 429}},
		{method: "POST", path: "/api/session/phone", summary: "A link that signs in another device of the network, once, and its QR code", handle: h.phone, out: PhoneLink{}, fails: []int{409, 415}},
		{method: "DELETE", path: "/api/session", summary: "End the session", handle: h.logout, access: public, out: Session{}, fails: []int{415}},
	}
}

// serviceEndpoints are the endpoints for monitoring, and the description of the API.
func (h *Handler) serviceEndpoints() []endpoint {
	s := h.options.Source
	return []endpoint{
		{method: "GET", path: "/api/openapi.json", access: observes, summary: "This document", handle: h.describe, out: map[string]any{}},
		{method: "GET", path: "/metrics", access: metricsOnly, summary: "Metrics for Prometheus", handle: promhttp.HandlerFor(newMetrics(s), metricsOptions).ServeHTTP, kind: "text/plain"},
		{method: "GET", path: "/healthz", summary: "Whether the program runs", handle: alive, access: public, kind: "text/plain"},
		{method: "GET", path: "/readyz", summary: "Whether a channel is available", handle: h.ready, access: public, kind: "text/plain", fails: []int{503}},
	}
}

func (h *Handler) resetStats(w http.ResponseWriter, _ *http.Request) {
	h.options.Source.ResetStats()
	reply(w, http.StatusOK, h.options.Source.Stats())
}

// describe answers with the OpenAPI document.
func (h *Handler) describe(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, openAPI(h.endpoints()))
}

// localEndpoints returns the endpoints that only the socket has.
func (h *Handler) localEndpoints() []endpoint {
	return []endpoint{
		{method: "POST", path: "/api/session/link", handle: h.link, out: Link{}},
		{method: "GET", path: "/api/entry", handle: show(h.options.Source.Entry), out: Entry{}},
	}
}

func show[T any](get func() T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, get()) }
}

func alive(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }

func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	if err := h.options.Source.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ok")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// defaultRecent and maxRecent are how many events /api/logs/recent returns.
const (
	defaultRecent = 50
	maxRecent     = 1000
)

func (h *Handler) recent(w http.ResponseWriter, r *http.Request) {
	n := defaultRecent
	if q := r.URL.Query().Get("n"); q != "" {
		var err error
		if n, err = strconv.Atoi(q); err != nil || n < 1 || n > maxRecent {
			fail(w, http.StatusBadRequest, "bad_parameter", "n must be a number from 1 to "+strconv.Itoa(maxRecent))
			return
		}
	}
	wanted, ok := filterOf(w, r)
	if !ok {
		return
	}
	events := []event.Event{}
	for _, e := range h.options.Bus.Recent(maxRecent) {
		if wanted.passes(e.Type, e.Channel) {
			events = append(events, e)
		}
	}
	reply(w, http.StatusOK, events[max(0, len(events)-n):])
}
