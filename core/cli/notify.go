package cli

import (
	"fmt"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"github.com/aitunnel/aitunnel/core/daemon"
)

// tellReady reports to the service manager that the daemon serves; systemd waits
// for that.
func tellReady(d *daemon.Daemon) {
	tell(sd.SdNotifyReady + fmt.Sprintf("\nSTATUS=Serving at http://%s", reachable(d.ProxyAddr())))
}

// tellReloading reports that a reload was asked for and begins; done reports its
// end.
func tellReloading() (done func()) {
	tell(sd.SdNotifyReloading + "\n" + sd.SdNotifyMonotonicUsec())
	return func() { tell(sd.SdNotifyReady) }
}

// tellEnding reports that requests in flight are finished and the program then
// stops, or is replaced: a restart is no stop, after which systemd would wait
// for the process to exit and kill it.
func tellEnding(restart bool) {
	if restart {
		tell("STATUS=Restarting: finishing requests in flight")
		return
	}
	tell(sd.SdNotifyStopping + "\nSTATUS=Stopping: finishing requests in flight")
}

// tell does nothing where $NOTIFY_SOCKET is not set.
func tell(state string) { _, _ = sd.SdNotify(false, state) }
