package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon/handover"
)

// predecessor is the process that this one replaces.
type predecessor struct {
	conn     *handover.Conn
	restored chan struct{} // closed when its state has been read
	gone     chan struct{} // closed when it has ended

	mu      sync.Mutex
	answers map[handover.Message]chan struct{}
}

// answerTime is the time limit for an answer of the other process.
const answerTime = 15 * time.Second

func newPredecessor(c *handover.Conn) *predecessor {
	return &predecessor{conn: c, restored: make(chan struct{}), gone: make(chan struct{}), answers: map[handover.Message]chan struct{}{}}
}

// ask sends a request to the other process and waits for its answer.
func (p *predecessor) ask(ctx context.Context, m handover.Message) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answered := make(chan struct{})
	p.mu.Lock()
	p.answers[m] = answered
	p.mu.Unlock()
	if err := p.conn.Send(m); err != nil {
		return err
	}
	select {
	case <-answered:
		return nil
	case <-p.gone:
		return errors.New("the old process has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listen handles the messages of the other process until it ends.
func (d *Daemon) listen(p *predecessor) {
	defer close(p.gone)
	for {
		m, err := p.conn.Receive()
		if err != nil {
			return
		}
		switch {
		case m.Event != nil:
			<-p.restored
			d.parts.Bus.Publish(*m.Event)
			continue
		case m.Counted != nil:
			<-p.restored
			d.parts.Registry.AddCounts(*m.Counted)
			continue
		}
		p.mu.Lock()
		answered := p.answers[m]
		delete(p.answers, m)
		p.mu.Unlock()
		if answered != nil {
			close(answered)
		}
	}
}

// takeOver takes over the state directory of the old process. After that, only the
// files of the directory can cause a failure.
func (d *Daemon) takeOver(persisted *persistence) error {
	p := d.predecessor
	if err := p.ask(d.life, handover.Message{Kind: handover.Take}); err != nil {
		return fmt.Errorf("the running process does not hand over: %w", err)
	}
	if err := d.claim(); err != nil {
		return err
	}
	persisted.load()
	close(p.restored)
	return nil
}

// tunnelFree waits until the old process has closed the addresses of a tunnel.
func (d *Daemon) tunnelFree(ctx context.Context, name string) {
	if d.predecessor != nil {
		_ = d.predecessor.ask(ctx, handover.Message{Kind: handover.Tunnel, Tunnel: name}) // if it has ended or does not answer, the host decides
	}
}

// endPredecessor gives the old process as much time as this one has left.
func (d *Daemon) endPredecessor(ctx context.Context) {
	p := d.predecessor
	if p == nil {
		return
	}
	end := handover.Message{Kind: handover.End}
	if t, limited := ctx.Deadline(); limited && ctx.Err() == nil {
		end.Drain = time.Until(t)
		_ = p.conn.Send(end)
	}
	select {
	case <-p.gone:
		return
	case <-ctx.Done():
	}
	end.Drain = 0
	_ = p.conn.Send(end)
	select {
	case <-p.gone:
	case <-time.After(killTime):
	}
}
