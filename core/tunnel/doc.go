// Package tunnel puts the proxy's port on other machines: it keeps SSH
// connections up, asks the hosts to listen, and serves HTTP directly on the
// forwarded connections, without another hop at home.
package tunnel
