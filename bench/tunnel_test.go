package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTunnelsComparedWithSSH: all ways through a tunnel work, and ours is not clearly slower
// than ssh even on a busy machine. `make bench` measures it on an idle one.
func TestTunnelsComparedWithSSH(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("CPU time is read from /proc, which does not exist here")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	r, err := measure(ctx, options{only: []string{"tunnel"}, aitunnel: filepath.Join(t.TempDir(), "none"), rounds: 2, duration: time.Second, progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if r.NoTunnels != "" {
		if os.Getenv("CI") != "" {
			t.Fatal(r.NoTunnels)
		}
		t.Skip(r.NoTunnels)
	}
	_ = r.printTunnels(t.Output())
	ssh, ours := r.Tunnels[0], r.Tunnels[1]
	if ssh.Failed+ours.Failed > 0 || ssh.Requests == 0 || ours.Requests == 0 || ours.Bulk <= 0 {
		t.Errorf("requests failed: %+v, %+v", ssh, ours)
	}
	if ours.PerSecond < 0.8*ssh.PerSecond || ours.P99 > 1.5*ssh.P99 {
		t.Errorf("ours: %.0f requests a second, p99 %.1f ms; ssh -N -R: %.0f, %.1f ms", ours.PerSecond, ours.P99, ssh.PerSecond, ssh.P99)
	}
}
