//go:build unix

package upstream

import (
	"errors"
	"syscall"
)

const canVisit = true

// writeSocket writes as much as the socket takes at once. The call is that of package net,
// so that the race detector knows what follows from it.
func writeSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p) //nolint:gosec // a descriptor
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		default:
			return max(n, 0), err
		}
	}
}
