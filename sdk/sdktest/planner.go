package sdktest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

// plannerChecks are those of strategies and key selectors.
var plannerChecks = []check{
	{"documentation", (*kit).documented},
	{"wrong_settings", (*kit).wrongSettings},
	{"odd_settings", (*kit).oddSettings},
	{"unknown_fields", (*kit).unknownFields},
	{"separate_instances", (*kit).instancesApart},
	{"0_1_and_1000", (*kit).sizes},
	{"odd_candidates", (*kit).oddCandidates},
	{"members_come_and_go", (*kit).membersComeAndGo},
	{"shares", (*kit).shares},
	{"64_callers", (*kit).callers},
	{"deadline_and_cancel", (*kit).deadline},
	{"state", (*kit).state},
	{"many_plans", (*kit).longLife},
	{"requests", (*kit).routes},
	{"close", (*kit).closes},
	{"host_death", (*kit).hostDeath},
	{"secrets", (*kit).secrets},
}

func (k *kit) fallbacks() bool { return k.described.Kind == sdk.KindStrategy }

// sizes requests plans for no, few and many candidates.
func (k *kit) sizes(t *testing.T) {
	r := k.serve(t)
	for _, n := range []int{0, 1, 2, 1000} {
		for _, all := range [][]sdk.Snapshot{candidates(n), mixed(n, k.fallbacks())} {
			c := r.open(nil)
			k.sound(r, c, question{candidates: all})
			r.close(c)
		}
	}
}

// oddCandidates requests plans for unusual candidates.
func (k *kit) oddCandidates(t *testing.T) {
	odd := map[string]func(*sdk.Snapshot){
		"no samples":     func(c *sdk.Snapshot) { c.TTFB, c.Requests, c.Health = 0, 0, sdk.HealthUnknown },
		"out of service": func(c *sdk.Snapshot) { c.Available, c.Health = false, sdk.HealthDown },
		"weight 0":       func(c *sdk.Snapshot) { c.Weight = 0 },
		"huge weights":   func(c *sdk.Snapshot) { c.Weight = 1e300 },
		"tiny weights":   func(c *sdk.Snapshot) { c.Weight = 1e-300 },
		"only failures":  func(c *sdk.Snapshot) { c.ErrorRate, c.TTFB = 1, 0 },
		"very slow":      func(c *sdk.Snapshot) { c.TTFB = 200 * time.Hour },
		"overrun":        func(c *sdk.Snapshot) { c.InFlight, c.Requests = 1<<30, 1<<62 },
		"just used":      func(c *sdk.Snapshot) { c.LastUsed = time.Now().Add(time.Hour) },
	}
	if k.fallbacks() {
		odd["fallback"] = func(c *sdk.Snapshot) { c.Fallback = true }
	}
	r := k.serve(t)
	for name, change := range odd {
		c := r.open(nil)
		for _, affected := range []int{1, 3} { // of three
			q := question{candidates: candidates(3)}
			for i := range affected {
				change(&q.candidates[i])
			}
			for _, outcomes := range [][]sdk.Outcome{nil, {{ID: "c0", Failures: 1 << 40}, {ID: "c1", Successes: 1 << 40, TTFB: 1}, {ID: "gone", Successes: 1}}} {
				q.outcomes = outcomes
				if _, err := k.plan(c, q); err != nil {
					t.Errorf("%d of 3 %s: %v", affected, name, err)
				}
			}
		}
		r.close(c)
	}
}

// membersComeAndGo requests plans from one instance for changing members, with the State of
// its last plan.
func (k *kit) membersComeAndGo(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	all := candidates(6)
	var state []byte
	for _, members := range [][]int{{0, 1, 2}, {0, 1}, {1, 3}, {}, {4}, {5, 4, 3, 2, 1, 0}} {
		q := question{state: state}
		for _, i := range members {
			q.candidates = append(q.candidates, all[i])
		}
		for _, gone := range all { // also of removed members
			q.outcomes = append(q.outcomes, sdk.Outcome{ID: gone.ID, Successes: 3, Failures: 1, TTFB: gone.TTFB})
		}
		state = k.sound(r, c, q).State
	}
}

// callers makes concurrent calls of one instance about different members.
func (k *kit) callers(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	var wg sync.WaitGroup
	for caller := range 64 {
		wg.Go(func() {
			all := candidates(3)
			for i := range all {
				all[i].ID = fmt.Sprintf("caller%d-%d", caller, i)
			}
			q := question{candidates: all}
			for range 10 {
				q.outcomes = []sdk.Outcome{{ID: all[0].ID, Successes: 1, TTFB: time.Millisecond}, {ID: all[1].ID, Failures: 1}}
				p, err := k.plan(c, q)
				if err != nil {
					t.Errorf("64 callers at once: %v", err)
					return
				}
				q.state = p.State
			}
		})
	}
	wg.Wait()
	r.close(c)
}

