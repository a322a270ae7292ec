package main

import (
	"context"
	"io"
	"os"
	"testing"
	"time"
)

// TestUplinkComparedWithSSH: small answers during large ones are faster through our tunnel
// than through ssh -R, and the uplink is used, even on a busy machine.
func TestUplinkComparedWithSSH(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	r, err := measure(ctx, options{only: []string{"uplink"}, uplink: 5 * time.Second, progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if r.NoUplinks != "" {
		if os.Getenv("CI") != "" {
			t.Fatal(r.NoUplinks)
		}
		t.Skip(r.NoUplinks)
	}
	_ = r.printUplinks(t.Output())
	for i := 0; i+1 < len(r.Uplinks); i += 2 {
		ssh, ours := r.Uplinks[i], r.Uplinks[i+1]
		if ours.P50 > ssh.P50 || ours.Share < 0.8 || ours.Broken > 0 {
			t.Errorf("ours: %+v; ssh -N -R: %+v", ours, ssh)
		}
	}
}
