//go:build unix

package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/cli/observe"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// manyLines is more than the pipe and the queue of the program hold.
const manyLines = 9000

// logging is a program in the foreground whose standard error is a pipe, with a
// line in it for each request.
type logging struct {
	*testing.T
	process *exec.Cmd
	log     *os.File // the end of the pipe that is read
	url     string
	state   string
	ended   chan error
}

func startLogging(t *testing.T) *logging {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	t.Cleanup(site.Close)
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel.hcl")
	text := "proxy {\n  listen = \"127.0.0.1:0\"\n}\nadmin {\n  listen = \"\"\n}\nlog {\n  level = \"debug\"\n}\nchannel \"home\" {\n  target = \"" + site.URL + "\"\n  auth = \"none\"\n}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l := &logging{T: t, log: read, state: filepath.Join(dir, "state"), ended: make(chan error, 1)}
	t.Cleanup(func() { _ = read.Close() })
	l.process = exec.Command("aitunnel", "start", "-f", "-c", path, "--state-dir", l.state)
	l.process.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	l.process.Stderr = write
	out, err := l.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.process.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	t.Cleanup(func() { _ = l.process.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	l.url = strings.TrimSpace(strings.TrimPrefix(line, "Proxy:"))
	go func() { l.ended <- l.process.Wait() }()
	return l
}

// sendRequests sends requests, each of which adds a line to the log.
func (l *logging) sendRequests(n int) {
	l.Helper()
	var callers sync.WaitGroup
	const connections = 8
	for range connections {
		callers.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
			if err != nil {
				l.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(3 * waitLimit))
			go func() {
				_, _ = io.WriteString(conn, strings.Repeat("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n", n/connections))
			}()
			answers := bufio.NewReader(conn)
			for range n / connections {
				resp, err := http.ReadResponse(answers, nil)
				if err != nil {
					l.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				if resp.StatusCode != http.StatusOK {
					l.Error(resp.Status)
				}
			}
		})
	}
	callers.Wait()
}

// stop sends SIGTERM. The program must end without an error.
func (l *logging) stop() {
	l.Helper()
	if err := l.process.Process.Signal(syscall.SIGTERM); err != nil {
		l.Fatal(err)
	}
	select {
	case err := <-l.ended:
		if err != nil {
			l.Errorf("the program ended with: %v", err)
		}
	case <-time.After(waitLimit):
		l.Error("the program does not stop")
	}
}

func (l *logging) events() string {
	l.Helper()
	c := exec.Command("aitunnel", "logs", "-n", "1000", "--state-dir", l.state)
	out, err := c.CombinedOutput()
	if err != nil {
		l.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestTheLogPipeIsClosed: requests are answered, and the lost lines are reported in the events.
func TestTheLogPipeIsClosed(t *testing.T) {
	t.Parallel()
	l := startLogging(t)
	if err := l.log.Close(); err != nil {
		t.Fatal(err)
	}
	l.sendRequests(100)
	testhelp.Eventually(t, "the lost lines are reported", func() bool {
		return strings.Contains(l.events(), "of the log were lost: write")
	})
	l.sendRequests(100)
	l.stop()
}

// TestTheLogPipeIsNotRead: requests are answered although the pipe is full.
func TestTheLogPipeIsNotRead(t *testing.T) {
	t.Parallel()
	l := startLogging(t)
	l.sendRequests(800) // more than the pipe holds
	l.stop()
}

// TestDroppedLogLinesAreReported in the log, once it is read again.
func TestDroppedLogLinesAreReported(t *testing.T) {
	t.Parallel()
	l := startLogging(t)
	l.sendRequests(manyLines)
	ctx, cancel := context.WithTimeout(t.Context(), 3*waitLimit)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = l.log.SetReadDeadline(time.Now()) })
	for lines := bufio.NewReader(l.log); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the dropped lines are not reported: %v", err)
		}
		if strings.Contains(line, "of the log were lost: it could not be written fast enough") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, l.log) }()
	l.stop()
}

// TestALogThatCannotBeReadBack is not read: a device may have no end, and a pipe has another
// reader.
func TestALogThatCannotBeReadBack(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/full", "/dev/stderr", pipe} {
		if _, err := os.Stat(path); err != nil {
			continue // not on this system
		}
		done := make(chan error, 1)
		go func() {
			entries, err := observe.ReadLog(path, observe.MaxLogTail)
			if err == nil && len(entries) > 0 {
				err = fmt.Errorf("%d entries were read", len(entries))
			}
			done <- err
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
		case <-time.After(waitLimit / 4):
			t.Fatalf("reading %s does not end", path)
		}
	}
}
