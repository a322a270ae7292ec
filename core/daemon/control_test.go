package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
)

// control is a client of a state directory's control socket.
func controlOf(t *testing.T, dir string) *http.Client {
	c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", control.Path(dir))
	}}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func plain(t *testing.T, dir string) daemon.Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	text := "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n token = \"token-of-the-admin-port-0001\"\n}\nchannel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return daemon.Options{ConfigPath: path, StateDir: dir, Builtin: []string{plugins}, Version: "test", LogOutput: &lockedBuffer{}}
}

// TestTheControlSocket uses a state directory whose path is too long for a socket, and a
// short one: both can be reached, although a token is set and the admin port is off.
func TestTheControlSocket(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"short": filepath.Join(t.TempDir(), "s"), "long": filepath.Join(t.TempDir(), strings.Repeat("long", 30))} {
		t.Run(name, func(t *testing.T) {
			d, err := daemon.Start(t.Context(), plain(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			path := control.Path(dir)
			if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", path, info, err)
			}
			resp, err := controlOf(t, dir).Get("http://aitunnel/api/status")
			if err != nil {
				t.Fatal(err)
			}
			var s admin.Status
			if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || s.PID != os.Getpid() || resp.Header.Get(control.VersionHeader) != "test" {
				t.Errorf("%v %+v %v", err, s, resp.Header)
			}
			_ = resp.Body.Close()
			if err := d.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			for _, left := range []string{path, filepath.Join(dir, "control.path"), filepath.Join(dir, "daemon.json")} {
				if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s still exists: %v", left, err)
				}
			}
		})
	}
}

// TestASecondDaemonNamesTheFirst: its error does, and it leaves the socket alone.
func TestASecondDaemonNamesTheFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := plain(t, dir)
	d, err := daemon.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = daemon.Start(t.Context(), o)
	var running *statefile.RunningError
	if !errors.As(err, &running) || running.Holder.PID != os.Getpid() || running.Holder.Config != o.ConfigPath || running.Holder.Version != "test" || time.Since(running.Holder.Since) > time.Hour {
		t.Fatalf("%v", err)
	}
	if h := statefile.HolderOf(dir); h == nil || h.PID != os.Getpid() {
		t.Errorf("the holder is %+v", h)
	}
	resp, err := controlOf(t, dir).Get("http://aitunnel/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if err := d.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if h := statefile.HolderOf(dir); h != nil {
		t.Errorf("after its end the holder is %+v", h)
	}
}

// TestLeftoversOfAKilledDaemon: its socket, and the lock file with its name, are removed.
func TestLeftoversOfAKilledDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "daemon.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte(`{"pid":1,"config":"old.hcl"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: control.Path(dir), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if h := statefile.HolderOf(dir); h != nil {
		t.Errorf("before the start the holder is %+v", h)
	}
	d, err := daemon.Start(t.Context(), plain(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Shutdown(t.Context()) }()
	if resp, err := controlOf(t, dir).Get("http://aitunnel/healthz"); err != nil {
		t.Error(err)
	} else {
		_ = resp.Body.Close()
	}
}

func TestStopOverTheControlSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := daemon.Start(t.Context(), plain(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	want := control.Ending{Drain: time.Minute, Restart: true}
	body, _ := json.Marshal(want)
	resp, err := controlOf(t, dir).Post("http://aitunnel"+control.PathStop, "application/json", bytes.NewReader(body))
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	if got, err := d.Wait(t.Context()); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	if err := d.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
