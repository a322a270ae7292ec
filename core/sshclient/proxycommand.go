package sshclient

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Times for a ProxyCommand to end.
const (
	commandEndTime  = 200 * time.Millisecond // by itself, after its connection
	commandKillTime = time.Second            // after it was told to
)

// expandProxyCommand returns the ProxyCommand in the settings of a hop, without tokens; "" if
// there is none.
func (h Hop) expandProxyCommand(s hostSettings) (string, error) {
	command := s.proxyCommand()
	if command != "" && strings.EqualFold(s.get("proxyusefdpass"), "yes") {
		return "", permanent(StepResolve, "ssh_config reaches %q through a ProxyCommand with ProxyUseFdpass, which is not supported: set ProxyUseFdpass no for it there", h.Address())
	}
	return h.tokens.Replace(command), nil
}

// commandName returns the program of a command, for messages: its arguments may contain a
// password.
func commandName(command string) string {
	words := strings.Fields(strings.TrimPrefix(command, "exec "))
	if len(words) == 0 {
		return command
	}
	return path.Base(strings.Trim(words[0], `"'`))
}

// commandConn is the connection of a ProxyCommand: its standard input and output are the
// other end.
type commandConn struct {
	net.Conn
	name    string
	address string // of the hop
	command *exec.Cmd
	ended   chan struct{} // closed when the command has ended; then err and messages are set
	err     error
	closing sync.Once
	lost    atomic.Bool // a read or write failed: the command closed its end
	stopped atomic.Bool // the command was told to end

	messages boundedBuffer // what it wrote to standard error
}

// wait waits for the command, and keeps how it ended.
func (c *commandConn) wait() {
	c.err = c.command.Wait()
	close(c.ended)
}

// Read implements net.Conn.
func (c *commandConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.lost.Store(true)
	}
	return n, err
}

// Write implements net.Conn.
func (c *commandConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.lost.Store(true)
	}
	return n, err
}

// Close implements net.Conn, and ends the command.
func (c *commandConn) Close() error {
	c.closing.Do(func() {
		if c.lost.Load() && c.endsWithin(commandEndTime) {
			return
		}
		c.stopped.Store(true)
		terminate(c.command.Process.Pid)
		if !c.endsWithin(commandKillTime) {
			kill(c.command.Process.Pid)
			<-c.ended
		}
	})
	return c.Conn.Close()
}

func (c *commandConn) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return false
	}
}

// explain returns the error of a login over the connection. If there was no connection, it
// adds what the command says.
func (c *commandConn) explain(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Step != StepConnect || e.Permanent {
		return err
	}
	if c.stopped.Load() || !c.endsWithin(commandEndTime) {
		return temporary(StepConnect, "%s (through the ProxyCommand %s in ssh_config)", e.Text, c.name)
	}
	reason := "it ended without an error"
	if c.err != nil {
		reason = c.err.Error()
	}
	if text := lastLine(c.messages.String()); text != "" {
		reason = fmt.Sprintf("%q (%s)", text, reason)
	}
	return temporary(StepConnect, "the ProxyCommand %s in ssh_config did not connect to %s: %s", c.name, c.address, reason)
}

// lastLine returns the last line that is not empty, as printable text.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return line(lines[len(lines)-1])
}
