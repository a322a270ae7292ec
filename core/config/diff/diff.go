package diff

import (
	"fmt"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
)

// Change is one block that differs between two configurations.
type Change struct {
	Block  string   `json:"block"`            // in words, such as `channel "primary"`
	Type   string   `json:"type"`             // of the block, such as channel; or top_level, or order: that of channels and routes
	Name   string   `json:"name,omitempty"`   // of the block: its label
	Models []string `json:"models,omitempty"` // of a route
	Action string   `json:"action"`           // add, remove or change
	Fields []string `json:"fields,omitempty"` // the attributes and blocks that differ
	Effect string   `json:"effect,omitempty"` // what happens to the live state, in English
	Plugin string   `json:"plugin,omitempty"` // of an upgrade: the plugin's name, or "built-in"

	EffectCode EffectCode        `json:"effect_code,omitempty"` // the effect, for programs
	EffectArgs map[string]string `json:"effect_args,omitempty"` // its arguments, by name
}

// The actions of a Change.
const (
	ActionAdd    = "add"
	ActionRemove = "remove"
	ActionChange = "change"

	// ActionUpgrade is for a plugin whose process is replaced, by one of any version.
	ActionUpgrade = "upgrade"
)

// String returns the change in words, such as `add channel "primary"`.
func (c Change) String() string {
	if c.Action == ActionUpgrade { // by an older version, too
		return "replace " + c.Block
	}
	return c.Action + " " + c.Block
}

// Compare lists what changes if next replaces old, in the order of the configuration. It is
// empty if the two are equivalent.
func Compare(old, next *config.Config) []Change {
	d := &differ{}
	d.block("proxy", old.Proxy, next.Proxy, "")
	d.block("admin", old.Admin, next.Admin, "")
	d.block("retry", old.Retry, next.Retry, "")
	d.block("breaker", old.Breaker, next.Breaker, EffectBreakersKept)
	d.block("log", old.Log, next.Log, "")
	each(d, old.Clients, next.Clients, func(c *config.Client) Change { return labeled("client", c.Name) }, clientEffect)
	d.block("history", old.History, next.History, EffectRecordsKept)
	each(d, old.Notify, next.Notify, func(n *config.Notify) Change { return labeled("notify", n.Name) }, func(_, _ *config.Notify) EffectCode { return "" })
	d.changed(Change{Block: "the top level", Type: "top_level"}, config.ChangedTopLevel(old, next), "")
	each(d, old.Plugins, next.Plugins, func(p *config.Plugin) Change { return labeled("plugin", p.Name) }, pluginEffect)
	each(d, old.PriceBlocks(), next.PriceBlocks(), func(p *config.Price) Change { return labeled("price", p.Models) }, func(_, _ *config.Price) EffectCode { return "" })
	each(d, old.Channels, next.Channels, func(c *config.Channel) Change { return labeled("channel", c.Name) }, channelEffect)
	each(d, old.Routes, next.Routes, routeChange, routeEffect)
	each(d, old.Egresses, next.Egresses, func(e *config.Egress) Change { return labeled("egress", e.Name) }, func(_, _ *config.Egress) EffectCode { return "" })
	each(d, old.Tunnels, next.Tunnels, func(t *config.Tunnel) Change { return labeled("tunnel", t.Name) }, tunnelEffect)
	d.builds(old, next)
	d.verdictBuilds(old, next)
	if len(d.changes) == 0 && !sameOrder(old, next) {
		d.add(Change{Block: "routes and channels", Type: "order", Action: ActionChange, Fields: []string{"order"}})
	}
	return d.changes
}

