package pluginhost

import (
	"math/rand/v2"
	"time"
)

// Timing holds the intervals of supervision. A zero field takes its default.
type Timing struct {
	Start       time.Duration // from exec to the plugin's description; default 30 s
	Stop        time.Duration // patience with an orderly end before the process is killed; default 3 s
	Configure   time.Duration // for one instance to be configured, or closed; default 10 s
	Ping        time.Duration // between two pings; default 2 s
	PingTimeout time.Duration // until a ping is missed; default 2 s
	Misses      int           // missed pings in a row that end the process; default 3
	Timeouts    int           // plans in a row that ran out of time, likewise; default 10
	RestartMin  time.Duration // first pause before a restart; doubles; default 0.5 s
	RestartMax  time.Duration // default 60 s
	Healthy     time.Duration // life after which the pause is RestartMin again; default 60 s
	Crashes     int           // within CrashWindow, after which a plugin is quarantined; default 5
	CrashWindow time.Duration // default 2 min
	Linger      time.Duration // life of a third party's process without instances; default 1 min
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
	orDuration(&t.Stop, 3*time.Second)
	orDuration(&t.Configure, 10*time.Second)
	orDuration(&t.Ping, 2*time.Second)
	orDuration(&t.PingTimeout, 2*time.Second)
	orInt(&t.Misses, 3)
	orInt(&t.Timeouts, 10)
	orDuration(&t.RestartMin, 500*time.Millisecond)
	orDuration(&t.RestartMax, time.Minute)
	orDuration(&t.Healthy, time.Minute)
	orInt(&t.Crashes, 5)
	orDuration(&t.CrashWindow, 2*time.Minute)
	orDuration(&t.Linger, time.Minute)
	return t
}

// crashes remembers how a plugin's processes ended. Not safe for concurrent use.
type crashes struct {
	timing Timing
	times  []time.Time
	row    int // since the last life of Healthy or more
}

// add counts a crash after that much life. It returns the pause before the
// next start, or false if there is to be none.
func (c *crashes) add(now time.Time, life time.Duration) (time.Duration, bool) {
	if life >= c.timing.Healthy {
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
	pause := c.timing.RestartMin
	for range c.row - 1 {
		pause = min(2*pause, c.timing.RestartMax)
	}
	return time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64())), true
}
