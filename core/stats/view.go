package stats

import (
	"maps"
	"time"
)

// View is what was counted up to a moment.
type View struct {
	Since    time.Time
	Total    Sums
	Rate     float64 // requests per second, of late
	Channels map[string]ChannelView
	Models   map[string]Sums
	Windows  map[string]Sums
}

// ChannelView is what was counted of a channel.
type ChannelView struct {
	Sums
	Keys   map[string]Sums
	Recent []Point
}

// View returns what was counted. It holds up counting for one piece at a time
// only, since requests wait for that.
func (c *Collector) View() View {
	now := c.now()
	v := View{Channels: map[string]ChannelView{}, Models: map[string]Sums{}, Windows: map[string]Sums{}}
	channels := map[string]*channelSums{}
	c.locked(func() {
		v.Since, v.Total, v.Rate = c.since, c.total.clone(), c.recent.rate(now)
		maps.Copy(channels, c.channels)
		for name, m := range c.models {
			v.Models[name] = m.clone()
		}
	})
	for name, ch := range channels {
		c.locked(func() { v.Channels[name] = ch.view(now) })
	}
	for name, w := range c.windows {
		c.locked(func() { v.Windows[name] = w.sum(now) })
	}
	return v
}

func (c *Collector) locked(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

// Channel returns what was counted of one channel, without latencies and keys:
// that is quicker.
func (c *Collector) Channel(name string) ChannelView {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.channels[name]
	if ch == nil {
		ch = &channelSums{}
	}
	out := ChannelView{Sums: ch.Sums, Recent: ch.recent.list(now)}
	out.latency = latency{}
	return out
}

func (ch *channelSums) view(now time.Time) ChannelView {
	out := ChannelView{Sums: ch.clone(), Keys: map[string]Sums{}, Recent: ch.recent.list(now)}
	for id, k := range ch.keys {
		out.Keys[id] = k.clone()
	}
	return out
}
