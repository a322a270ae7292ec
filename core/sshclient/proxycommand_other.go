//go:build !unix

package sshclient

// startProxyCommand refuses: here, a command cannot have a socket as its input and output.
func startProxyCommand(h Hop) (*commandConn, error) {
	return nil, permanent(StepResolve, "ssh_config reaches %s through a ProxyCommand, which is not supported on this system: set jump = \"user@host\" in the tunnel, or ProxyJump in ssh_config", h.Address())
}

func terminate(int) {}

func kill(int) {}
