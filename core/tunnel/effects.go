package tunnel

import (
	"fmt"

	"github.com/aitunnel/aitunnel/core/config"
)

// EffectCode says what [Tunnels.Apply] does to a tunnel or forward.
type EffectCode string

// The effects. Those of forwards have an address.
const (
	EffectConnect         EffectCode = "connect"
	EffectReconnect       EffectCode = "reconnect"
	EffectClose           EffectCode = "close"
	EffectOpenForward     EffectCode = "open_forward"
	EffectRedirectForward EffectCode = "redirect_forward" // to another channel, or to the routes
	EffectCloseForward    EffectCode = "close_forward"
)

// Effect is one thing that [Tunnels.Apply] does.
type Effect struct {
	Code    EffectCode
	Tunnel  string
	Address string // of a forward
	Channel string // the new one of EffectRedirectForward; "": the routes
}

// Text describes the effect.
func (e Effect) Text() string {
	switch e.Code {
	case EffectOpenForward:
		return fmt.Sprintf("open %s of tunnel %q", e.Address, e.Tunnel)
	case EffectCloseForward:
		return fmt.Sprintf("close %s of tunnel %q", e.Address, e.Tunnel)
	case EffectRedirectForward:
		to := "the routes"
		if e.Channel != "" {
			to = fmt.Sprintf("channel %q", e.Channel)
		}
		return fmt.Sprintf("send requests to %s of tunnel %q to %s", e.Address, e.Tunnel, to)
	}
	return fmt.Sprintf("%s tunnel %q", e.Code, e.Tunnel)
}

// Effects returns what [Tunnels.Apply] does to replace old with next.
func Effects(old, next []*config.Tunnel) (out []Effect) {
	before := map[string]*config.Tunnel{}
	for _, t := range old {
		before[t.Name] = t
	}
	for _, t := range next {
		o, existed := before[t.Name]
		delete(before, t.Name)
		switch {
		case !existed:
			out = append(out, Effect{Code: EffectConnect, Tunnel: t.Name})
		case !sameConnection(o, t):
			out = append(out, Effect{Code: EffectReconnect, Tunnel: t.Name})
		default:
			out = append(out, forwardEffects(o, t)...)
		}
	}
	for _, t := range old {
		if before[t.Name] == t {
			out = append(out, Effect{Code: EffectClose, Tunnel: t.Name})
		}
	}
	return out
}

func forwardEffects(old, next *config.Tunnel) (out []Effect) {
	before, after := forwardsOf(old), forwardsOf(next)
	for _, f := range next.Forwards {
		was, existed := before[f.Address]
		switch {
		case !existed:
			out = append(out, Effect{Code: EffectOpenForward, Tunnel: next.Name, Address: f.Address})
		case channelOf(was) != channelOf(f):
			out = append(out, Effect{EffectRedirectForward, next.Name, f.Address, channelOf(f)})
		}
	}
	for _, f := range old.Forwards {
		if after[f.Address] == nil {
			out = append(out, Effect{Code: EffectCloseForward, Tunnel: next.Name, Address: f.Address})
		}
	}
	return out
}

func forwardsOf(t *config.Tunnel) map[string]*config.Forward {
	all := map[string]*config.Forward{}
	for _, f := range t.Forwards {
		all[f.Address] = f
	}
	return all
}

// channelOf returns the channel to which a forward sends its requests, "" for the routes.
func channelOf(f *config.Forward) string {
	if f.Channel == nil {
		return ""
	}
	return f.Channel.Name
}

// sameConnection reports whether two tunnels differ in nothing but their forwards.
func sameConnection(a, b *config.Tunnel) bool {
	x, y := *a, *b
	x.Forwards, y.Forwards = nil, nil
	return x.Same(&y)
}
