package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

const configuration = `
channel "cheap" {
  target = local.sites.cheap

  key "home" {
    value = "key-of-cheap"
  }
}
channel "last" {
  target   = "http://127.0.0.1:9"
  auth     = "none"
  fallback = true
}
route "/v1/**" {
  channels = [channel.expensive, channel.cheap, channel.last]

  strategy "cheapest" {
    prices = { expensive = 110, cheap = 100 }
    budget = 1
  }
}
`

// TestInAitunnel runs a real aitunnel: requests go to the cheapest channel, a session stays
// on its channel, and when the budget is spent only the fallback channel is used.
func TestInAitunnel(t *testing.T) {
	if testing.Short() {
		t.Skip("this builds and runs aitunnel")
	}
	t.Setenv("CGO_ENABLED", "0") // as the plugin is released
	p := sdktest.Program(t, configuration, "expensive", "cheap")
	ask := func(headers ...string) int {
		status, _ := p.Post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, headers...)
		return status
	}
	served := func(site string, headers ...string) bool {
		before := len(p.Asked(site))
		return ask(headers...) == http.StatusOK && len(p.Asked(site)) == before+1
	}
	if !served("cheap") {
		t.Error("the request did not go to the cheap channel")
	}
	if got := p.Asked("cheap")[0].Header.Get("Authorization"); got != "Bearer key-of-cheap" {
		t.Errorf("the cheap site got %q", got)
	}

	// A session that went to the expensive channel, since the other one failed, stays there.
	// Results reach the strategy about a second later. Requests until then cost next to nothing.
	p.Answer("expensive", free)
	sessions := 0
	within(t, "a session stays on the expensive channel, and other requests go to the cheap one", func() bool {
		sessions++
		session := []string{"X-Session-Id", fmt.Sprint("session-", sessions)}
		p.Answer("cheap", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		if !served("expensive", session...) {
			t.Fatal("the request does not go to the expensive channel when the other one fails")
		}
		p.Answer("cheap", free)
		time.Sleep(2 * time.Second)
		return served("expensive", session...) && served("cheap")
	})

	// Each answer costs 0.2: the next plan says that the budget is spent.
	p.Answer("cheap", nil)
	within(t, "the budget is spent", func() bool { return ask() != http.StatusOK })
	if before := len(p.Asked("expensive")); ask("X-Session-Id", fmt.Sprint("session-", sessions)) == http.StatusOK || len(p.Asked("expensive")) > before {
		t.Error("the expensive channel is used although the budget is spent")
	}
}

// free is an answer with a single token.
func free(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":0}}`)
}

// within waits until something happens; plans are renewed every 5 seconds.
func within(t *testing.T, what string, happens func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !happens(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out; expected: %s", what)
		}
	}
}
