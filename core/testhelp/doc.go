// Package testhelp contains helpers for tests of several packages. The program itself
// does not import it.
package testhelp
