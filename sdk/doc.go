// Package sdk is the library for writing plugins for aitunnel.
//
// A plugin is a program named aitunnel-plugin-NAME. It offers components: strategies
// (the order in which the channels of a route are tried), key selectors (the order in
// which the keys of a channel are used) and health checkers (whether a channel works). It
// may also contain rules for verdicts: what the answers of a site mean. Its main function
// is one call of [Serve].
//
// A strategy or key selector does not choose for each request. It returns a [Plan], which
// the host (the aitunnel that started the plugin) applies itself, on live counters, until
// the plan expires. So a plugin that is slow, has stopped or has crashed fails no request.
//
// Components see identifiers, weights and counters, but never a key.
package sdk
