package strategies

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// latencySettings is the block of lowest-latency.
type latencySettings struct {
	Explore   float64       `hcl:"explore,optional" doc:"Share of the requests, 0 to 0.5, that goes to the slower channels, to notice when one has become faster. Channels without samples get the largest part of it. With 0, slower channels are used only when the fastest are not available."`
	Tolerance float64       `hcl:"tolerance,optional" doc:"How much slower than the fastest channel another may be and still count as equally fast: 0.1 is 10 %. It keeps small differences from moving all the load."`
	TTL       time.Duration `hcl:"ttl,optional" doc:"How often the channels are compared."`
}

var latencyDefaults = latencySettings{Explore: 0.05, Tolerance: 0.1, TTL: 2 * time.Second}

var lowestLatency = sdk.Factory{
	Name: "lowest-latency",
	Doc: `Prefers the channel that answers fastest, by a moving average of the time to the first byte.

A channel that fails often counts as slower: its time is divided by its share of successes. A small share of the requests goes to the other channels, more to faster ones. Until there are samples, all channels take turns. Weights do not matter, except that channels of weight 0 are used only when no other is available. Fallback channels come after all others.`,
	Settings: latencyDefaults,
	New:      func() sdk.Component { return &latencyStrategy{settings: latencyDefaults} },
}

type latencyStrategy struct{ settings latencySettings }

func (s *latencyStrategy) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&s.settings); err != nil {
		return err
	}
	switch {
	case !(s.settings.Explore >= 0 && s.settings.Explore <= 0.5):
		return &sdk.ConfigError{Path: []string{"explore"}, Message: fmt.Sprintf("%v is not a share of the requests from 0 to 0.5", s.settings.Explore), Hint: "use a number such as 0.05"}
	case !(s.settings.Tolerance >= 0):
		return &sdk.ConfigError{Path: []string{"tolerance"}, Message: fmt.Sprintf("%v is below 0", s.settings.Tolerance), Hint: "use 0 or more, such as 0.1 for 10 %"}
	case s.settings.TTL <= 0:
		return &sdk.ConfigError{Path: []string{"ttl"}, Message: fmt.Sprintf("%s is too short", s.settings.TTL), Hint: `use more than 0, such as "2s"`}
	}
	return nil
}

func (s *latencyStrategy) Close() error { return nil }

// Plan distributes each tier's requests by smooth_wrr and not at random: with few requests
// a day, random choices may not explore at all.
func (s *latencyStrategy) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	p := sdk.Plan{
		TTL:          s.settings.TTL,
		InvalidateOn: []sdk.Change{sdk.ChangeMembership, sdk.ChangeHealth, sdk.ChangeLimits},
	}
	for i, tier := range tiers(req.Channels) {
		ranked := rank(tier)
		if i == 0 {
			p.Reason = reasonFor(ranked)
		}
		p.Groups = append(p.Groups, sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleSmoothWRR}, Members: s.share(ranked)})
	}
	return p, nil
}

// ranked is a channel with the time by which it is compared: 0 if there are no samples.
type ranked struct {
	id        string
	time      time.Duration
	available bool
}

// rank sorts by time; the channels without samples come after those with, and
// those that cannot be used now last.
func rank(channels []sdk.Snapshot) []ranked {
	out := make([]ranked, len(channels))
	for i, c := range channels {
		out[i] = ranked{id: c.ID, time: effective(c), available: c.Available}
	}
	slices.SortStableFunc(out, func(a, b ranked) int {
		switch {
		case a.available != b.available:
			return onTop(a.available)
		case (a.time > 0) != (b.time > 0):
			return onTop(a.time > 0)
		}
		return cmp.Compare(a.time, b.time)
	})
	return out
}

func onTop(first bool) int {
	if first {
		return -1
	}
	return 1
}

// effective returns how long a success takes, including the time lost to failures.
func effective(c sdk.Snapshot) time.Duration {
	const leastSuccess = 0.05
	return time.Duration(float64(c.TTFB) / max(1-c.ErrorRate, leastSuccess))
}

// share gives 1-explore to the fastest, in equal parts, and explore to the
// others by the square of their speed relative to the fastest. A channel that
// cannot be used now gets nothing: the host would distribute its share among
// the others in the proportions meant for exploring.
func (s *latencyStrategy) share(channels []ranked) []sdk.Member {
	members := make([]sdk.Member, len(channels))
	for i, c := range channels {
		members[i].ID = c.id
	}
	usable := 0
	for usable < len(channels) && channels[usable].available {
		usable++
	}
	if usable == 0 {
		usable = len(channels)
	}
	fastest := channels[0].time
	top := s.countFast(channels[:usable])
	for i := range top {
		members[i].Weight = 1 / float64(top)
	}
	if top == usable {
		return members
	}
	speeds := make([]float64, usable)
	var total float64
	for i := top; i < usable; i++ {
		speeds[i] = 1 // of a channel without samples
		if t := channels[i].time; t > 0 {
			ratio := float64(fastest) / float64(t)
			speeds[i] = ratio * ratio
		}
		total += speeds[i]
	}
	for i := range usable {
		if i < top {
			members[i].Weight *= 1 - s.settings.Explore
		} else {
			members[i].Weight = s.settings.Explore * speeds[i] / total
		}
	}
	return members
}

// countFast returns how many of the ranked channels count as the fastest: all, if
// there are no samples.
func (s *latencyStrategy) countFast(channels []ranked) int {
	if channels[0].time == 0 {
		return len(channels)
	}
	limit := float64(channels[0].time) * (1 + s.settings.Tolerance)
	n := 1
	for n < len(channels) && channels[n].time > 0 && float64(channels[n].time) <= limit {
		n++
	}
	return n
}

func reasonFor(channels []ranked) string {
	best := channels[0]
	if best.time == 0 {
		return "in turn until there are latencies to compare"
	}
	return fmt.Sprintf("%s is the fastest: %s to the first byte", best.id, best.time.Round(time.Millisecond))
}
