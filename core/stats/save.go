package stats

import (
	"fmt"
	"time"
)

// Saved is the state saved across restarts.
type Saved struct {
	Version  int                     `json:"version"`
	Since    time.Time               `json:"since"`
	Total    SavedSums               `json:"total"`
	Channels map[string]SavedChannel `json:"channels,omitempty"`
	Models   map[string]SavedSums    `json:"models,omitempty"`
	Windows  map[string][]SavedSlot  `json:"windows,omitempty"`
	Sites    map[string]Site         `json:"sites,omitempty"`
}

// SavedChannel is one channel of [Saved].
type SavedChannel struct {
	SavedSums
	Keys map[string]SavedSums `json:"keys,omitempty"`
}

// SavedSlot is a slot of a window.
type SavedSlot struct {
	Epoch int64 `json:"epoch"`
	SavedSums
}

// SavedSums are saved [Sums].
type SavedSums struct {
	Requests uint64        `json:"requests"`
	Success  uint64        `json:"success"`
	Fail     uint64        `json:"fail,omitempty"`
	Retries  uint64        `json:"retries,omitempty"`
	Input    uint64        `json:"input,omitempty"`
	Output   uint64        `json:"output,omitempty"`
	TTFB     time.Duration `json:"ttfb_sum_ns,omitempty"`
	Latency  []byte        `json:"latency,omitempty"` // an HdrHistogram in its own form, V2, compressed
}

// SavedVersion is the version of [Saved] that this program writes.
const SavedVersion = 1

// Save returns the state to be saved across restarts.
func (c *Collector) Save() Saved {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := Saved{Version: SavedVersion, Since: c.since, Total: c.total.save(), Channels: map[string]SavedChannel{}, Models: map[string]SavedSums{}, Windows: map[string][]SavedSlot{}, Sites: c.sites}
	for name, ch := range c.channels {
		saved := SavedChannel{SavedSums: ch.save(), Keys: map[string]SavedSums{}}
		for id, k := range ch.keys {
			saved.Keys[id] = k.save()
		}
		out.Channels[name] = saved
	}
	for name, m := range c.models {
		out.Models[name] = m.save()
	}
	for name, w := range c.windows {
		for i := range w.slots {
			if s := &w.slots[i]; s.epoch > 0 && s.Requests > 0 {
				out.Windows[name] = append(out.Windows[name], SavedSlot{s.epoch, s.save()})
			}
		}
	}
	return out
}

func (s *Sums) save() SavedSums {
	return SavedSums{
		Requests: s.Requests, Success: s.Success, Fail: s.Fail, Retries: s.Retries, Input: s.Input, Output: s.Output, TTFB: s.latency.sum, Latency: s.latency.encode(),
	}
}

// Restore loads the state that a previous run saved.
func (c *Collector) Restore(saved Saved) error {
	if saved.Version != SavedVersion {
		return fmt.Errorf("it has version %d, but this program reads version %d", saved.Version, SavedVersion)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = saved.Since
	c.total = saved.Total.restore(fine)
	for name, s := range saved.Channels {
		ch := c.channel(name)
		ch.Sums = s.restore(fine)
		for id, k := range s.Keys {
			*ch.key(id) = k.restore(coarse)
		}
	}
	for name, m := range saved.Models {
		*c.model(name, true) = m.restore(fine)
	}
	for name, slots := range saved.Windows {
		w := c.windows[name]
		for _, s := range slots {
			if w != nil && s.Epoch > 0 {
				w.slots[s.Epoch%int64(len(w.slots))] = slot{s.Epoch, s.restore(fine)}
			}
		}
	}
	now := c.sites
	c.sites = saved.Sites
	if now != nil {
		c.follow(now)
	}
	return nil
}

func (s SavedSums) restore(digits int) Sums {
	out := Sums{Requests: s.Requests, Success: s.Success, Fail: s.Fail, Retries: s.Retries, Input: s.Input, Output: s.Output, latency: latency{digits: digits}}
	out.latency.decode(s.Latency, s.TTFB)
	return out
}
