// Package apitest compares the answers of a running daemon with the OpenAPI
// document that it serves. It is a module of its own, so that the validator is
// not among the program's dependencies.
package apitest
