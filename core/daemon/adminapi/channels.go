package adminapi

import (
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/proxy"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/stats"
	"github.com/aitunnel/aitunnel/sdk"
)

// Channels is for [admin.Source].
func (s *Source) Channels() []admin.Channel {
	now := s.program.Registry.Now()
	out := []admin.Channel{}
	for _, ch := range s.table().Channels {
		out = append(out, s.showChannel(ch, now))
	}
	return out
}

func (s *Source) showChannel(ch *route.Channel, now time.Time) admin.Channel {
	v := ch.State.View(now)
	c := ch.Config
	sums := s.program.Stats.Channel(c.Name)
	out := admin.Channel{
		Name: c.Name, Target: redact.KeyLike(c.Target.String()), Weight: c.Weight, Fallback: c.Fallback, Models: append([]string{}, withoutKeys(c.Models)...), Auth: authText(c.Auth), MaxInFlight: c.MaxInFlight, ModelMap: map[string]string{},
		Enabled: !v.Paused, First: v.Preferred, Health: string(v.Health), CheckedAt: at(v.Checked), CheckError: v.CheckError, Out: string(v.Skip), OutReason: v.Reason,
		OutSince: at(v.Since), OutUntil: at(v.Until), Latency: millis(v.Counters.TTFB), InFlight: v.InFlight,
		ErrorRate: v.ErrorRate, Stats: showStats(v.Counters, sums.Sums), Keys: admin.Keys{Total: len(ch.Keys), List: []admin.Key{}},
		Where: place(c.Range), Restricted: showRestrictions(ch.State.Restrictions(now)),
	}
	if v.Skip == "" {
		skip, until := ch.AtLimit(now)
		out.Out, out.OutUntil = string(skip), at(until)
	}
	out.Egress = showEgresses(ch, now)
	out.SuccessRate, out.Tokens, out.Recent = rate(sums.Sums), admin.Tokens{Input: sums.Input, Output: sums.Output}, showPoints(sums.Recent)
	for from, to := range c.ModelMap {
		out.ModelMap[redact.KeyLike(from)] = redact.KeyLike(to)
	}
	if v.Health == "" {
		out.Health = string(sdk.HealthUnknown)
	}
	if c.HealthCheck != nil {
		out.HealthCheck = c.HealthCheck.Checker.Ref
	}
	if c.KeySelector != nil {
		out.KeyStrategy = c.KeySelector.Ref
	}
	for _, k := range ch.Keys {
		shown := showKey(k, sums.Keys, now)
		switch channel.Skip(shown.State) {
		case channel.KeyReady, channel.KeySuspect, channel.SkipAtLimit:
			out.Keys.Alive++
		}
		out.Keys.List = append(out.Keys.List, shown)
	}
	admin.NameKeys(out.Keys.List)
	return out.Assessed()
}

// KeyName returns the name of a channel's key in lists, or else its ID.
func KeyName(ch *route.Channel, id string) string {
	keys := make([]admin.Key, len(ch.Keys))
	for i, k := range ch.Keys {
		keys[i] = admin.Key{ID: k.State.IDWith(k.Config.Label), Label: k.Config.Label, Masked: k.Config.Value.KeyText()}
	}
	admin.NameKeys(keys)
	for _, k := range keys {
		if k.ID == id {
			return k.Shown
		}
	}
	return id
}

func showKey(k *route.Key, counts map[string]stats.Sums, now time.Time) admin.Key {
	v := k.State.View(now)
	id := k.State.IDWith(k.Config.Label)
	out := admin.Key{
		ID: id, Label: k.Config.Label, Masked: k.Config.Value.KeyText(), Weight: k.Config.Weight, Ephemeral: k.Config.Ephemeral,
		State: v.State(), Reason: v.Reason, Until: at(v.Until), Stats: showStats(v.Counters, counts[id]),
		Restricted: showRestrictions(k.State.Restrictions(now)), InvalidFor: v.InvalidFor,
	}
	if skip, until := k.AtLimit(now); v.Skip == "" && skip != "" {
		out.State, out.Reason, out.Until = string(skip), "", at(until)
	}
	return out
}

// withoutKeys returns the names with what looks like a key masked, as it was written in the wrong place.
func withoutKeys(names []string) (out []string) {
	for _, name := range names {
		out = append(out, redact.KeyLike(name))
	}
	return out
}

func showRestrictions(all []channel.Restriction) (out []admin.Restriction) {
	for _, r := range all {
		out = append(out, admin.Restriction{Model: redact.KeyLike(r.Model), Endpoint: r.Endpoint, State: r.State, Reason: r.Reason, Until: at(r.Until)})
	}
	return out
}

// showEgresses returns the egresses of the channel, none if there is only the direct
// one.
func showEgresses(ch *route.Channel, now time.Time) (out []admin.Egress) {
	all := proxy.Egresses(ch.Config)
	if ch.Config.Egress == nil && all[0].Name == config.EgressDirect {
		return nil
	}
	next := proxy.NextEgress(ch, now)
	for _, e := range all {
		one := admin.Egress{Name: e.Name, Via: e.Text(), Used: e == next}
		for _, v := range ch.State.Egresses(now) {
			if v.Name == e.Name {
				one.Reason, one.Until = v.Reason, at(v.Until)
			}
		}
		out = append(out, one)
	}
	return out
}

// authText returns how auth is written in a configuration.
func authText(a config.Auth) string {
	if a.Param != "" {
		return string(a.Style) + ":" + a.Param
	}
	return string(a.Style)
}

// showStats returns the counts of the statistics, as all pages and commands show them, with the last attempt
// at the present address.
func showStats(c channel.Counters, counted stats.Sums) admin.Stats {
	out := admin.Stats{TotalRequests: counted.Requests, SuccessCount: counted.Success, FailCount: counted.Fail, LastRequestAt: at(c.LastAt)}
	if c.LastError != "" {
		out.LastError = &c.LastError
	}
	return out
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
