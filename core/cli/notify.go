package cli

import (
	"fmt"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"github.com/aitunnel/aitunnel/core/daemon"
)

// tellReady tells the service manager that the daemon answers, where it wants to
// know: systemd does.
func tellReady(d *daemon.Daemon) {
	tell(sd.SdNotifyReady + fmt.Sprintf("\nSTATUS=Answering at http://%s", reachable(d.ProxyAddr())))
}

func tellStopping() { tell(sd.SdNotifyStopping + "\nSTATUS=Requests under way come to their end") }

// tell does nothing where $NOTIFY_SOCKET is not set.
func tell(state string) { _, _ = sd.SdNotify(false, state) }
