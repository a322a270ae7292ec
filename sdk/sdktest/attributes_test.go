package sdktest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

// reader is a strategy that keeps the attributes that it gets.
type reader struct {
	mu   sync.Mutex
	seen []map[string]string
}

func (r *reader) Configure(context.Context, sdk.Config) error { return nil }
func (r *reader) Close() error                                { return nil }

func (r *reader) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleOrder}}
	for _, c := range req.Channels {
		g.Members = append(g.Members, sdk.Member{ID: c.ID})
	}
	return sdk.Plan{Groups: []sdk.Group{g}, Attributes: []string{"model", "client", "header.x-t", "header.x-api-key", "body.user", "body.messages.0.content", "body.secret"}}, nil
}

func (r *reader) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	r.keep(req.Attributes)
	return sdk.RouteReply{}, nil
}

func (r *reader) Observe(_ context.Context, results []sdk.RequestResult) error {
	for _, result := range results {
		r.keep(result.Attributes)
	}
	return nil
}

func (r *reader) keep(attributes map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, attributes)
}

// A strategy under test gets the same attributes of requests as from aitunnel.
func TestAttributesAreThoseThatAitunnelPasses(t *testing.T) {
	r := &reader{}
	f := sdk.Factory{Name: "reader", Doc: "Reads.", New: func() sdk.Component { return r }}
	long := strings.Repeat("x", 20<<10)
	given := map[string]string{
		"model": "m", "client": "", "header.x-t": "t", "header.x-other": "not asked for", "header.x-api-key": "a credential",
		"body.user": "u", "body.messages.0.content": long, "body.secret": "not exposed",
	}
	expose := sdktest.Expose("body.user", "body.messages")
	sdktest.Route(t, f, nil, sdk.RouteRequest{Attributes: given, Channels: []sdk.Snapshot{{ID: "a", Available: true}}}, expose)
	s := sdktest.Simulate(t, f, nil, map[string]sdktest.Simulated{"a": {}}, expose)
	s.Observe(sdk.RequestResult{Channel: "a", Status: 200, Attributes: given})
	s.Run(1)
	s.Observe(sdk.RequestResult{Channel: "a", Status: 200, Attributes: given})
	want := map[string]string{"model": "m", "header.x-t": "t", "body.user": "u", "body.messages.0.content": long[:16<<10]}
	if len(r.seen) != 3 {
		t.Fatalf("got attributes %d times", len(r.seen))
	}
	for i, got := range r.seen {
		if !maps.Equal(got, want) {
			t.Errorf("%d: %.200v", i, got)
		}
	}
	if given["body.messages.0.content"] != long {
		t.Error("the test's own map was changed")
	}

	r.seen = nil
	s = sdktest.Simulate(t, f, nil, map[string]sdktest.Simulated{"a": {}})
	s.Observe(sdk.RequestResult{Channel: "a", Status: 200, Attributes: given})
	if want := map[string]string{"model": "m", "header.x-t": "t"}; !maps.Equal(r.seen[0], want) {
		t.Errorf("without expose: %.200v", r.seen[0])
	}
}

// keeper is a router that keeps a session on its channel.
type keeper struct {
	reader
	servedBy map[string]string
}

func (k *keeper) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	if k.servedBy == nil {
		k.servedBy = map[string]string{}
		_ = json.Unmarshal(req.State, &k.servedBy)
	}
	plan, _ := k.reader.Plan(ctx, req)
	var err error
	plan.State, err = json.Marshal(k.servedBy)
	return plan, err
}

func (k *keeper) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	if len(req.Channels) != 2 {
		return sdk.RouteReply{}, fmt.Errorf("channels %+v", req.Channels)
	}
	if c := k.servedBy[req.Attributes["header.x-t"]]; c != "" {
		return sdk.RouteReply{Order: []string{c}}, nil
	}
	return sdk.RouteReply{}, nil
}

func (k *keeper) Observe(_ context.Context, results []sdk.RequestResult) error {
	for _, r := range results {
		k.servedBy[r.Attributes["header.x-t"]] = r.Channel
	}
	return nil
}

// In a simulation, Route uses what Observe was called with, also after a restart.
func TestSimulatedRoutersKeepSessions(t *testing.T) {
	f := sdk.Factory{Name: "keeper", Doc: "Keeps.", New: func() sdk.Component { return &keeper{} }}
	s := sdktest.Simulate(t, f, nil, map[string]sdktest.Simulated{"a": {}, "b": {}})
	session := map[string]string{"header.x-t": "t"}
	first := func() string {
		got := s.Route(sdk.RouteRequest{Attributes: session})
		return strings.Join(got.Order, " ")
	}
	if got := first(); got != "" {
		t.Errorf("before the session was served: %q", got)
	}
	s.Observe(sdk.RequestResult{Channel: "b", Status: 200, Attributes: session})
	if got := first(); got != "b" {
		t.Errorf("after it was served: %q", got)
	}
	s.Run(1) // the next plan has the session in its state
	s.Restart()
	if got := first(); got != "b" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestPlansMayNameModelAndClient(t *testing.T) {
	sdktest.Simulate(t, sdk.Factory{Name: "reader", Doc: "Reads.", New: func() sdk.Component { return &reader{} }}, nil, map[string]sdktest.Simulated{"a": {}}).Run(1)
}