type differ struct {
	changes  []Change
	upgraded map[string]bool // plugins
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

func (d *differ) block(name string, old, next any, effect EffectCode) {
	d.changed(Change{Block: name, Type: name}, config.ChangedSettings(old, next), effect)
}

// changed adds the change c if any settings differ.
func (d *differ) changed(c Change, settings []string, effect EffectCode) {
	if len(settings) > 0 {
		d.add(c.with(ActionChange, settings, effect))
	}
}

// labeled returns a change of a block with a label.
func labeled(kind, name string) Change {
	return Change{Block: fmt.Sprintf("%s %q", kind, name), Type: kind, Name: name}
}

// Upgrade returns the change of a plugin whose process is replaced; "" is the built-in one.
func Upgrade(name string) Change {
	c := labeled("plugin", name)
	if name == "" {
		c.Block, c.Name = "the built-in plugin", "built-in"
	}
	c.Action, c.Plugin = ActionUpgrade, c.Name
	return c
}

// with adds what happens to a block.
func (c Change) with(action string, fields []string, effect EffectCode) Change {
	c.Action, c.Fields = action, fields
	return c.WithEffect(effect)
}

// each compares two lists of blocks by name. block returns a change of a block; effect returns
// what happens to the live state; old or next is nil if the block was added or removed.
func each[T any](d *differ, old, next []*T, block func(*T) Change, effect func(old, next *T) EffectCode) {
	before := map[string]*T{}
	for _, o := range old {
		before[block(o).Block] = o
	}
	for _, n := range next {
		c := block(n)
		o, there := before[c.Block]
		delete(before, c.Block)
		if !there {
			d.add(c.with(ActionAdd, nil, effect(nil, n)))
		} else if f := config.ChangedSettings(*o, *n); len(f) > 0 {
			d.add(c.with(ActionChange, f, effect(o, n)))
		}
	}
	for _, o := range old {
		if c := block(o); before[c.Block] == o {
			d.add(c.with(ActionRemove, nil, effect(o, nil)))
		}
	}
}

func routeChange(r *config.Route) Change {
	return Change{Block: routeName(r), Type: "route", Name: r.Pattern, Models: r.Models}
}

func routeName(r *config.Route) string {
	if len(r.Models) == 0 {
		return fmt.Sprintf("route %q", r.Pattern)
	}
	return fmt.Sprintf("route %q for %s", r.Pattern, strings.Join(r.Models, ", "))
}

func clientEffect(old, next *config.Client) EffectCode {
	switch {
	case next == nil:
		return EffectAccessLost
	case old == nil:
		return EffectAccessGained
	}
	return EffectUseKept
}

func channelEffect(old, next *config.Channel) EffectCode {
	switch {
	case old == nil:
		return EffectStateNew
	case next == nil:
		return EffectChannelRemoved
	case old.Target.String() != next.Target.String():
		return EffectStateOtherSite
	}
	return EffectStateKept
}

func routeEffect(old, next *config.Route) EffectCode {
	switch {
	case next == nil:
		return EffectRouteRemoved
	case old == nil:
		return EffectPlanFirst
	case !old.Strategy.Same(next.Strategy):
		return EffectStrategyNew
	}
	return EffectPlanNew
}

func pluginEffect(old, next *config.Plugin) EffectCode {
	if next == nil {
		return EffectPluginStops
	}
	if old == nil {
		return EffectPluginStarts
	}
	return EffectPluginRestarts
}

func tunnelEffect(old, next *config.Tunnel) EffectCode {
	switch {
	case next == nil:
		return EffectTunnelClosed
	case old == nil:
		return EffectTunnelOpened
	}
	return EffectTunnelUnchanged
}

// sameOrder reports whether channels and routes are in the same order: the first
// route that matches counts, and strategies see channels in order.
func sameOrder(old, next *config.Config) bool {
	for i, c := range next.Channels {
		if old.Channels[i].Name != c.Name {
			return false
		}
	}
	for i, r := range next.Routes {
		if routeName(old.Routes[i]) != routeName(r) {
			return false
		}
	}
	return true
}

// builds adds the plugins of both configurations whose build or process has changed.
func (d *differ) builds(old, next *config.Config) {
	before := map[string]*config.Component{}
	for _, c := range old.Components() {
		before[c.Plugin] = c
	}
	for _, c := range next.Components() {
		o := before[c.Plugin]
		delete(before, c.Plugin)
		if o == nil {
			continue
		}
		oldVersion, oldBuild := o.Build()
		version, build := c.Build()
		if build == oldBuild {
			continue
		}
		change := Upgrade(c.Plugin)
		switch oldVersion {
		case "": // the plugin was not ready before
			change = change.WithEffect(EffectVersionReady, "version", version)
		case version:
			change = change.WithEffect(EffectProcessNew, "version", version)
		default:
			change = change.WithEffect(EffectVersionNew, "version", version, "old", oldVersion)
		}
		if d.upgraded == nil {
			d.upgraded = map[string]bool{}
		}
		d.upgraded[c.Plugin] = true
		d.add(change)
	}
}

// verdictBuilds adds plugins with verdicts whose build has changed.
func (d *differ) verdictBuilds(old, next *config.Config) {
	before := old.VerdictBuilds()
	for name, build := range next.VerdictBuilds() {
		if oldBuild, ok := before[name]; !ok || oldBuild == build || d.upgraded[name] {
			continue
		}
		d.add(Upgrade(name).WithEffect(EffectVerdictsNew))
	}
}
