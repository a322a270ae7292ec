package config

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/verdict"
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

// Diff lists what changes if next replaces old, in the order of the configuration. It is
// empty if the two are equivalent.
func Diff(old, next *Config) []Change {
	d := &differ{}
	d.block("proxy", old.Proxy, next.Proxy, "")
	d.block("admin", old.Admin, next.Admin, "")
	d.block("retry", old.Retry, next.Retry, "")
	d.block("breaker", old.Breaker, next.Breaker, EffectBreakersKept)
	d.block("log", old.Log, next.Log, "")
	each(d, old.Clients, next.Clients, func(c *Client) Change { return labeled("client", c.Name) }, clientEffect)
	d.block("history", old.History, next.History, EffectRecordsKept)
	each(d, old.Notify, next.Notify, func(n *Notify) Change { return labeled("notify", n.Name) }, func(_, _ *Notify) EffectCode { return "" })
	d.compare(Change{Block: "the top level", Type: "top_level"}, topLevel(old), topLevel(next), "")
	each(d, old.Plugins, next.Plugins, func(p *Plugin) Change { return labeled("plugin", p.Name) }, pluginEffect)
	each(d, old.prices, next.prices, func(p *Price) Change { return labeled("price", p.Models) }, func(_, _ *Price) EffectCode { return "" })
	each(d, old.Channels, next.Channels, func(c *Channel) Change { return labeled("channel", c.Name) }, channelEffect)
	each(d, old.Routes, next.Routes, routeChange, routeEffect)
	each(d, old.Egresses, next.Egresses, func(e *Egress) Change { return labeled("egress", e.Name) }, func(_, _ *Egress) EffectCode { return "" })
	each(d, old.Tunnels, next.Tunnels, func(t *Tunnel) Change { return labeled("tunnel", t.Name) }, tunnelEffect)
	d.builds(old, next)
	d.verdictBuilds(old, next)
	if len(d.changes) == 0 && !sameOrder(old, next) {
		d.add(Change{Block: "routes and channels", Type: "order", Action: ActionChange, Fields: []string{"order"}})
	}
	return d.changes
}

// Same reports whether two channels have the same configuration.
func (c *Channel) Same(other *Channel) bool { return len(fields(*c, *other)) == 0 }

// Same reports whether two tunnels have the same configuration.
func (t *Tunnel) Same(other *Tunnel) bool { return len(fields(*t, *other)) == 0 }

// same compares the fields without reflection, since there may be many keys.
func (k Key) same(other Key) bool {
	if k.Value.Plaintext() != other.Value.Plaintext() {
		return false
	}
	k.Value, k.Range = other.Value, other.Range
	return k == other
}

// topLevel returns the settings of the top level.
func topLevel(c *Config) any {
	return struct {
		Drain     time.Duration `hcl:"drain"`
		HotReload bool          `hcl:"hot_reload"`
		TimeZone  string        `hcl:"time_zone"`
		Verdicts  []*Verdict    `hcl:"verdict"`
		PriceFile string        `hcl:"price_file"`
	}{c.Drain, c.HotReload, c.TimeZone, c.Verdicts, c.PriceFile + c.priceSum}
}

type differ struct {
	changes  []Change
	upgraded map[string]bool // plugins
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

func (d *differ) block(name string, old, next any, effect EffectCode) {
	d.compare(Change{Block: name, Type: name}, old, next, effect)
}

// compare adds the change c if the two differ.
func (d *differ) compare(c Change, old, next any, effect EffectCode) {
	if f := fields(old, next); len(f) > 0 {
		d.add(c.with(ActionChange, f, effect))
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
		} else if f := fields(*o, *n); len(f) > 0 {
			d.add(c.with(ActionChange, f, effect(o, n)))
		}
	}
	for _, o := range old {
		if c := block(o); before[c.Block] == o {
			d.add(c.with(ActionRemove, nil, effect(o, nil)))
		}
	}
}

func routeChange(r *Route) Change {
	return Change{Block: routeName(r), Type: "route", Name: r.Pattern, Models: r.Models}
}

func routeName(r *Route) string {
	if len(r.Models) == 0 {
		return fmt.Sprintf("route %q", r.Pattern)
	}
	return fmt.Sprintf("route %q for %s", r.Pattern, strings.Join(r.Models, ", "))
}

func clientEffect(old, next *Client) EffectCode {
	switch {
	case next == nil:
		return EffectAccessLost
	case old == nil:
		return EffectAccessGained
	}
	return EffectUseKept
}

func channelEffect(old, next *Channel) EffectCode {
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

func routeEffect(old, next *Route) EffectCode {
	switch {
	case next == nil:
		return EffectRouteRemoved
	case old == nil:
		return EffectPlanFirst
	case !same(reflect.ValueOf(old.Strategy), reflect.ValueOf(next.Strategy)):
		return EffectStrategyNew
	}
	return EffectPlanNew
}

func pluginEffect(old, next *Plugin) EffectCode {
	if next == nil {
		return EffectPluginStops
	}
	if old == nil {
		return EffectPluginStarts
	}
	return EffectPluginRestarts
}

func tunnelEffect(old, next *Tunnel) EffectCode {
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
func sameOrder(old, next *Config) bool {
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

// fields returns the names of the settings that differ between two structs of the same type.
func fields(old, next any) []string {
	var out []string
	a, b := reflect.ValueOf(old), reflect.ValueOf(next)
	for i := range a.NumField() {
		if !same(a.Field(i), b.Field(i)) {
			out = append(out, attributeName(a.Type().Field(i)))
		}
	}
	return out
}

// attributeName returns the name of a field in the configuration.
func attributeName(f reflect.StructField) string {
	if tag, ok := f.Tag.Lookup("hcl"); ok {
		name, _, _ := strings.Cut(tag, ",")
		return name
	}
	return strings.ToLower(f.Name)
}

// same ignores places in files, and compares references to other blocks by name.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Pointer && (a.IsNil() || b.IsNil()) {
		return a.IsNil() == b.IsNil()
	}
	switch a.Type() {
	case reflect.TypeFor[hcl.Range]():
		return true
	case reflect.TypeFor[*Channel]():
		return a.Interface().(*Channel).Name == b.Interface().(*Channel).Name
	case reflect.TypeFor[*url.URL]():
		return a.Interface().(*url.URL).String() == b.Interface().(*url.URL).String()
	case reflect.TypeFor[*Key]():
		return a.Interface().(*Key).same(*b.Interface().(*Key))
	case reflect.TypeFor[cty.Value]():
		return a.Interface().(cty.Value).RawEquals(b.Interface().(cty.Value))
	case reflect.TypeFor[*verdict.Rule]():
		return true // its values are compared
	case reflect.TypeFor[Secret]():
		return a.Interface().(Secret).Plaintext() == b.Interface().(Secret).Plaintext()
	}
	switch a.Kind() {
	case reflect.Pointer:
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		if a.Type().Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(a.Bytes(), b.Bytes())
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if v := b.MapIndex(k); !v.IsValid() || !same(a.MapIndex(k), v) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}
