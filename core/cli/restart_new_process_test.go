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
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestARestartIsANewProcess restarts under 64 callers on kept-alive connections, an idle
// connection and a long stream. No request fails or waits for the stream, which is completed
// by the process that began it. Every request is counted, and the old processes end.
func TestARestartIsANewProcess(t *testing.T) {
	t.Parallel()
	site, release := streamingSite(t)
	defer release()
	i := startBackground(t, site, "history {}\n")
	first := i.ready()
	stream := bufio.NewReader(postLong(t, first.Listen).Body)
	if line, err := stream.ReadString('\n'); err != nil || !strings.Contains(line, "first") {
		t.Fatalf("%q, %v", line, err)
	}
	callers := i.startCallers(first.Listen)
	idle := &caller{address: first.Listen}
	if err := idle.post(); err != nil {
		t.Fatal(err)
	}
	before := first
	var old []int
	for range 3 {
		callers.awaitMore()
		i.run("restart")
		after := i.ready()
		if after.PID == before.PID || after.Listen != before.Listen || after.AdminListen != before.AdminListen {
			t.Errorf("after the restart: %+v", after)
		}
		old, before = append(old, before.PID), after
	}
	callers.awaitMore()
	callers.stop()
	if err := syscall.Kill(first.PID, 0); err != nil {
		t.Errorf("the process with the stream: %v", err)
	}
	if err := idle.post(); err != nil {
		t.Errorf("a request on the idle connection: %v", err)
	}
	release()
	if rest, err := io.ReadAll(stream); err != nil || !strings.Contains(string(rest), "last") || !strings.Contains(string(rest), "[DONE]") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	for _, pid := range old { // each one passes on what those before it counted
		awaitExit(t, pid)
	}
	sent, counted := uint64(callers.sent.Load())+3, uint64(0) // with the idle connection and the stream
	defer func() { t.Logf("%d requests sent, %d counted", sent, counted) }()
	testhelp.Eventually(t, "every request is counted", func() bool { // in the statistics: the history may omit rows at full speed
		sums, err := i.client().Stats(t.Context())
		counted = sums.TotalRequests
		return err == nil && counted == sent
	})
	if all, err := i.client().Channels(t.Context()); err != nil || len(all) != 1 || all[0].Stats.TotalRequests != counted {
		t.Errorf("the channel counts %+v, %v", all, err)
	}
	i.run("stop")
	awaitExit(t, before.PID)
}

// TestARestartKeepsTheStateOfKeys: a key that a site rejected is not tried again, and
// what the new process learns survives the next restart.
func TestARestartKeepsTheStateOfKeys(t *testing.T) {
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
	i := startBackground(t, site.URL, `channel "keyed" {
 target = "`+site.URL+`"
 keys   = ["sk-dead-000000001", "sk-live-000000002"]
}
route "/v1/**" {
 channels = ["keyed"]
 strategy "priority" {}
}
`)
	for n := range 3 {
		if err := (&caller{address: i.ready().Listen}).post(); err != nil {
			t.Fatal(err)
		}
		i.run("restart")
		all, err := i.client().Channels(t.Context())
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
	i.run("stop")
}

// TestStopNowEndsTheOldProcessToo, although it still has a stream.
func TestStopNowEndsTheOldProcessToo(t *testing.T) {
	t.Parallel()
	site, release := streamingSite(t)
	defer release()
	i := startBackground(t, site, "")
	first := i.ready()
	long := postLong(t, first.Listen)
	i.run("restart")
	second := i.ready()
	i.run("stop", "--now")
	awaitExit(t, first.PID)
	awaitExit(t, second.PID)
	if text, _ := io.ReadAll(long.Body); !strings.Contains(string(text), "error") {
		t.Errorf("the stream was cut without an error: %q", text)
	}
}

// TestAFailedRestartStopsNothing: the new process accepts the configuration, but cannot
// listen on its port.
func TestAFailedRestartStopsNothing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	i := startBackground(t, "http://127.0.0.1:9", "hot_reload = false\n")
	before := i.ready()
	text, err := os.ReadFile(i.config)
	if err != nil {
		t.Fatal(err)
	}
	i.save(strings.Replace(string(text), "127.0.0.1:0", taken.Addr().String(), 1))
	out, err := i.try("restart")
	if err == nil || !strings.Contains(out, "nothing was restarted") || !strings.Contains(out, "is in use by") {
		t.Errorf("%v\n%s", err, out)
	}
	again, _ := i.try("restart")
	if strings.Count(again, "is in use by") != strings.Count(out, "is in use by") {
		t.Errorf("a second restart repeats the messages of the first one:\n%s", again)
	}
	if after := i.ready(); after.PID != before.PID || after.Status != before.Status {
		t.Errorf("after the failed restart: %+v", after)
	}
	i.save(string(text))
	i.run("restart")
	if after := i.ready(func(s admin.Status) bool { return s.PID != before.PID }); after.Listen != before.Listen {
		t.Errorf("after the next restart: %+v", after)
	}
}

// TestARestartAfterTheWorkingDirectoryWasRemoved: the flags of the program are relative to the
// directory in which it was started.
func TestARestartAfterTheWorkingDirectoryWasRemoved(t *testing.T) {
	t.Parallel()
	i := startBackground(t, "http://127.0.0.1:9", "")
	i.run("stop")
	dir := filepath.Join(filepath.Dir(i.config), "removed")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("aitunnel", "start", "-c", "../"+filepath.Base(i.config), "--state-dir", "../state")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := i.ready()
		i.run("restart")
		if after := i.ready(); after.PID == before.PID {
			t.Errorf("the process is the same: %d", after.PID)
		}
	}
}

// TestARestartUnderSystemdSaysWhyItFailed in the output of the command, not only in the
// journal.
func TestARestartUnderSystemdSaysWhyItFailed(t *testing.T) {
	t.Parallel()
	i := startForeground(t, "http://127.0.0.1:9", "NOTIFY_SOCKET="+listenNotify(t).path)
	i.stopAtEnd()
	before := i.ready()
	token := filepath.Join(i.state, "admin-token")
	if err := errors.Join(os.Remove(token), os.Mkdir(token, 0o700)); err != nil {
		t.Fatal(err)
	}
	out, err := i.try("restart")
	if err == nil || !strings.Contains(out, "nothing was restarted: the new process cannot serve: the admin token cannot be read: ") {
		t.Errorf("%v\n%s", err, out)
	}
	if after := i.ready(); after.PID != before.PID {
		t.Errorf("after the failed restart: %+v", after)
	}
}

// TestARestartMovesTunnels: a stream through a forward continues over the connection of the
// old process, and the address on the host is closed only briefly.
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
	i := startBackground(t, site, fmt.Sprintf("tunnel \"vps\" {\n host = %q\n user = %q\n forward %q {}\n}\n", s.Addr(), s.User, remote))
	up := func(st admin.Status) bool { return len(st.Tunnels) == 1 && st.Tunnels[0].State == "up" }
	first := i.ready(up)
	long := postLong(t, remote)
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
	i.run("restart")
	i.ready(up, func(st admin.Status) bool { return st.PID != first.PID })
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
	awaitExit(t, first.PID)
}
