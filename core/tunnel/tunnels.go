package tunnel

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

// Options of [New].
type Options struct {
	Handler       func(tunnel string, f *config.Forward) http.Handler // the handler of a forward's requests
	Server        func(http.Handler) Server                           // makes a server for a handler, with its limits
	OnChange      func(Change)                                        // must return quickly
	RequiresToken func() bool                                         // reports whether requests require a token
	Sessions      string                                              // file of sessions that may be left on hosts; "": none
	Grace         time.Duration                                       // for requests in flight on forwards and connections that a reload closes
	WaitUntilFree func(ctx context.Context, tunnel string)            // waits until the addresses of a tunnel are free; nil: they are

	Home  string // of the user; default: the real one
	Agent string // socket of the SSH agent; default $SSH_AUTH_SOCK
	SSH   string // the OpenSSH client, "none" for none; default: the one in $PATH

	loginAge time.Duration // after which a connection without an open forward logs in again; default failedPause
}

// Server is an HTTP server.
type Server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// environment is what all tunnels share.
type environment struct {
	ssh      sshclient.Environment
	handler  func(tunnel string, f *config.Forward) http.Handler
	server   func(http.Handler) Server
	report   func(Change)
	guarded  func() bool
	sessions *sessions
	grace    time.Duration
	free     func(ctx context.Context, tunnel string)
	holder   func(tunnel, hostKey string, f *config.Forward) string
	loginAge time.Duration
	ctx      context.Context // ends when everything still open is cut off
	closing  *sync.WaitGroup
}

// Tunnels are the tunnels of the running configuration.
type Tunnels struct {
	env    environment
	cutOff context.CancelFunc
	mu     sync.Mutex
	all    []*tunnel        // in the order of the configuration
	wanted []*config.Tunnel // the configuration that was applied last
	ended  bool
}

// New returns a set without tunnels; see [Tunnels.Apply].
func New(o Options) *Tunnels {
	s := &Tunnels{env: environment{
		ssh: o.environment(), handler: o.Handler, server: o.Server, report: o.OnChange, guarded: o.RequiresToken,
		sessions: loadSessions(o.Sessions), grace: o.Grace, free: o.WaitUntilFree, loginAge: cmp.Or(o.loginAge, failedPause), closing: &sync.WaitGroup{},
	}}
	s.env.holder = s.holder
	s.env.ctx, s.cutOff = context.WithCancel(context.Background())
	return s
}

func (o Options) environment() sshclient.Environment {
	e := sshclient.Environment{Home: o.Home, Agent: cmp.Or(o.Agent, os.Getenv("SSH_AUTH_SOCK")), SSH: o.SSH}
	if e.Home == "" {
		e.Home, _ = os.UserHomeDir() // after an error there are no files to read
	}
	switch e.SSH {
	case "":
		e.SSH, _ = exec.LookPath("ssh") // without it, ssh_config is read here
	case "none":
		e.SSH = ""
	}
	return e
}

// Apply replaces the tunnels. Those that are the same continue; those that differ only in
// their forwards keep their connection. It does not wait for anything.
func (s *Tunnels) Apply(wanted []*config.Tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.wanted = wanted
	old := s.all
	s.all = nil
	for _, c := range wanted {
		after := make(chan struct{})
		if i := slices.IndexFunc(old, func(t *tunnel) bool { return t.config.Name == c.Name }); i >= 0 {
			t := old[i]
			if sameConnection(t.config, c) {
				old = slices.Delete(slices.Clone(old), i, i+1)
				t.apply(c.Forwards)
				s.all = append(s.all, t)
				continue
			}
			after = t.released
		} else {
			close(after)
		}
		t := newTunnel(c, &s.env)
		t.start(after)
		s.all = append(s.all, t)
	}
	for _, t := range old {
		s.retire(t)
	}
}

// retire stops a tunnel in the background. Its requests in flight may continue for the grace
// period.
func (s *Tunnels) retire(t *tunnel) {
	s.env.closing.Go(func() {
		ctx, cancel := context.WithTimeout(s.env.ctx, s.env.grace)
		defer cancel()
		t.stop(ctx)
	})
}

// RetryAll makes tunnels that are waiting, have failed or are degraded try again now, without
// touching open forwards.
func (s *Tunnels) RetryAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.all {
		switch t.status().State {
		case Waiting, Failed, Degraded:
			notify(t.retry)
		}
	}
}

// Retry makes a tunnel that is waiting, has failed or is degraded try again now. One that is
// degraded logs in again, since the host decides at the login what may be opened: its open
// forwards are closed briefly, and requests in flight finish on the old connection.
func (s *Tunnels) Retry(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(t *tunnel) bool { return t.config.Name == name })
	if i < 0 || s.ended {
		return
	}
	switch old := s.all[i]; old.status().State {
	case Waiting, Failed:
		notify(old.retry)
	case Degraded:
		s.all[i] = newTunnel(s.wanted[i], &s.env)
		s.all[i].start(old.released)
		s.retire(old)
	}
}

// holder returns another tunnel that has the address of a forward open on the machine with
// the host key, "" if none has: two names can lead to one machine.
func (s *Tunnels) holder(tunnel, hostKey string, f *config.Forward) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.all {
		c := t.client.Load()
		if t.config.Name == tunnel || c == nil || c.HostKey() != hostKey {
			continue
		}
		for _, open := range t.status().Forwards {
			if open.State == ForwardOpen && (&config.Forward{Address: open.Remote}).Conflicts(f) {
				return t.config.Name
			}
		}
	}
	return ""
}

// List returns the current status of all tunnels.
func (s *Tunnels) List() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Status
	for _, t := range s.all {
		out = append(out, t.status())
	}
	return out
}

// Release closes the addresses of a tunnel, so that another process can open them. It
// returns when the host has closed them. Requests in flight continue until
// [Tunnels.Shutdown] ends them.
func (s *Tunnels) Release(name string) {
	s.mu.Lock()
	s.ended = true // no more are opened
	i := slices.IndexFunc(s.all, func(t *tunnel) bool { return t.config.Name == name })
	var t *tunnel
	if i >= 0 {
		t = s.all[i]
	}
	s.mu.Unlock()
	if t == nil {
		return
	}
	go t.stop(s.env.ctx)
	<-t.released
}

// Serving reports whether any address is open on a host.
func (s *Tunnels) Serving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.all, func(t *tunnel) bool {
		select {
		case <-t.released:
			return false
		default:
			state := t.status().State
			return state == Up || state == Degraded
		}
	})
}

// ForgetSessions stops using the file of sessions, which another process takes over.
func (s *Tunnels) ForgetSessions() {
	s.env.sessions.mu.Lock()
	defer s.env.sessions.mu.Unlock()
	s.env.sessions.path = ""
}

// Shutdown closes all addresses, lets requests in flight finish until ctx ends,
// and cuts off the others.
func (s *Tunnels) Shutdown(ctx context.Context) {
	s.mu.Lock()
	all := s.all
	s.ended = true
	s.mu.Unlock()
	defer s.cutOff()
	defer context.AfterFunc(ctx, s.cutOff)()
	var ending sync.WaitGroup
	for _, t := range all {
		ending.Go(func() { t.stop(ctx) })
	}
	ending.Wait()
	s.env.closing.Wait()
}
