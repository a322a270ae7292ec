//go:build !linux && !darwin && !windows

package upstream

import (
	"errors"
	"net"
)

func bindSocket(uintptr, string, *net.Interface) error {
	return errors.New("an egress cannot be bound to an interface on this system")
}
