package route

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// How results are passed to a strategy that observes.
const (
	observeEvery    = time.Second
	observeBatch    = 256
	observeQueue    = 4096 // queued results; further ones are dropped
	observeDeadline = 2 * time.Second
)

// observer passes the results of requests to a strategy, in batches and in the
// background. No request waits for it.
type observer struct {
	name    string // of the strategy, for people
	to      sdk.Observer
	notice  func(string)
	results chan sdk.RequestResult

	mu  sync.Mutex
	err error // of the last batch
}

func newObserver(s sdk.Strategy, name string, notice func(string)) *observer {
	to, ok := s.(sdk.Observer)
	if !ok {
		return nil
	}
	return &observer{name: name, to: to, notice: notice, results: make(chan sdk.RequestResult, observeQueue)}
}

// observation is an observer with the parts of a request that it gets.
type observation struct {
	*observer
	attributes map[string]string
}

// Observer returns a function to be called with the result of the request, or nil if neither
// the strategy nor a shadow is an observer. What they need of the request is copied now.
func (w *Walk) Observer() func(sdk.RequestResult) {
	if w.route == nil {
		return nil
	}
	var all []observation
	if p := w.route.planner; p.observer != nil {
		all = append(all, observation{p.observer, w.attributes(p.current.Load())})
	}
	for _, s := range w.route.shadows {
		if o := s.planner.observer; o != nil {
			all = append(all, observation{o, w.shadowAttributes(s)})
		}
	}
	if all == nil {
		return nil
	}
	pattern, model := w.route.Config.Pattern, w.request.Model
	return func(r sdk.RequestResult) {
		r.Route, r.Model = pattern, model
		for _, o := range all {
			r.Attributes = o.attributes
			select {
			case o.results <- r:
			default: // the strategy is too slow: the result is dropped
			}
		}
	}
}

// keptAttributes are the parts of a request that observers get when it ends, at which time
// its body has been released.
type keptAttributes struct {
	attributes map[string]string
	plan       *plan // that names them
	shadows    map[*shadow]map[string]string
}

// attributes returns the parts of the request that the plan names, and keeps them for an
// observer.
func (w *Walk) attributes(by *plan) map[string]string {
	if w.route.planner.observer == nil {
		return attributes(&w.request, by.attributes, nil)
	}
	if k := &w.kept; k.plan != by {
		k.attributes, k.plan = attributes(&w.request, by.attributes, k.attributes), by
	}
	return w.kept.attributes
}

// shadowAttributes returns the parts of the request that the plan of a shadow names, and
// keeps them.
func (w *Walk) shadowAttributes(s *shadow) map[string]string {
	if w.kept.shadows == nil {
		w.kept.shadows = map[*shadow]map[string]string{}
	}
	w.kept.shadows[s] = attributes(&w.request, s.planner.current.Load().attributes, w.kept.shadows[s])
	return w.kept.shadows[s]
}

// keepAttributes copies the parts of the request that the observers, if any, get.
func (w *Walk) keepAttributes() {
	if w.route == nil {
		return
	}
	if w.route.planner.observer != nil {
		w.attributes(w.route.planner.current.Load())
	}
	for _, s := range w.route.shadows {
		if s.planner.observer != nil {
			w.shadowAttributes(s)
		}
	}
}

// run passes results on until ctx ends.
func (o *observer) run(ctx context.Context) {
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	var batch []sdk.RequestResult
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-o.results:
			if batch = append(batch, r); len(batch) < observeBatch {
				continue
			}
		case <-ticker.C:
		}
		if len(batch) > 0 {
			o.pass(ctx, batch)
			batch = nil
		}
	}
}

func (o *observer) pass(ctx context.Context, batch []sdk.RequestResult) {
	ctx, cancel := context.WithTimeout(ctx, observeDeadline)
	defer cancel()
	err := o.to.Observe(ctx, batch)
	o.mu.Lock()
	failed := o.err != nil
	o.err = err
	o.mu.Unlock()
	if err != nil && !failed {
		o.notice(fmt.Sprintf("%s: the results of %d requests could not be passed on: %v", o.name, len(batch), err))
	}
}

// failure returns why the strategy did not accept the last batch of results; nil if it did.
func (o *observer) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
