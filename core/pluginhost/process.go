package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// process is a running process of a plugin.
type process struct {
	timing          Timing
	runner          *runner
	client          *plugin.Client
	protocol        plugin.ClientProtocol
	conn            *host.Conn
	output          *output
	description     sdk.Description
	started         time.Time
	meter           meter
	timeouts        atomic.Int32  // plans in a row that missed their deadline
	tooManyTimeouts chan struct{} // receives when there were too many
}

// connect starts the process and makes the first calls. After the handshake go-plugin has
// no deadline: only killing the process is certain to make this return.
func (p *process) connect(ctx context.Context) error {
	var err error
	if p.protocol, err = p.client.Client(); err != nil {
		return err
	}
	if p.conn, err = host.Dispense(p.protocol); err != nil {
		return err
	}
	// Once connected, the socket is not needed any more. It is removed now, so that it
	// cannot be left behind.
	if err := os.RemoveAll(p.runner.dir); err != nil {
		return fmt.Errorf("removing its socket: %w", err)
	}
	if err := p.conn.Attach(ctx); err != nil {
		return err
	}
	p.description, err = p.conn.Describe(ctx)
	return err
}

// alive reports whether the process has not ended.
func (p *process) alive() bool {
	select {
	case <-p.runner.done:
		return false
	default:
		return true
	}
}

// stop asks the process to exit, and kills it if that takes too long or when force ends.
func (p *process) stop(force context.Context) {
	timer := time.AfterFunc(p.timing.Stop, p.runner.kill)
	defer timer.Stop()
	defer context.AfterFunc(force, p.runner.kill)()
	p.client.Kill()
	p.release()
}

// kill kills the process. Its group is killed first, since go-plugin's Kill asks the process
// to exit and waits for it, even if it is suspended.
func (p *process) kill() {
	p.runner.kill()
	p.client.Kill()
	p.release()
}

func (p *process) release() {
	if p.conn != nil {
		_ = p.conn.Close()
	}
	_ = os.RemoveAll(p.runner.dir)
}

// watch waits until the process has to be replaced, and returns the reason: errUnresponsive
// or errTooLarge if it is still running. It returns nil if ctx ends first.
func (p *process) watch(ctx context.Context) error {
	t := p.timing
	ticker := time.NewTicker(t.Ping)
	defer ticker.Stop()
	for misses := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-p.runner.done:
			return withLastOutput(errors.New(p.runner.exit()), p.output)
		case <-p.tooManyTimeouts:
			return fmt.Errorf("%w: %d plans in a row missed their deadline", errUnresponsive, t.Timeouts)
		case <-ticker.C:
		}
		if err := p.checkHealth(); err != nil {
			return err
		}
		if p.ping(t.PingTimeout) {
			misses = 0
		} else if misses++; misses >= t.Misses && p.alive() {
			return fmt.Errorf("%w: it missed %d pings", errUnresponsive, misses)
		}
	}
}

// checkHealth detects faults of a process that answers pings: calls that stay open long
// after their deadlines, and the use of too much memory or CPU time.
func (p *process) checkHealth() error {
	if method, overdue := p.conn.Overdue(); overdue >= p.timing.Overdue {
		return fmt.Errorf("%w: a call of its %s has not returned %s after its deadline", errUnresponsive, wire.FunctionOf(method), p.timing.Overdue)
	}
	return p.meter.sample(p.runner.pid(), time.Now(), p.conn.OpenCalls() == 0)
}

var (
	errUnresponsive = errors.New("it does not respond")
	errTooLarge     = errors.New("it uses too much memory")
)

func (p *process) ping(timeout time.Duration) bool {
	answered := make(chan error, 1)
	go func() { answered <- p.protocol.Ping() }() // returns when the process ends, at the latest
	select {
	case err := <-answered:
		return err == nil
	case <-time.After(timeout):
		return false
	case <-p.runner.done:
		return false
	}
}

// countTimeouts counts consecutive plans that miss their deadline: a process whose
// components hang still answers pings.
func (p *process) countTimeouts(err error) {
	if !errors.Is(err, context.DeadlineExceeded) {
		p.timeouts.Store(0)
		return
	}
	if p.timeouts.Add(1) == int32(p.timing.Timeouts) {
		select {
		case p.tooManyTimeouts <- struct{}{}:
		default:
		}
	}
}

// withLastOutput adds the last output of the process to an error.
func withLastOutput(err error, out *output) error {
	if text := out.lastOutput(); text != "" {
		return fmt.Errorf("%w; its last output was %q", err, clip(text, 300))
	}
	return err
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
