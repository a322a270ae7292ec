package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// full uses what was added to protocol 1 until November 2026.
type full struct{ historic }

func (f *full) Configure(ctx context.Context, cfg sdk.Config) error {
	if len(cfg.Members) > 0 && cfg.Members[0] == "unknown" {
		return &sdk.ConfigError{Path: []string{"prices", "a"}, Message: "the route has no channel \"a\""}
	}
	return f.historic.Configure(ctx, cfg)
}

type fullStrategy struct{ full }

func (f *fullStrategy) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	if req.Route == "spent" {
		return sdk.Plan{None: &sdk.None{Reason: "the budget is spent", Fallbacks: true}, TTLExact: true, TTL: time.Hour}, nil
	}
	p := f.plan(req.Channels, req.State)
	p.Attributes = []string{"header.x-want"}
	if c := req.Channels[0]; c.Egress != "" {
		p.Reason = fmt.Sprintf("%s costs %g by %s, %g of its limit is left", c.ID, c.PriceFactor, c.Egress, c.Headroom())
	}
	p.Warnings = []sdk.Warning{{Path: []string{"mode"}, Message: fmt.Sprintf("%d outcomes of this route", len(req.RouteOutcomes))}}
	return p, nil
}

func (f *fullStrategy) Route(_ context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	return sdk.RouteReply{Order: []string{req.Attributes["header.x-want"]}, Reason: "for " + req.Model}, nil
}

func (f *fullStrategy) Observe(_ context.Context, results []sdk.RequestResult) error {
	if results[0].Channel == "" {
		return fmt.Errorf("%w: nobody answered", sdk.ErrUnavailable)
	}
	return nil
}

type fullSelector struct{ full }

func (f *fullSelector) PlanKeys(_ context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	p := f.plan(req.Keys, req.State)
	p.Reason = "first " + req.Keys[0].Label
	return p, nil
}

type fullChecker struct{ full }

func (f *fullChecker) Check(ctx context.Context, req sdk.CheckRequest, on sdk.Host) (sdk.CheckResult, error) {
	res, err := on.Probe(ctx, sdk.ProbeRequest{Path: "/balance", KeyID: req.Keys[1].ID})
	until := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	return sdk.CheckResult{Healthy: res.Status == 200, Reason: string(res.Body), Keys: []sdk.KeyResult{
		{ID: req.Keys[0].ID, State: sdk.KeyCooldown, Until: until, Reason: req.Keys[0].Label},
		{ID: req.Keys[1].ID, State: sdk.KeySpent},
	}}, err
}

func fullPlugin() sdk.Plugin {
	settings := historicSettings{Mode: "soft"}
	return sdk.Plugin{Name: "acme", Version: "2.0.0", Verdicts: "verdict \"x\" {}\n", Components: []sdk.Factory{
		{Name: "bandit", Settings: settings, OnFailure: "priority", New: func() sdk.Component { return &fullStrategy{} }},
		{Name: "keys", Settings: settings, New: func() sdk.Component { return &fullSelector{} }},
		{Name: "check", Settings: settings, New: func() sdk.Component { return &fullChecker{} }},
	}}
}

// candidatesInFull have the fields that were added to snapshots last.
func candidatesInFull() []sdk.Snapshot {
	all := slices.Clone(historicCandidates)
	all[0].LimitUsed, all[0].Egress, all[0].PriceFactor = 0.75, "home", 0.3
	return all
}

// converseFully uses what was added to protocol 1 until November 2026 as a host, and returns
// the replies.
func converseFully(t *testing.T, conn *host.Conn) map[string]any {
	return converseOn(t, conn, historicCandidates)
}

func converseLatest(t *testing.T, conn *host.Conn) map[string]any {
	return converseOn(t, conn, candidatesInFull())
}

func converseOn(t *testing.T, conn *host.Conn, candidates []sdk.Snapshot) map[string]any {
	ctx := t.Context()
	told := map[string]any{"unavailable": true, "panic": true, "another kind's method": true}
	tell := func(what string, v any, err error) {
		if err != nil {
			v = err.Error()
		}
		told[what] = v
	}
	d, err := conn.Describe(ctx)
	tell("description", d, err)
	cfg := sdk.Config{Instance: "route /v1/**", Body: json.RawMessage(`{"mode":"greedy"}`), Members: []string{"a", "b"}}
	_, err = conn.Configure(ctx, "strategy/bandit", "0", sdk.Config{Body: json.RawMessage(`{}`), Members: []string{"unknown"}})
	tell("an unknown member", nil, err)
	outcomes := []sdk.Outcome{{ID: "a", Successes: 3}}
	if s, err := conn.Configure(ctx, "strategy/bandit", "1", cfg); err == nil {
		p, err := s.Plan(ctx, sdk.PlanRequest{Route: "/v1/**", Channels: candidates, Outcomes: outcomes, RouteOutcomes: outcomes})
		tell("plan", p, err)
		p, err = s.Plan(ctx, sdk.PlanRequest{Route: "spent", Channels: candidates})
		tell("nobody", p, err)
		r, err := s.Route(ctx, sdk.RouteRequest{Model: "m", Attributes: map[string]string{"header.x-want": "b"}, Channels: candidates})
		tell("route", r, err)
		result := sdk.RequestResult{
			Route: "/v1/**", Model: "m", Attributes: map[string]string{"header.x-want": "b"}, Channel: "b", Status: 200, Attempts: 2, TTFB: time.Second, Duration: time.Minute,
			TokensIn: 1000, TokensOut: 2000, Cost: 0.25, At: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC),
		}
		tell("observe", nil, s.Observe(ctx, []sdk.RequestResult{result}))
		tell("observe a failure", nil, s.Observe(ctx, []sdk.RequestResult{{Status: 502}}))
	} else {
		tell("strategy", nil, err)
	}
	if k, err := conn.Configure(ctx, "key_selector/keys", "2", cfg); err == nil {
		p, err := k.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: "c", Keys: []sdk.Snapshot{{ID: "k1", Label: "night", Available: true}}})
		tell("key plan", p, err)
	} else {
		tell("key selector", nil, err)
	}
	if c, err := conn.Configure(ctx, "health_checker/check", "3", cfg); err == nil {
		res, err := c.Check(ctx, sdk.CheckRequest{Channel: "c", Keys: []sdk.CheckKey{{ID: "k1", Label: "one"}, {ID: "k2"}}}, site{})
		tell("check", res, err)
	} else {
		tell("health checker", nil, err)
	}
	return told
}

