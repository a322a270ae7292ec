package daemon

import (
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/aitunnel/aitunnel/core/config"
)

// port is a setting with an address to listen on, and what listens there.
type port struct {
	setting string
	address func(*config.Config) string // "" if the port is off
	handler http.Handler
	now     atomic.Pointer[listener] // nil: off
}

func (d *Daemon) ports() []*port { return []*port{&d.entry, &d.panel} }

func (p *port) addr() string {
	if l := p.now.Load(); l != nil {
		return l.addr()
	}
	return ""
}

// moves are changes of addresses that can be made, or undone.
type moves struct {
	ports []*port
	next  []*listener // nil for a port that is switched off
	text  []string
}

// wouldMove says what rebind would do.
func (d *Daemon) wouldMove(old, next *config.Config) *moves {
	m := &moves{}
	for _, p := range d.ports() {
		from, to := "", p.address(next)
		if old != nil {
			from = p.address(old)
		}
		if from == to {
			continue
		}
		if m.ports = append(m.ports, p); to != "" {
			m.text = append(m.text, "listen on "+to+" ("+p.setting+")")
		}
		if from != "" {
			m.text = append(m.text, "leave "+from+" ("+p.setting+")")
		}
	}
	return m
}

// rebind has a listener for each address that is new in next: one that is held
// still, by a port that leaves it or that left it not long ago, or a new one.
// What is there goes on.
func (d *Daemon) rebind(old, next *config.Config) (*moves, error) {
	m := d.wouldMove(old, next)
	held := d.leaving.list()
	for _, p := range m.ports {
		if l := p.now.Load(); l != nil {
			held = append(held, l)
		}
	}
	for _, p := range m.ports {
		l, err := obtain(p.setting, p.address(next), held)
		if err != nil {
			m.undo()
			return nil, err
		}
		m.next = append(m.next, l)
	}
	return m, nil
}

// obtain returns the listener of an address, nil for none.
func obtain(setting, address string, held []*listener) (*listener, error) {
	if address == "" {
		return nil, nil
	}
	for _, l := range held {
		if l.address == address {
			return l, nil
		}
	}
	return listen(setting, address, held)
}

func (m *moves) undo() {
	for _, l := range m.next {
		if l != nil && l.server == nil {
			_ = l.socket.Close() // nobody was answered on it
		}
	}
}

// commit makes the new addresses answer and lets the old ones go.
func (m *moves) commit(d *Daemon) {
	var old []*listener
	for i, p := range m.ports {
		l := m.next[i]
		if l != nil {
			d.leaving.stay(l)
			l.serve(p.handler, d.log, d.failed)
		}
		if was := p.now.Swap(l); was != nil {
			old = append(old, was)
		}
	}
	for _, l := range old {
		if !slices.Contains(m.next, l) {
			d.leaving.begin(l)
		}
	}
}
