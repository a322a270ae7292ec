package view

import (
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
)

// TestChannelState: commands show the state that the API reports, with a reason.
func TestChannelState(t *testing.T) {
	at := time.Now()
	used := admin.Stats{TotalRequests: 40, LastRequestAt: &at}
	for name, c := range map[string]struct {
		channel     admin.Channel
		state, note string
	}{
		"never tried":  {admin.Channel{Enabled: true}, "not tried yet", ""},
		"used":         {admin.Channel{Enabled: true, Stats: used}, "ready", ""},
		"70 % success": {admin.Channel{Enabled: true, Stats: used, Recent: []admin.Point{{Requests: 20, Failures: 6}}}, "degraded", "many recent requests failed"},
		"breaker open": {admin.Channel{Enabled: true, Stats: used, Out: "breaker_open"}, "cooling down", "too many failures in a row (the breaker is open)"},
		"check fails":  {admin.Channel{Enabled: true, Health: "down", Out: "check_failed"}, "down", "the health check failed"},
		"paused":       {admin.Channel{Stats: used, Out: "paused"}, "paused", ""},
	} {
		state, note := ChannelState(term.Paint(false), c.channel.Assessed())
		if state != c.state || note != c.note {
			t.Errorf("%s: %q, %q, want %q, %q", name, state, note, c.state, c.note)
		}
	}
}
