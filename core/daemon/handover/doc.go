// Package handover is what two processes of the program say to each other in a
// restart: the one that runs, and the one that takes its place. The new one takes
// over when its configuration is ready to run; the old one keeps answering until
// then, and afterwards finishes its requests in flight.
package handover
