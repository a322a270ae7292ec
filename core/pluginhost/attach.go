package pluginhost

import (
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// attachEnv is a comma-separated list of plugins that a person has started in a debugger.
// The host attaches to them instead of starting them: it starts the built-in plugin's
// program as a relay to the other process, so that there is a process to supervise.
//
// The lock file does not apply to attached plugins. That adds no risk: whoever can set
// the environment of this process can make it run anything.
const attachEnv = "AITUNNEL_ATTACH"

func isAttached(name string) bool {
	return slices.ContainsFunc(strings.Split(os.Getenv(attachEnv), ","), func(entry string) bool {
		return name != "" && strings.TrimSpace(entry) == name
	})
}

// relay returns the environment that makes the process of s a relay; nil if it is not one.
func (s spec) relay() []string {
	if !s.attach {
		return nil
	}
	return []string{wire.RelayEnv + "=" + s.name}
}

// timing returns t, with very long deadlines for an attached process, which may be stopped
// at a breakpoint: it counts as lost only when its connection breaks.
func (s spec) timing(t Timing) Timing {
	if s.attach {
		const long = 24 * time.Hour
		t.Start, t.Configure, t.PingTimeout, t.Overdue, t.Busy = long, long, long, long, long
		t.Timeouts, t.Crashes = math.MaxInt, math.MaxInt
		t.RestartMax = min(t.RestartMax, 2*time.Second) // a developer is waiting
	}
	return t
}
