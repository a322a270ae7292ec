package sdktest

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/sdk"
)

// closes checks that a closed instance leaves nothing behind, and that calls of it are
// harmless.
func (k *kit) closes(t *testing.T) {
	before := goleak.IgnoreCurrent()
	r := k.serve(t)
	c := r.open(nil)
	k.use(r, c, k.needed) // and closes
	closed := r.last()
	k.callsAfterClose(t, closed)
	for _, v := range wrong(k.described.Schema) { // what a refusal leaves
		if c, err := r.configure(v.settings); err == nil {
			r.close(c)
		}
	}
	r.hangUp()
	k.leaks(t, before, "Close")
}

// callsAfterClose calls a closed component directly, since the SDK would not.
func (k *kit) callsAfterClose(t *testing.T, c sdk.Component) {
	t.Helper()
	try(t, "Close, called again,", func() { _ = c.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	try(t, "a call after Close", func() { k.direct(ctx, c) })
}

// direct calls a component without the wire.
func (k *kit) direct(ctx context.Context, c sdk.Component) {
	switch c := c.(type) {
	case sdk.Strategy:
		_, _ = c.Plan(ctx, sdk.PlanRequest{Channels: candidates(2)})
	case sdk.KeySelector:
		_, _ = c.PlanKeys(ctx, sdk.KeyPlanRequest{Keys: candidates(2)})
	case sdk.HealthChecker:
		_, _ = c.Check(ctx, checkRequest, gone{})
	}
}

// try runs f, which must neither panic nor hang.
func try(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan string, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Sprintf("%s panics: %v\n%s", what, p, debug.Stack())
				return
			}
			done <- ""
		}()
		f()
	}()
	select {
	case fault := <-done:
		if fault != "" {
			t.Error(fault)
		}
	case <-time.After(patience):
		t.Errorf("%s does not return within %s", what, patience)
	}
}

// leaks fails the test if there are new goroutines.
func (k *kit) leaks(t *testing.T, before goleak.Option, after string) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = goleak.Find(before); err == nil {
			return
		}
	}
	text := err.Error()
	if len(text) > 4000 {
		text = text[:4000] + "…"
	}
	t.Errorf("goroutines are left after %s: end them in Close\n%s", after, strings.TrimSpace(text))
}
