//go:build linux

package sshdtest

import (
	"errors"
	"testing"

	"github.com/aitunnel/aitunnel/core/linktest"
)

// Network is a network namespace that represents another machine, and the link to it.
type Network struct {
	*linktest.Network
	t testing.TB
}

// NewNetwork creates a network that exists until the test ends.
func NewNetwork(t testing.TB, link ...linktest.Link) *Network {
	t.Helper()
	RequireRoot(t)
	Require(t, "ip", "iproute2")
	w, err := linktest.New(append(link, linktest.Link{})[0])
	if errors.Is(err, linktest.ErrUnavailable) {
		unable(t, err.Error())
	}
	must(t, err)
	t.Cleanup(w.Close)
	return &Network{w, t}
}

// Down takes the link down at the far end: this machine only notices the missing
// carrier.
func (w *Network) Down() { must(w.t, w.Network.Down()) }

// Up takes it up again.
func (w *Network) Up() { must(w.t, w.Network.Up()) }
