//go:build unix

package upstream

import (
	"errors"

	"golang.org/x/sys/unix"
)

const canVisit = true

// writeSocket writes as much as the socket takes at once.
func writeSocket(fd uintptr, p []byte) (int, error) {
	for {
		n, err := unix.Write(int(fd), p) //nolint:gosec // a descriptor
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, nil
		default:
			return max(n, 0), err
		}
	}
}
