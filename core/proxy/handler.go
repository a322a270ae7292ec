// Package proxy is the entry: it accepts a request, gets a channel and a key for it,
// relays it, judges the answer, and tries the next candidate if that may help,
// before the caller notices.
package proxy

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/limit"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/core/verdict"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// verdictsOf returns the rules by which a channel's answers are judged.
func verdictsOf(c *config.Channel, cfg *config.Config) *verdict.Set {
	o := verdict.Options{Channel: rulesOf(c.Verdicts), User: rulesOf(cfg.Verdicts), Plugin: cfg.PluginRules(c)}
	if !slices.Equal(cfg.Retry.On, config.DefaultRetryOn()) {
		o.RetryOn = cfg.Retry.On
	}
	return verdict.New(o)
}

func rulesOf(blocks []*config.Verdict) []*verdict.Rule {
	var rules []*verdict.Rule
	for _, b := range blocks {
		rules = append(rules, b.Rule)
	}
	return rules
}

// Options of [New].
type Options struct {
	Registry *channel.Registry
	Bus      *event.Bus
	Clients  *limit.Clients // what clients have used; may be nil
	Roots    *x509.CertPool // certificate authorities that sites may have; nil for those of the system
	// Unknown is called with answers that no rule recognizes; it may be nil. It must
	// not block.
	Unknown func(unknown.Answer)
	// DialTunnel connects to host:port from the host of a tunnel.
	DialTunnel func(ctx context.Context, tunnel, address string) (net.Conn, error)
}

// Handler answers requests with the latest configuration. It is kept across
// configurations: connections to callers and sites stay open.
type Handler struct {
	registry  *channel.Registry
	bus       *event.Bus
	clients   *limit.Clients
	queues    limit.Queues
	outputs   limit.Outputs
	upstreams upstreams
	unknown   func(unknown.Answer)
	current   atomic.Pointer[setup]
	active    atomic.Int64
	writeTime time.Duration // how long a caller may take to read what was written
	live      attempts
	sockets   sockets

	mu     sync.Mutex
	setups map[*route.Table]*setup // those in use
}

// setup is the part of the handler that depends on the configuration.
type setup struct {
	table        *route.Table
	config       *config.Config
	client       *retryablehttp.Client
	guard        guard
	limits       limits
	memory       *budget
	sites        map[*route.Channel]*site
	models       modelLists
	factors      map[string]float64 // the price factors of the channels
	keepAlive    time.Duration      // the longest time without a byte for a waiting caller; 0 for no limit
	countsTokens bool
	uses         atomic.Int64 // requests in flight, plus one while it is current
	idle         chan struct{}
}

// site is the address of a channel and the egresses to it.
type site struct {
	egresses []egress // in the order in which they are tried
	verdicts *verdict.Set
	escaped  string // the escaped path of the target, without a slash at its end
}

// New returns a handler that answers 503 until [Handler.Use] is called.
func New(o Options) *Handler {
	if o.Clients == nil {
		o.Clients = &limit.Clients{}
	}
	return &Handler{
		registry: o.Registry, bus: o.Bus, clients: o.Clients, upstreams: upstreams{roots: o.Roots, tunnel: o.DialTunnel},
		unknown: o.Unknown, writeTime: writeTime, setups: map[*route.Table]*setup{},
	}
}

// Use makes cfg and its table the current configuration. Requests in flight keep
// the configuration that they began with. The returned channel is closed when cfg
// is no longer current and its last request has ended.
func (h *Handler) Use(cfg *config.Config, t *route.Table) (drained <-chan struct{}) {
	s := &setup{
		table: t, config: cfg, client: newClient(), guard: newGuard(cfg, h.clients), countsTokens: countsTokens(cfg),
		limits: limits{max: cfg.Proxy.MaxBody, replay: min(cfg.Proxy.ReplayLimit, cfg.Proxy.MaxBody)},
		memory: &budget{limit: cfg.Proxy.BufferLimit},
		sites:  map[*route.Channel]*site{}, factors: map[string]float64{},
		idle: make(chan struct{}), keepAlive: cfg.Proxy.StreamKeepalive,
	}
	s.uses.Store(1)
	h.configureClients(cfg)
	h.mu.Lock()
	for _, ch := range t.Channels {
		to := h.newSite(ch.Config)
		to.verdicts = verdictsOf(ch.Config, cfg)
		s.sites[ch], s.factors[ch.Config.Name] = to, ch.Config.PriceFactor
	}
	h.setups[t] = s
	h.mu.Unlock()
	old := h.current.Swap(s)
	if old != nil {
		h.leave(old)
	}
	return s.idle
}

