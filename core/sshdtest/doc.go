// Package sshdtest runs real OpenSSH servers for tests, each with keys and a
// configuration of its own, on loopback or in a network namespace whose link
// can be taken down. It is there on Linux only.
package sshdtest
