// Package upstream makes requests to sites over connections of its own.
//
// HTTP/1.1 runs on the goroutine of the caller: it writes the request and reads
// the answer, so that a relayed request costs no switch between goroutines.
// HTTP/2 is left to net/http, over connections that are made here. How much of a
// request was written is known exactly, and nothing is sent twice: a [Pool]
// makes one delivery for each call.
package upstream
