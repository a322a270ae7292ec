// Package linktest creates links between machines for tests and benchmarks: network
// namespaces whose link is slow, distant or lossy, or can be taken down. It measures
// small answers that compete with large ones on them. Network namespaces exist on
// Linux only. The program itself does not import it.
package linktest
