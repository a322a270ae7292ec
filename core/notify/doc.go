// Package notify sends notifications about problems that need the user: a channel that is down,
// a key that is rejected, a budget that is used up; and when they are over. Problems that
// occur together are combined into one message. It follows the events of the program, and
// nothing waits for it: if a service does not answer, the message is retried with growing
// pauses, while further problems are collected.
package notify
