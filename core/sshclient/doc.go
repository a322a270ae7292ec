// Package sshclient makes SSH connections: it reads ssh_config, connects through jump
// hosts, checks host keys, logs in, and detects dead connections. Package tunnel uses the
// connections.
package sshclient
