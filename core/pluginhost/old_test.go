package pluginhost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/rpc"
	"os"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// runOldPlugin is a plugin with the first version of the SDK, which replies as recorded in
// the file.
func runOldPlugin(file string) {
	var frames []struct {
		Component, Method string
		Reply             json.RawMessage
		Code, Message     string
	}
	recorded, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(recorded, &frames)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var broker *plugin.MuxBroker
	handle := func(_ context.Context, call wire.Call) wire.Reply {
		if call.Method == wire.MethodAttach {
			var at wire.Attach
			if err := wire.Decode(call.Body, &at); err != nil {
				return wire.Fail(err)
			}
			conn, err := broker.Dial(at.Broker)
			if err != nil {
				return wire.Fail(err)
			}
			go func() {
				_, _ = wire.NewClient(rpc.NewClient(conn)).Do(context.Background(), wire.Call{Method: wire.MethodLifeline})
				os.Exit(0)
			}()
			return wire.Reply{Body: []byte("{}")}
		}
		for _, f := range frames {
			if f.Method == call.Method && f.Component == call.Component && f.Code == "" {
				return wire.Reply{Body: f.Reply}
			}
		}
		return wire.Fail(sdk.ErrUnsupported)
	}
	p := &wire.Plugin{NewServer: func(b *plugin.MuxBroker) *wire.Server {
		broker = b
		return wire.NewServer(context.Background(), handle)
	}}
	plugin.Serve(&plugin.ServeConfig{HandshakeConfig: wire.Handshake, VersionedPlugins: p.Plugins()})
}
