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

// maxStop is longer than the two seconds that a stop may take, for slow machines, and
// shorter than any of the states below would last.
const maxStop = 6 * time.Second

// stopTrial is a program that will be stopped at once, in its own directory.
type stopTrial struct {
	t       *testing.T
	dir     string
	program string // the path of what a start and a restart run, see replace
	site    string // the address of a site that does not answer
	script  string // the original script at the path program
	sleep   string // a command that hangs, unique to the trial
}

// trials is the number of trials so far.
var trials atomic.Int32

const stopConfig = "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\nchannel \"home\" {\n target = \"http://%s\"\n auth = \"none\"\n}\n"

const hangingPlugin = "plugin \"acme\" {}\nroute \"/**\" {\n channels = [channel.home]\n strategy \"acme/backwards\" {}\n}\n"

// newStopTrial returns a trial with the plugin acme, which hangs at its start once hang was
// called.
func newStopTrial(t *testing.T) *stopTrial {
	t.Helper()
	s := &stopTrial{t: t, dir: t.TempDir(), sleep: fmt.Sprintf("sleep 1%d%03d", os.Getpid(), trials.Add(1))}
	self, acme := s.look("aitunnel"), s.look("aitunnel-plugin-acme")
	s.program = filepath.Join(s.dir, "aitunnel")
	s.script = "exec -a " + s.program + " " + self + ` "$@"`
	s.replace(s.script)
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

// replace replaces the program by a script.
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

// command returns a command of the program. Its processes are in their own session.
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

// begin starts a command without waiting for its end.
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
	testhelp.Eventually(s.t, "the program serves", func() bool {
		_, err := (&command.Env{StateDir: s.state()}).Client().Status(s.t.Context())
		return err == nil
	})
}

// sendRequest sends a request, which is not answered.
func (s *stopTrial) sendRequest() {
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

// processes returns the processes of the trial whose command line contains a text. A process
// belongs to the trial if its command line has the directory or the sleep command of the trial,
// or its working directory is in that directory.
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

// awaitHang waits until the sleep command runs.
func (s *stopTrial) awaitHang() {
	s.t.Helper()
	testhelp.Eventually(s.t, "something hangs", func() bool { return len(s.processes(s.sleep)) > 0 })
}

// holder returns the PID of the daemon that uses the state directory.
func (s *stopTrial) holder() int {
	s.t.Helper()
	h := statefile.HolderOf(s.state())
	if h == nil || h.PID == 0 {
		s.t.Fatal("no daemon uses the state directory")
	}
	return h.PID
}

// stopStates are the states in which the program is stopped.
var stopStates = map[string]func(*stopTrial){
	"starting": func(s *stopTrial) {
		s.run("plugin", "install", s.path("aitunnel-plugin-acme"))
		s.configure(hangingPlugin)
		s.hang()
		s.begin("start", "-f")
		s.awaitHang()
	},
	"starting in the background": func(s *stopTrial) {
		s.run("plugin", "install", s.path("aitunnel-plugin-acme"))
		s.configure(hangingPlugin)
		s.hang()
		s.begin("start")
		s.awaitHang()
	},
	"serving": func(s *stopTrial) {
		s.serve("start", "-f")
		s.sendRequest()
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
		s.sendRequest()
		s.begin("stop")
		testhelp.Eventually(s.t, "the program is stopping", func() bool {
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
		s.awaitHang()
	},
	"trying the program for a restart": func(s *stopTrial) {
		s.run("start")
		s.replace(s.sleep + "; true")
		s.begin("restart")
		s.awaitHang()
	},
	"waiting for the new process": func(s *stopTrial) {
		s.run("start")
		s.sendRequest()
		s.replace("[ \"$1\" = start ] && { trap '' INT; exec " + s.sleep + "; }; " + s.script)
		s.begin("restart")
		s.awaitHang()
	},
	"draining after a restart": func(s *stopTrial) {
		s.run("start")
		s.sendRequest()
		s.run("restart")
	},
	"draining for a restart in place": func(s *stopTrial) {
		s.serve("start", "-f")
		s.sendRequest()
		s.begin("restart")
		testhelp.Eventually(s.t, "the program is stopping", func() bool {
			st, err := (&command.Env{StateDir: s.state()}).Client().Status(s.t.Context())
			return err == nil && st.Status == "stopping"
		})
	},
}

// stopWays are the ways to stop it at once.
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

// TestStopAtOnceInEveryState: the program stops within two seconds, whatever it is doing, and
// no process is left. The short form tries one way for each state.
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
				if t.Logf("the stop took %s", took); took > maxStop {
					t.Errorf("the stop took %s", took)
				}
				testhelp.Eventually(t, "no process is left", func() bool {
					left := s.processes("")
					if time.Since(began) > maxStop*2 {
						t.Fatalf("left: %q", left)
					}
					return len(left) == 0
				})
			})
		}
	}
}

// TestInterruptedStart leaves no process in the background, even if that ignores signals.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	for name, ignore := range map[string]string{"the process ends": "", "the process ignores signals": "trap '' INT TERM; "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStopTrial(t)
			s.replace(`case "$*" in *--` + detachedFlag + "*) " + ignore + "exec " + s.sleep + ";; esac\n" + s.script)
			c := s.command("start")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			s.awaitHang()
			_ = c.Process.Signal(os.Interrupt)
			_ = c.Wait()
			if left := s.processes(""); len(left) > 0 || c.ProcessState.Success() {
				t.Errorf("%s; left: %q", c.ProcessState, left)
			}
		})
	}
}
