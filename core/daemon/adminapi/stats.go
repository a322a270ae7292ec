package adminapi

import (
	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/stats"
)

// Stats is for [admin.Source]. It shows the channels of the configuration; the totals
// include removed channels.
func (s *Source) Stats() admin.Summary {
	v := s.program.Stats.View()
	out := admin.Summary{
		Since: clock(v.Since), TotalRequests: v.Total.Requests, TotalSuccess: v.Total.Success, TotalFail: v.Total.Fail, TotalRetries: v.Total.Retries,
		SuccessRate: rate(v.Total), RequestsPerSecond: v.Rate, Tokens: admin.Tokens{Input: v.Total.Input, Output: v.Total.Output},
		Channels: map[string]admin.ChannelSums{}, Models: map[string]admin.Sums{}, Windows: map[string]admin.Sums{},
	}
	for _, ch := range s.table().Channels {
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

// ResetStats is for [admin.Source].
func (s *Source) ResetStats() {
	s.program.Stats.Reset()
	for _, ch := range s.table().Channels {
		ch.State.ResetCounts()
	}
}

func showSums(s stats.Sums) admin.Sums {
	n, sum := s.Samples()
	return admin.Sums{
		Requests: s.Requests, Success: s.Success, Fail: s.Fail, SuccessRate: rate(s), Retries: s.Retries,
		Tokens:  admin.Tokens{Input: s.Input, Output: s.Output},
		Latency: admin.Latency{P50: millis(s.Quantile(0.5)), P90: millis(s.Quantile(0.9)), P99: millis(s.Quantile(0.99)), Samples: n, Sum: millis(sum)},
	}
}

// rate returns the success rate of what has ended; nil if nothing has.
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
