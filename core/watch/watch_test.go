package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sum(path string) string {
	if entries, err := os.ReadDir(path); err == nil {
		return fmt.Sprint(entries)
	}
	b, _ := os.ReadFile(path)
	return string(b)
}

// watched is a watcher of files, with what it has read.
type watched struct {
	t       *testing.T
	w       *Watcher
	paths   []string
	changes atomic.Int32
	seen    atomic.Pointer[string] // content of the first path
}

func start(t *testing.T, o Options, paths ...string) *watched {
	x := &watched{t: t, paths: paths}
	o.Sum, o.Changed, o.Notice = sum, x.read, func(m string) { t.Log(m) }
	if o.Settle == 0 {
		o.Settle = 20 * time.Millisecond
	}
	x.w = New(o)
	t.Cleanup(x.w.Close)
	x.set()
	return x
}

func (x *watched) set() {
	known := map[string]string{}
	for _, p := range x.paths {
		known[p] = sum(p)
	}
	content := known[x.paths[0]]
	x.w.Set(known)
	x.seen.Store(&content)
}

func (x *watched) read() {
	x.set()
	x.changes.Add(1)
}

func (x *watched) sees(want string) {
	x.t.Helper()
	if !testhelp.Poll(testhelp.Limit, func() bool { return *x.seen.Load() == want }) {
		x.t.Fatalf("the content is %q, not %q", *x.seen.Load(), want)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Every way of saving is noticed by events alone: with this interval nothing is compared
// without one.
func TestWaysOfSaving(t *testing.T) {
	events := Options{Poll: time.Hour}
	for name, tt := range map[string]struct {
		setup func(t *testing.T, dir string) (path string)
		save  func(t *testing.T, dir, path string)
	}{
		"in place": {
			func(t *testing.T, dir string) string { write(t, dir+"/f", "old"); return dir + "/f" },
			func(t *testing.T, _, path string) { write(t, path, "new") },
		},
		"replaced by renaming": {
			func(t *testing.T, dir string) string { write(t, dir+"/f", "old"); return dir + "/f" },
			func(t *testing.T, dir, path string) {
				write(t, dir+"/f.tmp", "new")
				must(t, os.Rename(dir+"/f.tmp", path))
			},
		},
		"truncated, then written in two pieces": {
			func(t *testing.T, dir string) string { write(t, dir+"/f", "old"); return dir + "/f" },
			func(t *testing.T, _, path string) {
				f, err := os.Create(path)
				must(t, err)
				for _, piece := range []string{"n", "ew"} {
					_, err = f.WriteString(piece)
					must(t, err)
				}
				must(t, f.Close())
			},
		},
		"removed and created again": {
			func(t *testing.T, dir string) string { write(t, dir+"/f", "old"); return dir + "/f" },
			func(t *testing.T, _, path string) {
				must(t, os.Remove(path))
				write(t, path, "new")
			},
		},
		"a link to another file": {
			func(t *testing.T, dir string) string {
				write(t, dir+"/old", "old")
				must(t, os.Symlink("old", dir+"/f"))
				return dir + "/f"
			},
			func(t *testing.T, dir, path string) {
				write(t, dir+"/new", "new")
				must(t, os.Symlink("new", dir+"/f.tmp"))
				must(t, os.Rename(dir+"/f.tmp", path))
			},
		},
		"the linked file itself, in another directory": {
			func(t *testing.T, dir string) string {
				must(t, os.Mkdir(dir+"/far", 0o700))
				write(t, dir+"/far/real", "old")
				must(t, os.Symlink("far/real", dir+"/f"))
				return dir + "/f"
			},
			func(t *testing.T, dir, _ string) { write(t, dir+"/far/real", "new") },
		},
		"as Kubernetes mounts it": {
			func(t *testing.T, dir string) string {
				must(t, os.Mkdir(dir+"/..1", 0o700))
				write(t, dir+"/..1/f", "old")
				must(t, os.Symlink("..1", dir+"/..data"))
				must(t, os.Symlink("..data/f", dir+"/f"))
				return dir + "/f"
			},
			func(t *testing.T, dir, _ string) {
				must(t, os.Mkdir(dir+"/..2", 0o700))
				write(t, dir+"/..2/f", "new")
				must(t, os.Symlink("..2", dir+"/..tmp"))
				must(t, os.Rename(dir+"/..tmp", dir+"/..data"))
				must(t, os.RemoveAll(dir+"/..1"))
			},
		},
		"the first time": {
			func(_ *testing.T, dir string) string { return dir + "/f" },
			func(t *testing.T, _, path string) { write(t, path, "new") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := tt.setup(t, dir)
			x := start(t, events, path)
			tt.save(t, dir, path)
			x.sees("new")
			write(t, dir+"/other", "x")
			if n := x.changes.Load(); n != 1 {
				t.Errorf("%d changes were reported", n)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A change without an event is found by comparing.
func TestAChangeWithoutAnEventIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "old")
	x := start(t, Options{Poll: 10 * time.Millisecond}, path)
	must(t, x.w.events.Remove(filepath.Dir(path)))
	write(t, path, "new")
	x.sees("new")
}

func TestHundredEdits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "edit 0")
	x := start(t, Options{Settle: 100 * time.Millisecond, MaxWait: time.Second}, path)
	for i := range 100 {
		write(t, path, fmt.Sprintf("edit %d", i+1))
		time.Sleep(5 * time.Millisecond) // the pace of the edits; the test waits for nothing here
	}
	x.sees("edit 100")
	if n := x.changes.Load(); n > 5 {
		t.Errorf("reported %d times", n)
	}
}

// A file that disappears is reported only if it does not reappear.
func TestMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "old")
	x := start(t, Options{Settle: 50 * time.Millisecond, MaxWait: 5 * time.Second, Poll: 10 * time.Millisecond}, path)
	must(t, os.Remove(path))
	time.Sleep(200 * time.Millisecond)
	if n := x.changes.Load(); n != 0 {
		t.Fatal("a file that was missing for a moment was reported")
	}
	write(t, path, "new")
	x.sees("new")
	short := start(t, Options{MaxWait: 30 * time.Millisecond, Poll: 10 * time.Millisecond}, path)
	must(t, os.Remove(path))
	short.sees(Gone)
}

// A file that was empty when it was read does not delay the change of another one.
func TestEmptyFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/f", "old")
	write(t, dir+"/empty", "")
	x := start(t, Options{MaxWait: time.Hour}, dir+"/f", dir+"/empty")
	write(t, dir+"/f", "new")
	x.sees("new")
}

// A change while Changed runs is not lost.
func TestChangeDuringChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "1")
	x := start(t, Options{Poll: time.Hour}, path)
	var once atomic.Bool
	x.w.options.Changed = func() {
		x.read()
		if once.CompareAndSwap(false, true) {
			write(t, path, "3")
		}
	}
	write(t, path, "2")
	x.sees("3")
}
