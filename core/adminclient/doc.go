// Package adminclient is a client of the admin API, with a method for every
// endpoint. The commands use it over the control socket; other programs can use
// it over the admin port.
package adminclient
