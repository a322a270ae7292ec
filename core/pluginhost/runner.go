package pluginhost

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// drainTime is how long the pipes of an ended process stay open, so that its last output is
// read.
const drainTime = 500 * time.Millisecond

// runner runs a plugin's process for go-plugin. It replaces go-plugin's own runner, which
// passes the host's standard input to the process, signals the process but not its group,
// and fails on output before the handshake.
type runner struct {
	cmd      *exec.Cmd
	dir      string            // private directory of the socket
	onOutput func(line string) // output that is not the handshake

	stdout, stderr *os.File
	stderrRead     chan struct{} // closed when all of stderr has been read
	stderrOnce     sync.Once
	handshake      *io.PipeReader
	version        atomic.Int64 // the plugin's protocol version, 0 before the handshake

	mu     sync.Mutex
	killed bool
	ended  bool
	done   chan struct{} // closed when the process has ended
	result error
}

func newRunner(path string, args []string, onOutput func(string)) *runner {
	cmd := exec.Command(path, args...)
	if runtime.GOOS != "windows" {
		cmd.Dir = "/" // a plugin must not depend on where the host was started
	}
	cmd.SysProcAttr = sysProcAttr()
	return &runner{cmd: cmd, onOutput: onOutput, done: make(chan struct{}), stderrRead: make(chan struct{})}
}

// prepare sets the environment and the socket directory. It is called before Start.
func (r *runner) prepare(env []string, dir string) { r.cmd.Env, r.dir = env, dir }

// Start starts the process. The goroutine that does so stays on its thread until the process
// has ended, since Linux sends the parent-death signal when the thread that forked ends.
func (r *runner) Start(context.Context) error {
	stdout, stdoutW, err := os.Pipe()
	if err != nil {
		return err
	}
	stderr, stderrW, err := os.Pipe()
	if err != nil {
		_, _ = stdout.Close(), stdoutW.Close()
		return err
	}
	r.stdout, r.stderr = stdout, stderr
	r.cmd.Stdout, r.cmd.Stderr = stdoutW, stderrW
	started := make(chan error)
	go r.run(started)
	err = <-started
	_, _ = stdoutW.Close(), stderrW.Close()
	if err != nil {
		r.closePipes()
		return err
	}
	var w *io.PipeWriter
	r.handshake, w = io.Pipe()
	go r.readStdout(w)
	return nil
}

func (r *runner) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := r.startProcess()
	started <- err
	if err != nil {
		return
	}
	err = r.cmd.Wait()
	r.mu.Lock()
	r.result, r.ended = err, true
	killGroup(r.cmd.Process) // its remaining children
	r.mu.Unlock()
	close(r.done)
	time.AfterFunc(drainTime, r.closePipes)
}

func (r *runner) startProcess() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed {
		return context.Canceled
	}
	return r.cmd.Start()
}

func (r *runner) closePipes() {
	_ = r.stdout.Close()
	_ = r.stderr.Close()
}

// kill kills the process and its group, even if it is suspended. A process that has not
// started yet will not start.
func (r *runner) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed = true
	if r.started() && !r.ended {
		killGroup(r.cmd.Process)
	}
}

func (r *runner) started() bool { return r.cmd.Process != nil }

// exit waits for the end of the process and briefly for its last output, and returns its
// exit status.
func (r *runner) exit() string {
	<-r.done
	select {
	case <-r.stderrRead:
	case <-time.After(drainTime):
	}
	if r.result == nil {
		return "exit status 0"
	}
	return r.result.Error()
}

// handshakeLine matches go-plugin's handshake: its own version, ours, network, address and
// more, separated by "|". Output before it on the same line is ignored. An address may
// contain spaces.
var handshakeLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`1\|(\d+)\|(?:unix|tcp)\|[^|]+(?:\|\S*)?$`) })

// readStdout passes the handshake to go-plugin, if it is for our protocol version. The rest
// is ordinary output.
func (r *runner) readStdout(w *io.PipeWriter) {
	defer func() { _ = w.Close() }()
	out := &lines{}
	out.handle = func(line string) {
		m := handshakeLine().FindStringSubmatch(line)
		if m == nil || r.version.Load() != 0 {
			r.onOutput(line)
			return
		}
		version, _ := strconv.Atoi(m[1])
		r.version.Store(int64(version))
		if version == wire.Protocol {
			_, _ = io.WriteString(w, m[0]+"\n") // fails if go-plugin no longer reads it
		} else {
			_ = w.Close()
		}
	}
	_, _ = io.Copy(out, bufio.NewReader(r.stdout))
	out.flush()
}

// Wait and the methods below implement go-plugin's runner.
func (r *runner) Wait(context.Context) error { <-r.done; return r.result }

// Kill kills the process and its group.
func (r *runner) Kill(context.Context) error { r.kill(); return nil }

// Stdout returns the handshake.
func (r *runner) Stdout() io.ReadCloser { return r.handshake }

// Stderr returns the process's standard error.
func (r *runner) Stderr() io.ReadCloser { return &stderr{r.stderr, r} }

// stderr signals when it was read to its end.
type stderr struct {
	*os.File
	runner *runner
}

func (s *stderr) Read(p []byte) (int, error) {
	n, err := s.File.Read(p)
	if err != nil {
		s.runner.stderrOnce.Do(func() { close(s.runner.stderrRead) })
	}
	return n, err
}

// Name returns the executable's path.
func (r *runner) Name() string { return r.cmd.Path }

// ID returns the process id.
func (r *runner) ID() string { return strconv.Itoa(r.pid()) }

// Diagnose returns nothing: explain adds the details.
func (r *runner) Diagnose(context.Context) string { return "" }

// PluginToHost returns the address unchanged: both use the same sockets.
func (r *runner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin returns the address unchanged.
func (r *runner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

func (r *runner) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started() {
		return 0
	}
	return r.cmd.Process.Pid
}

// hungUp reports whether the process was ended by SIGHUP.
func (r *runner) hungUp() bool {
	var exit *exec.ExitError
	select {
	case <-r.done:
	default:
		return false
	}
	if !errors.As(r.result, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGHUP
}
