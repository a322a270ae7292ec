// Package stats sums up requests: number, success, latency and tokens, by channel, key and
// model, and over the last minute, hour and day. Its memory is bounded.
package stats

import (
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// How many names are counted separately; all further ones are counted as Other.
const (
	maxChannels = 500
	maxKeys     = 200 // of a channel
	maxModels   = 100
	maxName     = 128

	// Other is the name for all names beyond the limits.
	Other = "other"
)

// Collector counts. It is safe for concurrent use.
type Collector struct {
	now func() time.Time

	mu       sync.Mutex
	since    time.Time
	total    Sums
	channels map[string]*channelSums
	models   map[string]*Sums
	windows  map[string]*window
	recent   points
	sites    map[string]Site // of the configuration, by channel; nil: not known yet
}

type channelSums struct {
	Sums
	keys   map[string]*Sums
	recent points
}

// New returns an empty collector.
func New(now func() time.Time) *Collector {
	c := &Collector{now: now, since: now(), total: Sums{latency: latency{digits: fine}}, channels: map[string]*channelSums{}, models: map[string]*Sums{}, windows: map[string]*window{}}
	for _, w := range windows {
		c.windows[w.name] = &window{width: w.width, slots: make([]slot, w.slots)}
	}
	return c
}

// Reset sets the counters to zero. The windows and the last ten minutes stay, since they show
// the current state.
func (c *Collector) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since, c.total, c.models = c.now(), Sums{latency: latency{digits: fine}}, map[string]*Sums{}
	for _, ch := range c.channels {
		ch.Sums, ch.keys = Sums{latency: latency{digits: fine}}, map[string]*Sums{}
	}
}

// Site is the site of a channel of the configuration.
type Site struct {
	Target string            `json:"target"`         // its address, without what looks like a key
	Keys   map[string]string `json:"keys,omitempty"` // prints of the keys' values, by ID
}

// SetSites sets the sites of the configured channels. A key whose ID changed, with its label or the address of its
// channel, keeps its counts. What happened at another address in the last ten minutes is no longer
// part of the channel's state.
func (c *Collector) SetSites(sites map[string]Site) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow(sites)
}

// follow is SetSites with the lock held.
func (c *Collector) follow(sites map[string]Site) {
	for name, before := range c.sites {
		ch, now := c.channels[name], sites[name]
		if ch == nil {
			continue
		}
		if now.Target != before.Target {
			ch.recent = points{}
		}
		ids := map[string]string{}
		for id, print := range now.Keys {
			ids[print] = id
		}
		for id, print := range before.Keys {
			counted := ch.keys[id]
			if to := ids[print]; counted != nil && to != "" && now.Keys[id] == "" {
				delete(ch.keys, id)
				ch.key(to).join(counted)
			}
		}
	}
	c.sites = sites
}

// windows are the spans of time that are summed up.
var windows = []struct {
	name  string
	width time.Duration
	slots int
}{{"1m", 5 * time.Second, 12}, {"1h", time.Minute, 60}, {"24h", 30 * time.Minute, 48}}

// Add counts a request that ended, also one that the program itself answered or refused.
func (c *Collector) Add(r *event.Request) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	var last counted
	for i := range r.Attempts {
		last = c.attempt(&r.Attempts[i], i > 0, now)
	}
	one := sample{retries: uint64(r.Retries), input: r.TokensIn, output: r.TokensOut, bad: r.Failed()}
	one.good = !one.bad && !r.Canceled()
	if one.good && len(r.Attempts) > 0 {
		one.ttfb = time.Duration(r.TTFB) // of a site: the program's own answers take no time
	}
	c.total.add(one)
	for _, w := range c.windows {
		w.at(now).add(one)
	}
	c.recent.add(now, one)
	c.model(r.Model, one.good).add(one)
	if r.TokensIn+r.TokensOut > 0 {
		if last.name != r.Channel || last.id != r.Key || last.channel == nil {
			last = c.find(r.Channel, r.Key)
		}
		last.channel.tokens(one)
		if last.key != nil {
			last.key.tokens(one)
		}
	}
}

// counted are the counters of a channel and one of its keys.
type counted struct {
	name, id string
	channel  *channelSums
	key      *Sums // nil without a key
}

func (c *Collector) find(name, id string) counted {
	out := counted{name: name, id: id, channel: c.channel(name)}
	if id != "" {
		out.key = out.channel.key(id)
	}
	return out
}

// attempt counts an attempt and returns where, if the channel was involved.
func (c *Collector) attempt(a *event.Attempt, again bool, now time.Time) counted {
	switch a.Verdict {
	case event.VerdictClient, event.VerdictEgress, event.VerdictLocal:
		return counted{}
	}
	one := sample{good: isGood(a)}
	one.bad = !one.good
	if again {
		one.retries = 1
	}
	if a.Verdict == event.VerdictOK {
		one.ttfb = time.Duration(a.TTFB)
	}
	at := c.find(a.Channel, a.Key)
	at.channel.add(one)
	at.channel.recent.add(now, one)
	if at.key != nil {
		at.key.add(one)
	}
	return at
}

// isGood reports whether the channel worked, as in the counters of channels and keys: it gave a
// good answer, or refused a wrong request.
func isGood(a *event.Attempt) bool {
	return a.Verdict == event.VerdictOK || a.Verdict == event.VerdictRequest && (a.Means == "" || verdict.Means(a.Means) == verdict.Refused)
}

func (c *Collector) channel(name string) *channelSums {
	ch := c.channels[name]
	if ch == nil {
		if len(c.channels) >= maxChannels && name != Other {
			return c.channel(Other)
		}
		ch = &channelSums{Sums: Sums{latency: latency{digits: fine}}, keys: map[string]*Sums{}}
		c.channels[name] = ch
	}
	return ch
}

func (ch *channelSums) key(id string) *Sums {
	k := ch.keys[id]
	if k == nil {
		if len(ch.keys) >= maxKeys && id != Other {
			return ch.key(Other)
		}
		k = &Sums{latency: latency{digits: coarse}}
		ch.keys[id] = k
	}
	return k
}

// model counts a model under its name once a request for it has succeeded, since
// callers may ask for any name.
func (c *Collector) model(name string, good bool) *Sums {
	if name == "" {
		return &Sums{} // not to be counted
	}
	m := c.models[name]
	if m == nil {
		if name != Other && (!good || len(name) > maxName || !utf8.ValidString(name) || len(c.models) >= maxModels) {
			return c.model(Other, true)
		}
		m = &Sums{latency: latency{digits: fine}}
		c.models[name] = m
	}
	return m
}
