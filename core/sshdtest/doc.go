// Package sshdtest runs real OpenSSH servers for tests, each with its own keys and
// configuration, on loopback or in a network namespace whose link can be taken down.
// It works on Linux only.
package sshdtest
