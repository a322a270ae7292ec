//go:build unix

package sshclient

import (
	"net"
	"os"
	"os/exec"
	"syscall"
)

// startProxyCommand starts the command that connects to the hop. As with OpenSSH, a shell
// replaces itself with it, and its standard input and output are one socket.
func startProxyCommand(h Hop) (*commandConn, error) {
	name := commandName(h.proxyCommand)
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, temporary(StepConnect, "the ProxyCommand %s in ssh_config cannot be started: %s", name, err)
	}
	defer func() { _ = theirs.Close() }()
	c := &commandConn{Conn: ours, name: name, address: h.Address(), ended: make(chan struct{}), messages: boundedBuffer{left: maxOutput}}
	c.command = exec.Command("/bin/sh", "-c", "exec "+h.proxyCommand)
	c.command.Stdin, c.command.Stdout, c.command.Stderr = theirs, theirs, &c.messages
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it starts ends with it
	c.command.WaitDelay = commandKillTime
	if err := c.command.Start(); err != nil {
		_ = ours.Close()
		return nil, temporary(StepConnect, "the ProxyCommand %s in ssh_config cannot be started: %s", name, err)
	}
	go c.wait()
	return c, nil
}

// socketPair returns two connected sockets: a connection, and a file for a child process.
func socketPair() (net.Conn, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "proxy-command"), os.NewFile(uintptr(fds[1]), "proxy-command")
	defer func() { _ = ours.Close() }() // FileConn duplicates it
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// terminate asks a process group to end.
func terminate(group int) { _ = syscall.Kill(-group, syscall.SIGTERM) } // it may have ended

// kill ends a process group.
func kill(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }
