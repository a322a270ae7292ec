//go:build !linux

package tunnel

import (
	"net"
	"time"
)

func tune(*net.TCPConn, time.Duration) (quick func()) { return func() {} }
