//go:build unix

package sdk_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// runHost starts this binary as a plugin, prints its process ID, makes a call that does not
// return, and waits to be killed. Only the wire connects the plugin to it.
func runHost() error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SDK_TEST_ROLE=plugin")
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: wire.Handshake, VersionedPlugins: host.Plugins(), Cmd: cmd, AutoMTLS: true, SkipHostEnv: true,
		Logger: hclog.NewNullLogger(),
	})
	protocol, err := client.Client()
	if err != nil {
		return err
	}
	conn, err := host.Dispense(protocol)
	if err != nil {
		return err
	}
	if err := conn.Attach(context.Background()); err != nil {
		return err
	}
	c, err := conn.Configure(context.Background(), "strategy/scripted", "s", sdk.Config{Body: json.RawMessage(`{"behavior":"hang"}`)})
	if err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	_, err = c.Plan(context.Background(), twoChannels)
	return err
}

// TestAPluginEndsWhenItsHostIsKilled: a killed host cannot stop its plugin, so the plugin
// notices that the connection is closed.
func TestAPluginEndsWhenItsHostIsKilled(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SDK_TEST_ROLE=host", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the host printed %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for deadline := time.Now().Add(20 * time.Second); !ended(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("the plugin, process %d, still runs", pid)
		}
	}
}

// ended reports whether a process that is not our child has ended, or is a zombie.
func ended(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}
