// Package bind owns the addresses that the program serves. A listener lives as
// long as its address is configured, over all configurations: a server for each
// configuration would lose requests on connections that are kept alive.
package bind
