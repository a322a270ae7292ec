package stats

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// clock is set by tests.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 11, 24, 12, 0, 3, 0, time.UTC)} }

// request returns a request that was answered at once.
func request(channel, key, model string, ttfb time.Duration) *event.Request {
	return &event.Request{
		Route: "/**", Model: model, Channel: channel, Key: key, Status: 200, TTFB: event.Millis(ttfb), TokensIn: 10, TokensOut: 3,
		Attempts: []event.Attempt{{Channel: channel, Key: key, Verdict: "ok", TTFB: event.Millis(ttfb)}},
	}
}

func TestRequestsAddUp(t *testing.T) {
	c := New(newClock().now)
	c.Add(request("a", "k1", "m", 20*time.Millisecond))
	failedOver := request("b", "k2", "m", 30*time.Millisecond)
	failedOver.Retries = 1
	failedOver.Attempts = append([]event.Attempt{{Channel: "a", Key: "k1", Verdict: "channel", Status: 502}}, failedOver.Attempts...)
	c.Add(failedOver)
	c.Add(&event.Request{Route: "/**", Model: "m", Status: 502, Channel: "a", Attempts: []event.Attempt{{Channel: "a", Key: "k1", Verdict: "key"}}})
	c.Add(&event.Request{Route: "/**", Model: "m", Status: 499, Attempts: []event.Attempt{{Channel: "a", Key: "k1", Verdict: "client"}}})
	c.Add(&event.Request{Route: "/**", Model: "m", Status: 404, Channel: "b", Attempts: []event.Attempt{{Channel: "b", Key: "k2", Verdict: "request"}}})
	c.Add(&event.Request{Route: "/**", Status: 503})
	c.Add(&event.Request{Status: 401, Error: "invalid_client_token"})
	v := c.View()
	counts := func(s Sums) string {
		return fmt.Sprint(s.Requests, s.Success, s.Fail, s.Retries, s.Input, s.Output)
	}
	for what, pair := range map[string][2]string{
		"all":        {counts(v.Total), "7 2 4 1 20 6"},
		"a":          {counts(v.Channels["a"].Sums), "3 1 2 0 10 3"},
		"b":          {counts(v.Channels["b"].Sums), "2 2 0 1 10 3"},
		"k1":         {counts(v.Channels["a"].Keys["k1"]), "3 1 2 0 10 3"},
		"the model":  {counts(v.Models["m"]), "5 2 2 1 20 6"},
		"one minute": {counts(v.Windows["1m"]), "7 2 4 1 20 6"},
		"one hour":   {counts(v.Windows["1h"]), "7 2 4 1 20 6"},
		"one day":    {counts(v.Windows["24h"]), "7 2 4 1 20 6"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %s, want %s", what, pair[0], pair[1])
		}
	}
}

func TestQuantilesAreNear(t *testing.T) {
	c := New(newClock().now)
	for i := 1; i <= 1000; i++ {
		c.Add(request("a", "k", "m", time.Duration(i)*time.Millisecond))
	}
	c.Add(request("a", "k", "m", 24*time.Hour)) // over the maximum
	v := c.View()
	for what, s := range map[string]Sums{"channel": v.Channels["a"].Sums, "key": v.Channels["a"].Keys["k"], "model": v.Models["m"], "window": v.Windows["24h"], "all": v.Total} {
		slack := 0.02
		if what == "key" {
			slack = 0.13
		}
		for _, q := range []float64{0.5, 0.9, 0.99} {
			got, want := s.Quantile(q).Seconds(), q
			if got < want*(1-slack) || got > want*(1+slack) {
				t.Errorf("%s: the quantile %v is %v s", what, q, got)
			}
		}
		if n, _ := s.Samples(); n != 1001 {
			t.Errorf("%s: %d samples", what, n)
		}
	}
	if new(Sums).Quantile(0.5) != 0 {
		t.Error("there is a quantile without samples")
	}
}

func TestWindowsForget(t *testing.T) {
	clock := newClock()
	c := New(clock.now)
	add := func() { c.Add(request("a", "k", "m", time.Millisecond)) }
	want := func(minute, hour, day uint64) {
		t.Helper()
		w := c.View().Windows
		if w["1m"].Requests != minute || w["1h"].Requests != hour || w["24h"].Requests != day {
			t.Errorf("%d, %d, %d; want %d, %d, %d", w["1m"].Requests, w["1h"].Requests, w["24h"].Requests, minute, hour, day)
		}
	}
	add()
	want(1, 1, 1)
	clock.t = clock.t.Add(50 * time.Second)
	add()
	want(2, 2, 2)
	clock.t = clock.t.Add(15 * time.Second)
	want(1, 2, 2)
	clock.t = clock.t.Add(time.Hour)
	want(0, 0, 2)
	add()
	clock.t = clock.t.Add(23 * time.Hour)
	want(0, 0, 1)
	clock.t = clock.t.Add(30 * 24 * time.Hour) // later, in the same slots
	want(0, 0, 0)
	add()
	want(1, 1, 1)
	clock.t = clock.t.Add(-2 * time.Hour) // the clock is set
	add()
	if w := c.View().Windows["1m"]; w.Requests != 1 {
		t.Errorf("after the clock was set: %d", w.Requests)
	}
	if n := c.View().Windows["1m"]; n.Quantile(1) != time.Millisecond {
		t.Errorf("%v", n.Quantile(1))
	}
}

