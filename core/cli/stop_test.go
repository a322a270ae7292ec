//go:build linux

package cli

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// stopTime is more than the two seconds that a stop may take, for slow machines, and
// less than what any of the states below would last.
const stopTime = 6 * time.Second

// stopTrial is a program that is to be stopped at once, in a directory of its own.
type stopTrial struct {
	t       *testing.T
	dir     string
	program string // what is started, and what a restart starts: see replace
	site    string // accepts requests, and does not answer
	itself  string // the script of program at first
	sleep   string // the command of what hangs, unlike that of any other trial
}

// trials counts them.
var trials atomic.Int32

const stopConfig = "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\nchannel \"home\" {\n target = \"http://%s\"\n auth = \"none\"\n}\n"

const hangingPlugin = "plugin \"acme\" {}\nroute \"/**\" {\n channels = [channel.home]\n strategy \"acme/backwards\" {}\n}\n"

// newStopTrial has a plugin acme, which hangs when hang was called.
func newStopTrial(t *testing.T) *stopTrial {
	t.Helper()
	s := &stopTrial{t: t, dir: t.TempDir(), sleep: fmt.Sprintf("sleep 1%d%03d", os.Getpid(), trials.Add(1))}
	self, acme := s.look("aitunnel"), s.look("aitunnel-plugin-acme")
	s.program = filepath.Join(s.dir, "aitunnel")
	s.itself = "exec -a " + s.program + " " + self + ` "$@"`
	s.replace(s.itself)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.site = l.Addr().String()
	s.write("aitunnel-plugin-acme", 0o755, "#!/bin/sh\n[ -e "+s.path("hang")+" ] && exec "+s.sleep+"\nexec "+acme+"\n")
	s.configure("")
	return s
}

func (s *stopTrial) look(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *stopTrial) path(name string) string { return filepath.Join(s.dir, name) }
func (s *stopTrial) state() string           { return s.path("state") }

func (s *stopTrial) write(name string, mode os.FileMode, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
}

// replace makes the program a script.
func (s *stopTrial) replace(script string) {
	s.t.Helper()
	s.write("aitunnel.new", 0o755, "#!/bin/bash\n"+script+"\n")
	if err := os.Rename(s.path("aitunnel.new"), s.program); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stopTrial) configure(more string) {
	s.t.Helper()
	s.write("aitunnel.hcl", 0o600, "hot_reload = false\n"+fmt.Sprintf(stopConfig, s.site)+more)
}

func (s *stopTrial) hang() {
	s.t.Helper()
	s.write("hang", 0o600, "")
}

