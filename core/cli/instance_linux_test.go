package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// instance is an aitunnel that a test started, in the foreground or in the background.
type instance struct {
	t      *testing.T
	config string // the file
	state  string // the state directory

	// In the foreground:
	cmd    *exec.Cmd
	stderr *lockedBuffer
	ended  chan struct{} // closed when the process has ended
	exit   error
}

// homeConfig returns a configuration with a channel "home", and ports that the system
// chooses.
func homeConfig(target string) string {
	return "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"127.0.0.1:0\"\n}\nchannel \"home\" {\n target = \"" + target + "\"\n auth = \"none\"\n}\n"
}

// newInstance returns an instance that was not started yet, with its configuration in dir.
func newInstance(t *testing.T, dir, config string) *instance {
	t.Helper()
	i := &instance{t: t, config: filepath.Join(dir, "aitunnel.hcl"), state: filepath.Join(dir, "state")}
	i.save(config)
	return i
}

// startForeground starts an instance in the foreground, with more variables in its
// environment.
func startForeground(t *testing.T, target string, env ...string) *instance {
	t.Helper()
	return startForegroundOf(t, "aitunnel", target, env...)
}

// startForegroundOf is startForeground for the program at a path.
func startForegroundOf(t *testing.T, program, target string, env ...string) *instance {
	t.Helper()
	i := newInstance(t, t.TempDir(), homeConfig(target))
	i.start(exec.Command(program, "start", "-f", "-c", i.config, "--state-dir", i.state), env...)
	return i
}

// startBackground starts an instance in the background. more is added to its
// configuration.
func startBackground(t *testing.T, target, more string) *instance {
	t.Helper()
	i := newInstance(t, t.TempDir(), homeConfig(target)+more)
	i.run("start", "-c", i.config)
	i.stopAtEnd()
	return i
}

// start runs the command of an instance in the foreground.
func (i *instance) start(c *exec.Cmd, env ...string) {
	i.t.Helper()
	i.cmd, i.stderr, i.ended = c, &lockedBuffer{}, make(chan struct{})
	c.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), env...)
	c.Stderr = i.stderr
	c.WaitDelay = 100 * time.Millisecond // after a restart the new process keeps standard error open
	if err := c.Start(); err != nil {
		i.t.Fatal(err)
	}
	go func() {
		i.exit = c.Wait()
		close(i.ended)
	}()
	i.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-i.ended
		if i.t.Failed() {
			i.t.Logf("standard error:\n%s", i.stderr)
		}
	})
}

// stopAtEnd stops the instance when the test ends, also after a restart as a new process.
func (i *instance) stopAtEnd() {
	i.t.Cleanup(func() { _ = exec.Command("aitunnel", "stop", "--now", "--state-dir", i.state).Run() })
}

