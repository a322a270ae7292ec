//go:build !windows

package daemon_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// An edit of a configuration that was read from a pipe is refused, with the reason and what to do.
func TestEditOfAConfigurationFromAPipe(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}, file: "pipe"}
	if err := syscall.Mkfifo(r.path(), 0o600); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	text := complete("channel \"home\" {\n  target = \"" + home.URL() + "\"\n  keys   = [\"key-home-1\"]\n}\n")
	go func() { _ = os.WriteFile(r.path(), []byte(text), 0o600) }() // returns when the daemon has read it
	r.run()
	for _, edit := range []struct{ method, path, body string }{
		{"POST", "/api/channels", `{"name":"other","target":"https://other.test","auth":"none"}`},
		{"DELETE", "/api/channels/home", ""},
		{"POST", "/api/channels/home/keys", `{"key":"key-home-2"}`},
		{"PUT", "/api/config", `{"text":""}`},
	} {
		status, _, body := r.ask(edit.method, edit.path, edit.body, "If-Match", "*")
		if status != http.StatusConflict || !strings.Contains(string(body), "not_editable") ||
			!strings.Contains(string(body), "the configuration was read from a pipe ("+r.path()+"), so it cannot be edited here: save it to a file") {
			t.Errorf("%s %s: %d %s", edit.method, edit.path, status, body)
		}
	}
	if got := r.post(chat, ask); got.status != http.StatusOK || len(home.Requests()) != 1 {
		t.Errorf("after the refused edits, a request gets %d", got.status)
	}
}
