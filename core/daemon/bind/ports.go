package bind

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/config"
)

// Port is a setting with an address to listen on, and its handler.
type Port struct {
	Setting string                      // such as proxy.listen
	Address func(*config.Config) string // "" if the port is off
	Handler http.Handler

	current atomic.Pointer[listener] // nil: off
}

// Addr returns the address on which the port currently listens, "" if it is off.
func (p *Port) Addr() string {
	if l := p.current.Load(); l != nil {
		return l.addr()
	}
	return ""
}

// Options of [New].
type Options struct {
	Log    hclog.Logger
	Failed chan<- error // receives the error of a port that stops serving by itself
	Cause  error        // the cause with which a shutdown interrupts requests
}

// Ports are all ports of the program.
type Ports struct {
	options  Options
	all      []*Port
	retiring retiring
	given    []*listener // inherited and not used yet
}

// New returns ports that do not listen yet; see [Ports.Bind].
func New(o Options, all ...*Port) *Ports {
	return &Ports{options: o, all: all, retiring: retiring{cause: o.Cause}, given: inherited()}
}

// Move is a port's change of address; From or To is "" where the port is off.
type Move struct {
	Port     *Port
	From, To string
}

// Plan lists the moves from one configuration to the next; old is nil at the
// start.
func (s *Ports) Plan(old, next *config.Config) (moves []Move) {
	for _, p := range s.all {
		m := Move{Port: p, To: p.Address(next)}
		if old != nil {
			m.From = p.Address(old)
		}
		if m.From != m.To {
			moves = append(moves, m)
		}
	}
	return moves
}

// Binding is a set of moves whose new addresses are bound. It must be committed or
// undone.
type Binding struct {
	Moves []Move

	ports *Ports
	next  []*listener // nil for a port that is switched off
}

// Bind binds each new address of next, or takes one that another port or a retiring
// listener still holds. It does not touch addresses that stay.
func (s *Ports) Bind(old, next *config.Config) (*Binding, error) {
	b := &Binding{ports: s, Moves: s.Plan(old, next)}
	held := append(s.retiring.list(), s.given...)
	for _, m := range b.Moves {
		if l := m.Port.current.Load(); l != nil {
			held = append(held, l)
		}
	}
	for _, m := range b.Moves {
		l, err := obtain(m.Port.Setting, m.To, held, b.next)
		if err != nil {
			b.Undo()
			return nil, err
		}
		b.next = append(b.next, l)
	}
	return b, nil
}

// obtain returns a listener for an address, nil for none: one of the held listeners
// that is not taken, or a new one.
func obtain(setting, address string, held, taken []*listener) (*listener, error) {
	if address == "" {
		return nil, nil
	}
	for _, l := range held {
		if l.at(address) && !slices.Contains(taken, l) {
			return l, nil
		}
	}
	return listen(setting, address, held)
}

// Undo closes what was bound.
func (b *Binding) Undo() {
	for _, l := range b.next {
		if l != nil && l.server == nil && !slices.Contains(b.ports.given, l) {
			_ = l.socket.Close() // it has served no connection
		}
	}
}

// Commit serves the new addresses, and retires the old ones.
func (b *Binding) Commit() {
	b.ports.dropGiven(b.next)
	var old []*listener
	for i, m := range b.Moves {
		l := b.next[i]
		if l != nil {
			b.ports.retiring.keep(l)
			l.serve(m.Port.Handler, b.ports.options)
		}
		if was := m.Port.current.Swap(l); was != nil {
			old = append(old, was)
		}
	}
	for _, l := range old {
		if !slices.Contains(b.next, l) {
			b.ports.retiring.begin(l)
		}
	}
}

// dropGiven closes inherited sockets that no port uses, since a restart with another
// configuration inherits those of the old one.
func (s *Ports) dropGiven(used []*listener) {
	for _, l := range s.given {
		if slices.Contains(used, l) {
			continue
		}
		if l.address == "" {
			s.options.Log.Warn("The service manager passed a socket that is not used: no setting listens at its address", "address", l.addr())
		}
		_ = l.socket.Close()
	}
	s.given = nil
}

// Shutdown closes the given ports, and all retiring addresses, as
// [listener.shutdown] does.
func (s *Ports) Shutdown(ctx context.Context, ports ...*Port) {
	var closing sync.WaitGroup
	for _, p := range ports {
		if l := p.current.Load(); l != nil {
			closing.Go(func() { l.shutdown(ctx, s.options.Cause) })
		}
	}
	s.retiring.shutdown(ctx)
	closing.Wait()
}
