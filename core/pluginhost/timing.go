package pluginhost

import (
	"math/rand/v2"
	"time"
)

// Timing holds the intervals of supervision. A zero field takes its default.
type Timing struct {
	Start        time.Duration // from exec to the plugin's description; default 30 s
	LimitedStart time.Duration // the same while starts are limited, and for an instance to be configured: see Host.LimitStarts; default 1 s
	Stop         time.Duration // for a process to exit when asked, before it is killed; default 0.5 s
	Configure    time.Duration // for one instance to be configured or closed; default 10 s
	Ping         time.Duration // between two pings; default 2 s
	PingTimeout  time.Duration // after which a ping is missed; default 2 s
	Misses       int           // consecutive missed pings after which the process is replaced; default 3
	Timeouts     int           // consecutive plans that miss their deadline, after which it is replaced; default 3
	Overdue      time.Duration // how long a call may stay open after its deadline before it is replaced; default 5 s
	Busy         time.Duration // how long it may use a full CPU core without an open call before it is replaced; default 10 s
	RestartMin   time.Duration // first backoff before a restart, which doubles; default 0.5 s
	RestartMax   time.Duration // default 60 s
	Healthy      time.Duration // uptime after which the backoff is RestartMin again; default 60 s
	Crashes      int           // within CrashWindow, after which a plugin is quarantined; default 5
	CrashWindow  time.Duration // default 2 min
	KeepUnused   time.Duration // how long a third-party process without instances keeps running; default 1 min
}

func (t Timing) withDefaults() Timing {
	orDuration := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	orInt := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	orDuration(&t.Start, 30*time.Second)
	orDuration(&t.LimitedStart, time.Second)
	orDuration(&t.Stop, 500*time.Millisecond)
	orDuration(&t.Configure, 10*time.Second)
	orDuration(&t.Ping, 2*time.Second)
	orDuration(&t.PingTimeout, 2*time.Second)
	orInt(&t.Misses, 3)
	orInt(&t.Timeouts, 3)
	orDuration(&t.Overdue, 5*time.Second)
	orDuration(&t.Busy, 10*time.Second)
	orDuration(&t.RestartMin, 500*time.Millisecond)
	orDuration(&t.RestartMax, time.Minute)
	orDuration(&t.Healthy, time.Minute)
	orInt(&t.Crashes, 5)
	orDuration(&t.CrashWindow, 2*time.Minute)
	orDuration(&t.KeepUnused, time.Minute)
	return t
}

// crashes counts failures of a plugin's process. It is not safe for concurrent use.
type crashes struct {
	timing Timing
	times  []time.Time
	row    int // crashes since the last uptime of Healthy or more
}

// add counts a crash after some uptime. It returns the backoff before the next
// start, or false if there should be none.
func (c *crashes) add(now time.Time, uptime time.Duration) (time.Duration, bool) {
	if uptime >= c.timing.Healthy {
		c.row = 0
	}
	c.row++
	c.times = append(c.times, now)
	for now.Sub(c.times[0]) > c.timing.CrashWindow {
		c.times = c.times[1:]
	}
	if len(c.times) >= c.timing.Crashes {
		return 0, false
	}
	backoff := c.timing.RestartMin
	for range c.row - 1 {
		backoff = min(2*backoff, c.timing.RestartMax)
	}
	return time.Duration(float64(backoff) * (0.8 + 0.4*rand.Float64())), true
}
