// Package tunnel puts the proxy's port on other machines: it keeps SSH
// connections up, asks the hosts to listen, and serves HTTP directly on what
// arrives there, without another hop at home.
package tunnel
