// Package sshclient makes SSH connections: it reads ssh_config, goes through
// jump hosts, checks host keys, logs in, and notices dead connections. It does not define
// what is sent over a connection.
package sshclient
