package history

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// TestANetworkFileSystem: there is no write-ahead log, and one message says so.
func TestANetworkFileSystem(t *testing.T) {
	t.Parallel()
	r := &rig{t: t, dir: t.TempDir()}
	r.Store = Start(Options{
		Dir: r.dir, remote: func(string) (string, bool) { return "NFS", true },
		Report: func(_ event.Level, m string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.messages = append(r.messages, m)
		},
	})
	t.Cleanup(r.stop)
	r.Configure(Settings{Enabled: true, Keep: time.Hour, MaxSize: 1 << 30, Zone: zone})
	for _, id := range []string{"req_1", "req_2"} {
		r.Add(time.Now(), one(id))
		r.flush()
	}
	page, err := r.reader().Requests(t.Context(), Filter{}, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what is kept", ids(page.Records), []string{"req_2", "req_1"})
	if n := r.said("network file system (NFS)"); n != 1 {
		t.Errorf("it was reported %d times: %q", n, r.messages)
	}
	mode := ""
	scan(t, r.file.Load().writing, "PRAGMA journal_mode", &mode)
	if mode != "truncate" {
		t.Errorf("the journal is %q", mode)
	}
	for _, end := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(filepath.Join(r.dir, FileName+end)); err == nil {
			t.Errorf("there is a file %s", end)
		}
	}
}
