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
	routeFailures    = 5 // in a row, after which it is left alone
	routePause       = time.Second
	routeMaxPause    = 30 * time.Second
	maxAttributeSize = 16 << 10 // bytes of one value
)

// router asks a strategy about each request. Whatever goes wrong, the plan
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
	until    time.Time       // it is left alone
	trying   bool            // one request finds out whether it is well again
	withheld map[string]bool // attributes of which the user was told
}

// RouterInfo counts what came of asking about single requests.
type RouterInfo struct {
	Answered, Failed, Skipped uint64
	Resting                   bool // it is not asked for a while
}

func newRouter(s sdk.Strategy, route, name string, expose []string, notice func(string)) *router {
	asks, ok := s.(sdk.RequestRouter)
	if !ok {
		return nil
	}
	return &router{route: route, name: name, asks: asks, expose: expose, notice: notice, slots: make(chan struct{}, routesAtOnce), withheld: map[string]bool{}}
}

func (r *router) like(other *router) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.asks == other.asks && slices.Equal(r.expose, other.expose)
}

// Ask has the strategy, if it wants to see each request, say in which order
// the channels are to be tried. It comes between Begin and the first Next.
func (w *Walk) Ask(ctx context.Context, now time.Time) {
	r := w.route.planner.router
	if r == nil || !r.enter(now) {
		return
	}
	begun := time.Now()
	reply, err := r.ask(ctx, w, now)
	if err == nil {
		err = w.obey(reply)
	}
	if err != nil && ctx.Err() != nil {
		err = nil // the caller is gone, which is nobody's fault
	}
	r.leave(now.Add(time.Since(begun)), err)
}

func (r *router) ask(ctx context.Context, w *Walk, now time.Time) (sdk.RouteReply, error) {
	ctx, cancel := context.WithTimeout(ctx, routeDeadline)
	defer cancel()
	req := sdk.RouteRequest{Route: r.route, Model: w.model, Channels: make([]sdk.Snapshot, len(w.route.Channels))}
	for i, ch := range w.route.Channels {
		req.Channels[i] = ch.snapshot(now)
	}
	for _, name := range w.route.planner.current.Load().attrs {
		if !r.exposes(name) {
			continue
		}
		if v, ok := w.attributes.Attribute(name); ok {
			if req.Attributes == nil {
				req.Attributes = map[string]string{}
			}
			req.Attributes[name] = v[:min(len(v), maxAttributeSize)]
		}
	}
	return r.asks.Route(ctx, req)
}

// obey takes the order up if it can be followed as a whole.
func (w *Walk) obey(reply sdk.RouteReply) error {
	order := w.order[:0]
	for _, name := range reply.Order {
		i := slices.IndexFunc(w.route.Channels, func(ch *Channel) bool { return ch.id() == name })
		if i < 0 || slices.Contains(order, i) {
			return fmt.Errorf("it answers with the channel %.40q, which the route does not have or the answer has twice", name)
		}
		order = append(order, i)
	}
	w.order, w.orderReason = order, reply.Reason
	return nil
}

// enter says whether the strategy is to be asked now.
func (r *router) enter(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures >= routeFailures {
		if now.Before(r.until) || r.trying {
			r.skipped.Add(1)
			return false
		}
	}
	select {
	case r.slots <- struct{}{}:
		r.trying = r.failures >= routeFailures
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
	r.trying = false
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

// exposes says whether the strategy may be told the attribute. What it may not
// is told to the user once.
func (r *router) exposes(name string) bool {
	kind, rest, _ := strings.Cut(name, ".")
	why := ""
	switch {
	case kind == "body" && !slices.ContainsFunc(r.expose, func(e string) bool { return name == e || strings.HasPrefix(name, e+".") }):
		why = fmt.Sprintf("the prompt is part of the body, so that the block must allow it: expose = [%q]", name)
	case kind != "body" && credential(rest):
		why = "it carries a credential"
	default:
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.withheld[name] && len(r.withheld) < maxAttributes {
		r.withheld[name] = true
		r.notice(fmt.Sprintf("%s asks for %s and is not told it: %s", r.name, name, why))
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

func knownAttribute(name string) bool {
	kind, rest, _ := strings.Cut(name, ".")
	return len(name) <= maxAttributeName && rest != "" && (kind == "header" || kind == "query" || kind == "body")
}
