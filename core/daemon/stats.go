package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2/maybe"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/stats"
)

// tap gets each event from whoever publishes it.
func (d *Daemon) tap(e event.Event) {
	if e.Type == event.TypeRequest && e.Request != nil {
		d.stats.Add(e.Request)
	}
	d.logEvent(e)
}

func (d *Daemon) clock() func() time.Time {
	if d.options.Now != nil {
		return d.options.Now
	}
	return time.Now
}

// statsEvery is the time between two savings of the statistics.
const statsEvery = time.Minute

func (d *Daemon) statsPath() string { return filepath.Join(d.options.StateDir, "stats.json") }

// loadStats takes up the statistics of the last run, and sets them aside if
// they are damaged.
func (d *Daemon) loadStats() {
	content, err := os.ReadFile(d.statsPath())
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var saved stats.Saved
	if err == nil {
		err = json.Unmarshal(content, &saved)
	}
	if err == nil {
		err = d.stats.Restore(saved)
	}
	if err != nil {
		d.bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelWarn, Message: fmt.Sprintf("the statistics of the last run are damaged (%v) and begin anew; the file is kept as %s", err, setAside(d.statsPath()))})
	}
}

// keepStats saves the statistics until ctx ends, and then once more.
func (d *Daemon) keepStats(ctx context.Context) {
	tick := time.NewTicker(statsEvery)
	defer tick.Stop()
	last := uint64(0)
	for {
		select {
		case <-ctx.Done():
			d.saveStats(&last)
			return
		case <-tick.C:
			d.saveStats(&last)
		}
	}
}

// saveStats writes the statistics if something was counted since the last time.
func (d *Daemon) saveStats(last *uint64) {
	saved := d.stats.Save()
	if saved.Total.Requests == *last {
		return
	}
	content, err := json.Marshal(saved)
	if err == nil {
		err = maybe.WriteFile(d.statsPath(), content, 0o600)
	}
	if err != nil {
		d.bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelWarn, Message: "the statistics cannot be saved, a restart would forget them: " + err.Error()})
		return
	}
	*last = saved.Total.Requests
}

// Stats is for [admin.Source]. It shows the channels of the configuration; the
// totals are of those that are gone, too.
func (s *source) Stats() admin.Summary {
	v := s.stats.View()
	out := admin.Summary{
		Since: v.Since, TotalRequests: v.Total.Requests, TotalSuccess: v.Total.Success, TotalFail: v.Total.Fail, TotalRetries: v.Total.Retries,
		SuccessRate: rate(v.Total), RequestsPerSecond: v.Rate, Tokens: admin.Tokens{Input: v.Total.Input, Output: v.Total.Output},
		Channels: map[string]admin.ChannelSums{}, Models: map[string]admin.Sums{}, Windows: map[string]admin.Sums{},
	}
	for _, ch := range s.generation.Load().table.Channels {
		counted := v.Channels[ch.Config.Name]
		shown := admin.ChannelSums{Sums: showSums(counted.Sums), Keys: map[string]admin.Sums{}}
		for _, k := range ch.Keys {
			id := k.State.IDWith(k.Config.Label)
			shown.Keys[id] = showSums(counted.Keys[id])
		}
		out.Channels[ch.Config.Name] = shown
	}
	for name, m := range v.Models {
		out.Models[name] = showSums(m)
	}
	for name, w := range v.Windows {
		out.Windows[name] = showSums(w)
	}
	return out
}

func showSums(s stats.Sums) admin.Sums {
	n, sum := s.Samples()
	return admin.Sums{
		Requests: s.Requests, Success: s.Success, Fail: s.Fail, SuccessRate: rate(s), Retries: s.Retries,
		Tokens:  admin.Tokens{Input: s.Input, Output: s.Output},
		Latency: admin.Latency{P50: millis(s.Quantile(0.5)), P90: millis(s.Quantile(0.9)), P99: millis(s.Quantile(0.99)), Samples: n, Sum: millis(sum)},
	}
}

// rate is the share of successes among what came to an end; nil if nothing did.
func rate(s stats.Sums) *float64 {
	if s.Success+s.Fail == 0 {
		return nil
	}
	r := float64(s.Success) / float64(s.Success+s.Fail)
	return &r
}

func showPoints(points []stats.Point) []admin.Point {
	out := make([]admin.Point, 0, len(points))
	for _, p := range points {
		out = append(out, admin.Point{Requests: p.Requests, Failures: p.Failures, TTFB: millis(p.TTFB)})
	}
	return out
}
