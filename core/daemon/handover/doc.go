// Package handover is the protocol between two processes of the program during a
// restart: the running one and the one that replaces it. The new process takes over
// once its configuration is ready to run; until then the old one serves, and
// afterwards it finishes its requests in flight.
package handover
