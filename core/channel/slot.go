package channel

import "sync/atomic"

// slot has what every pick reads of a channel. The slots of all channels are adjacent in
// memory, so that reading a thousand of them takes microseconds.
type slot struct {
	flags    atomic.Uint32 // 0: no restrictions of the channel, its models, endpoints and keys
	inFlight atomic.Int32
}

// The flags; above them is the number of keys with a restriction.
const (
	flagOutage     = 1 << iota // paused, down, blocked or breaker not closed
	flagRestricted             // a model or endpoint has a restriction
	flagForgotten              // the channel was removed from the registry
	oneKey
)

// setFlag changes a flag of the channel.
func (s *State) setFlag(flag uint32, on bool) {
	if on {
		before := s.slot.flags.Or(flag)
		s.registry.flagsChanged(before, before|flag)
	} else {
		before := s.slot.flags.And(^flag)
		s.registry.flagsChanged(before, before&^flag)
	}
}

// restrictKey counts the keys with a restriction.
func (s *State) restrictKey(restricted bool) {
	change := uint32(oneKey)
	if !restricted {
		change = -change
	}
	after := s.slot.flags.Add(change)
	s.registry.flagsChanged(after-change, after)
}

// flagsChanged updates the number of restricted channels after a change of flags.
func (r *Registry) flagsChanged(before, after uint32) {
	was := before != 0 && before&flagForgotten == 0
	is := after != 0 && after&flagForgotten == 0
	switch {
	case is && !was:
		r.restricted.Add(1)
	case was && !is:
		r.restricted.Add(-1)
	}
}

// AnyRestricted reports whether any channel, or one of its models, endpoints or keys, has a
// restriction.
func (r *Registry) AnyRestricted() bool { return r.restricted.Load() > 0 }

func (s *slot) has(flag uint32) bool { return s.flags.Load()&flag != 0 }

// slots allocates slots in blocks.
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

// Unrestricted reports whether the channel, its models, endpoints and keys have no restrictions.
func (g Gauge) Unrestricted() bool { return g.slot.flags.Load() == 0 }

// InFlight returns the number of attempts in flight.
func (g Gauge) InFlight() int { return int(g.slot.inFlight.Load()) }
