// Package channel holds the state of channels and keys: health, breakers,
// cooldowns, marks, latency, counters, and whether the user paused them. This state does
// not belong to a configuration, so it survives reloads: a channel is
// identified by its name and target, a key by a fingerprint of its value.
package channel
