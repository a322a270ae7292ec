package pluginhost

import (
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// attachEnv lists, by commas, the plugins that somebody has started in a
// debugger. The host attaches to them instead of starting them: it starts the
// built-in plugin's program as a relay, which leads it to the other process, so
// that supervision has a process to watch.
//
// What is attached to is not locked. That gives nobody anything new: whoever
// sets the environment of this process can have it run what they like.
const attachEnv = "AITUNNEL_ATTACH"

func isAttached(name string) bool {
	return slices.ContainsFunc(strings.Split(os.Getenv(attachEnv), ","), func(entry string) bool {
		return name != "" && strings.TrimSpace(entry) == name
	})
}

// relay returns the environment that makes the process of s a relay; nil if it is none.
func (s spec) relay() []string {
	if !s.attach {
		return nil
	}
	return []string{wire.RelayEnv + "=" + s.name}
}

// timing returns t, with endless deadlines for a process that may be stopped at a
// breakpoint: it is lost only when its connection breaks.
func (s spec) timing(t Timing) Timing {
	if s.attach {
		const long = 24 * time.Hour
		t.Start, t.Configure, t.PingTimeout, t.Overdue, t.Busy = long, long, long, long, long
		t.Timeouts, t.Crashes = math.MaxInt, math.MaxInt
		t.RestartMax = min(t.RestartMax, 2*time.Second) // a developer is waiting for it
	}
	return t
}
