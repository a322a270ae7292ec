// Package statefile owns the files of a state directory: the lock that gives it
// to one daemon, the seed of fingerprints, and files of saved state that are
// written in one piece and never trusted blindly.
package statefile
