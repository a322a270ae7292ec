// Package linktest makes links between machines for tests and for the bench:
// network namespaces whose link is slow, distant or lossy, or can be taken down,
// and measures small answers beside large ones on them. Networks are there on
// Linux only. The program itself does not import it.
package linktest
