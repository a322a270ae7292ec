//go:build !linux

package linktest

import "net"

// Network exists on Linux only.
type Network struct{ Inner, Outer string }

// New always fails.
func New(Link) (*Network, error) { return nil, ErrUnavailable }

// Close does nothing.
func (*Network) Close() {}

// Command returns the command line itself.
func (*Network) Command(args ...string) []string { return args }

// Dial always fails.
func (*Network) Dial(_, _ string) (net.Conn, error) { return nil, ErrUnavailable }
