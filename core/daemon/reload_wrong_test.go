package daemon_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// An invalid edit of each kind changes nothing and is reported with its place in the log,
// the status and an event. The next valid edit is applied.
func TestInvalidEditsChangeNothing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	s := site(t, "a")
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	good := fmt.Sprintf("channel \"a\" {\n target = %q\n weight = 1\n keys = [file(\"key.txt\")]\n}\nproxy {\n listen = \"127.0.0.1:0\"\n}\n"+
		"admin {\n listen = \"127.0.0.1:0\"\n}\nroute \"/**\" {\n channels = [channel.a]\n strategy \"priority\" {}\n}\nlog {\n level = \"debug\"\n}\n\n\n", s.URL())
	must(t, os.WriteFile(r.dir+"/key.txt", []byte("key-of-a-file\n"), 0o600))
	r.save(good)
	r.run()
	before := r.AdminAddr()
	weight := 1.0
	for name, edit := range map[string]struct {
		wrong func(t *testing.T, dir, good string) // does it
		line  int                                  // of the diagnostic; 0 if it is about a whole file
		says  string
	}{
		"syntax": {
			func(t *testing.T, dir, good string) { saveOver(t, dir+"/aitunnel.hcl", "route {{\n"+good) }, 1, "",
		},
		"unknown channel": {
			appending("route \"/x\" {\n channels = [channel.unknown]\n}\n"), 22, "unknown",
		},
		"the plugin refuses the block": {
			replacing(`strategy "priority" {}`, `strategy "sticky" { on = ["nonsense"] }`), 14, "nonsense",
		},
		"the plugin does not start": {
			appending("plugin \"broken\" {\n path = \"/bin/false\"\n}\nroute \"/x\" {\n channels = [channel.a]\n strategy \"broken/x\" {}\n}\n"), -1, "broken",
		},
		"port taken": {
			replacing(`listen = "127.0.0.1:0"`, fmt.Sprintf("listen = %q", taken.Addr())), -1, "in use",
		},
		"missing env": {
			replacing(`file("key.txt")`, `env("NOBODY_SETS_THIS")`), 4, "NOBODY_SETS_THIS",
		},
		"unreadable file": {func(t *testing.T, dir, _ string) {
			must(t, os.Remove(dir+"/key.txt"))
			must(t, os.Mkdir(dir+"/key.txt", 0o700))
		}, 4, "key.txt"},
		"key file missing": {func(t *testing.T, dir, _ string) {
			must(t, os.Remove(dir+"/key.txt"))
		}, 4, "key.txt"},
		"empty file": {func(t *testing.T, dir, _ string) {
			saveOver(t, dir+"/aitunnel.hcl", "")
		}, 0, ""},
		"half-written file": {func(t *testing.T, dir, good string) {
			must(t, os.WriteFile(dir+"/aitunnel.hcl", []byte(good[:len(good)/2]), 0o600))
		}, -1, ""},
		"configuration missing": {func(t *testing.T, dir, _ string) {
			must(t, os.Remove(dir+"/aitunnel.hcl"))
		}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			generation, logged := r.generation(), len(r.log.String())
			edit.wrong(t, r.dir, good)

			var last *admin.Reload
			testhelp.Eventually(t, "the error is reported", func() bool {
				var status admin.Status
				r.adminGet("/api/status", &status)
				last = status.LastReload
				return last != nil && !last.OK
			})
			if len(last.Diags) == 0 {
				t.Fatalf("no diagnostics: %+v", last)
			}
			text := fmt.Sprintf("%+v", last.Diags)
			if !strings.Contains(text, edit.says) {
				t.Errorf("the diagnostic is %s", text)
			}
			if edit.line > 0 && last.Diags[0].Line != edit.line || edit.line < 0 && last.Diags[0].Line == 0 {
				t.Errorf("at line %d: %s", last.Diags[0].Line, text)
			}
			if edit.line != 0 && filepath.Base(last.Diags[0].File) != "aitunnel.hcl" {
				t.Errorf("in %q", last.Diags[0].File)
			}
			testhelp.Eventually(t, "the log has the error", func() bool {
				return strings.Contains(r.log.String()[logged:], "not applied, the previous configuration stays in use (a file was saved)")
			})
			if r.generation() != generation || r.AdminAddr() != before {
				t.Error("something was changed")
			}
			if got := r.post(chat, ask); got.status != 200 || seen(s)[s.Count()-1] != "key-of-a-file" {
				t.Errorf("a request after it: %+v", got)
			}

			_ = os.Remove(r.dir + "/key.txt") // if it is a directory
			must(t, os.WriteFile(r.dir+"/key.txt", []byte("key-of-a-file\n"), 0o600))
			weight++
			r.save(strings.Replace(good, "weight = 1", fmt.Sprintf("weight = %g", weight), 1))
			testhelp.Eventually(t, "the valid edit is applied", func() bool { return r.channel("a").Weight == weight })
			if r.generation() == generation {
				t.Errorf("generation %d", r.generation())
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func appending(more string) func(t *testing.T, dir, good string) {
	return func(t *testing.T, dir, good string) { saveOver(t, dir+"/aitunnel.hcl", good+more) }
}

func replacing(old, with string) func(t *testing.T, dir, good string) {
	return func(t *testing.T, dir, good string) {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the configuration", old)
		}
		saveOver(t, dir+"/aitunnel.hcl", strings.Replace(good, old, with, 1))
	}
}
