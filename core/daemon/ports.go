package daemon

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// graceTime is how long an address that leaves the configuration still answers.
const graceTime = 30 * time.Second

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

// rebind binds the addresses that are new in next. What is there goes on.
func (d *Daemon) rebind(old, next *config.Config) (*moves, error) {
	m := d.wouldMove(old, next)
	for _, p := range m.ports {
		to := p.address(next)
		if to == "" {
			m.next = append(m.next, nil)
			continue
		}
		l, err := listen(p.setting, to)
		if err != nil {
			m.undo()
			return nil, err
		}
		m.next = append(m.next, l)
	}
	return m, nil
}

func (m *moves) undo() {
	for _, l := range m.next {
		if l != nil {
			_ = l.socket.Close() // nobody was answered on it
		}
	}
}

// commit makes the new addresses answer and lets the old ones go.
func (m *moves) commit(d *Daemon) {
	for i, p := range m.ports {
		if l := m.next[i]; l != nil {
			l.serve(p.handler, d.log, d.failed)
		}
		if old := p.now.Swap(m.next[i]); old != nil {
			d.leaving.begin(old)
		}
	}
}

// leaving are the listeners that are on their way out.
type leaving struct {
	mu  sync.Mutex
	all map[*listener]context.CancelFunc
	wg  sync.WaitGroup
}

func (v *leaving) begin(l *listener) {
	ctx, cancel := context.WithCancel(context.Background())
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = map[*listener]context.CancelFunc{}
	}
	v.all[l] = cancel
	v.wg.Go(func() {
		defer cancel()
		l.leave(ctx, graceTime)
		v.mu.Lock()
		delete(v.all, l)
		v.mu.Unlock()
	})
}

// shutdown waits until ctx ends for what is under way, then breaks it off.
func (v *leaving) shutdown(ctx context.Context) {
	v.mu.Lock()
	var ending sync.WaitGroup
	for l, cancel := range v.all {
		ending.Go(func() {
			_ = l.shutdown(ctx) // it is on its way out anyhow
			cancel()
		})
	}
	v.mu.Unlock()
	ending.Wait()
	v.wg.Wait()
}
