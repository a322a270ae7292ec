// Package reload applies configurations. A reload is a transaction: build makes
// everything that is new in a configuration without changing what runs, and
// commit and discard are the only two ends of what it built. What two
// configurations have in common runs on, and requests in flight finish on the
// generation that they began with.
package reload