// deadline cancels calls, and checks that they leave nothing behind.
func (k *kit) deadline(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	many := question{candidates: mixed(1000, k.fallbacks())}
	for i := range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*100*time.Microsecond)
		_, _ = k.ask(ctx, c, many)
		cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(time.Millisecond, cancel)
	_, _ = k.ask(ctx, c, many)
	cancel()
	for range 3 { // without the wire, which would not deliver such a call
		try(t, "a call whose context has ended", func() { k.direct(ctx, r.last()) })
	}
	if _, err := k.plan(c, many); err != nil {
		t.Errorf("after callers that gave up: %v", err)
	}
	r.close(c)
}

// longLife requests a few hundred plans, each with the results of the last one.
func (k *kit) longLife(t *testing.T) {
	r := k.serve(t)
	c := r.open(nil)
	w := newWorld(8)
	var p sdk.Plan
	for range 200 {
		p = k.sound(r, c, w.question(p.State))
		w.use(p, 25)
	}
}

// instancesApart checks that instances do not share settings or what they have learned.
func (k *kit) instancesApart(t *testing.T) {
	r := k.serve(t)
	q := question{candidates: candidates(4)}
	first := r.open(nil)
	before := k.sound(r, first, q)
	if !same(before, k.sound(r, first, q)) || !same(before, k.sound(r, r.open(nil), q)) {
		t.Log("it plans differently each time it is asked the same, so nothing can be said about what instances share")
		return
	}
	for _, s := range k.variations(k.described.Schema) {
		other, err := r.configure(s.settings)
		if err != nil {
			continue
		}
		_, _ = k.plan(other, q)
		if after := k.sound(r, first, q); !same(before, after) {
			t.Fatalf("an instance plans differently once another has the settings %v: are settings kept outside the instance?\nbefore %s, TTL %s\nafter  %s, TTL %s", s.settings, groups(before), before.TTL, groups(after), after.TTL)
		}
		r.close(other)
	}
	learned := r.open(nil)
	w := newWorld(4)
	var p sdk.Plan
	for range 20 {
		p = k.sound(r, learned, w.question(p.State))
		w.use(p, 50)
	}
	if after := k.sound(r, r.open(nil), q); !same(before, after) {
		t.Errorf("a new instance plans by what another has learned: is it kept outside the instance?\nbefore %s\nafter  %s", groups(before), groups(after))
	}
}

// routes checks a RequestRouter.
func (k *kit) routes(t *testing.T) {
	if !k.described.Router {
		t.Skip("it is no sdk.RequestRouter")
	}
	r := k.serve(t)
	c := r.open(nil)
	k.sound(r, c, question{candidates: candidates(3)})
	for _, n := range []int{0, 1, 8, 1000} {
		for _, req := range []sdk.RouteRequest{
			{Channels: candidates(n)},
			{Channels: mixed(n, true), Model: "gpt-4o", Attributes: map[string]string{"header.x-session-id": "s", "body.user": ""}},
		} {
			if err := route(c, req); err != nil {
				t.Errorf("for %d channels: %v", n, err)
			}
		}
	}
	fastest := patience
	for range 20 {
		begun := time.Now()
		_ = route(c, sdk.RouteRequest{Channels: candidates(8)})
		fastest = min(fastest, time.Since(begun))
	}
	if fastest > 20*time.Millisecond {
		t.Errorf("the fastest of 20 calls took %s: the host waits 20 ms, then goes by the plan: do the slow part in Plan", fastest)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 10 {
				if err := route(c, sdk.RouteRequest{Channels: candidates(4), Model: "m"}); err != nil {
					t.Errorf("64 callers at once: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func route(c *host.Component, req sdk.RouteRequest) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reply, err := c.Route(ctx, req)
	if err != nil {
		return fmt.Errorf("the method Route fails: %w", err)
	}
	seen := map[string]bool{}
	for _, id := range reply.Order {
		if !slices.ContainsFunc(req.Channels, func(c sdk.Snapshot) bool { return c.ID == id }) {
			return fmt.Errorf("the method Route names %q, which is not one of the channels it was asked about: name only those of RouteRequest.Channels", id)
		}
		if seen[id] {
			return fmt.Errorf("the method Route names %q twice: name each channel once", id)
		}
		seen[id] = true
	}
	return nil
}
