// Package limit bounds what is used: requests and tokens a minute, requests in
// flight, and budgets of a period. A [Limiter] belongs to a channel, a key or a
// client; requests of a client that is over its limit wait in its [Gate], and
// those for which every channel is full in [Lines]. Everything is decided on
// counters in memory; nothing waits for a disk.
package limit
