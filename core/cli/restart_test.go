//go:build linux

package cli

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// caller keeps a connection alive and sends requests that are never sent twice: a
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

// TestARestartLosesNoRequest of 64 callers on kept-alive connections, and the
// process and the ports stay the same.
func TestARestartLosesNoRequest(t *testing.T) {
	t.Parallel()
	site := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = site.Serve(l) }()
	t.Cleanup(func() { _ = site.Close() })
	f := startForeground(t, "http://"+l.Addr().String())
	before := f.ready()
	var sent, failed atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			c := &caller{address: before.Listen}
			for {
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
	for range 2 {
		count := sent.Load()
		f.poll("requests are sent", func() bool { return sent.Load() > count+200 })
		if out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput(); err != nil {
			t.Fatalf("restart: %v\n%s", err, out)
		}
		after := f.ready()
		if after.StartedAt.Equal(before.StartedAt) || after.PID != before.PID || after.Listen != before.Listen || after.AdminListen != before.AdminListen {
			t.Errorf("after the restart: %+v", after)
		}
	}
	close(stop)
	callers.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
	f.signal(syscall.SIGTERM)
	if err := f.wait(); err != nil {
		t.Error(err)
	}
}

// TestARestartTriesTheProgramFirst: with a file in its place that is missing, cut
// or something else, nothing is stopped, and the error says why.
func TestARestartTriesTheProgramFirst(t *testing.T) {
	t.Parallel()
	self, err := exec.LookPath("aitunnel")
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "aitunnel")
	replace := func(content []byte) {
		t.Helper()
		_ = os.Remove(path)
		if content == nil {
			return
		}
		if err := testhelp.WriteProgram(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	replace(binary)
	f := startForegroundOf(t, path, "http://127.0.0.1:9")
	before := f.ready()
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"missing": {nil, "no such file or directory"},
		"cut":     {binary[:len(binary)/3], ""},
		"another": {[]byte("#!/bin/sh\necho 'something else 1.0'\n"), "it does not print its version: something else 1.0"},
		"silent":  {[]byte("#!/bin/sh\n"), "it does not print its version"},
		"failing": {[]byte("#!/bin/sh\necho broken >&2\nexit 3\n"), "exit status 3: broken"},
	} {
		replace(c.content)
		out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "nothing was restarted: "+path+" is not an aitunnel that works on this machine: "+c.says) || strings.Contains(string(out), "fork/exec") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if s, err := f.status(); err != nil || !s.StartedAt.Equal(before.StartedAt) {
			t.Errorf("%s: the program that ran is %+v, %v", name, s, err)
		}
	}
	// What counts is the path, not the file that was started.
	if err := testhelp.WriteProgram(path+".new", binary, 0o755); err != nil {
		t.Fatal(err)
	}
	_ = os.Rename(path+".new", path)
	if out, err := exec.Command("aitunnel", "restart", "--state-dir", f.state).CombinedOutput(); err != nil {
		t.Errorf("restart: %v\n%s", err, out)
	}
	f.signal(syscall.SIGTERM)
	if err := f.wait(); err != nil {
		t.Error(err)
	}
}

// TestStopAndStart names commands that work for the process that says so.
func TestStopAndStart(t *testing.T) {
	for _, c := range []struct{ runtime, notify, invocation, want string }{
		{"", "", "", "'aitunnel stop' and 'aitunnel start'"},
		{"", "", "of-a-session", "'aitunnel stop' and 'aitunnel start'"},
		{"", "/run/user/1000/systemd/notify", "of-a-unit", "'systemctl --user restart aitunnel'"},
		{"/run/aitunnel", "/run/systemd/notify", "of-a-unit", "'sudo systemctl restart aitunnel'"},
	} {
		t.Setenv("RUNTIME_DIRECTORY", c.runtime)
		t.Setenv("NOTIFY_SOCKET", c.notify)
		t.Setenv("INVOCATION_ID", c.invocation)
		if got := stopAndStart(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
