package sdk_test

import (
	"context"
	"encoding/json"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// frame is one recorded call with its reply. A session.json below testdata was exchanged by
// both sides of one version. It must never be changed: plugins of that version are in use.
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

// recordings are the versions of protocol 1 that were recorded.
var recordings = []recording{
	{"v1", historicPlugin, converse},
	{"v1-2026-11", fullPlugin, converseFully},
	{"v1-2026-11-27", fullPlugin, converseLatest},
}

type recording struct {
	dir      string
	plugin   func() sdk.Plugin
	converse func(*testing.T, *host.Conn) map[string]any
}

func (r recording) session(t *testing.T) (all []frame) {
	t.Helper()
	recorded, err := os.ReadFile(filepath.Join("testdata", r.dir, "session.json"))
	if err == nil {
		err = json.Unmarshal(recorded, &all)
	}
	if err != nil || len(all) < 10 {
		t.Fatalf("%d frames, %v", len(all), err)
	}
	return all
}

// within reports whether now has everything that old has, with the same values. now may have
// more, which later versions added.
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

// TestAnOldCoreAndANewPlugin replays the calls of an old version's core to a plugin of this
// version.
func TestAnOldCoreAndANewPlugin(t *testing.T) {
	for _, r := range recordings {
		t.Run(r.dir, r.testOldCore)
	}
}

func (r recording) testOldCore(t *testing.T) {
	frames := r.session(t)
	ours, theirs := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- sdk.ServeConn(r.plugin(), theirs) }()
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
				t.Errorf("it probes with %s, where the old version sent %s", call.Body, probed.Call)
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
			t.Errorf("%s of %s is answered with\n%s %s %+v\nthe old version replied\n%s %s %+v", f.Method, f.Component, reply.Body, reply.Code, reply.Diags, f.Reply, f.Code, f.Diags)
		}
	}
}

// request returns the request of a probe, without the number of its check, which varies.
func request(body []byte) []byte {
	var probe wire.Probe
	if json.Unmarshal(body, &probe) != nil {
		return nil
	}
	return probe.Request
}

// oldPlugin replies as recorded.
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
		o.t.Errorf("the old version has no such call: %+v %s", call, call.Body)
		return wire.Fail(sdk.ErrUnsupported)
	}
	if call.Method == wire.MethodCheck {
		o.probe(ctx, call.ID)
	}
	return wire.Reply{Body: f.Reply, Code: f.Code, Message: f.Message, Diags: f.Diags}
}

// find returns the recorded frame for a call, which may have further fields.
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
			o.t.Errorf("a probe is answered with %s %s, %v; the old version said %s", reply.Body, reply.Code, err, f.Reply)
		}
	}
}

// TestANewCoreAndAnOldPlugin makes calls from the core of this version to a plugin of an old
// one.
func TestANewCoreAndAnOldPlugin(t *testing.T) {
	for _, r := range recordings {
		t.Run(r.dir, r.testOldPlugin)
	}
}

func (r recording) testOldPlugin(t *testing.T) {
	old := &oldPlugin{t: t, frames: r.session(t)}
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
	told := r.converse(t, conn)
	for i, f := range old.frames {
		if !old.used[i] && f.Method != wire.MethodAttach {
			t.Errorf("this version does not make the recorded call %s of %s: %s", f.Method, f.Component, f.Call)
		}
	}
	// Replies of an old plugin and of a new one have the same meaning.
	now := r.converse(t, dialPlugin(t, r.plugin()))
	for what, want := range now {
		if got := told[what]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the old one replies\n%+v, the new one\n%+v", what, got, want)
		}
	}
	if len(told) != len(now) || told["unavailable"] != true || told["panic"] != true || told["another kind's method"] != true {
		t.Errorf("%+v", told)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, os.ErrClosed }
