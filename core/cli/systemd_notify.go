package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon"
)

// notifyReady tells the service manager that the daemon serves; systemd waits for
// that.
func notifyReady(d *daemon.Daemon) {
	notify(sd.SdNotifyReady + fmt.Sprintf("\nSTATUS=Serving at http://%s", admin.LocalAddress(d.ProxyAddr())))
}

// notifyReloading tells it that a requested reload begins; done tells it that the
// reload has ended.
func notifyReloading() (done func()) {
	notify(sd.SdNotifyReloading + "\n" + sd.SdNotifyMonotonicUsec())
	return func() { notify(sd.SdNotifyReady) }
}

// notifySuccessor tells it that another process is the service from now on. This
// process does so, because units of earlier versions accept messages from no other.
func notifySuccessor(pid int) { notify(fmt.Sprintf("MAINPID=%d", pid)) }

// notifyEnding tells it that the program finishes its requests and then stops or is
// replaced. A restart is not reported as a stop, after which systemd would wait for
// the process to exit, and kill it. A stop that may take longer than the unit allows
// requests more time.
func notifyEnding(restart bool, limit time.Duration) {
	if restart {
		return
	}
	notify(fmt.Sprintf("%s\nEXTEND_TIMEOUT_USEC=%d\nSTATUS=Stopping: finishing requests in flight", sd.SdNotifyStopping, (limit + stopSlack).Microseconds()))
}

// stopSlack is how long a stop may take in addition to the requests in flight.
const stopSlack = 30 * time.Second

// notifyLimit is how long a service manager that does not read its socket can delay
// the program.
const notifyLimit = time.Second

// notify does nothing if $NOTIFY_SOCKET is not set. The library's SdNotify would wait
// forever for a manager that does not read.
func notify(state string) {
	to := &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"}
	if to.Name == "" {
		return
	}
	conn, err := net.DialUnix(to.Net, nil, to)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetWriteDeadline(time.Now().Add(notifyLimit))
	_, _ = io.WriteString(conn, state)
}

// keepWatchdog tells the service manager that the daemon works, as long as it answers
// on its control socket, until ctx ends. It does nothing if the manager does not ask
// for that.
func (a *app) keepWatchdog(ctx context.Context) {
	limit, err := sd.SdWatchdogEnabled(false)
	if err != nil || limit <= 0 {
		return
	}
	client := a.Client()
	defer client.Close()
	for tick := time.NewTicker(limit / 3); ; {
		check, cancel := context.WithTimeout(ctx, limit/3)
		if _, err := client.Status(check); err == nil {
			notify(sd.SdNotifyWatchdog)
		}
		cancel()
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}
