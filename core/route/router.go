package route

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// How a component is asked about single requests.
const (
	routeDeadline    = 20 * time.Millisecond
	routesAtOnce     = 64
	routeFailures    = 5 // in a row, after which there is a pause
	routePause       = time.Second
	routeMaxPause    = 30 * time.Second
	maxAttributeSize = 16 << 10 // bytes of one value
)

// router asks a strategy about each request. If anything goes wrong, the plan
// decides: no request fails or waits for long.
type router struct {
	route  string
	name   string // for people
	asks   sdk.RequestRouter
	expose []string
	notice func(string)
	slots  chan struct{}

	answered, failed, skipped atomic.Uint64

	mu       sync.Mutex
	failures int // in a row
	pause    time.Duration
	until    time.Time       // it is not asked before
	testing  bool            // one request finds out whether it answers again
	withheld map[string]bool // attributes that the user knows are withheld
}

// RouterInfo counts the calls about single requests.
type RouterInfo struct {
	Answered, Failed, Skipped uint64
	Paused                    bool // it is not asked for a while
}

func newRouter(s sdk.Strategy, route, name string, expose []string, notice func(string)) *router {
	asks, ok := s.(sdk.RequestRouter)
	if !ok {
		return nil
	}
	return &router{route: route, name: name, asks: asks, expose: expose, notice: notice, slots: make(chan struct{}, routesAtOnce), withheld: map[string]bool{}}
}

func (r *router) equal(other *router) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.asks == other.asks && slices.Equal(r.expose, other.expose)
}

// Ask has the strategy, if it routes each request, say in which order the
// channels are to be tried. It comes between Begin and the first Next.
func (w *Walk) Ask(ctx context.Context, now time.Time) {
	r := w.route.planner.router
	if r == nil || !r.enter(now) {
		return
	}
	start := time.Now()
	reply, err := r.ask(ctx, w, now)
	if err == nil {
		err = w.follow(reply)
	}
	if err != nil && ctx.Err() != nil {
		err = nil // the caller went away
	}
	r.leave(now.Add(time.Since(start)), err)
}

func (r *router) ask(ctx context.Context, w *Walk, now time.Time) (sdk.RouteReply, error) {
	ctx, cancel := context.WithTimeout(ctx, routeDeadline)
	defer cancel()
	req := sdk.RouteRequest{Route: r.route, Model: w.request.Model, Channels: make([]sdk.Snapshot, len(w.route.Channels))}
	for i, ch := range w.route.Channels {
		req.Channels[i] = ch.snapshot(now)
	}
	for _, name := range w.route.planner.current.Load().attributes {
		if !r.exposes(name) {
			continue
		}
		if v, ok := w.request.Attribute(name); ok {
			if req.Attributes == nil {
				req.Attributes = map[string]string{}
			}
			req.Attributes[name] = v[:min(len(v), maxAttributeSize)]
		}
	}
	return r.asks.Route(ctx, req)
}

// follow takes over the order if all of it can be followed.
func (w *Walk) follow(reply sdk.RouteReply) error {
	order := w.order[:0]
	for _, name := range reply.Order {
		i := slices.IndexFunc(w.route.Channels, func(ch *Channel) bool { return ch.id() == name })
		if i < 0 || slices.Contains(order, i) {
			return fmt.Errorf("its answer names the channel %.40q twice, or the route does not have it", name)
		}
		order = append(order, i)
	}
	w.order, w.orderReason = order, reply.Reason
	return nil
}

// enter says whether the strategy is asked now.
func (r *router) enter(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures >= routeFailures {
		if now.Before(r.until) || r.testing {
			r.skipped.Add(1)
			return false
		}
	}
	select {
	case r.slots <- struct{}{}:
		r.testing = r.failures >= routeFailures
		return true
	default:
		r.skipped.Add(1)
		return false
	}
}

func (r *router) leave(now time.Time, err error) {
	<-r.slots
	r.mu.Lock()
	defer r.mu.Unlock()
	r.testing = false
	if err == nil {
		r.answered.Add(1)
		if r.failures >= routeFailures {
			r.notice(fmt.Sprintf("%s is asked about each request again", r.name))
		}
		r.failures, r.pause = 0, 0
		return
	}
	r.failed.Add(1)
	if r.failures++; r.failures < routeFailures || now.Before(r.until) {
		return
	}
	r.pause = min(max(2*r.pause, routePause), routeMaxPause)
	r.until = now.Add(r.pause)
	if r.failures == routeFailures {
		r.notice(fmt.Sprintf("%s is not asked about each request for a while, its plan decides: %v", r.name, err))
	}
}

func (r *router) info() RouterInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RouterInfo{r.answered.Load(), r.failed.Load(), r.skipped.Load(), r.failures >= routeFailures}
}

// exposes says whether the strategy may see the attribute. The user is told once
// of each that it may not see.
func (r *router) exposes(name string) bool {
	kind, rest, _ := strings.Cut(name, ".")
	why := ""
	switch {
	case kind == "body" && !slices.ContainsFunc(r.expose, func(e string) bool { return name == e || strings.HasPrefix(name, e+".") }):
		why = fmt.Sprintf("the body contains the prompt, so the block must allow it: expose = [%q]", name)
	case kind != "body" && credential(rest):
		why = "it carries a credential"
	default:
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.withheld[name] && len(r.withheld) < maxAttributes {
		r.withheld[name] = true
		r.notice(fmt.Sprintf("%s asks for %s, which is withheld: %s", r.name, name, why))
	}
	return false
}

// credential says that a header or a parameter of the query of this name can
// hold one.
func credential(name string) bool {
	switch name = strings.ToLower(name); name {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-goog-api-key", "api-key", "key", "token", "access_token", "api_key":
		return true
	}
	return strings.HasSuffix(name, "-token") || strings.HasSuffix(name, "-key") || strings.Contains(name, "secret")
}
