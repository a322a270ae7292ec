// Package logsink writes the log. It guarantees that logging neither blocks nor
// ends the program: lines go through a bounded queue, and what cannot be
// written in time, or at all, is dropped, counted and reported.
package logsink
