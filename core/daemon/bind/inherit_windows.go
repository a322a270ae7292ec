package bind

import (
	"errors"
	"net"
)

func activated() []*listener { return nil }

func duplicate(net.Listener) (int, error) { return 0, errors.New("not on Windows") }

func closeDescriptor(int) {}

// inheritable is not possible on Windows: the new program binds the address itself.
func inheritable(net.Listener) (int, error) {
	return 0, errors.New("sockets are not inherited on Windows")
}
