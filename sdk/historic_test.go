package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

type historicSettings struct {
	Explore float64       `hcl:"explore,optional" doc:"Share of requests that explore."`
	Mode    string        `hcl:"mode,optional" enum:"greedy,soft"`
	Every   time.Duration `hcl:"every,optional"`
	Token   string        `hcl:"token,optional" sensitive:"true"`
	Limit   *struct {
		Size sdk.Size `hcl:"size"`
	} `hcl:"limit,block"`
}

// historic is a component of each kind that uses all of protocol 1.
type historic struct{ historicSettings }

func (h *historic) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&h.historicSettings); err != nil {
		return err
	}
	if h.Explore > 1 {
		return errors.Join(
			&sdk.ConfigError{Path: []string{"explore"}, Message: "it is more than all", Hint: "1 at most"},
			&sdk.ConfigError{Path: []string{"limit", "size"}, Message: "odd"})
	}
	return nil
}

func (h *historic) Close() error { return nil }

func (h *historic) plan(candidates []sdk.Snapshot, state []byte) sdk.Plan {
	p := sdk.Plan{
		TTL: time.Minute, MaxStale: time.Hour, InvalidateOn: []sdk.Change{sdk.ChangeHealth, sdk.ChangeLimits},
		State: append(state, 7), Reason: fmt.Sprintf("%s, exploring %v", h.Mode, h.Explore),
	}
	for _, c := range candidates {
		p.Groups = append(p.Groups, sdk.Group{
			Members: []sdk.Member{{ID: c.ID, Weight: c.Weight / 2, MaxInFlight: 3}},
			Rule:    sdk.Rule{Kind: sdk.RuleHash, Hash: []string{"header.x-session-id"}},
		})
	}
	return p
}

type historicStrategy struct{ historic }

func (h *historicStrategy) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	switch req.Route {
	case "unavailable":
		return sdk.Plan{}, fmt.Errorf("%w: not today", sdk.ErrUnavailable)
	case "panic":
		panic("oh")
	}
	return h.plan(req.Channels, req.State), nil
}

func (h *historicStrategy) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	return sdk.RouteReply{Order: []string{req.Channels[1].ID, req.Attributes["header.x-want"]}, Reason: "for " + req.Model}, nil
}

type historicSelector struct{ historic }

func (h *historicSelector) PlanKeys(_ context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	return h.plan(req.Keys, req.State), nil
}

type historicChecker struct{ historic }

func (h *historicChecker) Check(ctx context.Context, req sdk.CheckRequest, on sdk.Host) (sdk.CheckResult, error) {
	res, err := on.Probe(ctx, sdk.ProbeRequest{Method: "POST", Path: "/v1/models", Header: map[string]string{"accept": "application/json"}, Body: []byte(req.Channel)})
	return sdk.CheckResult{Healthy: res.Status == 200, Reason: string(res.Body) + " " + res.Header["server"], Latency: res.Latency}, err
}

func historicPlugin() sdk.Plugin {
	settings := historicSettings{Explore: 0.1, Mode: "greedy", Every: time.Minute}
	return sdk.Plugin{Name: "acme", Version: "1.0.0", Doc: "Everything there is.", Components: []sdk.Factory{
		{Name: "bandit", Doc: "A strategy.", Settings: settings, New: func() sdk.Component { return &historicStrategy{} }},
		{Name: "keys", Settings: settings, New: func() sdk.Component { return &historicSelector{} }},
		{Name: "check", Settings: settings, New: func() sdk.Component { return &historicChecker{} }},
	}}
}

// site answers the probes of converse.
type site struct{}

func (site) Probe(_ context.Context, req sdk.ProbeRequest) (sdk.ProbeResult, error) {
	return sdk.ProbeResult{Status: 200, Header: map[string]string{"server": "s"}, Body: []byte(req.Method + " " + req.Path), Latency: time.Second}, nil
}

var historicCandidates = []sdk.Snapshot{
	{
		ID: "a", Weight: 2, Fallback: true, Available: true, Health: sdk.HealthUp, TTFB: time.Second, InFlight: 3, ErrorRate: 0.5, Requests: 9,
		LastUsed: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	},
	{ID: "b"},
}

// converse uses all of protocol 1 as a host, and returns the replies.
func converse(t *testing.T, conn *host.Conn) map[string]any {
	ctx := t.Context()
	told := map[string]any{}
	tell := func(what string, v any, err error) {
		if err != nil {
			told[what+" fails"] = err.Error()
			return
		}
		told[what] = v
	}
	d, err := conn.Describe(ctx)
	tell("description", d, err)
	block := json.RawMessage(`{"explore":0.25,"mode":"soft","every":"30s","token":"secret","limit":{"size":"64MiB"}}`)
	cfg := sdk.Config{Instance: "route /v1/**", Body: block}
	_, err = conn.Configure(ctx, "strategy/bandit", "0", sdk.Config{Instance: "x", Body: json.RawMessage(`{"explore":2}`)})
	tell("a wrong block", nil, err)
	outcomes := []sdk.Outcome{{ID: "a", Successes: 3, Failures: 1, TTFB: time.Second}}
	if s, err := conn.Configure(ctx, "strategy/bandit", "1", cfg); err == nil {
		p, err := s.Plan(ctx, sdk.PlanRequest{Route: "/v1/**", Channels: historicCandidates, Outcomes: outcomes, State: []byte{1, 0}})
		tell("plan", p, err)
		_, err = s.Plan(ctx, sdk.PlanRequest{Route: "unavailable"})
		tell("unavailable", errors.Is(err, sdk.ErrUnavailable), nil)
		_, err = s.Plan(ctx, sdk.PlanRequest{Route: "panic"})
		tell("panic", errors.Is(err, sdk.ErrPanic), nil)
		r, err := s.Route(ctx, sdk.RouteRequest{Route: "/v1/**", Model: "m", Attributes: map[string]string{"header.x-want": "a"}, Channels: historicCandidates})
		tell("route", r, err)
		_, err = s.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: "c"})
		tell("another kind's method", errors.Is(err, sdk.ErrUnsupported), nil)
		tell("close", nil, s.Close(ctx))
	} else {
		tell("strategy", nil, err)
	}
	if k, err := conn.Configure(ctx, "key_selector/keys", "2", cfg); err == nil {
		p, err := k.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: "c", Keys: historicCandidates, Outcomes: outcomes, State: []byte{2}})
		tell("key plan", p, err)
	} else {
		tell("key selector", nil, err)
	}
	if c, err := conn.Configure(ctx, "health_checker/check", "3", cfg); err == nil {
		res, err := c.Check(ctx, sdk.CheckRequest{Channel: "c", Models: []string{"gpt-*"}}, site{})
		tell("check", res, err)
	} else {
		tell("health checker", nil, err)
	}
	return told
}

// dialPlugin connects to a plugin that is served in this process.
func dialPlugin(t *testing.T, p sdk.Plugin) *host.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- sdk.ServeConn(p, theirs) }()
	conn, err := host.Dial(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = ours.Close(); <-served })
	return conn
}