// save writes the configuration.
func (i *instance) save(text string) {
	i.t.Helper()
	if err := os.WriteFile(i.config, []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
}

// try runs a command for the instance, and returns its output.
func (i *instance) try(args ...string) (string, error) {
	out, err := exec.Command("aitunnel", append(args, "--state-dir", i.state)...).CombinedOutput()
	return string(out), err
}

// run is try for a command that must succeed.
func (i *instance) run(args ...string) string {
	i.t.Helper()
	out, err := i.try(args...)
	if err != nil {
		i.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (i *instance) client() *adminclient.Client {
	return (&command.Env{StateDir: i.state}).Client()
}

// status returns the status over the control socket.
func (i *instance) status() (admin.Status, error) {
	ctx, cancel := context.WithTimeout(i.t.Context(), 5*time.Second)
	defer cancel()
	return i.client().Status(ctx)
}

// ready waits until the instance answers, and its status meets the conditions.
func (i *instance) ready(conditions ...func(admin.Status) bool) (s admin.Status) {
	i.t.Helper()
	i.poll("the program serves", func() bool {
		var err error
		if s, err = i.status(); err != nil {
			return false
		}
		for _, ok := range conditions {
			if !ok(s) {
				return false
			}
		}
		return true
	})
	return s
}

// poll waits until a condition is met. It fails when a process in the foreground ends
// before that.
func (i *instance) poll(what string, ok func() bool) {
	i.t.Helper()
	met := func() bool {
		select {
		case <-i.ended:
			i.t.Fatalf("the program ended (%v) before: %s", i.exit, what)
		default:
		}
		return ok()
	}
	if !testhelp.Poll(waitLimit, met) {
		i.t.Fatalf("never: %s", what)
	}
}

// signal sends a signal to the process in the foreground.
func (i *instance) signal(s syscall.Signal) {
	i.t.Helper()
	if err := i.cmd.Process.Signal(s); err != nil {
		i.t.Fatalf("%s: %v", s, err)
	}
}

// wait waits for the end of the process in the foreground, and returns its error.
func (i *instance) wait() error {
	i.t.Helper()
	select {
	case <-i.ended:
	case <-time.After(waitLimit):
		i.t.Fatal("the program did not end")
	}
	return i.exit
}

// stopBySignal sends SIGTERM to the process in the foreground, which must end without an
// error.
func (i *instance) stopBySignal() {
	i.t.Helper()
	i.signal(syscall.SIGTERM)
	if err := i.wait(); err != nil {
		i.t.Error(err)
	}
}

// awaitExit waits until a process has ended.
func awaitExit(t *testing.T, pid int) {
	t.Helper()
	testhelp.Eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

// childrenOf returns the child processes of a process.
func childrenOf(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range lists {
		text, _ := os.ReadFile(path) // it may have ended
		for field := range strings.FieldsSeq(string(text)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// caller sends requests on one kept-alive connection, and never sends one twice: a
// connection that ends without an answer is a lost request.
type caller struct {
	address string
	conn    net.Conn
	r       *bufio.Reader
}

func (c *caller) post() error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return err
		}
		c.conn, c.r = conn, bufio.NewReader(conn)
	}
	if _, err := io.WriteString(c.conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	if resp.Close {
		_ = c.conn.Close()
		c.conn = nil
	}
	return nil
}

// callers are 64 callers that send requests until they are stopped.
type callers struct {
	i            *instance
	sent, failed atomic.Int64
	end          chan struct{}
	running      sync.WaitGroup
	halt         func()
}

func (i *instance) startCallers(address string) *callers {
	all := &callers{i: i, end: make(chan struct{})}
	all.halt = sync.OnceFunc(func() {
		close(all.end)
		all.running.Wait()
	})
	i.t.Cleanup(all.halt)
	for range 64 {
		all.running.Go(func() { all.call(&caller{address: address}) })
	}
	return all
}

func (all *callers) call(c *caller) {
	for {
		select {
		case <-all.end:
			return
		default:
		}
		all.sent.Add(1)
		if err := c.post(); err != nil {
			if all.failed.Add(1) < 5 {
				all.i.t.Errorf("a request failed: %v", err)
			}
			c.conn = nil
		}
	}
}

// awaitMore waits until another 200 requests were sent.
func (all *callers) awaitMore() {
	all.i.t.Helper()
	before := all.sent.Load()
	all.i.poll("requests are sent", func() bool { return all.sent.Load() > before+200 })
}

// stop ends the callers. It is an error if a request failed.
func (all *callers) stop() {
	all.i.t.Helper()
	all.halt()
	if n := all.failed.Load(); n > 0 {
		all.i.t.Errorf("%d of %d requests failed", n, all.sent.Load())
	}
}

// slowSite is a site that answers no request before release is called.
func slowSite(t *testing.T) (url string, arrived <-chan struct{}, release func()) {
	t.Helper()
	in, out := make(chan struct{}, 16), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in <- struct{}{}
		select {
		case <-out:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, in, sync.OnceFunc(func() { close(out) })
}

// streamingSite is a site that answers a request with ?long by a stream that lasts until
// release is called, and any other request at once.
func streamingSite(t *testing.T) (url string, release func()) {
	t.Helper()
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("long") {
			_, _ = io.WriteString(w, "{}")
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
			return
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"last\"}}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, sync.OnceFunc(func() { close(end) })
}

// postLong opens the long stream of a streamingSite.
func postLong(t *testing.T, address string) *http.Response {
	t.Helper()
	resp, err := http.Post("http://"+address+"/v1/chat/completions?long=1", "application/json", strings.NewReader(`{"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}
