package channel

import "sync/atomic"

// slot has what every pick reads of a channel. The slots of all channels lie
// side by side, so that looking at a thousand of them takes microseconds.
type slot struct {
	flags    atomic.Uint32 // 0: nothing speaks against the channel, its models and its keys
	inFlight atomic.Int32
}

// The flags; above them is the number of keys with a restriction.
const (
	flagOutage     = 1 << iota // paused, down, blocked or breaker not closed
	flagRestricted             // something is known about a model or an endpoint
	oneKey
)

func (s *slot) set(flag uint32, on bool) {
	if on {
		s.flags.Or(flag)
	} else {
		s.flags.And(^flag)
	}
}

func (s *slot) has(flag uint32) bool { return s.flags.Load()&flag != 0 }

// slots hands out slots in pieces.
type slots struct{ free []slot }

func (s *slots) next() *slot {
	const piece = 256
	if len(s.free) == 0 {
		s.free = make([]slot, piece)
	}
	first := &s.free[0]
	s.free = s.free[1:]
	return first
}

// Gauge reads the load of a channel, and whether it has any restrictions,
// faster than its [State].
type Gauge struct{ slot *slot }

// Gauge returns the channel's gauge.
func (s *State) Gauge() Gauge { return Gauge{s.slot} }

// Clear reports whether nothing restricts the channel, its models, endpoints
// and keys.
func (g Gauge) Clear() bool { return g.slot.flags.Load() == 0 }

// InFlight returns the number of attempts in flight.
func (g Gauge) InFlight() int { return int(g.slot.inFlight.Load()) }
