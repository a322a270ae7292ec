package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
)

// announceTunnels prints the state of the tunnels, once each has connected or
// failed.
func (a *app) announceTunnels(ctx context.Context, tunnels []admin.Tunnel) {
	client := a.Client()
	connecting := func() bool {
		for _, t := range tunnels {
			if t.State == "connecting" {
				return true
			}
		}
		return false
	}
	for until := time.Now().Add(tunnelTime); connecting() && time.Now().Before(until) && ctx.Err() == nil; time.Sleep(pollTime) {
		var err error
		if tunnels, err = client.Tunnels(ctx); err != nil {
			return
		}
	}
	for _, t := range tunnels {
		text := fmt.Sprintf("%s (%s)", t.Name, t.State)
		if t.State != "up" && t.LastError != "" {
			text += ": " + t.LastError
		}
		var open []string
		for _, f := range t.Forwards {
			switch {
			case f.State == "open" && f.Probe == 0:
				open = append(open, f.Remote+" (not checked)")
			case f.State == "open":
				open = append(open, f.Remote)
			}
		}
		if len(open) > 0 {
			text += ": " + strings.Join(open, ", ") + " on " + t.Host
		}
		a.Say("Tunnel: %s", text)
	}
}

// tunnelTime is how long start waits for tunnels to connect.
const tunnelTime = 5 * time.Second
