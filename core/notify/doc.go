// Package notify tells the owner what needs them: a channel that is down, a key
// that is refused, a budget that is used up, and when it is over. What happens
// within a minute is one message. It follows the events of the program, and
// nothing waits for it: a service that hangs is tried again with growing pauses,
// while what happens is gathered.
package notify