var record = flag.String("record", "", "record the session of this folder of testdata, which must not exist")

// TestRecord makes all calls between both sides, and writes a new recording if the flag is
// set. It never changes an existing one.
func TestRecord(t *testing.T) {
	for _, r := range recordings {
		frames := r.record(t)
		if r.dir != *record {
			continue
		}
		text, err := json.Marshal(frames)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, text, "", "  "); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join("testdata", r.dir)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "session.json"), append(pretty.Bytes(), '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// relay passes on calls between a host and a plugin, and records them.
type relay struct {
	t      *testing.T
	plugin *wire.Endpoint
	broker *plugin.MuxBroker

	mu     sync.Mutex
	host   *wire.Client
	frames []frame
	check  uint64 // the host's number of the check in progress
}

// record records the calls between a host and a plugin of this version.
func (r recording) record(t *testing.T) []frame {
	t.Helper()
	toPlugin, pluginSide := net.Pipe()
	go func() { _ = sdk.ServeConn(r.plugin(), pluginSide) }()
	client, err := plugin.NewRPCClient(toPlugin, host.Plugins()[wire.Protocol])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := client.Dispense(wire.Name)
	if err != nil {
		t.Fatal(err)
	}
	between := &relay{t: t, plugin: raw.(*wire.Endpoint)}
	toRelay, relaySide := net.Pipe()
	go func() {
		p := &wire.Plugin{NewServer: func(b *plugin.MuxBroker) *wire.Server {
			between.broker = b
			return wire.NewServer(context.Background(), between.handle)
		}}
		(&plugin.RPCServer{Plugins: p.Plugins()[wire.Protocol], Stdout: nothing{}, Stderr: nothing{}}).ServeConn(relaySide)
	}()
	conn, err := host.Dial(t.Context(), toRelay)
	if err != nil {
		t.Fatal(err)
	}
	r.converse(t, conn)
	_, _, _ = conn.Close(), toRelay.Close(), toPlugin.Close()
	between.mu.Lock()
	defer between.mu.Unlock()
	return between.frames
}

func (b *relay) handle(ctx context.Context, call wire.Call) wire.Reply {
	body := call.Body
	if call.Method == wire.MethodAttach {
		body = b.attach(body)
	}
	if call.Method == wire.MethodCheck {
		b.mu.Lock()
		b.check = call.ID
		b.mu.Unlock()
	}
	reply, err := b.plugin.Client.Do(ctx, wire.Call{Component: call.Component, Instance: call.Instance, Method: call.Method, Body: body})
	if err != nil {
		b.t.Error(err)
	}
	b.note(call, reply)
	return reply
}

func (b *relay) note(call wire.Call, reply wire.Reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frames = append(b.frames, frame{
		Component: call.Component, Instance: call.Instance, Method: call.Method, Call: call.Body,
		Reply: reply.Body, Code: reply.Code, Message: reply.Message, Diags: reply.Diags,
	})
}

// attach connects to the host for the plugin's probes, and returns the address to which the
// plugin sends them.
func (b *relay) attach(body []byte) []byte {
	var at wire.Attach
	if err := wire.Decode(body, &at); err != nil {
		b.t.Error(err)
	}
	conn, err := b.broker.Dial(at.Broker)
	if err != nil {
		b.t.Error(err)
		return body
	}
	b.mu.Lock()
	b.host = wire.NewClient(rpc.NewClient(conn))
	b.mu.Unlock()
	id := b.plugin.Broker.NextId()
	go func() {
		conn, err := b.plugin.Broker.Accept(id)
		if err != nil {
			b.t.Error(err)
			return
		}
		wire.ServeConn(context.Background(), conn, b.probe)
	}()
	body, _ = json.Marshal(map[string]uint32{"broker": id})
	return body
}

func (b *relay) probe(ctx context.Context, call wire.Call) wire.Reply {
	if call.Method != wire.MethodProbe {
		<-ctx.Done()
		return wire.Fail(ctx.Err())
	}
	var probe wire.Probe
	if err := wire.Decode(call.Body, &probe); err != nil {
		return wire.Fail(err)
	}
	b.mu.Lock()
	to := b.host
	probe.Call = b.check
	b.mu.Unlock()
	body, err := wire.Encode(probe)
	if err != nil {
		return wire.Fail(err)
	}
	reply, err := to.Do(ctx, wire.Call{Method: wire.MethodProbe, Body: body})
	if err != nil {
		return wire.Fail(err)
	}
	b.note(call, reply)
	return reply
}
