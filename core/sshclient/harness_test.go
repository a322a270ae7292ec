//go:build linux

package sshclient

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func knownHostsLine(s *sshdtest.Server) string {
	return knownhosts.Line([]string{s.Addr()}, s.HostKey) + "\n"
}

// tunnelTo returns a configuration for the server.
func tunnelTo(s *sshdtest.Server) *config.Tunnel {
	return &config.Tunnel{
		Name: "vps", Host: s.Addr(), User: s.User,
		Keepalive: config.Keepalive{Interval: 300 * time.Millisecond, Timeout: 1500 * time.Millisecond},
	}
}

// envOf returns the SSH settings of the server's user, without an agent.
func envOf(s *sshdtest.Server) Environment { return Environment{Home: s.Home} }

// dial makes a connection that is closed when the test ends.
func dial(t *testing.T, e Environment, c *config.Tunnel) (*Client, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r, err := e.Resolve(ctx, c)
	if err != nil {
		return nil, err
	}
	client, err := Dial(ctx, r, Options{Keepalive: c.Keepalive})
	if client != nil {
		t.Cleanup(client.Close)
	}
	return client, err
}

// mustDial fails the test if dial fails.
func mustDial(t *testing.T, e Environment, c *config.Tunnel) *Client {
	t.Helper()
	client, err := dial(t, e, c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// mustFail dials and checks the error: its texts, and whether it is permanent.
func mustFail(t *testing.T, e Environment, c *config.Tunnel, permanent bool, texts ...string) {
	t.Helper()
	_, err := dial(t, e, c)
	if err == nil {
		t.Error("it connects")
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %q, want %q in it", err, text)
		}
	}
	if IsPermanent(err) != permanent {
		t.Errorf("permanent is %t: %v", IsPermanent(err), err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
