// Package proxy is the unified entry: it takes a request, has a channel and a
// key picked for it, relays it, judges the answer and moves on to the next
// candidate when that may help, before the caller notices.
package proxy

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
)

// Options of [New].
type Options struct {
	Registry *channel.Registry
	Bus      *event.Bus
	Roots    *x509.CertPool // whom to trust for sites; nil: the system's
}

// Handler answers requests by the newest configuration it was given. It
// outlives configurations: connections to callers and sites stay open.
type Handler struct {
	registry  *channel.Registry
	bus       *event.Bus
	upstreams upstreams
	current   atomic.Pointer[setup]
	active    atomic.Int64

	mu     sync.Mutex
	setups map[*route.Table]*setup // those in use
}

// setup is what one configuration makes of the handler.
type setup struct {
	table  *route.Table
	config *config.Config
	guard  guard
	limits limits
	memory *budget
	paths  map[*route.Channel]site
	uses   atomic.Int64 // requests under way, and one for being current
	idle   chan struct{}
}

// site is where a channel's requests go.
type site struct {
	transport http.RoundTripper
	base      string // path, without a slash at its end
	escaped   string // the same in the form for the wire
}

// New returns a handler that answers 503 until [Handler.Use] is called.
func New(o Options) *Handler {
	return &Handler{registry: o.Registry, bus: o.Bus, upstreams: upstreams{roots: o.Roots}, setups: map[*route.Table]*setup{}}
}

// Use makes the handler work by cfg and its table from now on. Requests under
// way go on as they began; the channel returned is closed when the last of
// those that began by the configuration given now has ended, after another one
// took its place.
func (h *Handler) Use(cfg *config.Config, t *route.Table) (drained <-chan struct{}) {
	s := &setup{
		table: t, config: cfg, guard: newGuard(cfg.Proxy),
		limits: limits{max: cfg.Proxy.MaxBody, replay: min(cfg.Proxy.ReplayLimit, cfg.Proxy.MaxBody)},
		memory: &budget{limit: cfg.Proxy.BufferLimit},
		paths:  map[*route.Channel]site{},
		idle:   make(chan struct{}),
	}
	s.uses.Store(1)
	h.mu.Lock()
	for _, ch := range t.Channels {
		s.paths[ch] = h.siteOf(ch.Config)
	}
	h.setups[t] = s
	h.mu.Unlock()
	old := h.current.Swap(s)
	if old != nil {
		h.leave(old)
	}
	return s.idle
}

// Retire ends the use of the last configuration: requests are answered 503.
func (h *Handler) Retire() {
	if old := h.current.Swap(nil); old != nil {
		h.leave(old)
	}
}

// Uses is the number of requests under way that began by the table.
func (h *Handler) Uses(t *route.Table) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.setups[t]; s != nil {
		return int(s.uses.Load())
	}
	return 0
}

// Active is the number of requests under way.
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

// ServeHTTP answers through the routes of the configuration.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serve(w, r, nil)
}

// Only returns a handler that sends every request to the named channel.
func (h *Handler) Only(channel string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, &channel) })
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, only *string) {
	h.active.Add(1)
	defer h.active.Add(-1)
	speaks := apiOf(r)
	s := h.enter()
	if s == nil {
		fault{http.StatusServiceUnavailable, "stopping", "aitunnel is stopping"}.write(w, speaks, requestID())
		return
	}
	defer h.leave(s)
	x := &exchange{handler: h, setup: s, w: w, in: r, api: speaks, arrived: time.Now(), record: newRecord(r)}
	// The record is written even when a broken answer ends in a panic that
	// closes the connection.
	defer x.publish()
	x.answerTo(r, only)
}

// answerTo lets the request in and answers it.
func (x *exchange) answerTo(r *http.Request, only *string) {
	s := x.setup
	if s.guard.allowOrigin(x.w, r) {
		x.record.Status = http.StatusNoContent
		return
	}
	if f := s.guard.check(r); f != nil {
		x.refuse(*f)
		return
	}
	body := &x.body
	defer body.release()
	if err := body.read(x.w, r, s.limits, s.memory); err != nil {
		x.refuseBody(err)
		return
	}
	x.record.BytesIn = max(body.length, int64(len(body.head)))
	x.record.Model = modelOf(r.URL.Path, body.head)
	rt, f := s.match(r.URL.Path, x.record.Model, only)
	if f != nil {
		x.refuse(*f)
		return
	}
	x.record.Route = rt.Config.Pattern
	x.run(rt)
}

func (s *setup) match(path, model string, only *string) (*route.Route, *fault) {
	if only != nil {
		if r := s.table.Single(*only); r != nil {
			return r, nil
		}
		return nil, &fault{http.StatusNotFound, "no_channel", fmt.Sprintf("there is no channel %q", *only)}
	}
	if r := s.table.Match(path, model); r != nil {
		return r, nil
	}
	if model != "" {
		return nil, &fault{http.StatusNotFound, "no_route", fmt.Sprintf("no route takes %s with the model %q", path, model)}
	}
	return nil, &fault{http.StatusNotFound, "no_route", fmt.Sprintf("no route takes %s", path)}
}

// refuse answers for the proxy itself and closes the connection if there is
// more of the request to come than is worth reading.
func (x *exchange) refuse(f fault) {
	x.record.Status, x.record.Error = f.status, f.code
	x.record.TTFB = event.Millis(time.Since(x.arrived))
	f.write(x.w, x.api, x.record.ID)
}

func (x *exchange) refuseBody(err error) {
	max := x.setup.config.Proxy.MaxBody
	switch {
	case errors.Is(err, errBodyTooLarge):
		x.refuse(fault{http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the request body is larger than the %d bytes of proxy.max_body", max)})
	case errors.Is(err, errBodySlow):
		x.w.Header().Set("Connection", "close")
		x.refuse(fault{http.StatusRequestTimeout, "body_too_slow", "the request body arrives at less than 1 KB a second"})
	case errors.Is(err, errNoBuffer):
		x.w.Header().Set("Retry-After", "1")
		x.refuse(fault{http.StatusServiceUnavailable, "no_memory", "request bodies take all the memory that proxy.buffer_limit gives them; try again"})
	case x.in.Context().Err() != nil:
		x.record.Status, x.record.Error = statusClientGone, "the caller went away while it sent the request"
	default:
		x.w.Header().Set("Connection", "close")
		x.refuse(fault{http.StatusBadRequest, "bad_body", "the request body could not be read: it ends early or is badly encoded"})
	}
}

func requestID() string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	id := [20]byte{'r', 'e', 'q', '_'}
	n, m := rand.Uint64(), rand.Uint64()
	for i := 4; i < len(id); i++ {
		if i == 12 {
			n = m
		}
		id[i] = digits[n&31]
		n >>= 5
	}
	return string(id[:])
}
