package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// frame is one recorded call with its reply. Those of testdata/v1/session.json
// were exchanged by the first version of both sides, and are never changed:
// programs that speak so are out there.
type frame struct {
	Component string          `json:"component,omitempty"`
	Instance  string          `json:"instance,omitempty"`
	Method    string          `json:"method"`
	Call      json.RawMessage `json:"call,omitempty"`
	Reply     json.RawMessage `json:"reply,omitempty"`
	Code      string          `json:"code,omitempty"`
	Message   string          `json:"message,omitempty"`
	Diags     []wire.Diag     `json:"diags,omitempty"`
}

func session(t *testing.T) (all []frame) {
	t.Helper()
	recorded, err := os.ReadFile(filepath.Join("testdata", "v1", "session.json"))
	if err == nil {
		err = json.Unmarshal(recorded, &all)
	}
	if err != nil || len(all) < 10 {
		t.Fatalf("%d frames, %v", len(all), err)
	}
	return all
}

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

// site answers the probes of the conversation.
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

// converse has a host use all of protocol 1, and returns what it was told.
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

// within says that all that old has is in now too, with the same values. What
// now has beside it is what later versions added.
func within(old, now any) bool {
	switch old := old.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		for k, v := range old {
			if !ok || !within(v, now[k]) {
				return false
			}
		}
		return ok
	case []any:
		now, ok := now.([]any)
		return ok && slices.EqualFunc(old, now, within)
	}
	return reflect.DeepEqual(old, now)
}

func sameJSON(old, now []byte) bool {
	if len(old) == 0 {
		return true
	}
	var a, b any
	return json.Unmarshal(old, &a) == nil && json.Unmarshal(now, &b) == nil && within(a, b)
}

// TestAnOldCoreAndANewPlugin plays the core of the first version to a plugin of
// this one.
func TestAnOldCoreAndANewPlugin(t *testing.T) {
	frames := session(t)
	ours, theirs := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- sdk.ServeConn(historicPlugin(), theirs) }()
	t.Cleanup(func() { _ = ours.Close(); <-served })
	client, err := plugin.NewRPCClient(ours, host.Plugins()[wire.Protocol])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := client.Dispense(wire.Name)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := raw.(*wire.Endpoint)
	var probed frame
	for _, f := range frames {
		if f.Method == wire.MethodProbe {
			probed = f
		}
	}
	id := endpoint.Broker.NextId()
	go func() {
		conn, err := endpoint.Broker.Accept(id)
		if err != nil {
			t.Error(err)
			return
		}
		wire.ServeConn(t.Context(), conn, func(ctx context.Context, call wire.Call) wire.Reply {
			if call.Method != wire.MethodProbe {
				<-ctx.Done()
				return wire.Fail(ctx.Err())
			}
			if !sameJSON(request(probed.Call), request(call.Body)) {
				t.Errorf("it probes with %s, where the first version sent %s", call.Body, probed.Call)
			}
			return wire.Reply{Body: probed.Reply}
		})
	}()
	for _, f := range frames {
		call := wire.Call{Component: f.Component, Instance: f.Instance, Method: f.Method, Body: f.Call}
		switch f.Method {
		case wire.MethodProbe:
			continue
		case wire.MethodAttach:
			call.Body, _ = json.Marshal(map[string]uint32{"broker": id})
		}
		reply, err := endpoint.Client.Do(t.Context(), call)
		if err != nil {
			t.Fatalf("%s of %s: %v", f.Method, f.Component, err)
		}
		if !sameJSON(f.Reply, reply.Body) || reply.Code != f.Code || !reflect.DeepEqual(reply.Diags, f.Diags) {
			t.Errorf("%s of %s is answered with\n%s %s %+v\nthe first version said\n%s %s %+v", f.Method, f.Component, reply.Body, reply.Code, reply.Diags, f.Reply, f.Code, f.Diags)
		}
	}
}

