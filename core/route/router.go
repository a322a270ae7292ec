package route

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

// Limits for calls about single requests.
const (
	routeDeadline = 20 * time.Millisecond
	routesAtOnce  = 64
	routeFailures = 5 // in a row, after which there is a pause
	routePause    = time.Second
	routeMaxPause = 30 * time.Second

	maxUnknownName = 40 // bytes of a channel's name that the route does not have
)

// router asks a strategy about each request. If it fails, the plan decides: no request
// fails or waits for long.
type router struct {
	route  string
	name   string // for people
	router sdk.RequestRouter
	notice func(string)
	slots  chan struct{}

	answered, failed, skipped atomic.Uint64

	mu       sync.Mutex
	failures int   // in a row
	err      error // of the last call; nil if it answered
	pause    time.Duration
	until    time.Time       // it is not called before
	testing  bool            // a request tests whether it answers again
	unknown  map[string]bool // channels that it named and the route does not have
}

// routed is what a router said about a request.
type routed struct {
	order  []int  // the channels in the order in which to try them
	reason string // of the order; without one, why the choice is left to the plan
}

// RouterInfo counts the calls about single requests.
type RouterInfo struct {
	Answered, Failed, Skipped uint64
	Paused                    bool // it is not called for a while
}

func newRouter(s sdk.Strategy, route, name string, notice func(string)) *router {
	asks, ok := s.(sdk.RequestRouter)
	if !ok {
		return nil
	}
	return &router{route: route, name: name, router: asks, notice: notice, slots: make(chan struct{}, routesAtOnce), unknown: map[string]bool{}}
}

func (r *router) equal(other *router) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.router == other.router
}

// CallRouter calls the strategy, if it routes each request, for the order in which to
// try the channels. It must be called between Begin and the first Next.
func (w *Walk) CallRouter(ctx context.Context, now time.Time) {
	w.askShadows(ctx, now)
	by := w.route.planner.plan(now) // renews the plan, although the answer decides
	r := w.route.planner.router
	if r == nil || by.isFinal() || !r.enter(now) {
		return
	}
	start := time.Now()
	reply, err := r.ask(ctx, w.routeRequest(r, by, now))
	if err == nil {
		w.routed.order, w.routed.reason = r.order(w.routed.order[:0], reply, w.route.Channels), replyReason(reply)
	}
	if err != nil && ctx.Err() != nil {
		err = nil // the caller disconnected
	}
	r.leave(now.Add(time.Since(start)), err)
}

// routeRequest returns the call to the router for the request.
func (w *Walk) routeRequest(r *router, by *plan, now time.Time) sdk.RouteRequest {
	req := sdk.RouteRequest{Route: r.route, Model: w.request.Model, Channels: make([]sdk.Snapshot, len(w.route.Channels))}
	for i, ch := range w.route.Channels {
		req.Channels[i] = ch.snapshot(now)
	}
	if r == w.route.planner.router {
		req.Attributes = w.attributes(by)
	} else { // a shadow's
		req.Attributes = attributes(&w.request, by.attributes, nil)
	}
	return req
}

func (r *router) ask(ctx context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	ctx, cancel := context.WithTimeout(ctx, routeDeadline)
	defer cancel()
	return r.router.Route(ctx, req)
}

// order returns the indices of the channels that a reply names. A name that the route
// does not have is reported once.
func (r *router) order(order []int, reply sdk.RouteReply, channels []*Channel) []int {
	for _, name := range reply.Order {
		i := slices.IndexFunc(channels, func(ch *Channel) bool { return ch.id() == name })
		switch {
		case i < 0:
			r.reportUnknown(name)
		case !slices.Contains(order, i):
			order = append(order, i)
		}
	}
	return order
}

func (r *router) reportUnknown(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.unknown[name] && len(r.unknown) < maxAttributes {
		r.unknown[name] = true
		r.notice(fmt.Sprintf("%s returned the channel %q, which is not in the route: the entry is ignored", r.name, attribute.Cut(name, maxUnknownName)))
	}
}

// enter reports whether the strategy may be asked now.
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
	r.testing, r.err = false, err
	if err == nil {
		r.answered.Add(1)
		if r.failures >= routeFailures {
			r.notice(fmt.Sprintf("%s routes each request again", r.name))
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
		r.notice(fmt.Sprintf("%s does not route each request for a while, its plan is used: %v", r.name, err))
	}
}

// replyReason returns the reason that a reply gives for its order. A reply without
// channels leaves the order to the plan.
func replyReason(reply sdk.RouteReply) string {
	if reply.Reason == "" && len(reply.Order) > 0 {
		return reasonRouted
	}
	return reply.Reason
}

// problems returns current problems of the strategy's answers. A single late answer is
// not a problem.
func (r *router) problems() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch late := errors.Is(r.err, context.DeadlineExceeded); {
	case r.err == nil || errors.Is(r.err, sdk.ErrUnavailable):
	case r.failures >= routeFailures:
		all = append(all, fmt.Sprintf("it did not answer about %d requests in a row, so its plan decides: %v", r.failures, r.err))
	case !late:
		all = append(all, fmt.Sprintf("it did not answer about the last request, so its plan decided: %v", r.err))
	}
	for _, name := range slices.Sorted(maps.Keys(r.unknown)) {
		all = append(all, fmt.Sprintf("it returned the channel %q, which is not in the route: the entry is ignored", attribute.Cut(name, maxUnknownName)))
	}
	return all
}

func (r *router) info() RouterInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RouterInfo{r.answered.Load(), r.failed.Load(), r.skipped.Load(), r.failures >= routeFailures}
}
