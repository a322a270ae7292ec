//go:build unix

package sdk_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// TestHangup: SIGHUP reloads aitunnel, and is often sent to all processes of a service or a
// terminal. A plugin goes on working.
func TestHangup(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SDK_TEST_ROLE=plugin")
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: wire.Handshake, VersionedPlugins: host.Plugins(), Cmd: cmd, AutoMTLS: true, SkipHostEnv: true,
		Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := host.Dispense(protocol)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := conn.Attach(ctx); err != nil {
		t.Fatal(err)
	}
	for _, instance := range []string{"a", "b", "c"} {
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		// A signal that ends the process does so before it can answer: it is delivered first.
		if _, err := conn.Configure(ctx, "strategy/scripted", instance, sdk.Config{Body: json.RawMessage(`{}`)}); err != nil {
			t.Fatalf("after SIGHUP: %v", err)
		}
	}
}
