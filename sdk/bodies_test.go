package sdk

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

var (
	aTime     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	snapshots = []Snapshot{{
		ID: "a", Label: "team", Weight: 1.5, Fallback: true, Available: true, Health: HealthUp, TTFB: 250 * time.Millisecond,
		InFlight: 3, ErrorRate: 0.125, Requests: 1 << 60, LastUsed: aTime,
	}, {ID: "b"}}
	outcomes = []Outcome{{ID: "a", Successes: 9, Failures: 1, TTFB: time.Second}}
	aPlan    = Plan{
		Groups: []Group{
			{Members: []Member{{ID: "a", Weight: 0.5, MaxInFlight: 4}}, Rule: Rule{Kind: RuleHash, Hash: []string{"header.x-session-id"}}},
			{Members: []Member{{ID: "b"}}, Rule: Rule{Kind: RuleOrder}},
		},
		TTL: 30 * time.Second, MaxStale: time.Hour, State: []byte{0, 255}, Reason: "because",
		Attributes:   []string{"header.x-session-id", "body.user"},
		InvalidateOn: []Change{ChangeHealth, ChangeMembership, ChangeLimits},
		TTLExact:     true, None: &None{Reason: "the budget is spent", Fallbacks: true},
		Warnings: []Warning{{Path: []string{"prices", "x"}, Message: "no such channel"}},
	}
)

// bodies has every type that is sent over the wire, with every field set.
func bodies(t *testing.T) map[string]any {
	schema, err := deriveSchema(full)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"attach": wire.Attach{Broker: 7},
		"probe":  wire.Probe{Call: 9, Request: json.RawMessage(`{"path":"/v1/models"}`)},
		"description": Description{
			Name: "acme", Version: "1.2.3", Doc: "A plugin.", Protocol: 1, Features: []string{"something"},
			Components: []ComponentDescription{{Kind: KindStrategy, Name: "bandit", Doc: "A strategy.", Router: true, Schema: schema, Observer: true, OnFailure: "priority"}},
			Verdicts:   `verdict "x" {}`,
		},
		"config":           Config{Instance: "route /v1/**", Body: json.RawMessage(`{"explore":0.1}`), Members: []string{"a", "b"}},
		"plan_request":     PlanRequest{Route: "/v1/**", Channels: snapshots, Outcomes: outcomes, State: []byte{0, 255}, RouteOutcomes: outcomes},
		"plan":             aPlan,
		"key_plan_request": KeyPlanRequest{Channel: "primary", Keys: snapshots, Outcomes: outcomes, State: []byte("s")},
		"check_request":    CheckRequest{Channel: "primary", Models: []string{"gpt-*"}, Keys: []CheckKey{{ID: "k", Label: "team"}}},
		"check_result":     CheckResult{Healthy: true, Reason: "200", Latency: time.Millisecond, Keys: []KeyResult{{ID: "k", State: KeyCooldown, Reason: "out of credit", Until: aTime}}},
		"observed": []RequestResult{{
			Route: "/v1/**", Model: "m", Attributes: map[string]string{"header.x": "1"}, Channel: "a", Status: 200, Attempts: 2,
			TTFB: time.Second, Duration: time.Minute, TokensIn: 3, TokensOut: 4, Cost: 0.5, At: aTime,
		}},
		"route_request": RouteRequest{Route: "/v1/**", Model: "m", Attributes: map[string]string{"header.x": "1"}, Channels: snapshots},
		"route_reply":   RouteReply{Order: []string{"b", "a"}, Reason: "because"},
		"probe_request": ProbeRequest{Method: "POST", Path: "/v1/models", Header: map[string]string{"a": "b"}, Body: []byte("x"), KeyID: "k"},
		"probe_result":  ProbeResult{Status: 200, Header: map[string]string{"a": "b"}, Body: []byte("x"), Latency: time.Second},
	}
}

// TestJSONOfEveryVersionIsRead checks the JSON that versions of the SDK exchange, both ways.
func TestJSONOfEveryVersionIsRead(t *testing.T) {
	for name, want := range bodies(t) {
		file := filepath.Join("bodies", name+".json")
		golden(t, file, want)
		recorded, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want))
		if err := wire.Decode(recorded, got.Interface()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := json.MarshalIndent(got.Interface(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if string(again)+"\n" != string(recorded) {
			t.Errorf("%s loses fields: %s", name, again)
		}
	}
}

// TestOldBodies reads what the first version wrote, and what a later one might add. The
// files must never be changed: plugins that are in use send them.
func TestOldBodies(t *testing.T) {
	for name, want := range map[string]any{
		"plan_request": PlanRequest{
			Route: "/v1/**", Channels: []Snapshot{{ID: "primary", Weight: 10, Available: true, TTFB: 300 * time.Millisecond, LastUsed: aTime}},
			Outcomes: []Outcome{{ID: "primary", Successes: 3}}, State: []byte("cursor"),
		},
		"plan": Plan{
			Groups: []Group{{Members: []Member{{ID: "primary", Weight: 10}}, Rule: Rule{Kind: RuleSmoothWRR}}},
			TTL:    time.Minute, InvalidateOn: []Change{ChangeHealth, "tides"},
		},
		"description": Description{
			Name: "acme", Version: "1.0.0", Protocol: 1, Features: []string{"telepathy"},
			Components: []ComponentDescription{{Kind: KindStrategy, Name: "bandit", Schema: &Schema{
				Attributes: []Attribute{{Name: "explore", Type: json.RawMessage(`"number"`), Default: json.RawMessage(`0.1`)}},
				Blocks:     []Block{{Name: "window", Schema: &Schema{}}},
			}}},
		},
		"check_result":  CheckResult{Healthy: true},
		"probe_request": ProbeRequest{Path: "/v1/models"},
	} {
		recorded, err := os.ReadFile(filepath.Join("testdata", "v1", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want))
		if err := wire.Decode(recorded, got.Interface()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got.Elem().Interface(), want) {
			t.Errorf("%s reads as\n%+v, not\n%+v", name, got.Elem(), want)
		}
	}
}

// FuzzService sends a plugin anything that a host could send.
func FuzzService(f *testing.F) {
	for _, method := range []string{wire.MethodDescribe, wire.MethodConfigure, wire.MethodPlan, wire.MethodRoute, wire.MethodCheck, wire.MethodClose, "?"} {
		f.Add(method, "strategy/planner", "1", []byte(`{"route":"r","channels":[{"id":"a"}],"state":"AA=="}`))
	}
	p := Plugin{Name: "p", Version: "1.0.0", Components: []Factory{{Name: "planner", New: func() Component { return planner{} }}}}
	d, err := p.Describe()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, component, instance string, body []byte) {
		if method == wire.MethodAttach {
			return // needs a connection
		}
		s := newService(p, d, nil, events{})
		defer s.shutdown()
		s.handle(context.Background(), wire.Call{Method: wire.MethodConfigure, Component: "strategy/planner", Instance: "1"})
		reply := s.handle(context.Background(), wire.Call{Method: method, Component: component, Instance: instance, Body: body})
		if reply.Code == "" && !json.Valid(reply.Body) {
			t.Errorf("neither a result nor a failure: %+v", reply)
		}
	})
}
