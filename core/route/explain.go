package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/sdk"
)

// Choice is a channel that a request would be sent to, with its key.
type Choice struct {
	Channel *Channel
	Key     *Key // nil if the channel has none
	Reason  string
	Random  bool         // the plan picks at random among it and others
	Skip    channel.Skip // why it is out of service, if it is only the last resort

	Keys      []*Key // in the order in which they would be tried; Key is the first
	KeyReason string // of the plan for the keys
}

// SkippedCandidate is a channel, or one of its keys, that a request would not use.
type SkippedCandidate struct {
	Channel *Channel
	Key     *Key // nil: the whole channel
	Why     channel.Skip
	Cause   string // the cause in words; "" if Why says it all
}

// Explain returns the channels that a request would be sent to, each if those before it
// failed, and why the others are skipped. It takes the same walk as a request, without
// using up turns or slots. A strategy that routes each request is called; unrouted is why
// its answer cannot be used, in which case the plan decides.
func (r *Route) Explain(ctx context.Context, now time.Time, request Request) (choices []Choice, skipped []SkippedCandidate, unrouted error) {
	w := r.dryWalk(now, request)
	unrouted = w.orderDry(ctx)
	for {
		p, ok := w.Next(now)
		if !ok {
			break
		}
		choice := Choice{Channel: p.Channel, Key: p.Key, Reason: p.Reason, Random: p.group != nil && p.group.random(), Skip: w.skip(p.Channel)}
		choice.Keys, choice.KeyReason = w.keysInOrder(p)
		choices = append(choices, choice)
		w.FailChannel(p, time.Time{})
	}
	return choices, r.skippedCandidates(now, request, choices), unrouted
}

// keysInOrder returns the keys of the picked channel in the order in which they would
// be tried, each if those before it failed, and the reason of the plan for the keys.
func (w *Walk) keysInOrder(p Pick) (keys []*Key, reason string) {
	if p.Key == nil {
		return nil, ""
	}
	c := w.dry.copies[p.Channel.planner]
	if c.plan == nil { // the key was not chosen by the plan
		return []*Key{p.Key}, ""
	}
	for ok := true; ok; p, ok = w.nextKey() {
		keys = append(keys, p.Key)
		w.failKey(p, true)
	}
	w.tried.nextKeyOf = nil
	reason = c.plan.reason
	for i := range c.plan.groups {
		if c.plan.groups[i].random() {
			return keys, reason + randomly
		}
	}
	return keys, reason
}

// orderDry calls the strategy of the route for a request that is not sent. The error says
// why its answer cannot be used.
func (w *Walk) orderDry(ctx context.Context) error {
	p := w.route.planner
	if p.router == nil || p.current.Load().isFinal() {
		return nil
	}
	reply, err := p.router.ask(ctx, w.routeRequest(p.router, p.current.Load(), w.now))
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("no answer within %s", routeDeadline)
	}
	if err != nil {
		return err
	}
	w.routed.order, w.routed.reason = p.router.order(nil, reply, w.route.Channels), replyReason(reply)
	if len(w.routed.order) == 0 && len(reply.Order) > 0 {
		return fmt.Errorf("none of the channels that it names is in the route: %s", wording.List(reply.Order[:min(len(reply.Order), 3)]))
	}
	return nil
}

// askDry returns the choice of a shadow that routes each request; ok is false if it does
// not route, or does not answer.
func (w *Walk) askDry(ctx context.Context, p *planner) (choice Choice, ok bool) {
	if p.router == nil || p.current.Load().isFinal() {
		return choice, false
	}
	reply, err := p.router.ask(ctx, w.routeRequest(p.router, p.current.Load(), w.now))
	if err != nil {
		return choice, false
	}
	for _, i := range p.router.order(nil, reply, w.route.Channels) {
		if w.available(i) {
			return Choice{Channel: w.route.Channels[i], Reason: replyReason(reply)}, true
		}
	}
	return choice, false
}

// random reports whether the group's rule picks members at random.
func (g *group) random() bool {
	return g.rule.Kind == sdk.RuleWeightedRandom || g.rule.Kind == sdk.RuleP2C
}

// skippedCandidates returns the channels that are not among the choices, and the keys that
// are not available.
func (r *Route) skippedCandidates(now time.Time, request Request, choices []Choice) (all []SkippedCandidate) {
	w := r.dryWalk(now, request)
	for _, ch := range r.Channels {
		if !slices.ContainsFunc(choices, func(c Choice) bool { return c.Channel == ch }) {
			why := w.skip(ch)
			if why == "" && !r.planned(ch) {
				why = channel.SkipNotPlanned
			}
			all = append(all, SkippedCandidate{ch, nil, cmp.Or(why, channel.SkipFull), w.outage(ch, why)})
		}
		for _, k := range ch.Keys {
			if why := w.keySkip(k); why != "" {
				all = append(all, SkippedCandidate{ch, k, why, k.State.Cause(now, request.Model, request.Operation)})
			}
		}
	}
	return all
}

// planned reports whether the route's plan names the channel.
func (r *Route) planned(ch *Channel) bool {
	for _, g := range r.planner.current.Load().groups {
		for _, m := range g.members {
			if r.Channels[m.index] == ch {
				return true
			}
		}
	}
	return false
}

func (t *turns) clone() *turns {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &turns{clock: t.clock, picked: slices.Clone(t.picked), credit: slices.Clone(t.credit)}
}
