package reload

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

// EffectCode is what a reload does to a part of the program.
type EffectCode string

// The effects of a reload.
const (
	EffectListen    EffectCode = "listen"    // on an address
	EffectLeave     EffectCode = "leave"     // an address
	EffectCreate    EffectCode = "create"    // the state of a channel or key
	EffectResume    EffectCode = "resume"    // the state of a channel or key that was removed a while ago
	EffectRetire    EffectCode = "retire"    // the state of a removed channel or key, which is kept for a while
	EffectConfigure EffectCode = "configure" // a component of a plugin
	EffectClose     EffectCode = "close"     // a component of a plugin
	EffectPlan      EffectCode = "plan"      // make a first or another plan
	EffectDropPlan  EffectCode = "drop_plan"
	// Those of tunnels are "tunnel_" and a [tunnel.EffectCode].
	effectTunnel = "tunnel_"
)

var effectTexts = map[EffectCode]string{
	EffectListen: "listen on ", EffectLeave: "stop listening on ", EffectCreate: "create ", EffectResume: "restore ", EffectRetire: "retire ",
	EffectConfigure: "configure ", EffectClose: "close ", EffectPlan: "plan ", EffectDropPlan: "drop the plan of ",
}

// Effect is one thing that a reload starts or ends.
type Effect struct {
	Code    EffectCode
	Subject string
	Tunnel  tunnel.Effect // for those of tunnels, in addition to the code
}

// Text describes the effect.
func (e Effect) Text() string {
	if e.Tunnel != (tunnel.Effect{}) {
		return e.Tunnel.Text()
	}
	return effectTexts[e.Code] + e.Subject
}

// effects lists what starts and ends when the candidate replaces the old generation.
// It compares what is running, not what is written: what both have in common stays.
func (c *candidate) effects() (out []Effect) {
	old, next := c.old, c.Generation
	for _, m := range c.reloader.options.Ports.Plan(old.Config, next.Config) {
		if m.To != "" {
			out = append(out, Effect{Code: EffectListen, Subject: m.To + " (" + m.Port.Setting + ")"})
		}
		if m.From != "" {
			out = append(out, Effect{Code: EffectLeave, Subject: m.From + " (" + m.Port.Setting + ")"})
		}
	}
	out = append(out, stateEffects(old.table, next.table)...)
	out = append(out, differences(old.instances, next.instances, EffectConfigure, EffectClose)...)
	for _, e := range tunnel.Effects(old.Config.Tunnels, next.Config.Tunnels) {
		out = append(out, Effect{Code: EffectCode(effectTunnel + string(e.Code)), Subject: cmp.Or(e.Address, e.Tunnel), Tunnel: e})
	}
	return append(out, differences(old.table.Plans(), next.table.Plans(), EffectPlan, EffectDropPlan)...)
}

// live is a channel, or a key of one, with its state.
type live struct {
	state   interface{ Removed() bool }
	channel *route.Channel
	key     *route.Key // nil for the channel itself
}

func (l live) String() string {
	name := `channel "` + l.channel.Config.Name + `"`
	if l.key == nil {
		return name
	}
	return "key " + l.key.State.IDWith(l.key.Config.Label) + " of " + name
}

// lives returns the channels and keys of a table, and the set of their states.
func lives(t *route.Table) (all []live, has map[any]bool) {
	has = map[any]bool{}
	for _, ch := range t.Channels {
		all = append(all, live{state: ch.State, channel: ch})
		for _, k := range ch.Keys {
			all = append(all, live{state: k.State, channel: ch, key: k})
		}
	}
	for _, l := range all {
		has[l.state] = true
	}
	return all, has
}

// stateEffects lists the channels and keys whose state is created, resumed or retired.
// One that starts without state under its old name is only created.
func stateEffects(old, next *route.Table) (out []Effect) {
	before, had := lives(old)
	after, has := lives(next)
	created := map[string]bool{}
	for _, l := range after {
		if had[l.state] {
			continue
		}
		created[l.String()] = true
		code := EffectCreate
		if l.state.Removed() {
			code = EffectResume
		}
		out = append(out, Effect{Code: code, Subject: l.String()})
	}
	for _, l := range before {
		if !has[l.state] && !created[l.String()] {
			out = append(out, Effect{Code: EffectRetire, Subject: l.String()})
		}
	}
	return sorted(out)
}

// differences returns what is in after but not in before, or differs there, and vice
// versa.
func differences[K interface {
	comparable
	fmt.Stringer
}, T comparable](before, after map[K]T, added, removed EffectCode) (out []Effect) {
	for name, x := range after {
		if old, there := before[name]; !there || old != x {
			out = append(out, Effect{Code: added, Subject: name.String()})
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			out = append(out, Effect{Code: removed, Subject: name.String()})
		}
	}
	return sorted(out)
}

func sorted(effects []Effect) []Effect {
	slices.SortFunc(effects, func(a, b Effect) int { return cmp.Compare(a.Text(), b.Text()) })
	return effects
}
