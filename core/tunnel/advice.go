package tunnel

import "strings"

// SSH servers whose settings the advice names.
const (
	openSSH  = "OpenSSH"
	dropbear = "dropbear"
)

// server returns the name of the host's SSH server.
func (o *opener) server() string {
	name, _, _ := strings.Cut(o.client.Software(), "_")
	return name
}

// forbidden returns what may forbid a forward.
func forbidden(server string) string {
	const key = "the options of the key in authorized_keys (or of its certificate)"
	switch server {
	case openSSH:
		return "AllowTcpForwarding, PermitListen or DisableForwarding in its sshd_config, or " + key + ", forbid it (an address that they permit has to be written as here: localhost is not 127.0.0.1); or another program there holds the port"
	case dropbear:
		return "dropbear was started with -k, or " + key + " forbid it"
	}
	return "its configuration, or " + key + ", forbid it"
}

// gateway returns how to make the server open forwards to other machines, or to the host
// only.
func gateway(server string, others bool) string {
	switch {
	case server == dropbear && others:
		return "start dropbear with -a"
	case server == dropbear:
		return "start dropbear without -a"
	case others:
		return "set GatewayPorts clientspecified in its sshd_config"
	}
	return "set GatewayPorts no in its sshd_config"
}