// command returns one of the program, whose processes are a session of their own.
func (s *stopTrial) command(args ...string) *exec.Cmd {
	program := s.look("aitunnel")
	if args[0] == "start" {
		program = s.program
	}
	c := exec.Command(program, append(args, "-c", s.path("aitunnel.hcl"), "--state-dir", s.state())...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return c
}

func (s *stopTrial) run(args ...string) {
	s.t.Helper()
	if out, err := s.command(args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", args, err, out)
	}
}

// begin starts a command, which is not waited for.
func (s *stopTrial) begin(args ...string) *exec.Cmd {
	s.t.Helper()
	c := s.command(args...)
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = c.Wait() }()
	s.t.Cleanup(func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	return c
}

// serve starts the program, and waits until it serves.
func (s *stopTrial) serve(args ...string) {
	s.t.Helper()
	s.begin(args...)
	testhelp.Eventually(s.t, "it serves", func() bool {
		_, err := (&command.Env{StateDir: s.state()}).Client().Status(s.t.Context())
		return err == nil
	})
}

// ask sends a request that is not answered.
func (s *stopTrial) ask() {
	s.t.Helper()
	client := (&command.Env{StateDir: s.state()}).Client()
	st, err := client.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	go func() {
		if resp, err := http.Get("http://" + st.Listen + "/v1/models"); err == nil {
			_ = resp.Body.Close()
		}
	}()
	testhelp.Eventually(s.t, "a request is in flight", func() bool {
		st, err := client.Status(s.t.Context())
		return err == nil && st.Active == 1
	})
}

// processes returns those of the trial whose command line has a part: they name its
// directory, or are in it, or sleep as it says.
func (s *stopTrial) processes(part string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range files {
		text, _ := os.ReadFile(path)
		line := strings.ReplaceAll(string(text), "\x00", " ")
		dir, _ := os.Readlink(filepath.Join(filepath.Dir(path), "cwd"))
		if (strings.Contains(line, s.dir) || strings.HasPrefix(dir, s.dir) || strings.Contains(line, s.sleep)) && strings.Contains(line, part) {
			found = append(found, filepath.Base(filepath.Dir(path))+" "+line)
		}
	}
	return found
}

func (s *stopTrial) hangs(part string) {
	s.t.Helper()
	testhelp.Eventually(s.t, "it hangs", func() bool { return len(s.processes(part)) > 0 })
}

// holder returns the process that has the state directory.
func (s *stopTrial) holder() int {
	s.t.Helper()
	h := statefile.HolderOf(s.state())
	if h == nil || h.PID == 0 {
		s.t.Fatal("nobody has the state directory")
	}
	return h.PID
}

// stopStates are what the program may be doing when it is to stop at once.
var stopStates = map[string]func(*stopTrial){
	"starting": func(s *stopTrial) {
		s.run("plugin", "install", s.path("aitunnel-plugin-acme"))
		s.configure(hangingPlugin)
		s.hang()
		s.begin("start", "-f")
		s.hangs(s.sleep)
	},
	"starting in the background": func(s *stopTrial) {
		s.run("plugin", "install", s.path("aitunnel-plugin-acme"))
		s.configure(hangingPlugin)
		s.hang()
		s.begin("start")
		s.hangs(s.sleep)
	},
	"serving": func(s *stopTrial) {
		s.serve("start", "-f")
		s.ask()
	},
	"with a plugin that hangs": func(s *stopTrial) {
		s.serve("start", "-f")
		for _, p := range s.processes(command.BuiltinArg) {
			pid, _, _ := strings.Cut(p, " ")
			n, _ := strconv.Atoi(pid)
			_ = syscall.Kill(n, syscall.SIGSTOP)
		}
	},
	"draining": func(s *stopTrial) {
		s.serve("start", "-f")
		s.ask()
		s.begin("stop")
		testhelp.Eventually(s.t, "it stops", func() bool {
			st, err := (&command.Env{StateDir: s.state()}).Client().Status(s.t.Context())
			return err == nil && st.Status == "stopping"
		})
	},
	"reloading": func(s *stopTrial) {
		s.run("plugin", "install", s.path("aitunnel-plugin-acme"))
		s.serve("start", "-f")
		s.configure(hangingPlugin)
		s.hang()
		s.begin("reload")
		s.hangs(s.sleep)
	},
	"trying the program for a restart": func(s *stopTrial) {
		s.run("start")
		s.replace(s.sleep + "; true")
		s.begin("restart")
		s.hangs(s.sleep)
	},
	"waiting for the new process": func(s *stopTrial) {
		s.run("start")
		s.ask()
		s.replace("[ \"$1\" = start ] && { trap '' INT; exec " + s.sleep + "; }; " + s.itself)
		s.begin("restart")
		s.hangs(s.sleep)
	},
	"draining after a restart": func(s *stopTrial) {
		s.run("start")
		s.ask()
		s.run("restart")
	},
	"draining for a restart in its place": func(s *stopTrial) {
		s.serve("start", "-f")
		s.ask()
		s.begin("restart")
		testhelp.Eventually(s.t, "it stops", func() bool {
			st, err := (&command.Env{StateDir: s.state()}).Client().Status(s.t.Context())
			return err == nil && st.Status == "stopping"
		})
	},
}

// stopWays are how to stop it at once.
var stopWays = map[string]func(*stopTrial){
	"stop --now": func(s *stopTrial) {
		s.run("stop", "--now")
	},
	"two signals": func(s *stopTrial) {
		pid := s.holder()
		_ = syscall.Kill(pid, syscall.SIGTERM)
		_ = syscall.Kill(pid, syscall.SIGINT) // two of a kind may arrive as one
	},
}

// TestStopAtOnceInEveryState: within two seconds, whatever the program is doing, and
// nothing is left of it. The short form tries each state in one of the ways.
func TestStopAtOnceInEveryState(t *testing.T) {
	t.Parallel()
	states, ways := slices.Sorted(maps.Keys(stopStates)), slices.Sorted(maps.Keys(stopWays))
	for i, state := range states {
		for j, way := range ways {
			if !testhelp.LongForm() && i%len(ways) != j {
				continue
			}
			enter, stop := stopStates[state], stopWays[way]
			t.Run(state+"/"+way, func(t *testing.T) {
				t.Parallel()
				s := newStopTrial(t)
				enter(s)
				began := time.Now()
				stop(s)
				testhelp.Eventually(t, "the state directory is free", func() bool { return statefile.HolderOf(s.state()) == nil })
				took := time.Since(began)
				if t.Logf("it took %s", took); took > stopTime {
					t.Errorf("it took %s", took)
				}
				testhelp.Eventually(t, "nothing is left", func() bool {
					left := s.processes("")
					if time.Since(began) > stopTime*2 {
						t.Fatalf("left: %q", left)
					}
					return len(left) == 0
				})
			})
		}
	}
}

// TestInterruptedStart: a start in the background that is interrupted leaves no process
// behind, even if that ignores signals.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	for name, ignore := range map[string]string{"which ends": "", "which ignores signals": "trap '' INT TERM; "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStopTrial(t)
			s.replace(`case "$*" in *--` + detachedFlag + "*) " + ignore + "exec " + s.sleep + ";; esac\n" + s.itself)
			c := s.command("start")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			s.hangs(s.sleep)
			_ = c.Process.Signal(os.Interrupt)
			_ = c.Wait()
			if left := s.processes(""); len(left) > 0 || c.ProcessState.Success() {
				t.Errorf("%s; left: %q", c.ProcessState, left)
			}
		})
	}
}
