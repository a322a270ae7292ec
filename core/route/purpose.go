package route

import (
	"cmp"
	"fmt"
	"strings"
)

// PurposeKind says what a component or a plan is for.
type PurposeKind string

// The kinds of purpose.
const (
	ForRoute   PurposeKind = "route"        // choosing among the channels of a route
	ForShadow  PurposeKind = "shadow"       // the same, counted only
	ForKeys    PurposeKind = "keys"         // choosing among the keys of a channel
	ForChannel PurposeKind = "channel"      // sending requests to one channel only, without a strategy
	ForCheck   PurposeKind = "health_check" // checking a channel
)

// Purpose identifies what a component or a plan is for. It is the same in the
// next configuration and after a restart.
type Purpose struct {
	Kind      PurposeKind `json:"kind"`
	Name      string      `json:"name"`                // the pattern of the route, or the name of the channel
	Models    string      `json:"models,omitempty"`    // of a route: its patterns, separated by spaces
	Target    string      `json:"target,omitempty"`    // of a channel
	Component string      `json:"component,omitempty"` // of a shadow
}

// Instance describes the user of a component, for plugins and people.
func (p Purpose) Instance() string {
	switch p.Kind {
	case ForRoute:
		return "route " + p.Name
	case ForShadow:
		return "shadow of route " + p.Name
	default:
		return "channel " + p.Name
	}
}

func (p Purpose) String() string {
	switch p.Kind {
	case ForRoute:
		return strings.TrimSpace(fmt.Sprintf("route %s %s", p.Name, p.Models))
	case ForShadow:
		return strings.TrimSpace(fmt.Sprintf("shadow %s of route %s %s", p.Component, p.Name, p.Models))
	case ForKeys:
		return fmt.Sprintf("keys of channel %s at %s", p.Name, p.Target)
	default:
		return fmt.Sprintf("channel %s at %s", p.Name, p.Target)
	}
}

// compare orders purposes.
func (p Purpose) compare(o Purpose) int {
	return cmp.Or(cmp.Compare(p.Kind, o.Kind), cmp.Compare(p.Name, o.Name), cmp.Compare(p.Models, o.Models), cmp.Compare(p.Target, o.Target), cmp.Compare(p.Component, o.Component))
}

// parsePurpose parses what String returns, which older state files have as keys.
func parsePurpose(s string) (p Purpose, ok bool) {
	kind, rest, _ := strings.Cut(s, " ")
	switch p.Kind = PurposeKind(kind); p.Kind {
	case ForShadow:
		if p.Component, rest, ok = strings.Cut(rest, " of route "); !ok {
			return p, false
		}
		p.Name, p.Models, _ = strings.Cut(rest, " ")
	case ForRoute:
		p.Name, p.Models, _ = strings.Cut(rest, " ")
	case ForKeys, ForChannel:
		rest = strings.TrimPrefix(rest, "of channel ")
		at := strings.LastIndex(rest, " at ")
		if at < 0 {
			return p, false
		}
		p.Name, p.Target = rest[:at], rest[at+len(" at "):]
	default:
		return p, false
	}
	return p, p.Name != ""
}
