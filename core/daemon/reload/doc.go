// Package reload applies configurations. A reload is a transaction: build creates
// everything that is new in a configuration without changing what is running, and then
// either commit or discard ends the transaction. What two configurations have in
// common keeps running, and requests in flight finish in the generation in which they
// began.
package reload
