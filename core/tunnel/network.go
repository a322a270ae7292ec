package tunnel

import (
	"context"
	"net"
	"time"

	"github.com/aitunnel/aitunnel/core/sshclient"
)

// networkChanges returns true when the machine wakes from sleep or gets a new address,
// and false when ctx ends.
func networkChanges(ctx context.Context) bool {
	known, last := addresses(), time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		now := addresses()
		for a := range now {
			if !known[a] {
				return true
			}
		}
		if sshclient.HasSlept(last) {
			return true
		}
		known, last = now, time.Now()
	}
}

// addresses returns the addresses of the interfaces that are up and connected.
func addresses() map[string]bool {
	out := map[string]bool{}
	all, _ := net.Interfaces() // after an error, none are known
	for _, i := range all {
		if i.Flags&(net.FlagUp|net.FlagRunning) != net.FlagUp|net.FlagRunning || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
				out[i.Name+" "+ip.IP.String()] = true
			}
		}
	}
	return out
}
