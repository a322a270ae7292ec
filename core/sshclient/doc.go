// Package sshclient makes SSH connections: it reads ssh_config, goes through
// jump hosts, checks host keys, logs in, and notices a dead connection. What is
// served or sent over a connection is its user's business.
package sshclient
