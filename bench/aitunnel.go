package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// aitunnelConfig is a typical configuration: a route with a strategy, and two channels with
// two keys and a key selector each. Both channels are the same site.
const aitunnelConfig = `proxy { listen = "LISTEN" }
admin {
  listen = "ADMIN"
  token  = "bench-admin-token"
}
channel "primary" {
  target = "http://SITE/primary"
  weight = 10
  keys   = ["sk-bench-primary-1", "sk-bench-primary-2"]
  key_selector "round-robin" {}
}
channel "backup" {
  target = "http://SITE/backup"
  weight = 5
  keys   = ["sk-bench-backup-1", "sk-bench-backup-2"]
  key_selector "round-robin" {}
}
route "/v1/**" {
  channels = [channel.primary, channel.backup]
  strategy "priority" {}
}
`

// aitunnel returns the program itself, with its plugins.
func aitunnel(path string) *contender {
	admin := ""
	start := func(ctx context.Context, dir, site string) (*process, error) {
		listen, err := freeAddress()
		if err != nil {
			return nil, err
		}
		if admin, err = freeAddress(); err != nil {
			return nil, err
		}
		return runAitunnel(ctx, path, dir, filled(aitunnelConfig, listen, admin, site), listen)
	}
	return &contender{
		name: "aitunnel", start: start,
		calls: func(ctx context.Context) (uint64, error) { return pluginCalls(ctx, admin) },
	}
}

func filled(config, listen, admin, site string) string {
	return strings.NewReplacer("LISTEN", listen, "ADMIN", admin, "SITE", site).Replace(config)
}

// startAitunnel starts the program with one more block; requests go to the address.
func startAitunnel(ctx context.Context, path, dir, site, block, address string) (*process, error) {
	return runAitunnel(ctx, path, dir, filled(aitunnelConfig, "127.0.0.1:0", "127.0.0.1:0", site)+block, address)
}

func runAitunnel(ctx context.Context, path, dir, config, address string) (*process, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: bin/aitunnel is not built", errMissing)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	executable, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "aitunnel.hcl")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return launch(ctx, address, executable, "start", "-f", "-c", file, "--state-dir", filepath.Join(dir, "state"))
}

func pluginCalls(ctx context.Context, admin string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/api/status", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer bench-admin-token")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	var status struct {
		Plugins struct {
			Calls *uint64 `json:"calls"`
		} `json:"plugins"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return 0, fmt.Errorf("reading aitunnel's status: %w", err)
	}
	if status.Plugins.Calls == nil {
		return 0, fmt.Errorf("aitunnel's status has no plugins.calls (answer %s)", resp.Status)
	}
	return *status.Plugins.Calls, nil
}
