package cli

import (
	"fmt"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"github.com/aitunnel/aitunnel/core/daemon"
)

// manager is the service manager that started this process, where it is one
// that wants to know how the service is. systemd is.
type manager struct{}

// readiness tells the manager that the daemon answers.
func readiness(d *daemon.Daemon) manager {
	tell(sd.SdNotifyReady + fmt.Sprintf("\nSTATUS=Answering at http://%s", reachable(d.ProxyAddr())))
	return manager{}
}

func (manager) stopping() {
	tell(sd.SdNotifyStopping + "\nSTATUS=Requests under way come to their end")
}

// tell does nothing where $NOTIFY_SOCKET is not set.
func tell(state string) { _, _ = sd.SdNotify(false, state) }
