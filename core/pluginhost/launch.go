package pluginhost

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	pluginrunner "github.com/hashicorp/go-plugin/runner"
	"github.com/hashicorp/go-version"

	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// launch has the parameters for starting a process.
type launch struct {
	spec      spec
	timing    Timing
	socketDir string
	log       hclog.Logger
	trust     *trust.Store
	onLog     func(level hclog.Level, message string)
}

// start starts a process, connects to it and gets its description. After an error the
// process has been killed.
func (l launch) start(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timing.Start)
	defer cancel()
	path, err := l.executable()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		p, err := l.startOnce(ctx, path)
		switch {
		case err == nil:
			return p, nil
		case p == nil || n == maxHangups || !p.runner.hungUp():
			return nil, err
		}
	}
}

// maxHangups is how many processes may be ended by SIGHUP in their first moments, before
// they can handle it: a signal to all processes of the service, as by 'systemctl kill -s
// HUP', must not end a start or a reload.
const maxHangups = 5

// startOnce returns the process also with an error, unless there is none.
func (l launch) startOnce(ctx context.Context, path string) (*process, error) {
	p, err := l.process(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.spec, err)
	}
	connected := make(chan error, 1)
	go func() { connected <- p.connect(ctx) }()
	select {
	case err = <-connected:
	case <-ctx.Done():
		p.runner.kill()
		<-connected //nolint:errcheck // the deadline is the error
		err = ctx.Err()
	}
	if err == nil {
		err = l.check(p.description)
	}
	if err != nil {
		err = l.explain(p, err)
		p.kill()
	}
	return p, err
}

func (l launch) executable() (string, error) {
	if l.spec.builtin() || l.spec.attach {
		return l.spec.path, nil
	}
	path, err := l.trust.Copy(l.spec.executable)
	if err != nil {
		return "", fmt.Errorf("%s: %w", l.spec, err)
	}
	return path, nil
}

func (l launch) process(path string) (*process, error) {
	secure, certEnv, err := l.tls()
	if err != nil {
		return nil, err
	}
	p := &process{
		timing:          l.timing,
		output:          newOutput(l.log, l.spec.env, l.spec.logLines, l.onLog),
		started:         time.Now(),
		tooManyTimeouts: make(chan struct{}, 1),
		meter:           meter{read: readUsage, limit: l.spec.memory, busy: l.timing.Busy},
	}
	p.runner = newRunner(path, l.spec.args, p.output.line)
	out := func() *lines { return &lines{handle: p.output.line} }
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake,
		VersionedPlugins: host.Plugins(),
		TLSConfig:        secure,
		SkipHostEnv:      true,
		StartTimeout:     2 * l.timing.Start, // the context ends earlier
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
		Stderr:           out(),
		SyncStdout:       out(),
		SyncStderr:       out(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: l.socketDir},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, dir string) (pluginrunner.Runner, error) {
			p.runner.prepare(slices.Concat(environ(l.spec.env), l.spec.relay(), certEnv, cmd.Env), dir)
			return p.runner, nil
		},
	})
	return p, nil
}

// tls returns the configuration of the connection and the environment that belongs to it,
// both nil for an attached process, which has no certificate.
func (l launch) tls() (*tls.Config, []string, error) {
	if l.spec.attach {
		return nil, nil, nil
	}
	secure, env, err := host.TLS()
	return secure, []string{env}, err
}

// check returns an error if a plugin is not the one that the configuration requires.
func (l launch) check(d sdk.Description) error {
	if d.Protocol != wire.Protocol {
		return fmt.Errorf("its description has protocol version %d", d.Protocol)
	}
	if l.spec.version == "" {
		return nil
	}
	want, err := version.NewConstraint(l.spec.version)
	if err != nil {
		return fmt.Errorf("%q is not a version constraint; write one such as \">= 1.2, < 2.0\"", l.spec.version)
	}
	have, err := version.NewVersion(d.Version)
	if err != nil {
		return fmt.Errorf("its version %q is not a version", d.Version)
	}
	if !want.Check(have) {
		return fmt.Errorf("its version is %s, but the configuration requires %q", d.Version, l.spec.version)
	}
	return nil
}

// explain returns why a start failed, for users.
func (l launch) explain(p *process, err error) error {
	switch offered := p.runner.version.Load(); {
	case offered != 0 && offered != wire.Protocol:
		err = fmt.Errorf("it uses version %d of the plugin protocol, but this aitunnel uses version %d: install matching versions", offered, wire.Protocol)
	case errors.Is(err, context.Canceled):
	case errors.Is(err, context.DeadlineExceeded):
		err = withLastOutput(fmt.Errorf("it was not ready within %s: %w", time.Since(p.started).Round(time.Millisecond), err), p.output)
	case p.runner.pid() == 0:
		err = fmt.Errorf("it cannot be started: %w", err)
	case offered == 0:
		timer := time.AfterFunc(l.timing.Stop, p.runner.kill) // it may have closed its output without exiting
		defer timer.Stop()
		err = notReady{withLastOutput(fmt.Errorf("it exited without the handshake of an aitunnel plugin: %s", p.runner.exit()), p.output)}
	case p.description.Protocol == 0:
		err = notReady{withLastOutput(fmt.Errorf("it violated the plugin protocol after the handshake: %w", err), p.output)}
	}
	return fmt.Errorf("%s: %w", l.spec, err)
}
