// Package statefile owns the files of a state directory: the lock that reserves it for
// one daemon, the seed of fingerprints, and files of saved state, which are written
// atomically and checked when they are read.
package statefile
