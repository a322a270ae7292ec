//go:build linux

package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestARestartLosesNoRequest of 64 callers on kept-alive connections. The process and the
// ports stay the same.
func TestARestartLosesNoRequest(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	t.Cleanup(site.Close)
	i := startForeground(t, site.URL)
	before := i.ready()
	callers := i.startCallers(before.Listen)
	for range 2 {
		callers.awaitMore()
		i.run("restart")
		after := i.ready()
		if after.StartedAt.Equal(before.StartedAt) || after.PID != before.PID || after.Listen != before.Listen || after.AdminListen != before.AdminListen {
			t.Errorf("after the restart: %+v", after)
		}
	}
	callers.stop()
	i.stopBySignal()
}

// TestARestartTriesTheProgramFirst: if the file of the program is missing, truncated or
// another program, nothing is stopped, and the error says why.
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
	i := startForegroundOf(t, path, "http://127.0.0.1:9")
	before := i.ready()
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"missing":         {nil, "no such file or directory"},
		"truncated":       {binary[:len(binary)/3], ""},
		"another program": {[]byte("#!/bin/sh\necho 'something else 1.0'\n"), "it does not print its version: something else 1.0"},
		"no output":       {[]byte("#!/bin/sh\n"), "it does not print its version"},
		"failing":         {[]byte("#!/bin/sh\necho broken >&2\nexit 3\n"), "exit status 3: broken"},
	} {
		replace(c.content)
		out, err := i.try("restart")
		if err == nil || !strings.Contains(out, "nothing was restarted: "+path+" is not an aitunnel that works on this machine: "+c.want) || strings.Contains(out, "fork/exec") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if s, err := i.status(); err != nil || !s.StartedAt.Equal(before.StartedAt) {
			t.Errorf("%s: the running program: %+v, %v", name, s, err)
		}
	}
	// The program at the path is started, even if it is not the file that was started before.
	if err := testhelp.WriteProgram(path+".new", binary, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	i.run("restart")
	i.stopBySignal()
}

// TestStopAndStart checks that the suggested commands suit the way in which the process was
// started.
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
