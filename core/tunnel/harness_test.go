//go:build linux

package tunnel

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// waitLimit is how long something may take on a busy machine.
const waitLimit = 20 * time.Second

// rig is a set of tunnels to a server, with everything that they report.
type rig struct {
	*Tunnels
	t      *testing.T
	server *sshdtest.Server
	config *config.Tunnel
	client *http.Client
	site   *site

	guarded atomic.Bool // requests need a token

	mu      sync.Mutex
	changes []Change
}

// tunnelTo returns a configuration for the server, with short times. It forwards a free
// port.
func tunnelTo(t *testing.T, s *sshdtest.Server) *config.Tunnel {
	return &config.Tunnel{
		Name: "vps", Host: s.Addr(), User: s.User,
		Keepalive: config.Keepalive{Interval: 300 * time.Millisecond, Timeout: 1500 * time.Millisecond},
		Reconnect: config.Reconnect{Min: 50 * time.Millisecond, Max: time.Second},
		Forwards:  []*config.Forward{{Address: freeAddress(t)}},
	}
}

// nextPort is the port that freeAddress tries next. The system does not assign ports of
// this range by itself, so that a free one is still free when sshd opens it.
var nextPort atomic.Int32

func freeAddress(t *testing.T) string {
	t.Helper()
	const first, count = 12000, 18000
	nextPort.CompareAndSwap(0, int32(os.Getpid()*31%count))
	for range count {
		address := fmt.Sprintf("127.0.0.1:%d", first+int(nextPort.Add(1))%count)
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// open runs tunnels until the test ends.
func open(t *testing.T, s *sshdtest.Server, c ...*config.Tunnel) *rig {
	t.Helper()
	r := prepare(t, s)
	r.config = c[0]
	r.Apply(c)
	return r
}

func prepare(t *testing.T, s *sshdtest.Server, options ...func(*Options)) *rig {
	r := &rig{t: t, server: s, site: &site{release: make(chan struct{})}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	o := Options{
		Handler: func(_ string, f *config.Forward) http.Handler {
			if f.Channel != nil {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, f.Channel.Name) })
			}
			return r.site
		},
		Server: func(h http.Handler) Server {
			return &http.Server{Handler: h, ReadHeaderTimeout: 500 * time.Millisecond, IdleTimeout: time.Minute}
		},
		OnChange:      r.note,
		RequiresToken: r.guarded.Load,
		Sessions:      filepath.Join(t.TempDir(), "sessions.json"),
		Grace:         5 * time.Second,
		Home:          s.Home,
		Agent:         "/nowhere",
	}
	for _, f := range options {
		f(&o)
	}
	r.Tunnels = New(o)
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		r.Shutdown(ctx)
		if t.Failed() {
			t.Logf("what was reported:\n%s", strings.Join(r.messages(), "\n"))
		}
	})
	return r
}

func (r *rig) note(c Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, c)
}

// messages returns everything that was reported so far.
func (r *rig) messages() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.changes {
		out = append(out, fmt.Sprintf("%s %s: %s", c.Tunnel, c.State, c.Message))
	}
	return out
}

// reported reports whether a message contained the text.
func (r *rig) reported(text string) bool {
	return strings.Contains(strings.Join(r.messages(), "\n"), text)
}

func (r *rig) status() Status { return r.List()[0] }

// await waits until the tunnel is in the state.
func (r *rig) await(s State) Status {
	r.t.Helper()
	testhelp.Eventually(r.t, "the tunnel is "+string(s), func() bool { return r.status().State == s })
	return r.status()
}

// awaitFault waits for the state and checks the error.
func (r *rig) awaitFault(state State, texts ...string) {
	r.t.Helper()
	st := r.await(state)
	for _, text := range texts {
		if !strings.Contains(st.LastError, text) {
			r.t.Errorf("the error is %q, want %q in it", st.LastError, text)
		}
	}
}

// get sends a request through the forward.
func (r *rig) get(path string) (string, error) {
	resp, err := r.client.Get("http://" + r.config.Forwards[0].Address + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func (r *rig) answers() bool {
	text, err := r.get("/hello")
	return err == nil && text == "hello"
}

func (r *rig) mustAnswer() {
	r.t.Helper()
	if text, err := r.get("/hello"); err != nil || text != "hello" {
		r.t.Fatalf("answer %q, %v", text, err)
	}
}

// site is the handler of the tunnels' requests.
type site struct {
	mu       sync.Mutex
	begun    int // streams
	canceled int // those whose caller disconnected
	stalled  int
	release  chan struct{} // ends requests that stall
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/hello", "/small":
		_, _ = io.WriteString(w, "hello")
	case "/echo":
		_, _ = io.Copy(w, r.Body)
	case "/stall": // reads nothing and answers nothing
		s.mu.Lock()
		s.stalled++
		s.mu.Unlock()
		<-s.release
	case "/bulk":
		for piece := make([]byte, 32<<10); ; {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	case "/forever":
		s.mu.Lock()
		s.begun++
		s.mu.Unlock()
		w.WriteHeader(http.StatusOK)
		c := http.NewResponseController(w)
		for {
			_, _ = io.WriteString(w, "data: tick\n\n")
			_ = c.Flush()
			select {
			case <-r.Context().Done():
				s.mu.Lock()
				s.canceled++
				s.mu.Unlock()
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	case "/upgrade":
		c, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		line, _ := buffered.ReadString('\n')
		_, _ = io.WriteString(c, line)
	default:
		http.NotFound(w, r)
	}
}

func (s *site) streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

func (s *site) gone() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.canceled
}

// stream opens an endless answer and reads its first line.
func (r *rig) stream() (io.ReadCloser, *bufio.Reader) {
	r.t.Helper()
	resp, err := r.client.Get("http://" + r.config.Forwards[0].Address + "/forever")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = resp.Body.Close() })
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "data: tick\n" {
		r.t.Fatalf("%q, %v", line, err)
	}
	return resp.Body, lines
}
