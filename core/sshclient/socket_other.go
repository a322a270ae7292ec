//go:build !linux

package sshclient

import (
	"net"
	"time"
)

// socket gives access to the kernel's state of a TCP connection: none here.
type socket struct{}

func newSocket(net.Conn) socket { return socket{} }

func (socket) acknowledge() {}

func (socket) limitUnsent(int) {}

func (socket) notSent() int { return 0 }

func (socket) deliveryRate() float64 { return 0 }

func (socket) acknowledged() (bytes uint64, ago time.Duration, ok bool) { return 0, 0, false }
