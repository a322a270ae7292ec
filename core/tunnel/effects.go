package tunnel

import (
	"fmt"

	"github.com/aitunnel/aitunnel/core/config"
)

// Effects returns what [Tunnels.Apply] does to replace old with next.
func Effects(old, next []*config.Tunnel) (out []string) {
	before := map[string]*config.Tunnel{}
	for _, t := range old {
		before[t.Name] = t
	}
	for _, t := range next {
		o, existed := before[t.Name]
		delete(before, t.Name)
		switch {
		case !existed:
			out = append(out, fmt.Sprintf("connect tunnel %q", t.Name))
		case !sameConnection(o, t):
			out = append(out, fmt.Sprintf("reconnect tunnel %q", t.Name))
		default:
			out = append(out, forwardEffects(o, t)...)
		}
	}
	for _, t := range old {
		if before[t.Name] == t {
			out = append(out, fmt.Sprintf("close tunnel %q", t.Name))
		}
	}
	return out
}

func forwardEffects(old, next *config.Tunnel) (out []string) {
	before, after := destinations(old), destinations(next)
	for _, f := range next.Forwards {
		to, was := after[f.Address], before[f.Address]
		if was == "" {
			out = append(out, fmt.Sprintf("open %s of tunnel %q", f.Address, next.Name))
		} else if was != to {
			out = append(out, fmt.Sprintf("send requests to %s of tunnel %q to %s", f.Address, next.Name, to))
		}
	}
	for _, f := range old.Forwards {
		if after[f.Address] == "" {
			out = append(out, fmt.Sprintf("close %s of tunnel %q", f.Address, next.Name))
		}
	}
	return out
}

// destinations returns where each forward sends its requests.
func destinations(t *config.Tunnel) map[string]string {
	out := map[string]string{}
	for _, f := range t.Forwards {
		out[f.Address] = "the routes"
		if f.Channel != nil {
			out[f.Address] = fmt.Sprintf("channel %q", f.Channel.Name)
		}
	}
	return out
}

// sameConnection reports whether two tunnels differ in nothing but their forwards.
func sameConnection(a, b *config.Tunnel) bool {
	x, y := *a, *b
	x.Forwards, y.Forwards = nil, nil
	return x.Same(&y)
}
