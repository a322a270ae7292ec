// Package wire is the protocol between aitunnel and its plugins: envelopes in gob, which
// never change, around bodies in JSON, which may gain fields.
//
// It is for package sdk, for the host, and for tools that inspect the protocol; authors of
// plugins use package sdk only. Gob closes the whole connection on a type mismatch, and
// drops zero values, so only [Call], [Reply] and the number of a canceled call are encoded
// in it.
package wire
