//go:build linux

package cli

import (
	"bufio"
	"errors"
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
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// background is a program that 'aitunnel start' started.
type background struct {
	*foreground // for its methods that ask the program
	t           *testing.T
	config      string
}

func startBackground(t *testing.T, target, more string) *background {
	t.Helper()
	dir := t.TempDir()
	b := &background{foreground: &foreground{t: t, state: filepath.Join(dir, "state"), ended: make(chan struct{})}, t: t, config: filepath.Join(dir, "aitunnel.hcl")}
	b.save("proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"127.0.0.1:0\"\n}\nchannel \"home\" {\n target = \"" + target + "\"\n auth = \"none\"\n}\n" + more)
	b.run("start", "-c", b.config)
	t.Cleanup(func() { _ = exec.Command("aitunnel", "stop", "--now", "--state-dir", b.state).Run() })
	return b
}

func (b *background) save(text string) {
	b.t.Helper()
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// run runs a command on the program, and returns what it printed.
func (b *background) run(args ...string) string {
	b.t.Helper()
	out, err := exec.Command("aitunnel", append(args, "--state-dir", b.state)...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// gone waits until there is no process of that number.
func gone(t *testing.T, pid int) {
	t.Helper()
	testhelp.Eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

// streamingSite answers a request with ?long by a stream that goes on until release is
// called, and any other at once.
func streamingSite(t *testing.T) (url string, release func()) {
	t.Helper()
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("long") {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-end:
			case <-r.Context().Done():
				return
			}
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"last\"}}]}\n\ndata: [DONE]\n\n")
			return
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, sync.OnceFunc(func() { close(end) })
}

// TestARestartIsANewProcess under 64 callers on kept-alive connections and a long
// stream: no request fails or waits for the stream, which ends whole in the process
// where it began, as does a request on a connection that was idle. Every request is counted, and that process then ends.
func TestARestartIsANewProcess(t *testing.T) {
	t.Parallel()
	site, release := streamingSite(t)
	defer release()
	b := startBackground(t, site, "history {}\n")
	first := b.ready()
	long, err := http.Post("http://"+first.Listen+"/v1/chat/completions?long=1", "application/json", strings.NewReader(`{"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = long.Body.Close() }()
	stream := bufio.NewReader(long.Body)
	if line, err := stream.ReadString('\n'); err != nil || !strings.Contains(line, "first") {
		t.Fatalf("%q, %v", line, err)
	}

	var sent, failed atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for c := (&caller{address: first.Listen}); ; {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				if err := c.post(); err != nil {
					if failed.Add(1) < 5 {
						t.Errorf("a request failed: %v", err)
					}
					c.conn = nil
				}
			}
		})
	}
	quiet := &caller{address: first.Listen}
	if err := quiet.post(); err != nil {
		t.Fatal(err)
	}
	before := first
	var pids []int
	for range 3 {
		count := sent.Load()
		b.poll("requests are sent", func() bool { return sent.Load() > count+200 })
		b.run("restart")
		after := b.ready()
		if after.PID == before.PID || after.Listen != before.Listen || after.AdminListen != before.AdminListen {
			t.Errorf("after the restart: %+v", after)
		}
		pids, before = append(pids, before.PID), after
	}
	count := sent.Load()
	b.poll("requests are sent", func() bool { return sent.Load() > count+200 })
	close(stop)
	callers.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
	if err := syscall.Kill(pids[0], 0); err != nil {
		t.Errorf("the process with the stream: %v", err)
	}
	if err := quiet.post(); err != nil {
		t.Errorf("a request on a connection that was idle: %v", err)
	}
	sent.Add(2)
	release()
	if rest, err := io.ReadAll(stream); err != nil || !strings.Contains(string(rest), "last") || !strings.Contains(string(rest), "[DONE]") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	for _, pid := range pids { // the later ones pass on what the first one reports
		gone(t, pid)
	}
	var counted uint64
	defer func() { t.Logf("%d requests sent, %d counted", sent.Load()+1, counted) }()
	client := (&command.Env{StateDir: b.state}).Client()
	testhelp.Eventually(t, "every request is counted", func() bool { // at full speed the history leaves out rows
		sums, err := client.Stats(t.Context())
		counted = sums.TotalRequests
		return err == nil && counted == uint64(sent.Load()+1)
	})
	if all, err := client.Channels(t.Context()); err != nil || len(all) != 1 || all[0].Stats.TotalRequests != counted {
		t.Errorf("the channel counts %+v, %v", all, err)
	}
	b.run("stop")
	gone(t, before.PID)
}

// TestARestartKeepsWhatIsKnownOfKeys: a key that a site rejected is not tried again, and
// what the new process learns is kept in turn.
func TestARestartKeepsWhatIsKnownOfKeys(t *testing.T) {
	t.Parallel()
	var rejected atomic.Int64
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "dead") {
			rejected.Add(1)
			http.Error(w, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`, http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(site.Close)
	b := startBackground(t, site.URL, `channel "keyed" {
 target = "`+site.URL+`"
 keys   = ["sk-dead-000000001", "sk-live-000000002"]
}
route "/v1/**" {
 channels = ["keyed"]
 strategy "priority" {}
}
`)
	client := (&command.Env{StateDir: b.state}).Client()
	for n := range 3 {
		if err := (&caller{address: b.ready().Listen}).post(); err != nil {
			t.Fatal(err)
		}
		b.run("restart")
		all, err := client.Channels(t.Context())
		if err != nil || len(all) != 2 || len(all[1].Keys.List) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		keys := all[1].Keys.List
		if keys[0].State != "invalid_key" || keys[0].Stats.TotalRequests != 1 || keys[1].Stats.TotalRequests != uint64(n+1) {
			t.Errorf("after restart %d: %+v", n+1, keys)
		}
	}
	if rejected.Load() != 1 {
		t.Errorf("the dead key was tried %d times", rejected.Load())
	}
	b.run("stop")
}

// TestAStopEndsTheFormerProcessToo, at once if it is asked to.
func TestAStopEndsTheFormerProcessToo(t *testing.T) {
	t.Parallel()
	site, release := streamingSite(t)
	defer release()
	b := startBackground(t, site, "")
	first := b.ready()
	long, err := http.Post("http://"+first.Listen+"/v1/chat/completions?long=1", "application/json", strings.NewReader(`{"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = long.Body.Close() }()
	b.run("restart")
	second := b.ready()
	b.run("stop", "--now")
	gone(t, first.PID)
	gone(t, second.PID)
	if text, _ := io.ReadAll(long.Body); !strings.Contains(string(text), "error") {
		t.Errorf("the stream was cut without an error: %q", text)
	}
}

// TestARestartThatFailsStopsNothing: the new process accepts the configuration, but
// cannot serve it.
func TestARestartThatFailsStopsNothing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	b := startBackground(t, "http://127.0.0.1:9", "hot_reload = false\n")
	before := b.ready()
	text, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	b.save(strings.Replace(string(text), "127.0.0.1:0", taken.Addr().String(), 1))
	out, err := exec.Command("aitunnel", "restart", "--state-dir", b.state).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing was restarted") || !strings.Contains(string(out), "is in use by") {
		t.Errorf("%v\n%s", err, out)
	}
	again, _ := exec.Command("aitunnel", "restart", "--state-dir", b.state).CombinedOutput()
	if strings.Count(string(again), "is in use by") != strings.Count(string(out), "is in use by") {
		t.Errorf("a second restart repeats what the first one said:\n%s", again)
	}
	if after := b.ready(); after.PID != before.PID || after.Status != before.Status {
		t.Errorf("after it: %+v", after)
	}
	b.save(string(text))
	b.run("restart")
	if after := b.ready(func(s admin.Status) bool { return s.PID != before.PID }); after.Listen != before.Listen {
		t.Errorf("after another: %+v", after)
	}
}

// TestARestartWithoutItsDirectory: the one in which the program was started, and to which its
// flags are relative, was removed.
func TestARestartWithoutItsDirectory(t *testing.T) {
	t.Parallel()
	b := startBackground(t, "http://127.0.0.1:9", "")
	b.run("stop")
	dir := filepath.Join(filepath.Dir(b.config), "removed")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("aitunnel", "start", "-c", "../"+filepath.Base(b.config), "--state-dir", "../state")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := b.ready()
		b.run("restart")
		if after := b.ready(); after.PID == before.PID {
			t.Errorf("the process is the same: %d", after.PID)
		}
	}
}

// TestARestartUnderSystemdSaysWhyItFailed where the command runs, not in the journal only.
func TestARestartUnderSystemdSaysWhyItFailed(t *testing.T) {
	t.Parallel()
	f := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+listenNotify(t).path)
	f.stopAtEnd()
	before := f.ready()
	token := filepath.Join(f.state, "admin-token")
	if err := errors.Join(os.Remove(token), os.Mkdir(token, 0o700)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing was restarted: the new process cannot serve: the admin token cannot be read: ") {
		t.Errorf("%v\n%s", err, out)
	}
	if after := f.ready(); after.PID != before.PID {
		t.Errorf("after it: %+v", after)
	}
}

// TestARestartMovesTunnels: what a forward carries goes on over the connection of the
// former process, and the address on the host is closed for a second at most.
func TestARestartMovesTunnels(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	t.Setenv("HOME", s.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	site, release := streamingSite(t)
	defer release()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	remote := l.Addr().String()
	_ = l.Close()
	b := startBackground(t, site, fmt.Sprintf("tunnel \"vps\" {\n host = %q\n user = %q\n forward %q {}\n}\n", s.Addr(), s.User, remote))
	up := func(st admin.Status) bool { return len(st.Tunnels) == 1 && st.Tunnels[0].State == "up" }
	first := b.ready(up)
	long, err := http.Post("http://"+remote+"/v1/chat/completions?long=1", "application/json", strings.NewReader(`{"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = long.Body.Close() }()
	stop, gap := make(chan struct{}), make(chan time.Duration)
	go func() {
		var longest time.Duration
		for last := time.Now(); ; time.Sleep(5 * time.Millisecond) {
			select {
			case <-stop:
				gap <- longest
				return
			default:
			}
			if c, err := net.Dial("tcp", remote); err == nil {
				_ = c.Close()
				longest, last = max(longest, time.Since(last)), time.Now()
			}
		}
	}()
	b.run("restart")
	b.ready(up, func(st admin.Status) bool { return st.PID != first.PID })
	resp, err := http.Post("http://"+remote+"/v1/chat/completions", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	close(stop)
	longest := <-gap
	if t.Logf("the address was closed for %s", longest); longest > waitLimit/4 {
		t.Errorf("the address was closed for %s", longest)
	}
	release()
	if text, err := io.ReadAll(long.Body); err != nil || !strings.Contains(string(text), "[DONE]") {
		t.Errorf("the stream over the tunnel ended with %q, %v", text, err)
	}
	gone(t, first.PID)
}
