// Package bind owns the addresses on which the program listens. A listener exists as
// long as its address is configured, across configurations: with a server per
// configuration, requests on keep-alive connections would be lost.
package bind
