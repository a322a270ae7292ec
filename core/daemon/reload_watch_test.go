package daemon_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// weighted returns a configuration whose weight identifies an edit.
func weighted(url string, weight int) string {
	return complete(fmt.Sprintf("channel \"a\" {\n target = %q\n auth = \"none\"\n weight = %d\n}\n", url, weight))
}

// However an editor saves, the change is applied once.
func TestWaysOfSavingAreSeenOnce(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		setup func(t *testing.T, path string)
		save  func(t *testing.T, path, content string)
	}{
		"in place": {nil, func(t *testing.T, path, content string) {
			must(t, os.WriteFile(path, []byte(content), 0o600))
		}},
		"renamed over": {nil, func(t *testing.T, path, content string) { saveOver(t, path, content) }},
		"truncated, then written in pieces": {nil, func(t *testing.T, path, content string) {
			f, err := os.Create(path)
			must(t, err)
			for half := range strings.SplitAfterSeq(content, "weight") {
				time.Sleep(20 * time.Millisecond) // a slow editor
				_, err = f.WriteString(half)
				must(t, err)
			}
			must(t, f.Close())
		}},
		"moved to a backup, then written": {nil, func(t *testing.T, path, content string) {
			must(t, os.Rename(path, path+"~"))
			must(t, os.WriteFile(path, []byte(content), 0o600))
		}},
		"a symbolic link swapped": {func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".v1"))
			must(t, os.Symlink(path+".v1", path))
		}, func(t *testing.T, path, content string) {
			must(t, os.WriteFile(path+".v2", []byte(content), 0o600))
			must(t, os.Symlink(path+".v2", path+".link"))
			must(t, os.Rename(path+".link", path))
		}},
		"the same content with an older time": {nil, func(t *testing.T, path, content string) {
			must(t, os.WriteFile(path, []byte(content), 0o600))
			old := time.Now().Add(-48 * time.Hour)
			must(t, os.Chtimes(path, old, old))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site(t, "a")
			r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
			r.save(weighted(s.URL(), 1))
			if way.setup != nil {
				way.setup(t, r.path())
			}
			r.run()
			for weight := 2; weight <= 4; weight++ {
				way.save(t, r.path(), weighted(s.URL(), weight))
				testhelp.Eventually(t, "the edit is applied", func() bool { return r.channel("a").Weight == float64(weight) })
				if way.setup != nil {
					break // its link is made once
				}
			}
			want := int(r.channel("a").Weight) - 1
			r.settled()
			if n := r.applied() - 2; n != want {
				t.Errorf("%d edits were applied %d times", want, n)
			}
			for _, e := range r.events() {
				if e.Type == event.TypeReload && e.Level != "info" {
					t.Errorf("unexpected event: %s", e.Message)
				}
			}
		})
	}
}

// settled makes two edits and returns when both have been applied: every earlier edit has
// then been applied too.
func (r *running) settled() {
	r.t.Helper()
	content, err := os.ReadFile(r.path())
	must(r.t, err)
	before := r.applied()
	must(r.t, os.WriteFile(r.path(), append(content, "\nretry {\n max_retries = 7\n}\n"...), 0o600))
	testhelp.Eventually(r.t, "the last edit is applied", func() bool { return r.applied() > before })
	must(r.t, os.WriteFile(r.path(), content, 0o600))
	testhelp.Eventually(r.t, "the last edit is undone", func() bool { return r.applied() > before+1 })
}

// Of a hundred edits in a second the last one counts, and there are few reloads.
func TestAHundredEditsCauseFewReloads(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	r := start(t, weighted(s.URL(), 1000))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range 100 {
		<-tick.C
		r.save(weighted(s.URL(), i+1))
	}
	testhelp.Eventually(t, "the last edit is applied", func() bool { return r.channel("a").Weight == 100 })
	if n := r.applied(); n > 10 {
		t.Errorf("100 edits were applied %d times", n)
	}
}

