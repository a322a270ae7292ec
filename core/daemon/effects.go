package daemon

import (
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

// effects says what is begun and ended when next takes the place of old. It
// compares what runs, not what is written: a thing that both have is kept.
func (d *Daemon) effects(old, next *generation, m *moves) []string {
	out := slices.Clone(m.text)
	before, after := channelStates(old.table), channelStates(next.table)
	out = append(out, news(before, after, "begin ", "retire ")...)
	for i, effect := range out {
		if name, began := strings.CutPrefix(effect, "begin "); began && after[name].Away() {
			out[i] = "take up again " + name
		}
	}
	out = append(out, news(old.instances, next.instances, "configure ", "close ")...)
	out = append(out, tunnel.Effects(old.config.Tunnels, next.config.Tunnels)...)
	out = append(out, news(old.table.Plans(), next.table.Plans(), "plan ", "drop the plan of ")...)
	return out
}

// state is that of a channel or a key.
type state interface{ Away() bool }

// channelStates are the states in use, by what they are of.
func channelStates(t *route.Table) map[string]state {
	out := map[string]state{}
	for _, ch := range t.Channels {
		out[`channel "`+ch.Config.Name+`"`] = ch.State
		for _, k := range ch.Keys {
			out["key "+k.State.ID()+` of channel "`+ch.Config.Name+`"`] = k.State
		}
	}
	return out
}

// news lists what is in after and not, or as another thing, in before; and the
// other way round.
func news[T comparable](before, after map[string]T, begin, end string) []string {
	var out []string
	for name, x := range after {
		if old, there := before[name]; !there || old != x {
			out = append(out, begin+name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			out = append(out, end+name)
		}
	}
	slices.Sort(out)
	return out
}
