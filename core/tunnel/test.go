package tunnel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

// Result is the outcome of a step of [Test].
type Result struct {
	Step sshclient.Step `json:"step"`
	OK   bool           `json:"ok"`
	Text string         `json:"text"` // what was done; or what failed, and what to do
}

// TestOptions configure [Test].
type TestOptions struct {
	IsOpen func(address string) bool         // reports whether the running program has the address open, so that it is skipped
	Ask    func(path string) (string, error) // asks a person for a passphrase; may be nil
	Report func(Result)                      // called after each step

	holder func(hostKey string, f *config.Forward) string // see [Tunnels.holder]; may be nil
}

// Test runs all steps of a tunnel once, without serving anything: it connects, checks the
// host's key, logs in, opens each forward, and sends requests through it. It reports
// whether all succeeded.
func Test(ctx context.Context, o Options, c *config.Tunnel, with TestOptions) bool {
	return test(ctx, o.environment(), c, with)
}

func test(ctx context.Context, env sshclient.Environment, c *config.Tunnel, with TestOptions) bool {
	fail := func(step sshclient.Step, err error) bool {
		var e *sshclient.Error
		if errors.As(err, &e) {
			step = e.Step
		}
		with.Report(Result{step, false, err.Error()})
		return false
	}
	route, err := env.Resolve(ctx, c)
	if err != nil {
		return fail(sshclient.StepResolve, err)
	}
	with.Report(Result{sshclient.StepResolve, true, "the host is " + route.String()})
	client, err := sshclient.Dial(ctx, route, sshclient.Options{
		Keepalive: c.Keepalive, Ask: with.Ask,
		OnStep: func(s sshclient.Step, text string) { with.Report(Result{s, true, text}) },
	})
	if err != nil {
		return fail(sshclient.StepConnect, err)
	}
	defer client.Close()
	x := newOpener(ctx, client, loadSessions(""), c, func(string) {})
	x.holder = with.holder
	if notes := x.waitForLimitations(ctx); len(notes) > 0 {
		with.Report(Result{StepCommand, true, notes[0]})
	} else {
		with.Report(Result{StepCommand, true, "commands can run: a port that a lost connection still holds can be freed"})
	}
	ok := true
	isOpen := func(f *config.Forward) bool {
		open := with.IsOpen(f.Address)
		if open {
			with.Report(Result{StepForward, true, f.Address + " is open already: the running aitunnel has it"})
		}
		return open
	}
	for _, f := range c.Forwards {
		if isOpen(f) {
			continue
		}
		text, err := x.try(ctx, f)
		switch {
		case err == nil:
			with.Report(Result{StepProbe, true, text})
		case !isOpen(f): // it may have been opened in the meantime
			ok = fail(StepForward, err)
		}
	}
	return ok
}

// waitForLimitations returns the limitations once the first command has ended.
func (o *opener) waitForLimitations(ctx context.Context) []string {
	if o.canRun(ctx) {
		return nil
	}
	return o.limitations()
}

// try opens a forward, sends requests through it, and closes it.
func (o *opener) try(ctx context.Context, f *config.Forward) (string, error) {
	bounded, cancel := context.WithTimeout(ctx, o.stepTimeout)
	defer cancel()
	network, address := splitAddress(f)
	l, err := o.client.Listen(bounded, network, address)
	if err != nil && o.canRun(bounded) && o.unlink(bounded, f) {
		l, err = o.client.Listen(bounded, network, address)
	}
	if err != nil {
		return "", o.explain(ctx, f)
	}
	nonce := rand.Text()
	s := serve(l, &http.Server{Handler: answerProbes(nonce, http.NotFoundHandler), ReadHeaderTimeout: o.stepTimeout})
	defer func() {
		s.release()
		s.abort()
		<-s.ended
		o.unlink(bounded, f)
	}()
	if host, _, err := net.SplitHostPort(address); err == nil && network == "tcp" {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		address = net.JoinHostPort(host, port)
	}
	return o.tryProbes(bounded, f, network, localAddress(network, address), nonce)
}

// tryProbes sends a small request and a large one: if a router silently drops large
// packets, only the small one gets through.
func (o *opener) tryProbes(ctx context.Context, f *config.Forward, network, address, nonce string) (string, error) {
	took, err := probe(ctx, o.client, network, address, nonce, 0)
	if errors.Is(err, errNoProbe) {
		return fmt.Sprintf("%s opens, but cannot be checked, because the account may not connect to it", f.Address), nil
	}
	if err != nil {
		return "", stepError(StepProbe, "%s opens, but a request sent to it on the host does not arrive here: %s", f.Address, sshclient.ErrorText(err))
	}
	if _, err := probe(ctx, o.client, network, address, nonce, maxProbeBody); err != nil {
		return "", stepError(StepProbe, "a small request through %s is answered, but one of %d KiB is not: a router on the way drops large packets without reporting it; lower the MTU of this machine's network interface (such as ip link set dev eth0 mtu 1280) or of its VPN", f.Address, maxProbeBody>>10)
	}
	return fmt.Sprintf("%s opens, and a request through it is answered in %s", f.Address, took.Round(100*time.Microsecond)), nil
}
