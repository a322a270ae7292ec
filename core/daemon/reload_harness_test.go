package daemon_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// byHand is for tests that reload explicitly.
const byHand = "hot_reload = false\n"

func (r *running) path() string { return filepath.Join(r.dir, cmp.Or(r.file, config.FileName)) }

// save writes the configuration, as start does, by renaming a file over it.
func (r *running) save(config string) {
	r.t.Helper()
	saveOver(r.t, r.path(), complete(config))
}

func saveOver(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// command sends a POST request to the admin API, and returns the status of the answer.
func (r *running) command(path string, into any) int {
	r.t.Helper()
	resp, err := r.controlClient().Post("http://aitunnel"+path, "application/json", strings.NewReader("{}"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		r.t.Fatalf("POST %s: %v: %s", path, err, b)
	}
	return resp.StatusCode
}

// reload applies the saved configuration, which must be possible.
func (r *running) reload() (out admin.Reload) {
	r.t.Helper()
	if status := r.command("/api/config/reload", &out); status != http.StatusOK || !out.OK {
		r.t.Fatalf("the reload failed: %d %+v", status, out)
	}
	return out
}

// refused is the answer to a request that is refused.
type refused struct {
	Error struct {
		Message, Code string
	}
	Diags []struct {
		Severity, Summary, Detail, File string
		Line                            int
	} `json:"diagnostics"`
	Generation uint64
}

// generation returns the number of the current generation.
func (r *running) generation() uint64 {
	var status admin.Status
	r.adminGet("/api/status", &status)
	return status.Generation
}

// applied returns how many events report a reload that changed something.
func (r *running) applied() (n int) {
	for _, e := range r.events() {
		if e.Type == event.TypeReload && strings.HasPrefix(e.Message, "generation ") {
			n++
		}
	}
	return n
}

// freePort returns an address that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// again stops the daemon, and starts another one with its state and configuration.
func (r *running) again() *running {
	r.t.Helper()
	r.stop()
	next := &running{t: r.t, log: r.log, dir: r.dir, time: r.time, roots: r.roots}
	next.run()
	return next
}

// one returns a configuration of a single channel.
func one(url, more string) string {
	return fmt.Sprintf("channel \"a\" {\n target = %q\n keys = [\"key-of-a-1\", \"key-of-a-2\"]\n}\n%s", url, more)
}
