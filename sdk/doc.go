// Package sdk is what the author of an aitunnel plugin imports.
//
// A plugin is a program named aitunnel-plugin-NAME that serves one or more
// components: strategies, which say in what order a route's channels are to be
// tried; key selectors, which say the same of a channel's keys; and health
// checkers, which say whether a channel works. Its main function is one call
// of [Serve].
//
// A component does not choose for each request. It hands out a [Plan], and the
// host applies that plan itself, on live counters, until it expires: a plugin
// that is slow, stopped or gone costs no request.
//
// Nothing in this package ever carries a secret: components see identifiers,
// weights and counters.
package sdk
