//go:build race

package daemon_test

// slowdown is how many times slower the program may be under the race detector.
const slowdown = 5
