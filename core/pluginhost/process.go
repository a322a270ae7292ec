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
)

// process is one life of a plugin: from a successful start to its end.
type process struct {
	timing      Timing
	runner      *runner
	client      *plugin.Client
	protocol    plugin.ClientProtocol
	conn        *host.Conn
	output      *output
	description sdk.Description
	started     time.Time
	timeouts    atomic.Int32  // plans in a row that ran out of time
	storm       chan struct{} // holds one when there were too many
}

// connect starts the process and talks to it for the first time. Past the
// handshake go-plugin knows no deadline: only the end of the process makes
// this return for certain.
func (p *process) connect(ctx context.Context) error {
	var err error
	if p.protocol, err = p.client.Client(); err != nil {
		return err
	}
	if p.conn, err = host.Dispense(p.protocol); err != nil {
		return err
	}
	// The connection stands, so nobody needs the socket any more; gone from the
	// disk, it cannot be left behind.
	if err := os.RemoveAll(p.runner.dir); err != nil {
		return fmt.Errorf("removing its socket: %w", err)
	}
	if err := p.conn.Attach(ctx); err != nil {
		return err
	}
	p.description, err = p.conn.Describe(ctx)
	return err
}

// alive tells that the process has not ended.
func (p *process) alive() bool {
	select {
	case <-p.runner.done:
		return false
	default:
		return true
	}
}

// stop asks the process to end, and kills it if that takes too long or when
// rush ends.
func (p *process) stop(rush context.Context) {
	timer := time.AfterFunc(p.timing.Stop, p.runner.kill)
	defer timer.Stop()
	defer context.AfterFunc(rush, p.runner.kill)()
	p.client.Kill()
	p.release()
}

// kill ends the process. Its group is killed first, as go-plugin's Kill would
// ask a process for its consent that may be stopped.
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

// watch returns the reason for which the process has to be replaced, with an
// error of errUnresponsive if it still runs; nil if ctx ends before.
func (p *process) watch(ctx context.Context) error {
	t := p.timing
	ticker := time.NewTicker(t.Ping)
	defer ticker.Stop()
	for misses := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-p.runner.done:
			return withWords(errors.New(p.runner.exit()), p.output)
		case <-p.storm:
			return fmt.Errorf("%w: %d plans in a row ran out of time", errUnresponsive, t.Timeouts)
		case <-ticker.C:
		}
		if p.ping(t.PingTimeout) {
			misses = 0
		} else if misses++; misses >= t.Misses && p.alive() {
			return fmt.Errorf("%w: it missed %d pings", errUnresponsive, misses)
		}
	}
}

var errUnresponsive = errors.New("it does not respond")

func (p *process) ping(timeout time.Duration) bool {
	answered := make(chan error, 1)
	go func() { answered <- p.protocol.Ping() }() // returns with the process at the latest
	select {
	case err := <-answered:
		return err == nil
	case <-time.After(timeout):
		return false
	case <-p.runner.done:
		return false
	}
}

// observe counts plans that run out of time: a process whose components are
// stuck answers pings all the same.
func (p *process) observe(err error) {
	if !errors.Is(err, context.DeadlineExceeded) {
		p.timeouts.Store(0)
		return
	}
	if p.timeouts.Add(1) == int32(p.timing.Timeouts) {
		select {
		case p.storm <- struct{}{}:
		default:
		}
	}
}

// withWords adds what the process said last.
func withWords(err error, out *output) error {
	if words := out.lastWords(); words != "" {
		return fmt.Errorf("%w; its last words were %q", err, clip(words, 300))
	}
	return err
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
