// Package testhelp holds what the tests of several packages need. The program
// itself does not import it.
package testhelp
