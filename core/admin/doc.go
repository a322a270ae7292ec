// Package admin is the API of the running program, for people, scripts, the
// panel and the command line: its state as JSON, its events as a stream, and
// edits of its configuration. The same handler answers at the control socket,
// without checks, and at the admin port, with checks of host name, origin and token.
package admin
