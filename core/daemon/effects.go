package daemon

import (
	"fmt"
	"slices"

	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

// effects says what is begun and ended when next takes the place of old. It
// compares what runs, not what is written: a thing that both have is kept.
func (d *Daemon) effects(old, next *generation, m *moves) []string {
	out := slices.Clone(m.text)
	out = append(out, stateNews(old.table, next.table)...)
	out = append(out, news(old.instances, next.instances, "configure ", "close ")...)
	out = append(out, tunnel.Effects(old.config.Tunnels, next.config.Tunnels)...)
	out = append(out, news(old.table.Plans(), next.table.Plans(), "plan ", "drop the plan of ")...)
	return out
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

// lives are the channels and keys of a table, and which states they have.
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

// stateNews says which channels and keys begin, are taken up again and retire.
// One that begins anew under its old name only begins.
func stateNews(old, next *route.Table) []string {
	var out []string
	before, had := lives(old)
	after, has := lives(next)
	begun := map[string]bool{}
	for _, l := range after {
		if had[l.state] {
			continue
		}
		begun[l.String()] = true
		if l.state.Removed() {
			out = append(out, "take up again "+l.String())
		} else {
			out = append(out, "begin "+l.String())
		}
	}
	for _, l := range before {
		if !has[l.state] && !begun[l.String()] {
			out = append(out, "retire "+l.String())
		}
	}
	slices.Sort(out)
	return out
}

// news lists what is in after and not, or as another thing, in before; and the
// other way round.
func news[K interface {
	comparable
	fmt.Stringer
}, T comparable](before, after map[K]T, begin, end string) []string {
	var out []string
	for name, x := range after {
		if old, there := before[name]; !there || old != x {
			out = append(out, begin+name.String())
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			out = append(out, end+name.String())
		}
	}
	slices.Sort(out)
	return out
}
