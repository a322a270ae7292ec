// Package history records requests in a SQLite file: a row for each request, with its
// attempts, and sums by hour and by day. It contains no prompt, no answer and no
// secret.
//
// Recording a request costs its caller one append to a queue. One goroutine writes, in
// a transaction per second or per 500 rows. If rows arrive faster than they can be
// written, or cannot be written at all, they are dropped and counted, and the sums
// stay exact.
//
// The program works without the file: each kind of fault is reported once, and writing
// is retried from time to time.
package history
