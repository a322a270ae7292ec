package sdk

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// debugEnv, in the environment of a plugin that is started by hand or in a
// debugger, has it wait for an aitunnel that is told to attach to it.
const debugEnv = "AITUNNEL_PLUGIN_DEBUG"

// relayPause is how often a relay looks whether it is still needed.
const relayPause = 500 * time.Millisecond

// serveForDebugger serves every host that comes, until it is interrupted.
func serveForDebugger(p Plugin) error {
	socket, err := wire.DebugSocket(p.Name)
	if err != nil {
		return err
	}
	if conn, err := net.Dial("unix", socket); err == nil {
		_ = conn.Close()
		return fmt.Errorf("another %s waits for aitunnel already, at %s", p.Name, socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		_ = listener.Close() // removes the socket
	}()
	fmt.Fprintf(os.Stderr, "%s %s waits for aitunnel. Start that with AITUNNEL_ATTACH=%s in its environment.\n", p.Name, p.Version, p.Name)
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() { _ = ServeConn(p, conn) }()
	}
}

// relay stands in for a plugin that waits for a debugger: it answers the
// handshake with that one's address, and is there as long as both are.
func relay(name string) error {
	socket, err := wire.DebugSocket(name)
	if err != nil {
		return err
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("there is no %s to attach to: start its executable with %s=1 in the environment, in your debugger", name, debugEnv)
	}
	_ = conn.Close()
	host := os.Getppid()
	fmt.Printf("1|%d|unix|%s|netrpc|\n", wire.Protocol, socket)
	for ; os.Getppid() == host; time.Sleep(relayPause) {
		if _, err := os.Lstat(socket); err != nil {
			return fmt.Errorf("%s has gone", name)
		}
	}
	return nil
}
