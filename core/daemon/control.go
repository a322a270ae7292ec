package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// The control socket answers the API, and the requests below, to the user whose
// state directory it lies in. It can be dialled early, and answers when the
// daemon is ready.
const (
	controlName = "control.sock"
	controlLink = "control.path" // where the socket is, if the path here is too long for one

	// PathStop ends the daemon as an [Ending] says.
	PathStop = "/control/stop"

	// VersionHeader of an answer is the version of the daemon.
	VersionHeader = "Aitunnel-Version"
)

// maxSocketPath is the longest path that a socket can have on all systems.
const maxSocketPath = 103

// Ending is how a daemon is asked to end.
type Ending struct {
	Drain   time.Duration `json:"drain"`             // for requests under way; 0 breaks them off
	Restart bool          `json:"restart,omitempty"` // and to begin anew
}

// ControlPath is where the daemon of a state directory listens.
func ControlPath(dir string) string {
	path := filepath.Join(dir, controlName)
	if len(path) <= maxSocketPath {
		return path
	}
	if b, err := os.ReadFile(filepath.Join(dir, controlLink)); err == nil {
		return strings.TrimSpace(string(b))
	}
	return path
}

// control is the socket and its server.
type control struct {
	listener net.Listener
	server   *http.Server
	tidy     func()
	done     sync.WaitGroup
}

// listenControl makes the socket of a state directory that this process has
// the lock of: one that is there is of a daemon that was killed.
func listenControl(dir string) (*control, error) {
	c := &control{tidy: func() {}}
	path := filepath.Join(dir, controlName)
	link := filepath.Join(dir, controlLink)
	if old, err := os.ReadFile(link); err == nil {
		sweepControl(strings.TrimSpace(string(old)))
		_ = os.Remove(link)
	}
	if len(path) > maxSocketPath {
		short, err := os.MkdirTemp("", "aitunnel-control-")
		if err != nil {
			return nil, fmt.Errorf("the path %s is too long for a socket, and no other place is found: %w", path, err)
		}
		path = filepath.Join(short, controlName)
		c.tidy = func() { sweepControl(path); _ = os.Remove(link) }
		if err := os.WriteFile(link, []byte(path+"\n"), 0o600); err != nil {
			c.tidy()
			return nil, fmt.Errorf("the state directory cannot be written: %w", err)
		}
	}
	_ = os.Remove(path)
	var err error
	if c.listener, err = net.Listen("unix", path); err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		c.tidy()
		return nil, fmt.Errorf("the control socket cannot be made: %w", err)
	}
	return c, nil
}

// sweepControl removes a directory that listenControl made for a socket.
func sweepControl(path string) {
	if dir := filepath.Dir(path); strings.HasPrefix(filepath.Base(dir), "aitunnel-control-") {
		_ = os.RemoveAll(dir)
	}
}

func (c *control) serve(h http.Handler, log hclog.Logger) {
	c.server = &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		ErrorLog: log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	c.done.Go(func() { _ = c.server.Serve(c.listener) }) // without it the daemon goes on; commands say that it does not answer
}

func (c *control) close() {
	if c.server == nil {
		_ = c.listener.Close()
	} else {
		_ = c.server.Close()
		c.done.Wait()
	}
	c.tidy()
}

// controls is what the socket answers.
func (d *Daemon) controls() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.admin.Local())
	mux.HandleFunc("POST "+PathStop, func(w http.ResponseWriter, r *http.Request) {
		var e Ending
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&e); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		_ = http.NewResponseController(w).Flush()
		d.ask(e)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(VersionHeader, d.options.Version)
		mux.ServeHTTP(w, r)
	})
}

// ask has the daemon end. The first to ask says how; to break off what is under
// way can be asked at any time.
func (d *Daemon) ask(e Ending) {
	if e.Drain <= 0 {
		d.hurryOnce.Do(func() { close(d.hurry) })
	}
	select {
	case d.asked <- e:
	default:
	}
}

// hurried is ctx until somebody asks to break off what is under way.
func (d *Daemon) hurried(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-d.hurry:
			cancel(errors.New("asked to stop at once"))
		case <-stop:
		}
	}()
	return ctx, func() { close(stop); cancel(nil) }
}
