// Package channel holds the state of channels and keys: health, breakers,
// cooldowns, marks, latency, counters and the user's pauses. This state is
// independent of configurations, so it survives reloads: a channel is
// identified by its name and target, a key by a fingerprint of its value.
package channel