// Retire removes the current configuration: further requests are answered with 503.
func (h *Handler) Retire() {
	if old := h.current.Swap(nil); old != nil {
		h.leave(old)
	}
}

// Uses returns the number of requests in flight that began with the table.
func (h *Handler) Uses(t *route.Table) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.setups[t]; s != nil {
		return int(s.uses.Load())
	}
	return 0
}

// Active returns the number of requests in flight.
func (h *Handler) Active() int { return int(h.active.Load()) }

func (h *Handler) enter() *setup {
	for {
		s := h.current.Load()
		if s == nil {
			return nil
		}
		for n := s.uses.Load(); n > 0; n = s.uses.Load() {
			if s.uses.CompareAndSwap(n, n+1) {
				return s
			}
		}
	}
}

func (h *Handler) leave(s *setup) {
	if s.uses.Add(-1) == 0 {
		h.mu.Lock()
		delete(h.setups, s.table)
		h.upstreams.keep(h.setups)
		h.mu.Unlock()
		close(s.idle)
	}
}

// ServeHTTP answers a request with the routes of the configuration.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serve(w, r, nil)
}

// ForChannel returns a handler that sends every request to the named channel.
func (h *Handler) ForChannel(channel string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, &target{channel: channel}) })
}

// Trial returns a handler by which the program's own user tries the named channel.
// Its requests need no token and count for no client, and are sent in any state of the
// channel, also if it is paused. If keyID is not empty, each makes one
// attempt, with that key, even if the key is not available.
func (h *Handler) Trial(channel, keyID string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, &target{channel, keyID, true}) })
}

// target is a channel to which a request goes whatever the routes say.
type target struct {
	channel string
	keyID   string // "": any key
	trial   bool   // of the program's own user
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, only *target) {
	h.active.Add(1)
	defer h.active.Add(-1)
	r = cleanRequest(r)
	d := dialect.Of(r)
	s := h.enter()
	if s == nil {
		answerUnavailable(w, r, d, "stopping", "aitunnel is stopping")
		return
	}
	defer h.leave(s)
	if limit, why := s.maxInFlight(); limit > 0 && h.active.Load() > int64(limit) {
		w.Header()["Retry-After"] = []string{"1"}
		answerUnavailable(w, r, d, "too_many_requests", fmt.Sprintf("%d requests are in flight, the maximum set by %s; try again", limit, why))
		return
	}
	x := &exchange{
		handler: h, setup: s, in: r, arrived: time.Now(), record: newRecord(r),
		parsed: parsed{dialect: d, path: requestPath{r.URL.Path, r.URL.EscapedPath()}},
	}
	x.caller.x, x.caller.w = x, w
	x.endpoint, x.format = dialect.EndpointOf(r.Method, x.path.path), d.Format(x.path.path)
	// The record is written even when a broken answer ends in a panic that
	// closes the connection.
	defer x.publish()
	defer x.caller.finish()
	x.serve(r, only)
}

// answerUnavailable refuses a request that does not become an exchange.
func answerUnavailable(w http.ResponseWriter, r *http.Request, d dialect.Dialect, code, message string) {
	answerAtOnce(w, r)
	f := fault{status: http.StatusServiceUnavailable, code: code, message: message}
	f.write(w, d, dialect.Problem{Status: f.status, Code: code, Message: message, RequestID: requestID()})
}

// maxInFlight returns the maximum number of requests in flight, 0 for no maximum,
// and the setting that it comes from.
func (s *setup) maxInFlight() (limit int, why string) {
	limit = s.config.Proxy.MaxInFlight
	if d := upstream.MaxInFlight(); d > 0 && (limit == 0 || d < limit) {
		return d, "the limit of open files (ulimit -n)"
	}
	return limit, "proxy.max_in_flight"
}