// request is that of a probe: the number of its check is another each time.
func request(body []byte) []byte {
	var probe wire.Probe
	if json.Unmarshal(body, &probe) != nil {
		return nil
	}
	return probe.Request
}

// oldPlugin answers by the record.
type oldPlugin struct {
	t      *testing.T
	frames []frame
	broker *plugin.MuxBroker

	mu   sync.Mutex
	host *wire.Client
	used []bool
}

func (o *oldPlugin) handle(ctx context.Context, call wire.Call) wire.Reply {
	if call.Method == wire.MethodAttach {
		var at wire.Attach
		if err := wire.Decode(call.Body, &at); err != nil {
			o.t.Error(err)
		}
		conn, err := o.broker.Dial(at.Broker)
		if err != nil {
			return wire.Fail(err)
		}
		o.mu.Lock()
		o.host = wire.NewClient(rpc.NewClient(conn))
		o.mu.Unlock()
		return wire.Reply{Body: []byte("{}")}
	}
	f := o.find(call)
	if f == nil {
		o.t.Errorf("the first version was never called so: %+v %s", call, call.Body)
		return wire.Fail(sdk.ErrUnsupported)
	}
	if call.Method == wire.MethodCheck {
		o.probe(ctx, call.ID)
	}
	return wire.Reply{Body: f.Reply, Code: f.Code, Message: f.Message, Diags: f.Diags}
}

// find is the recorded frame whose call has nothing that this one lacks.
func (o *oldPlugin) find(call wire.Call) *frame {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, f := range o.frames {
		if !o.used[i] && f.Method == call.Method && f.Component == call.Component && f.Instance == call.Instance && sameJSON(f.Call, call.Body) {
			o.used[i] = true
			return &o.frames[i]
		}
	}
	return nil
}

func (o *oldPlugin) probe(ctx context.Context, check uint64) {
	for i, f := range o.frames {
		if f.Method != wire.MethodProbe {
			continue
		}
		o.used[i] = true
		body, _ := wire.Encode(wire.Probe{Call: check, Request: request(f.Call)})
		reply, err := o.host.Do(ctx, wire.Call{Method: wire.MethodProbe, Body: body})
		if err != nil || reply.Code != f.Code || !sameJSON(f.Reply, reply.Body) {
			o.t.Errorf("a probe is answered with %s %s, %v; the first version said %s", reply.Body, reply.Code, err, f.Reply)
		}
	}
}

// TestANewCoreAndAnOldPlugin has the core of this version converse with a
// plugin of the first.
func TestANewCoreAndAnOldPlugin(t *testing.T) {
	old := &oldPlugin{t: t, frames: session(t)}
	old.used = make([]bool, len(old.frames))
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		p := &wire.Plugin{NewServer: func(b *plugin.MuxBroker) *wire.Server {
			old.broker = b
			return wire.NewServer(context.Background(), old.handle)
		}}
		(&plugin.RPCServer{Plugins: p.Plugins()[wire.Protocol], Stdout: nothing{}, Stderr: nothing{}}).ServeConn(theirs)
	}()
	conn, err := host.Dial(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = ours.Close(); <-served })
	told := converse(t, conn)
	for i, f := range old.frames {
		if !old.used[i] && f.Method != wire.MethodAttach {
			t.Errorf("this version never calls %s of %s so: %s", f.Method, f.Component, f.Call)
		}
	}
	// What an old plugin says is taken as the same said by a new one.
	now := converse(t, dialHistoric(t))
	for what, want := range now {
		if got := told[what]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the old one says\n%+v, the new one\n%+v", what, got, want)
		}
	}
	if len(told) != len(now) || told["unavailable"] != true || told["panic"] != true || told["another kind's method"] != true {
		t.Errorf("%+v", told)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, os.ErrClosed }

func dialHistoric(t *testing.T) *host.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- sdk.ServeConn(historicPlugin(), theirs) }()
	conn, err := host.Dial(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = ours.Close(); <-served })
	return conn
}
