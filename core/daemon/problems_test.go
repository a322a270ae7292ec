//go:build unix

package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestProblemsOfTheMachine: a log file that cannot be reopened, and a state directory to which
// others may write, are in the status until they are corrected.
func TestProblemsOfTheMachine(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	logs := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(logs, "a.log")
	r := start(t, fmt.Sprintf("channel \"home\" {\n target = %q\n keys = [\"sk-home-1\"]\n}\nlog {\n file = %q\n}\n", home.URL(), file))
	problem := func(code string) (found *admin.Problem) {
		for _, p := range r.status().Problems {
			if p.Code == code {
				found = &p
			}
		}
		return found
	}
	if all := r.status().Problems; len(all) > 0 {
		t.Fatalf("problems of a sound machine: %+v", all)
	}
	for _, err := range []error{os.Rename(logs, logs+".away"), os.Chmod(filepath.Join(r.dir, "state"), 0o777)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, _ = r.Reload(t.Context(), admin.CauseRequested) // looks at the log file at once
	testhelp.Eventually(t, "the log file is a problem", func() bool {
		p := problem(admin.ProblemLogMoved)
		return p != nil && p.Path == file && strings.Contains(p.Text(), "no such file")
	})
	if p := problem(admin.ProblemStateDir); p == nil || !strings.HasSuffix(p.Text(), "chmod o-w "+filepath.Join(r.dir, "state")) {
		t.Errorf("state directory: %+v", p)
	}
	for _, err := range []error{os.Mkdir(logs, 0o700), os.Chmod(filepath.Join(r.dir, "state"), 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, _ = r.Reload(t.Context(), admin.CauseRequested) // looks at the log file at once
	testhelp.Eventually(t, "the problems are over", func() bool { return len(r.status().Problems) == 0 })
}

// TestStartWithAWritableStateDirectory: it starts, and the log says how to correct it.
func TestStartWithAWritableStateDirectory(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, fmt.Sprintf("channel \"home\" {\n target = %q\n keys = [\"sk-home-1\"]\n}\n", home.URL()))
	r.stop()
	state := filepath.Join(r.dir, "state")
	if err := os.Chmod(state, 0o777); err != nil {
		t.Fatal(err)
	}
	r.run()
	testhelp.Eventually(t, "the log says so", func() bool { // it is written in the background
		return strings.Contains(r.log.String(), "others may write to the state directory "+state)
	})
}
