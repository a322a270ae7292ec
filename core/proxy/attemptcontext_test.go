package proxy

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestAttemptContext: it behaves like a context of the standard library.
func TestAttemptContext(t *testing.T) {
	t.Parallel()
	errOwn := errors.New("own")
	for name, end := range map[string]func(c *attemptContext, caller context.CancelCauseFunc){
		"by itself":       func(c *attemptContext, _ context.CancelCauseFunc) { c.end(errOwn) },
		"with the caller": func(_ *attemptContext, caller context.CancelCauseFunc) { caller(errOwn) },
		"twice":           func(c *attemptContext, caller context.CancelCauseFunc) { c.end(errOwn); caller(context.Canceled) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			type key struct{}
			caller, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
			defer cancel(nil)
			c := &attemptContext{Context: caller}
			calls := make(chan string, 4)
			c.AfterFunc(func() { calls <- "first" })
			stop := context.AfterFunc(c, func() { calls <- "second" })
			dropped := c.AfterFunc(func() { calls <- "dropped" })
			child, cancelChild := context.WithTimeout(c, time.Hour)
			defer cancelChild()
			if !dropped() || dropped() || c.Err() != nil || c.reason() != nil || c.Value(key{}) != "value" {
				t.Fatalf("before its end: %v, %v", c.Err(), c.reason())
			}
			select {
			case <-c.Done():
				t.Fatal("done before its end")
			default:
			}
			end(c, cancel)
			<-c.Done()
			<-child.Done()
			got := map[string]bool{<-calls: true, <-calls: true}
			if !got["first"] || !got["second"] || stop() {
				t.Errorf("called at its end: %v", got)
			}
			if !errors.Is(c.Err(), context.Canceled) || !errors.Is(c.reason(), errOwn) || child.Err() == nil {
				t.Errorf("after its end: %v, %v, %v", c.Err(), c.reason(), child.Err())
			}
			late := c.AfterFunc(func() { calls <- "late" })
			if got := <-calls; got != "late" || late() {
				t.Errorf("called after its end: %s", got)
			}
		})
	}
}

// TestAttemptOfADisconnectedCaller: its context is done from the start.
func TestAttemptOfADisconnectedCaller(t *testing.T) {
	t.Parallel()
	caller, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		c := &attemptContext{Context: caller}
		if c.Err() == nil {
			t.Error("no error")
		}
		c.follow()
		<-c.Done()
		c.end(nil)
	}
}
