package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

// TestAtWork runs a real aitunnel: the cheapest channel serves, a session stays where
// it was served, and when the budget is spent only the fallback channel serves.
func TestAtWork(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs aitunnel")
	}
	t.Setenv("CGO_ENABLED", "0") // as the plugin is released
	p := sdktest.Program(t, `
channel "last" {
  target   = "http://127.0.0.1:9"
  auth     = "none"
  fallback = true
}
route "/v1/**" {
  channels = [channel.dear, channel.cheap, channel.last]

  strategy "cheapest" {
    prices = { dear = 1000, cheap = 100 }
    budget = 0.5
  }
}
`, "dear", "cheap")
	const path, ask = "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	if status, answer := p.Post(path, ask, "X-Session-Id", "s"); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	if n := len(p.Asked("cheap")); n != 1 || len(p.Asked("dear")) != 0 {
		t.Errorf("the cheap channel got %d requests, the dear one %d", n, len(p.Asked("dear")))
	}
	// Each answer costs 0.2: after three the budget is spent, as soon as the next plan
	// is made.
	spent := func() bool {
		status, answer := p.Post(path, ask)
		return status != 200 && !strings.Contains(answer, "hi")
	}
	for deadline := time.Now().Add(2 * time.Minute); !spent(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the budget is never spent")
		}
	}
	if len(p.Asked("dear")) != 0 {
		t.Error("the dear channel was asked")
	}
}