func TestPointsAreOfTenSeconds(t *testing.T) {
	clock := newClock()
	c := New(clock.now)
	c.Add(request("a", "k", "m", 10*time.Millisecond))
	c.Add(request("a", "k", "m", 20*time.Millisecond))
	clock.t = clock.t.Add(10 * time.Second)
	c.Add(&event.Request{Route: "/**", Attempts: []event.Attempt{{Channel: "a", Verdict: "channel"}}})
	p := c.Channel("a").Recent
	if len(p) != PointCount || p[PointCount-2] != (Point{Requests: 2, TTFB: 15 * time.Millisecond}) || p[PointCount-1] != (Point{Requests: 1, Failures: 1}) || p[0] != (Point{}) {
		t.Errorf("%+v", p)
	}
	if r := c.View().Rate; r < 3.0/14 || r > 3.0/12 { // 3 in 13 seconds
		t.Errorf("%v requests a second", r)
	}
	clock.t = clock.t.Add(9 * time.Minute)
	if p := c.Channel("a").Recent; p[PointCount-55].Requests != 1 {
		t.Errorf("%+v", p)
	}
	clock.t = clock.t.Add(9 * time.Minute)
	for i, p := range c.Channel("a").Recent {
		if p != (Point{}) {
			t.Errorf("point %d: %+v", i, p)
		}
	}
	if p := c.Channel("none").Recent; len(p) != PointCount {
		t.Errorf("%d points of a channel without requests", len(p))
	}
}

func TestEverythingIsBounded(t *testing.T) {
	c := New(newClock().now)
	for i := range 2 * maxChannels {
		c.Add(request(fmt.Sprint("channel-", i), "k", fmt.Sprint("model-", i), time.Millisecond))
		c.Add(request("a", fmt.Sprint("key-", i), strings.Repeat("long", maxName), time.Millisecond))
	}
	c.Add(&event.Request{Route: "/**", Model: "requested only", Status: 404})
	v := c.View()
	if len(v.Channels) > maxChannels+1 || len(v.Models) > maxModels+1 || len(v.Channels["a"].Keys) > maxKeys+1 {
		t.Errorf("%d channels, %d models, %d keys", len(v.Channels), len(v.Models), len(v.Channels["a"].Keys))
	}
	all := uint64(0)
	for _, m := range v.Models {
		all += m.Requests
	}
	if _, there := v.Models["requested only"]; there || all != v.Total.Requests {
		t.Errorf("%d of %d requests by model", all, v.Total.Requests)
	}
}

func TestCountsSurviveARestart(t *testing.T) {
	clock := newClock()
	c := New(clock.now)
	for i := range 200 {
		c.Add(request("a", "k", "m", time.Duration(i)*time.Millisecond))
	}
	b, err := json.Marshal(c.Save())
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 20<<10 {
		t.Errorf("%d bytes", len(b))
	}
	clock.t = clock.t.Add(30 * time.Second)
	next := New(clock.now)
	var saved Saved
	if err := json.Unmarshal(b, &saved); err != nil {
		t.Fatal(err)
	}
	if err := next.Restore(saved); err != nil {
		t.Fatal(err)
	}
	was, is := c.View(), next.View()
	if !is.Since.Equal(was.Since) || is.Total.Requests != 200 || is.Windows["1m"].Requests != 200 || is.Models["m"].Input != was.Models["m"].Input {
		t.Errorf("%+v", is)
	}
	for _, q := range []float64{0.5, 0.99} {
		if a, b := was.Channels["a"].Keys["k"], is.Channels["a"].Keys["k"]; a.Quantile(q) != b.Quantile(q) {
			t.Errorf("the quantile %v was %v and is %v", q, a.Quantile(q), b.Quantile(q))
		}
	}
	saved.Version = 9
	if err := next.Restore(saved); err == nil {
		t.Error("a version that is not known")
	}
}

func BenchmarkNote(b *testing.B) {
	c := New(time.Now)
	r := request("a", "k", "m", 20*time.Millisecond)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			c.Add(r)
		}
	})
}

