package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// future are fields of a later version, inserted at the start of each object.
const future = `{"from_a_later_version":{"a":[1,{}]},"later":null,`

// unknownInRequests sends fields of a later version to the component, without package host,
// which would not send them.
func (k *kit) unknownInRequests(t *testing.T) {
	ours, theirs := pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = sdk.ServeConn(k.plugin(), theirs)
	}()
	defer func() {
		_ = ours.Close()
		<-served
	}()
	call := rawCaller(t, ours)
	settings := call(wire.Call{Component: k.described.ID(), Instance: "raw", Method: wire.MethodConfigure}, sdk.Config{Instance: "raw", Body: body(t, k.merge(nil))})
	if err := settings.Err(); err != nil {
		t.Fatalf("a Config with further fields is refused: %v", err)
	}
	method, req := wire.MethodPlan, any(sdk.PlanRequest{Route: "/**", Channels: candidates(3), Outcomes: []sdk.Outcome{{ID: "c0", Successes: 1}}})
	switch k.described.Kind {
	case sdk.KindKeySelector:
		method, req = wire.MethodPlanKeys, sdk.KeyPlanRequest{Channel: "site", Keys: candidates(3), Outcomes: []sdk.Outcome{{ID: "c0", Successes: 1}}}
	case sdk.KindHealthChecker:
		method, req = wire.MethodCheck, sdk.CheckRequest{Channel: "site", Models: []string{"m"}}
	}
	err := call(wire.Call{Component: k.described.ID(), Instance: "raw", Method: method}, req).Err()
	if k.described.Kind == sdk.KindHealthChecker && !errors.Is(err, sdk.ErrPanic) {
		return // no host is attached here, so the check cannot be made
	}
	if err != nil {
		t.Errorf("a request with fields of a later version fails: %v", err)
	}
}

// rawCaller returns a function that makes one call with further fields in the
// objects of its body.
func rawCaller(t *testing.T, conn io.ReadWriteCloser) func(wire.Call, any) wire.Reply {
	t.Helper()
	client, err := plugin.NewRPCClient(conn, host.Plugins()[wire.Protocol])
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SyncStreams(io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	endpoint, err := client.Dispense(wire.Name)
	if err != nil {
		t.Fatal(err)
	}
	return func(call wire.Call, v any) wire.Reply {
		t.Helper()
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		objects := -1
		if call.Method == wire.MethodConfigure {
			objects = 1 // those below may be maps
		}
		call.Body = bytes.Replace(raw, []byte("{"), []byte(future), objects)
		call.Body = bytes.ReplaceAll(call.Body, []byte(",}"), []byte("}"))
		ctx, cancel := patient()
		defer cancel()
		reply, err := endpoint.(*wire.Endpoint).Client.Do(ctx, call)
		if err != nil {
			t.Fatalf("%s: %v", call.Method, err)
		}
		return reply
	}
}
