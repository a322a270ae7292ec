package stats

import (
	"maps"
	"time"
)

// View is a snapshot of all counts.
type View struct {
	Since    time.Time
	Total    Sums
	Rate     float64 // requests per second, over the last 10 to 20 seconds
	Channels map[string]ChannelView
	Models   map[string]Sums
	Windows  map[string]Sums
}

// ChannelView is a snapshot of the counts of a channel.
type ChannelView struct {
	Sums
	Keys   map[string]Sums
	Recent []Point
}

// View returns a snapshot. It locks one part at a time, since requests wait for
// the lock.
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

// Channel returns the counts of one channel and its keys, without latencies, which is
// faster.
func (c *Collector) Channel(name string) ChannelView {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.channels[name]
	if ch == nil {
		ch = &channelSums{}
	}
	out := ChannelView{Sums: ch.Sums, Keys: make(map[string]Sums, len(ch.keys)), Recent: ch.recent.list(now)}
	out.latency = latency{}
	for id, k := range ch.keys {
		counts := *k
		counts.latency = latency{}
		out.Keys[id] = counts
	}
	return out
}

func (ch *channelSums) view(now time.Time) ChannelView {
	out := ChannelView{Sums: ch.clone(), Keys: map[string]Sums{}, Recent: ch.recent.list(now)}
	for id, k := range ch.keys {
		out.Keys[id] = k.clone()
	}
	return out
}
