package linktest

import (
	"errors"
	"time"
)

// ErrUnavailable says that this machine does not allow such networks.
var ErrUnavailable = errors.New("network namespaces are not available here")

// Link says what a link is like. The zero value is as fast as the machine.
type Link struct {
	Rate       float64       // of what our end sends, in bits per second; 0: not bounded
	Delay      time.Duration // of each packet, each way
	Loss       float64       // share of packets that get lost, each way
	MaxOut     int           // larger packets that our end sends get lost without a word; 0: none
	MaxIn      int           // the same of those that it receives
	Congestion string        // how our end finds the speed, such as "cubic"; "": as the system does
}

// mtu is the size of a packet, and segment that of its payload: the rest are
// headers of IP and TCP, with timestamps.
const (
	mtu     = 1500
	segment = mtu - 20 - 32
)

// Payload returns what a TCP connection can carry over the link at most, in bits per
// second.
func (l Link) Payload() float64 { return l.Rate * segment / mtu }
