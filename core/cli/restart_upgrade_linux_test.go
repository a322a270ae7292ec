package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// installation is a copy of the program in its own directory, with its configuration and
// state.
type installation struct {
	*testing.T
	dir, program string
}

// newInstallation copies the program to the path, and configures it.
func newInstallation(t *testing.T, path string) *installation {
	t.Helper()
	dir, err := os.MkdirTemp("", "at")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	i := &installation{T: t, dir: dir, program: filepath.Join(dir, path)}
	if err := os.WriteFile(filepath.Join(dir, "aitunnel.hcl"), []byte(homeConfig("http://127.0.0.1:9")), 0o600); err != nil {
		t.Fatal(err)
	}
	i.copyTo(path)
	return i
}

// copyTo puts a copy of the program at a path.
func (i *installation) copyTo(path string) {
	i.Helper()
	path = filepath.Join(i.dir, path)
	from, err := exec.LookPath("aitunnel")
	if err != nil {
		i.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = testhelp.WriteProgram(path, b, 0o755)
	}
	if err != nil {
		i.Fatal(err)
	}
}

// command returns a command that uses the configuration and state.
func (i *installation) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = i.dir
	c.Env = append(os.Environ(), "HOME="+i.dir, "AITUNNEL_STATE_DIR="+filepath.Join(i.dir, "state"), "AITUNNEL_CONFIG="+filepath.Join(i.dir, "aitunnel.hcl"), "GORACE=atexit_sleep_ms=0")
	return c
}

func (i *installation) run(args ...string) string {
	i.Helper()
	out, err := i.command(i.program, args...).CombinedOutput()
	if err != nil {
		i.Fatalf("aitunnel %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// running returns the executable of the running program.
func (i *installation) running() string {
	i.Helper()
	text, err := os.ReadFile(filepath.Join(i.dir, "state", "daemon.json"))
	if err != nil {
		i.Fatal(err)
	}
	pid := 0
	_, after, _ := bytes.Cut(text, []byte(`"pid":`))
	if _, err := fmt.Fscan(bytes.NewReader(after), &pid); err != nil {
		i.Fatalf("%s: %v", text, err)
	}
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		i.Fatal(err)
	}
	return strings.TrimPrefix(exe, i.dir+"/")
}

// TestRestartAfterAnUpgrade: a restart runs the file that is now at the path by which the
// program was started, or to which a link at that path now points. It never runs the old
// file at the path to which that was moved.
func TestRestartAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	t.Run("renamed", func(t *testing.T) {
		t.Parallel()
		i := newInstallation(t, "bin/aitunnel")
		t.Cleanup(func() { _ = i.command(i.program, "stop", "--now").Run() })
		i.run("start")
		if err := os.Rename(i.program, i.program+".bak"); err != nil {
			t.Fatal(err)
		}
		i.copyTo("bin/aitunnel")
		i.run("restart")
		if got := i.running(); got != "bin/aitunnel" {
			t.Errorf("%s runs", got)
		}
	})
	t.Run("linked", func(t *testing.T) {
		t.Parallel()
		i := newInstallation(t, "1.0/aitunnel")
		i.copyTo("1.1/aitunnel")
		i.program = filepath.Join(i.dir, "bin", "aitunnel")
		link := func(version string) {
			next := i.program + ".next"
			err := os.Symlink(filepath.Join("..", version, "aitunnel"), next)
			if err == nil {
				err = os.Rename(next, i.program)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Dir(i.program), 0o755); err != nil {
			t.Fatal(err)
		}
		link("1.0")
		t.Cleanup(func() { _ = i.command(i.program, "stop", "--now").Run() })
		i.run("start")
		if got := i.running(); got != "1.0/aitunnel" {
			t.Errorf("%s runs", got)
		}
		link("1.1")
		i.run("restart")
		if got := i.running(); got != "1.1/aitunnel" {
			t.Errorf("after the restart %s runs", got)
		}
		if unit := i.run("service", "install", "--print"); !strings.Contains(unit, "ExecStart="+i.program+" ") {
			t.Errorf("the unit does not name the link:\n%s", unit)
		}
	})
}
