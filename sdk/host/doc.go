// Package host is the other end of the wire: what aitunnel, and the kit that
// checks plugins, use to talk to one. Authors of plugins need none of it.
package host
