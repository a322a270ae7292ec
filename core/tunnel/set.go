// Package tunnel puts the proxy's port on other machines: it keeps SSH
// connections up, asks the sshd there to listen, and serves HTTP right on the
// channels that come back, without another hop at home.
package tunnel

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// Options of [New].
type Options struct {
	Handler  func(*config.Forward) http.Handler // what a forward leads to
	Server   func(http.Handler) *http.Server    // a server for it, with its limits
	OnChange func(Change)                       // has to be quick
	Guarded  func() bool                        // requests need a token
	Sessions string                             // file that remembers what may be left on hosts; "": none
	Grace    time.Duration                      // for requests on what is closed by a reload

	Home  string // of the user; default: the real one
	Agent string // socket of the SSH agent; default $SSH_AUTH_SOCK
	SSH   string // the OpenSSH client, "none" for none; default: the one in $PATH
}

// environment is what all tunnels share.
type environment struct {
	here     here
	handler  func(*config.Forward) http.Handler
	server   func(http.Handler) *http.Server
	tell     func(Change)
	guarded  func() bool
	sessions *sessions
	grace    time.Duration
	life     context.Context // ends when what is left is to be broken off
	leaving  *sync.WaitGroup
}

// Tunnels are the tunnels of the running configuration.
type Tunnels struct {
	env  environment
	end  context.CancelFunc
	mu   sync.Mutex
	all  []*tunnel // in the order of the configuration
	over bool
}

// New returns a set without tunnels; see [Tunnels.Apply].
func New(o Options) *Tunnels {
	s := &Tunnels{env: environment{
		here: o.here(), handler: o.Handler, server: o.Server, tell: o.OnChange, guarded: o.Guarded,
		sessions: loadSessions(o.Sessions), grace: o.Grace, leaving: &sync.WaitGroup{},
	}}
	s.env.life, s.end = context.WithCancel(context.Background())
	return s
}

func (o Options) here() here {
	h := here{home: o.Home, agent: o.Agent, ssh: o.SSH}
	if h.home == "" {
		h.home, _ = os.UserHomeDir() // then there are no files to find
	}
	if h.agent == "" {
		h.agent = os.Getenv("SSH_AUTH_SOCK")
	}
	switch h.ssh {
	case "":
		h.ssh, _ = exec.LookPath("ssh") // ssh_config is read here without it
	case "none":
		h.ssh = ""
	}
	return h
}

// Apply makes these the tunnels. Those that are the same go on; of those that
// differ in forwards only, the connection does. It does not wait for anything.
func (s *Tunnels) Apply(wanted []*config.Tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	old := s.all
	s.all = nil
	for _, c := range wanted {
		after := make(chan struct{})
		if i := slices.IndexFunc(old, func(t *tunnel) bool { return t.config.Name == c.Name }); i >= 0 {
			t := old[i]
			if sameConnection(t.config, c) {
				old = slices.Delete(slices.Clone(old), i, i+1)
				t.outdated.Store(true) // ssh_config may say something else
				t.set(c.Forwards)
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
		s.env.leaving.Go(func() {
			ctx, cancel := context.WithTimeout(s.env.life, s.env.grace)
			defer cancel()
			t.stop(ctx)
		})
	}
}

// Retry has tunnels that wait or have failed try again now.
func (s *Tunnels) Retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.all {
		switch t.now().State {
		case Waiting, Failed:
			poke(t.retry)
		}
	}
}

// List is of the tunnels as they are.
func (s *Tunnels) List() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Status
	for _, t := range s.all {
		out = append(out, t.now())
	}
	return out
}

// Shutdown closes all addresses, lets requests under way come to their end
// until ctx ends, and breaks off the rest.
func (s *Tunnels) Shutdown(ctx context.Context) {
	s.mu.Lock()
	all := s.all
	s.over = true
	s.mu.Unlock()
	defer s.end()
	defer context.AfterFunc(ctx, s.end)()
	var ending sync.WaitGroup
	for _, t := range all {
		ending.Go(func() { t.stop(ctx) })
	}
	ending.Wait()
	s.env.leaving.Wait()
}
