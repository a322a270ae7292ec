package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// installation is a program with a directory of its own.
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
	text := "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\nchannel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "aitunnel.hcl"), []byte(text), 0o600); err != nil {
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

// command returns a command of the program, with the configuration and state.
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

// running returns the file that the running program was started from.
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

// TestRestartAfterAnUpgrade runs the file that is at the path by which the program was
// started: behind a link the one that the link names now, and never the old one under
// its new name.
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

// TestTheFirstProcessRestartsAndStops in a container of its own: it keeps its number over
// a restart, and ends with code 0 and without leftovers on SIGTERM.
func TestTheFirstProcessRestartsAndStops(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("a namespace for processes needs root")
	}
	i := newInstallation(t, "aitunnel")
	c := i.command("unshare", "--pid", "--fork", "--mount-proc", i.program, "start", "-f")
	var said lockedBuffer
	c.Stdout, c.Stderr = &said, &said
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Skip("unshare does not run here: ", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		for _, pid := range childrenOf(c.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	program := 0
	started := func(times int) func() bool {
		return func() bool {
			select {
			case err := <-ended:
				t.Fatalf("it ended: %v\n%s", err, said.String())
			default:
			}
			if all := childrenOf(c.Process.Pid); len(all) == 1 {
				program = all[0]
			}
			return strings.Count(said.String(), "Proxy: ") == times
		}
	}
	testhelp.Eventually(t, "it serves", started(1))
	first := program
	i.run("restart")
	testhelp.Eventually(t, "it serves again", started(2))
	if program != first {
		t.Errorf("process %d is another than %d", program, first)
	}
	plugins := childrenOf(program)
	if err := syscall.Kill(program, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, said.String())
	}
	for _, pid := range plugins {
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d is left", pid)
		}
	}
	if _, err := os.Stat(filepath.Join(i.dir, "state", "control.sock")); err == nil {
		t.Error("the socket is left")
	}
}
