package sdk

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

const (
	// attachTime is how long a plugin waits for the host that started it.
	attachTime = 2 * time.Minute
	// closeTime is how long instances may take to close when the host is gone.
	closeTime = time.Second
	// hangUpTime is how long a host that has asked the process to end may take to close
	// the connection: if the process ends before, the host's library prints an error.
	hangUpTime = time.Second
)

// Serve is the main function of a plugin: it serves p to the aitunnel that started the
// process, and returns when it is no longer needed. If the host ends, the process ends. If
// the plugin is started by hand, Serve prints an error and exits with status 1.
//
// SIGHUP, which reloads aitunnel and is often sent to all its processes, does not end the
// process.
//
// What a component writes to standard error, as plain text or by log/slog or hclog, is
// logged by the host, and so is standard output. Nothing may be written to standard output
// before Serve is called.
//
// If the plugin is started by hand with AITUNNEL_PLUGIN_DEBUG=1 in its environment, for
// example in a debugger, Serve waits for an aitunnel with AITUNNEL_ATTACH=NAME in its
// environment to attach to it.
func Serve(p Plugin) {
	started := os.Getenv(wire.Handshake.MagicCookieKey) == wire.Handshake.MagicCookieValue
	if other := os.Getenv(wire.RelayEnv); started && other != "" {
		finish(relay(other))
	}
	debugged := !started && os.Getenv(debugEnv) != ""
	if !started && !debugged {
		exit(fmt.Errorf("%s %s is a plugin, which aitunnel starts itself: use it in the configuration, and add a plugin %q block if it needs settings", p.Name, p.Version, p.Name))
	}
	if started {
		ignoreHangup()
	}
	description, err := p.Describe()
	if err != nil {
		exit(fmt.Errorf("the plugin %q cannot be served: %s", p.Name, strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	if debugged {
		finish(serveForDebugger(p))
	}
	orphaned := time.AfterFunc(attachTime, func() {
		exit(errors.New("no host has called for " + attachTime.String()))
	})
	services := &services{plugin: p, description: description, events: events{
		attached: func() { orphaned.Stop() },
		lost:     func() { os.Exit(0) },
	}}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  wire.Handshake,
		VersionedPlugins: services.endpoint().Plugins(),
		TLSProvider:      serverTLS,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
	services.shutdown()
	services.awaitHosts()
}

// ignoreHangup keeps SIGHUP from ending the process. A handler is set, as the programs that a
// plugin starts would inherit that the signal is ignored.
func ignoreHangup() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) }

// ServeConn serves p on one connection, in this process, until the connection is closed. It
// is for tests; see package sdktest.
func ServeConn(p Plugin, conn io.ReadWriteCloser) error {
	description, err := p.Describe()
	if err != nil {
		return err
	}
	services := &services{plugin: p, description: description, events: events{
		attached: func() {},
		lost:     func() {},
	}}
	server := &plugin.RPCServer{
		Plugins: services.endpoint().Plugins()[wire.Protocol],
		Stdout:  strings.NewReader(""),
		Stderr:  strings.NewReader(""),
	}
	server.ServeConn(conn)
	services.shutdown()
	return nil
}

// services are those of one process: one, unless a host connects again.
type services struct {
	plugin      Plugin
	description Description
	events      events

	mu  sync.Mutex
	all []*service
}

func (s *services) endpoint() *wire.Plugin {
	return &wire.Plugin{NewServer: func(b *plugin.MuxBroker) *wire.Server {
		svc := newService(s.plugin, s.description, b, s.events)
		s.mu.Lock()
		s.all = append(s.all, svc)
		s.mu.Unlock()
		return wire.NewServer(svc.ctx, svc.handle)
	}}
}

func (s *services) shutdown() {
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	for _, svc := range all {
		svc.shutdown()
	}
}

// awaitHosts waits until the hosts have closed their connections.
func (s *services) awaitHosts() {
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	timeout := time.After(hangUpTime)
	for _, svc := range all {
		if svc.attached() == nil {
			continue
		}
		select {
		case <-svc.hostGone:
		case <-timeout:
			return
		}
	}
}

func within(d time.Duration, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d):
	}
}

// finish ends the process, with an error if there is one.
func finish(err error) {
	if err != nil {
		exit(err)
	}
	os.Exit(0)
}

func exit(err error) {
	log.SetFlags(0)
	log.Println(err)
	os.Exit(1)
}