// Everything that a configuration reads is watched: files of variables, of file(), of
// env_file, and new files of a directory.
func TestWhatAConfigurationReadsIsWatched(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	write := func(name, content string) { saveOver(t, r.dir+"/aitunnel.hcl/"+name, content) }
	must(t, os.Mkdir(r.path(), 0o700))
	write("main.hcl", complete(fmt.Sprintf("env_file = \".env\"\nchannel \"a\" {\n target = %q\n weight = var.weight\n keys = [file(\"key\"), env(\"KEY_TWO\")]\n}\n", s.URL())))
	write("variables.hcl", "variable \"weight\" {\n default = 1\n}\n")
	write("key", "key-of-file-1\n")
	write(".env", "KEY_TWO=key-of-env-1\n")
	r.run()
	twice := func() string {
		r.post(chat, ask)
		r.post(chat, ask)
		all := seen(s)
		return strings.Join(all[len(all)-2:], " ")
	}
	if got := twice(); got != "key-of-file-1 key-of-env-1" {
		t.Fatalf("before any edit: %s", got)
	}
	write("key", "key-of-file-2\n")
	testhelp.Eventually(t, "the file's new content is used", func() bool { return strings.Contains(twice(), "key-of-file-2") })
	write(".env", "KEY_TWO=key-of-env-2\n")
	testhelp.Eventually(t, "the environment's new value is used", func() bool { return strings.Contains(twice(), "key-of-env-2") })
	write("variables.hcl", "variable \"weight\" {\n default = 2\n}\n")
	testhelp.Eventually(t, "the variable's new value is used", func() bool { return r.channel("a").Weight == 2 })
	write("more.hcl", fmt.Sprintf("channel \"b\" {\n target = %q\n auth = \"none\"\n}\n", s.URL()))
	testhelp.Eventually(t, "the new file is read", func() bool { return strings.Contains(string(r.adminGet("/api/channels", nil)), `"name":"b"`) })
	must(t, os.Remove(r.path()+"/more.hcl"))
	testhelp.Eventually(t, "the removal of the file is noticed", func() bool { return !strings.Contains(string(r.adminGet("/api/channels", nil)), `"name":"b"`) })
}

// The warning that others can read the keys follows the file's mode, without an edit.
func TestTheModeOfTheFileIsWatched(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	r := start(t, complete(fmt.Sprintf("channel \"a\" {\n target = %q\n keys = [\"sk-1234567890\"]\n}\n", s.URL())))
	warned := func() bool {
		return strings.Contains(string(r.adminGet("/api/status", nil)), "Others can read the keys")
	}
	for _, mode := range []os.FileMode{0o644, 0o600} {
		must(t, os.Chmod(r.path(), mode))
		testhelp.Eventually(t, fmt.Sprintf("there is a warning exactly if mode %o lets others read", mode), func() bool { return warned() == (mode != 0o600) })
	}
}

// With hot_reload = false nothing is watched, and only requested reloads are made. Watching
// starts when a reload sets hot_reload = true.
func TestHotReloadCanBeSwitched(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	r := start(t, byHand+weighted(s.URL(), 1))
	r.save(byHand + weighted(s.URL(), 2))
	r.reload()
	if w := r.channel("a").Weight; w != 2 {
		t.Fatalf("weight %v", w)
	}
	r.save(weighted(s.URL(), 3))
	r.reload()
	r.save(weighted(s.URL(), 4))
	testhelp.Eventually(t, "a saved edit is applied", func() bool { return r.channel("a").Weight == 4 })
	r.save(byHand + weighted(s.URL(), 5))
	testhelp.Eventually(t, "an edit ends the watching", func() bool { return r.channel("a").Weight == 5 })
	r.save(byHand + weighted(s.URL(), 6))
	r.reload()
	r.save(weighted(s.URL(), 7))
	r.reload()
	if w := r.channel("a").Weight; w != 7 {
		t.Fatalf("weight %v", w)
	}
}
