// Package control is the socket over which commands reach the running program of a
// state directory. It serves the admin API and the requests below: to the owner of the
// directory and, if a service manager provides a directory for the socket, to the
// group of the service.
package control

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	socketName = "control.sock"
	linkName   = "control.path" // holds the path of the socket if it is elsewhere

	// PathStop stops the program as an [Ending] says.
	PathStop = "/control/stop"

	// PathRestart returns the outcome of the last restart, as a [Restart].
	PathRestart = "/control/restart"

	// VersionHeader is the header of an answer that contains the version of the
	// running program.
	VersionHeader = "Aitunnel-Version"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 3 * time.Minute
)

// maxSocketPath is the longest path of a socket that all systems allow.
const maxSocketPath = 103

// Ending says how the program is to stop.
type Ending struct {
	// Drain is how long requests in flight may take: 0 cuts them off immediately,
	// [DrainAsConfigured] uses the setting of the configuration.
	Drain   time.Duration `json:"drain"`
	Restart bool          `json:"restart,omitempty"` // start again afterwards
}

// Stopping is the answer to an [Ending].
type Stopping struct {
	// Unsaved is what will be lost because it cannot be saved; "" if nothing is.
	Unsaved string `json:"unsaved,omitempty"`
}

// Restart is the outcome of the last restart.
type Restart struct {
	Error string `json:"error,omitempty"` // "": it did not fail
}

// DrainAsConfigured is the drain that the running configuration sets.
const DrainAsConfigured time.Duration = -1

// Path returns the path of the socket of a state directory's program.
func Path(dir string) string {
	if b, err := os.ReadFile(filepath.Join(dir, linkName)); err == nil {
		return strings.TrimSpace(string(b))
	}
	return filepath.Join(dir, socketName)
}

// Socket is the control socket and its server.
type Socket struct {
	listener net.Listener
	server   *http.Server
	remove   func()
	done     sync.WaitGroup
}

// Listen creates the socket of a state directory that this process has locked: an
// existing socket is left over from a program that was killed.
//
// It is in the runtime directory, if there is one, where the group of the process may
// use it; in a temporary directory if its path would be too long; otherwise in the
// state directory.
func Listen(dir, runtimeDir string) (*Socket, error) {
	c := &Socket{remove: func() {}}
	path, mode := filepath.Join(dir, socketName), os.FileMode(0o600)
	link := filepath.Join(dir, linkName)
	if old, err := os.ReadFile(link); err == nil {
		removeTempDir(strings.TrimSpace(string(old)))
		_ = os.Remove(link)
	}
	elsewhere := ""
	if runtimeDir != "" {
		elsewhere, mode = runtimeDir, 0o660
	} else if len(path) > maxSocketPath {
		var err error
		if elsewhere, err = os.MkdirTemp(tempParent(), "aitunnel-control-"); err != nil {
			return nil, fmt.Errorf("the path %s is too long for a socket, and no temporary directory can be created: %w", path, err)
		}
	}
	if elsewhere != "" {
		path = filepath.Join(elsewhere, socketName)
		c.remove = func() { removeTempDir(path); _ = os.Remove(link) }
		if err := os.WriteFile(link, []byte(path+"\n"), 0o600); err != nil {
			c.remove()
			return nil, fmt.Errorf("the state directory cannot be written: %w", err)
		}
	}
	_ = os.Remove(path)
	var err error
	if c.listener, err = net.Listen("unix", path); err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		c.remove()
		return nil, fmt.Errorf("the control socket cannot be created: %w", err)
	}
	return c, nil
}

// tempParent returns where Listen creates a temporary directory: in /tmp if the path of the
// usual place is also too long, "" for the usual place.
func tempParent() string {
	const suffix = "/aitunnel-control-1234567890/" + socketName
	if runtime.GOOS != "windows" && len(os.TempDir()+suffix) > maxSocketPath {
		return "/tmp"
	}
	return ""
}

// removeTempDir removes a directory that Listen created for a socket.
func removeTempDir(path string) {
	if dir := filepath.Dir(path); strings.HasPrefix(filepath.Base(dir), "aitunnel-control-") {
		_ = os.RemoveAll(dir)
	}
}

// Serve answers requests with h until the socket is closed.
func (c *Socket) Serve(h http.Handler, log hclog.Logger) {
	c.server = &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout,
		ErrorLog: log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	c.done.Go(func() { _ = c.server.Serve(c.listener) }) // if it fails, the program continues, and commands report that it does not answer
}

// Close removes the socket.
func (c *Socket) Close() {
	if c.server == nil {
		_ = c.listener.Close()
	} else {
		_ = c.server.Close()
		c.done.Wait()
	}
	c.remove()
}
