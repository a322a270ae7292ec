package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/service"
)

// dialLimit is the time limit for connecting to the control socket.
const dialLimit = 2 * time.Second

// Client returns a client of the daemon that uses the state directory. It connects
// over the control socket, which needs no token and works without the admin port.
func (a *Env) Client() *adminclient.Client {
	a.findService()
	return adminclient.Local(a.Version, a.Command, func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "unix", a.controlPath())
	})
}

// findService selects the system service if the user named no state directory and no
// daemon uses the user's own.
func (a *Env) findService() {
	_, own := os.Lstat(control.Path(a.StateDir))
	_, missing := os.Lstat(a.ServiceSocket)
	if a.StateDirGiven || own == nil || a.ServiceSocket == "" || errors.Is(missing, fs.ErrNotExist) {
		a.ServiceSocket = ""
		return
	}
	a.StateDir = service.StateDir
	if u, installed := service.InstalledSystem(); installed {
		a.StateDir = u.StateDir
	}
}

// controlPath returns the control socket of the selected daemon.
func (a *Env) controlPath() string {
	if a.ServiceSocket != "" {
		return a.ServiceSocket
	}
	return control.Path(a.StateDir)
}

// NotRunningError says that no daemon answers.
type NotRunningError struct {
	dir    string
	holder *statefile.Holder // the process that uses the state directory but does not answer
	advice string            // about the system service, "" for another program
}

func (e *NotRunningError) Error() string {
	if e.holder != nil {
		return fmt.Sprintf("no answer: process %d uses the state directory %s, and is starting, stopping or hanging", e.holder.PID, e.dir)
	}
	if e.advice != "" {
		return "not running: " + e.advice
	}
	return fmt.Sprintf("not running (state directory %s); start it with 'aitunnel start'", e.dir)
}

// IsNotRunning reports whether a call failed because no daemon is running.
func (a *Env) IsNotRunning(err error) bool {
	notRunning := (*NotRunningError)(nil)
	return errors.As(a.ExplainCall(err), &notRunning)
}

// ExplainCall returns the error of a call in words for users, with the process that
// uses the state directory.
func (a *Env) ExplainCall(err error) error {
	timeout, unreachable := (*adminclient.TimeoutError)(nil), (*adminclient.UnreachableError)(nil)
	switch {
	case errors.As(err, &timeout):
		if h := statefile.HolderOf(a.StateDir); h != nil && h.PID > 0 {
			return fmt.Errorf("%w; if it hangs, kill process %d", err, h.PID)
		}
	case errors.As(err, &unreachable):
		holder, dial := statefile.HolderOf(a.StateDir), (*net.OpError)(nil)
		switch {
		case errors.Is(err, fs.ErrPermission):
			if a.ServiceSocket != "" {
				u, _ := service.InstalledSystem()
				return fmt.Errorf("the system service takes commands from root and from the group of its account: run the command with sudo, or join that group (sudo usermod -aG %s $USER) and log in again", cmp.Or(u.User, service.Account))
			}
			return fmt.Errorf("the running program belongs to another user: %w", unreachable.Err)
		case holder == nil || errors.As(err, &dial):
			notRunning := &NotRunningError{dir: a.StateDir, holder: holder}
			if holder == nil && a.meansService() {
				notRunning.advice = service.Advice()
			}
			return notRunning
		}
		return fmt.Errorf("the running program closed the connection without an answer: %w", unreachable.Err)
	}
	return err
}

// meansService reports whether commands refer to an installed system service: a user
// with a configuration has their own program.
func (a *Env) meansService() bool {
	u, installed := service.InstalledSystem()
	if !installed || a.StateDirGiven {
		return installed && u.StateDir == a.StateDir
	}
	if a.ServiceSocket != "" {
		return true
	}
	path, err := config.Find(a.Config)
	return err != nil || IsServiceConfig(path, u) || os.Getuid() == 0
}

// VersionNote returns a line about the daemon's version, "" if it is the same as this
// program's.
func (a *Env) VersionNote(c *adminclient.Client) string {
	if c.DaemonVersion() == a.Version {
		return ""
	}
	return fmt.Sprintf("The running program is version %s, this is version %s; 'aitunnel restart' updates it.", c.DaemonVersion(), a.Version)
}

// OnChannel calls f for a channel. If the channel does not exist, the error lists
// those that do.
func (a *Env) OnChannel(ctx context.Context, name string, f func(*adminclient.Client) error) error {
	c := a.Client()
	err := f(c)
	if refused := (*adminclient.Error)(nil); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		return err
	}
	known, failed := a.ChannelNames(ctx, c)
	if failed != nil {
		return err
	}
	for _, k := range known {
		if k == name {
			return err // something else does not exist
		}
	}
	return NoSuchChannel(name, known)
}

// ChannelNames returns the names of the channels of the running program.
func (a *Env) ChannelNames(ctx context.Context, c *adminclient.Client) (names []string, err error) {
	all, err := c.Channels(ctx)
	for _, ch := range all {
		names = append(names, ch.Name)
	}
	return names, err
}

// NoSuchChannel returns the error for an unknown channel, which lists the known ones.
func NoSuchChannel(name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("there is no channel %q; the configuration has none", name)
	}
	return fmt.Errorf("there is no channel %q; the channels are %s", name, strings.Join(known, ", "))
}