// cleanRequest returns the request with its path in normal form.
func cleanRequest(r *http.Request) *http.Request {
	escaped := r.URL.EscapedPath()
	clean := dialect.CleanPath(escaped)
	if clean == escaped {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = unescapedPath(clean), clean
	out := *r
	out.URL = &u
	return &out
}

// serve checks the request and answers it. The body is read last: a caller that
// waits for 100 Continue sends it only if everything else is right.
func (x *exchange) serve(r *http.Request, only *target) {
	s := x.setup
	if s.guard.allowOrigin(x.caller.w, r) {
		x.record.Status = http.StatusNoContent
		return
	}
	if f := x.admit(r, only != nil && only.trial); f != nil {
		x.refuse(*f)
		return
	}
	if _, f := s.match(x.path.path, "", only); f != nil {
		x.refuse(*f)
		return
	}
	body := &x.body
	defer body.release()
	if err := body.read(x.caller.w, r, s.limits, s.memory); err != nil {
		x.refuseBody(err)
		return
	}
	x.record.BytesIn = max(body.length, int64(len(body.head)))
	if err := x.findModel(); err != nil {
		x.refuseBody(err)
		return
	}
	if f := x.client.checkModel(x.record.Model); f != nil {
		x.refuse(*f)
		return
	}
	x.mode = dialect.ModeOf(r, body.head)
	rt, f := s.match(x.path.path, x.record.Model, only)
	if f != nil {
		x.refuse(*f)
		return
	}
	x.record.Route = rt.Config.Pattern
	if x.format == dialect.Responses && upgradeOf(r.Header) != "" && !anyWebSocket(rt) {
		// Codex tries this first, and falls back to plain requests at once.
		x.caller.w.Header()["Connection"] = []string{"close"}
		x.refuse(fault{http.StatusUpgradeRequired, "websocket_not_supported", "this endpoint does not accept WebSocket connections: send a POST, or set websocket = true in the channel", true})
		return
	}
	if only == nil && x.answerModels(rt) {
		return
	}
	if only != nil {
		x.keyID, x.trial = only.keyID, only.trial
	}
	if f := x.enter(); f != nil {
		x.refuse(*f)
		return
	}
	defer x.use.permit.Release()
	x.run(rt)
}

// admit finds the client of the request, and checks what it may do.
func (x *exchange) admit(r *http.Request, trial bool) (f *fault) {
	if trial {
		x.client, x.record.Client = trialClient, config.ClientTest
		return x.setup.guard.checkForm(r)
	}
	c, f := x.setup.guard.check(r)
	if c != nil {
		x.client, x.record.Client = c, c.name
	}
	return f
}

// anyWebSocket reports whether a channel of the route serves WebSocket connections.
func anyWebSocket(rt *route.Route) bool {
	return slices.ContainsFunc(rt.Channels, func(ch *route.Channel) bool { return ch.Config.WebSocket })
}

func (s *setup) match(path, model string, only *target) (*route.Route, *fault) {
	if only != nil {
		if r := s.table.Single(only.channel); r != nil {
			return r, nil
		}
		return nil, &fault{http.StatusNotFound, "no_channel", fmt.Sprintf("there is no channel %q", only.channel), true}
	}
	if r := s.table.Match(path, model); r != nil {
		return r, nil
	}
	return nil, &fault{http.StatusNotFound, "no_route", s.table.NoMatch(path, model), true}
}

func (x *exchange) refuseBody(err error) {
	h := x.caller.w.Header()
	var early *http.MaxBytesError
	switch {
	case errors.Is(err, errBodyTooLarge), errors.As(err, &early):
		x.refuse(fault{http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the request body is larger than proxy.max_body, %d bytes", x.setup.config.Proxy.MaxBody), true})
	case errors.Is(err, errBodySlow):
		h["Connection"] = []string{"close"}
		x.refuse(fault{http.StatusRequestTimeout, "body_too_slow", "the request body arrives at less than 1 KB a second", false})
	case errors.Is(err, errNoBuffer):
		h["Retry-After"] = []string{"1"}
		x.refuse(fault{http.StatusServiceUnavailable, "no_memory", "the request bodies in flight use all of proxy.buffer_limit; try again", false})
	case x.in.Context().Err() != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		x.abandon()
	default:
		h["Connection"] = []string{"close"}
		x.refuse(fault{http.StatusBadRequest, "bad_body", "the request body ends early or is badly encoded", true})
	}
}

// requestID returns a unique ID for a request. It begins with the time, so that the
// index of the history grows at one end.
func requestID() string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	id := [20]byte{'r', 'e', 'q', '_'}
	at, n := uint64(time.Now().UnixMilli()), rand.Uint64() //nolint:gosec // after 1970
	for i := range 8 {
		id[11-i], id[19-i] = digits[at&31], digits[n&31]
		at >>= 5
		n >>= 5
	}
	return string(id[:])
}
