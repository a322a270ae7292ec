// Package history keeps what happened to requests in a SQLite file: a row for
// each request and each attempt, and sums by hour and by day. It holds no
// prompt, no answer and no secret.
//
// A request costs its caller one append to a queue. One goroutine writes, a
// transaction per second or per 500 rows. If rows come faster than they can be
// written, or cannot be written at all, rows are dropped and counted, and the sums
// stay exact.
//
// The program works without the file: each kind of trouble with it is reported
// once, and tried to be overcome from time to time.
package history
