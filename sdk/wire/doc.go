// Package wire is the form in which aitunnel and its plugins talk: an envelope
// in gob, frozen for good, around bodies in JSON, which may grow.
//
// It is not for authors of plugins, who use package sdk alone, but for sdk
// itself, for the host and for tools that look at the wire. Gob closes a whole
// connection over one mismatched type, and drops zero values; hence nothing but
// [Call], [Reply] and the number of a cancelled call is ever encoded in it.
package wire