// TestResetKeepsWindows: a reset of the counters keeps the windows and the last ten minutes.
func TestResetKeepsWindows(t *testing.T) {
	clock := newClock()
	c := New(clock.now)
	c.Add(request("a", "k1", "m", 20*time.Millisecond))
	clock.t = clock.t.Add(time.Minute)
	c.Reset()
	v := c.View()
	if v.Total.Requests+v.Channels["a"].Requests+v.Channels["a"].Input+v.Channels["a"].Keys["k1"].Requests+v.Models["m"].Requests != 0 || !v.Since.Equal(clock.t) {
		t.Errorf("after the reset: %+v", v)
	}
	if v.Windows["1h"].Requests != 1 || len(v.Channels["a"].Recent) == 0 {
		t.Errorf("what is current is lost: %+v", v)
	}
	c.Add(request("a", "k1", "m", 20*time.Millisecond))
	if v := c.View(); v.Total.Requests != 1 || v.Channels["a"].Keys["k1"].Requests != 1 || v.Windows["1h"].Requests != 2 {
		t.Errorf("one request later: %+v", v)
	}
}

// BenchmarkSave saves 500 channels with ten keys each, while requests wait.
func BenchmarkSave(b *testing.B) {
	c := New(time.Now)
	for i := range 500 {
		for k := range 10 {
			c.Add(request(fmt.Sprint("channel-", i), fmt.Sprint("key-", k), "m", 30*time.Millisecond))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Save()
	}
}

// TestAMissingEndpointIsAFailedAttempt: as in the counters of keys.
func TestAMissingEndpointIsAFailedAttempt(t *testing.T) {
	for means, failures := range map[verdict.Means]uint64{verdict.NoEndpoint: 1, verdict.NoModel: 1, verdict.TooLarge: 1, verdict.Declined: 1, verdict.Suspect: 1, verdict.Refused: 0, "": 0} {
		c := New(time.Now)
		c.Add(&event.Request{Route: "/**", Status: 404, Attempts: []event.Attempt{{Channel: "a", Verdict: event.VerdictRequest, Means: string(means)}}})
		var got uint64
		for _, p := range c.Channel("a").Recent {
			got += p.Failures
		}
		if got != failures {
			t.Errorf("%s: %d failures, want %d", means, got, failures)
		}
	}
}

// TestARequestFailsAsInTheHistory: the share of requests that succeeded agrees with the
// usage, also for those that were refused without an attempt.
func TestARequestFailsAsInTheHistory(t *testing.T) {
	c, failed := New(time.Now), uint64(0)
	for _, r := range []*event.Request{
		{Route: "/**", Status: 200, Attempts: []event.Attempt{{Channel: "a", Verdict: event.VerdictOK}}},
		{Route: "/**", Status: 429, Error: "client_limit"},
		{Status: 403, Error: "model_not_allowed"},
		{Route: "/**", Status: 404, Attempts: []event.Attempt{{Channel: "a", Verdict: event.VerdictRequest, Means: "no_endpoint"}}},
		{Route: "/**", Status: 200, Error: "the answer was cut off", Attempts: []event.Attempt{{Channel: "a", Verdict: event.VerdictChannel}}},
		{Route: "/**", Status: 499, Error: "the caller disconnected"},
	} {
		c.Add(r)
		if r.Failed() {
			failed++
		}
	}
	if w := c.View().Windows["1h"]; w.Requests != 6 || w.Success != 1 || w.Fail != failed || failed != 4 {
		t.Errorf("%d requests, %d succeeded, %d failed; want 6, 1, %d", w.Requests, w.Success, w.Fail, failed)
	}
}

// TestSetSites: a key keeps its counts when its ID changes, the last ten minutes of another
// address are forgotten, and both also hold for changes while the program was stopped.
func TestSetSites(t *testing.T) {
	t.Parallel()
	before := map[string]Site{"a": {Target: "http://one", Keys: map[string]string{"k1": "p1", "k2": "p2"}}}
	after := map[string]Site{"a": {Target: "http://two", Keys: map[string]string{"k9": "p1", "k2": "p2"}}}
	count := func() *Collector {
		c := New(time.Now)
		c.SetSites(before)
		c.Add(request("a", "k1", "m", time.Millisecond))
		c.Add(request("a", "k2", "m", time.Millisecond))
		return c
	}
	running := count()
	running.SetSites(after)
	restarted := New(time.Now)
	restarted.SetSites(after) // the configuration may be read before the counters
	if err := restarted.Restore(count().Save()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Collector{"running": running, "restarted": restarted} {
		got := c.Channel("a")
		if got.Requests != 2 || len(got.Keys) != 2 || got.Keys["k9"].Requests != 1 || got.Keys["k2"].Requests != 1 {
			t.Errorf("%s: %+v", name, got)
		}
		for _, p := range got.Recent {
			if p.Requests != 0 {
				t.Errorf("%s: the last ten minutes have requests to the former address", name)
			}
		}
	}
}
