// Package channel holds what the program has learnt about channels and keys:
// health, breakers, cooldowns, marks, latency, counters and the user's pauses.
// This state belongs to no configuration, so it outlives every reload: a channel
// is identified by its name and target, a key by a fingerprint of its value.
package channel
