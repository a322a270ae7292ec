package linktest

import (
	"errors"
	"time"
)

// ErrUnavailable says that this machine does not allow such networks.
var ErrUnavailable = errors.New("network namespaces are not available here")

// Link describes a link. The zero value is as fast as the machine.
type Link struct {
	Rate       float64       // at which our end can send, in bits per second; 0: no limit
	Delay      time.Duration // of each packet, each way
	Loss       float64       // share of packets that are lost, each way
	MaxOut     int           // larger packets that our end sends are lost silently; 0: no limit
	MaxIn      int           // the same for packets that it receives
	Congestion string        // congestion control of our end, such as "cubic"; "": the system's
}

// mtu is the size of a packet, and segment the size of its payload without IP and TCP
// headers and timestamps.
const (
	mtu     = 1500
	segment = mtu - 20 - 32
)

// Payload returns the maximum payload rate of a TCP connection over the link, in bits
// per second.
func (l Link) Payload() float64 { return l.Rate * segment / mtu }
