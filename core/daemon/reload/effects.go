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
	Subject Subject
	Channel string // of a redirected forward: the new one; "": the routes

	text string
}

// SubjectKind says what a [Subject] is. For components and plans it is a [route.PurposeKind].
type SubjectKind string

// The other kinds of subject.
const (
	SubjectAddress SubjectKind = "address"
	SubjectChannel SubjectKind = "channel"
	SubjectKey     SubjectKind = "key"
	SubjectTunnel  SubjectKind = "tunnel"
	SubjectForward SubjectKind = "forward"
)

// Subject is what an effect is about.
type Subject struct {
	Kind      SubjectKind
	Name      string // an address, the name of a channel or tunnel, the pattern of a route, the ID of a key
	Setting   string // of an address, such as proxy.listen
	Channel   string // of a key
	Tunnel    string // of a forward
	Component string // of a component or a shadow, such as "weighted" or "acme/bandit"
	Models    string // of a route: its patterns, separated by spaces
}

// Text describes the effect.
func (e Effect) Text() string { return e.text }

// effect returns an effect on a subject, which text describes.
func effect(code EffectCode, s Subject, text string) Effect {
	return Effect{Code: code, Subject: s, text: effectTexts[code] + text}
}

func addressEffect(code EffectCode, address, setting string) Effect {
	return effect(code, Subject{Kind: SubjectAddress, Name: address, Setting: setting}, address+" ("+setting+")")
}

func tunnelEffect(e tunnel.Effect) Effect {
	s := Subject{Kind: SubjectTunnel, Name: e.Tunnel}
	if e.Address != "" {
		s = Subject{Kind: SubjectForward, Name: e.Address, Tunnel: e.Tunnel}
	}
	return Effect{Code: EffectCode(effectTunnel + string(e.Code)), Subject: s, Channel: e.Channel, text: e.Text()}
}

func purposeSubject(p route.Purpose) Subject {
	return Subject{Kind: SubjectKind(p.Kind), Name: p.Name, Models: p.Models, Component: p.Component}
}

// effects lists what starts and ends when the candidate replaces the old generation.
// It compares what is running, not what is written: what both have in common stays.
func (c *candidate) effects() (out []Effect) {
	old, next := c.old, c.Generation
	for _, m := range c.reloader.options.Ports.Plan(old.Config, next.Config) {
		if m.To != "" {
			out = append(out, addressEffect(EffectListen, m.To, m.Port.Setting))
		}
		if m.From != "" {
			out = append(out, addressEffect(EffectLeave, m.From, m.Port.Setting))
		}
	}
	out = append(out, stateEffects(old.table, next.table)...)
	out = append(out, differences(old.instances, next.instances, instanceKey.subject, EffectConfigure, EffectClose)...)
	for _, e := range tunnel.Effects(old.Config.Tunnels, next.Config.Tunnels) {
		out = append(out, tunnelEffect(e))
	}
	return append(out, differences(old.table.Plans(), next.table.Plans(), purposeSubject, EffectPlan, EffectDropPlan)...)
}

// liveState is a channel, or a key of one, with its state.
type liveState struct {
	state   interface{ Removed() bool }
	channel *route.Channel
	key     *route.Key // nil for the channel itself
}

func (l liveState) String() string {
	name := `channel "` + l.channel.Config.Name + `"`
	if l.key == nil {
		return name
	}
	return "key " + l.key.State.IDWith(l.key.Config.Label) + " of " + name
}

func (l liveState) subject() Subject {
	if l.key == nil {
		return Subject{Kind: SubjectChannel, Name: l.channel.Config.Name}
	}
	return Subject{Kind: SubjectKey, Name: l.key.State.IDWith(l.key.Config.Label), Channel: l.channel.Config.Name}
}

// liveStates returns the channels and keys of a table, and the set of their states.
func liveStates(t *route.Table) (all []liveState, has map[any]bool) {
	has = map[any]bool{}
	for _, ch := range t.Channels {
		all = append(all, liveState{state: ch.State, channel: ch})
		for _, k := range ch.Keys {
			all = append(all, liveState{state: k.State, channel: ch, key: k})
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
	before, had := liveStates(old)
	after, has := liveStates(next)
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
		out = append(out, effect(code, l.subject(), l.String()))
	}
	for _, l := range before {
		if !has[l.state] && !created[l.String()] {
			out = append(out, effect(EffectRetire, l.subject(), l.String()))
		}
	}
	return sorted(out)
}

// differences returns what is in after but not in before, or differs there, and vice
// versa.
func differences[K interface {
	comparable
	fmt.Stringer
}, T comparable](before, after map[K]T, subject func(K) Subject, added, removed EffectCode) (out []Effect) {
	for name, x := range after {
		if old, there := before[name]; !there || old != x {
			out = append(out, effect(added, subject(name), name.String()))
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			out = append(out, effect(removed, subject(name), name.String()))
		}
	}
	return sorted(out)
}

func sorted(effects []Effect) []Effect {
	slices.SortFunc(effects, func(a, b Effect) int { return cmp.Compare(a.Text(), b.Text()) })
	return effects
}
