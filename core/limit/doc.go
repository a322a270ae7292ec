// Package limit enforces limits and budgets: requests and tokens per minute, requests in
// flight, and what is used within a period. A [Limiter] belongs to a channel, a key or a
// client. Requests of a client that is at its limit wait in its [Gate], and those for which
// every channel is full in [Queues]. Everything is decided by counters in memory; nothing
// waits for a disk.
package limit
